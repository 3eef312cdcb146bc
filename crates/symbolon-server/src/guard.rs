//! What every request on the public listener passes first: limits of its head, the host name, the origin, preflights.
//! Each gets its id here.

use axum::extract::Request;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};

use crate::metrics::Metrics;
use crate::origin::{OriginCheck, OriginPolicy};
use crate::request_id::{self, RequestId};

/// What the guard goes by.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) origins: OriginPolicy,
    pub(crate) metrics: Metrics,
}

impl Guard {
    /// Answers a request that passes with `next`, and any other itself.
    pub(crate) async fn around<F, A>(&self, mut request: Request, next: F) -> Response
    where
        F: FnOnce(Request) -> A,
        A: Future<Output = Response>,
    {
        let id = RequestId::of(request.headers());
        request.extensions_mut().insert(id.clone());
        let mut response = match self.admit(&request) {
            Err(refusal) => *refusal,
            Ok(origin) => {
                let answer = if request.method() == Method::OPTIONS { preflight() } else { next(request).await };
                with_cors(answer, origin)
            }
        };
        self.metrics.http(response.status());
        response.headers_mut().insert(request_id::HEADER, id.header());
        with_vary(response)
    }

    /// The origin to be echoed, or the answer to a request that goes no further.
    fn admit(&self, request: &Request) -> Result<Option<HeaderValue>, Box<Response>> {
        check_head(request)?;
        let always_answered = ALWAYS_ANSWERED.contains(&request.uri().path());
        if !self.origins.host_is_fine(request.headers()) && !always_answered {
            return Err(plain(StatusCode::FORBIDDEN, FOREIGN_HOST));
        }
        match self.origins.check(request.headers()) {
            OriginCheck::Absent => Ok(None),
            OriginCheck::Allowed(origin) => Ok(Some(origin)),
            OriginCheck::Refused if always_answered => Ok(None),
            OriginCheck::Refused => Err(origin_refused()),
        }
    }
}

fn check_head(request: &Request) -> Result<(), Box<Response>> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET {
        return Err(plain(StatusCode::URI_TOO_LONG, "the request target is longer than 8192 bytes"));
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(plain(StatusCode::BAD_REQUEST, "a request has exactly one Host header"));
    }
    Ok(())
}

fn plain(status: StatusCode, text: &'static str) -> Box<Response> {
    Box::new((status, NO_CACHE, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

fn origin_refused() -> Box<Response> {
    let body = r#"{"error":"Origin not allowed"}"#;
    Box::new((StatusCode::FORBIDDEN, NO_CACHE, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn preflight() -> Response {
    (StatusCode::NO_CONTENT, NO_CACHE).into_response()
}

/// Redirects carry none of these; what they lead to does.
fn with_cors(mut response: Response, origin: Option<HeaderValue>) -> Response {
    if !BARE.contains(&response.status()) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }
    response
}

fn with_vary(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

/// Headers of an answer that nobody keeps.
pub(crate) const NO_CACHE: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "private, no-cache, no-store, must-revalidate"),
    (header::EXPIRES, "-1"),
    (header::PRAGMA, "no-cache"),
];

/// Answers that say nothing about origins: they lead elsewhere.
const BARE: [StatusCode; 3] =
    [StatusCode::MOVED_PERMANENTLY, StatusCode::TEMPORARY_REDIRECT, StatusCode::SWITCHING_PROTOCOLS];

const ALLOWED_HEADERS: &str = "Origin, Content-Type, Authorization";

/// Health checks are answered whatever they claim about where they come from.
const ALWAYS_ANSWERED: [&str; 3] = ["/ping", "/healthz", "/readyz"];

const FOREIGN_HOST: &str = "in development mode this server answers only as localhost or 127.0.0.1";

/// The longest request target, in bytes.
pub(crate) const MAX_TARGET: usize = 8192;
