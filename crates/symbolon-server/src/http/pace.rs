//! A TCP stream that does not wait for ever, and does not read an endless first line.
//!
//! hyper has one time limit for reading a head, and it also runs while a kept connection rests. Here the two differ: a
//! resting connection may rest, but a head that has begun must come quickly.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::guard::MAX_TARGET;

/// What a connection is doing, told by the service that answers its requests. Clones speak of the same connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace(Arc<AtomicU64>);

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Accepted; the first head must be there soon.
    Fresh = 0,
    /// Resting between two requests.
    Idle = 1,
    /// A head has begun.
    Head = 2,
    /// A request is being answered.
    Busy = 3,
    /// No longer HTTP.
    Upgraded = 4,
}

impl Pace {
    pub(crate) fn enter(&self, phase: Phase) {
        let changes = self.0.load(Ordering::Relaxed) >> 3;
        self.0.store((changes + 1) << 3 | phase as u64, Ordering::Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) & 7 {
            0 => Phase::Fresh,
            1 => Phase::Idle,
            2 => Phase::Head,
            3 => Phase::Busy,
            _ => Phase::Upgraded,
        }
    }

    /// A number that is another one after every change.
    fn stamp(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Phase {
    /// How long nothing may come.
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
    /// Runs out when reading has waited too long in the phase that `timed` stamps.
    read_timer: Pin<Box<Sleep>>,
    timed: u64,
    write_timer: Option<Pin<Box<Sleep>>>,
    /// How many bytes of the first line have come; absent when it is complete.
    first_line: Option<usize>,
}

impl PacedStream {
    pub(crate) fn new(stream: Arc<TcpStream>, pace: Pace) -> Self {
        let timed = pace.stamp();
        let read_timer = Box::pin(tokio::time::sleep(HEAD_TIMEOUT));
        Self { stream, pace, read_timer, timed, write_timer: None, first_line: Some(0) }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(patience) = self.pace.phase().patience() else { return Poll::Pending };
        if self.timed != self.pace.stamp() {
            self.timed = self.pace.stamp();
            self.read_timer.as_mut().reset(Instant::now() + patience);
        }
        ready!(self.read_timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn heard(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.pace.phase() == Phase::Idle {
            self.pace.enter(Phase::Head);
            self.first_line = Some(0);
        }
        if !matches!(self.pace.phase(), Phase::Fresh | Phase::Head) {
            return Ok(());
        }
        let Some(length) = self.first_line else { return Ok(()) };
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(_) => self.first_line = None,
            None => self.first_line = Some(length + bytes.len()),
        }
        if self.first_line.is_some_and(|length| length > MAX_FIRST_LINE) {
            // hyper would blame the headers. The line is refused here, before all of it has come.
            let _ = self.stream.try_write(TARGET_TOO_LONG);
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    fn poll_write_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pace.phase() == Phase::Upgraded {
            return Poll::Pending;
        }
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(IDLE_TIMEOUT)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for PacedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match this.stream.poll_read_ready(cx) {
                Poll::Pending => return this.poll_patience(cx),
                Poll::Ready(ready) => ready?,
            }
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
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            if this.stream.poll_write_ready(cx)?.is_pending() {
                ready!(this.poll_write_patience(cx))?;
            }
            match this.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => {
                    this.write_timer = None;
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
    let _ = tokio::time::timeout(LINGER_TIMEOUT, drain).await;
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
