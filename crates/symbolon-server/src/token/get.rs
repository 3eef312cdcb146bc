//! The GET routes.

use axum::http::StatusCode;
use axum::response::Response;
use symbolon_token::Role;

use super::mint::{DEFAULT_LIFE, INVALID_EXPIRE, INVALID_UID, Refusal, check_life, parse_role};
use super::path::{Place, percent_decode, query_value};
use super::wanted::{Format, Wanted};
use super::{Desk, go, json};

/// An answer that is no success. The usual server names some of its texts `message` and others `error`.
pub(super) enum Wrong {
    Message(&'static str, String),
    Error(Refusal),
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self::Error(refusal)
    }
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Message(reason, text) => Self::bad_request(reason, text),
            Wrong::Error(refusal) => refusal,
        }
    }
}

impl Wrong {
    fn error(reason: &'static str, text: impl Into<String>) -> Self {
        Self::Error(Refusal::bad_request(reason, text))
    }
}

/// The four segments, decoded and checked as far as they can be without knowing who asks.
struct Entry {
    channel: String,
    role: Role,
    /// In decimal or as an account; empty for any user.
    user: String,
}

impl Desk<'_> {
    pub(super) fn rtc(&self, place: Place<'_>, query: Option<&str>) -> Response {
        finish(self.try_rtc(place, query, Format::V007))
    }

    pub(super) fn rtm(&self, uid: &str, query: Option<&str>) -> Response {
        finish(self.try_rtm(uid, query, Format::V007))
    }

    pub(super) fn rte(&self, place: Place<'_>, rtm_uid: &str, query: Option<&str>) -> Response {
        finish(self.try_rte(place, rtm_uid, query, Format::V007))
    }

    pub(super) fn chat(&self, user: Option<&str>, query: Option<&str>) -> Response {
        finish(self.try_chat(user, query))
    }

    pub(super) fn try_rtc(&self, place: Place<'_>, query: Option<&str>, format: Format) -> Result<String, Wrong> {
        let life = life(query, "RTC")?;
        let Entry { channel, role, user } = self.entry(place)?;
        let token = self.mint(&Wanted::rtc(channel, user, role, life).written(format))?.token;
        Ok(format!(r#"{{"rtcToken":"{token}"}}"#))
    }

    pub(super) fn try_rtm(&self, uid: &str, query: Option<&str>, format: Format) -> Result<String, Wrong> {
        let user = decode(uid)?;
        if user.is_empty() || user == "0" {
            let quoted = go::quote(&user);
            let text = format!("Error Generating RTM token: invalid RTM User ID: {quoted}");
            return Err(Wrong::Message(INVALID_UID, text));
        }
        let life = life(query, "RTM")?;
        let token = self.mint(&Wanted::signalling(user, life).written(format))?.token;
        Ok(format!(r#"{{"rtmToken":"{token}"}}"#))
    }

    /// The older format has no token for both signalling and the channel.
    pub(super) fn try_rte(
        &self,
        place: Place<'_>,
        rtm_uid: &str,
        query: Option<&str>,
        format: Format,
    ) -> Result<String, Wrong> {
        let explicit = decode(rtm_uid)?;
        let rtm_user = if explicit.is_empty() { decode(place.uid)? } else { explicit.clone() };
        if rtm_user.is_empty() || (explicit.is_empty() && rtm_user.bytes().all(|byte| byte == b'0')) {
            return Err(Wrong::Message(INVALID_UID, NO_RTM_USER.to_owned()));
        }
        let life = life(query, "RTC and RTM")?;
        let Entry { channel, role, user } = self.entry(place)?;
        let in_channel = (format == Format::V007).then(|| channel.clone());
        let rtm = Wanted::rtm(rtm_user, in_channel, role, self.strict(), life).written(format);
        let rtc = self.mint(&Wanted::rtc(channel, user, role, life).written(format))?.token;
        let rtm = self.mint(&rtm)?.token;
        Ok(format!(r#"{{"rtcToken":"{rtc}","rtmToken":"{rtm}"}}"#))
    }

    fn try_chat(&self, user: Option<&str>, query: Option<&str>) -> Result<String, Wrong> {
        let user = user.map(decode).transpose()?;
        if user.as_deref() == Some("") {
            return Err(Wrong::Message(INVALID_UID, NO_CHAT_USER.to_owned()));
        }
        let life = life(query, "Chat")?;
        let wanted = user.map_or_else(|| Wanted::chat_app(life), |user| Wanted::chat_user(user, life));
        let token = self.mint(&wanted)?.token;
        Ok(format!(r#"{{"chatToken":"{token}"}}"#))
    }

    fn entry(&self, place: Place<'_>) -> Result<Entry, Wrong> {
        let role = parse_role(&decode(place.role)?, self.strict())?;
        let user = match &*decode(place.token_type)? {
            "uid" => numeric_uid(&decode(place.uid)?)?,
            "userAccount" => account(&decode(place.uid)?)?,
            other => {
                let text = format!("{FAILED}failed to generate RTC token for Unknown Tokentype: {other}");
                return Err(Wrong::error("invalid_token_type", text));
            }
        };
        Ok(Entry { channel: decode(place.channel)?, role, user })
    }
}

/// A uid within 32 bits, in canonical decimals. 0 and nothing at all mean any user and are the empty text.
fn numeric_uid(text: &str) -> Result<String, Wrong> {
    let digits = if text.is_empty() { "0" } else { text };
    match go::parse_uint(digits, u32::MAX.into()) {
        Ok(0) => Ok(String::new()),
        Ok(uid) => Ok(uid.to_string()),
        Err(error) => {
            let cause = go::parse_uint_error(text, error);
            Err(Wrong::error(
                INVALID_UID,
                format!("{FAILED}failed to parse uidStr: {text}, to uint causing error: {cause}"),
            ))
        }
    }
}

fn account(text: &str) -> Result<String, Wrong> {
    if text.is_empty() {
        return Err(Wrong::error(INVALID_UID, format!("{FAILED}the user account is empty")));
    }
    Ok(text.to_owned())
}

/// The life that the query asks for, in seconds.
fn life(query: Option<&str>, kind: &str) -> Result<u32, Wrong> {
    let Some(value) = query_value(query.unwrap_or_default(), "expiry") else { return Ok(DEFAULT_LIFE) };
    let text = value.ok_or_else(|| Wrong::error("invalid_encoding", UNREADABLE))?;
    let seconds = go::parse_uint(&text, u64::MAX).map_err(|error| {
        let cause = go::parse_uint_error(&text, error);
        let text = format!("Error Generating {kind} token: failed to parse expireTime: {text}, causing error: {cause}");
        Wrong::Message(INVALID_EXPIRE, text)
    })?;
    Ok(check_life(seconds)?)
}

fn decode(segment: &str) -> Result<String, Wrong> {
    percent_decode(segment).ok_or_else(|| Wrong::error("invalid_encoding", UNREADABLE))
}

/// A refusal as a GET route words it.
pub(super) fn refused(refusal: Refusal) -> Response {
    finish(Err(Wrong::Error(refusal)))
}

fn finish(outcome: Result<String, Wrong>) -> Response {
    let (name, Refusal { status, reason, text, retry_after }) = match outcome {
        Ok(body) => return json(StatusCode::OK, body),
        Err(Wrong::Message(reason, text)) => ("message", Refusal::bad_request(reason, text)),
        Err(Wrong::Error(refusal)) => ("error", refusal),
    };
    let mut response = json(status, format!(r#"{{"{name}":{},"status":{}}}"#, go::json_string(&text), status.as_u16()));
    super::post::mark(status, reason, retry_after, &mut response);
    response
}

const FAILED: &str = "Error Generating RTC token - ";
const NO_RTM_USER: &str = "Error Generating RTC and RTM token: failed to parse rtm user ID. Cannot be empty or \"0\"";
const NO_CHAT_USER: &str = "Error Generating Chat token: userAccount type requires chat ID";
const UNREADABLE: &str = "the path or the query is not percent-encoded UTF-8";
