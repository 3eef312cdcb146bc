//! Huffman codes: from lengths to codes and back, and from frequencies to lengths.

/// The longest code that deflate knows.
pub(crate) const MAX_BITS: usize = 15;

/// A code for reading: a table of `FAST` entries for the short codes, and counts for the long ones.
pub(crate) struct Decoder<const FAST: usize, const SYMBOLS: usize> {
    /// For each value of the next bits: symbol and length, or 0 where the code is longer or none.
    fast: [u16; FAST],
    /// How many codes have each length.
    counts: [u16; MAX_BITS + 1],
    /// The symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
}

impl<const FAST: usize, const SYMBOLS: usize> Decoder<FAST, SYMBOLS> {
    /// Makes a decoder from the length of each symbol's code, 0 where there is none.
    ///
    /// None when there are too many codes for their lengths, or too few: the one exception is a lone code of one bit,
    /// or none at all, where `may_be_alone` (RFC 1951, section 3.2.7, and stock zlib).
    pub(crate) const fn new(lengths: &[u8], may_be_alone: bool) -> Option<Self> {
        let mut decoder = Self { fast: [0; FAST], counts: [0; MAX_BITS + 1], symbols: [0; SYMBOLS] };
        if !decoder.fill(lengths, may_be_alone) {
            return None;
        }
        Some(decoder)
    }

    const fn fill(&mut self, lengths: &[u8], may_be_alone: bool) -> bool {
        let mut symbol = 0;
        while symbol < lengths.len() {
            self.counts[lengths[symbol] as usize] += 1;
            symbol += 1;
        }
        let used = lengths.len() - self.counts[0] as usize;
        self.counts[0] = 0;

        // Where the codes and the symbols of each length begin, and how much of the code space is left.
        let mut next_code = [0_u16; MAX_BITS + 2];
        let mut next_symbol = [0_u16; MAX_BITS + 2];
        let mut left = 1_i32;
        let mut length = 1;
        while length <= MAX_BITS {
            left = (left << 1) - self.counts[length] as i32;
            if left < 0 {
                return false;
            }
            next_code[length + 1] = (next_code[length] + self.counts[length]) << 1;
            next_symbol[length + 1] = next_symbol[length] + self.counts[length];
            length += 1;
        }
        let alone = used == 0 || (used == 1 && self.counts[1] == 1);
        if left > 0 && !(may_be_alone && alone) {
            return false;
        }

        symbol = 0;
        while symbol < lengths.len() {
            let length = lengths[symbol] as usize;
            if length > 0 {
                self.symbols[next_symbol[length] as usize] = symbol as u16;
                next_symbol[length] += 1;
                self.put_fast(symbol as u16, next_code[length], length);
                next_code[length] += 1;
            }
            symbol += 1;
        }
        true
    }

    /// Enters a short code under every value that begins with it.
    const fn put_fast(&mut self, symbol: u16, code: u16, length: usize) {
        if 1 << length > FAST {
            return;
        }
        let mut index = reversed(code, length) as usize;
        while index < self.fast.len() {
            self.fast[index] = symbol << 4 | length as u16;
            index += 1 << length;
        }
    }

    /// The symbol whose code stands at the low end of `bits`, and the code's length.
    #[inline]
    pub(crate) fn symbol(&self, bits: u64) -> Option<(usize, u32)> {
        let entry = self.fast[bits as usize % FAST];
        if entry != 0 {
            return Some((usize::from(entry >> 4), u32::from(entry & 15)));
        }
        self.long_symbol(bits)
    }

    fn long_symbol(&self, bits: u64) -> Option<(usize, u32)> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for (length, &count) in self.counts.iter().enumerate().skip(1) {
            code |= (bits >> (length - 1) & 1) as usize;
            let count = usize::from(count);
            if code < first + count {
                return Some((usize::from(self.symbols[index + code - first]), length as u32));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// A code for writing: of each symbol the bits, ready to be written low end first, and how many they are.
pub(crate) struct Encoder<const SYMBOLS: usize> {
    pub(crate) codes: [u16; SYMBOLS],
    pub(crate) lengths: [u8; SYMBOLS],
}

impl<const SYMBOLS: usize> Encoder<SYMBOLS> {
    /// Assigns codes to lengths (RFC 1951, section 3.2.2).
    pub(crate) const fn new(lengths: [u8; SYMBOLS]) -> Self {
        let mut counts = [0_u16; MAX_BITS + 1];
        let mut symbol = 0;
        while symbol < SYMBOLS {
            counts[lengths[symbol] as usize] += 1;
            symbol += 1;
        }
        counts[0] = 0;
        let mut next = [0_u16; MAX_BITS + 2];
        let mut length = 1;
        while length <= MAX_BITS {
            next[length + 1] = (next[length] + counts[length]) << 1;
            length += 1;
        }
        let mut codes = [0; SYMBOLS];
        symbol = 0;
        while symbol < SYMBOLS {
            let length = lengths[symbol] as usize;
            if length > 0 {
                codes[symbol] = reversed(next[length], length);
                next[length] += 1;
            }
            symbol += 1;
        }
        Self { codes, lengths }
    }
}

/// The lengths of an optimal code for these frequencies, none longer than `max_bits`, and the last symbol that has a
/// code. At least two symbols get one.
///
/// This is stock zlib's algorithm with its way of breaking ties, because ties decide which of several optimal codes is
/// written.
pub(crate) fn optimal_lengths<const SYMBOLS: usize>(
    frequencies: &[u32; SYMBOLS],
    max_bits: usize,
) -> ([u8; SYMBOLS], usize) {
    let mut tree = Tree::new(frequencies);
    tree.join_all();
    tree.lengths(max_bits)
}

/// A Huffman tree under construction. Leaves come first, then inner nodes in the order of their making.
struct Tree<const SYMBOLS: usize> {
    /// The parent of each node; once the tree is whole, the length of its code.
    parents: Vec<u16>,
    /// The nodes that have no parent yet: a binary heap, rarest at the root.
    heap: Vec<Weight>,
    /// The nodes that have one, in the order in which they got it.
    joined: Vec<u16>,
    last_symbol: usize,
}

/// A node with what it is ordered by, from the high end: frequency (32 bits), depth (16), the node itself (16).
#[derive(Clone, Copy)]
struct Weight(u64);

impl Weight {
    fn new(frequency: u32, depth: u16, node: usize) -> Self {
        Self(u64::from(frequency) << 32 | u64::from(depth) << 16 | node as u64)
    }

    fn joined_with(self, other: Self, node: usize) -> Self {
        let depth = |weight: Self| (weight.0 >> 16) as u16;
        let frequency = (self.0 >> 32) as u32 + (other.0 >> 32) as u32;
        Self::new(frequency, depth(self).max(depth(other)) + 1, node)
    }

    fn node(self) -> u16 {
        self.0 as u16
    }

    /// Whether this node is rarer than another, or as rare and of no more depth.
    fn is_rarer_than(self, other: Self) -> bool {
        self.0 >> 16 <= other.0 >> 16
    }
}

impl<const SYMBOLS: usize> Tree<SYMBOLS> {
    fn new(frequencies: &[u32; SYMBOLS]) -> Self {
        let mut heap = Vec::with_capacity(SYMBOLS);
        let used = frequencies.iter().enumerate().filter(|&(_, &frequency)| frequency > 0);
        heap.extend(used.map(|(symbol, &frequency)| Weight::new(frequency, 0, symbol)));
        let mut last_symbol = heap.last().map(|weight| usize::from(weight.node()));
        while heap.len() < 2 {
            let symbol = match last_symbol {
                Some(last) if last < 2 => last + 1,
                Some(_) | None => 0,
            };
            last_symbol = last_symbol.max(Some(symbol));
            heap.push(Weight::new(1, 0, symbol));
        }
        let nodes = 2 * heap.len();
        Self {
            parents: vec![0; SYMBOLS + nodes],
            heap,
            joined: Vec::with_capacity(nodes),
            last_symbol: last_symbol.unwrap_or_default(),
        }
    }

    /// Joins the two rarest nodes until one is left.
    fn join_all(&mut self) {
        for index in (0..self.heap.len() / 2).rev() {
            self.sift_down(index);
        }
        let mut parent = SYMBOLS;
        while self.heap.len() > 1 {
            let rarest = self.heap.swap_remove(0);
            self.sift_down(0);
            let second = self.heap[0];
            for child in [rarest.node(), second.node()] {
                self.parents[usize::from(child)] = parent as u16;
                self.joined.push(child);
            }
            self.heap[0] = rarest.joined_with(second, parent);
            self.sift_down(0);
            parent += 1;
        }
    }

    fn sift_down(&mut self, mut index: usize) {
        let heap = self.heap.as_mut_slice();
        let sinking = heap[index];
        loop {
            let mut child = 2 * index + 1;
            if child >= heap.len() {
                break;
            }
            if let Some(right) = heap.get(child + 1) {
                // Added, not branched on: which child is rarer is a coin toss.
                child += usize::from(right.is_rarer_than(heap[child]));
            }
            if sinking.is_rarer_than(heap[child]) {
                break;
            }
            heap[index] = heap[child];
            index = child;
        }
        heap[index] = sinking;
    }

    /// Turns parents into lengths, from the root down; then shortens those that are too long.
    fn lengths(mut self, max_bits: usize) -> ([u8; SYMBOLS], usize) {
        let mut counts = [0_u16; MAX_BITS + 1];
        let mut too_long = 0;
        let mut lengths = [0; SYMBOLS];
        let root = self.parents.get_mut(usize::from(self.heap[0].node()));
        *root.expect("the root is a node") = 0;
        for &node in self.joined.iter().rev() {
            let node = usize::from(node);
            let parent = usize::from(self.parents[node]);
            let mut length = usize::from(self.parents[parent]) + 1;
            if length > max_bits {
                length = max_bits;
                too_long += 1;
            }
            self.parents[node] = length as u16;
            if node < SYMBOLS {
                lengths[node] = length as u8;
                counts[length] += 1;
            }
        }
        if too_long > 0 {
            self.shorten(too_long, counts, max_bits, &mut lengths);
        }
        (lengths, self.last_symbol)
    }

    /// Makes room for the codes that were cut, by lengthening the rarest of the shorter ones.
    fn shorten(
        &self,
        mut too_long: i32,
        mut counts: [u16; MAX_BITS + 1],
        max_bits: usize,
        lengths: &mut [u8; SYMBOLS],
    ) {
        while too_long > 0 {
            let longest = (1..max_bits).rev().find(|&bits| counts[bits] > 0).unwrap_or(1);
            counts[longest] -= 1;
            counts[longest + 1] += 2;
            counts[max_bits] -= 1;
            too_long -= 2;
        }
        let mut leaves = self.joined.iter().map(|&node| usize::from(node)).filter(|&node| node < SYMBOLS);
        for bits in (1..=max_bits).rev() {
            for leaf in leaves.by_ref().take(usize::from(counts[bits])) {
                lengths[leaf] = bits as u8;
            }
        }
    }
}

const fn reversed(code: u16, length: usize) -> u16 {
    code.reverse_bits() >> (16 - length)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Small = Decoder<{ 1 << 9 }, 19>;

    #[test]
    fn codes_are_read_back_as_the_symbols_they_were_written_for() {
        let mut lengths = [0; 16];
        for (symbol, length) in lengths.iter_mut().enumerate() {
            *length = (symbol + 1).min(15) as u8;
        }
        let encoder = Encoder::new(lengths);
        let decoder = Small::new(&lengths, false).unwrap();
        for symbol in 0..16 {
            let found = decoder.symbol(encoder.codes[symbol].into());
            assert_eq!(found, Some((symbol, encoder.lengths[symbol].into())));
        }
    }

    #[test]
    fn a_code_must_fill_its_space_unless_it_is_alone() {
        assert!(Small::new(&[1, 1], false).is_some());
        assert!(Small::new(&[1, 1, 1], false).is_none());
        assert!(Small::new(&[1, 2], true).is_none());
        assert!(Small::new(&[1, 0], false).is_none());
        assert!(Small::new(&[1, 0], true).is_some());
        assert!(Small::new(&[2, 0], true).is_none());
        assert!(Small::new(&[0, 0], true).is_some());
    }

    #[test]
    fn no_code_is_longer_than_asked_and_every_code_fills_its_space() {
        let mut frequencies = [0_u32; 19];
        let (mut a, mut b) = (1, 1);
        for frequency in &mut frequencies {
            *frequency = a;
            (a, b) = (b, a + b);
        }
        for max_bits in [7, 15] {
            let (lengths, last) = optimal_lengths(&frequencies, max_bits);
            assert_eq!(last, 18);
            assert!(lengths.iter().all(|&length| usize::from(length) <= max_bits));
            assert!(Small::new(&lengths, false).is_some());
        }
    }

    #[test]
    fn at_least_two_symbols_get_a_code() {
        let one = |symbol: usize| {
            let mut frequencies = [0; 30];
            frequencies[symbol] = 9;
            optimal_lengths(&frequencies, 15)
        };
        assert_eq!(optimal_lengths(&[0; 30], 15).0[..3], [1, 1, 0]);
        assert_eq!(one(0).0[..3], [1, 1, 0]);
        assert_eq!(one(7).0[..8], [1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(one(7).1, 7);
    }
}
