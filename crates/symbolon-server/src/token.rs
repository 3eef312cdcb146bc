//! The token routes: those of the usual token server, `/ping`, `/rtc/…`, `/rtm/…`, `/rte/…`, `/chat/…` and
//! `POST /getToken`, and our own, `POST /v1/tokens`.

pub(crate) mod document;
mod get;
mod go;
mod mint;
pub(crate) mod native;
pub(crate) mod optional;
mod path;
mod post;
mod request;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) use self::mint::clock_is_sane;
use self::mint::{Minted, Minter, Refusal};
use self::optional::Optional;
use self::path::{Route, Slash};
use self::wanted::Wanted;
use crate::apps::Apps;
use crate::audit::{self, Audit, Trail, Unrecorded, Who};
use crate::caller::{Caller, Callers};
use crate::client::TrustedProxies;
use crate::config::{Config, TokenPolicy};
use crate::guard::NO_CACHE;
use crate::http::Peer;
use crate::limit::{Limits, TooMany};
use crate::load::Load;
use crate::metrics::Metrics;
use crate::request_id::RequestId;

/// Answers the token routes. Clones answer alike.
#[derive(Clone)]
pub(crate) struct TokenRoutes(Arc<Inner>);

struct Inner {
    apps: Apps,
    policy: TokenPolicy,
    callers: Callers,
    proxies: TrustedProxies,
    limits: Limits,
    load: Load,
    audit: Audit,
    metrics: Metrics,
}

/// Why a request is refused, beside the answer that says so: for the audit.
#[derive(Clone, Copy, Debug)]
struct Reason(&'static str);

impl TokenRoutes {
    pub(crate) fn new(apps: Apps, config: &Config, load: Load, audit: Audit, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            apps,
            policy: config.tokens,
            callers: config.callers.clone(),
            proxies: config.proxies.clone(),
            limits: Limits::new(config.rates, metrics.clone()),
            load,
            audit,
            metrics,
        }))
    }

    /// Whether this is for [`answer`](Self::answer): a path of the usual token server, also where it is not quite right,
    /// or of a route that is switched on.
    pub(crate) fn has(&self, method: &Method, path: &str) -> bool {
        path::is_usual(path) || Optional::find(self.0.policy.routes, method, path).is_some()
    }

    /// Answers what this [`has`](Self::has), and anything else with 404.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let (path, query) = (parts.uri.path(), parts.uri.query());
        if let Some(optional) = Optional::find(self.0.policy.routes, &parts.method, path) {
            return optional::answer(self, optional, &parts, body).await;
        }
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
        let trail = self.trail(&parts, route.word());
        let refuse = |refusal: Refusal| {
            if route == Route::GetToken { post::line(&refusal) } else { get::refused(refusal) }
        };
        if let Err(refusal) = self.admit(&parts.headers, &trail) {
            return refuse(refusal);
        }
        let (response, caller) = match self.desk(&parts.headers, &trail).await.and_then(Desk::counted) {
            Ok(desk) => (desk.answer(route, query, &parts.headers, body).await, Some(desk.caller)),
            Err(refusal) => (refuse(refusal), None),
        };
        settled(self, &trail, caller.as_ref(), response, refuse).await
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.callers.is_open()
    }

    /// Refuses a request when there is more to do than can be done, and counts it against the limits of its address. Those
    /// beyond leave no record, or they would push out those of others.
    fn admit(&self, headers: &HeaderMap, trail: &Trail) -> Result<(), Refusal> {
        if let Some(retry_after) = self.0.load.sheds() {
            self.0.metrics.limited("load");
            let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", OVERLOADED);
            refusal.retry_after = Some(retry_after);
            return Err(refusal);
        }
        let Some(client) = trail.client() else { return Ok(()) };
        Ok(self.0.limits.admit(client, headers)?)
    }

    /// Finds out who is asking.
    async fn desk<'a>(&'a self, headers: &HeaderMap, trail: &'a Trail) -> Result<Desk<'a>, Refusal> {
        match self.0.callers.identify(headers, mint::unix_now()).await {
            Ok(caller) => {
                let minter = Minter::new(self.0.apps.default_app(), true, self.0.policy);
                self.0.limits.caller(&caller.who())?;
                Ok(Desk { routes: self, minter, caller, trail })
            }
            Err(error) => {
                if error.is_wrong()
                    && let Some(client) = trail.client()
                {
                    self.0.limits.wrong_credentials(client)?;
                }
                self.0.metrics.token("any", "unauthorized");
                tracing::info!(status = error.status().as_u16(), reason = %error, "caller refused");
                Err(Refusal::new(error.status(), error.reason(), error.to_string()))
            }
        }
    }

    /// The trail of this request.
    fn trail(&self, parts: &Parts, route: &'static str) -> Trail {
        let id = parts.extensions.get().cloned().unwrap_or_else(|| RequestId::of(&parts.headers));
        let peer = parts.extensions.get::<Peer>();
        let client = peer.map(|peer| self.0.proxies.client(peer.address.ip(), &parts.headers));
        Trail::new(self.0.audit.clone(), id, client, route)
    }
}

/// The token routes with somebody in front of them who is known.
struct Desk<'a> {
    routes: &'a TokenRoutes,
    /// For the app that the request is about.
    minter: Minter,
    caller: Caller,
    trail: &'a Trail,
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
                Err(refusal) => post::line(&refusal),
            },
            Route::Ping | Route::Redirect(_) | Route::NotFound => not_found(),
        }
    }

    /// Counts the request against the limit of the app that it is about, once that is known.
    fn counted(self) -> Result<Self, Refusal> {
        self.routes.0.limits.app(self.minter.app.id.as_str())?;
        Ok(self)
    }

    fn strict(&self) -> bool {
        self.minter.policy.strict
    }

    /// Makes a token. The log and the metrics are told what kind and for how long, the audit for whom too.
    fn mint(&self, wanted: &Wanted) -> Result<Minted, Refusal> {
        let (kind, caller) = (wanted.kind(), self.caller.kind());
        let (minter, metrics) = (&self.minter, &self.routes.0.metrics);
        let what = wanted.what();
        let request = audit::Request { app_id: minter.app.id.as_str(), caller: self.caller.who(), wanted: &what };
        match minter.mint(&self.caller, wanted) {
            Ok(minted) => {
                metrics.token(kind, "minted");
                tracing::debug!(kind, caller, life_s = wanted.life, "token minted");
                self.trail.minted(request, || minter.made(&minted));
                Ok(minted)
            }
            Err(refusal) => {
                metrics.token(kind, refusal.outcome());
                tracing::info!(kind, caller, status = refusal.status.as_u16(), "token refused");
                self.trail.refused(request, refusal.status, refusal.reason);
                Err(refusal)
            }
        }
    }
}

/// The answer, once it is in the audit; or a refusal in its place.
async fn settled(
    routes: &TokenRoutes,
    trail: &Trail,
    caller: Option<&Caller>,
    response: Response,
    refuse: impl FnOnce(Refusal) -> Response,
) -> Response {
    let who = caller.map_or(Who::UNKNOWN, Caller::who);
    let reason = response.extensions().get().map_or("other", |Reason(reason)| reason);
    match trail.settle(who, response.status(), reason).await {
        Ok(()) => response,
        Err(Unrecorded) => {
            routes.0.metrics.audit_refused();
            refuse(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "audit_unavailable", NO_RECORD))
        }
    }
}

impl From<TooMany> for Refusal {
    fn from(too_many: TooMany) -> Self {
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", too_many.text);
        refusal.retry_after = Some(too_many.retry_after);
        refusal
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
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            "compressed bodies are not read",
        ));
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_long(&error) => {
            let text = "the body is longer than 16384 bytes";
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", text))
        }
        Ok(Err(_)) => {
            let text = "the body was cut off, or its chunks cannot be read";
            Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_body", text))
        }
        Err(_) => {
            let text = "the body did not come within 10 seconds";
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", text))
        }
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>())
}

const OVERLOADED: &str = "the server has too much to do; wait as long as Retry-After says";

const NO_RECORD: &str = "the audit takes no records at present; try again in a few seconds";

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
