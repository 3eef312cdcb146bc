//! The one place that touches the world: a thread with sockets, the two clocks and the random source around a
//! [`Client`], and a second thread that calls the application's handlers.
//!
//! An API call locks the client, tells it what the application wants, and wakes the thread; it never waits for the
//! network. The thread does what the client's outputs say.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the rest of the crate takes clocks, randomness and bytes as arguments; here they come from"
)]

mod callbacks;
mod signal;

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use symbolon_proto::Now;
use symbolon_proto::code::ConnectionState;
use symbolon_proto::message::ClientMessage;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::runtime;
use tokio::sync::{Notify, mpsc};
use tokio::task;
use tokio::time::{sleep_until, timeout};

use self::callbacks::{Callback, Callbacks};
use self::signal::Report;
use crate::access_point::AccessPoint;
use crate::client::{Client, Input, Output};
use crate::event::{Event, Notice, SessionEvent};
use crate::peer::Entropy;

/// The two threads of an engine.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What API calls and the two threads share.
pub(crate) struct Shared {
    client: Mutex<Client>,
    access_points: Mutex<Vec<AccessPoint>>,
    wake: Notify,
    stopping: AtomicBool,
    pub(crate) callbacks: Callbacks,
    /// The state that handlers were last told of.
    reported: AtomicU16,
}

impl Driver {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread or no runtime.
    pub(crate) fn start(client: Client) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            client: Mutex::new(client),
            access_points: Mutex::default(),
            wake: Notify::new(),
            stopping: AtomicBool::new(false),
            callbacks: Callbacks::default(),
            reported: AtomicU16::new(ConnectionState::Disconnected.number()),
        });
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let driven = Arc::clone(&shared);
        let media = thread::Builder::new().name("symbolon-engine".into()).spawn(move || {
            runtime.block_on(drive(driven));
            runtime.shutdown_background();
        })?;
        let told = Arc::clone(&shared);
        let events = thread::Builder::new().name("symbolon-events".into()).spawn(move || {
            told.callbacks.run(|notice| told.note(notice));
        });
        let driver = Self { shared, threads: Mutex::new(vec![media]) };
        driver.lock_threads().push(events.inspect_err(|_| driver.stop(false))?);
        Ok(driver)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Ends both threads: no callback begins any more. Waits for them if asked to.
    pub(crate) fn stop(&self, wait: bool) {
        self.shared.callbacks.close();
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.wake.notify_one();
        let threads = std::mem::take(&mut *self.lock_threads());
        if wait {
            for thread in threads {
                // A thread that panicked has said so; there is nothing left to end.
                let _ = thread.join();
            }
        }
    }

    fn lock_threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Lets the application's thread work on the client, then wakes the engine's thread.
    pub(crate) fn with_client<T>(&self, work: impl FnOnce(&mut Client, Now) -> T) -> T {
        let result = work(&mut self.lock(), now());
        self.wake.notify_one();
        result
    }

    /// The state that handlers were last told of.
    pub(crate) fn reported_state(&self) -> ConnectionState {
        let number = self.reported.load(Ordering::Acquire);
        ConnectionState::from_number(number).unwrap_or(ConnectionState::Disconnected)
    }

    /// Where connections go from now on, in turn.
    pub(crate) fn set_access_points(&self, access_points: Vec<AccessPoint>) {
        *self.lock_access_points() = access_points;
    }

    /// Whether a connection has somewhere to go.
    pub(crate) fn has_access_point(&self) -> bool {
        !self.lock_access_points().is_empty()
    }

    fn note(&self, notice: &Notice) {
        if let Event::Session(SessionEvent::ConnectionStateChanged { state, .. }) = &notice.event {
            self.reported.store(state.number(), Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_access_points(&self) -> MutexGuard<'_, Vec<AccessPoint>> {
        self.access_points.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The loop: do what the client says, then wait for the first of a call, a message, a datagram or the deadline.
async fn drive(shared: Arc<Shared>) {
    let (reports_in, mut reports) = mpsc::channel(REPORT_QUEUE);
    let mut link = Link::new(reports_in);
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        let stopping = shared.stopping.load(Ordering::Acquire);
        link.carry_out(&shared).await;
        if stopping {
            return link.finish().await;
        }
        let deadline = shared.lock().deadline();
        let room = shared.callbacks.has_room();
        tokio::select! {
            () = shared.wake.notified() => {}
            () = shared.callbacks.wait_for_room(), if !room => {}
            Some((number, report)) = reports.recv(), if room => link.take(&shared, number, report).await,
            received = receive(&link.udp, &mut buffer) => link.take_datagrams(&shared, &mut buffer, received),
            () = until(deadline) => shared.lock().handle(now(), Input::Tick),
        }
    }
}

/// The sockets of the connection that is open or being opened.
struct Link {
    /// Tells the reports of this connection from those of one that is closed already.
    number: u64,
    outgoing: Option<mpsc::Sender<ClientMessage>>,
    task: Option<task::JoinHandle<()>>,
    /// That of the media connection, and for a moment also that of the one before.
    udp: Vec<Udp>,
    reports: mpsc::Sender<(u64, Report)>,
}

impl Link {
    fn new(reports: mpsc::Sender<(u64, Report)>) -> Self {
        Self { number: 0, outgoing: None, task: None, udp: Vec::new(), reports }
    }

    async fn carry_out(&mut self, shared: &Shared) {
        loop {
            let Some(output) = shared.lock().poll() else {
                return;
            };
            match output {
                Output::OpenSocket => self.open(shared),
                Output::CloseSocket => self.close(),
                Output::SendMessage(message) => self.send(*message),
                Output::CloseMedia { local } => self.udp.retain(|udp| udp.local != local),
                Output::Datagram { source, destination, bytes } => {
                    self.send_datagram(source, destination, &bytes).await;
                }
                Output::Event(notice) => shared.callbacks.push(Callback::Event(notice)),
                Output::RemoteFrame(frame) => shared.callbacks.push(Callback::Frame(frame)),
                Output::KeyframeWanted { track } => shared.callbacks.push(Callback::KeyframeWanted(track)),
            }
        }
    }

    fn open(&mut self, shared: &Shared) {
        self.close();
        let access_point = {
            let access_points = shared.lock_access_points();
            let turn = usize::try_from(self.number).unwrap_or(0) % access_points.len().max(1);
            access_points.get(turn).cloned()
        };
        self.number += 1;
        let Some(access_point) = access_point else { return };
        let (number, reports) = (self.number, self.reports.clone());
        let (sender, outgoing) = mpsc::channel(OUTGOING_QUEUE);
        self.outgoing = Some(sender);
        self.task = Some(task::spawn(signal::run(access_point, outgoing, async move |report| {
            // Fails only when the engine has ended.
            let _ = reports.send((number, report)).await;
        })));
    }

    /// Lets go of the WebSocket; its task sends what waits, says goodbye and ends by itself.
    fn close(&mut self) {
        self.outgoing = None;
    }

    fn send(&mut self, message: ClientMessage) {
        let Some(outgoing) = &self.outgoing else {
            return;
        };
        if outgoing.try_send(message).is_err() {
            // A server that takes nothing for so long is gone; the rules treat a closed socket as that.
            self.outgoing = None;
        }
    }

    async fn send_datagram(&self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        if let Some(udp) = self.udp.iter().find(|udp| udp.local == source)
            && let Err(error) = udp.socket.send_to(bytes, destination).await
        {
            tracing::trace!(%error, "a datagram was not sent");
        }
    }

    async fn take(&mut self, shared: &Shared, number: u64, report: Report) {
        if number != self.number {
            return;
        }
        let input = match report {
            Report::Opened(ip) => match Udp::bind(ip).await {
                Ok(udp) => {
                    let local = udp.local;
                    self.udp.push(udp);
                    Input::SocketOpened { local, entropy: entropy() }
                }
                Err(error) => {
                    tracing::warn!(%error, "no UDP socket could be opened");
                    self.close();
                    Input::SocketClosed
                }
            },
            Report::Received(message) => Input::Received(message),
            Report::ReceivedUnknown => Input::ReceivedUnknown,
            Report::Closed => {
                self.close();
                Input::SocketClosed
            }
        };
        shared.lock().handle(now(), input);
    }

    /// Takes the datagram in the buffer and those that wait behind it.
    fn take_datagrams(&self, shared: &Shared, buffer: &mut [u8], first: Received) {
        let Some(udp) = self.udp.get(first.socket) else {
            return;
        };
        let mut next = Some((first.length, first.source));
        let mut client = shared.lock();
        for _ in 0..DATAGRAM_BATCH {
            let Some((length, source)) = next else {
                return;
            };
            client.handle(now(), Input::Datagram { local: udp.local, source, bytes: &buffer[..length] });
            next = udp.socket.try_recv_from(buffer).ok();
        }
    }

    /// Lets the last messages out, for a moment.
    async fn finish(mut self) {
        self.close();
        if let Some(task) = self.task {
            let _ = timeout(FINISH_TIMEOUT, task).await;
        }
    }
}

struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
}

impl Udp {
    async fn bind(ip: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((ip, 0)).await?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local })
    }
}

/// A datagram that is in the buffer now.
struct Received {
    socket: usize,
    length: usize,
    source: SocketAddr,
}

/// The next datagram on any of the sockets. An error (such as a port that the other side has closed) is no news.
async fn receive(sockets: &[Udp], buffer: &mut [u8]) -> Received {
    poll_fn(|context| {
        for (number, udp) in sockets.iter().enumerate() {
            for _ in 0..RECEIVE_ERRORS {
                let mut into = ReadBuf::new(buffer);
                match udp.socket.poll_recv_from(context, &mut into) {
                    Poll::Ready(Ok(source)) => {
                        let length = into.filled().len();
                        return Poll::Ready(Received { socket: number, length, source });
                    }
                    Poll::Ready(Err(error)) => tracing::trace!(%error, "a datagram was not received"),
                    Poll::Pending => break,
                }
            }
        }
        Poll::Pending
    })
    .await
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Both clocks, read together.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now::new(Instant::now(), unix)
}

/// Randomness from the operating system.
pub(crate) fn entropy() -> Entropy {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("an operating system without randomness cannot keep a secret");
    bytes
}

/// Messages that wait for a socket that is slow to take them. More means that the server is gone.
const OUTGOING_QUEUE: usize = 1_024;
/// Messages that wait for the client; when it is full, the socket is not read.
const REPORT_QUEUE: usize = 64;
/// Larger than any datagram of this protocol.
const DATAGRAM_BYTES: usize = 2_048;
/// After so many datagrams in a row others get their turn.
const DATAGRAM_BATCH: usize = 64;
/// After so many errors in a row a socket is left alone until something else happens.
const RECEIVE_ERRORS: usize = 16;
const FINISH_TIMEOUT: Duration = Duration::from_millis(500);
