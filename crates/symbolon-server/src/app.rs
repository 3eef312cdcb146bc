//! One app: a tenant with its own App ID, certificates and rules.

mod check;

use symbolon_proto::grant;
use symbolon_token::{AppCertificate, AppId, CertificateId, Wildcards};

pub use self::check::{check_app_id, check_certificate};

/// A certificate that has been retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// Which.
    pub id: CertificateId,
    /// Whether the sessions that it let in are over.
    pub ends_sessions: bool,
}

/// An app: its id, the secrets that sign its tokens, and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The App ID.
    pub id: AppId,
    /// A name for people.
    pub name: Option<String>,
    /// Whether it gets tokens and its channels can be joined.
    pub enabled: bool,
    /// Whether its sessions end when it is disabled.
    pub disabling_ends_sessions: bool,
    /// The certificate that signs. Prints as redacted.
    pub certificate: AppCertificate,
    /// Another one whose tokens are taken as well, during a rotation.
    pub secondary: Option<AppCertificate>,
    /// Those that it had, and that are never taken again, oldest first.
    pub retired: Vec<Retired>,
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
            disabling_ends_sessions: false,
            certificate,
            secondary: None,
            retired: Vec::new(),
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
            revoked: self.retired.iter().filter(|one| one.ends_sessions).map(|one| one.id).collect(),
            disabled: !self.enabled,
            disabling_ends_sessions: self.disabling_ends_sessions,
            wildcards: self.wildcards,
            accept_006: self.accept_006,
            publish_privileges: self.publish_privileges,
        }
    }
}

/// The first eight digits of the SHA-256 of a certificate: they name it among an app's few, and do not give it away.
pub fn fingerprint(certificate: &AppCertificate) -> String {
    certificate.id().to_string()
}
