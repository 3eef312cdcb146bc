//! UDP sockets that take and give many datagrams at a time.
//!
//! A media server spends most of its time in the kernel, one system call for each datagram. Here one call takes all that
//! wait (`recvmmsg`, with datagrams of one sender in one piece where `UDP_GRO` is to be had), and one sends all there are
//! (`sendmmsg`, with equal datagrams to one destination in one piece where `UDP_SEGMENT` is). Where the kernel
//! knows neither, everything works as before, only slower.
//!
//! Three types matter: the [`BatchSocket`], the [`Inbox`] that it fills, and the [`Outgoing`] datagrams that it empties.
//! Nothing here waits: a socket without datagrams says [`WouldBlock`](std::io::ErrorKind::WouldBlock), and what the
//! kernel does not take at once is lost, as it would be on the way.
//!
//! ```
//! use std::net::UdpSocket;
//!
//! use symbolon_udp::{BatchSocket, Inbox, Outgoing};
//!
//! let socket = || UdpSocket::bind("127.0.0.1:0").and_then(BatchSocket::new);
//! let (here, there) = (socket()?, socket()?);
//! let mut outgoing = Outgoing::default();
//! for text in ["one", "two", "six"] {
//!     outgoing.push(there.local_addr()?, text.as_bytes());
//! }
//! assert_eq!(here.send(&outgoing).sent, 3);
//!
//! let mut inbox = Inbox::default();
//! let mut texts = Vec::new();
//! while texts.len() < 3 {
//!     // Loopback delivers at once.
//!     there.receive(&mut inbox)?;
//!     texts.extend(inbox.iter().map(|(source, bytes)| (source.port(), bytes.to_vec())));
//! }
//! assert!(texts.iter().all(|(port, _)| *port == here.local_addr().unwrap().port()));
//! assert_eq!(texts[2].1, b"six");
//! # Ok::<(), std::io::Error>(())
//! ```

mod inbox;
#[cfg(target_os = "linux")]
mod linux;
mod outgoing;
#[cfg(not(target_os = "linux"))]
mod portable;
mod socket;

pub use inbox::Inbox;
pub use outgoing::Outgoing;
pub use socket::{BatchSocket, Sent};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;
