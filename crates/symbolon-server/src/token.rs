//! The token routes, compatible with the usual token server: `/ping`, `/rtc/…`, `/rtm/…`, `/rte/…`, `/chat/…` and
//! `POST /getToken`.

mod get;
mod go;
mod mint;
mod path;
mod post;
mod request;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use symbolon_token::AppId;

pub(crate) use self::mint::clock_is_sane;
use self::mint::{Minter, Refusal, Wanted};
use self::path::{Route, Slash};
use crate::caller::{Caller, Callers};
use crate::config::{App, TokenPolicy};
use crate::guard::NO_CACHE;
use crate::metrics::Metrics;

/// Answers the token routes, and every other path with 404.
#[derive(Clone)]
pub(crate) struct TokenRoutes {
    minter: Minter,
    callers: Callers,
    metrics: Metrics,
}

impl TokenRoutes {
    pub(crate) fn new(app: App, policy: TokenPolicy, callers: Callers, metrics: Metrics) -> Self {
        Self { minter: Minter { app, policy }, callers, metrics }
    }

    pub(crate) fn app_id(&self) -> &AppId {
        &self.minter.app.id
    }

    pub(crate) fn is_open(&self) -> bool {
        self.callers.is_open()
    }

    /// Finds out who is asking.
    async fn desk(&self, headers: &HeaderMap) -> Result<Desk<'_>, Refusal> {
        match self.callers.identify(headers, mint::unix_now()).await {
            Ok(caller) => Ok(Desk { routes: self, caller }),
            Err(error) => {
                self.metrics.token("any", "unauthorized");
                tracing::info!(status = error.status().as_u16(), reason = %error, "caller refused");
                Err(Refusal { status: error.status(), text: error.to_string() })
            }
        }
    }
}

/// The token routes with somebody in front of them who is known.
struct Desk<'a> {
    routes: &'a TokenRoutes,
    caller: Caller,
}

impl Desk<'_> {
    async fn answer(&self, route: Route<'_>, query: Option<&str>, headers: &HeaderMap, body: Body) -> Response {
        match route {
            Route::Rtc(place) => self.rtc(place, query),
            Route::Rtm { uid } => self.rtm(uid, query),
            Route::Rte { place, rtm_uid } => self.rte(place, rtm_uid, query),
            Route::ChatApp => self.chat(None, query),
            Route::ChatAccount { user } => self.chat(Some(user), query),
            Route::GetToken => match read_body(headers, body).await {
                Ok(body) => self.post(&body),
                Err(refusal) => post::line(refusal.status, &refusal.text),
            },
            Route::Ping | Route::Redirect(_) | Route::NotFound => not_found(),
        }
    }

    fn strict(&self) -> bool {
        self.routes.minter.policy.strict
    }

    /// Makes a token, and says so to the log and the metrics: what kind and for how long, not for whom.
    fn mint(&self, wanted: &Wanted, life: u32) -> Result<String, Refusal> {
        let kind = wanted.kind();
        let TokenRoutes { minter, metrics, .. } = self.routes;
        let caller = self.caller.kind;
        match minter.mint(&self.caller, wanted, life) {
            Ok(token) => {
                metrics.token(kind, "minted");
                tracing::info!(kind, caller, life_s = life, "token minted");
                Ok(token)
            }
            Err(refusal) => {
                metrics.token(kind, refusal.outcome());
                tracing::info!(kind, caller, status = refusal.status.as_u16(), "token refused");
                Err(refusal)
            }
        }
    }
}

/// The handler behind every path that nothing else answers.
pub(crate) async fn answer(State(routes): State<TokenRoutes>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (path, query) = (parts.uri.path(), parts.uri.query());
    let route = match Route::find(&parts.method, path) {
        Route::Ping => return json(StatusCode::OK, r#"{"message":"pong"}"#.to_owned()),
        Route::Redirect(slash) => return redirect(&parts.method, path, query, slash),
        Route::NotFound => return not_found(),
        route @ (Route::Rtc(_)
        | Route::Rtm { .. }
        | Route::Rte { .. }
        | Route::ChatApp
        | Route::ChatAccount { .. }
        | Route::GetToken) => route,
    };
    match routes.desk(&parts.headers).await {
        Ok(desk) => desk.answer(route, query, &parts.headers, body).await,
        Err(refusal) if matches!(route, Route::GetToken) => post::line(refusal.status, &refusal.text),
        Err(refusal) => get::refused(refusal),
    }
}

/// The answer to a path that is none.
pub(crate) fn not_found() -> Response {
    (StatusCode::NOT_FOUND, NO_CACHE, [(header::CONTENT_TYPE, "text/plain")], "404 page not found").into_response()
}

/// A JSON body as it is, not to be cached.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    (status, NO_CACHE, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// Sends the client to the same path with or without its final slash. The location is a path of ours and nothing else, so
/// it leads nowhere else.
fn redirect(method: &Method, path: &str, query: Option<&str>, slash: Slash) -> Response {
    let mended = match slash {
        Slash::Add => format!("{path}/"),
        Slash::Remove => path.trim_end_matches('/').to_owned(),
    };
    let location = query.map_or_else(|| mended.clone(), |query| format!("{mended}?{query}"));
    if *method == Method::POST {
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
    }
    let escaped = location.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
    let body = format!("<a href=\"{escaped}\">Moved Permanently</a>.\n\n");
    let headers = [(header::LOCATION, location), (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned())];
    (StatusCode::MOVED_PERMANENTLY, headers, body).into_response()
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Refusal> {
    let refusal = |status, text: &str| Refusal { status, text: text.to_owned() };
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "compressed bodies are not read"));
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => {
            Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16384 bytes, or was cut off"))
        }
        Err(_) => Err(refusal(StatusCode::REQUEST_TIMEOUT, "the body did not come within 10 seconds")),
    }
}

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
