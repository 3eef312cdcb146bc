//! Datagrams to be sent.

use std::net::SocketAddr;

/// Datagrams to be sent, one behind the other in one piece of memory. Worth keeping and clearing.
///
/// Datagrams to one destination that follow each other and are equally long go to the kernel together.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    datagrams: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    destination: SocketAddr,
    end: usize,
}

/// Datagrams that go to one destination together: all equally long but the last, which may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run<'a> {
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: &'a [u8],
    pub(crate) each: usize,
    pub(crate) count: usize,
}

/// The most datagrams of a run (the kernel's `UDP_MAX_SEGMENTS`), and the most bytes.
const MOST_SEGMENTS: usize = 64;
const MOST_BYTES: usize = 65_000;

impl Outgoing {
    /// Adds a datagram.
    pub fn push(&mut self, destination: SocketAddr, bytes: &[u8]) {
        self.push_with(destination, |out| out.extend_from_slice(bytes));
    }

    /// Adds a datagram that is written where it will lie.
    ///
    /// The memory before it belongs to others: `write` only appends.
    pub fn push_with<T>(&mut self, destination: SocketAddr, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let start = self.bytes.len();
        let written = write(&mut self.bytes);
        debug_assert!(self.bytes.len() >= start, "a writer only appends");
        self.datagrams.push(Entry { destination, end: self.bytes.len() });
        written
    }

    /// Forgets them all, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// How many bytes they have together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Where each goes, and what it is.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let mut start = 0;
        self.datagrams.iter().map(move |entry| {
            let bytes = &self.bytes[start..entry.end];
            start = entry.end;
            (entry.destination, bytes)
        })
    }

    /// What goes to the kernel in one piece each, with `segments`; else one by one.
    pub(crate) fn runs(&self, segments: bool) -> impl Iterator<Item = Run<'_>> {
        let mut rest = &self.datagrams[..];
        let mut start = 0;
        std::iter::from_fn(move || {
            let first = rest.first()?;
            let each = first.end - start;
            let (mut count, mut end) = (1, first.end);
            while segments && count < MOST_SEGMENTS && end - start == each * count {
                let Some(next) = rest.get(count) else { break };
                let fits = next.destination == first.destination && (1..=each).contains(&(next.end - end));
                if !fits || next.end - start > MOST_BYTES {
                    break;
                }
                (count, end) = (count + 1, next.end);
            }
            let run = Run { destination: first.destination, bytes: &self.bytes[start..end], each, count };
            (start, rest) = (end, &rest[count..]);
            Some(run)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn outgoing(datagrams: &[(u16, usize)]) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for (number, (port, length)) in datagrams.iter().enumerate() {
            outgoing.push(to(*port), &vec![number as u8; *length]);
        }
        outgoing
    }

    fn counts(outgoing: &Outgoing, segments: bool) -> Vec<usize> {
        outgoing.runs(segments).map(|run| run.count).collect()
    }

    #[test]
    fn equal_datagrams_to_one_destination_go_together() {
        let some = outgoing(&[(1, 9), (1, 9), (1, 9), (2, 9), (2, 5), (2, 9), (2, 9), (2, 10), (1, 10)]);
        assert_eq!(counts(&some, true), [3, 2, 2, 1, 1]);
        assert_eq!(counts(&some, false), [1; 9]);
        let second = some.runs(true).nth(1).unwrap();
        assert_eq!(
            second,
            Run { destination: to(2), bytes: &[3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4], each: 9, count: 2 }
        );
        assert_eq!(some.iter().count(), 9);
        assert_eq!(some.iter().nth(4), Some((to(2), &[4_u8; 5][..])));
    }

    #[test]
    fn a_run_has_bounds() {
        assert_eq!(counts(&outgoing(&[(1, 1_000); 130]), true), [64, 64, 2]);
        assert_eq!(counts(&outgoing(&[(1, 1_400); 60]), true), [46, 14]);
        assert_eq!(counts(&outgoing(&[(1, 0), (1, 0), (1, 3)]), true), [1, 1, 1]);
        assert_eq!(counts(&Outgoing::default(), true), [0; 0]);
    }
}
