//! Whether the server lives, and whether it can serve; and the private listener with its metrics.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use symbolon_edge::Stats;

use crate::audit::Audit;
use crate::guard::NO_CACHE;
use crate::metrics::Metrics;
use crate::shard::Shard;
use crate::token::clock_is_sane;

/// Who can be asked how things are.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) metrics: Metrics,
    /// The media thread, where there is one.
    pub(crate) shard: Option<Shard>,
    pub(crate) audit: Audit,
}

impl Health {
    /// What the edge has counted, nothing where there is none; absent when it does not answer.
    async fn stats(&self) -> Option<Stats> {
        let Some(shard) = &self.shard else { return Some(Stats::default()) };
        tokio::time::timeout(ANSWER_TIMEOUT, shard.stats()).await.ok()?.ok()
    }
}

/// The handler of `/healthz`: the process answers.
pub(crate) async fn alive() -> Response {
    text(StatusCode::OK, "ok\n")
}

/// The handler of `/readyz`: joins and tokens are to be had.
pub(crate) async fn ready(State(health): State<Health>) -> Response {
    if !clock_is_sane() {
        text(StatusCode::SERVICE_UNAVAILABLE, "the clock is wrong\n")
    } else if health.audit.is_failing() {
        text(StatusCode::SERVICE_UNAVAILABLE, "the audit cannot be written\n")
    } else if health.stats().await.is_none() {
        text(StatusCode::SERVICE_UNAVAILABLE, "the media thread does not answer\n")
    } else {
        text(StatusCode::OK, "ready\n")
    }
}

/// What the private listener answers.
pub(crate) fn private_router(health: Health) -> Router {
    Router::new()
        .route("/metrics", get(prometheus))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(health)
}

async fn prometheus(State(health): State<Health>) -> Response {
    let Some(stats) = health.stats().await else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "the media thread does not answer\n");
    };
    health.metrics.audit_waiting(health.audit.waiting());
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (NO_CACHE, [(header::CONTENT_TYPE, content_type)], health.metrics.text(&stats)).into_response()
}

fn text(status: StatusCode, text: &'static str) -> Response {
    (status, NO_CACHE, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// A media thread that takes longer has come to a stop.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
