//! The older 006 format: building it, and reading it where that is switched on.
//!
//! A 006 token holds only checksums of its channel and uid, those checksums are not signed, and channel and uid are
//! signed without a separator. So a token for channel `room-4` and uid `2123456` can be made to pass for channel
//! `room-42` and uid `123456` by anyone, and no verifier can tell. Accept this format only where it has to be.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access::{Life, Policy, RtcAccess, UidRequest};
use crate::access_token::{Issuing, LIFE_MAX, Mode, check_channel_and_user, check_rtm_user};
use crate::claims::TokenId;
use crate::error::{BuildError, TokenError};
use crate::id::{AppCertificate, AppId};
use crate::service::{Privileges, PrivilegesView, Role, RtcPrivilege, ServiceKind, put_privileges, uid_text};
use crate::signature::{SIGNATURE_LEN, hmac, same};
use crate::unverified::{Limits, strip_version};
use crate::wire::{Reader, put_prefixed};

/// The privilege of a 006 token to log in to RTM.
pub const RTM_LOGIN: u16 = 1000;

/// A 006 token to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyAccessToken {
    /// The app that the token is for.
    pub app_id: AppId,
    /// The channel; in an RTM token the user id.
    pub channel: String,
    /// The uid or account; empty for any user, and in an RTM token.
    pub uid: String,
    /// The Unix time at which the token ends.
    pub ends_ts: u32,
    /// The salt.
    pub salt: u32,
    /// Privilege ids, each with the Unix time at which it ends; 0 sets no end of its own.
    pub privileges: Privileges,
}

impl LegacyAccessToken {
    /// Builds the token's text.
    ///
    /// # Errors
    ///
    /// When there are more privileges than can be written.
    pub fn build(&self, certificate: &AppCertificate) -> Result<String, BuildError> {
        let mut text = format!("{VERSION}{}", self.app_id);
        STANDARD.encode_string(self.payload(certificate)?, &mut text);
        Ok(text)
    }

    /// Builds the bytes that the text holds behind the app id.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn payload(&self, certificate: &AppCertificate) -> Result<Vec<u8>, BuildError> {
        let mut message = Vec::new();
        message.extend_from_slice(&self.salt.to_le_bytes());
        message.extend_from_slice(&self.ends_ts.to_le_bytes());
        put_privileges(&mut message, &self.privileges)?;

        let mut payload = Vec::new();
        put_prefixed(&mut payload, &sign(certificate, &self.app_id, &self.channel, &self.uid, &message))?;
        payload.extend_from_slice(&crc32fast::hash(self.channel.as_bytes()).to_le_bytes());
        payload.extend_from_slice(&crc32fast::hash(self.uid.as_bytes()).to_le_bytes());
        put_prefixed(&mut payload, &message)?;
        Ok(payload)
    }
}

/// A 006 RTC token for a numeric uid; 0 means any user. The token lives for a day; `privilege_expire_ts` is the Unix
/// time at which its privileges end.
///
/// ```
/// use symbolon_token::{AppCertificate, AppId, Issue, Role, legacy};
///
/// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
/// let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
/// let issue = Issue::now();
/// let token = legacy::build_token_with_uid(issue, app_id, &certificate, "room-1", 7, Role::Publisher, issue.ts + 600)?;
/// assert!(token.starts_with("006970CA35de60c44645bbae8a215061b33"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// With a strict issue, when the channel is outside the documented limits.
pub fn build_token_with_uid(
    issue: impl Into<Issuing>,
    app_id: AppId,
    certificate: &AppCertificate,
    channel: &str,
    uid: u32,
    role: Role,
    privilege_expire_ts: u32,
) -> Result<String, BuildError> {
    build_token_with_account(issue, app_id, certificate, channel, &uid_text(uid), role, privilege_expire_ts)
}

/// A 006 RTC token for a user account; the empty account means any user. Otherwise as [`build_token_with_uid`].
///
/// # Errors
///
/// With a strict issue, when the channel or the account is outside the documented limits.
pub fn build_token_with_account(
    issue: impl Into<Issuing>,
    app_id: AppId,
    certificate: &AppCertificate,
    channel: &str,
    account: &str,
    role: Role,
    privilege_expire_ts: u32,
) -> Result<String, BuildError> {
    let Issuing { issue, mode } = issue.into();
    if mode == Mode::Strict {
        check_channel_and_user(channel, account)?;
    }
    let token = LegacyAccessToken {
        app_id,
        channel: channel.to_owned(),
        uid: account.to_owned(),
        ends_ts: issue.ts.saturating_add(LIFE_MAX),
        salt: issue.salt,
        privileges: role.privileges(privilege_expire_ts),
    };
    token.build(certificate)
}

/// A 006 RTM token for a user.
///
/// # Errors
///
/// With a strict issue, when the user id is outside the documented limits.
pub fn build_rtm_token(
    issue: impl Into<Issuing>,
    app_id: AppId,
    certificate: &AppCertificate,
    user_id: &str,
    privilege_expire_ts: u32,
) -> Result<String, BuildError> {
    let Issuing { issue, mode } = issue.into();
    if mode == Mode::Strict {
        check_rtm_user(user_id)?;
    }
    let token = LegacyAccessToken {
        app_id,
        channel: user_id.to_owned(),
        uid: String::new(),
        ends_ts: issue.ts.saturating_add(LIFE_MAX),
        salt: issue.salt,
        privileges: Privileges::from([(RTM_LOGIN, privilege_expire_ts)]),
    };
    token.build(certificate)
}

/// The role that a 006 builder takes a number for: attendees (0), publishers (1) and admins (101) publish.
pub fn role_from_number(number: i64) -> Role {
    if matches!(number, 0 | 1 | 101) { Role::Publisher } else { Role::Subscriber }
}

/// A 006 token whose outer form is right and whose signature has not been checked.
#[derive(Clone)]
pub struct LegacyUnverified {
    app_id: AppId,
    signature: [u8; SIGNATURE_LEN],
    crc_channel: u32,
    crc_uid: u32,
    message: Vec<u8>,
}

impl LegacyUnverified {
    /// Reads a 006 token's text.
    ///
    /// # Errors
    ///
    /// In this order: `too_long`, `too_short`, `version_unsupported`, `app_id_invalid`, `base64_invalid`, `truncated`,
    /// `bad_signature` (when it has another length than 32 bytes), `trailing_bytes`.
    pub fn decode(text: &str, limits: Limits) -> Result<Self, TokenError> {
        let rest = strip_version(text, VERSION, limits)?.as_bytes();
        let (app_id, base64) = rest.split_at_checked(APP_ID_LEN).ok_or(TokenError::TooShort)?;
        let app_id = AppId::from_bytes(app_id).map_err(|_| TokenError::AppIdInvalid)?;
        let content = STANDARD.decode(base64).map_err(|_| TokenError::Base64Invalid)?;

        let mut reader = Reader::new(&content);
        let signature = reader.prefixed()?.try_into().map_err(|_| TokenError::BadSignature)?;
        let (crc_channel, crc_uid) = (reader.u32()?, reader.u32()?);
        let message = reader.prefixed()?.to_vec();
        if !reader.is_empty() {
            return Err(TokenError::TrailingBytes);
        }
        Ok(Self { app_id, signature, crc_channel, crc_uid, message })
    }

    /// The app that the token says it is for: where to look for its certificates.
    pub fn app_id(&self) -> &AppId {
        &self.app_id
    }

    /// Checks that the token is for this channel and uid, then its signature, and reads what it says.
    ///
    /// # Errors
    ///
    /// In this order: `channel_mismatch`, `uid_mismatch` (also when the token is for one user and none is asked for,
    /// since it does not say which), `bad_signature`, `truncated`, `duplicate_privilege`, `trailing_bytes`.
    pub fn verify(
        &self,
        certificates: &[AppCertificate],
        channel: &str,
        uid: UidRequest<'_>,
    ) -> Result<LegacyClaims, TokenError> {
        if crc32fast::hash(channel.as_bytes()) != self.crc_channel {
            return Err(TokenError::ChannelMismatch { asked: channel.to_owned() });
        }
        let uid = self.signed_uid(uid)?;
        let fits = |certificate: &AppCertificate| -> bool {
            same(&sign(certificate, &self.app_id, channel, uid, &self.message), &self.signature)
        };
        let certificate_index = certificates.iter().position(fits).ok_or(TokenError::BadSignature)?;
        self.claims(uid, certificate_index)
    }

    /// The uid that the signature was made over, as far as its checksum can tell.
    fn signed_uid<'a>(&self, asked: UidRequest<'a>) -> Result<&'a str, TokenError> {
        if self.crc_uid == 0 {
            return Ok("");
        }
        match asked.text() {
            Some(text) if crc32fast::hash(text.as_bytes()) == self.crc_uid => Ok(text),
            other => Err(TokenError::UidMismatch { asked: other.map(str::to_owned) }),
        }
    }

    fn claims(&self, uid: &str, certificate_index: usize) -> Result<LegacyClaims, TokenError> {
        let mut reader = Reader::new(&self.message);
        let (salt, ends_ts) = (reader.u32()?, reader.u32()?);
        let privileges = reader.left();
        PrivilegesView::read(&mut reader)?;
        if !reader.is_empty() {
            return Err(TokenError::TrailingBytes);
        }
        Ok(LegacyClaims {
            app_id: self.app_id,
            uid: uid.to_owned(),
            ends_ts,
            salt,
            privileges: privileges.to_vec(),
            id: TokenId(self.signature),
            certificate_index,
        })
    }
}

impl fmt::Debug for LegacyUnverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyUnverified").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

/// What a 006 token says, once its signature is verified for one channel and uid.
#[derive(Debug, Clone)]
pub struct LegacyClaims {
    app_id: AppId,
    uid: String,
    ends_ts: u32,
    salt: u32,
    privileges: Vec<u8>,
    id: TokenId,
    certificate_index: usize,
}

impl LegacyClaims {
    /// The app that the token is for.
    pub fn app_id(&self) -> &AppId {
        &self.app_id
    }

    /// The uid or account that the token is for; empty for any user.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The Unix time at which the token ends.
    pub fn ends_ts(&self) -> u32 {
        self.ends_ts
    }

    /// The salt.
    pub fn salt(&self) -> u32 {
        self.salt
    }

    /// Privilege ids, each with the Unix time at which it ends; 0 sets no end of its own.
    pub fn privileges(&self) -> Privileges {
        self.view().iter().collect()
    }

    /// The token's identity.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// What these claims allow at Unix time `now`, in the channel and for the uid that they were verified for.
    ///
    /// # Errors
    ///
    /// In this order: `expired`, `lifetime_too_long`, `privilege_missing`, `privilege_expired`.
    pub fn rtc_access(&self, now: u64, policy: &Policy) -> Result<RtcAccess, TokenError> {
        let life = self.life(now, policy)?;
        let granted = |privilege: RtcPrivilege| life.granted(ServiceKind::Rtc, self.view(), privilege.id());
        Ok(RtcAccess {
            uid: self.uid.clone(),
            exact_uid: !self.uid.is_empty(),
            wildcard_channel: false,
            ends_at: life.ends_at,
            join_until: granted(RtcPrivilege::JoinChannel)?,
            audio_until: granted(RtcPrivilege::PublishAudio).ok(),
            video_until: granted(RtcPrivilege::PublishVideo).ok(),
            data_until: granted(RtcPrivilege::PublishData).ok(),
            token_id: self.id,
            certificate_index: self.certificate_index,
        })
    }

    /// When the right to log in to RTM ends, for the user that stood in the channel's place.
    ///
    /// # Errors
    ///
    /// As for [`rtc_access`](Self::rtc_access).
    pub fn rtm_until(&self, now: u64, policy: &Policy) -> Result<u64, TokenError> {
        self.life(now, policy)?.granted(ServiceKind::Rtm, self.view(), RTM_LOGIN)
    }

    /// A 006 token does not say when it was made, so its life is what is left of it.
    fn life(&self, now: u64, policy: &Policy) -> Result<Life, TokenError> {
        let ends_at = u64::from(self.ends_ts);
        if now >= ends_at {
            return Err(TokenError::Expired { ago_s: now - ends_at });
        }
        let (life_s, limit_s) = (ends_at - now, u64::from(policy.max_life));
        if life_s > limit_s + u64::from(policy.clock_skew) {
            return Err(TokenError::LifetimeTooLong { life_s, limit_s });
        }
        Ok(Life { now, counted_from: 0, ends_at: policy.capped(now, ends_at) })
    }

    fn view(&self) -> PrivilegesView<'_> {
        PrivilegesView::read(&mut Reader::new(&self.privileges)).expect("the map was read when the claims were made")
    }
}

/// The signed bytes are joined without a separator: see the head of this file.
fn sign(certificate: &AppCertificate, app_id: &AppId, channel: &str, uid: &str, message: &[u8]) -> [u8; SIGNATURE_LEN] {
    hmac(certificate.as_bytes(), [app_id.as_bytes().as_slice(), channel.as_bytes(), uid.as_bytes(), message])
}

/// The first three characters of every 006 token.
pub(crate) const VERSION: &str = "006";

/// Length of the app id that follows the version.
const APP_ID_LEN: usize = 32;
