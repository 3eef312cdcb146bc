//! From a token to a grant: the checks of a join, in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use symbolon_token::{
    AppCertificate, CertificateId, JoinRequest, Limits as TokenLimits, Policy, Project, RtcAccess, TokenError, TokenId,
    UidRequest, Wildcards, verify,
};

use crate::Now;
use crate::code::{ErrorCode, Reason, RenewCode};
use crate::id::{AppId, ChannelName, Token, Uid};
use crate::message::{Ended, Privilege};

/// What a token gives its holder: deadlines on our clock, in one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The uid that the token names; absent when it was made for any user.
    pub uid: Option<Uid>,
    /// Which token this is, whatever its text looked like.
    pub token_id: TokenId,
    /// Which certificate signed that token.
    pub certificate: CertificateId,
    unix: PrivilegeEnds<u64>,
    instants: PrivilegeEnds<Instant>,
}

/// The ends of the four privileges; absent means not granted.
type PrivilegeEnds<T> = [Option<T>; 4];

impl Grant {
    fn new(app: &App, access: &RtcAccess, now: Now) -> Result<Self, Ended> {
        let uid = match access.uid.as_str() {
            "" => None,
            text => Some(Uid::parse(text).ok_or_else(|| invalid_token("uid_mismatch", ACCOUNT_TOKEN))?),
        };
        let join = Some(access.join_until);
        let publish = |until: Option<u64>| if app.publish_privileges { until } else { join };
        let unix = [join, publish(access.audio_until), publish(access.video_until), publish(access.data_until)];
        let instants = unix.map(|end| end.map(|end| now.instant_at(end)));
        let certificate = app.certificates[access.certificate_index].id();
        Ok(Self { uid, token_id: access.token_id, certificate, unix, instants })
    }

    /// When a privilege ends; absent when it was not granted.
    pub fn until(&self, privilege: Privilege) -> Option<Instant> {
        self.instants[privilege as usize]
    }

    /// Whether the token was made for one user rather than for any.
    pub fn is_exact(&self) -> bool {
        self.uid.is_some()
    }

    /// Makes the instants anew, after the two clocks have moved apart.
    pub fn remake(&mut self, now: Now) {
        self.instants = self.unix.map(|end| end.map(|end| now.instant_at(end)));
    }

    /// The privileges that end at this instant.
    pub fn ending_at(&self, end: Instant) -> Vec<Privilege> {
        Privilege::ALL.into_iter().filter(|privilege| self.until(*privilege) == Some(end)).collect()
    }
}

const ACCOUNT_TOKEN: &str = "the token was made for a user account, and this channel is joined by uid";

/// One tenant.
#[derive(Clone, Debug)]
pub struct App {
    /// The certificates that sign its tokens, each as good as the others.
    pub certificates: Vec<AppCertificate>,
    /// Certificates that are taken no more, and whose sessions are over as well.
    pub revoked: BTreeSet<CertificateId>,
    /// Whether joins are refused altogether.
    pub disabled: bool,
    /// Whether the sessions of a disabled app are over as well.
    pub disabling_ends_sessions: bool,
    /// Which channel wildcards its tokens may use.
    pub wildcards: Wildcards,
    /// Whether tokens of the older 006 format are taken. Off by default: that format can be rewritten to pass for other
    /// channels and users.
    pub accept_006: bool,
    /// Whether publishing needs the publish privileges. On by default; off for networks that never checked them.
    pub publish_privileges: bool,
}

impl App {
    /// An app with these certificates and the safe defaults.
    pub fn new(certificates: Vec<AppCertificate>) -> Self {
        Self {
            certificates,
            revoked: BTreeSet::new(),
            disabled: false,
            disabling_ends_sessions: false,
            wildcards: Wildcards::Off,
            accept_006: false,
            publish_privileges: true,
        }
    }
}

/// All apps, and the checks at the door.
#[derive(Clone, Debug, Default)]
pub struct Door {
    apps: BTreeMap<AppId, App>,
}

/// Who may come in: the outcome of a join's checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The tenant.
    pub app: AppId,
    /// The channel.
    pub channel: ChannelName,
    /// The uid asked for, or the one that the token names; absent when one is to be given.
    pub uid: Option<Uid>,
    /// What the token gives.
    pub grant: Grant,
}

impl Door {
    /// A door for these apps.
    pub fn new(apps: BTreeMap<AppId, App>) -> Self {
        Self { apps }
    }

    /// Checks a join: channel name, App ID, token, in this order.
    ///
    /// # Errors
    /// The message that ends the attempt, with the code and reason of the engine API and a text that names the field
    /// that did not match.
    pub fn admit(&self, app_id: &str, channel: &str, uid: u32, token: Option<&Token>, now: Now) -> Result<Pass, Ended> {
        let name = ChannelName::parse(channel).map_err(|error| {
            ended(ErrorCode::InvalidChannelName, Reason::InvalidChannelName, "invalid_channel", error)
        })?;
        let (app_id, app) = self.app(app_id)?;
        let token = token.filter(|token| !token.expose().is_empty()).ok_or_else(|| {
            invalid_token("token_missing", "this app admits nobody without a token; ask the token server for one")
        })?;
        let uid = Uid::new(uid);
        let access = access(app_id, app, &name, uid, token, now).map_err(|error| refusal(&error))?;
        let grant = Grant::new(app, &access, now)?;
        Ok(Pass { app: app_id, channel: name, uid: uid.or(grant.uid), grant })
    }

    /// Checks a renewal like a join: same App ID, same channel, same user.
    ///
    /// # Errors
    /// The code of the renewal's answer and the reason in words.
    pub fn renew(
        &self,
        app_id: AppId,
        channel: &ChannelName,
        uid: Uid,
        token: &Token,
        now: Now,
    ) -> Result<Grant, (RenewCode, String)> {
        let app = self.apps.get(&app_id).ok_or_else(|| (RenewCode::OtherAppId, UNKNOWN_APP.to_owned()))?;
        let access = access(app_id, app, channel, Some(uid), token, now)
            .map_err(|error| (renew_code(&error), error.to_string()))?;
        Grant::new(app, &access, now).map_err(|ended| (RenewCode::Invalid, ended.message))
    }

    /// Whether what admitted this member of an app has been taken back since.
    pub fn revoked(&self, app_id: &AppId, grant: &Grant) -> Option<Revoked> {
        match self.apps.get(app_id) {
            None => Some(Revoked::AppRemoved),
            Some(app) if app.disabled && app.disabling_ends_sessions => Some(Revoked::AppDisabled),
            Some(app) if app.revoked.contains(&grant.certificate) => Some(Revoked::Certificate),
            Some(_) => None,
        }
    }

    fn app(&self, app_id: &str) -> Result<(AppId, &App), Ended> {
        let malformed = |_| no_app("app_id_invalid", "an App ID is 32 hexadecimal characters");
        let id = AppId::parse(app_id).map_err(malformed)?;
        let app = self.apps.get(&id).ok_or_else(|| Revoked::AppRemoved.last_message())?;
        if app.disabled {
            return Err(Revoked::AppDisabled.last_message());
        }
        Ok((id, app))
    }
}

/// What an operator took back, with the sessions that it had let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The certificate that signed the member's token.
    Certificate,
    /// The app, for the time being.
    AppDisabled,
    /// The app.
    AppRemoved,
}

impl Revoked {
    pub(crate) fn last_message(self) -> Ended {
        match self {
            Self::Certificate => invalid_token(
                "certificate_retired",
                "the certificate that signed this token has been retired; ask the token server for a new token",
            ),
            Self::AppDisabled => no_app("project_disabled", "this App ID has been disabled by its operator"),
            Self::AppRemoved => no_app("app_id_unknown", UNKNOWN_APP),
        }
    }
}

fn no_app(slug: &str, message: &str) -> Ended {
    ended(ErrorCode::InvalidAppId, Reason::InvalidAppId, slug, message)
}

const UNKNOWN_APP: &str = "this server knows no such App ID; check the App ID given to initialize";

fn access(
    app_id: AppId,
    app: &App,
    channel: &ChannelName,
    uid: Option<Uid>,
    token: &Token,
    now: Now,
) -> Result<RtcAccess, TokenError> {
    let text = uid.map(|uid| uid.to_string());
    let request =
        JoinRequest { channel: channel.as_str(), uid: text.as_deref().map_or(UidRequest::Any, UidRequest::Text) };
    let project = Project { certificates: &app.certificates, disabled: app.disabled };
    let lookup = |id: &AppId| (*id == app_id).then_some(project);
    let policy = Policy { wildcards: app.wildcards, allow_006: app.accept_006, ..Policy::default() };
    verify(token.expose(), lookup, request, now.unix_seconds(), TokenLimits::default(), &policy)
}

fn refusal(error: &TokenError) -> Ended {
    match error.reason() {
        slug @ ("expired" | "privilege_expired") => ended(ErrorCode::TokenExpired, Reason::TokenExpired, slug, error),
        slug => ended(ErrorCode::InvalidToken, Reason::InvalidToken, slug, error),
    }
}

fn renew_code(error: &TokenError) -> RenewCode {
    match error.reason() {
        "expired" | "privilege_expired" => RenewCode::Expired,
        "channel_mismatch" | "wildcard_not_allowed" => RenewCode::OtherChannel,
        "app_id_mismatch" => RenewCode::OtherAppId,
        _ => RenewCode::Invalid,
    }
}

fn invalid_token(slug: &str, message: &str) -> Ended {
    ended(ErrorCode::InvalidToken, Reason::InvalidToken, slug, message)
}

/// The last message of a connection.
pub(crate) fn ended(code: ErrorCode, reason: Reason, slug: &str, message: impl ToString) -> Ended {
    Ended { code, reason, slug: slug.to_owned(), message: message.to_string(), retry_after_ms: None }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// A grant whose privileges (join, audio, video, data) end so many seconds after `start`.
    pub(crate) fn grant(start: Instant, ends: [Option<u64>; 4]) -> Grant {
        let instants = ends.map(|end| end.map(|end| start + Duration::from_secs(end)));
        let (token_id, certificate) = (TokenId::from_bytes([0; 32]), CertificateId::from_bytes([0; 32]));
        Grant { uid: None, token_id, certificate, unix: ends, instants }
    }
}
