//! What verified claims allow: now, here, to this user.

use crate::access_token::{ANY_CHANNEL, LIFE_MAX, Mode};
use crate::claims::{Claims, TokenId};
use crate::error::TokenError;
use crate::service::{ApaasPrivilege, PrivilegesView, RtcPrivilege, ServiceKind, ServiceView};

/// What an app allows its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether a token for channel `*` counts. Default off.
    pub wildcards: Wildcards,
    /// How many seconds the issuer's clock may be ahead of ours. Default 60.
    pub clock_skew: u32,
    /// The longest life of a token, in seconds. Default 86400. A token that claims more is refused, and none is
    /// honoured for longer than this from now.
    pub max_life: u32,
    /// Whether [`verify`](crate::verify) takes tokens of the old 006 format. Default off: their weaknesses cannot be
    /// repaired by a verifier.
    pub allow_006: bool,
    /// Which channel names [`verify`](crate::verify) lets a client ask for. Default strict.
    pub channel_names: Mode,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            wildcards: Wildcards::Off,
            clock_skew: 60,
            max_life: LIFE_MAX,
            allow_006: false,
            channel_names: Mode::Strict,
        }
    }
}

/// Whether a token can be for any channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Wildcards {
    /// Never.
    #[default]
    Off,
    /// A token whose channel is the whole name `*` is for any channel, if it is for one user.
    Star,
}

/// The user that a client asks to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UidRequest<'a> {
    /// The client leaves it to the server (uid 0). A token for one user then makes it that user.
    Any,
    /// A decimal uid or a user account, compared byte for byte. The empty text is the same as [`Any`](Self::Any).
    Text(&'a str),
}

impl<'a> UidRequest<'a> {
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Text(_) | Self::Any => None,
        }
    }
}

/// What a token grants in the channel that was asked for. All times are Unix seconds, each already the earliest of its
/// own end, the token's end and the longest life allowed; a grant is over when the clock shows its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtcAccess {
    /// The uid or account that the token is for; empty when it is for any user.
    pub uid: String,
    /// Whether the token names its user.
    pub exact_uid: bool,
    /// Whether the token is for any channel.
    pub wildcard_channel: bool,
    /// When the token ends.
    pub ends_at: u64,
    /// When the right to be in the channel ends.
    pub join_until: u64,
    /// When the right to publish audio ends; none when there is no such right, or no more.
    pub audio_until: Option<u64>,
    /// When the right to publish video ends; none when there is no such right, or no more.
    pub video_until: Option<u64>,
    /// When the right to publish data ends; none when there is no such right, or no more.
    pub data_until: Option<u64>,
    /// The token's identity, for revoking it.
    pub token_id: TokenId,
    /// Which of the app's certificates made the signature.
    pub certificate_index: usize,
}

/// What a token grants of one privilege of one service. All times are Unix seconds, as in [`RtcAccess`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// The user that the token is for; empty when it is for any user.
    pub user: String,
    /// Whether the token names its user.
    pub exact_user: bool,
    /// Whether the token is for any channel.
    pub wildcard_channel: bool,
    /// When the token ends.
    pub ends_at: u64,
    /// When the privilege ends.
    pub until: u64,
    /// The token's identity, for revoking it.
    pub token_id: TokenId,
}

impl Claims {
    /// What these claims allow a client that joins `channel` as `uid` at Unix time `now`.
    ///
    /// One RTC service has to satisfy everything; services are never added up. Where several do, the one that lets
    /// publish most kinds counts, then one that names its user, then one that names its channel, then the first.
    ///
    /// ```
    /// use symbolon_token::{AppCertificate, AppId, Issue, Limits, Policy, Role, UidRequest, Unverified};
    /// use symbolon_token::builder::build_token_with_uid;
    ///
    /// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// let issue = Issue { ts: 1_800_000_000, salt: 1 };
    /// let token = build_token_with_uid(issue, app_id, &certificate, "room-1", 1001, Role::Publisher, 3600, 600)?;
    ///
    /// let claims = Unverified::decode(&token, Limits::default())?.verify(&[certificate])?;
    /// let access = claims.rtc_access(1_800_000_010, "room-1", UidRequest::Text("1001"), &Policy::default())?;
    /// assert_eq!(access.ends_at, 1_800_003_600);
    /// assert_eq!(access.video_until, Some(1_800_000_600));
    ///
    /// let refusal = claims.rtc_access(1_800_000_010, "room-2", UidRequest::Any, &Policy::default()).unwrap_err();
    /// assert_eq!(refusal.reason(), "channel_mismatch");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// In this order: `invalid_channel` (empty or `*`), `not_yet_valid`, `expired`, `lifetime_too_long`,
    /// `service_missing`, `channel_mismatch`, `wildcard_not_allowed`, `uid_mismatch`, `privilege_missing`,
    /// `privilege_expired`. With several services the one that came furthest names the reason.
    pub fn rtc_access(
        &self,
        now: u64,
        channel: &str,
        uid: UidRequest<'_>,
        policy: &Policy,
    ) -> Result<RtcAccess, TokenError> {
        if channel.is_empty() || channel == ANY_CHANNEL {
            return Err(TokenError::InvalidChannel);
        }
        let life = self.life(now, policy)?;
        let join = RtcPrivilege::JoinChannel.id();
        let ask = Ask { kind: ServiceKind::Rtc, privilege: join, place: channel, user: uid, policy };
        let (fit, join_until) = self.best(ask, life, |fit| fit.publishable_kinds(life))?;
        let publish = |privilege: RtcPrivilege| fit.granted(life, privilege.id()).ok();
        Ok(RtcAccess {
            uid: fit.service.user.to_owned(),
            exact_uid: !fit.service.user.is_empty(),
            wildcard_channel: fit.wildcard,
            ends_at: life.ends_at,
            join_until,
            audio_until: publish(RtcPrivilege::PublishAudio),
            video_until: publish(RtcPrivilege::PublishVideo),
            data_until: publish(RtcPrivilege::PublishData),
            token_id: self.id(),
            certificate_index: self.certificate_index,
        })
    }

    /// What these claims allow of one privilege of one service. `place` is the channel or room and `user` the user id,
    /// each looked at only where the service has one. A publishing right of RTC also needs the right to join.
    ///
    /// # Errors
    ///
    /// In the order of [`rtc_access`](Self::rtc_access), whose `invalid_channel` is for RTC only.
    pub fn access(
        &self,
        now: u64,
        kind: ServiceKind,
        place: &str,
        user: UidRequest<'_>,
        privilege: impl Into<u16>,
        policy: &Policy,
    ) -> Result<Access, TokenError> {
        if kind == ServiceKind::Rtc && (place.is_empty() || place == ANY_CHANNEL) {
            return Err(TokenError::InvalidChannel);
        }
        let life = self.life(now, policy)?;
        let ask = Ask { kind, privilege: privilege.into(), place, user, policy };
        let (fit, until) = self.best(ask, life, |_| 0)?;
        Ok(Access {
            user: fit.service.user.to_owned(),
            exact_user: !fit.service.user.is_empty(),
            wildcard_channel: fit.wildcard,
            ends_at: life.ends_at,
            until,
            token_id: self.id(),
        })
    }

    /// Checks the token's own times.
    fn life(&self, now: u64, policy: &Policy) -> Result<Life, TokenError> {
        let issue_ts = u64::from(self.issue_ts());
        if issue_ts > now.saturating_add(policy.clock_skew.into()) {
            return Err(TokenError::NotYetValid { ahead_s: issue_ts - now });
        }
        if now >= self.ends_at() {
            return Err(TokenError::Expired { ago_s: now - self.ends_at() });
        }
        if self.expire() > policy.max_life {
            return Err(TokenError::LifetimeTooLong { life_s: self.expire().into(), limit_s: policy.max_life.into() });
        }
        Ok(Life { now, counted_from: issue_ts, ends_at: policy.capped(now, self.ends_at()) })
    }

    /// The service that satisfies what is asked and ranks highest, with the end of the privilege asked for.
    fn best<'a>(
        &'a self,
        ask: Ask<'_>,
        life: Life,
        worth: impl Fn(Fit<'a>) -> usize,
    ) -> Result<(Fit<'a>, u64), TokenError> {
        let missing = TokenError::ServiceMissing { wanted: ask.kind, stopped_at: self.unknown_service() };
        let mut best: Result<(Fit<'a>, u64), TokenError> = Err(missing);
        let rank = |fit: Fit<'a>| (worth(fit), !fit.service.user.is_empty(), !fit.wildcard);
        self.each_service(|service| {
            if service.kind != ask.kind {
                return;
            }
            let tried = ask.fit(service).and_then(|fit| Ok((fit, ask.granted(fit, life)?)));
            let better = match (&tried, &best) {
                (Ok((new, _)), Ok((old, _))) => rank(*new) > rank(*old),
                (Ok(_), Err(_)) => true,
                (Err(_), Ok(_)) => false,
                (Err(new), Err(old)) => progress(new) > progress(old),
            };
            if better {
                best = tried;
            }
        });
        best
    }
}

impl Policy {
    /// The end of a token, or sooner where it would be honoured for longer than is allowed.
    pub(crate) fn capped(&self, now: u64, ends_at: u64) -> u64 {
        ends_at.min(now.saturating_add(self.max_life.into()))
    }
}

/// The times of a token that is alive.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    pub(crate) now: u64,
    /// What the values of privileges are added to: the issue time in 007, nothing in 006.
    pub(crate) counted_from: u64,
    pub(crate) ends_at: u64,
}

impl Life {
    /// When a privilege ends, if it is granted and not over.
    pub(crate) fn granted(
        self,
        service: ServiceKind,
        privileges: PrivilegesView<'_>,
        privilege: u16,
    ) -> Result<u64, TokenError> {
        let value = privileges.life(privilege).ok_or(TokenError::PrivilegeMissing { service, privilege })?;
        let own_end = if value == 0 { u64::MAX } else { self.counted_from + u64::from(value) };
        let until = own_end.min(self.ends_at);
        if self.now >= until {
            return Err(TokenError::PrivilegeExpired { privilege, ago_s: self.now - until });
        }
        Ok(until)
    }
}

/// What is asked of a token.
#[derive(Clone, Copy)]
struct Ask<'q> {
    kind: ServiceKind,
    privilege: u16,
    place: &'q str,
    user: UidRequest<'q>,
    policy: &'q Policy,
}

impl Ask<'_> {
    /// Whether a service is for the place and the user.
    fn fit<'a>(self, service: ServiceView<'a>) -> Result<Fit<'a>, TokenError> {
        let wildcard = self.looks_at_place() && service.place != self.place;
        if wildcard {
            self.check_wildcard(service)?;
        }
        if let Some(asked) = self.user.text()
            && self.looks_at_user()
            && !service.user.is_empty()
            && service.user != asked
        {
            return Err(TokenError::UidMismatch { asked: Some(asked.to_owned()) });
        }
        Ok(Fit { service, wildcard })
    }

    fn check_wildcard(self, service: ServiceView<'_>) -> Result<(), TokenError> {
        if service.place != ANY_CHANNEL {
            return Err(TokenError::ChannelMismatch { asked: self.place.to_owned() });
        }
        if service.user.is_empty() {
            return Err(TokenError::WildcardNotAllowed { any_user: true });
        }
        match self.policy.wildcards {
            Wildcards::Off => Err(TokenError::WildcardNotAllowed { any_user: false }),
            Wildcards::Star => Ok(()),
        }
    }

    fn granted(self, fit: Fit<'_>, life: Life) -> Result<u64, TokenError> {
        if self.kind == ServiceKind::Rtc {
            fit.granted(life, RtcPrivilege::JoinChannel.id())?;
        }
        fit.granted(life, self.privilege)
    }

    /// An APaaS token names a room only where it is for one.
    fn looks_at_place(self) -> bool {
        self.kind.has_place() && (self.kind != ServiceKind::Apaas || self.privilege == ApaasPrivilege::RoomUser.id())
    }

    /// An APaaS token names a user unless it is for the whole app.
    fn looks_at_user(self) -> bool {
        self.kind.has_user() && (self.kind != ServiceKind::Apaas || self.privilege != ApaasPrivilege::App.id())
    }
}

/// A service that is for the place and the user asked for.
#[derive(Clone, Copy)]
struct Fit<'a> {
    service: ServiceView<'a>,
    wildcard: bool,
}

impl Fit<'_> {
    fn granted(self, life: Life, privilege: u16) -> Result<u64, TokenError> {
        life.granted(self.service.kind, self.service.privileges, privilege)
    }

    fn publishable_kinds(self, life: Life) -> usize {
        let publish = [RtcPrivilege::PublishAudio, RtcPrivilege::PublishVideo, RtcPrivilege::PublishData];
        publish.iter().filter(|privilege| self.granted(life, privilege.id()).is_ok()).count()
    }
}

/// How far a service came before it was refused, to tell which refusal explains most.
fn progress(error: &TokenError) -> u8 {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only the refusals of one service are ranked")]
    match error {
        TokenError::ChannelMismatch { .. } => 1,
        TokenError::WildcardNotAllowed { .. } => 2,
        TokenError::UidMismatch { .. } => 3,
        TokenError::PrivilegeMissing { .. } => 4,
        TokenError::PrivilegeExpired { .. } => 5,
        _ => 0,
    }
}
