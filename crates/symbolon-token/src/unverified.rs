//! Reading a token before anything in it is proven.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access_token::{BODY_AT, VERSION};
use crate::claims::{Claims, TokenId};
use crate::error::TokenError;
use crate::id::{AppCertificate, AppId};
use crate::service::{Entry, Service, ServiceView};
use crate::signature::{self, SIGNATURE_LEN};
use crate::wire::Reader;
use crate::zlib;

/// How much of a token is read before its signature can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, in bytes. Default 4096; an RTC token at all documented limits has under 800, so more is only
    /// needed for long lists of RTM2 permissions.
    pub text: usize,
    /// The most bytes that a token may inflate to. Default 65536. This is what a hostile token costs in memory.
    pub inflated: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { text: 4096, inflated: 65_536 }
    }
}

/// A token whose outer form is right and whose signature has not been checked: nothing in it is to be believed.
///
/// `Debug` shows the app id only.
#[derive(Clone)]
pub struct Unverified {
    pub(crate) token: Token,
}

impl Unverified {
    /// Reads a token's text as far as its header. Costs no more than `limits` allow, whatever the text.
    ///
    /// # Errors
    ///
    /// In this order: `too_long`, `too_short`, `version_unsupported`, `base64_invalid`, `inflate_limit`,
    /// `zlib_invalid`, `trailing_bytes`, `truncated`, `bad_signature` (when it has another length than 32 bytes),
    /// `app_id_invalid`.
    pub fn decode(text: &str, limits: Limits) -> Result<Self, TokenError> {
        Self::decode_into(text, limits, &mut Vec::new(), Vec::new())
    }

    /// The same with memory that is used again: `stream` for what the text encodes, `payload` for what that inflates to.
    pub(crate) fn decode_into(
        text: &str,
        limits: Limits,
        stream: &mut Vec<u8>,
        payload: Vec<u8>,
    ) -> Result<Self, TokenError> {
        let base64 = strip_version(text, VERSION, limits)?;
        stream.clear();
        STANDARD.decode_vec(base64, stream).map_err(|_| TokenError::Base64Invalid)?;
        let payload = zlib::inflate(stream, limits.inflated, payload)?;
        Ok(Self { token: Token::read(payload)? })
    }

    /// The app that the token says it is for: where to look for its certificates.
    pub fn app_id(&self) -> &AppId {
        &self.token.app_id
    }

    /// The identity that the token has if its signature is right: that of its [`Claims`] then.
    pub fn unproven_id(&self) -> TokenId {
        TokenId(*self.token.signature())
    }

    /// Checks the signature under each of the certificates, then reads the services.
    ///
    /// # Errors
    ///
    /// `bad_signature` when no certificate fits, also when there is none; then `truncated`, `not_utf8`,
    /// `duplicate_privilege` or `trailing_bytes` when what was signed is malformed.
    pub fn verify(&self, certificates: &[AppCertificate]) -> Result<Claims, TokenError> {
        self.clone().into_claims(certificates, signature::first_key)
    }

    pub(crate) fn into_claims(
        self,
        certificates: &[AppCertificate],
        first_key: impl FnMut(&AppCertificate, u32) -> [u8; SIGNATURE_LEN],
    ) -> Result<Claims, TokenError> {
        let certificate_index = self.token.signed_by(certificates, first_key)?;
        Claims::read(self.token, certificate_index)
    }

    /// What the token says, for an inspector that must show also what is not proven. Never grant anything on it.
    pub fn dangerous_unverified(&self) -> Unproven {
        let mut services = Vec::new();
        let walked = self.token.walk(|service| services.push(service.to_service()));
        let (unknown_service, malformed) = match walked {
            Ok(unknown_service) => (unknown_service, None),
            Err(error) => (None, Some(error)),
        };
        Unproven {
            app_id: self.token.app_id,
            issue_ts: self.token.issue_ts,
            expire: self.token.expire,
            salt: self.token.salt,
            services,
            unknown_service,
            malformed,
        }
    }
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("app_id", &self.token.app_id).finish_non_exhaustive()
    }
}

/// What a token says before its signature is checked. Anyone can write such a token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unproven {
    /// The app that the token says it is for.
    pub app_id: AppId,
    /// The Unix time at which the token says it was made.
    pub issue_ts: u32,
    /// The token's life in seconds from `issue_ts`.
    pub expire: u32,
    /// The salt.
    pub salt: u32,
    /// The services that could be read.
    pub services: Vec<Service>,
    /// The unknown service type at which reading stopped, if it did.
    pub unknown_service: Option<u16>,
    /// What is wrong with the services, if something is.
    pub malformed: Option<TokenError>,
}

/// An inflated token with its header read. Services stay in their bytes and are walked over when they are needed, so
/// that a token of thousands of services costs no more memory than its bytes.
#[derive(Clone)]
pub(crate) struct Token {
    payload: Vec<u8>,
    pub(crate) app_id: AppId,
    pub(crate) issue_ts: u32,
    pub(crate) expire: u32,
    pub(crate) salt: u32,
    service_count: u16,
    services_at: usize,
}

impl Token {
    pub(crate) fn read(payload: Vec<u8>) -> Result<Self, TokenError> {
        let mut reader = Reader::new(&payload);
        if reader.prefixed()?.len() != SIGNATURE_LEN {
            return Err(TokenError::BadSignature);
        }
        let app_id = AppId::from_bytes(reader.prefixed()?).map_err(|_| TokenError::AppIdInvalid)?;
        let (issue_ts, expire, salt) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let service_count = reader.u16()?;
        let services_at = payload.len() - reader.left().len();
        Ok(Self { payload, app_id, issue_ts, expire, salt, service_count, services_at })
    }

    pub(crate) fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    pub(crate) fn signature(&self) -> &[u8; SIGNATURE_LEN] {
        self.payload[2..].first_chunk().expect("the header was read, and begins with a whole signature")
    }

    /// Which certificate made the signature. Compared in constant time, over the body exactly as received.
    pub(crate) fn signed_by(
        &self,
        certificates: &[AppCertificate],
        mut first_key: impl FnMut(&AppCertificate, u32) -> [u8; SIGNATURE_LEN],
    ) -> Result<usize, TokenError> {
        certificates
            .iter()
            .position(|certificate| {
                let key = first_key(certificate, self.issue_ts);
                let wanted = signature::sign(&key, self.salt, &self.payload[BODY_AT..]);
                signature::same(&wanted, self.signature())
            })
            .ok_or(TokenError::BadSignature)
    }

    /// Calls `found` with each service up to the end or the first unknown type, which is handed back.
    pub(crate) fn walk<'a>(&'a self, mut found: impl FnMut(ServiceView<'a>)) -> Result<Option<u16>, TokenError> {
        let mut reader = Reader::new(&self.payload[self.services_at..]);
        for _ in 0..self.service_count {
            match Entry::read(&mut reader)? {
                Entry::Known(service) => found(service),
                Entry::Unknown(number) => return Ok(Some(number)),
            }
        }
        if !reader.is_empty() {
            return Err(TokenError::TrailingBytes);
        }
        Ok(None)
    }
}

/// Checks the length of a text and takes the version off its front.
pub(crate) fn strip_version<'a>(text: &'a str, version: &str, limits: Limits) -> Result<&'a str, TokenError> {
    if text.len() > limits.text {
        return Err(TokenError::TooLong { limit: limits.text });
    }
    if text.len() < version.len() {
        return Err(TokenError::TooShort);
    }
    text.strip_prefix(version).ok_or(TokenError::VersionUnsupported)
}
