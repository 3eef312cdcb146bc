//! The bare line to the null reflector: a hello with keys, then SRTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use symbolon_proto::message::Kind;

use crate::line::{LineEvent, Net, Packet};
use crate::srtp::{Context, HEADER, Rollover, Secret, header};

/// The first words to the reflector. It answers with [`WELCOME`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) room: u32,
    pub(crate) views: bool,
    /// What the member seals with.
    pub(crate) own: Secret,
    /// What the reflector seals with.
    pub(crate) its: Secret,
}

/// The answer to a hello. No packet begins so.
pub(crate) const WELCOME: &[u8] = b"welcome";
/// The end of a line.
pub(crate) const BYE: &[u8] = b"bye";

pub(crate) struct BareLine {
    reflector: SocketAddr,
    hello: Vec<u8>,
    next_hello: Instant,
    welcome: bool,
    seal: Context,
    open: Context,
    sent: u32,
    rollover: Rollover,
}

impl BareLine {
    pub(crate) fn new(now: Instant, reflector: SocketAddr, room: u32, views: bool) -> Self {
        let hello = Hello { room, views, own: Secret::random(), its: Secret::random() };
        let (seal, open) = (Context::new(&hello.own), Context::new(&hello.its));
        let hello = serde_json::to_vec(&hello).expect("plain data");
        let (welcome, sent, rollover) = (false, 0, Rollover::default());
        Self { reflector, hello, next_hello: now, welcome, seal, open, sent, rollover }
    }

    pub(crate) fn receive(&mut self, bytes: &mut [u8], net: &mut Net<'_>) {
        if bytes == WELCOME {
            if !self.welcome {
                self.welcome = true;
                net.events.push(LineEvent::Connected);
            }
            return;
        }
        if bytes.len() < HEADER {
            return;
        }
        let (rollover, head) = (self.rollover.of(bytes), [bytes[0], bytes[1], bytes[2], bytes[3]]);
        if let Some(payload) = self.open.open(bytes, rollover) {
            net.events.push(LineEvent::Packet(Arc::from(&*payload)));
            self.rollover.note(&head, rollover);
        }
    }

    pub(crate) fn tick(&mut self, now: Instant, net: &mut Net<'_>) {
        if !self.welcome && self.next_hello <= now {
            self.next_hello = now + HELLO_EVERY;
            net.send(&self.hello, self.reflector);
        }
    }

    pub(crate) fn send(&mut self, packet: Packet, net: &mut Net<'_>) {
        self.sent += 1;
        let pt = if packet.kind == Kind::Video { 96 } else { 111 };
        let mut bytes = header(pt, packet.marker, self.sent as u16, packet.time, 1).to_vec();
        bytes.extend(packet.payload);
        let tag = self.seal.seal(&mut bytes, self.sent >> 16);
        bytes.extend(tag);
        net.send(&bytes, self.reflector);
    }

    pub(crate) fn leave(&self, net: &Net<'_>) {
        net.send(BYE, self.reflector);
    }

    pub(crate) fn deadline(&self) -> Instant {
        if self.welcome { self.next_hello + FAR } else { self.next_hello }
    }
}

const HELLO_EVERY: Duration = Duration::from_millis(200);
const FAR: Duration = Duration::from_secs(86_400);
