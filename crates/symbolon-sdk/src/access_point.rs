//! Where the server is.

use tokio_tungstenite::tungstenite::http::Uri;

use crate::error::EngineError;

/// A server's address, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessPoint {
    authority: String,
}

impl AccessPoint {
    /// Takes `ws://host:port`, `http://host:port` or `host:port`, with or without a slash at the end. Without a port it
    /// is 80.
    ///
    /// # Errors
    /// When it is none of these, or asks for TLS.
    pub(crate) fn parse(text: &str) -> Result<Self, EngineError> {
        let refused = || EngineError::InvalidAccessPoint(text.chars().take(SHOWN_CHARS).collect());
        let whole = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        let uri: Uri = whole.parse().map_err(|_| refused())?;
        match uri.scheme_str() {
            Some("ws" | "http") => {}
            Some("wss" | "https") => return Err(EngineError::NoTls),
            _ => return Err(refused()),
        }
        let has_path = !matches!(uri.path(), "" | "/" | SIGNAL_PATH);
        let authority = uri.authority().filter(|_| !has_path && uri.query().is_none());
        let authority = authority.filter(|a| !a.as_str().contains('@')).ok_or_else(refused)?;
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => 80,
            Some(_) => authority.port_u16().ok_or_else(refused)?,
            None => return Err(refused()),
        };
        if host.is_empty() {
            return Err(refused());
        }
        Ok(Self { authority: format!("{host}:{port}") })
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The address of the WebSocket.
    pub(crate) fn signal_url(&self) -> String {
        format!("ws://{}{SIGNAL_PATH}", self.authority)
    }
}

/// The environment variable that names the server when nothing else does.
pub(crate) const ENVIRONMENT: &str = "SYMBOLON_ACCESS_POINT";
const SIGNAL_PATH: &str = "/v1/signal";
/// So much of a bad address appears in an error.
const SHOWN_CHARS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spellings_name_one_socket() {
        for text in [
            "ws://edge.example:8080",
            "http://edge.example:8080/",
            "edge.example:8080",
            "ws://edge.example:8080/v1/signal",
        ] {
            let point = AccessPoint::parse(text).expect(text);
            assert_eq!(point.signal_url(), "ws://edge.example:8080/v1/signal");
        }
        let v6 = AccessPoint::parse("ws://[::1]:9").expect("an IPv6 address");
        assert_eq!(v6.authority(), "[::1]:9");
        assert_eq!(AccessPoint::parse("localhost").map(|p| p.authority), Ok("localhost:80".into()));
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_reason() {
        for text in ["wss://edge.example", "https://edge.example"] {
            assert_eq!(AccessPoint::parse(text), Err(EngineError::NoTls));
        }
        for text in ["", "ftp://edge", "ws://", "ws://a b", "ws://me@edge", "ws://edge/room?x=1", "edge:99999", "edge:"]
        {
            let error = AccessPoint::parse(text).expect_err(text);
            assert_eq!(error.code(), -2, "{text}");
        }
    }
}
