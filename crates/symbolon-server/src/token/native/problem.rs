//! Refusals as RFC 9457 has them.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::mint::Refusal;
use super::super::post::mark;
use crate::guard::NO_CACHE;
use crate::request_id::RequestId;

/// Why there is no token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem<'a> {
    /// `about:blank`: the status says what kind of problem it is, and `code` says it exactly.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The words of the status.
    title: &'static str,
    status: u16,
    /// What exactly is wrong and what to do, for people.
    detail: &'a str,
    /// What exactly is wrong, for programs: a stable word.
    code: &'static str,
    /// The name of this request, as in `X-Request-Id` and in the audit.
    request_id: &'a str,
}

/// A refusal as a problem document.
pub(super) fn problem(refusal: &Refusal, id: &RequestId) -> Response {
    let Refusal { status, reason, text, retry_after } = refusal;
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: text,
        code: reason,
        request_id: id.as_str(),
    };
    let body = serde_json::to_string(&problem).expect("texts and numbers are JSON");
    let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    let mut response = (*status, NO_CACHE, headers, body).into_response();
    mark(*status, reason, *retry_after, &mut response);
    response
}
