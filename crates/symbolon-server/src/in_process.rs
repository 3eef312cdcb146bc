//! The token routes without sockets: for tests and fuzzers that ask thousands of times a second.

use std::io;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use tokio::runtime::{Builder, Runtime};

use crate::apps::Registry;
use crate::audit::Audit;
use crate::config::Config;
use crate::health::Health;
use crate::http::Answer;
use crate::load::Load;
use crate::metrics::Metrics;
use crate::server::{Public, StartError};
use crate::token::TokenRoutes;

/// A token server that is asked by a call. It keeps no store and no audit, and knows no address of a client.
pub struct InProcess {
    public: Public,
    runtime: Runtime,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct InProcessAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// Name, in small letters, and value of each header.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl InProcess {
    /// Starts one.
    ///
    /// # Errors
    /// When the settings do not go together.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread().enable_all().build().expect("threads have runtimes");
        let public = runtime.block_on(async {
            let registry = Registry::open(config, config.apps.clone(), None).await?;
            let metrics = Metrics::new();
            let (audit, _) = Audit::start(config.audit, None, metrics.clone());
            let health = Health { metrics, shard: None, audit: audit.clone() };
            let apps = registry.apps();
            let tokens = TokenRoutes::new(apps.clone(), config, Load::default(), audit, health.metrics.clone());
            Ok::<_, StartError>(Public::new(config, apps, tokens, health, None))
        })?;
        Ok(Self { public, runtime })
    }

    /// The answer to a request of HTTP/1.1, or `None` when these bytes are none. A request without a `Host` gets one.
    pub fn answer(
        &self,
        method: &[u8],
        target: &[u8],
        headers: &[(&[u8], &[u8])],
        body: &[u8],
    ) -> Option<InProcessAnswer> {
        let request = request(method, target, headers, body)?;
        let is_head = request.method() == Method::HEAD;
        self.runtime.block_on(async {
            let (head, body) = self.public.answer(request).await.into_parts();
            let body = to_bytes(body, MAX_ANSWER).await.map_err(io::Error::other).expect("an answer that can be read");
            // As on the wire, where hyper leaves it out.
            let body = if is_head { Vec::new() } else { body.to_vec() };
            let header = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.as_bytes().to_vec());
            let headers = head.headers.iter().map(header).collect();
            Some(InProcessAnswer { status: head.status.as_u16(), headers, body })
        })
    }
}

fn request(method: &[u8], target: &[u8], headers: &[(&[u8], &[u8])], body: &[u8]) -> Option<Request<Body>> {
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.version_mut() = Version::HTTP_11;
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = Uri::try_from(target).ok()?;
    for (name, value) in headers {
        request.headers_mut().append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("symbolon"));
    Some(request)
}

/// More than any page of ours.
const MAX_ANSWER: usize = 16 << 20;
