//! How long a connection may take for what it is doing, and a TCP stream that notices when it does something else.
//!
//! hyper has one time limit for reading a head, and it also runs while a kept connection rests. Here the two differ: a
//! resting connection may rest, but a head that has begun must come quickly.

use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::guard::MAX_TARGET;

/// What a connection is doing. Clones speak of the same connection.
#[derive(Clone, Debug)]
pub(crate) struct Pace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    accepted: Instant,
    /// The phase in the lowest bits, and above it when it began, in milliseconds after the accept.
    state: AtomicU64,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepted; the first head must be there soon.
    Fresh,
    /// Resting between two requests, or its answer is being taken.
    Idle,
    /// A head has begun.
    Head,
    /// A request is being answered.
    Busy,
    /// No longer HTTP.
    Upgraded,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { accepted: Instant::now(), state: AtomicU64::new(Phase::Fresh as u64) }))
    }

    /// Says what the connection does now. Its time for that begins anew, also when it did the same before.
    pub(crate) fn enter(&self, phase: Phase) {
        let since = u64::try_from(self.0.accepted.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.state.store(since << PHASE_BITS | phase as u64, Ordering::Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        let number = self.0.state.load(Ordering::Relaxed) & ((1 << PHASE_BITS) - 1);
        Phase::ALL[number as usize]
    }

    /// Done when the connection has taken too long. This does not depend on hyper asking for more bytes, which it does
    /// not do while it knows that there are none.
    ///
    /// To be polled by the connection's own task, after whatever changes the phase: it is not woken by a change. A
    /// request is too short for its phases to set a timer each.
    pub(crate) async fn overdue(&self) {
        self.longer_than(Phase::patience).await;
    }

    async fn longer_than(&self, patience: impl Fn(Phase) -> Option<Duration>) {
        let mut timer = pin!(sleep_until(self.0.accepted + HEAD_TIMEOUT));
        poll_fn(|cx| {
            loop {
                let Some(limit) = patience(self.phase()) else { return Poll::Pending };
                let deadline = self.since() + limit;
                // One that fires too early costs less than one that is set for every change.
                if timer.deadline() > deadline {
                    timer.as_mut().reset(deadline);
                }
                ready!(timer.as_mut().poll(cx));
                if Instant::now() >= deadline {
                    return Poll::Ready(());
                }
                timer.as_mut().reset(deadline);
            }
        })
        .await;
    }

    fn since(&self) -> Instant {
        self.0.accepted + Duration::from_millis(self.0.state.load(Ordering::Relaxed) >> PHASE_BITS)
    }
}

impl Phase {
    /// In the order of their numbers.
    const ALL: [Self; 5] = [Self::Fresh, Self::Idle, Self::Head, Self::Busy, Self::Upgraded];

    /// How long it may last without a change.
    fn patience(self) -> Option<Duration> {
        match self {
            Self::Fresh | Self::Head => Some(HEAD_TIMEOUT),
            Self::Idle => Some(IDLE_TIMEOUT),
            Self::Busy | Self::Upgraded => None,
        }
    }
}

/// The stream.
#[derive(Debug)]
pub(crate) struct PacedStream {
    stream: Arc<TcpStream>,
    pace: Pace,
    /// How many bytes of the first line have come; absent when it is complete.
    first_line: Option<usize>,
}

impl PacedStream {
    pub(crate) fn new(stream: Arc<TcpStream>, pace: Pace) -> Self {
        Self { stream, pace, first_line: Some(0) }
    }

    /// Looks at bytes that have come: do they begin a head, and is its first line within bounds?
    fn heard(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.pace.phase() == Phase::Idle && !bytes.is_empty() {
            self.pace.enter(Phase::Head);
            self.first_line = Some(0);
        }
        if !matches!(self.pace.phase(), Phase::Fresh | Phase::Head) {
            return Ok(());
        }
        let Some(length) = self.first_line else { return Ok(()) };
        self.first_line = if bytes.contains(&b'\n') { None } else { Some(length + bytes.len()) };
        if self.first_line.is_some_and(|length| length > MAX_FIRST_LINE) {
            // hyper would blame the headers. The line is refused here, before all of it has come.
            let _ = self.stream.try_write(TARGET_TOO_LONG);
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    /// An answer that is being taken, however slowly, is no rest.
    fn wrote(&self) {
        if self.pace.phase() == Phase::Idle {
            self.pace.enter(Phase::Idle);
        }
    }
}

impl AsyncRead for PacedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            ready!(this.stream.poll_read_ready(cx))?;
            match this.stream.try_read_buf(buffer) {
                Ok(read) => {
                    let filled = buffer.filled();
                    return Poll::Ready(this.heard(&filled[filled.len() - read..]));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => {
                    self.wrote();
                    return Poll::Ready(outcome);
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(socket2::SockRef::from(&*self.stream).shutdown(Shutdown::Write))
    }
}

/// Lets the last answer reach a client that is still sending: closing with unread bytes would reset the connection and
/// could take the answer with it. Bounded in time and bytes.
pub(crate) async fn linger(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).shutdown(Shutdown::Write);
    let drain = async {
        let mut scrap = [0; 4096];
        for _ in 0..LINGER_READS {
            let ready = stream.readable().await;
            match ready.and_then(|()| stream.try_read(&mut scrap)) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = timeout(LINGER_TIMEOUT, drain).await;
}

/// How many bits hold a phase.
const PHASE_BITS: u32 = 3;

/// How long a whole head may take, from its first byte or from the accept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may rest, or an answer wait to be taken.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long, and for how many reads of 4 KiB, a finished connection is drained.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
const LINGER_READS: usize = 1024;

/// The target, a method and a version.
const MAX_FIRST_LINE: usize = MAX_TARGET + 64;

const TARGET_TOO_LONG: &[u8] = b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const NEVER: Duration = Duration::from_secs(3_600);

    /// Lets `connection` change the phase as a connection does, and says whether its end came first.
    async fn ends_in_time(pace: &Pace, patience: fn(Phase) -> Option<Duration>, connection: impl Future) -> bool {
        tokio::select! {
            biased;
            _ = connection => true,
            () = pace.longer_than(patience) => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_phase_that_lasts_too_long_is_noticed_without_anyone_reading() {
        let pace = Pace::new();
        let started = Instant::now();
        let request = async {
            pace.enter(Phase::Busy);
            tokio::time::sleep(HEAD_TIMEOUT * 3).await;
            pace.enter(Phase::Idle);
            tokio::time::sleep(NEVER).await;
        };
        assert!(!ends_in_time(&pace, Phase::patience, request).await);
        assert_eq!((started.elapsed(), pace.phase()), (HEAD_TIMEOUT * 3 + IDLE_TIMEOUT, Phase::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_begins_after_a_rest_is_hurried_from_there() {
        let pace = Pace::new();
        let started = Instant::now();
        let rest = IDLE_TIMEOUT - HEAD_TIMEOUT * 2;
        let connection = async {
            pace.enter(Phase::Idle);
            tokio::time::sleep(rest).await;
            pace.enter(Phase::Head);
            tokio::time::sleep(NEVER).await;
        };
        assert!(!ends_in_time(&pace, Phase::patience, connection).await);
        assert_eq!(started.elapsed(), rest + HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_on_is_not_overdue() {
        let pace = Pace::new();
        let progress = async {
            for _ in 0..20 {
                pace.enter(Phase::Idle);
                tokio::time::sleep(IDLE_TIMEOUT - SOON).await;
            }
            pace.enter(Phase::Busy);
            tokio::time::sleep(NEVER).await;
        };
        assert!(ends_in_time(&pace, Phase::patience, progress).await);
    }

    #[test]
    fn heads_are_hurried_rests_are_not_and_answers_take_their_time() {
        assert_eq!(Phase::Fresh.patience(), Phase::Head.patience());
        assert!(Phase::Head.patience() < Phase::Idle.patience());
        assert_eq!((Phase::Busy.patience(), Phase::Upgraded.patience()), (None, None));
    }
}
