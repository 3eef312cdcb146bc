//! One app: a tenant with its own App ID, certificates and rules.

mod check;

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use symbolon_proto::grant;
use symbolon_token::{AppCertificate, AppId, Wildcards};

pub use self::check::{check_app_id, check_certificate};

/// An app: its id, the secrets that sign its tokens, and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The App ID.
    pub id: AppId,
    /// A name for people.
    pub name: Option<String>,
    /// Whether it gets tokens and its channels can be joined.
    pub enabled: bool,
    /// The certificate that signs. Prints as redacted.
    pub certificate: AppCertificate,
    /// Another one whose tokens are taken as well, during a rotation.
    pub secondary: Option<AppCertificate>,
    /// Which channel wildcards its tokens may use.
    pub wildcards: Wildcards,
    /// Whether tokens of the older 006 format are taken.
    pub accept_006: bool,
    /// Whether publishing needs the publish privileges.
    pub publish_privileges: bool,
}

impl App {
    /// An app with one certificate and the safe defaults.
    pub fn new(id: AppId, certificate: AppCertificate) -> Self {
        Self {
            id,
            name: None,
            enabled: true,
            certificate,
            secondary: None,
            wildcards: Wildcards::Off,
            accept_006: false,
            publish_privileges: true,
        }
    }

    /// The certificates whose tokens are taken.
    pub fn certificates(&self) -> impl Iterator<Item = &AppCertificate> {
        [&self.certificate].into_iter().chain(&self.secondary)
    }

    /// What the door needs to know of it.
    pub(crate) fn at_the_door(&self) -> grant::App {
        grant::App {
            certificates: self.certificates().cloned().collect(),
            disabled: !self.enabled,
            wildcards: self.wildcards,
            accept_006: self.accept_006,
            publish_privileges: self.publish_privileges,
        }
    }
}

/// The first eight digits of the SHA-256 of a certificate: they name it among an app's few, and do not give it away.
pub fn fingerprint(certificate: &AppCertificate) -> String {
    let mut hash = certificate_hash(certificate);
    hash.truncate(8);
    hash
}

/// The SHA-256 of a certificate. It has 128 random bits, so that nothing slower is needed.
pub(crate) fn certificate_hash(certificate: &AppCertificate) -> String {
    Sha256::digest(certificate.dangerous_secret().as_bytes()).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
