//! What the edge sends, as it is on the wire: RTP headers are not encrypted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// All that was sent so far.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) datagrams: usize,
    pub(crate) destinations: BTreeMap<SocketAddr, usize>,
    /// How long the encrypted bodies of RTP packets were.
    pub(crate) body_lengths: BTreeMap<SocketAddr, BTreeSet<usize>>,
    largest: BTreeMap<SocketAddr, usize>,
    bytes: BTreeMap<SocketAddr, usize>,
    streams: BTreeMap<(SocketAddr, u32), Stream>,
}

/// One SSRC as one receiver sees it.
#[derive(Default)]
struct Stream {
    used: BTreeSet<i64>,
    highest: i64,
    highest_time: Option<u32>,
}

impl Wire {
    /// Notes a datagram, and that no packet index of its stream is used twice: with AES-GCM that would be a nonce.
    pub(crate) fn note(&mut self, destination: SocketAddr, bytes: &[u8]) {
        self.datagrams += 1;
        *self.destinations.entry(destination).or_default() += 1;
        *self.bytes.entry(destination).or_default() += bytes.len();
        let largest = self.largest.entry(destination).or_default();
        *largest = bytes.len().max(*largest);
        let is_rtp = bytes.len() >= 12 && bytes[0] >> 6 == 2 && !(64..96).contains(&(bytes[1] & 0x7F));
        if !is_rtp {
            return;
        }
        let body = bytes.len() - header_length(bytes);
        self.body_lengths.entry(destination).or_default().insert(body);
        let ssrc = u32::from_be_bytes(bytes[8..12].try_into().unwrap());
        let number = u16::from_be_bytes([bytes[2], bytes[3]]);
        let time = u32::from_be_bytes(bytes[4..8].try_into().unwrap());
        self.streams.entry((destination, ssrc)).or_default().note(number, time);
    }

    pub(crate) fn largest_to(&self, destination: SocketAddr) -> usize {
        self.largest.get(&destination).copied().unwrap_or_default()
    }

    pub(crate) fn bytes_to(&self, destination: SocketAddr) -> usize {
        self.bytes.get(&destination).copied().unwrap_or_default()
    }

    pub(crate) fn sent_to(&self, destination: SocketAddr) -> usize {
        self.destinations.get(&destination).copied().unwrap_or_default()
    }
}

/// RFC 3550, section 5.1: the fixed part, the contributing sources, the extension.
fn header_length(bytes: &[u8]) -> usize {
    let fixed = 12 + 4 * usize::from(bytes[0] & 0x0F);
    if bytes[0] & 0x10 == 0 {
        return fixed;
    }
    fixed + 4 + 4 * usize::from(u16::from_be_bytes([bytes[fixed + 2], bytes[fixed + 3]]))
}

impl Stream {
    fn note(&mut self, number: u16, time: u32) {
        if self.used.is_empty() {
            assert!(number < 0x8000, "a stream that starts at {number} upsets the rollover counter");
            self.highest = i64::from(number);
        }
        let ahead = i64::from(number.wrapping_sub(self.highest as u16) as i16);
        let index = self.highest + ahead;
        assert!(self.used.insert(index), "packet index {index} used twice");
        if index >= self.highest {
            self.highest = index;
            let before = self.highest_time.replace(time);
            let back = before.is_some_and(|before| before != time && before.wrapping_sub(time) < u32::MAX / 2);
            assert!(!back || self.is_repair(), "a timestamp went back from {before:?} to {time}");
        }
    }

    /// Retransmissions carry the timestamps of what they repeat.
    fn is_repair(&self) -> bool {
        self.used.first().is_some_and(|first| *first != 1)
    }
}
