//! How often somebody may ask: by client address, by caller, for an app, and with wrong credentials.

mod bucket;
mod table;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};

use self::bucket::{AddressBuckets, Buckets, Uptime, fifty_in_ten_seconds, per_second, twenty_a_minute};
use crate::audit::Who;
use crate::client::ClientKey;
use crate::config::RateLimits;
use crate::metrics::Metrics;

/// The limits of the token routes. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Limits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    addresses: Option<AddressBuckets<Uptime>>,
    callers: Option<Buckets<Uptime>>,
    apps: Option<Buckets<Uptime>>,
    wrong: AddressBuckets<Uptime>,
    metrics: Metrics,
}

/// Too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// The sentence for the client.
    pub(crate) text: &'static str,
    /// When another try can succeed, in whole seconds, at least 1.
    pub(crate) retry_after: u64,
}

impl Limits {
    pub(crate) fn new(rates: RateLimits, metrics: Metrics) -> Self {
        let clock = Uptime::new();
        Self(Arc::new(Inner {
            addresses: per_second(rates.per_address).map(|quota| AddressBuckets::new(quota, clock)),
            callers: per_second(rates.per_caller).map(|quota| Buckets::new(quota, clock)),
            apps: per_second(rates.per_app).map(|quota| Buckets::new(quota, clock)),
            wrong: AddressBuckets::new(twenty_a_minute(), clock),
            metrics,
        }))
    }

    /// Counts a request of this client, before anything costly. A client whose credentials were wrong too often may not
    /// try others for a while.
    pub(crate) fn admit(&self, client: IpAddr, headers: &HeaderMap) -> Result<(), TooMany> {
        let key = ClientKey::of(client);
        if let Some(addresses) = &self.0.addresses {
            addresses.take(key).map_err(|wait| self.refusal("address", ADDRESS, wait))?;
        }
        if headers.contains_key(header::AUTHORIZATION) {
            self.0.wrong.look(key).map_err(|wait| self.refusal("wrong_credentials", WRONG, wait))?;
        }
        Ok(())
    }

    /// Counts wrong credentials of this client.
    pub(crate) fn wrong_credentials(&self, client: IpAddr) -> Result<(), TooMany> {
        self.0.wrong.take(ClientKey::of(client)).map_err(|wait| self.refusal("wrong_credentials", WRONG, wait))
    }

    /// Counts a request of a caller that is known.
    pub(crate) fn caller(&self, who: &Who<'_>) -> Result<(), TooMany> {
        if let Some(callers) = &self.0.callers
            && who.id.is_some()
        {
            let key = (who.kind, who.issuer, who.id);
            callers.take(&key).map_err(|wait| self.refusal("caller", CALLER, wait))?;
        }
        Ok(())
    }

    /// Counts a request about an app.
    pub(crate) fn app(&self, app_id: &str) -> Result<(), TooMany> {
        match &self.0.apps {
            Some(apps) => apps.take(&app_id).map_err(|wait| self.refusal("app", APP, wait)),
            None => Ok(()),
        }
    }

    fn refusal(&self, limit: &'static str, text: &'static str, wait: Duration) -> TooMany {
        self.0.metrics.limited(limit);
        TooMany::new(text, wait)
    }
}

impl TooMany {
    fn new(text: &'static str, wait: Duration) -> Self {
        let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { text, retry_after: whole.max(1) }
    }
}

/// The limit at the door of signalling: whoever was refused too often waits before he may ask again. Clones count
/// together.
#[derive(Clone, Debug)]
pub(crate) struct RefusedJoins {
    buckets: Arc<AddressBuckets<Uptime>>,
    metrics: Metrics,
}

impl RefusedJoins {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { buckets: Arc::new(AddressBuckets::new(fifty_in_ten_seconds(), Uptime::new())), metrics }
    }

    /// Whether this client may connect.
    pub(crate) fn admit(&self, client: IpAddr) -> Result<(), TooMany> {
        self.buckets.look(ClientKey::of(client)).map_err(|wait| {
            self.metrics.limited("refused_joins");
            TooMany::new(JOINS, wait)
        })
    }

    /// Counts a join of this client that was refused.
    pub(crate) fn count(&self, client: IpAddr) {
        // One that was let in just before may make it more than the limit; the next is not let in.
        let _ = self.buckets.take(ClientKey::of(client));
    }
}

const JOINS: &str = "too many refused joins from this address; wait as long as Retry-After says";
const ADDRESS: &str = "too many requests from this address; wait as long as Retry-After says";
const WRONG: &str = "too many wrong credentials from this address; wait as long as Retry-After says";
const CALLER: &str = "too many requests of this caller; wait as long as Retry-After says";
const APP: &str = "too many requests for this app; wait as long as Retry-After says";
