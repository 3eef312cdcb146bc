//! How long a connection may take for what it is doing, and a TCP stream that notices when it does something else.
//!
//! hyper has one time limit for reading a head, and it also runs while a kept connection rests. Here the two differ: a
//! resting connection may rest, but a head that has begun must come quickly.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::guard::MAX_TARGET;

/// What a connection is doing. Clones speak of the same connection.
#[derive(Clone, Debug)]
pub(crate) struct Pace(watch::Sender<Phase>);

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
        Self(watch::Sender::new(Phase::Fresh))
    }

    /// Says what the connection does now. Its time for that begins anew, also when it did the same before.
    pub(crate) fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Done when the connection has taken too long. This does not depend on hyper asking for more bytes, which it does
    /// not do while it knows that there are none.
    pub(crate) async fn overdue(&self) {
        self.longer_than(Phase::patience).await;
    }

    async fn longer_than(&self, patience: impl Fn(Phase) -> Option<Duration>) {
        let mut changes = self.0.subscribe();
        loop {
            let limit = patience(*changes.borrow_and_update());
            // The sender is ours, so a change is all that waiting can end in.
            let change = changes.changed();
            let Some(limit) = limit else {
                drop(change.await);
                continue;
            };
            if timeout(limit, change).await.is_err() {
                return;
            }
        }
    }
}

impl Phase {
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
            match this.stream.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    let heard = this.heard(&buffer.initialize_unfilled()[..read]);
                    buffer.advance(read);
                    return Poll::Ready(heard);
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

    #[tokio::test]
    async fn a_phase_that_lasts_too_long_is_noticed_without_anyone_reading() {
        let pace = Pace::new();
        let only_rests_end = |phase| Some(if phase == Phase::Idle { SOON } else { NEVER });
        let request = async {
            pace.enter(Phase::Busy);
            tokio::time::sleep(SOON * 3).await;
            pace.enter(Phase::Idle);
            NEVER
        };
        let (took, ()) = tokio::join!(request, pace.longer_than(only_rests_end));
        assert_eq!((took, pace.phase()), (NEVER, Phase::Idle));
    }

    #[tokio::test]
    async fn what_goes_on_is_not_overdue() {
        let pace = Pace::new();
        let progress = async {
            for _ in 0..20 {
                pace.enter(Phase::Idle);
                tokio::task::yield_now().await;
            }
            pace.enter(Phase::Busy);
        };
        let unlimited_when_busy = |phase| (phase != Phase::Busy).then_some(NEVER);
        tokio::join!(progress, async {
            let overdue = timeout(SOON, pace.longer_than(unlimited_when_busy)).await;
            assert!(overdue.is_err());
        });
    }

    #[test]
    fn heads_are_hurried_rests_are_not_and_answers_take_their_time() {
        assert_eq!(Phase::Fresh.patience(), Phase::Head.patience());
        assert!(Phase::Head.patience() < Phase::Idle.patience());
        assert_eq!((Phase::Busy.patience(), Phase::Upgraded.patience()), (None, None));
    }
}
