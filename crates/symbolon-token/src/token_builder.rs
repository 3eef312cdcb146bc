//! Building many tokens.

use std::fmt;

use crate::access_token::{AccessToken, token_text};
use crate::claims::TokenId;
use crate::error::BuildError;
use crate::id::AppCertificate;
use crate::signature::FirstKeys;
use crate::zlib::{Deflater, store};

/// Builds one token after another for one app. It gives what [`AccessToken::build`] gives, sooner: it keeps its memory,
/// and the part of the signature that all tokens of one second share.
///
/// ```
/// use symbolon_token::{AccessToken, AppCertificate, AppId, Issue, Role, Service, TokenBuilder, uid_text};
///
/// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
/// let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
/// let mut builder = TokenBuilder::new(certificate.clone());
///
/// for uid in 1..=3 {
///     let issue = Issue { ts: 1_800_000_000, salt: uid };
///     let rtc = Service::rtc("room-1", uid_text(uid), Role::Publisher.privileges(3600));
///     let token = AccessToken::new(app_id, issue, 3600).with(rtc);
///     assert_eq!(builder.build(&token)?, token.build(&certificate)?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TokenBuilder {
    certificate: AppCertificate,
    compression: Compression,
    keys: FirstKeys,
    deflater: Deflater,
    payload: Vec<u8>,
    stream: Vec<u8>,
}

impl TokenBuilder {
    /// A builder that signs with this certificate.
    pub fn new(certificate: AppCertificate) -> Self {
        Self {
            certificate,
            compression: Compression::default(),
            keys: FirstKeys::new(KEPT_SECONDS),
            deflater: Deflater::new(),
            payload: Vec::new(),
            stream: Vec::new(),
        }
    }

    /// Chooses how the payload is written.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Builds a token's text.
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`].
    pub fn build(&mut self, token: &AccessToken) -> Result<String, BuildError> {
        self.build_with_id(token).map(|(text, _)| text)
    }

    /// Builds a token's text, and says which identity it has: that of its [`Claims`](crate::Claims) once it is verified.
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`].
    pub fn build_with_id(&mut self, token: &AccessToken) -> Result<(String, TokenId), BuildError> {
        let Self { certificate, keys, payload, .. } = self;
        let id = token.write_payload(payload, || keys.first_key(certificate, token.issue.ts))?;
        self.stream.clear();
        match self.compression {
            Compression::Small => self.deflater.deflate(&self.payload, &mut self.stream),
            Compression::Stored => store(&self.payload, &mut self.stream),
        }
        Ok((token_text(&self.stream), TokenId(id)))
    }

    /// Signs with this certificate from now on. What was kept for another one is not used any more.
    pub fn sign_with(&mut self, certificate: &AppCertificate) {
        if self.certificate != *certificate {
            self.certificate = certificate.clone();
        }
    }
}

impl fmt::Debug for TokenBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuilder").field("compression", &self.compression).finish_non_exhaustive()
    }
}

/// How a [`TokenBuilder`] writes payloads. Every reader takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Byte for byte as stock zlib at its default level, like the builders that use it.
    #[default]
    Small,
    /// Not compressed: less work, and texts that are longer by some 5 % for one short service and by much more for
    /// several.
    Stored,
}

/// A builder keeps the first key of so many neighbouring seconds. Tokens are made now, so a few do.
const KEPT_SECONDS: usize = 8;
