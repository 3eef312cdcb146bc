//! The keys of an issuer, fetched from where it publishes them and kept while it is out of reach.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower_service::Service;

use super::jwt::KeySet;

/// Where an issuer's keys are.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// At this address, as a JWK set.
    Jwks(Uri),
    /// Where the issuer's own description says (OpenID Connect Discovery 1.0, section 4).
    Discover {
        /// The description's address.
        description: Uri,
        /// The issuer that it must name.
        issuer: String,
    },
}

impl Location {
    /// The address at which an issuer describes itself.
    pub(crate) fn discover(issuer: &str) -> Result<Self, String> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let description = address.parse().map_err(|_| format!("issuer {issuer:?} is no URL"))?;
        Ok(Self::Discover { description, issuer: issuer.to_owned() })
    }

    fn url(&self) -> &Uri {
        match self {
            Self::Jwks(url) => url,
            Self::Discover { description, .. } => description,
        }
    }
}

/// Keys that are fetched, refreshed in the background and kept through outages.
pub(crate) struct RemoteKeys {
    location: Location,
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Empty<Bytes>>,
    /// Plain HTTP and private addresses are allowed: for tests, and for issuers inside the same house.
    insecure: bool,
    state: RwLock<State>,
    /// Held by whoever is fetching.
    fetching: Arc<Mutex<()>>,
}

#[derive(Default)]
struct State {
    good: Option<(Arc<KeySet>, Instant)>,
    tried: Option<Instant>,
}

/// How often the keys are fetched anew.
const REFRESH_EVERY: Duration = Duration::from_secs(600);
/// How long after one attempt an unknown key may cause the next.
const UNKNOWN_KEY_EVERY: Duration = Duration::from_secs(60);
/// How long a request waits for that.
const UNKNOWN_KEY_WAIT: Duration = Duration::from_millis(30);
/// The same while there are no keys at all.
const FIRST_EVERY: Duration = Duration::from_secs(5);
/// How long keys that could not be refreshed are good.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

impl RemoteKeys {
    /// # Errors
    /// When the address is not https, or its host an address that is not public, unless `insecure` allows that.
    pub(crate) fn new(location: Location, insecure: bool) -> Result<Self, String> {
        Self::resolving(location, insecure, Arc::new(|name| Box::pin(system_lookup(name))))
    }

    /// The same with another way to look names up.
    fn resolving(location: Location, insecure: bool, lookup: Lookup) -> Result<Self, String> {
        check_url(location.url(), insecure)?;
        let mut http = HttpConnector::new_with_resolver(Resolver { public_only: !insecure, lookup });
        http.enforce_http(false);
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| format!("the system's certificate authorities cannot be read: {error}"))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        // It follows no redirect and knows no proxy.
        let client = Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { location, client, insecure, state: RwLock::default(), fetching: Arc::default() })
    }

    /// The last good keys, fetched now if there have never been any. None while the issuer is out of reach, or was for
    /// too long.
    pub(crate) async fn keys(&self) -> Option<Arc<KeySet>> {
        if self.last_good().is_none() {
            self.fetch_unless_tried(FIRST_EVERY).await;
        }
        self.last_good()
    }

    /// The keys, fetched anew if that was not done in the last minute: for a JWT that names a key not among them. An
    /// issuer that is slow is not waited for: the fetch goes on, and what it brings is there for the next request.
    pub(crate) async fn keys_anew(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        if !self.tried_within(UNKNOWN_KEY_EVERY) {
            let _ = tokio::time::timeout(UNKNOWN_KEY_WAIT, self.fetched_by_someone()).await;
        }
        self.last_good()
    }

    /// Fetches the keys again and again, until the task is dropped.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        loop {
            self.fetch_unless_tried(FIRST_EVERY).await;
            let pause = if self.last_good().is_some() { REFRESH_EVERY } else { UNKNOWN_KEY_EVERY };
            tokio::time::sleep(pause).await;
        }
    }

    fn last_good(&self) -> Option<Arc<KeySet>> {
        let state = self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (keys, fetched) = state.good.as_ref()?;
        (fetched.elapsed() < KEEP).then(|| Arc::clone(keys))
    }

    fn tried_within(&self, span: Duration) -> bool {
        let state = self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.tried.is_some_and(|tried| tried.elapsed() < span)
    }

    /// Done when a fetch has ended, which is begun if there is none.
    async fn fetched_by_someone(self: &Arc<Self>) {
        match Arc::clone(&self.fetching).try_lock_owned() {
            Err(_) => drop(self.fetching.lock().await),
            Ok(fetching) => {
                let remote = Arc::clone(self);
                let fetch = tokio::spawn(async move {
                    remote.fetch_and_keep().await;
                    drop(fetching);
                });
                let _ = fetch.await;
            }
        }
    }

    async fn fetch_unless_tried(&self, within: Duration) {
        let _fetching = self.fetching.lock().await;
        if !self.tried_within(within) {
            self.fetch_and_keep().await;
        }
    }

    async fn fetch_and_keep(&self) {
        let outcome = self.fetch().await;
        let now = Instant::now();
        let mut state = self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.tried = Some(now);
        match outcome {
            Ok(keys) => state.good = Some((Arc::new(keys), now)),
            Err(error) => {
                tracing::warn!(host = self.location.url().host(), error, "an issuer's keys cannot be had")
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let jwks = match &self.location {
            Location::Jwks(url) => url.clone(),
            Location::Discover { description, issuer } => self.discover(description, issuer).await?,
        };
        KeySet::from_jwks(&self.get(jwks).await?)
    }

    async fn discover(&self, description: &Uri, issuer: &str) -> Result<Uri, String> {
        #[derive(Deserialize)]
        struct Description {
            issuer: String,
            jwks_uri: String,
        }
        let json = self.get(description.clone()).await?;
        let found: Description = serde_json::from_slice(&json)
            .map_err(|_| "its description is not what OpenID Connect asks for".to_owned())?;
        if found.issuer != issuer {
            return Err("its description is of another issuer".to_owned());
        }
        let url: Uri = found.jwks_uri.parse().map_err(|_| "its jwks_uri is no URL".to_owned())?;
        check_url(&url, self.insecure)?;
        Ok(url)
    }

    async fn get(&self, url: Uri) -> Result<Bytes, String> {
        let exchange = async {
            let answer = self.client.get(url).await.map_err(|error| error.to_string())?;
            if answer.status() != StatusCode::OK {
                return Err(format!("it answered {}", answer.status()));
            }
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            Ok(body.map_err(|error| error.to_string())?.to_bytes())
        };
        tokio::time::timeout(TIMEOUT, exchange).await.map_err(|_| format!("it took longer than {TIMEOUT:?}"))?
    }
}

impl std::fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteKeys").field("location", &self.location).finish_non_exhaustive()
    }
}

fn check_url(url: &Uri, insecure: bool) -> Result<(), String> {
    if insecure {
        return Ok(());
    }
    if url.scheme_str() != Some("https") {
        return Err(format!("{url}: keys are fetched over https only, unless jwks_insecure allows otherwise"));
    }
    let literal = url.host().map(|host| host.trim_matches(['[', ']'])).and_then(|host| host.parse::<IpAddr>().ok());
    match literal {
        Some(address) if !is_public(address) => {
            Err(format!("{url}: this address is not public; jwks_insecure allows it"))
        }
        _ => Ok(()),
    }
}

/// Resolves names, to public addresses only unless told otherwise, so that an issuer's name cannot lead into the house.
/// It is asked at each connection, so a name that led elsewhere before is checked anew.
#[derive(Clone)]
struct Resolver {
    public_only: bool,
    lookup: Lookup,
}

/// Looks up a name.
type Lookup = Arc<dyn Fn(Name) -> Found + Send + Sync>;
type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

async fn system_lookup(name: Name) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect())
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (public_only, found) = (self.public_only, (self.lookup)(name));
        Box::pin(async move {
            let found = found.await?.into_iter();
            let fit: Vec<SocketAddr> = found.filter(|address| !public_only || is_public(address.ip())).collect();
            if fit.is_empty() {
                return Err(std::io::Error::other("the name has no public address"));
            }
            Ok(fit.into_iter())
        })
    }
}

/// Whether an address is reached over the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && (b == 18 || b == 19);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || shared
                || benchmark
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(v4.into()),
            // Of IPv6 only 2000::/3 is handed out; documentation, 6to4 and Teredo lie inside it.
            None => {
                let [a, b, ..] = v6.segments();
                (0x2000..0x4000).contains(&a) && !(a == 0x2001 && (b == 0x0db8 || b == 0)) && a != 0x2002
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in ["8.8.8.8", "193.0.6.139", "2a00:1450:4001::1", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.9.9",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2001:db8::1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn plain_http_and_private_addresses_need_the_setting() {
        let location = |url: &str| Location::Jwks(url.parse().unwrap());
        for url in ["http://id.example/keys", "https://127.0.0.1/keys", "https://[::1]/keys", "https://10.1.2.3/keys"] {
            assert!(RemoteKeys::new(location(url), false).is_err(), "{url}");
            assert!(RemoteKeys::new(location(url), true).is_ok(), "{url}");
        }
        assert!(RemoteKeys::new(location("https://id.example/keys"), false).is_ok());
    }

    /// A name that stands for each of these addresses in turn, and then for the last of them.
    fn rebinding(addresses: &'static [&'static [&'static str]]) -> Lookup {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        Arc::new(move |_| {
            let turn = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed).min(addresses.len() - 1);
            let found = addresses[turn].iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
            Box::pin(std::future::ready(Ok(found)))
        })
    }

    #[tokio::test]
    async fn h_45_a_name_that_leads_into_the_house_later() {
        let lookup = rebinding(&[&["8.8.8.8"], &["127.0.0.1"], &["127.0.0.1", "8.8.8.8", "fd00::1"]]);
        let mut resolver = Resolver { public_only: true, lookup };
        let name = || "id.example".parse::<Name>().unwrap();
        let public = [SocketAddr::new("8.8.8.8".parse().unwrap(), 0)];
        assert_eq!(resolver.call(name()).await.unwrap().as_slice(), public);
        assert!(resolver.call(name()).await.is_err());
        assert_eq!(resolver.call(name()).await.unwrap().as_slice(), public);
    }

    #[tokio::test]
    async fn h_45_nothing_in_the_house_is_connected_to() {
        for (insecure, connections) in [(false, 0), (true, 1)] {
            let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("https://id.example:{}/keys", inside.local_addr().unwrap().port());
            let location = Location::Jwks(url.parse().unwrap());
            let remote = RemoteKeys::resolving(location, insecure, rebinding(&[&["127.0.0.1"]])).unwrap();
            let mut connected = 0;
            // Whoever connects is hung up on, so the fetch fails one way or the other.
            let hang_up = async {
                while inside.accept().await.is_ok() {
                    connected += 1;
                }
            };
            tokio::select! {
                biased;
                () = hang_up => unreachable!("it listens on"),
                outcome = remote.fetch() => assert!(outcome.is_err()),
            }
            assert_eq!(connected, connections, "insecure: {insecure}");
        }
    }
}
