//! App ids and app certificates: parsed once, then trusted.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::signature;

/// The id of an app (a project): 32 hex digits, used as text.
///
/// Ids are compared byte for byte; two spellings in different letter case are two ids.
///
/// ```
/// use symbolon_token::AppId;
///
/// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
/// assert_eq!(app_id.as_str(), "970CA35de60c44645bbae8a215061b33");
/// # Ok::<(), symbolon_token::FormError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId([u8; TEXT_LEN]);

impl AppId {
    /// Reads an app id from its 32 hex digits.
    ///
    /// # Errors
    ///
    /// When the text is not exactly 32 characters from `0-9a-fA-F`.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        Self::from_bytes(text.as_bytes())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        hex_text(&self.0)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, FormError> {
        Ok(Self(hex_digits(bytes)?))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; TEXT_LEN] {
        &self.0
    }
}

impl FromStr for AppId {
    type Err = FormError;

    fn from_str(text: &str) -> Result<Self, FormError> {
        Self::parse(text)
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppId({})", self.as_str())
    }
}

/// The certificate of an app: the secret that signs its tokens. 32 hex digits, used as text.
///
/// `Debug` and `Display` print `[redacted]`, and comparison takes the same time whatever differs.
#[derive(Clone)]
pub struct AppCertificate([u8; TEXT_LEN]);

impl AppCertificate {
    /// Reads a certificate from its 32 hex digits.
    ///
    /// # Errors
    ///
    /// When the text is not exactly 32 characters from `0-9a-fA-F`. The error does not hold the text.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        Ok(Self(hex_digits(text.as_bytes())?))
    }

    /// The secret itself, for the rare caller that has to hand it on. Never log it.
    pub fn dangerous_secret(&self) -> &str {
        hex_text(&self.0)
    }

    /// What the certificate can be called where the secret must not stand.
    pub fn id(&self) -> CertificateId {
        CertificateId(Sha256::digest(self.0).into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; TEXT_LEN] {
        &self.0
    }
}

/// The SHA-256 of a certificate's text: it names a certificate and does not give it away, since a certificate has 128
/// random bits. `Debug` and `Display` show the first eight digits, enough to tell an app's few apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateId([u8; 32]);

impl CertificateId {
    /// An id that was stored as bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The whole id, for storing and comparing.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateId({self}…)")
    }
}

impl FromStr for AppCertificate {
    type Err = FormError;

    fn from_str(text: &str) -> Result<Self, FormError> {
        Self::parse(text)
    }
}

impl PartialEq for AppCertificate {
    fn eq(&self, other: &Self) -> bool {
        signature::same(&self.0, &other.0)
    }
}

impl Eq for AppCertificate {}

impl fmt::Display for AppCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for AppCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppCertificate([redacted])")
    }
}

/// Why a text is no app id or no certificate. It never holds the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// The text has another length than 32 bytes.
    #[error("it must be exactly 32 characters long, and it has {found}")]
    Length {
        /// The length in bytes.
        found: usize,
    },
    /// The text has a character that is no hex digit.
    #[error("it may hold only the hex digits 0-9, a-f and A-F, and character {position} is none of them")]
    NotHex {
        /// Which character, counted from 1.
        position: usize,
    },
}

fn hex_digits(bytes: &[u8]) -> Result<[u8; TEXT_LEN], FormError> {
    let digits = bytes.try_into().map_err(|_| FormError::Length { found: bytes.len() })?;
    // Looking at every byte takes no branches, and all but never is there one to name.
    if !bytes.iter().fold(true, |all, byte| all & byte.is_ascii_hexdigit()) {
        let before = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        return Err(FormError::NotHex { position: before + 1 });
    }
    Ok(digits)
}

fn hex_text(digits: &[u8; TEXT_LEN]) -> &str {
    std::str::from_utf8(digits).expect("hex digits are ASCII")
}

/// Length of an app id and of a certificate, in characters.
const TEXT_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "5CFd2fd1755d40ecb72977518be15d3b";

    #[test]
    fn only_32_hex_digits_pass() {
        assert!(AppId::parse(SECRET).is_ok());
        assert_eq!(AppId::parse(""), Err(FormError::Length { found: 0 }));
        assert_eq!(AppId::parse(&SECRET[1..]), Err(FormError::Length { found: 31 }));
        assert_eq!(AppId::parse("../../etc/passwd"), Err(FormError::Length { found: 16 }));
        assert_eq!(AppId::parse("5CFd2fd1755d40ecb72977518be15d3g"), Err(FormError::NotHex { position: 32 }));
        assert_eq!(AppId::parse("５CFd2fd1755d40ecb72977518be15d"), Err(FormError::NotHex { position: 1 }));
    }

    #[test]
    fn letter_case_makes_another_id() {
        let id = AppId::parse(SECRET).unwrap();
        assert_ne!(id, AppId::parse(&SECRET.to_lowercase()).unwrap());
    }

    #[test]
    fn a_certificate_never_prints_itself() {
        let certificate = AppCertificate::parse(SECRET).unwrap();
        for printed in [format!("{certificate}"), format!("{certificate:?}"), format!("{certificate:#?}")] {
            assert!(printed.contains("redacted"), "{printed}");
            assert!(!printed.contains(&SECRET[..4]), "{printed}");
        }
        let error = AppCertificate::parse(&format!("{SECRET}0")).unwrap_err();
        assert!(!error.to_string().contains(&SECRET[..4]));
    }
}
