//! The making of tokens for those who may have them.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use symbolon_token::legacy::{self, LegacyUnverified};
use symbolon_token::{
    AccessToken, BuildError, Issue, Issuing, Limits, Role, Service, TokenBuilder, TokenId, UidRequest,
};

use super::go;
use super::wanted::{Format, Wanted};
use crate::app::fingerprint;
use crate::audit::Made;
use crate::caller::{Caller, Denied};
use crate::config::{App, TokenPolicy};
use crate::random;

/// Why a token is not made, in the words of whoever asks over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// A fixed word, for programs.
    pub(super) reason: &'static str,
    pub(super) text: String,
    /// When another try can succeed, in seconds.
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &'static str, text: impl Into<String>) -> Self {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(2);
        Self { status, reason, text: text.into(), retry_after }
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
            StatusCode::TOO_MANY_REQUESTS => "limited",
            _ => "invalid",
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, denied.reason(), denied.to_string())
    }
}

impl From<BuildError> for Refusal {
    fn from(error: BuildError) -> Self {
        let reason = match error {
            BuildError::ChannelName => INVALID_CHANNEL,
            BuildError::UserAccount | BuildError::RtmUserId | BuildError::WildcardForAnyUser => INVALID_UID,
            BuildError::LifetimeTooLong { .. } => EXPIRE_TOO_LONG,
            BuildError::NoServices | BuildError::StringTooLong { .. } | BuildError::TooMany { .. } | _ => {
                "invalid_request"
            }
        };
        Self::bad_request(reason, error.to_string())
    }
}

/// Makes tokens for one app.
#[derive(Clone, Debug)]
pub(super) struct Minter {
    pub(super) app: Arc<App>,
    /// Whether that is the app of requests that name none.
    is_default: bool,
    pub(super) policy: TokenPolicy,
    /// Names the certificate, and tells nothing of it.
    fingerprint: String,
}

/// A token that was made.
pub(super) struct Minted {
    pub(super) token: String,
    /// When it was made, in Unix seconds.
    pub(super) issued_at: u64,
    /// When it ends, in Unix seconds.
    pub(super) until: u64,
    id: Option<TokenId>,
}

impl Minter {
    pub(super) fn new(app: Arc<App>, is_default: bool, policy: TokenPolicy) -> Self {
        let fingerprint = fingerprint(&app.certificate);
        Self { app, is_default, policy, fingerprint }
    }

    /// Makes a token, if this caller may have everything in it.
    pub(super) fn mint(&self, caller: &Caller, wanted: &Wanted) -> Result<Minted, Refusal> {
        wanted.check(self.policy.strict)?;
        self.check_app(caller)?;
        wanted.asks().try_for_each(|ask| caller.allows(ask))?;
        let issue = issue()?;
        let issuing = if self.policy.strict { Issuing::from(issue) } else { issue.compatible() };
        let (token, id) = match wanted.format {
            Format::V007 => self.token(issuing, wanted)?,
            Format::V006 => self.token_006(issuing, wanted).map(|token| {
                let id = self.id_006(&token, wanted);
                (token, id)
            })?,
        };
        check_length(&token)?;
        let issued_at = u64::from(issue.ts);
        Ok(Minted { token, issued_at, until: issued_at + u64::from(wanted.life), id })
    }

    fn token(&self, issuing: Issuing, wanted: &Wanted) -> Result<(String, Option<TokenId>), BuildError> {
        let mut token = AccessToken::new(self.app.id, issuing, wanted.life);
        token.services.clone_from(&wanted.services);
        let certificate = &self.app.certificate;
        BUILDER.with_borrow_mut(|kept| {
            let builder = kept.get_or_insert_with(|| TokenBuilder::new(certificate.clone()));
            builder.sign_with(certificate);
            builder.build_with_id(&token).map(|(token, id)| (token, Some(id)))
        })
    }

    fn token_006(&self, issuing: Issuing, wanted: &Wanted) -> Result<String, BuildError> {
        let (id, certificate) = (self.app.id, &self.app.certificate);
        let ends = issuing.issue.ts.saturating_add(wanted.life);
        match &*wanted.services {
            [Service::Rtc { channel, uid, privileges }] => {
                let role = if privileges.len() > 1 { Role::Publisher } else { Role::Subscriber };
                legacy::build_token_with_account(issuing, id, certificate, channel, uid, role, ends)
            }
            [Service::Rtm { user_id, .. }] => legacy::build_rtm_token(issuing, id, certificate, user_id, ends),
            _ => Err(BuildError::NoServices),
        }
    }

    /// The id of a 006 token, which only who knows its channel and user can read.
    fn id_006(&self, token: &str, wanted: &Wanted) -> Option<TokenId> {
        let (channel, user) = match &*wanted.services {
            [Service::Rtc { channel, uid, .. }] => (channel, &**uid),
            [Service::Rtm { user_id, .. }] => (user_id, ""),
            _ => return None,
        };
        let token = LegacyUnverified::decode(token, Limits::default()).ok()?;
        let certificates = std::slice::from_ref(&self.app.certificate);
        token.verify(certificates, channel, UidRequest::Text(user)).ok().map(|claims| claims.id())
    }

    /// What the audit keeps of a token.
    pub(super) fn made(&self, minted: &Minted) -> Made<'_> {
        let id = minted.id.map(|id| id.to_string());
        Made { id, certificate: &self.fingerprint, until: minted.until }
    }

    /// Checks that this caller may have tokens of this app, and then that anybody may.
    pub(super) fn check_app(&self, caller: &Caller) -> Result<(), Refusal> {
        caller.allows_app(&self.app.id, self.is_default)?;
        if self.app.enabled {
            Ok(())
        } else {
            Err(Refusal::new(StatusCode::FORBIDDEN, "project_disabled", "the app has been disabled by its operator"))
        }
    }
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
            let reason = if seconds == 0 { INVALID_EXPIRE } else { EXPIRE_TOO_LONG };
            Err(Refusal::bad_request(reason, format!("a token lives for 1 to {MAX_LIFE} seconds, not {seconds}")))
        }
    }
}

/// A token that no verifier reads is of no use.
fn check_length(token: &str) -> Result<(), Refusal> {
    let most = Limits::default().text;
    if token.len() <= most {
        return Ok(());
    }
    let text =
        format!("the token would have {} characters, and {most} are read at most; ask for less in it", token.len());
    Err(Refusal::bad_request("token_too_long", text))
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
    match u32::try_from(unix_now()) {
        Ok(now) if clock_is_sane() => Ok(Issue::at(now, u32::from_ne_bytes(random::bytes()))),
        _ => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "clock_unsynced", "the server's clock is wrong")),
    }
}

thread_local! {
    /// A builder has memory that is worth using again.
    static BUILDER: RefCell<Option<TokenBuilder>> = const { RefCell::new(None) };
}

pub(super) const INVALID_CHANNEL: &str = "invalid_channel";
pub(super) const INVALID_UID: &str = "invalid_uid";
pub(super) const INVALID_EXPIRE: &str = "invalid_expire";
pub(super) const EXPIRE_TOO_LONG: &str = "expire_too_long";

/// The life of a token when none is asked for, in seconds.
pub(super) const DEFAULT_LIFE: u32 = 3600;

/// The longest life of a token, in seconds.
const MAX_LIFE: u32 = 86_400;

/// No clock before this release shows the truth (2026-11-01).
const EARLIEST: Duration = Duration::from_secs(1_793_491_200);
