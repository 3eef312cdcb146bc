//! Who is asking for tokens: an API key, a JWT of the app's own login, or, in the open mode, anyone.

mod jwks;
mod jwt;
mod key;
mod policy;
mod settings;
mod uses;

use std::sync::{Arc, PoisonError, RwLock};

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use symbolon_token::AppId;

use crate::audit::Who;

pub(crate) use self::key::KeyRecord;
pub use self::key::{KeyHash, NewKey};
pub(crate) use self::policy::{Ask, Denied};
pub(crate) use self::settings::{CallerSettings, IssuerRecord};

use self::jwks::RemoteKeys;
use self::jwt::{Expected, JwtError, KeySet};
use self::key::Keys;
use self::policy::Policy;
use self::uses::KeyUses;

/// Everyone who may ask for tokens.
#[derive(Clone, Debug)]
pub struct Callers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Keys,
    /// The keys of the store, replaced as a whole when it changes.
    stored: RwLock<Keys>,
    uses: KeyUses,
    issuers: Vec<Issuer>,
    /// Whether requests without credentials are answered.
    open: bool,
}

/// One login whose JWTs are taken.
#[derive(Debug)]
struct Issuer {
    expected: Expected,
    keys: KeySource,
    /// The claim that names the caller in the log.
    policy: Arc<Policy>,
}

#[derive(Debug)]
enum KeySource {
    Fixed(KeySet),
    Remote(Arc<RemoteKeys>),
}

/// Who a caller is.
#[derive(Clone, Debug)]
enum Identity {
    Anyone,
    Key {
        id: String,
        name: Option<String>,
    },
    /// The subject stands among the claims.
    Jwt {
        issuer: String,
    },
}

/// A caller whose credentials are right.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    identity: Identity,
    policy: Arc<Policy>,
    claims: Map<String, Value>,
}

impl Caller {
    /// What kind of caller, for logs and metrics.
    pub(crate) fn kind(&self) -> &'static str {
        self.who().kind
    }

    /// The caller's names, for the audit.
    pub(crate) fn who(&self) -> Who<'_> {
        match &self.identity {
            Identity::Anyone => Who { kind: "anyone", ..Who::UNKNOWN },
            Identity::Key { id, name } => Who { kind: "key", id: Some(id), name: name.as_deref(), issuer: None },
            Identity::Jwt { issuer } => {
                let subject = self.claims.get("sub").and_then(Value::as_str);
                Who { kind: "jwt", id: subject, name: None, issuer: Some(issuer) }
            }
        }
    }

    /// Whether this caller may have tokens of this app.
    pub(crate) fn allows_app(&self, app: &AppId, is_default: bool) -> Result<(), Denied> {
        self.policy.allows_app(app, is_default)
    }

    /// Whether this caller gets what it asks for.
    pub(crate) fn allows(&self, ask: Ask<'_>) -> Result<(), Denied> {
        self.policy.allows(&self.claims, ask)
    }
}

/// Why a caller is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("this server makes tokens for callers it knows: send an API key or a JWT in `Authorization: Bearer …`")]
    Missing,
    #[error("the Authorization header is not `Bearer` and one credential")]
    Malformed,
    #[error("the API key is not known")]
    Key,
    #[error(transparent)]
    Jwt(#[from] JwtError),
    #[error("the login's keys are out of reach; try again in a few seconds")]
    Unreachable,
}

impl AuthError {
    /// The word for the audit.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "credentials_missing",
            Self::Malformed => "credentials_malformed",
            Self::Key => "key_unknown",
            Self::Jwt(error) => error.reason(),
            Self::Unreachable => "login_unreachable",
        }
    }

    /// Whether credentials were shown and are wrong.
    pub(crate) fn is_wrong(&self) -> bool {
        match self {
            Self::Malformed | Self::Key | Self::Jwt(_) => true,
            Self::Missing | Self::Unreachable => false,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Missing | Self::Malformed | Self::Key | Self::Jwt(_) => StatusCode::UNAUTHORIZED,
        }
    }
}

impl Callers {
    /// Nobody but, if `open`, everybody.
    pub fn anonymous(open: bool) -> Self {
        Self(Arc::new(Inner {
            keys: Keys::default(),
            stored: RwLock::default(),
            uses: KeyUses::default(),
            issuers: Vec::new(),
            open,
        }))
    }

    /// Whether anybody is known by name.
    pub fn any_known(&self) -> bool {
        self.counts() != (0, 0)
    }

    /// How many API keys and logins are known.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let stored = self.0.stored.read().unwrap_or_else(PoisonError::into_inner);
        (self.0.keys.len() + stored.len(), self.0.issuers.len())
    }

    /// Takes these keys of the store, and none that it took before.
    ///
    /// # Errors
    /// When one of them is in the configuration too.
    pub(crate) fn replace_stored(&self, records: Vec<KeyRecord>) -> Result<(), String> {
        let keys = Keys::new(records)?;
        if let Some(id) = self.0.keys.shared_with(&keys) {
            return Err(format!(
                "API key id {id:?} stands in the configuration and in the store; revoke one of the two"
            ));
        }
        *self.0.stored.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The key with this text. Whether it is unknown, wrong or revoked, the steps are the same.
    fn key(&self, text: &str, now: u64) -> Option<Caller> {
        let stored = self.0.stored.read().unwrap_or_else(PoisonError::into_inner);
        let (configured, stored) = (self.0.keys.find(text), stored.find(text));
        let record = configured.or(stored)?;
        if configured.is_none() {
            self.0.uses.note(&record.id, now);
        }
        let identity = Identity::Key { id: record.id.clone(), name: record.name.clone() };
        Some(Caller { identity, policy: Arc::clone(&record.policy), claims: Map::new() })
    }

    /// When the keys of the store were last used.
    pub(crate) fn uses(&self) -> &KeyUses {
        &self.0.uses
    }

    /// Whether requests without credentials are answered.
    pub fn is_open(&self) -> bool {
        self.0.open
    }

    /// The keys that have to be fetched: each is kept fresh by a task of its own.
    pub(crate) fn remote_keys(&self) -> impl Iterator<Item = Arc<RemoteKeys>> + '_ {
        self.0.issuers.iter().filter_map(|issuer| match &issuer.keys {
            KeySource::Remote(keys) => Some(Arc::clone(keys)),
            KeySource::Fixed(_) => None,
        })
    }

    /// Who sends this request, at Unix time `now`. Credentials that are sent have to be right, in the open mode too.
    pub(crate) async fn identify(&self, headers: &HeaderMap, now: u64) -> Result<Caller, AuthError> {
        let mut lines = headers.get_all(header::AUTHORIZATION).iter();
        let Some(line) = lines.next() else {
            return if self.0.open { Ok(anyone()) } else { Err(AuthError::Missing) };
        };
        let line = line.to_str().map_err(|_| AuthError::Malformed)?;
        let (scheme, credential) = line.split_once(' ').ok_or(AuthError::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") || lines.next().is_some() {
            return Err(AuthError::Malformed);
        }
        let credential = credential.trim();
        if credential.starts_with(key::PREFIX) {
            return self.key(credential, now).ok_or(AuthError::Key);
        }
        self.by_jwt(credential, now).await
    }

    async fn by_jwt(&self, text: &str, now: u64) -> Result<Caller, AuthError> {
        let named = jwt::unproven_issuer(text)?;
        let issuer = self.0.issuers.iter().find(|issuer| issuer.expected.issuer == named).ok_or(JwtError::Issuer)?;
        let claims = match &issuer.keys {
            KeySource::Fixed(keys) => issuer.expected.check(text, keys, now)?,
            KeySource::Remote(remote) => {
                let keys = remote.keys().await.ok_or(AuthError::Unreachable)?;
                match issuer.expected.check(text, &keys, now) {
                    Err(JwtError::UnknownKey) => {
                        let keys = remote.keys_anew().await.ok_or(AuthError::Unreachable)?;
                        issuer.expected.check(text, &keys, now)?
                    }
                    outcome => outcome?,
                }
            }
        };
        let identity = Identity::Jwt { issuer: issuer.expected.issuer.clone() };
        Ok(Caller { identity, policy: Arc::clone(&issuer.policy), claims })
    }
}

/// Checks the JSON of a policy, as `SYMBOLON_API_KEYS` has it.
///
/// # Errors
/// What is wrong with it.
pub fn check_policy(json: &Value) -> Result<(), String> {
    serde_json::from_value::<Policy>(json.clone()).map(drop).map_err(|error| error.to_string())
}

fn anyone() -> Caller {
    Caller { identity: Identity::Anyone, policy: Arc::new(Policy::open()), claims: Map::new() }
}
