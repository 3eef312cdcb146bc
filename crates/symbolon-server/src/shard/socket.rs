//! The media socket, and what addresses it is known by.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use symbolon_edge::Incoming;
use symbolon_udp::{BatchSocket, Inbox, Outgoing};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// A UDP socket that speaks of addresses as clients know them.
#[derive(Debug)]
pub(crate) struct MediaSocket {
    socket: BatchSocket,
    /// The same socket, for the runtime to watch.
    watched: UdpSocket,
    candidates: Vec<SocketAddr>,
}

impl MediaSocket {
    /// Takes over a bound socket, inside the runtime that will wait for it.
    pub(crate) fn new(socket: std::net::UdpSocket, candidates: Vec<SocketAddr>) -> io::Result<Self> {
        let watched = socket.try_clone()?;
        let socket = BatchSocket::new(socket)?;
        Ok(Self { socket, watched: UdpSocket::from_std(watched)?, candidates })
    }

    /// Waits for datagrams, and takes those that are there.
    ///
    /// An error may be one that an earlier datagram of ours caused on its way.
    pub(crate) async fn receive(&self, inbox: &mut Inbox) -> io::Result<()> {
        loop {
            self.watched.readable().await?;
            let mut received = false;
            let tried = self.watched.try_io(Interest::READABLE, || {
                self.socket.receive(inbox)?;
                received = true;
                // There were no more, and the next one will ring again: no call is needed to learn that.
                if inbox.is_full() { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
            });
            match tried {
                _ if received => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                tried => return tried,
            }
        }
    }

    /// What came in, with the candidate that each was sent to.
    pub(crate) fn incoming<'a>(&self, inbox: &'a Inbox) -> Vec<Incoming<'a>> {
        let incoming =
            |(source, bytes)| Some(Incoming { source, destination: destination(&self.candidates, source)?, bytes });
        inbox.iter().filter_map(incoming).collect()
    }

    /// Sends what the system takes at once, and says how many datagrams it did not take.
    pub(crate) fn send(&self, outgoing: &Outgoing) -> usize {
        self.socket.send(outgoing).lost
    }
}

/// Binds the media socket, with room for bursts.
pub(crate) fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    // The system may give less; it still works then, with more loss under bursts.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The addresses that clients send media to: those that were configured, else the one that is bound, else those from which
/// the ways to the internet start.
pub(crate) fn candidates(bound: SocketAddr, advertise: &[IpAddr]) -> Vec<SocketAddr> {
    let addresses = if !advertise.is_empty() {
        advertise.to_vec()
    } else if bound.ip().is_unspecified() {
        discover(bound.is_ipv6())
    } else {
        vec![bound.ip()]
    };
    addresses.into_iter().map(|address| SocketAddr::new(address, bound.port())).collect()
}

/// Asks the system for the source address of its default routes. No packet is sent.
fn discover(v6_too: bool) -> Vec<IpAddr> {
    let from = |unspecified: IpAddr, far: IpAddr| {
        let socket = std::net::UdpSocket::bind((unspecified, 0)).ok()?;
        socket.connect((far, 9)).ok()?;
        let address = socket.local_addr().ok()?.ip();
        (!address.is_unspecified()).then_some(address)
    };
    let v4 = from(Ipv4Addr::UNSPECIFIED.into(), FAR_V4.into());
    let v6 = v6_too.then(|| from(Ipv6Addr::UNSPECIFIED.into(), FAR_V6.into())).flatten();
    let found: Vec<IpAddr> = v4.into_iter().chain(v6).collect();
    if found.is_empty() { vec![Ipv4Addr::LOCALHOST.into()] } else { found }
}

/// Which candidate a datagram was sent to. The socket does not say; of several the best guess is the one in the sender's
/// own family and reach, and every one leads back here.
fn destination(candidates: &[SocketAddr], source: SocketAddr) -> Option<SocketAddr> {
    let likeness = |candidate: &&SocketAddr| {
        let same_family = candidate.is_ipv4() == source.is_ipv4();
        let same_reach = candidate.ip().is_loopback() == source.ip().is_loopback();
        (same_family, same_reach)
    };
    // Of equals `max_by_key` takes the last, and the first stands first for a reason.
    candidates.iter().rev().max_by_key(likeness).copied()
}

/// Room for a burst of a few thousand packets, in bytes.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// Addresses of the documentation networks (RFC 5737, RFC 3849): far away, and nobody.
const FAR_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_addresses_come_before_bound_ones() {
        let bound = "127.0.0.1:7000".parse().unwrap();
        assert_eq!(candidates(bound, &[]), [bound]);
        let advertised = candidates(bound, &["198.51.100.7".parse().unwrap()]);
        assert_eq!(advertised, ["198.51.100.7:7000".parse().unwrap()]);
        let discovered = candidates("0.0.0.0:7000".parse().unwrap(), &[]);
        assert!(!discovered.is_empty() && discovered.iter().all(|address| !address.ip().is_unspecified()));
    }

    #[test]
    fn a_datagram_was_sent_to_the_candidate_most_like_its_source() {
        let candidates: Vec<SocketAddr> = ["198.51.100.7:1", "192.0.2.7:1", "127.0.0.1:1", "[2001:db8::7]:1"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        let to = |source: &str| destination(&candidates, source.parse().unwrap()).unwrap().to_string();
        assert_eq!(to("203.0.113.5:9"), "198.51.100.7:1");
        assert_eq!(to("127.0.0.1:9"), "127.0.0.1:1");
        assert_eq!(to("[2001:db8::5]:9"), "[2001:db8::7]:1");
        assert_eq!(destination(&[], "127.0.0.1:9".parse().unwrap()), None);
    }
}
