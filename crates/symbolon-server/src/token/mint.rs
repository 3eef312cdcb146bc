//! What tokens there are to be had, who may have them, and the making of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use symbolon_token::builder::{chat, community};
use symbolon_token::{
    AppCertificate, BuildError, Issue, Issuing, Limits, Role, Unverified, channel_name_is_valid, user_account_is_valid,
};

use super::go;
use crate::audit::{Made, What};
use crate::caller::{Ask, Caller};
use crate::config::{App, TokenPolicy};

/// A token that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// To enter a channel. The empty user means any.
    Rtc { channel: String, user: String, role: Role },
    /// For signalling.
    Rtm { user: String },
    /// For signalling, and to enter a channel and send data there.
    RtmInChannel { user: String, channel: String },
    /// For the administration of chat.
    ChatApp,
    /// For one user of chat.
    ChatUser { user: String },
}

impl Wanted {
    /// A token for signalling, with the channel if one is named. Strictly a subscriber gets no channel with it: such a
    /// token lets its holder send data there, whatever the role.
    pub(super) fn rtm(user: String, channel: Option<String>, role: Role, strict: bool) -> Self {
        match channel {
            Some(channel) if !strict || role == Role::Publisher => Self::RtmInChannel { user, channel },
            _ => Self::Rtm { user },
        }
    }

    /// The word for logs and metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Rtc { .. } => "rtc",
            Self::Rtm { .. } => "rtm",
            Self::RtmInChannel { .. } => "rtm_in_channel",
            Self::ChatApp => "chat_app",
            Self::ChatUser { .. } => "chat_user",
        }
    }

    /// What a caller's policy is asked. Whatever lets its holder publish is a publisher's.
    fn ask(&self, life: u32) -> Ask<'_> {
        let (channel, user, role) = match self {
            Self::Rtc { channel, user, role } => (Some(channel.as_str()), user.as_str(), *role),
            Self::RtmInChannel { user, channel } => (Some(channel.as_str()), user.as_str(), Role::Publisher),
            Self::Rtm { user } | Self::ChatUser { user } => (None, user.as_str(), Role::Subscriber),
            Self::ChatApp => (None, "", Role::Publisher),
        };
        let messaging = !matches!(self, Self::Rtc { .. });
        Ask { channel, user, role, life, messaging }
    }

    /// What the audit keeps of it.
    pub(super) fn what(&self, life: u32) -> What<'_> {
        let Ask { channel, role, .. } = self.ask(life);
        let role = channel.map(|_| match role {
            Role::Publisher => "publisher",
            Role::Subscriber => "subscriber",
        });
        What { kind: self.kind(), channel, user: self.user(), role, life, privileges: self.privileges() }
    }

    fn privileges(&self) -> &'static [&'static str] {
        match self {
            Self::Rtc { role: Role::Publisher, .. } => &["join", "publish_audio", "publish_video", "publish_data"],
            Self::Rtc { role: Role::Subscriber, .. } => &["join"],
            Self::Rtm { .. } => &["login"],
            Self::RtmInChannel { .. } => &["join", "publish_data", "login"],
            Self::ChatApp => &["chat_app"],
            Self::ChatUser { .. } => &["chat_user"],
        }
    }

    fn user(&self) -> Option<&str> {
        match self {
            Self::Rtc { user, .. } => Some(&**user).filter(|user| !user.is_empty()),
            Self::Rtm { user } | Self::RtmInChannel { user, .. } | Self::ChatUser { user } => Some(user),
            Self::ChatApp => None,
        }
    }
}

/// Why a token is not made, in the words of whoever asks over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// A fixed word, for programs.
    pub(super) reason: &'static str,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &'static str, text: impl Into<String>) -> Self {
        Self { status, reason, text: text.into() }
    }

    pub(super) fn bad_request(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, text)
    }

    /// The word for metrics.
    pub(super) fn outcome(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "invalid",
        }
    }
}

/// Makes tokens for one app.
#[derive(Clone, Debug)]
pub(super) struct Minter {
    pub(super) app: App,
    pub(super) policy: TokenPolicy,
    /// Names the certificate, and tells nothing of it.
    fingerprint: String,
}

/// A token that was made.
pub(super) struct Minted {
    pub(super) token: String,
    /// When it ends, in Unix seconds.
    until: u64,
}

impl Minter {
    pub(super) fn new(app: App, policy: TokenPolicy) -> Self {
        let fingerprint = fingerprint(&app.certificate);
        Self { app, policy, fingerprint }
    }

    /// Makes a token that lives for `life` seconds, if this caller may have it.
    pub(super) fn mint(&self, caller: &Caller, wanted: &Wanted, life: u32) -> Result<Minted, Refusal> {
        self.check(wanted)?;
        caller
            .allows(wanted.ask(life))
            .map_err(|denied| Refusal::new(StatusCode::FORBIDDEN, denied.reason(), denied.to_string()))?;
        let issue = issue()?;
        let until = u64::from(issue.ts) + u64::from(life);
        let issue = if self.policy.strict { Issuing::from(issue) } else { issue.compatible() };
        let token = self.build(issue, wanted, life);
        let token = token.map_err(|error| Refusal::bad_request("invalid_request", error.to_string()))?;
        Ok(Minted { token, until })
    }

    /// What the audit keeps of a token.
    pub(super) fn made(&self, minted: &Minted) -> Made<'_> {
        let id = Unverified::decode(&minted.token, Limits::default()).ok().map(|token| token.unproven_id().to_string());
        Made { id, certificate: &self.fingerprint, until: minted.until }
    }

    /// Checks the names, whoever asks.
    fn check(&self, wanted: &Wanted) -> Result<(), Refusal> {
        match wanted {
            Wanted::Rtc { channel, .. } | Wanted::RtmInChannel { channel, .. } => self.check_channel(channel)?,
            Wanted::Rtm { .. } | Wanted::ChatApp | Wanted::ChatUser { .. } => {}
        }
        wanted.user().map_or(Ok(()), |user| self.check_user(user))
    }

    fn check_channel(&self, channel: &str) -> Result<(), Refusal> {
        match channel {
            "" => Err(Refusal::bad_request(INVALID_CHANNEL, "the channel is empty")),
            // The caller's policy decides on this one.
            "*" => Ok(()),
            _ if self.policy.strict && !channel_name_is_valid(channel) => {
                Err(Refusal::bad_request(INVALID_CHANNEL, BuildError::ChannelName.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn check_user(&self, user: &str) -> Result<(), Refusal> {
        if user.is_empty() {
            return Err(Refusal::bad_request(INVALID_UID, "the user account is empty"));
        }
        if self.policy.strict && !user_account_is_valid(user) {
            return Err(Refusal::bad_request(INVALID_UID, BuildError::UserAccount.to_string()));
        }
        Ok(())
    }

    fn build(&self, issue: Issuing, wanted: &Wanted, life: u32) -> Result<String, BuildError> {
        let App { id, certificate } = &self.app;
        match wanted {
            Wanted::Rtc { channel, user, role } => {
                community::build_token_with_user_account(issue, *id, certificate, channel, user, *role, life)
            }
            Wanted::Rtm { user } => community::build_rtm_token(issue, *id, certificate, user, None, life),
            Wanted::RtmInChannel { user, channel } => {
                community::build_rtm_token(issue, *id, certificate, user, Some(channel), life)
            }
            Wanted::ChatApp => chat::build_app_token(issue, *id, certificate, life),
            Wanted::ChatUser { user } => chat::build_user_token(issue, *id, certificate, user, life),
        }
    }
}

/// The first eight digits of the SHA-256 of a certificate: they name it among an app's few, and do not give it away.
fn fingerprint(certificate: &AppCertificate) -> String {
    let digest = Sha256::digest(certificate.dangerous_secret().as_bytes());
    digest[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a role: by name or number strictly, otherwise everything unknown is a subscriber.
pub(super) fn parse_role(text: &str, strict: bool) -> Result<Role, Refusal> {
    match text {
        "publisher" | "1" => Ok(Role::Publisher),
        "subscriber" | "audience" | "2" => Ok(Role::Subscriber),
        _ if !strict => Ok(Role::Subscriber),
        _ => {
            let quoted = go::quote(text);
            let text =
                format!("unknown role {quoted}: ask for publisher (or 1), or for subscriber (or audience, or 2)");
            Err(Refusal::bad_request("invalid_role", text))
        }
    }
}

/// Checks a life in seconds.
pub(super) fn check_life(seconds: u64) -> Result<u32, Refusal> {
    match u32::try_from(seconds) {
        Ok(life) if (1..=MAX_LIFE).contains(&life) => Ok(life),
        _ => {
            let reason = if seconds == 0 { INVALID_EXPIRE } else { "expire_too_long" };
            Err(Refusal::bad_request(reason, format!("a token lives for 1 to {MAX_LIFE} seconds, not {seconds}")))
        }
    }
}

/// Whether the clock shows a time that can be true. Tokens made by a clock that stands in the past are expired, or worse.
pub(crate) fn clock_is_sane() -> bool {
    SystemTime::now().duration_since(UNIX_EPOCH).is_ok_and(|now| now >= EARLIEST)
}

/// The wall clock, in whole Unix seconds.
pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

fn issue() -> Result<Issue, Refusal> {
    if clock_is_sane() {
        Ok(Issue::now())
    } else {
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "clock_unsynced", "the server's clock is wrong"))
    }
}

pub(super) const INVALID_CHANNEL: &str = "invalid_channel";
pub(super) const INVALID_UID: &str = "invalid_uid";
pub(super) const INVALID_EXPIRE: &str = "invalid_expire";

/// The life of a token when none is asked for, in seconds.
pub(super) const DEFAULT_LIFE: u32 = 3600;

/// The longest life of a token, in seconds.
const MAX_LIFE: u32 = 86_400;

/// No clock before this release shows the truth (2026-11-01).
const EARLIEST: Duration = Duration::from_secs(1_793_491_200);
