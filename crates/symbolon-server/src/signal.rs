//! WebSocket ↔ queue: limit, decode, pass on; write what comes back.

mod decode;
mod pace;
mod session;
mod upgrade;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symbolon_proto::id::ConnId;

use crate::client::TrustedProxies;
use crate::http::limits::Connections;
use crate::limit::RefusedJoins;
use crate::metrics::Metrics;
use crate::shard::Shard;
use crate::stop::Stop;

pub(crate) use self::upgrade::upgrade;

/// What every signalling connection needs.
#[derive(Clone, Debug)]
pub(crate) struct Signalling {
    pub(crate) shard: Shard,
    pub(crate) connections: Connections,
    pub(crate) proxies: TrustedProxies,
    pub(crate) metrics: Metrics,
    pub(crate) stop: Stop,
    pub(crate) refused_joins: RefusedJoins,
    next: Arc<AtomicU64>,
}

impl Signalling {
    pub(crate) fn new(
        shard: Shard,
        connections: Connections,
        proxies: TrustedProxies,
        metrics: Metrics,
        stop: Stop,
    ) -> Self {
        let refused_joins = RefusedJoins::new(metrics.clone());
        Self { shard, connections, proxies, metrics, stop, refused_joins, next: Arc::default() }
    }

    /// A number that no connection had before.
    fn next_conn(&self) -> ConnId {
        ConnId(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
