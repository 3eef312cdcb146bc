//! Building 007 tokens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::BuildError;
use crate::id::{AppCertificate, AppId};
use crate::name::{channel_name_is_valid, rtm_user_id_is_valid, user_account_is_valid};
use crate::service::Service;
use crate::signature::{self, SIGNATURE_LEN};
use crate::wire::{put_count, put_prefixed};
use crate::zlib::Deflater;

/// A 007 token to be built: the app it is for, its life, and what it grants.
///
/// ```
/// use symbolon_token::{AccessToken, AppCertificate, AppId, Issue, Mode, Role, Service};
///
/// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
/// let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
///
/// let token = AccessToken {
///     app_id,
///     issue: Issue { ts: 1_800_000_000, salt: 1 },
///     expire: 3600,
///     services: vec![Service::rtc("room-1", "1001", Role::Publisher.privileges(3600))],
///     mode: Mode::Strict,
/// };
/// assert!(token.build(&certificate)?.starts_with("007eJ"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The app that the token is for.
    pub app_id: AppId,
    /// When the token is made, and its salt.
    pub issue: Issue,
    /// The token's life in seconds from its issue time. A token of life 0 is expired from the start.
    pub expire: u32,
    /// What the token grants. Written in ascending order of type; services of one type keep the order given here.
    pub services: Vec<Service>,
    /// Which inputs are refused.
    pub mode: Mode,
}

impl AccessToken {
    /// Starts a token without services, in the mode of `issue`: a plain [`Issue`] is strict.
    pub fn new(app_id: AppId, issue: impl Into<Issuing>, expire: u32) -> Self {
        let Issuing { issue, mode } = issue.into();
        Self { app_id, issue, expire, services: Vec::new(), mode }
    }

    /// Adds a service.
    #[must_use]
    pub fn with(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Builds the token's text.
    ///
    /// # Errors
    ///
    /// When there is no service, when something cannot be written at all, and in [`Mode::Strict`] when something is
    /// outside the documented limits.
    pub fn build(&self, certificate: &AppCertificate) -> Result<String, BuildError> {
        let mut stream = Vec::new();
        Deflater::new().deflate(&self.payload(certificate)?, &mut stream);
        Ok(token_text(&stream))
    }

    /// Builds the bytes that a token's text compresses: signature and body. They do not depend on a compressor.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn payload(&self, certificate: &AppCertificate) -> Result<Vec<u8>, BuildError> {
        let mut payload = Vec::with_capacity(TYPICAL);
        self.write_payload(&mut payload, || signature::first_key(certificate, self.issue.ts))?;
        Ok(payload)
    }

    /// Writes the payload in place of what is there, and gives its signature.
    pub(crate) fn write_payload(
        &self,
        payload: &mut Vec<u8>,
        first_key: impl FnOnce() -> [u8; SIGNATURE_LEN],
    ) -> Result<[u8; SIGNATURE_LEN], BuildError> {
        self.check()?;
        payload.clear();
        payload.extend_from_slice(&(SIGNATURE_LEN as u16).to_le_bytes());
        payload.resize(BODY_AT, 0);
        self.write_body(payload)?;
        let (head, body) = payload.split_at_mut(BODY_AT);
        let signature = signature::sign(&first_key(), self.issue.salt, body);
        head[2..].copy_from_slice(&signature);
        Ok(signature)
    }

    fn write_body(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        put_prefixed(out, self.app_id.as_bytes())?;
        for number in [self.issue.ts, self.expire, self.issue.salt] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        put_count(out, self.services.len())?;
        if self.services.is_sorted_by_key(Service::kind) {
            return self.services.iter().try_for_each(|service| service.write(out));
        }
        let mut sorted: Vec<&Service> = self.services.iter().collect();
        sorted.sort_by_key(|service| service.kind());
        sorted.into_iter().try_for_each(|service| service.write(out))
    }

    fn check(&self) -> Result<(), BuildError> {
        if self.services.is_empty() {
            return Err(BuildError::NoServices);
        }
        if self.mode == Mode::Strict {
            check_life(self.expire)?;
            self.services.iter().try_for_each(check_service)?;
        }
        Ok(())
    }
}

/// When a token is made, and its salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Issue {
    /// Unix time in seconds.
    pub ts: u32,
    /// Any number; builders draw one from 1 to 99999999. It is not secret, but two tokens should not share it.
    pub salt: u32,
}

impl Issue {
    /// The present second and a fresh salt from the system's random source.
    ///
    /// This is the one place in this crate that reads a clock or draws a random number.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one named exception: for callers that hold no clock of their own"
    )]
    pub fn now() -> Self {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        // A salt is public and only has to differ from token to token, so without a random source the clock will do.
        let drawn = getrandom::u32().unwrap_or_else(|_| since_epoch.subsec_nanos());
        Self::at(u32::try_from(since_epoch.as_secs()).unwrap_or(u32::MAX), drawn)
    }

    /// A Unix second, and the salt that a random number leads to. For callers with a clock and a random source of their
    /// own.
    pub fn at(ts: u32, random: u32) -> Self {
        Self { ts, salt: 1 + random % SALT_MAX }
    }

    /// The same issue for a builder that is to take whatever can be written: see [`Mode::Compatible`].
    pub fn compatible(self) -> Issuing {
        Issuing { issue: self, mode: Mode::Compatible }
    }
}

/// An issue together with the mode to build in. The familiar builders take either an [`Issue`], which is strict, or
/// one of these.
///
/// ```
/// use symbolon_token::{AppCertificate, AppId, Issue, Role, builder::build_token_with_user_account};
///
/// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
/// let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
/// let issue = Issue { ts: 1_800_000_000, salt: 1 };
///
/// let role = Role::Subscriber;
/// assert!(build_token_with_user_account(issue, app_id, &certificate, "café", "ann", role, 600, 0).is_err());
/// assert!(build_token_with_user_account(issue.compatible(), app_id, &certificate, "café", "ann", role, 600, 0).is_ok());
/// # Ok::<(), symbolon_token::FormError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Issuing {
    /// When the token is made, and its salt.
    pub issue: Issue,
    /// Which inputs are refused.
    pub mode: Mode,
}

impl From<Issue> for Issuing {
    fn from(issue: Issue) -> Self {
        Self { issue, mode: Mode::Strict }
    }
}

/// How much of its input a builder refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Hold the documented limits: names of the allowed length and characters, no life over 86400 seconds, and no
    /// token for every user in every channel.
    #[default]
    Strict,
    /// Build whatever the format can hold, as the builders in other languages do.
    Compatible,
}

/// The text around a compressed payload.
pub(crate) fn token_text(stream: &[u8]) -> String {
    let mut text = String::with_capacity(VERSION.len() + stream.len().div_ceil(3) * 4);
    text.push_str(VERSION);
    STANDARD.encode_string(stream, &mut text);
    text
}

fn check_service(service: &Service) -> Result<(), BuildError> {
    service.privileges().values().try_for_each(|&life| check_life(life))?;
    match service {
        Service::Rtc { channel, uid: user, .. }
        | Service::Streaming { channel, account: user, .. }
        | Service::Fcdn { channel, account: user, .. } => check_channel_and_user(channel, user),
        Service::Rtm { user_id, .. } | Service::Rtm2 { user_id, .. } => check_rtm_user(user_id),
        Service::Fpa { .. }
        | Service::Chat { .. }
        | Service::Apaas { .. }
        | Service::ConvoAi { .. }
        | Service::Stt { .. } => Ok(()),
    }
}

pub(crate) fn check_channel_and_user(channel: &str, user: &str) -> Result<(), BuildError> {
    if channel == ANY_CHANNEL && user.is_empty() {
        return Err(BuildError::WildcardForAnyUser);
    }
    if channel != ANY_CHANNEL && !channel_name_is_valid(channel) {
        return Err(BuildError::ChannelName);
    }
    if !user.is_empty() && !user_account_is_valid(user) {
        return Err(BuildError::UserAccount);
    }
    Ok(())
}

pub(crate) fn check_rtm_user(user_id: &str) -> Result<(), BuildError> {
    if !rtm_user_id_is_valid(user_id) {
        return Err(BuildError::RtmUserId);
    }
    Ok(())
}

fn check_life(life_s: u32) -> Result<(), BuildError> {
    if life_s > LIFE_MAX {
        return Err(BuildError::LifetimeTooLong { life_s });
    }
    Ok(())
}

/// The first three characters of every 007 token.
pub(crate) const VERSION: &str = "007";

/// The channel name in a token that stands for any channel.
pub(crate) const ANY_CHANNEL: &str = "*";

/// Where the signed body begins in a payload: behind the signature and its length.
pub(crate) const BODY_AT: usize = 2 + SIGNATURE_LEN;

/// The longest documented life of a token or a privilege, in seconds.
pub(crate) const LIFE_MAX: u32 = 86_400;

/// Room that is made at once, enough for nearly every payload.
const TYPICAL: usize = 256;

/// Builders draw salts from 1 to this.
const SALT_MAX: u32 = 99_999_999;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Privileges, Role};

    fn token(service: Service) -> AccessToken {
        let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33").unwrap();
        AccessToken::new(app_id, Issue { ts: 1_111_111, salt: 1 }, 600).with(service)
    }

    fn certificate() -> AppCertificate {
        AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap()
    }

    fn refusal(token: &AccessToken) -> &'static str {
        let compatible = AccessToken { mode: Mode::Compatible, ..token.clone() };
        assert!(compatible.build(&certificate()).is_ok(), "compatible mode builds it");
        token.build(&certificate()).unwrap_err().reason()
    }

    #[test]
    fn strict_mode_holds_the_documented_limits_and_compatible_mode_does_not() {
        let join = || Privileges::from([(1, 600)]);
        assert_eq!(refusal(&token(Service::rtc("café", "1", join()))), "channel_name");
        assert_eq!(refusal(&token(Service::rtc("", "1", join()))), "channel_name");
        assert_eq!(refusal(&token(Service::rtc("x".repeat(65), "1", join()))), "channel_name");
        assert_eq!(refusal(&token(Service::rtc("room", "ü", join()))), "user_account");
        assert_eq!(refusal(&token(Service::rtc("*", "", join()))), "wildcard_for_any_user");
        assert_eq!(refusal(&token(Service::rtm("x".repeat(65), 600))), "rtm_user_id");
        assert_eq!(refusal(&token(Service::rtm("", 600))), "rtm_user_id");
        assert_eq!(refusal(&token(Service::rtc("room", "1", Role::Publisher.privileges(86_401)))), "lifetime_too_long");
        let long = AccessToken { expire: 86_401, ..token(Service::rtc("room", "1", join())) };
        assert_eq!(refusal(&long), "lifetime_too_long");
    }

    #[test]
    fn strict_mode_builds_what_is_documented() {
        let all = "abcdefghijklmnopqrstuvwxyz0123456789 !#$%&()+-:;<=.>?@[]^_{}|~,";
        let edge = AccessToken { expire: 86_400, ..token(Service::rtc(all, "", Role::Publisher.privileges(86_400))) };
        assert!(edge.build(&certificate()).is_ok());
        assert!(token(Service::rtc("*", "7", Role::Publisher.privileges(0))).build(&certificate()).is_ok());
    }

    #[test]
    fn no_mode_builds_what_cannot_be_written() {
        for mode in [Mode::Strict, Mode::Compatible] {
            let empty = AccessToken { services: Vec::new(), mode, ..token(Service::rtm("ann", 600)) };
            assert_eq!(empty.build(&certificate()), Err(BuildError::NoServices));
        }
        let long = AccessToken { mode: Mode::Compatible, ..token(Service::rtm("x".repeat(65_536), 600)) };
        assert_eq!(long.build(&certificate()), Err(BuildError::StringTooLong { bytes: 65_536 }));
    }

    #[test]
    fn an_issue_made_now_has_a_salt_in_the_drawn_range() {
        let issue = Issue::now();
        assert!(issue.ts > 1_700_000_000);
        assert!((1..=SALT_MAX).contains(&issue.salt));
    }
}
