//! Whether the server lives, and whether it can serve; and the private listener with its metrics.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::guard::NO_CACHE;
use crate::metrics::Metrics;
use crate::token::clock_is_sane;

/// The handler of `/healthz`: the process answers.
pub(crate) async fn alive() -> Response {
    text(StatusCode::OK, "ok\n")
}

/// The handler of `/readyz`: joins and tokens are to be had.
pub(crate) async fn ready() -> Response {
    if clock_is_sane() {
        text(StatusCode::OK, "ready\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "the clock is wrong\n")
    }
}

/// What the private listener answers.
pub(crate) fn private_router(metrics: Metrics) -> Router {
    Router::new()
        .route("/metrics", get(prometheus))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(metrics)
}

async fn prometheus(State(metrics): State<Metrics>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (NO_CACHE, [(header::CONTENT_TYPE, content_type)], metrics.text()).into_response()
}

fn text(status: StatusCode, text: &'static str) -> Response {
    (status, NO_CACHE, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
