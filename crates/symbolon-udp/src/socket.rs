//! The socket.

use std::io;
use std::net::{SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Inbox, Outgoing, system};

/// A UDP socket that takes and gives many datagrams at a time.
///
/// A socket for both versions of IP writes and reads IPv4 addresses as what they are, not as IPv6 addresses.
#[derive(Debug)]
pub struct BatchSocket {
    pub(crate) socket: UdpSocket,
    /// An IPv6 socket, which reaches IPv4 under mapped addresses.
    pub(crate) is_v6: bool,
    /// Whether several datagrams may go to the kernel in one piece; until it refuses.
    segments: AtomicBool,
}

/// What became of the datagrams that were to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// So many were taken by the kernel.
    pub sent: usize,
    /// So many were not: its buffer is full, or their destination cannot be reached.
    pub lost: usize,
}

impl BatchSocket {
    /// Takes over a bound socket, which does not block from now on.
    ///
    /// # Errors
    /// When the system refuses that, or does not say what the socket is bound to.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let is_v6 = socket.local_addr()?.is_ipv6();
        system::accept_large(&socket);
        let segments = AtomicBool::new(system::takes_segments(&socket));
        Ok(Self { socket, is_v6, segments })
    }

    /// The address that the socket is bound to.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// From now on datagrams come with the time at which they came to this machine.
    ///
    /// # Errors
    /// When the system cannot do that.
    pub fn tell_times(&self) -> io::Result<()> {
        system::tell_times(&self.socket)
    }

    /// From now on datagrams go to the kernel one by one, as most programs send them.
    pub fn send_one_by_one(&self) {
        self.refuse_segments();
    }

    /// Takes the datagrams that are there, as many as the inbox has room for. What it held before is gone.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there are none; anything else when the socket is broken.
    pub fn receive(&self, inbox: &mut Inbox) -> io::Result<()> {
        inbox.clear();
        system::receive(self, inbox)
    }

    /// Sends all of these. Nothing is tried twice.
    pub fn send(&self, outgoing: &Outgoing) -> Sent {
        system::send(self, outgoing)
    }

    pub(crate) fn takes_segments(&self) -> bool {
        self.segments.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse_segments(&self) {
        self.segments.store(false, Ordering::Relaxed);
    }
}

#[cfg(unix)]
impl AsFd for BatchSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(unix)]
impl AsRawFd for BatchSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
