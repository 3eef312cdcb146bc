//! The accept loop: connection limits, time limits, size limits, and an end that waits for what is under way.

pub(crate) mod limits;
pub(crate) mod pace;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use self::limits::{Connections, Full, Place};
use self::pace::{Pace, PacedStream, Phase, linger};
use crate::client::TrustedProxies;
use crate::stop::Stop;

/// Who is at the other end of the connection that a request came on.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Held by everything that belongs to the connection: as long as that is, the connection counts as open and is
    /// waited for at the end.
    _hold: Arc<Hold>,
    /// To be told when the connection stops being HTTP.
    pub(crate) pace: Pace,
    /// The connection itself, to be drained after its end.
    pub(crate) stream: Arc<TcpStream>,
}

#[derive(Debug)]
struct Hold {
    _place: Place,
    _alive: mpsc::Sender<()>,
}

/// What answers requests. Clones answer alike.
pub(crate) trait Answer: Clone + Send + 'static {
    /// Answers one.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

impl Answer for Router {
    async fn answer(&self, request: Request) -> Response {
        let Ok(response) = tower_service::Service::call(&mut self.clone(), request).await;
        response
    }
}

/// One listener and what answers on it.
pub(crate) struct Door<A> {
    pub(crate) listener: TcpListener,
    pub(crate) answers: A,
    pub(crate) connections: Connections,
    pub(crate) proxies: TrustedProxies,
}

impl<A: Answer> Door<A> {
    /// Accepts until `stop` says so, then lets requests under way finish, for a while.
    pub(crate) async fn serve(self, mut stop: Stop) {
        let (alive, mut all_gone) = mpsc::channel(1);
        let rest = Rest { stop: stop.clone(), alive, refusals: Arc::new(Semaphore::new(MAX_LINGERING_REFUSALS)) };
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => self.admit(stream, address, &rest),
                    Err(error) => accept_failed(&error).await,
                },
                () = stop.given() => break,
            }
        }
        drop((self.listener, rest));
        if tokio::time::timeout(DRAIN_TIMEOUT, all_gone.recv()).await.is_err() {
            tracing::warn!("connections were cut off at the end");
        }
    }

    fn admit(&self, stream: TcpStream, address: SocketAddr, rest: &Rest) {
        let client = Some(address.ip()).filter(|address| !self.proxies.contains(*address));
        match self.connections.accept(client) {
            Ok(place) => {
                let _ = stream.set_nodelay(true);
                let hold = Arc::new(Hold { _place: place, _alive: rest.alive.clone() });
                let peer = Peer { address, _hold: hold, pace: Pace::new(), stream: Arc::new(stream) };
                tokio::spawn(connection(self.answers.clone(), peer, rest.stop.clone()));
            }
            Err(Full) => refuse(stream, &rest.refusals),
        }
    }
}

/// What the connections of one listener share: the sign to stop, and ways to be counted.
struct Rest {
    stop: Stop,
    /// Held by every connection; when all are dropped, all have gone.
    alive: mpsc::Sender<()>,
    refusals: Arc<Semaphore>,
}

/// One connection, from its first request to its last.
async fn connection<A: Answer>(answers: A, peer: Peer, mut stop: Stop) {
    let (pace, stream) = (peer.pace.clone(), Arc::clone(&peer.stream));
    let service = service_fn(move |request| answer(answers.clone(), request, peer.clone()));
    let io = TokioIo::new(PacedStream::new(Arc::clone(&stream), pace.clone()));
    let mut connection = pin!(http().serve_connection(io, service).with_upgrades());
    // The order matters: whether it is overdue is asked after the connection has had its turn.
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => outcome,
        () = stop.given() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                outcome = connection => outcome,
                () = pace.overdue() => return,
            }
        }
        () = pace.overdue() => return,
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended");
    }
    if pace.phase() != Phase::Upgraded {
        linger(&stream).await;
    }
}

/// Says that there is no room. A fresh socket takes these few bytes at once.
fn refuse(stream: TcpStream, refusals: &Arc<Semaphore>) {
    let _ = stream.try_write(FULL);
    if let Ok(permit) = Arc::clone(refusals).try_acquire_owned() {
        tokio::spawn(async move {
            linger(&stream).await;
            drop(permit);
        });
    }
}

async fn answer<A: Answer>(answers: A, request: Request<Incoming>, peer: Peer) -> Result<Response, Infallible> {
    let pace = peer.pace.clone();
    pace.enter(Phase::Busy);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let response = answers.answer(request).await;
    if pace.phase() == Phase::Busy {
        pace.enter(Phase::Idle);
    }
    Ok(response)
}

fn http() -> hyper::server::conn::http1::Builder {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .half_close(false);
    http
}

/// Waits a little when the system has no more sockets, rather than asking it as fast as it can say no.
async fn accept_failed(error: &io::Error) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

/// The most headers of a request.
const MAX_HEADERS: usize = 100;

/// The largest head: headers and the line before them.
const MAX_HEAD: usize = 16 * 1024;

/// The most that is read ahead of what has been answered. Larger than a head, so that the head's own limit is met first.
const MAX_BUFFER: usize = 32 * 1024;

/// How long requests under way may take after the end has begun. Docker is the least patient of those who stop programs,
/// and waits 10 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);

/// How many refused connections are drained at a time; those beyond are just closed.
const MAX_LINGERING_REFUSALS: usize = 64;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
