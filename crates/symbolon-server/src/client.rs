//! Who is calling: the peer's address, or what a trusted proxy says it is.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;

/// The proxies whose word about client addresses is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Reads a list of addresses, networks and the word `private`, separated by commas.
    ///
    /// # Errors
    /// When an entry is none of these.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut networks = Vec::new();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match entry {
                "private" => networks.extend(PRIVATE.iter().filter_map(|text| Network::parse(text))),
                _ => networks.push(Network::parse(entry).ok_or_else(|| {
                    format!("{entry:?} is neither an address, nor a network such as 10.0.0.0/8, nor `private`")
                })?),
            }
        }
        Ok(Self(networks))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }

    /// The address of the client: the peer's, unless the peer is a proxy of ours. Then it is the last address in
    /// `X-Forwarded-For` that is not one of our proxies; what stands before it anyone may have written.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        while self.contains(client) {
            let Some(hop) = hops.next().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) else { break };
            client = hop.to_canonical();
        }
        client
    }
}

/// What counts as one client: an IPv4 address, or a /64 of IPv6, which is what one customer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClientKey(IpAddr);

impl ClientKey {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> 64)))),
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl ClientKey {
    /// The /48 of IPv6 that the client is in: what one customer can get if he asks for more.
    pub(crate) fn site(self) -> Option<u64> {
        match self.0 {
            IpAddr::V6(address) => Some((address.to_bits() >> 80) as u64),
            IpAddr::V4(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    base: IpAddr,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let base: IpAddr = address.parse().ok()?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
        (prefix <= bits).then_some(Self { base, prefix })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - self.prefix;
                (base.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - self.prefix;
                (base.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Loopback, RFC 1918, RFC 6598 (shared between carriers), RFC 4193 and link-local networks.
const PRIVATE: &[&str] = &[
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "::1",
    "fc00::/7",
    "fe80::/10",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        TrustedProxies::parse(proxies).unwrap().client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(client("10.0.0.1", "10.0.0.1", &["1.2.3.4, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["1.2.3.4, 198.51.100.7, 10.9.9.9"]), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["1.2.3.4", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("", "10.0.0.1", &["1.2.3.4"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", "10.0.0.2", &["127.0.0.1"]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("private", "::ffff:192.168.3.4", &["2001:db8::5"]), "2001:db8::5");
    }

    #[test]
    fn networks_have_edges() {
        let proxies = TrustedProxies::parse("10.1.0.0/16, 2001:db8::/32, 0.0.0.0/0").unwrap();
        assert!(proxies.contains("203.0.113.1".parse().unwrap()));
        let proxies = TrustedProxies::parse("10.1.0.0/16, 2001:db8::/32").unwrap();
        assert!(proxies.contains("10.1.255.255".parse().unwrap()));
        assert!(!proxies.contains("10.2.0.0".parse().unwrap()));
        assert!(!proxies.contains("2001:db9::".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "10.0.0.256", "proxy.example", "::/129", "10.0.0.0/-1"] {
            assert!(TrustedProxies::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_customers_ipv6_network_is_one_client() {
        let key = |text: &str| ClientKey::of(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }
}
