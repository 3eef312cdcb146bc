//! Tokens for the members of the load.

use std::fmt;
use std::time::Duration;

use symbolon_token::builder::build_token_with_uid;
use symbolon_token::{AppCertificate, AppId, Issue, Role};

use crate::access::AccessError;

/// Where tokens come from.
#[derive(Clone)]
pub enum Tokens {
    /// Made here.
    Minted {
        /// The app.
        app_id: AppId,
        /// Its secret.
        certificate: AppCertificate,
        /// How long they live.
        life: Duration,
    },
    /// From the token route of a server.
    Fetched {
        /// The app whose channels they open.
        app_id: String,
        /// The server, `http://host:port`.
        base: String,
        /// An API key or JWT, if the server asks for one.
        bearer: Option<String>,
    },
    /// None, for servers that ask for none.
    Absent,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minted { .. } => "Minted",
            Self::Fetched { .. } => "Fetched",
            Self::Absent => "Absent",
        })
    }
}

impl Tokens {
    pub(crate) fn app_id(&self) -> &str {
        match self {
            Self::Minted { app_id, .. } => app_id.as_str(),
            Self::Fetched { app_id, .. } => app_id,
            Self::Absent => "",
        }
    }

    /// A token for a member. May block.
    pub(crate) fn token(&self, channel: &str, uid: u32, publishes: bool) -> Result<Option<String>, AccessError> {
        match self {
            Self::Absent => Ok(None),
            Self::Minted { app_id, certificate, life } => {
                let role = if publishes { Role::Publisher } else { Role::Subscriber };
                let life = u32::try_from(life.as_secs()).unwrap_or(MAX_LIFE).min(MAX_LIFE);
                let token = build_token_with_uid(Issue::now(), *app_id, certificate, channel, uid, role, life, life);
                token.map(Some).map_err(|error| AccessError::Token(error.to_string()))
            }
            Self::Fetched { base, bearer, .. } => fetch(base, bearer.as_deref(), channel, uid, publishes).map(Some),
        }
    }
}

fn fetch(base: &str, bearer: Option<&str>, channel: &str, uid: u32, publishes: bool) -> Result<String, AccessError> {
    let role = if publishes { "publisher" } else { "subscriber" };
    let mut request = ureq::get(format!("{base}/rtc/{channel}/{role}/uid/{uid}/"));
    if let Some(bearer) = bearer {
        request = request.header("Authorization", &format!("Bearer {bearer}"));
    }
    let failed = |error: ureq::Error| AccessError::Token(error.to_string());
    let body = request.call().map_err(failed)?.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
    let answer: serde_json::Value = serde_json::from_str(&body.map_err(failed)?)
        .map_err(|_| AccessError::Token("an answer that is no JSON".into()))?;
    let token = answer["rtcToken"].as_str().ok_or_else(|| AccessError::Token("an answer without rtcToken".into()))?;
    Ok(token.to_owned())
}

/// A day: no token lives longer.
const MAX_LIFE: u32 = 86_400;
const MAX_ANSWER: u64 = 64 * 1024;
