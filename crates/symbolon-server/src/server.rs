//! A whole server: its sockets, what answers on them, and its end.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use symbolon_token::AppId;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::apps::{Apps, Registry, RegistryError};
use crate::audit::Audit;
use crate::client::TrustedProxies;
use crate::config::{Config, ConfigError, ConnectionLimits, Mode, ServerRole, check_public};
use crate::guard::Guard;
use crate::health::{self, Health};
use crate::http::limits::Connections;
use crate::http::{Answer, Door};
use crate::load::Load;
use crate::metrics::Metrics;
use crate::openapi;
use crate::origin::OriginPolicy;
use crate::page::{self, ClientConfig, Pages};
use crate::shard::{Shard, socket};
use crate::signal::{self, Signalling};
use crate::state::{self, StateError};
use crate::stop::StopSign;
use crate::store::{Store, StoreError};
use crate::story::Story;
use crate::token::{self, TokenRoutes};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings do not go together with each other or with the store.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The development app cannot be kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no folder to keep the development app in.
    #[error("there is no home folder to keep the development app in; name a folder with SYMBOLON_STATE_DIR")]
    NoStateFolder,
    /// The audit is to be durable, and there is no folder to keep it in.
    #[error(
        "audit.durable (SYMBOLON_AUDIT_DURABLE) needs a state folder, and there is none; name one with SYMBOLON_STATE_DIR"
    )]
    NoAudit,
    /// Somebody else listens there.
    #[error("{what} {address} is in use already; stop the other program, or choose another port with {variable}")]
    InUse {
        /// What the address is for.
        what: &'static str,
        /// Which one.
        address: SocketAddr,
        /// The variable that chooses another.
        variable: &'static str,
    },
    /// The address cannot be listened on.
    #[error("{what} {address} cannot be listened on: {problem}")]
    Listen {
        /// What the address is for.
        what: &'static str,
        /// Which one.
        address: SocketAddr,
        /// What the system says.
        problem: io::Error,
    },
}

impl From<RegistryError> for StartError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store(error) => error.into(),
            RegistryError::Config(error) => error.into(),
        }
    }
}

/// A server whose sockets are bound. It answers once [`run`](Self::run).
pub struct Server {
    config: Config,
    registry: Registry,
    store: Option<Store>,
    listeners: Vec<TcpListener>,
    private: TcpListener,
    /// Absent where no media is carried.
    media: Option<std::net::UdpSocket>,
    addresses: Addresses,
}

/// Where a server is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// For clients: TCP, and UDP on the same port.
    pub public: SocketAddr,
    /// For metrics.
    pub private: SocketAddr,
}

impl Server {
    /// Binds every socket.
    ///
    /// # Errors
    /// When an address is taken or not to be had, or the development app cannot be kept.
    pub async fn bind(mut config: Config) -> Result<Self, StartError> {
        let mut configured = config.apps.clone();
        if config.mode == Mode::Development {
            let app = state::development_app(config.state_dir.as_deref().ok_or(StartError::NoStateFolder)?)?;
            config.default_app.get_or_insert(app.id);
            configured.insert(0, app);
        }
        let store = open_store(&config).await?;
        let registry = Registry::open(&config, configured, store.clone()).await?;
        check_public(&config)?;
        let (listener, media) = match config.role {
            ServerRole::All => bind_public(config.listen).await.map(|(listener, media)| (listener, Some(media)))?,
            ServerRole::Token => (bind_tcp(config.listen).await?, None),
        };
        let public = local(listener.local_addr(), config.listen)?;
        let mut listeners = vec![listener];
        if config.mode == Mode::Development {
            // Browsers may try `localhost` by IPv6 first. Where there is none, IPv4 alone will do.
            listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, public.port())).await.ok());
        }
        let private = TcpListener::bind(config.private_listen)
            .await
            .map_err(|problem| bind_error(PRIVATE, config.private_listen, problem))?;
        let addresses = Addresses { public, private: local(private.local_addr(), config.private_listen)? };
        Ok(Self { config, registry, store, listeners, private, media, addresses })
    }

    /// Where it is to be found.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The app of requests that name none.
    pub fn app_id(&self) -> AppId {
        self.registry.apps().default_app().id
    }

    /// Answers until `stop` is done, then lets what is under way finish.
    ///
    /// # Errors
    /// When the media thread cannot be started, or ends before it is told to.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (sign, stopped) = StopSign::new();
        let metrics = Metrics::new();
        let apps = self.registry.apps();
        let (shard, mut media) = match self.media {
            Some(socket) => {
                let candidates = socket::candidates(self.addresses.public, &self.config.advertise);
                let edge = symbolon_edge::Config::new(apps.door(), candidates);
                let story = Story::new(metrics.clone(), self.config.log_names);
                let (shard, media) = Shard::start(edge, socket, story)?;
                (Some(shard), Some(media))
            }
            None => (None, None),
        };
        let connections = Connections::new(self.config.limits, metrics.clone());
        let store = self.store.clone();
        let (audit, writing) = Audit::start(self.config.audit, self.store, metrics.clone());
        let health = Health { metrics: metrics.clone(), shard: shard.clone(), audit: audit.clone() };
        let proxies = self.config.proxies.clone();
        let signalling = shard
            .clone()
            .map(|shard| Signalling::new(shard, connections.clone(), proxies.clone(), metrics, stopped.clone()));

        let mut doors = JoinSet::new();
        let load = Load::default();
        let tokens = TokenRoutes::new(apps.clone(), &self.config, load.clone(), audit, health.metrics.clone());
        let answers = Public::new(&self.config, apps, tokens, health.clone(), signalling);
        for listener in self.listeners {
            let (answers, connections, proxies) = (answers.clone(), connections.clone(), proxies.clone());
            doors.spawn(Door { listener, answers, connections, proxies }.serve(stopped.clone()));
        }
        drop(answers);
        doors.spawn(private_door(self.private, health).serve(stopped));
        let mut refreshing = JoinSet::new();
        refreshing.spawn(self.registry.follow(shard));
        if let Some(store) = store.clone() {
            let callers = self.config.callers.clone();
            refreshing.spawn(async move { callers.uses().keep(&store).await });
        }
        refreshing.spawn(load.watch());
        for keys in self.config.callers.remote_keys() {
            refreshing.spawn(keys.keep_fresh());
        }

        tokio::select! {
            () = stop => {}
            () = ended(&mut media) => return Err(io::Error::other("the media thread has ended")),
        }
        tracing::info!("stopping");
        sign.give();
        while doors.join_next().await.is_some() {}
        refreshing.shutdown().await;
        if let Some(store) = &store {
            self.config.callers.uses().write(store).await;
        }
        writing.end().await;
        // With the doors the last handles to the media thread are gone, and it ends too.
        if let Some(media) = media
            && !matches!(tokio::time::timeout(MEDIA_END, media).await, Ok(Ok(())))
        {
            tracing::warn!("the media thread did not end in order");
        }
        Ok(())
    }
}

/// The store of the state folder, if there is such a folder, or can be.
async fn open_store(config: &Config) -> Result<Option<Store>, StartError> {
    let opened = match &config.state_dir {
        Some(folder) => match Store::open(folder).await {
            Err(StoreError::Io { .. }) if !config.state_dir_is_chosen && !folder.exists() => None,
            opened => Some(opened?),
        },
        None => None,
    };
    match opened {
        None if config.audit.durable => Err(StartError::NoAudit),
        None => {
            tracing::warn!("there is no state folder, so no audit is kept; name one with SYMBOLON_STATE_DIR");
            Ok(None)
        }
        store => Ok(store),
    }
}

fn private_door(listener: TcpListener, health: Health) -> Door<Router> {
    let connections = Connections::new(PRIVATE_LIMITS, Metrics::new());
    Door { listener, answers: health::private_router(health), connections, proxies: TrustedProxies::default() }
}

/// Everything that clients reach over HTTP.
#[derive(Clone)]
pub(crate) struct Public(Arc<PublicInner>);

struct PublicInner {
    guard: Guard,
    tokens: TokenRoutes,
    /// Everything that is not asked for thousands of times a second.
    router: Router,
}

impl Public {
    pub(crate) fn new(
        config: &Config,
        apps: Apps,
        tokens: TokenRoutes,
        health: Health,
        signalling: Option<Signalling>,
    ) -> Self {
        let metrics = health.metrics.clone();
        let origins = OriginPolicy {
            origins: config.origins.clone(),
            this_machine_only: config.mode == Mode::Development,
            behind_proxy: config.behind_proxy,
        };
        let client_config = ClientConfig::new(apps, config.mode, tokens.is_open());
        let router = public_router(client_config, tokens.clone(), health, signalling);
        Self(Arc::new(PublicInner { guard: Guard { origins, metrics }, tokens, router }))
    }
}

impl Answer for Public {
    async fn answer(&self, request: Request) -> Response {
        let Self(inner) = self;
        inner
            .guard
            .around(request, async |request| {
                if inner.tokens.has(request.method(), request.uri().path()) {
                    inner.tokens.answer(request).await
                } else {
                    inner.router.answer(request).await
                }
            })
            .await
    }
}

fn public_router(
    client_config: ClientConfig,
    tokens: TokenRoutes,
    health: Health,
    signalling: Option<Signalling>,
) -> Router {
    let (signal, pages) = match signalling {
        Some(signalling) => (get(signal::upgrade).with_state(signalling), Pages::All),
        None => (any(page::tokens_only), Pages::TokensOnly),
    };
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready).with_state(health))
        .route("/v1/client-config", get(page::client_config).with_state(client_config))
        .route("/v1/signal", signal)
        .route("/v1/openapi.json", get(openapi::answer))
        .route("/v1/tokens", post(token::native::answer).fallback(token::native::method_not_allowed))
        .with_state(tokens)
        .fallback(page_or_nothing)
        .with_state(pages)
        .method_not_allowed_fallback(|| async { token::not_found() })
}

async fn page_or_nothing(State(pages): State<Pages>, request: Request) -> Response {
    pages.file(request.method(), request.uri(), request.headers()).unwrap_or_else(token::not_found)
}

/// Binds TCP and UDP on one port number. Where any port will do, a number that is free for one and taken for the other is
/// tried again.
async fn bind_public(address: SocketAddr) -> Result<(TcpListener, std::net::UdpSocket), StartError> {
    let mut tries = if address.port() == 0 { FREE_PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        let listener = bind_tcp(address).await?;
        let same = local(listener.local_addr(), address)?;
        match socket::bind(same) {
            Ok(socket) => return Ok((listener, socket)),
            Err(_) if tries > 0 => {}
            Err(problem) => return Err(bind_error(MEDIA, same, problem)),
        }
    }
}

async fn bind_tcp(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|problem| bind_error(PUBLIC, address, problem))
}

/// Done when the media thread has ended; never, where there is none.
async fn ended(media: &mut Option<oneshot::Receiver<()>>) {
    match media {
        Some(media) => drop(media.await),
        None => std::future::pending().await,
    }
}

fn local(bound: io::Result<SocketAddr>, address: SocketAddr) -> Result<SocketAddr, StartError> {
    bound.map_err(|problem| bind_error(PUBLIC, address, problem))
}

fn bind_error(what: &'static str, address: SocketAddr, problem: io::Error) -> StartError {
    let variable = if what == PRIVATE { "SYMBOLON_PRIVATE_LISTEN" } else { "PORT" };
    if problem.kind() == io::ErrorKind::AddrInUse {
        StartError::InUse { what, address, variable }
    } else {
        StartError::Listen { what, address, problem }
    }
}

const PUBLIC: &str = "the address for clients,";
const MEDIA: &str = "the address for media (UDP),";
const PRIVATE: &str = "the address for metrics,";

const FREE_PORT_TRIES: u32 = 16;

/// How long the media thread may take to end once nothing leads to it any more.
const MEDIA_END: Duration = Duration::from_secs(1);

/// A few scrapers at a time.
const PRIVATE_LIMITS: ConnectionLimits = ConnectionLimits { total: 64, per_client: 64 };
