//! Which web pages may call this server.

use axum::http::{HeaderMap, HeaderValue, header};

/// The origins that may call, beside the server's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every one: `*` was asked for.
    Any,
    /// These, compared exactly.
    Listed(Vec<String>),
}

impl Origins {
    /// Reads `*`, or a list of origins separated by commas.
    ///
    /// # Errors
    /// When an entry is no origin: scheme, host and port, nothing behind them.
    pub fn parse(list: &str) -> Result<Self, String> {
        if list.trim() == "*" {
            return Ok(Self::Any);
        }
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let parse = |entry: &str| {
            let host = entry.strip_prefix("https://").or_else(|| entry.strip_prefix("http://"));
            let fits = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '@', '?', '#', ' ']));
            if fits {
                Ok(entry.to_owned())
            } else {
                Err(format!("{entry:?} is no origin such as https://call.example"))
            }
        };
        Ok(Self::Listed(entries.map(parse).collect::<Result<_, _>>()?))
    }
}

/// How a request stands to the rules about origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OriginCheck {
    /// No page sent it: an app, a server, a health check.
    Absent,
    /// A page that may call, with its origin to be echoed.
    Allowed(HeaderValue),
    /// A page that may not, or a request that is not even clear about it.
    Refused,
}

/// The rules about origins and host names.
#[derive(Clone, Debug)]
pub(crate) struct OriginPolicy {
    pub(crate) origins: Origins,
    /// Development mode: the server answers only under a name of this machine, so that no foreign page can reach it by
    /// pointing its own name here.
    pub(crate) this_machine_only: bool,
    /// Behind a proxy that ends TLS the server's own pages come from `https`.
    pub(crate) behind_proxy: bool,
}

impl OriginPolicy {
    pub(crate) fn check(&self, headers: &HeaderMap) -> OriginCheck {
        let mut sent = headers.get_all(header::ORIGIN).iter();
        let (Some(origin), None) = (sent.next(), sent.next()) else {
            return if headers.contains_key(header::ORIGIN) { OriginCheck::Refused } else { OriginCheck::Absent };
        };
        let allowed = match &self.origins {
            Origins::Any => true,
            Origins::Listed(list) => list.iter().any(|entry| entry.as_bytes() == origin.as_bytes()),
        };
        if allowed || self.is_own(origin, headers) {
            OriginCheck::Allowed(origin.clone())
        } else {
            OriginCheck::Refused
        }
    }

    /// Whether the host name that the request names may be used for this server.
    pub(crate) fn host_is_fine(&self, headers: &HeaderMap) -> bool {
        !self.this_machine_only || host(headers).is_none_or(is_this_machine)
    }

    /// Whether this is the origin of the server's own pages, as the browser sees it: the host that it asked for.
    fn is_own(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let (Ok(origin), Some(host)) = (origin.to_str(), host(headers)) else { return false };
        let is_own = |scheme: &str, default_port: &str| {
            let Some(authority) = origin.strip_prefix(scheme) else { return false };
            let plain = |text: &str| text.strip_suffix(default_port).unwrap_or(text).to_ascii_lowercase();
            plain(authority) == plain(host)
        };
        let own = is_own("http://", ":80") || (self.behind_proxy && is_own("https://", ":443"));
        own && self.host_is_fine(headers)
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// Whether a `Host` names this machine, with any port (it may have been forwarded).
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    let is_address = |name: &str| name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    name == "localhost" || name.ends_with(".localhost") || name == "[::1]" || is_address(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(list: &str) -> OriginPolicy {
        OriginPolicy { origins: Origins::parse(list).unwrap(), this_machine_only: false, behind_proxy: false }
    }

    fn headers(host: &str, origins: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    fn allows(policy: &OriginPolicy, host: &str, origin: &str) -> bool {
        matches!(policy.check(&headers(host, &[origin])), OriginCheck::Allowed(_))
    }

    #[test]
    fn listed_origins_are_trimmed_and_compared_exactly() {
        let policy = policy("https://app.example , https://b.example");
        assert!(allows(&policy, "s.example", "https://app.example"));
        assert!(allows(&policy, "s.example", "https://b.example"));
        for foreign in [
            "https://app.example.evil.example",
            "https://app.example:444",
            "http://app.example",
            "https://APP.example.",
            "https://APP.example",
            "null",
            "",
        ] {
            assert!(!allows(&policy, "s.example", foreign), "{foreign}");
        }
        assert_eq!(policy.check(&headers("s.example", &[])), OriginCheck::Absent);
        let twice = headers("s.example", &["https://app.example", "https://b.example"]);
        assert_eq!(policy.check(&twice), OriginCheck::Refused);
    }

    #[test]
    fn the_servers_own_pages_always_pass() {
        let direct = policy("");
        assert!(allows(&direct, "127.0.0.1:8080", "http://127.0.0.1:8080"));
        assert!(allows(&direct, "s.example:80", "http://s.example"));
        assert!(!allows(&direct, "127.0.0.1:8080", "http://127.0.0.1:8081"));
        assert!(!allows(&direct, "s.example", "https://s.example"));
        let proxied = OriginPolicy { behind_proxy: true, ..policy("") };
        assert!(allows(&proxied, "s.example", "https://s.example"));
    }

    #[test]
    fn development_mode_answers_under_names_of_this_machine_only() {
        let policy = OriginPolicy { this_machine_only: true, ..policy("") };
        for own in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "127.0.0.1", "a.localhost:9"] {
            assert!(policy.host_is_fine(&headers(own, &[])), "{own}");
        }
        for foreign in
            ["evil.example:8080", "localhost.evil.example", "10.0.0.1", "evil.example", "127.0.0.1.evil.example"]
        {
            assert!(!policy.host_is_fine(&headers(foreign, &[])), "{foreign}");
            assert!(!allows(&policy, foreign, &format!("http://{foreign}")), "{foreign}");
        }
    }

    #[test]
    fn a_list_holds_origins_and_nothing_else() {
        assert_eq!(Origins::parse(" * "), Ok(Origins::Any));
        assert_eq!(Origins::parse(""), Ok(Origins::Listed(Vec::new())));
        for wrong in ["app.example", "https://app.example/", "https://*.example", "*, https://a.example", "https://"] {
            assert!(Origins::parse(wrong).is_err(), "{wrong}");
        }
    }
}
