//! A UDP socket that is read many datagrams at a time, each with the moment at which the kernel had it.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;

/// Datagrams read in one call.
pub(crate) const BATCH: usize = 32;
/// Larger than any datagram that is awaited.
pub(crate) const DATAGRAM: usize = 2_048;
/// A viewer's packets of half a second.
const RECEIVE_BUFFER: usize = 1 << 20;

/// A socket that does not block and stamps what it gets.
pub(crate) fn socket(ip: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((ip, port))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    // As much as the system allows.
    let _ = setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER);
    Ok(socket)
}

/// Room for one batch, for sockets of one address family.
pub(crate) struct Reader {
    headers: MultiHeaders<SockaddrStorage>,
    room: Vec<u8>,
    got: Vec<Got>,
}

/// A datagram in the room of the reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Got {
    pub(crate) source: SocketAddr,
    /// When the kernel had it, in nanoseconds since 1970.
    pub(crate) at_ns: u64,
    length: usize,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let space = nix::cmsg_space!(TimeSpec);
        let headers = MultiHeaders::preallocate(BATCH, Some(space));
        Self { headers, room: vec![0; BATCH * DATAGRAM], got: Vec::with_capacity(BATCH) }
    }

    /// Reads what is there, at most [`BATCH`]; tells how many.
    pub(crate) fn read(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.got.clear();
        let mut slices: Vec<_> = self.room.chunks_mut(DATAGRAM).map(|room| [IoSliceMut::new(room)]).collect();
        let read = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None);
        let messages = match read {
            Ok(messages) => messages,
            // An answer of ICMP to something sent before: news for nobody.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        for message in messages {
            let at_ns = message.cmsgs()?.find_map(|cmsg| stamp(&cmsg)).unwrap_or_default();
            // A datagram of a stranger's family cannot come to this socket; an empty place keeps the others in theirs.
            let source = message.address.as_ref().and_then(address).unwrap_or(NOBODY);
            self.got.push(Got { source, at_ns, length: message.bytes });
        }
        Ok(self.got.len())
    }

    /// The datagram at this place of the last batch.
    pub(crate) fn datagram(&mut self, at: usize) -> (Got, &mut [u8]) {
        let got = self.got[at];
        (got, &mut self.room[at * DATAGRAM..][..got.length.min(DATAGRAM)])
    }
}

const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

#[expect(clippy::wildcard_enum_match_arm, reason = "only one kind is asked for")]
fn stamp(message: &ControlMessageOwned) -> Option<u64> {
    match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64),
        _ => None,
    }
}

fn address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let four = address.as_sockaddr_in().map(|four| SocketAddr::from((four.ip(), four.port())));
    four.or_else(|| address.as_sockaddr_in6().map(|six| SocketAddr::from((six.ip(), six.port()))))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::clock;

    #[test]
    fn datagrams_come_in_batches_with_their_times() {
        let here = "127.0.0.1".parse().expect("an address");
        let (sender, receiver) = (socket(here, 0).expect("a socket"), socket(here, 0).expect("a socket"));
        let before = clock::wall_ns();
        let to = receiver.local_addr().expect("an address");
        for number in 0..40_u8 {
            sender.send_to(&vec![number; 10 + usize::from(number)], to).expect("sent");
        }
        let (mut reader, mut numbers, start) = (Reader::new(), Vec::new(), Instant::now());
        while numbers.len() < 40 && start.elapsed() < Duration::from_secs(10) {
            for at in 0..reader.read(&receiver).expect("read") {
                let (got, bytes) = reader.datagram(at);
                assert_eq!(got.source, sender.local_addr().expect("an address"));
                assert!((before..=clock::wall_ns()).contains(&got.at_ns), "stamped between sending and reading");
                assert_eq!(bytes.len(), 10 + usize::from(bytes[0]));
                numbers.push(bytes[0]);
            }
        }
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    }
}
