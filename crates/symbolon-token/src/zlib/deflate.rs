//! Deflating, with the choices that stock zlib makes at its default level.

use super::huffman::{Encoder, optimal_lengths};
use super::{
    DISTANCES, END_OF_BLOCK, FEW_ZEROS, FIRST_LENGTH, FIXED_DISTANCES, FIXED_LITERALS, LENGTH_CODE_ORDER, LENGTHS,
    MANY_ZEROS, MAX_MATCH, MIN_MATCH, REPEAT, WINDOW, adler32,
};

/// Deflates one payload after another, and keeps its working memory between them.
pub(crate) struct Deflater {
    /// For each hash of three bytes, the last place where it stood. Places are counted on over all payloads, so that
    /// nothing has to be cleared between them.
    heads: Vec<u32>,
    /// For each place in the payload, the one before it with the same hash; 0 for none.
    previous: Vec<u32>,
    /// What the places of the present payload in `heads` are counted from.
    offset: u32,
    /// The same for the next payload.
    next_offset: u32,
    tokens: Vec<Token>,
}

/// One step of a deflated text: a literal byte where `distance` is 0, else a match of `value` bytes.
#[derive(Clone, Copy)]
struct Token {
    distance: u16,
    value: u16,
}

/// A match: how long it is and where it begins.
#[derive(Clone, Copy)]
struct Match {
    len: usize,
    at: usize,
}

impl Deflater {
    pub(crate) fn new() -> Self {
        Self { heads: vec![0; 1 << HASH_BITS], previous: Vec::new(), offset: 0, next_offset: 0, tokens: Vec::new() }
    }

    /// Appends one zlib stream that holds `bytes`.
    pub(crate) fn deflate(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if bytes.len() > LARGEST {
            return store(bytes, out);
        }
        let statistics = self.tokenize(bytes);
        let fixed_bits = statistics.bits(&FIXED_LITERALS, &FIXED_DISTANCES);
        let dynamic = (fixed_bits >= DYNAMIC_WORTH_TRYING).then(|| Dynamic::new(&statistics));
        let dynamic = dynamic.filter(|dynamic| bytes_for(dynamic.bits) < bytes_for(fixed_bits));
        let fewest_bits = dynamic.as_ref().map_or(fixed_bits, |dynamic| dynamic.bits);
        if bytes.len() + 4 <= bytes_for(fewest_bits) {
            return store(bytes, out);
        }
        out.extend_from_slice(&HEADER);
        let mut bits = BitWriter::new(out);
        bits.put(LAST_BLOCK, 1);
        match dynamic {
            Some(dynamic) => dynamic.write(&self.tokens, &mut bits),
            None => {
                bits.put(FIXED_BLOCK, 2);
                write(&self.tokens, &FIXED_LITERALS_ENCODER, &FIXED_DISTANCES_ENCODER, &mut bits);
            }
        }
        bits.finish();
        out.extend_from_slice(&adler32(bytes).to_be_bytes());
    }

    /// Splits a payload into literals and matches. A match waits for one byte, in case the next one is longer.
    fn tokenize(&mut self, bytes: &[u8]) -> Statistics {
        self.begin(bytes.len());
        let mut statistics = Statistics::new();
        let mut waiting = NO_MATCH;
        let mut literal_waits = false;
        let mut at = 0;
        while at < bytes.len() {
            let candidate = self.insert(bytes, at);
            let mut found = NO_MATCH;
            if waiting.len < MAX_LAZY && is_near(candidate, at) {
                found = self.longest_match(bytes, at, candidate, waiting.len);
            }
            if waiting.len >= MIN_MATCH && found.len <= waiting.len {
                self.push(&mut statistics, at - 1 - waiting.at, waiting.len);
                let end = at - 1 + waiting.len;
                for inside in at + 1..end {
                    self.insert(bytes, inside);
                }
                at = end;
                waiting = NO_MATCH;
                literal_waits = false;
                continue;
            }
            if literal_waits {
                self.push(&mut statistics, 0, bytes[at - 1].into());
            }
            at += 1;
            waiting = found;
            literal_waits = true;
        }
        if literal_waits {
            self.push(&mut statistics, 0, bytes[at - 1].into());
        }
        statistics
    }

    fn begin(&mut self, len: usize) {
        self.tokens.clear();
        self.previous.clear();
        self.previous.resize(len, 0);
        if self.next_offset > OFFSET_MAX {
            self.heads.fill(0);
            self.next_offset = 0;
        }
        self.offset = self.next_offset;
        self.next_offset += len as u32;
    }

    /// Enters the three bytes at a place, and hands back the last place where their hash stood. Place 0 counts as
    /// none, as it does in zlib.
    fn insert(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(&[a, b, c]) = bytes.get(at..at + MIN_MATCH).and_then(<[u8]>::first_chunk) else {
            return 0;
        };
        let head = &mut self.heads[hash(a, b, c)];
        let candidate = head.saturating_sub(self.offset);
        *head = self.offset + at as u32;
        self.previous[at] = candidate;
        candidate as usize
    }

    /// The longest match at a place, if it is longer than `shortest`; among equals the nearest.
    fn longest_match(&self, bytes: &[u8], at: usize, mut candidate: usize, shortest: usize) -> Match {
        let scan = &bytes[at..];
        let most = scan.len().min(MAX_MATCH);
        let enough = NICE_LEN.min(scan.len());
        let mut best = Match { len: shortest, at: 0 };
        let mut tries = if shortest >= GOOD_LEN { TRIES / 4 } else { TRIES };
        while best.len < most {
            if bytes[candidate + best.len] == scan[best.len] {
                let len = common_prefix(&bytes[candidate..], &scan[..most]);
                if len > best.len {
                    best = Match { len, at: candidate };
                    if len >= enough {
                        break;
                    }
                }
            }
            candidate = self.previous[candidate] as usize;
            tries -= 1;
            if tries == 0 || !is_near(candidate, at) {
                break;
            }
        }
        if best.len == MIN_MATCH && at - best.at > TOO_FAR {
            return NO_MATCH;
        }
        Match { len: best.len.min(scan.len()), ..best }
    }

    fn push(&mut self, statistics: &mut Statistics, distance: usize, value: usize) {
        statistics.count(distance, value);
        self.tokens.push(Token { distance: distance as u16, value: value as u16 });
    }
}

/// How often each symbol of a block occurs.
struct Statistics {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES.len()],
}

impl Statistics {
    fn new() -> Self {
        let mut literals = [0; LITERALS];
        literals[END_OF_BLOCK] = 1;
        Self { literals, distances: [0; DISTANCES.len()] }
    }

    fn count(&mut self, distance: usize, value: usize) {
        if distance == 0 {
            self.literals[value] += 1;
        } else {
            self.literals[FIRST_LENGTH + length_symbol(value)] += 1;
            self.distances[distance_symbol(distance)] += 1;
        }
    }

    /// The size of the block's symbols under codes of these lengths.
    fn bits(&self, literals: &[u8], distances: &[u8]) -> usize {
        let codes = |counts: &[u32], lengths: &[u8]| -> u32 {
            counts.iter().zip(lengths).map(|(count, &length)| count * u32::from(length)).sum()
        };
        let extras = |counts: &[u32], table: &[(u16, u8)]| -> u32 {
            counts.iter().zip(table).map(|(count, &(_, extra))| count * u32::from(extra)).sum()
        };
        let literal_bits = codes(&self.literals, literals) + extras(&self.literals[FIRST_LENGTH..], &LENGTHS);
        let distance_bits = codes(&self.distances, distances) + extras(&self.distances, &DISTANCES);
        (literal_bits + distance_bits) as usize
    }
}

/// A block with codes of its own.
struct Dynamic {
    literals: Encoder<LITERALS>,
    distances: Encoder<{ DISTANCES.len() }>,
    /// How many literal and distance codes are named in the head.
    named: (usize, usize),
    /// The lengths of both codes, run by run.
    runs: Vec<Run>,
    run_code: Encoder<19>,
    /// How many codes for runs are named in the head.
    named_runs: usize,
    /// The size of the block, without the three bits that say what it is.
    bits: usize,
}

/// A symbol of the code for lengths, with the value of its extra bits.
#[derive(Clone, Copy)]
struct Run {
    symbol: u8,
    extra: u8,
}

impl Dynamic {
    fn new(statistics: &Statistics) -> Self {
        let (literals, last_literal) = optimal_lengths(&statistics.literals, 15);
        let (distances, last_distance) = optimal_lengths(&statistics.distances, 15);
        let mut runs = Vec::with_capacity(LITERALS);
        find_runs(&literals[..=last_literal], &mut runs);
        find_runs(&distances[..=last_distance], &mut runs);

        let mut frequencies = [0; 19];
        for run in &runs {
            frequencies[usize::from(run.symbol)] += 1;
        }
        let (run_lengths, _) = optimal_lengths(&frequencies, 7);
        let is_named = |&index: &usize| run_lengths[LENGTH_CODE_ORDER[index]] > 0;
        let named_runs = 1 + (3..19).rev().find(is_named).unwrap_or(3);
        let run_bits = |run: &Run| usize::from(run_lengths[usize::from(run.symbol)]) + extra_bits(run.symbol) as usize;
        let head = 5 + 5 + 4 + 3 * named_runs + runs.iter().map(run_bits).sum::<usize>();

        Self {
            bits: head + statistics.bits(&literals, &distances),
            literals: Encoder::new(literals),
            distances: Encoder::new(distances),
            named: (last_literal + 1, last_distance + 1),
            runs,
            run_code: Encoder::new(run_lengths),
            named_runs,
        }
    }

    fn write(&self, tokens: &[Token], bits: &mut BitWriter<'_>) {
        let (literals, distances) = self.named;
        bits.put(DYNAMIC_BLOCK, 2);
        bits.put((literals - 257) as u32, 5);
        bits.put((distances - 1) as u32, 5);
        bits.put((self.named_runs - 4) as u32, 4);
        for &symbol in &LENGTH_CODE_ORDER[..self.named_runs] {
            bits.put(self.run_code.lengths[symbol].into(), 3);
        }
        for run in &self.runs {
            bits.put_symbol(&self.run_code, run.symbol.into());
            bits.put(run.extra.into(), extra_bits(run.symbol));
        }
        write(tokens, &self.literals, &self.distances, bits);
    }
}

/// Writes code lengths as runs. A run of the length before it is shorter at most than one that begins with its own.
fn find_runs(lengths: &[u8], runs: &mut Vec<Run>) {
    let mut before = None;
    let mut left = lengths;
    while let Some(&length) = left.first() {
        let repeats = before == Some(length);
        let most = match (length, repeats) {
            (0, _) => 138,
            (_, true) => 6,
            (_, false) => 7,
        };
        let count = left.iter().take(most).take_while(|&&other| other == length).count();
        put_run(length, count, repeats, runs);
        before = Some(length);
        left = &left[count..];
    }
}

fn put_run(length: u8, count: usize, repeats: bool, runs: &mut Vec<Run>) {
    let least = if length == 0 || repeats { 3 } else { 4 };
    if count < least {
        runs.extend(std::iter::repeat_n(Run { symbol: length, extra: 0 }, count));
    } else if length > 0 {
        let named = usize::from(!repeats);
        runs.extend(std::iter::repeat_n(Run { symbol: length, extra: 0 }, named));
        runs.push(Run { symbol: REPEAT, extra: (count - named - 3) as u8 });
    } else if count <= 10 {
        runs.push(Run { symbol: FEW_ZEROS, extra: (count - 3) as u8 });
    } else {
        runs.push(Run { symbol: MANY_ZEROS, extra: (count - 11) as u8 });
    }
}

fn extra_bits(run_symbol: u8) -> u32 {
    match run_symbol {
        REPEAT => 2,
        FEW_ZEROS => 3,
        MANY_ZEROS => 7,
        _ => 0,
    }
}

fn write<const L: usize, const D: usize>(
    tokens: &[Token],
    literals: &Encoder<L>,
    distances: &Encoder<D>,
    bits: &mut BitWriter<'_>,
) {
    for token in tokens {
        let value = usize::from(token.value);
        if token.distance == 0 {
            bits.put_symbol(literals, value);
            continue;
        }
        let distance = usize::from(token.distance);
        let symbol = length_symbol(value);
        bits.put_symbol(literals, FIRST_LENGTH + symbol);
        bits.put_rest(value, LENGTHS[symbol]);
        let symbol = distance_symbol(distance);
        bits.put_symbol(distances, symbol);
        bits.put_rest(distance, DISTANCES[symbol]);
    }
    bits.put_symbol(literals, END_OF_BLOCK);
}

/// Appends one zlib stream that holds `bytes` in stored blocks, uncompressed.
pub(crate) fn store(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&HEADER);
    let (whole, rest) = bytes.as_chunks::<STORED_MAX>();
    let last_is_whole = rest.is_empty() && !whole.is_empty();
    let blocks = whole.iter().map(<[u8; STORED_MAX]>::as_slice).chain((!last_is_whole).then_some(rest));
    let count = whole.len() + usize::from(!last_is_whole);
    for (index, block) in blocks.enumerate() {
        let len = block.len() as u16;
        out.push(u8::from(index + 1 == count));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&adler32(bytes).to_be_bytes());
}

/// Appends bits, low end of each byte first.
struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, count: 0 }
    }

    #[inline]
    fn put(&mut self, value: u32, count: u32) {
        self.held |= u64::from(value) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    #[inline]
    fn put_symbol<const N: usize>(&mut self, code: &Encoder<N>, symbol: usize) {
        self.put(code.codes[symbol].into(), code.lengths[symbol].into());
    }

    /// The extra bits of a length or distance: how far it lies above the base of its symbol.
    #[inline]
    fn put_rest(&mut self, value: usize, (base, extra): (u16, u8)) {
        self.put((value - usize::from(base)) as u32, extra.into());
    }

    fn finish(self) {
        let bytes = self.held.to_le_bytes();
        self.out.extend_from_slice(&bytes[..self.count.div_ceil(8) as usize]);
    }
}

#[inline]
fn hash(a: u8, b: u8, c: u8) -> usize {
    let mixed = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1);
    (mixed >> (32 - HASH_BITS)) as usize
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

/// Whether a match may begin at `candidate`.
fn is_near(candidate: usize, at: usize) -> bool {
    candidate > 0 && at - candidate <= FARTHEST
}

#[inline]
fn length_symbol(len: usize) -> usize {
    LENGTH_SYMBOLS[len - MIN_MATCH].into()
}

/// Two symbols share each power of two.
#[inline]
fn distance_symbol(distance: usize) -> usize {
    let back = distance - 1;
    if back < 4 {
        return back;
    }
    let power = back.ilog2() as usize;
    2 * power + (back >> (power - 1) & 1)
}

/// The size of a block in bytes, with the three bits that say what it is.
fn bytes_for(bits: usize) -> usize {
    (bits + 3).div_ceil(8)
}

const NO_MATCH: Match = Match { len: MIN_MATCH - 1, at: 0 };

/// The header that stock zlib writes at its default level: deflate, a window of 32 KiB, no dictionary.
const HEADER: [u8; 2] = [0x78, 0x9c];

const LAST_BLOCK: u32 = 1;
const FIXED_BLOCK: u32 = 1;
const DYNAMIC_BLOCK: u32 = 2;

/// Literals, the end of the block, and lengths.
const LITERALS: usize = FIRST_LENGTH + LENGTHS.len();

/// The most bytes in a stored block.
const STORED_MAX: usize = 65_535;

/// Hashes of three bytes are spread over so many places. Some hundreds of bytes need no more.
const HASH_BITS: u32 = 10;

/// `heads` starts anew when places would be counted beyond this.
const OFFSET_MAX: u32 = u32::MAX - LARGEST as u32;

/// Payloads beyond this are stored. No token comes near it.
const LARGEST: usize = 1 << 24;

/// The dynamic code's head costs more than it can save in blocks smaller than this, in bits: payloads of less than some
/// 160 bytes are always written with the fixed code.
const DYNAMIC_WORTH_TRYING: usize = 1200;

// The default level of zlib: see the table in its deflate.c.

/// With a match of this length waiting, a longer one is sought less hard.
const GOOD_LEN: usize = 8;

/// A match of this length does not wait.
const MAX_LAZY: usize = 16;

/// A match of this length ends the search.
const NICE_LEN: usize = 128;

/// How many places are tried.
const TRIES: usize = 128;

/// A match of three bytes from farther back than this costs more than it saves.
const TOO_FAR: usize = 4096;

/// How far back a match may begin. zlib keeps clear of the window's end.
const FARTHEST: usize = WINDOW - (MAX_MATCH + MIN_MATCH + 1);

/// The length symbol, from 0, of each length above the shortest.
static LENGTH_SYMBOLS: [u8; MAX_MATCH - MIN_MATCH + 1] = {
    let mut symbols = [0; MAX_MATCH - MIN_MATCH + 1];
    let mut len = MIN_MATCH;
    let mut symbol = 0;
    while len <= MAX_MATCH {
        if symbol + 1 < LENGTHS.len() && len == LENGTHS[symbol + 1].0 as usize {
            symbol += 1;
        }
        symbols[len - MIN_MATCH] = symbol as u8;
        len += 1;
    }
    symbols
};

static FIXED_LITERALS_ENCODER: Encoder<288> = Encoder::new(FIXED_LITERALS);

static FIXED_DISTANCES_ENCODER: Encoder<32> = Encoder::new(FIXED_DISTANCES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_distance_falls_under_the_symbol_whose_range_holds_it() {
        for len in MIN_MATCH..=MAX_MATCH {
            let (base, extra) = LENGTHS[length_symbol(len)];
            assert!((usize::from(base)..usize::from(base) + (1 << extra)).contains(&len), "{len}");
        }
        for distance in 1..=WINDOW {
            let (base, extra) = DISTANCES[distance_symbol(distance)];
            assert!((usize::from(base)..usize::from(base) + (1 << extra)).contains(&distance), "{distance}");
        }
    }

    #[test]
    fn memory_that_is_used_again_changes_nothing() {
        let mut used = Deflater::new();
        used.next_offset = OFFSET_MAX - 500;
        for round in 0..20_u8 {
            let bytes: Vec<u8> = (0..=200).map(|n: u8| (n / 7).wrapping_mul(round) % 11).collect();
            let (mut again, mut fresh) = (Vec::new(), Vec::new());
            used.deflate(&bytes, &mut again);
            Deflater::new().deflate(&bytes, &mut fresh);
            assert_eq!(again, fresh);
        }
    }
}
