//! One datagram at a time, for systems that know no other way.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, UdpSocket};

use crate::inbox::{SLOT_BYTES, SLOTS, Slot};
use crate::{BatchSocket, Inbox, Outgoing, Sent};

pub(crate) fn accept_large(_: &UdpSocket) {}

pub(crate) fn tell_times(_: &UdpSocket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn takes_segments(_: &UdpSocket) -> bool {
    false
}

pub(crate) fn receive(socket: &BatchSocket, inbox: &mut Inbox) -> io::Result<()> {
    for piece in inbox.bytes.chunks_exact_mut(SLOT_BYTES).take(SLOTS) {
        match socket.socket.recv_from(piece) {
            Ok((length, source)) => {
                let source = SocketAddr::new(source.ip().to_canonical(), source.port());
                inbox.slots.push(Slot { source, length, each: length, came_at: None });
            }
            Err(_) if !inbox.slots.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(crate) fn send(socket: &BatchSocket, outgoing: &Outgoing) -> Sent {
    let mut sent = Sent::default();
    for (destination, bytes) in outgoing.iter() {
        let destination = match destination {
            SocketAddr::V4(v4) if socket.is_v6 => SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0).into(),
            other => other,
        };
        match socket.socket.send_to(bytes, destination) {
            Ok(_) => sent.sent += 1,
            Err(_) => sent.lost += 1,
        }
    }
    sent
}
