//! What a caller may have: which channels, which user, which roles, for how long.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use symbolon_token::{AppId, Role, channel_name_is_valid, user_account_is_valid};

/// What one caller may have. Everything that it does not name is refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// Which apps. Absent: the default app alone.
    #[serde(default, deserialize_with = "app_ids")]
    pub(crate) apps: Option<Vec<AppId>>,
    /// Which channels: exact names, prefixes such as `team-a-*`, templates such as `room-{claim:org}`; `*` is any.
    pub(crate) channels: Vec<ChannelPattern>,
    /// Which user a token may be for.
    #[serde(default)]
    pub(crate) uid: UidRule,
    /// Which roles.
    #[serde(default = "subscriber_only")]
    pub(crate) roles: Vec<RoleName>,
    /// The longest life, in seconds.
    #[serde(default = "one_hour")]
    pub(crate) max_life: u32,
    /// Whether tokens for channel `*` may be had, which open any channel of an app that allows it.
    #[serde(default)]
    pub(crate) wildcards: bool,
    /// Whether tokens for services without a channel may be had: signalling and chat, for the user that `uid` allows.
    #[serde(default)]
    pub(crate) messaging: bool,
}

fn app_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<AppId>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let id = |text: String| AppId::parse(&text).map_err(|error| D::Error::custom(format!("app {text:?}: {error}")));
    texts.into_iter().map(id).collect::<Result<_, _>>().map(Some)
}

fn subscriber_only() -> Vec<RoleName> {
    vec![RoleName::Subscriber]
}

fn one_hour() -> u32 {
    3600
}

/// A role as policies name it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleName {
    Publisher,
    Subscriber,
}

/// Which user a token may be for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum UidRule {
    /// Any one user, but not the token that fits every user.
    #[default]
    AnyOne,
    /// Any user, and the token that fits every user as well.
    Any,
    /// The user that this claim of the caller's JWT names: a text, or a whole number from 1 to 4294967295.
    Claim(String),
    /// This user.
    Exactly(String),
}

/// A set of channel names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChannelPattern {
    parts: Vec<Part>,
    /// Whether anything may follow.
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Claim(String),
}

/// What a caller asks for, in its normal form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    /// The channel; none for services without one.
    pub(crate) channel: Option<&'a str>,
    /// The user; empty for a token that fits every user.
    pub(crate) user: &'a str,
    /// The role.
    pub(crate) role: Role,
    /// The life, in seconds.
    pub(crate) life: u32,
    /// Whether the token is for signalling or chat, also.
    pub(crate) messaging: bool,
}

/// Why a caller does not get it. The texts name the part that does not fit and nothing that the caller did not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("this caller may not have tokens of that app")]
    App,
    #[error("this caller may not have tokens for that channel")]
    Channel,
    #[error("this caller may not have tokens for every channel")]
    Wildcard,
    #[error("this caller may not have tokens for that user")]
    Uid,
    #[error("this caller may not have tokens for every user; name one")]
    AnyUid,
    #[error("this caller may not have tokens of that role")]
    Role,
    #[error("this caller may not have tokens that live so long; the longest is {max_s} s")]
    Life { max_s: u32 },
    #[error("this caller may not have tokens for signalling or chat")]
    Messaging,
}

impl Denied {
    /// The word for it, for programs.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::App => "app_not_allowed",
            Self::Channel => "channel_not_allowed",
            Self::Wildcard => "wildcard_not_allowed",
            Self::Uid => "user_not_allowed",
            Self::AnyUid => "any_user_not_allowed",
            Self::Role => "role_not_allowed",
            Self::Life { .. } => "life_not_allowed",
            Self::Messaging => "messaging_not_allowed",
        }
    }
}

impl Policy {
    /// Everything but the channel wildcard, for whoever asks: the open mode.
    pub(crate) fn open() -> Self {
        Self {
            apps: None,
            channels: vec![ChannelPattern { parts: Vec::new(), open: true }],
            uid: UidRule::Any,
            roles: vec![RoleName::Publisher, RoleName::Subscriber],
            max_life: 86_400,
            wildcards: false,
            messaging: true,
        }
    }

    /// Whether tokens of this app may be had.
    pub(crate) fn allows_app(&self, app: &AppId, is_default: bool) -> Result<(), Denied> {
        let allowed = self.apps.as_ref().map_or(is_default, |apps| apps.contains(app));
        if allowed { Ok(()) } else { Err(Denied::App) }
    }

    /// Whether a caller with these claims gets what it asks for. A claim of an unexpected shape grants nothing.
    pub(crate) fn allows(&self, claims: &Map<String, Value>, ask: Ask<'_>) -> Result<(), Denied> {
        match ask.channel {
            Some("*") if !self.wildcards => return Err(Denied::Wildcard),
            Some("*") => {}
            Some(channel) if !self.channels.iter().any(|pattern| pattern.holds(claims, channel)) => {
                return Err(Denied::Channel);
            }
            Some(_) | None => {}
        }
        if ask.messaging && !self.messaging {
            return Err(Denied::Messaging);
        }
        self.allows_user(claims, ask.user)?;
        let role = match ask.role {
            Role::Publisher => RoleName::Publisher,
            Role::Subscriber => RoleName::Subscriber,
        };
        if !self.roles.contains(&role) {
            return Err(Denied::Role);
        }
        if ask.life > self.max_life {
            return Err(Denied::Life { max_s: self.max_life });
        }
        Ok(())
    }

    fn allows_user(&self, claims: &Map<String, Value>, user: &str) -> Result<(), Denied> {
        let own = match &self.uid {
            UidRule::Any => return Ok(()),
            UidRule::AnyOne if user.is_empty() => return Err(Denied::AnyUid),
            UidRule::AnyOne => return Ok(()),
            UidRule::Exactly(own) => Some(own.clone()),
            UidRule::Claim(name) => claims.get(name).and_then(user_from_claim),
        };
        if own.is_some_and(|own| own == user) { Ok(()) } else { Err(Denied::Uid) }
    }
}

/// The user that a claim names, in its normal form.
fn user_from_claim(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            let number = number.as_u64().and_then(|number| u32::try_from(number).ok())?;
            (number != 0).then(|| number.to_string())
        }
        // The account "0" and numbers in another spelling would be other users than they look.
        Value::String(text) => (user_account_is_valid(text) && text != "0").then(|| text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl ChannelPattern {
    fn holds(&self, claims: &Map<String, Value>, channel: &str) -> bool {
        let mut rest = channel;
        for part in &self.parts {
            let text = match part {
                Part::Text(text) => Some(text.clone()),
                Part::Claim(name) => claims.get(name).and_then(name_from_claim),
            };
            match text.and_then(|text| rest.strip_prefix(text.as_str())) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        self.open || rest.is_empty()
    }

    /// Reads a pattern: text, `{claim:name}` and, at the very end, `*`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut rest, open) = text.strip_suffix('*').map_or((text, false), |rest| (rest, true));
        let mut parts = Vec::new();
        while let Some(at) = rest.find("{claim:") {
            let (before, claim) = rest.split_at(at);
            let claim = &claim["{claim:".len()..];
            let end = claim.find('}').ok_or_else(|| format!("channel pattern {text:?}: a brace is not closed"))?;
            push_text(&mut parts, before);
            parts.push(Part::Claim(claim[..end].to_owned()));
            rest = &claim[end + 1..];
        }
        push_text(&mut parts, rest);
        let texts = parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Claim(_) => None,
        });
        if !texts.clone().all(channel_name_is_valid) {
            return Err(format!(
                "channel pattern {text:?}: `*` stands at the end or nowhere, the rest is a channel name"
            ));
        }
        if parts.iter().any(|part| *part == Part::Claim(String::new())) {
            return Err(format!("channel pattern {text:?}: a claim has no name"));
        }
        if parts.is_empty() && !open {
            return Err("a channel pattern is empty".to_owned());
        }
        Ok(Self { parts, open })
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// What a claim puts into a channel name: a text that could stand in one, or a whole number.
fn name_from_claim(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => channel_name_is_valid(text).then(|| text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl<'de> Deserialize<'de> for ChannelPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for UidRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(':') {
            None if text == "any" => Ok(Self::Any),
            None if text == "any-one" => Ok(Self::AnyOne),
            Some(("claim", name)) if !name.is_empty() => Ok(Self::Claim(name.to_owned())),
            Some(("is", user)) if user_account_is_valid(user) => Ok(Self::Exactly(user.to_owned())),
            _ => Err(D::Error::custom("uid is one of any, any-one, claim:NAME, is:USER")),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(value: Value) -> Policy {
        serde_json::from_value(value).unwrap()
    }

    fn allows(policy: &Policy, claims: Value, channel: &str, user: &str) -> Result<(), Denied> {
        let claims = claims.as_object().cloned().unwrap_or_default();
        policy.allows(&claims, Ask { channel: Some(channel), user, role: Role::Subscriber, life: 60, messaging: false })
    }

    #[test]
    fn channels_are_exact_prefixes_or_templates() {
        let policy = policy(json!({ "channels": ["lobby", "team-a-*", "room-{claim:org}"] }));
        let claims = json!({ "org": "acme" });
        for channel in ["lobby", "team-a-", "team-a-1", "room-acme"] {
            assert_eq!(allows(&policy, claims.clone(), channel, "7"), Ok(()), "{channel}");
        }
        for channel in ["lobby2", "Lobby", "team-b-1", "room-", "room-acme2", "room-evil", ""] {
            assert_eq!(allows(&policy, claims.clone(), channel, "7"), Err(Denied::Channel), "{channel}");
        }
    }

    #[test]
    fn a_claim_of_an_unexpected_shape_grants_nothing() {
        let policy = policy(json!({ "channels": ["room-{claim:org}"], "uid": "claim:sub" }));
        for org in
            [json!(null), json!(["acme"]), json!({ "a": 1 }), json!(true), json!(""), json!("*"), json!(-1), json!(1.5)]
        {
            let claims = json!({ "org": org, "sub": "7" });
            assert_eq!(allows(&policy, claims.clone(), "room-acme", "7"), Err(Denied::Channel), "{claims}");
            assert_eq!(allows(&policy, claims.clone(), "room-", "7"), Err(Denied::Channel), "{claims}");
        }
        for sub in [json!(null), json!(["7"]), json!(7.5), json!(0), json!("0"), json!(""), json!(4_294_967_296_u64)] {
            let claims = json!({ "org": "acme", "sub": sub });
            for user in ["7", "", "0"] {
                assert_eq!(allows(&policy, claims.clone(), "room-acme", user), Err(Denied::Uid), "{claims} {user}");
            }
        }
        assert_eq!(allows(&policy, json!({ "org": "acme", "sub": 7 }), "room-acme", "7"), Ok(()));
    }

    #[test]
    fn wildcards_every_user_roles_and_lives_are_asked_for_one_by_one() {
        let narrow = policy(json!({ "channels": ["*"] }));
        assert_eq!(allows(&narrow, json!({}), "*", "7"), Err(Denied::Wildcard));
        assert_eq!(allows(&narrow, json!({}), "any", ""), Err(Denied::AnyUid));
        let ask = |role, life| Ask { channel: Some("any"), user: "7", role, life, messaging: false };
        let none = Map::new();
        assert_eq!(narrow.allows(&none, ask(Role::Publisher, 60)), Err(Denied::Role));
        assert_eq!(narrow.allows(&none, ask(Role::Subscriber, 3601)), Err(Denied::Life { max_s: 3600 }));
        assert_eq!(
            narrow.allows(&none, Ask { channel: None, messaging: true, ..ask(Role::Subscriber, 60) }),
            Err(Denied::Messaging)
        );

        let wide = policy(json!({ "channels": [], "wildcards": true, "uid": "any", "roles": ["publisher"] }));
        assert_eq!(wide.allows(&none, Ask { channel: Some("*"), user: "", ..ask(Role::Publisher, 60) }), Ok(()));
    }

    #[test]
    fn a_policy_that_says_nothing_sensible_is_refused() {
        for value in [
            json!({}),
            json!({ "channels": ["a*b"] }),
            json!({ "channels": [""] }),
            json!({ "channels": ["room-{claim:"] }),
            json!({ "channels": ["room-{claim:}"] }),
            json!({ "channels": ["a"], "uid": "everybody" }),
            json!({ "channels": ["a"], "roles": ["admin"] }),
            json!({ "channels": ["a"], "admin": true }),
        ] {
            assert!(serde_json::from_value::<Policy>(value.clone()).is_err(), "{value}");
        }
    }
}
