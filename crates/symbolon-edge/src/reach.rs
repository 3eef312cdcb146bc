//! Whether the address that a peer's datagrams go to has shown that it receives them.
//!
//! ICE-lite sends no checks of its own, and a member can send a genuine check with somebody else's source address. So
//! an address that is nominated anew gets little until a report from it acknowledges a packet that was sent to it: a
//! member cannot turn a call into a flood for a third party.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::media::Mid;

/// What is known about the address in use.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    proven: Option<SocketAddr>,
    trial: Option<Trial>,
}

/// An address that has yet to show that it receives.
#[derive(Debug)]
struct Trial {
    address: SocketAddr,
    /// What may still be sent to it.
    bytes: usize,
    filled_at: Instant,
    /// It has sent a report, so it may be the one that acknowledges.
    reported: bool,
    /// The highest sequence number of each slot when it was nominated.
    marks: BTreeMap<Mid, u64>,
}

/// What a new address gets at once: a second of a talking head.
const AT_ONCE: usize = 64 * 1024;
/// And with every second that it has not shown that it receives: room for reports, not for pictures.
const EACH_SECOND: usize = 8 * 1024;

impl Reach {
    /// The DTLS handshake was completed from here, which takes what was sent there.
    pub(crate) fn prove(&mut self, address: SocketAddr) {
        self.proven = Some(address);
        self.trial = None;
    }

    /// A report came in from here.
    pub(crate) fn reported(&mut self, address: SocketAddr) {
        if let Some(trial) = self.trial.as_mut().filter(|trial| trial.address == address) {
            trial.reported = true;
        }
    }

    /// A report says that this packet of a slot has arrived.
    pub(crate) fn acknowledged(&mut self, slot: Mid, seq: u64) {
        let Some(trial) = &self.trial else { return };
        if trial.reported && trial.marks.get(&slot).is_some_and(|mark| seq > *mark) {
            self.prove(trial.address);
        }
    }

    /// Whether a datagram of this size may go there now. `marks` says how far each slot is.
    pub(crate) fn admits(
        &mut self,
        now: Instant,
        address: SocketAddr,
        length: usize,
        marks: impl FnOnce() -> BTreeMap<Mid, u64>,
    ) -> bool {
        if self.proven == Some(address) {
            // The old address again: what was tried is not in use any more.
            self.trial = None;
            return true;
        }
        let trial = match &mut self.trial {
            Some(trial) if trial.address == address => trial,
            other => {
                // A second trial right after the first does not get the first helping again.
                let bytes = other.as_ref().map_or(AT_ONCE, |before| before.bytes);
                let trial = Trial { address, bytes, filled_at: now, reported: false, marks: marks() };
                other.insert(trial)
            }
        };
        trial.fill(now);
        let admitted = length <= trial.bytes;
        if admitted {
            trial.bytes -= length;
        }
        admitted
    }
}

impl Trial {
    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.filled_at).min(Duration::from_secs(8));
        let filled = since.as_millis() as usize * EACH_SECOND / 1_000;
        if filled > 0 {
            self.bytes = (self.bytes + filled).min(AT_ONCE);
            self.filled_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn a_new_address_gets_little_until_it_acknowledges() {
        let start = Instant::now();
        let slot = Mid::from("s");
        let mut reach = Reach::default();
        let send = |reach: &mut Reach, port, at: u64| {
            let now = start + Duration::from_millis(at);
            (0..100).filter(|_| reach.admits(now, address(port), 1_000, || BTreeMap::from([(slot, 500)]))).count()
        };
        assert_eq!(send(&mut reach, 1, 0), 65, "during the handshake too");
        reach.prove(address(1));
        assert_eq!(send(&mut reach, 1, 0), 100);
        assert_eq!(send(&mut reach, 2, 0), 65);
        assert_eq!(send(&mut reach, 2, 1_000), 8);
        assert_eq!(send(&mut reach, 3, 1_000), 0, "one after the other gets no more");
        // A report of something older, or from elsewhere, proves nothing.
        reach.reported(address(1));
        reach.acknowledged(slot, 501);
        assert_eq!(send(&mut reach, 3, 1_000), 0);
        reach.reported(address(3));
        reach.acknowledged(slot, 500);
        assert_eq!(send(&mut reach, 3, 1_000), 0);
        reach.acknowledged(slot, 501);
        assert_eq!(send(&mut reach, 3, 1_000), 100);
        assert_eq!(send(&mut reach, 1, 1_000), 65, "and the one before is new again");
    }
}
