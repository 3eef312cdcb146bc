//! Counters for Prometheus. Labels hold words of this program, never a name that somebody chose.

use std::sync::Arc;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Everything that is counted outside the media thread. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    tokens: Family<TokenLabels, Counter>,
    http: Family<StatusLabels, Counter>,
    connections: Gauge,
    refused_connections: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusLabels {
    status: u16,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("symbolon");
        let tokens = Family::default();
        registry.register("tokens", "Token requests by kind and outcome", tokens.clone());
        let http = Family::default();
        registry.register("http_requests", "Answers on the public listener by status", http.clone());
        let connections = Gauge::default();
        registry.register("connections", "Open connections on the public listener", connections.clone());
        let refused_connections = Counter::default();
        registry.register("connections_refused", "Connections over a limit", refused_connections.clone());
        Self(Arc::new(Inner { registry, tokens, http, connections, refused_connections }))
    }

    pub(crate) fn token(&self, kind: &'static str, outcome: &'static str) {
        self.0.tokens.get_or_create(&TokenLabels { kind, outcome }).inc();
    }

    pub(crate) fn http(&self, status: StatusCode) {
        self.0.http.get_or_create(&StatusLabels { status: status.as_u16() }).inc();
    }

    pub(crate) fn connection_opened(&self) {
        self.0.connections.inc();
    }

    pub(crate) fn connection_closed(&self) {
        self.0.connections.dec();
    }

    pub(crate) fn connection_refused(&self) {
        self.0.refused_connections.inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("writing into a String does not fail");
        text
    }
}
