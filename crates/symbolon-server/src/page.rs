//! The call page, the token inspector, the routes' page and the web SDK, embedded in the program.

use axum::extract::State;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Serialize;

use crate::apps::Apps;
use crate::config::Mode;
use crate::guard::NO_CACHE;
use crate::token;

#[derive(RustEmbed)]
#[folder = "../../web/sdk"]
struct Sdk;

#[derive(RustEmbed)]
#[folder = "../../web/demo"]
struct Demo;

#[derive(RustEmbed)]
#[folder = "../../web/inspect"]
struct Inspect;

#[derive(RustEmbed)]
#[folder = "../../web/docs"]
struct Docs;

/// Which pages a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// All of them.
    All,
    /// Those that need no media: not the call page, and not the SDK.
    TokensOnly,
}

impl Pages {
    /// The file at this path, or the answer that it is not to be had here. Absent when there is none.
    pub(crate) fn file(self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        let path = uri.path();
        let is_call = path == "/" || path.starts_with("/sdk/");
        match file(method, uri, headers) {
            Some(_) if self == Self::TokensOnly && is_call => Some(tokens_only_answer()),
            found => found,
        }
    }
}

/// The handler of what only a server with media has.
pub(crate) async fn tokens_only() -> Response {
    tokens_only_answer()
}

fn tokens_only_answer() -> Response {
    let text = "this server makes tokens and carries no calls (role token); the call page and the SDK are at the server \
                that carries them\n";
    (StatusCode::NOT_FOUND, NO_CACHE, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// The file at this path: the call page at `/`, the inspector at `/inspect`, the routes' page at `/v1/docs`, the
/// SDK under `/sdk/`. Absent when there is
/// none.
fn file(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    if *method != Method::GET && *method != Method::HEAD {
        return None;
    }
    let path = match uri.path() {
        "/" => "index.html",
        "/inspect" => "inspect/index.html",
        "/v1/docs" => "docs/index.html",
        path => path.strip_prefix('/')?,
    };
    let content_type = content_type(path)?;
    let (file, policy) = if let Some(path) = path.strip_prefix("sdk/") {
        (Sdk::get(path)?, CALL_POLICY)
    } else if let Some(path) = path.strip_prefix("inspect/") {
        (Inspect::get(path)?, INSPECT_POLICY)
    } else if let Some(path) = path.strip_prefix("docs/") {
        (Docs::get(path)?, DOCS_POLICY)
    } else {
        (Demo::get(path)?, CALL_POLICY)
    };
    Some(respond(&file, content_type, policy, headers))
}

/// What the page needs to know before it can fetch a token. No secret is in it.
#[derive(Clone, Debug)]
pub(crate) struct ClientConfig {
    apps: Apps,
    mode: Mode,
    open: bool,
}

/// The same, as it is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'a> {
    app_id: &'a str,
    mode: &'static str,
    token_route: &'static str,
    token_route_open: bool,
}

impl ClientConfig {
    pub(crate) fn new(apps: Apps, mode: Mode, open: bool) -> Self {
        Self { apps, mode, open }
    }
}

/// The handler of `/v1/client-config`.
pub(crate) async fn client_config(State(config): State<ClientConfig>) -> Response {
    let app = config.apps.default_app();
    let token_route = "/rtc/{channel}/{role}/uid/{uid}/";
    let (app_id, mode) = (app.id.as_str(), config.mode.as_str());
    let facts = Facts { app_id, mode, token_route, token_route_open: config.open };
    token::json(StatusCode::OK, serde_json::to_string(&facts).expect("a few words are JSON"))
}

fn respond(file: &EmbeddedFile, content_type: &'static str, policy: &'static str, headers: &HeaderMap) -> Response {
    let tag = entity_tag(file);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = file.data.clone().into_owned();
        ([(header::CONTENT_TYPE, content_type)], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    // Kept, but asked about each time, so that a new version of the program is a new page at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn entity_tag(file: &EmbeddedFile) -> HeaderValue {
    let hash: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hash}\"")).expect("hexadecimal digits in quotes are a header value")
}

/// The content type by the ending of a name. Other endings are not served, and neither are names that climb.
fn content_type(path: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    if !path.bytes().all(plain) || path.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return None;
    }
    let ending = path.rsplit_once('.')?.1;
    TYPES.iter().find(|(known, _)| *known == ending).map(|(_, content_type)| *content_type)
}

const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("ts", "text/plain; charset=utf-8"),
    ("json", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
];

/// Nothing from elsewhere, nothing inline; WebSockets to this server are covered by `'self'`.
const CALL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     font-src 'self'; media-src 'self' blob: mediastream:; connect-src 'self'; worker-src 'self' blob:; \
     manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A token and a certificate are pasted here: the page may load its own modules, and then nothing leaves it.
const INSPECT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'none'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes' page reads their description from this server and sends nothing else.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SECURITY: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(self), display-capture=(self)"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Option<Response> {
        file(&Method::GET, &path.parse().unwrap(), &HeaderMap::new())
    }

    #[test]
    fn only_files_of_the_page_and_the_sdk_are_served() {
        assert_eq!(get("/").unwrap().headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(get("/sdk/index.js").unwrap().headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        for path in [
            "/../Cargo.toml",
            "/sdk/../demo/index.html",
            "/sdk/../../../Cargo.toml",
            "/sdk//index.js",
            "/sdk/",
            "/sdk/index.js%00",
            "/sdk/%69ndex.js",
            "/.gitignore",
            "/index.htm",
            "/sdk/absent.js",
        ] {
            assert!(get(path).is_none(), "{path}");
        }
        assert!(file(&Method::POST, &"/".parse().unwrap(), &HeaderMap::new()).is_none());
    }

    #[test]
    fn a_known_file_is_not_sent_again() {
        let first = get("/sdk/index.js").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let again = file(&Method::GET, &"/sdk/index.js".parse().unwrap(), &headers).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = file(&Method::GET, &"/".parse().unwrap(), &headers).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn pages_run_nothing_inline_and_nothing_from_elsewhere() {
        let page = get("/").unwrap();
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[test]
    fn the_routes_page_may_reach_this_server_only() {
        let page = get("/v1/docs").unwrap();
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("connect-src 'self';") && !policy.contains("unsafe"), "{policy}");
        for path in ["/docs/docs.js", "/docs/docs.css"] {
            assert!(get(path).is_some(), "{path}");
        }
    }

    #[test]
    fn the_inspector_may_reach_nothing() {
        let page = get("/inspect").unwrap();
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in ["default-src 'none';", "connect-src 'none';", "form-action 'none';"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("img-src") && !policy.contains("unsafe"), "{policy}");
        assert!(get("/inspect/inspect.js").is_some());
        assert!(get("/inspect/").is_none() && get("/inspect/../demo/index.html").is_none());
    }
}
