//! An emulated network: loss, delay and reordering from a seed, in virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How bad the network is, in both directions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Datagrams lost, in a thousand.
    pub(crate) loss: u64,
    /// The way takes at least this long.
    pub(crate) delay: Duration,
    /// And up to this much longer, which reorders.
    pub(crate) jitter: Duration,
}

impl Weather {
    pub(crate) const FAIR: Self = Self { loss: 0, delay: Duration::from_millis(1), jitter: Duration::ZERO };
}

/// A datagram under way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// A line of so much and no more, with a queue before it that drops what it has no room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) bits_per_second: u64,
    /// How long what is queued may have to wait.
    pub(crate) queue: Duration,
    free_at: Option<Instant>,
}

impl Line {
    pub(crate) fn new(kbps: u64) -> Self {
        Self { bits_per_second: kbps * 1_000, queue: Duration::from_millis(300), free_at: None }
    }

    /// When the last of so many bytes is through, unless they are dropped.
    fn pass(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let begins = self.free_at.map_or(now, |at| at.max(now));
        if begins - now > self.queue {
            return None;
        }
        let ends = begins + Duration::from_micros(bytes as u64 * 8 * 1_000_000 / self.bits_per_second);
        self.free_at = Some(ends);
        Some(ends)
    }
}

pub(crate) struct Net {
    pub(crate) weather: Weather,
    /// The lines towards some addresses.
    pub(crate) lines: BTreeMap<SocketAddr, Line>,
    /// When set, a copy of everything that is sent.
    pub(crate) record: Option<Vec<Datagram>>,
    /// A client's address, and the one under which it is seen from the edge.
    pub(crate) moved: Option<(SocketAddr, SocketAddr)>,
    /// Nothing that is sent to the new address arrives, and only checks come from it.
    pub(crate) deaf: bool,
    /// The checks of this client get lost, and nothing else does.
    pub(crate) checks_from_are_lost: Option<SocketAddr>,
    rng: fastrand::Rng,
    under_way: BTreeMap<(Instant, u64), Datagram>,
    sent: u64,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self {
            weather: Weather::FAIR,
            lines: BTreeMap::new(),
            record: None,
            moved: None,
            deaf: false,
            checks_from_are_lost: None,
            rng,
            under_way: BTreeMap::new(),
            sent: 0,
        }
    }

    pub(crate) fn send(&mut self, now: Instant, mut datagram: Datagram) {
        if self.checks_from_are_lost == Some(datagram.source) && datagram.bytes[0] < 4 {
            return;
        }
        if let Some((inside, outside)) = self.moved {
            let is_check = datagram.bytes[0] < 4;
            if self.deaf && (datagram.destination == outside || (datagram.source == inside && !is_check)) {
                return;
            }
            if datagram.source == inside {
                datagram.source = outside;
            } else if datagram.destination == outside {
                datagram.destination = inside;
            }
        }
        if let Some(record) = &mut self.record {
            record.push(datagram.clone());
        }
        if self.rng.u64(0..1_000) < self.weather.loss {
            return;
        }
        let jitter = self.weather.jitter.as_micros() as u64;
        let extra = Duration::from_micros(if jitter == 0 { 0 } else { self.rng.u64(0..jitter) });
        let line = self.lines.get_mut(&datagram.destination);
        // With the headers of UDP and IP.
        let Some(through) = line.map_or(Some(now), |line| line.pass(now, datagram.bytes.len() + 28)) else { return };
        self.sent += 1;
        self.under_way.insert((through + self.weather.delay + extra, self.sent), datagram);
    }

    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn arrive(&mut self, now: Instant) -> Option<Datagram> {
        let key = *self.under_way.keys().next().filter(|(at, _)| *at <= now)?;
        self.under_way.remove(&key)
    }
}
