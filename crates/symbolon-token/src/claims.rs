//! What a token says, once its signature is verified.

use std::fmt;

use crate::error::TokenError;
use crate::id::AppId;
use crate::service::{Service, ServiceView};
use crate::signature::SIGNATURE_LEN;
use crate::unverified::Token;

/// What a token says, once its signature is verified. Whether it may be used now, here and by whom is still to be
/// asked: see [`rtc_access`](Self::rtc_access).
#[derive(Clone)]
pub struct Claims {
    pub(crate) token: Token,
    pub(crate) certificate_index: usize,
    unknown_service: Option<u16>,
}

impl Claims {
    pub(crate) fn read(token: Token, certificate_index: usize) -> Result<Self, TokenError> {
        let unknown_service = token.walk(|_| ())?;
        Ok(Self { token, certificate_index, unknown_service })
    }

    /// The app that the token is for.
    pub fn app_id(&self) -> &AppId {
        &self.token.app_id
    }

    /// The Unix time at which the token was made, in seconds.
    pub fn issue_ts(&self) -> u32 {
        self.token.issue_ts
    }

    /// The token's life in seconds from its issue time.
    pub fn expire(&self) -> u32 {
        self.token.expire
    }

    /// The Unix time at which the token ends, in seconds. The token is over when the clock shows this second.
    pub fn ends_at(&self) -> u64 {
        u64::from(self.token.issue_ts) + u64::from(self.token.expire)
    }

    /// The salt.
    pub fn salt(&self) -> u32 {
        self.token.salt
    }

    /// Which of the certificates given to `verify` made the signature.
    pub fn certificate_index(&self) -> usize {
        self.certificate_index
    }

    /// The services, in the token's order, up to the first of an unknown type.
    pub fn services(&self) -> Vec<Service> {
        let mut services = Vec::new();
        self.each_service(|service| services.push(service.to_service()));
        services
    }

    /// The unknown service type at which reading stopped, if it did. Nothing behind it is granted.
    pub fn unknown_service(&self) -> Option<u16> {
        self.unknown_service
    }

    /// The token's identity: the same for every spelling of its text.
    pub fn id(&self) -> TokenId {
        TokenId(*self.token.signature())
    }

    pub(crate) fn into_payload(self) -> Vec<u8> {
        self.token.into_payload()
    }

    pub(crate) fn each_service<'a>(&'a self, found: impl FnMut(ServiceView<'a>)) {
        let walked = self.token.walk(found);
        debug_assert!(walked.is_ok(), "the services were walked over when the claims were read");
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("id", &self.id())
            .field("app_id", self.app_id())
            .field("issue_ts", &self.issue_ts())
            .field("expire", &self.expire())
            .field("services", &self.services())
            .finish_non_exhaustive()
    }
}

/// The identity of a token, for revoking and counting it: its signature.
///
/// One signed token has many texts (another compressor, for one), so the text is no identity. `Debug` and `Display`
/// show a short prefix only, because the whole of it together with a guess at the rest would be the token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub(crate) [u8; SIGNATURE_LEN]);

impl TokenId {
    /// An id that was stored as bytes.
    pub fn from_bytes(bytes: [u8; SIGNATURE_LEN]) -> Self {
        Self(bytes)
    }

    /// The whole id, for storing and comparing. Keep it out of logs.
    pub fn as_bytes(&self) -> &[u8; SIGNATURE_LEN] {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self}…)")
    }
}
