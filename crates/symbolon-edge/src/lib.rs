//! The media server of Symbolon as one value: messages, datagrams and the time go in; messages, datagrams and the next
//! deadline come out.
//!
//! Three types matter:
//!
//! * [`Edge`]: all channels and all peers of one owner. It has the three verbs of every machine here: `handle` one
//!   [`Input`], `poll` each [`Output`] until there is none, and come back at the `deadline`.
//! * [`Config`]: the apps it admits, the limits it keeps, and the addresses that clients send media to.
//! * [`Stats`]: what it has counted. What a person feels comes out as a [`Happening`] instead.
//!
//! It reads no clock, draws no randomness but what the media library does for itself, and opens no socket. A test holds
//! one edge and many clients in memory and lets an hour pass in a moment.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use symbolon_edge::{Config, Edge, Input, Output};
//! use symbolon_proto::Now;
//! use symbolon_proto::grant::Door;
//! use symbolon_proto::id::ConnId;
//! use symbolon_proto::message::ClientMessage;
//!
//! let mut edge = Edge::new(Config::new(Door::default(), vec!["127.0.0.1:7000".parse().unwrap()]));
//! let now = Now::new(Instant::now(), Duration::from_secs(1_700_000_000));
//! let (conn, entropy) = (ConnId(1), symbolon_edge::Entropy::new([7; 64]));
//! edge.handle(now, Input::Opened { conn, remote: "127.0.0.1".parse().unwrap() });
//! edge.handle(now, Input::Message { conn, message: ClientMessage::Ping {}, entropy });
//! let closed = std::iter::from_fn(|| edge.poll()).any(|output| matches!(output, Output::Close { code: 4401, .. }));
//! assert!(closed, "the first message must be a join");
//! ```

#![cfg_attr(not(test), deny(missing_docs))]
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "a test has to begin at some instant"))]

mod agenda;
mod allocate;
mod answer;
mod codec;
mod demux;
mod downlink;
mod edge;
mod entropy;
mod feed;
mod forward;
mod happening;
mod hole;
mod keyframe;
mod line;
mod media;
mod offer;
mod peer;
mod reach;
mod red;
mod room;
mod route;
mod signal;
mod speakers;
mod stats;

pub use edge::{Config, Datagram, Edge, Incoming, Input, Output, close};
pub use entropy::Entropy;
pub use happening::{Happening, MediaLoss, MemberId, What};
pub use stats::{DropCause, Dropped, Stats};
