//! Counters for Prometheus. Labels hold words of this program, never a name that somebody chose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};
use symbolon_edge::Stats;

/// Everything that is counted. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    tokens: Family<TokenLabels, Counter>,
    http: Family<StatusLabels, Counter>,
    limited: Family<LimitLabels, Counter>,
    connections: Gauge,
    refused_connections: Counter,
    sockets: Gauge,
    sockets_closed: Family<CodeLabels, Counter>,
    invalid_messages: Counter,
    joins: Family<OutcomeLabels, Counter>,
    events: Family<EventLabels, Counter>,
    unsent_datagrams: Counter,
    audit_records: Counter,
    audit_dropped: Counter,
    audit_failures: Counter,
    audit_refused: Counter,
    audit_waiting: Gauge,
    edge: EdgeMetrics,
}

/// A copy of what the edge counts, made when somebody asks.
#[derive(Debug)]
struct EdgeMetrics {
    gauges: Vec<Copied<Gauge<u64, AtomicU64>>>,
    counters: Vec<Copied<Counter>>,
    dropped: Family<CauseLabels, Counter>,
}

/// A metric, and where its value stands in what the edge counts.
#[derive(Debug)]
struct Copied<M> {
    metric: M,
    value: fn(&Stats) -> u64,
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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabels {
    code: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    event: &'static str,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("symbolon");
        let all = &mut registry;
        let inner = Inner {
            tokens: add(all, "tokens", "Token requests by kind and outcome"),
            http: add(all, "http_requests", "Answers on the public listener by status"),
            limited: add(all, "rate_limited", "Requests over a rate limit, by the limit"),
            connections: add(all, "connections", "Open connections on the public listener"),
            refused_connections: add(all, "connections_refused", "Connections over a limit"),
            sockets: add(all, "signalling_connections", "Open signalling connections"),
            sockets_closed: add(
                all,
                "signalling_closed",
                "Signalling connections by close code; 0 where the client went",
            ),
            invalid_messages: add(all, "signalling_invalid_messages", "Signalling messages that were none"),
            joins: add(all, "joins", "Joins by outcome and reason"),
            events: add(all, "events", "What members felt, by event and reason"),
            unsent_datagrams: add(all, "datagrams_unsent", "Datagrams that the system did not take at once"),
            audit_records: add(all, "audit_records", "Records of the audit that were written"),
            audit_dropped: add(all, "audit_dropped", "Records of the audit that were lost; anything but 0 is a fault"),
            audit_failures: add(all, "audit_write_failures", "Times that the audit could not be written"),
            audit_refused: add(all, "audit_refused", "Requests refused because the audit did not take their record"),
            audit_waiting: add(all, "audit_waiting", "Records of the audit that wait to be written"),
            edge: EdgeMetrics::new(all),
            registry,
        };
        Self(Arc::new(inner))
    }

    pub(crate) fn token(&self, kind: &'static str, outcome: &'static str) {
        self.0.tokens.get_or_create(&TokenLabels { kind, outcome }).inc();
    }

    pub(crate) fn http(&self, status: StatusCode) {
        self.0.http.get_or_create(&StatusLabels { status: status.as_u16() }).inc();
    }

    pub(crate) fn limited(&self, limit: &'static str) {
        self.0.limited.get_or_create(&LimitLabels { limit }).inc();
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

    pub(crate) fn socket_opened(&self) {
        self.0.sockets.inc();
    }

    /// A signalling connection has ended; the code is that of our close frame, or 0 where we sent none.
    pub(crate) fn socket_closed(&self, code: u16) {
        self.0.sockets.dec();
        self.0.sockets_closed.get_or_create(&CodeLabels { code }).inc();
    }

    pub(crate) fn invalid_message(&self) {
        self.0.invalid_messages.inc();
    }

    pub(crate) fn join(&self, outcome: &'static str, reason: &str) {
        self.0.joins.get_or_create(&OutcomeLabels { outcome, reason: reason.to_owned() }).inc();
    }

    pub(crate) fn event(&self, event: &'static str, reason: &str) {
        self.0.events.get_or_create(&EventLabels { event, reason: reason.to_owned() }).inc();
    }

    pub(crate) fn datagrams_not_sent(&self, count: usize) {
        self.0.unsent_datagrams.inc_by(count as u64);
    }

    pub(crate) fn audit_written(&self, records: usize) {
        self.0.audit_records.inc_by(records as u64);
    }

    pub(crate) fn audit_dropped(&self, records: usize) {
        self.0.audit_dropped.inc_by(records as u64);
    }

    pub(crate) fn audit_failed(&self) {
        self.0.audit_failures.inc();
    }

    pub(crate) fn audit_refused(&self) {
        self.0.audit_refused.inc();
    }

    pub(crate) fn audit_waiting(&self, records: usize) {
        self.0.audit_waiting.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// The text that Prometheus reads, with what the edge has counted.
    pub(crate) fn text(&self, stats: &Stats) -> String {
        self.0.edge.copy(stats);
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("writing into a String does not fail");
        text
    }
}

impl EdgeMetrics {
    fn new(registry: &mut Registry) -> Self {
        let gauges = GAUGES.iter().map(|source| Copied::new(registry, source)).collect();
        let counters = COUNTERS.iter().map(|source| Copied::new(registry, source)).collect();
        let dropped = add(registry, "dropped", "Datagrams and media packets that were dropped, by cause");
        Self { gauges, counters, dropped }
    }

    fn copy(&self, stats: &Stats) {
        for Copied { metric, value } in &self.gauges {
            metric.set(value(stats));
        }
        for Copied { metric, value } in &self.counters {
            metric.inner().store(value(stats), Ordering::Relaxed);
        }
        for (cause, count) in stats.dropped.iter() {
            let labels = CauseLabels { cause: cause.name() };
            self.dropped.get_or_create(&labels).inner().store(count, Ordering::Relaxed);
        }
    }
}

impl<M: Metric + Clone + Default> Copied<M> {
    fn new(registry: &mut Registry, (name, help, value): &FromStats) -> Self {
        Self { metric: add(registry, name, help), value: *value }
    }
}

fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// A name, a help text, and where the value stands.
type FromStats = (&'static str, &'static str, fn(&Stats) -> u64);

const GAUGES: &[FromStats] = &[
    ("members", "Members, those included whose connection is lost for the moment", |stats| stats.members),
    ("channels", "Channels with somebody in them", |stats| stats.channels),
    ("peers", "Connections that negotiated media", |stats| stats.peers),
    ("publications", "Streams that members offer", |stats| stats.publications),
    ("routes", "Streams forwarded to a subscriber", |stats| stats.routes),
];

const COUNTERS: &[FromStats] = &[
    ("datagrams_in", "Datagrams that came in", |stats| stats.datagrams_in),
    ("bytes_in", "Bytes of the datagrams that came in", |stats| stats.bytes_in),
    ("datagrams_out", "Datagrams that went out", |stats| stats.datagrams_out),
    ("bytes_out", "Bytes of the datagrams that went out", |stats| stats.bytes_out),
    ("packets_in", "Media packets of publications that came in", |stats| stats.packets_in),
    ("packets_forwarded", "Media packets, counted for each subscriber", |stats| stats.packets_forwarded),
    ("bytes_forwarded", "Payload bytes of those packets", |stats| stats.bytes_forwarded),
    ("keyframes_wanted", "Keyframes that subscribers asked for", |stats| stats.keyframes_wanted),
    ("keyframes_requested", "Keyframes that publishers were asked for", |stats| stats.keyframes_requested),
    ("nacks_in", "Retransmission requests of subscribers", |stats| stats.nacks_in),
    ("nacks_out", "Retransmission requests to publishers", |stats| stats.nacks_out),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_a_line_for_everything_that_is_counted() {
        let metrics = Metrics::new();
        metrics.token("rtc", "minted");
        metrics.join("refused", "channel_mismatch");
        metrics.socket_opened();
        metrics.socket_closed(4401);
        let text = metrics.text(&Stats::default());
        for line in [
            "symbolon_tokens_total{kind=\"rtc\",outcome=\"minted\"} 1\n",
            "symbolon_joins_total{outcome=\"refused\",reason=\"channel_mismatch\"} 1\n",
            "symbolon_signalling_closed_total{code=\"4401\"} 1\n",
            "symbolon_members 0\n",
            "symbolon_packets_forwarded_total 0\n",
            "symbolon_dropped_total{cause=\"unknown_source\"} 0\n",
        ] {
            assert!(text.contains(line), "{line} {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
