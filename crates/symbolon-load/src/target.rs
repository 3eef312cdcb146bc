//! Whom the load is for.

use std::net::{SocketAddr, ToSocketAddrs};

/// A server and the way into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Symbolon's signalling: host and port.
    Signal {
        /// Host and port.
        authority: String,
    },
    /// WHIP and WHEP, at `/whip/{channel}` and `/whep/{channel}/{uid}` below this URL.
    Web {
        /// The URL, without a slash at its end.
        base: String,
    },
    /// Janus's VideoRoom: the URL of its HTTP API, such as `http://127.0.0.1:8088/janus`.
    Janus {
        /// The URL, without a slash at its end.
        base: String,
    },
    /// The null reflector.
    Reflector {
        /// Its address.
        address: SocketAddr,
    },
}

/// The kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// See [`Target::Signal`].
    Signal,
    /// See [`Target::Web`].
    Web,
    /// See [`Target::Janus`].
    Janus,
    /// See [`Target::Reflector`].
    Reflector,
}

/// Why an address is none.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a server: http://host:port, without TLS")]
pub struct InvalidTarget;

impl Target {
    /// Takes `http://host:port`, with a path where the kind has one, or `host:port`.
    ///
    /// # Errors
    /// When it is neither, or asks for TLS.
    pub fn parse(kind: TargetKind, text: &str) -> Result<Self, InvalidTarget> {
        let rest = match text.split_once("://") {
            Some(("http" | "ws", rest)) => rest,
            Some(_) => return Err(InvalidTarget),
            None => text,
        };
        let rest = rest.trim_end_matches('/');
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
        if host.is_empty() || authority.contains('@') || port.parse::<u16>().is_err() {
            return Err(InvalidTarget);
        }
        let authority = format!("{host}:{port}");
        match kind {
            TargetKind::Signal if path.is_empty() => Ok(Self::Signal { authority }),
            TargetKind::Reflector if path.is_empty() => {
                Ok(Self::Reflector { address: authority.parse().map_err(|_| InvalidTarget)? })
            }
            TargetKind::Web => Ok(Self::Web { base: format!("http://{rest}") }),
            TargetKind::Janus => Ok(Self::Janus { base: format!("http://{rest}") }),
            TargetKind::Signal | TargetKind::Reflector => Err(InvalidTarget),
        }
    }

    /// Whether a connection either sends or receives.
    pub(crate) fn splits(&self) -> bool {
        matches!(self, Self::Web { .. } | Self::Janus { .. })
    }

    /// Whether whoever views is offered to by the server.
    pub(crate) fn offers_to_viewers(&self) -> bool {
        matches!(self, Self::Janus { .. })
    }

    /// Whether a viewer sees one publisher at most.
    pub(crate) fn one_source(&self) -> bool {
        matches!(self, Self::Web { .. })
    }

    /// An address of the server, from which the own address follows.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        let authority = match self {
            Self::Reflector { address } => return Ok(*address),
            Self::Signal { authority } => authority.as_str(),
            Self::Web { base } | Self::Janus { base } => {
                let rest = base.trim_start_matches("http://");
                rest.split('/').next().unwrap_or(rest)
            }
        };
        let with_port = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        with_port.to_socket_addrs()?.next().ok_or_else(|| std::io::Error::other("the host has no address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_or_refused() {
        let parse = |kind, text: &str| Target::parse(kind, text).ok();
        let signal = |authority: &str| Some(Target::Signal { authority: authority.into() });
        assert_eq!(parse(TargetKind::Signal, "http://a:8080/"), signal("a:8080"));
        assert_eq!(parse(TargetKind::Signal, "ws://a"), signal("a:80"));
        assert_eq!(parse(TargetKind::Signal, "a:1"), signal("a:1"));
        let janus = Some(Target::Janus { base: "http://a:8088/janus".into() });
        assert_eq!(parse(TargetKind::Janus, "http://a:8088/janus/"), janus);
        for text in ["https://a", "", "http://", "http://u@a", "a:99999", "http://a/path"] {
            assert_eq!(parse(TargetKind::Signal, text), None, "{text}");
        }
        assert_eq!(parse(TargetKind::Reflector, "host:1"), None, "an address, not a name");
    }
}
