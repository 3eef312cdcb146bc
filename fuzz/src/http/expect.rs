//! What the answer to a request has to grant, by the description of each route alone.

use serde_json::Value;

use super::fields::{Fields, decoded, parameter, plain, user};
use super::grant::{Grant, check_006, check_007};

/// A request that was answered.
pub(super) struct Asked<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a str,
    pub(super) body: &'a [u8],
    pub(super) strict: bool,
}

/// One token of an answer: where it stands, and what it has to grant.
struct Expected {
    at: &'static str,
    grants: Vec<Grant>,
    /// Whether it is of the older format.
    old: bool,
}

impl Asked<'_> {
    /// Every token in an answer is one that was asked for, and every token that was asked for is there.
    pub(super) fn check_tokens(&self, answer: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return };
        let expected = self.expected().unwrap_or_default();
        for at in PLACES {
            let is_expected = expected.iter().any(|one| one.at == *at);
            let is_there = answer.pointer(at).is_some();
            assert_eq!(is_there, is_expected, "{at} of {answer}");
        }
        for Expected { at, grants, old } in expected {
            let token = answer.pointer(at).and_then(Value::as_str).expect("a token is a text");
            match &*grants {
                [grant] if old => check_006(token, grant),
                _ => {
                    let claims = check_007(token, grants);
                    if self.path_and_query().0 == "/v1/tokens" {
                        self.check_native(&answer, &claims);
                    }
                }
            }
        }
    }

    /// The one answer of 500 that there is: an old server's word for a missing channel.
    pub(super) fn check_fault(&self, answer: &[u8]) {
        let (path, query) = self.path_and_query();
        assert!(!self.strict && path == "/access_token", "{}", self.target);
        assert_eq!(parameter(query, "channel").as_deref(), Some(""));
        assert_eq!(answer, br#"{"error":"channel is required"}"#);
    }

    fn expected(&self) -> Option<Vec<Expected>> {
        let (path, query) = self.path_and_query();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (self.method, &*segments) {
            (b"GET", ["access_token"]) => Some(vec![access_token(query)?]),
            (b"GET", [rest @ .., ""]) => self.get(rest, false),
            (b"GET", rest) => self.get(rest, true),
            (b"POST", ["getToken"]) => Some(vec![self.get_token()?]),
            (b"POST", ["token", "getNew"]) if !self.strict => Some(vec![self.get_token()?]),
            (b"POST", ["fetch_rtc_token"]) => {
                let fields = Fields::first(self.body)?;
                let grant = Grant::rtc(fields.text("channelname"), user(&fields.text("uid")), &fields.text("role"));
                Some(vec![new("/token", vec![grant])])
            }
            (b"POST", ["fetch_rtm_token"]) => {
                Some(vec![new("/token", vec![rtm(Fields::first(self.body)?.text("uid"))])])
            }
            (b"POST", ["token", "generate"]) => Some(vec![generate(&Fields::first(self.body)?)]),
            (b"POST", ["v1", "tokens"]) => Some(vec![native(&Fields::first(self.body)?)]),
            _ => None,
        }
    }

    fn get(&self, segments: &[&str], old: bool) -> Option<Vec<Expected>> {
        let texts: Vec<String> = segments.iter().map(|segment| decoded(segment)).collect::<Option<_>>()?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let one = |at, grants| Expected { at, grants, old };
        let entry = |channel: &str, role: &str, kind: &str, uid: &str| {
            Grant::rtc(channel, if kind == "uid" { user(uid) } else { uid.to_owned() }, role)
        };
        match *texts {
            ["rtc", channel, role, kind, uid] => Some(vec![one("/rtcToken", vec![entry(channel, role, kind, uid)])]),
            ["rtm", uid] => Some(vec![one("/rtmToken", vec![rtm(uid)])]),
            ["rte", channel, role, kind, uid, ref rest @ ..] if rest.len() < 2 => {
                let explicit = rest.first().filter(|text| !text.is_empty());
                let rtc = one("/rtcToken", vec![entry(channel, role, kind, uid)]);
                let both = self.messaging(channel, explicit.unwrap_or(&uid), role);
                let rtm = if old { both[both.len() - 1..].to_vec() } else { both };
                Some(vec![rtc, one("/rtmToken", rtm)])
            }
            ["chat", "app"] => Some(vec![one("/chatToken", vec![Grant::new(5, "", "", &[2])])]),
            ["chat", "account", account] => Some(vec![one("/chatToken", vec![Grant::new(5, "", account, &[1])])]),
            _ => None,
        }
    }

    fn get_token(&self) -> Option<Expected> {
        let fields = Fields::first(self.body)?;
        let (channel, uid, role) = (fields.text("channel"), fields.text("uid"), fields.text("role"));
        let grants = match &*fields.text("tokenType") {
            "rtc" => vec![Grant::rtc(channel, user(&uid), &role)],
            "rtm" => self.messaging(&channel, &uid, &role),
            "chat" if uid.is_empty() => vec![Grant::new(5, "", "", &[2])],
            "chat" => vec![Grant::new(5, "", uid, &[1])],
            _ => return None,
        };
        Some(new("/token", grants))
    }

    /// Signalling, and the channel too if there is one; strictly for publishers only.
    fn messaging(&self, channel: &str, user: &str, role: &str) -> Vec<Grant> {
        let enters = !channel.is_empty() && (!self.strict || matches!(role, "publisher" | "1"));
        let place = enters.then(|| Grant::new(1, channel, user, &[1, 4]));
        place.into_iter().chain([rtm(user)]).collect()
    }

    /// What the native route says beside the token is true.
    fn check_native(&self, answer: &Value, claims: &symbolon_token::Claims) {
        let asked = Fields::first(self.body).expect("it was read");
        let life = asked.value("expiresIn").as_u64().unwrap_or(3600);
        assert_eq!((u64::from(claims.expire()), answer["expiresIn"].as_u64()), (life, Some(life)), "{answer}");
        assert_eq!(answer["issuedAt"], claims.issue_ts(), "{answer}");
        assert_eq!(answer["expiresAt"], claims.ends_at(), "{answer}");
        assert_eq!(answer["appId"], claims.app_id().as_str(), "{answer}");
        let services = claims.services();
        assert_eq!(answer["services"].as_array().map(Vec::len), Some(services.len()), "{answer}");
    }

    fn path_and_query(&self) -> (&str, &str) {
        let target = self.target.split('#').next().unwrap_or_default();
        let target = match target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("", |at| &rest[at..]),
            _ => target,
        };
        target.split_once('?').unwrap_or((target, ""))
    }
}

fn new(at: &'static str, grants: Vec<Grant>) -> Expected {
    Expected { at, grants, old: false }
}

fn rtm(user: impl Into<String>) -> Grant {
    Grant::new(2, "", user, &[1])
}

fn access_token(query: &str) -> Option<Expected> {
    let grant = Grant::rtc(parameter(query, "channel")?, user(&parameter(query, "uid")?), "");
    Some(Expected { at: "/token", grants: vec![grant], old: true })
}

fn generate(fields: &Fields) -> Expected {
    let (uid, rtc, chat) = (fields.value("uid"), fields.object("serviceRtc"), fields.object("serviceChat"));
    let mut grants = Vec::new();
    if rtc.is_on("enable") {
        grants.push(Grant::rtc(fields.text("channelName"), user(&plain(uid)), &rtc.text("role")));
    }
    if fields.object("serviceRtm").is_on("enable") {
        grants.push(rtm(if uid.is_number() { user(&plain(uid)) } else { plain(uid) }));
    }
    if fields.object("serviceFpa").is_on("enable") {
        grants.push(Grant::new(4, "", "", &[1]));
    }
    if chat.is_on("enableUser") {
        grants.push(Grant::new(5, "", chat.text("userUuid"), &[1]));
    } else if chat.is_on("enableApp") {
        grants.push(Grant::new(5, "", "", &[2]));
    }
    new("/data/token", grants)
}

fn native(fields: &Fields) -> Expected {
    let services = fields.value("services").as_array();
    let grants = services.map_or_else(
        || vec![native_service("rtc", fields)],
        |all| {
            let service = |one: &Value| native_service(&plain(&one["kind"]), &Fields::of(one));
            all.iter().map(service).collect()
        },
    );
    new("/token", grants)
}

fn native_service(kind: &str, fields: &Fields) -> Grant {
    let channel = fields.text("channel");
    let account = fields.text("account");
    let holder = if account.is_empty() { user(&fields.text("uid")) } else { account };
    let granted = |names: &[&str]| -> Vec<u16> {
        let privileges = fields.value("privileges");
        let is_granted = |name: &str| !matches!(privileges[name], Value::Null | Value::Bool(false));
        (1..).zip(names).filter(|(_, name)| is_granted(name)).map(|(id, _)| id).collect()
    };
    match kind {
        "rtc" if fields.value("privileges").is_null() => Grant::rtc(channel, holder, &fields.text("role")),
        "rtc" => Grant::new(1, channel, holder, &granted(&["join", "publish_audio", "publish_video", "publish_data"])),
        "streaming" => Grant::new(3, channel, holder, &granted(&["publish_mix_stream", "publish_raw_stream"])),
        "cdn" => Grant::new(6, channel, holder, &granted(&["publish", "play"])),
        "rtm" => rtm(fields.text("user")),
        "chat" => Grant::new(5, "", fields.text("user"), &[1]),
        other => panic!("a token for a service of kind {other:?}"),
    }
}

/// Where answers have their tokens.
const PLACES: &[&str] = &["/rtcToken", "/rtmToken", "/chatToken", "/token", "/data/token"];
