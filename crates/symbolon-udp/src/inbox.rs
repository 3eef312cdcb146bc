//! Datagrams that came in.

use std::net::SocketAddr;
use std::time::Duration;

/// Room for datagrams that come in, and those that did. Worth keeping: it holds a mebibyte.
#[derive(Debug)]
pub struct Inbox {
    /// [`SLOTS`] pieces of [`SLOT_BYTES`].
    pub(crate) bytes: Vec<u8>,
    pub(crate) slots: Vec<Slot>,
}

/// What lies in one piece of the room: one datagram, or several of one sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) source: SocketAddr,
    pub(crate) length: usize,
    /// The length of each datagram but the last, which may be shorter.
    pub(crate) each: usize,
    pub(crate) came_at: Option<Duration>,
}

/// How many pieces one call fills.
pub(crate) const SLOTS: usize = 16;

/// As long as a datagram can be, and several in one piece.
pub(crate) const SLOT_BYTES: usize = 65_536;

impl Default for Inbox {
    fn default() -> Self {
        Self { bytes: vec![0; SLOTS * SLOT_BYTES], slots: Vec::with_capacity(SLOTS) }
    }
}

impl Inbox {
    /// The datagrams, in the order in which they came: where from, and what.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let pieces = self.bytes.chunks_exact(SLOT_BYTES).zip(&self.slots);
        pieces.flat_map(|(piece, slot)| {
            let piece = &piece[..slot.length];
            // An empty datagram is one, too.
            let empty = piece.is_empty().then_some(piece);
            piece.chunks(slot.each.max(1)).chain(empty).map(|bytes| (slot.source, bytes))
        })
    }

    /// The same, and when each came to this machine: Unix time, where the socket [tells](crate::BatchSocket::tell_times).
    pub fn iter_with_times(&self) -> impl Iterator<Item = (SocketAddr, &[u8], Option<Duration>)> {
        let times = self.slots.iter().flat_map(|slot| {
            let count = slot.length.div_ceil(slot.each.max(1)).max(1);
            std::iter::repeat_n(slot.came_at, count)
        });
        self.iter().zip(times).map(|((source, bytes), at)| (source, bytes, at))
    }

    /// Whether the last call filled all the room, so that more may wait.
    pub fn is_full(&self) -> bool {
        self.slots.len() == SLOTS
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }
}
