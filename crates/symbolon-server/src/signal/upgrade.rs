//! From HTTP to WebSocket (RFC 6455, 4.2).

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Signalling;
use super::session::{MAX_MESSAGE, Session};
use crate::guard::NO_CACHE;
use crate::http::Peer;
use crate::http::pace::{Phase, linger};
use crate::limit::TooMany;

/// The handler of `/v1/signal`. Origins have been checked before it.
pub(crate) async fn upgrade(
    State(signalling): State<Signalling>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
) -> Response {
    let remote = signalling.proxies.client(peer.address.ip(), request.headers());
    if let Err(too_many) = signalling.refused_joins.admit(remote) {
        return Refusal::TooMany(too_many).into_response();
    }
    let accept = match check(request.version(), request.headers()) {
        Ok(accept) => accept,
        Err(refusal) => return refusal.into_response(),
    };
    let place = if signalling.proxies.contains(peer.address.ip()) {
        match signalling.connections.behind_proxy(remote) {
            Ok(place) => Some(place),
            Err(_full) => return Refusal::Full.into_response(),
        }
    } else {
        None
    };
    let upgrading = hyper::upgrade::on(&mut request);
    peer.pace.enter(Phase::Upgraded);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrading.await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config())).await;
        Session::new(signalling, remote).run(socket).await;
        linger(&peer.stream).await;
        // Both places are held until here.
        drop((peer, place));
    });
    switching(accept)
}

/// Why an upgrade is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// Not HTTP/1.1, or not a proper key.
    BadRequest(&'static str),
    /// A request for something else than this version of WebSocket.
    UpgradeRequired(&'static str),
    /// Too many connections of this client.
    Full,
    /// Too many refused joins of this client.
    TooMany(TooMany),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        match self {
            Self::BadRequest(text) => (StatusCode::BAD_REQUEST, NO_CACHE, plain, text).into_response(),
            Self::UpgradeRequired(text) => {
                let wanted = [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
                (StatusCode::UPGRADE_REQUIRED, NO_CACHE, wanted, plain, text).into_response()
            }
            Self::TooMany(TooMany { text, retry_after }) => {
                let retry = [(header::RETRY_AFTER, HeaderValue::from(retry_after))];
                (StatusCode::TOO_MANY_REQUESTS, NO_CACHE, retry, plain, text).into_response()
            }
            Self::Full => {
                let text = "too many connections from this address";
                (StatusCode::SERVICE_UNAVAILABLE, NO_CACHE, [(header::RETRY_AFTER, "2")], plain, text).into_response()
            }
        }
    }
}

/// The proof that the request was understood, if it is one that can be.
fn check(version: Version, headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    if version != Version::HTTP_11 {
        return Err(Refusal::BadRequest("WebSocket needs HTTP/1.1"));
    }
    if !names(headers, header::CONNECTION, "upgrade") || !names(headers, header::UPGRADE, "websocket") {
        return Err(Refusal::UpgradeRequired("this is a WebSocket address; connect with ws:// or wss://"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refusal::UpgradeRequired("this server speaks version 13 of WebSocket"));
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    match (keys.next().filter(|key| is_key(key.as_bytes())), keys.next()) {
        (Some(key), None) => {
            let accept = derive_accept_key(key.as_bytes());
            Ok(HeaderValue::from_str(&accept).expect("base64 is a header value"))
        }
        _ => Err(Refusal::BadRequest("Sec-WebSocket-Key is missing or malformed")),
    }
}

/// Whether a header's list names this word, in any letter case.
fn names(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let lines = headers.get_all(name);
    lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}

/// 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key[..22].iter().all(digit) && &key[22..] == b"=="
}

fn switching(accept: HeaderValue) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(crate::shard::outbox::MAX_QUEUED_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    const GOOD: &[(&str, &str)] = &[
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_sample_of_the_rfc_is_answered_as_there() {
        let accept = check(Version::HTTP_11, &headers(GOOD)).unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn bad_upgrades_are_told_what_is_wrong() {
        let with = |name: &'static str, value: &'static str| {
            let rest = GOOD.iter().filter(|(known, _)| *known != name).copied();
            check(Version::HTTP_11, &headers(&rest.chain([(name, value)]).collect::<Vec<_>>()))
        };
        assert!(matches!(with("connection", "keep-alive"), Err(Refusal::UpgradeRequired(_))));
        assert!(matches!(with("upgrade", "h2c"), Err(Refusal::UpgradeRequired(_))));
        assert!(matches!(with("sec-websocket-version", "12"), Err(Refusal::UpgradeRequired(_))));
        for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ=!", "dGhlIHNhbXBsZSBub25jZQ===="] {
            assert!(matches!(with("sec-websocket-key", key), Err(Refusal::BadRequest(_))), "{key}");
        }
        assert!(matches!(check(Version::HTTP_10, &headers(GOOD)), Err(Refusal::BadRequest(_))));
        let twice: Vec<_> = GOOD.iter().chain(&GOOD[3..]).copied().collect();
        assert!(matches!(check(Version::HTTP_11, &headers(&twice)), Err(Refusal::BadRequest(_))));
    }
}
