//! Callers as the configuration has them.

use std::sync::{Arc, RwLock};

use serde::Deserialize;

use super::jwks::{Location, RemoteKeys};
use super::jwt::{Expected, JwtAlgorithm, KeySet};
use super::key::{KeyRecord, Keys};
use super::policy::Policy;
use super::uses::KeyUses;
use super::{Callers, Inner, Issuer, KeySource};

/// Keys and issuers, not yet checked against each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CallerSettings {
    pub(crate) keys: Vec<KeyRecord>,
    pub(crate) issuers: Vec<IssuerRecord>,
}

/// One login whose JWTs are taken.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerRecord {
    /// The exact `iss` of its JWTs. Its keys are found from there (OpenID Connect Discovery) unless one of the next two
    /// says otherwise.
    pub(crate) issuer: String,
    /// Where its keys are.
    #[serde(default)]
    pub(crate) jwks_url: Option<String>,
    /// Its public key in PEM form.
    #[serde(default)]
    pub(crate) public_key: Option<String>,
    /// What `aud` must name.
    pub(crate) audience: String,
    /// What it may sign with. Default: RS256, ES256 and EdDSA; a `public_key` needs exactly one.
    #[serde(default)]
    pub(crate) algorithms: Vec<JwtAlgorithm>,
    /// The `typ` that its JWTs must have, such as `at+jwt` for access tokens (RFC 9068). Default: `JWT`, `at+jwt`, or none.
    #[serde(default)]
    pub(crate) typ: Option<String>,
    /// Whether its keys may come over plain HTTP, or from a private address.
    #[serde(default)]
    pub(crate) jwks_insecure: bool,
    /// What its users may have.
    pub(crate) policy: Policy,
}

impl CallerSettings {
    /// # Errors
    /// When two callers look alike, or one of them cannot be right.
    pub(crate) fn check(self, open: bool) -> Result<Callers, String> {
        let keys = Keys::new(self.keys)?;
        let mut issuers: Vec<Issuer> = Vec::new();
        for record in self.issuers {
            let issuer = record.check()?;
            if issuers.iter().any(|other| other.expected.issuer == issuer.expected.issuer) {
                return Err(format!("issuer {:?} stands twice", issuer.expected.issuer));
            }
            issuers.push(issuer);
        }
        Ok(Callers(Arc::new(Inner { keys, stored: RwLock::default(), uses: KeyUses::default(), issuers, open })))
    }
}

impl IssuerRecord {
    /// A login that says itself where its keys are.
    pub(crate) fn discovered(issuer: String, audience: String, policy: Policy) -> Self {
        let (jwks_url, public_key, algorithms) = (None, None, Vec::new());
        Self { issuer, jwks_url, public_key, audience, algorithms, typ: None, jwks_insecure: false, policy }
    }

    fn check(self) -> Result<Issuer, String> {
        let name = self.issuer.clone();
        let keys = self.key_source().map_err(|problem| format!("issuer {name:?}: {problem}"))?;
        let algorithms = if self.algorithms.is_empty() { JwtAlgorithm::ALL.to_vec() } else { self.algorithms };
        let expected = Expected { issuer: self.issuer, audiences: vec![self.audience], algorithms, typ: self.typ };
        Ok(Issuer { expected, keys, policy: Arc::new(self.policy) })
    }

    fn key_source(&self) -> Result<KeySource, String> {
        if self.audience.is_empty() {
            return Err("the audience is empty".to_owned());
        }
        let location = match (&self.public_key, &self.jwks_url) {
            (Some(_), Some(_)) => return Err("give public_key or jwks_url, not both".to_owned()),
            (Some(pem), None) => {
                let [algorithm] = self.algorithms[..] else {
                    return Err("a public_key needs exactly one entry in algorithms".to_owned());
                };
                return KeySet::from_pem(algorithm, pem.as_bytes()).map(KeySource::Fixed);
            }
            (None, Some(url)) => Location::Jwks(url.parse().map_err(|_| "jwks_url is no URL".to_owned())?),
            (None, None) => Location::discover(&self.issuer)?,
        };
        Ok(KeySource::Remote(Arc::new(RemoteKeys::new(location, self.jwks_insecure)?)))
    }
}
