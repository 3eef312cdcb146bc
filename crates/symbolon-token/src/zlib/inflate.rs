//! Inflating within a limit.

use super::huffman::Decoder;
use super::{
    DISTANCES, END_OF_BLOCK, FEW_ZEROS, FIRST_LENGTH, FIXED_DISTANCES, FIXED_LITERALS, LENGTH_CODE_ORDER, LENGTHS,
    MANY_ZEROS, REPEAT, adler32,
};
use crate::error::TokenError;

/// Inflates one whole zlib stream into at most `limit` bytes. Nothing may follow it.
///
/// The memory of `out` is used again; what it held is dropped.
pub(crate) fn inflate(stream: &[u8], limit: usize, mut out: Vec<u8>) -> Result<Vec<u8>, TokenError> {
    out.clear();
    out.reserve(TYPICAL.min(limit));
    let deflated = stream.get(HEADER_LEN..).ok_or(TokenError::ZlibInvalid)?;
    check_header(stream[0], stream[1])?;
    let mut inflater = Inflater { bits: Bits::new(deflated), out, limit };
    while !inflater.block()? {}

    let (checksum, rest) = inflater.bits.rest().split_first_chunk().ok_or(TokenError::ZlibInvalid)?;
    if u32::from_be_bytes(*checksum) != adler32(&inflater.out) {
        return Err(TokenError::ZlibInvalid);
    }
    if !rest.is_empty() {
        return Err(TokenError::TrailingBytes);
    }
    Ok(inflater.out)
}

/// The method is deflate, the window no larger than 32 KiB, the check right, and there is no preset dictionary.
fn check_header(method: u8, flags: u8) -> Result<(), TokenError> {
    let is_deflate = method & 0x0f == 8 && method >> 4 <= 7;
    let check_is_right = u16::from_be_bytes([method, flags]).is_multiple_of(31);
    let has_dictionary = flags & 0x20 != 0;
    if !is_deflate || !check_is_right || has_dictionary {
        return Err(TokenError::ZlibInvalid);
    }
    Ok(())
}

struct Inflater<'a> {
    bits: Bits<'a>,
    out: Vec<u8>,
    limit: usize,
}

impl Inflater<'_> {
    /// Inflates one block and says whether it is the last.
    fn block(&mut self) -> Result<bool, TokenError> {
        let is_last = self.bits.take(1)? == 1;
        match self.bits.take(2)? {
            0 => self.stored()?,
            1 => self.coded(&FIXED_LITERALS_DECODER, &FIXED_DISTANCES_DECODER)?,
            2 => {
                let (literals, distances) = self.codes()?;
                self.coded(&literals, &distances)?;
            }
            _ => return Err(TokenError::ZlibInvalid),
        }
        Ok(is_last)
    }

    fn stored(&mut self) -> Result<(), TokenError> {
        self.bits.align();
        let (len, complement) = (self.bits.take(16)?, self.bits.take(16)?);
        if len != complement ^ 0xffff {
            return Err(TokenError::ZlibInvalid);
        }
        self.make_room(len)?;
        self.out.extend_from_slice(self.bits.bytes(len)?);
        Ok(())
    }

    fn coded(&mut self, literals: &LiteralDecoder, distances: &DistanceDecoder) -> Result<(), TokenError> {
        loop {
            let symbol = self.literals_up_to_another(literals)?;
            if symbol == END_OF_BLOCK {
                return Ok(());
            }
            let len = self.bits.value(&LENGTHS, symbol - FIRST_LENGTH)?;
            let symbol = self.bits.symbol(distances)?;
            let distance = self.bits.value(&DISTANCES, symbol)?;
            self.copy(distance, len)?;
        }
    }

    /// Takes literals, of which most tokens mostly consist, and hands back the first symbol that is none. Works on a
    /// copy of the bits and on room made before, so that everything it touches stays in registers.
    fn literals_up_to_another(&mut self, literals: &LiteralDecoder) -> Result<usize, TokenError> {
        let mut bits = self.bits;
        loop {
            let mut room = [0; ROOM];
            let mut made = 0;
            let symbol = loop {
                bits.refill();
                let symbol = bits.symbol(literals)?;
                if symbol >= END_OF_BLOCK {
                    break Some(symbol);
                }
                room[made] = symbol as u8;
                made += 1;
                if made == ROOM {
                    break None;
                }
            };
            self.make_room(made)?;
            self.out.extend_from_slice(&room[..made]);
            if let Some(symbol) = symbol {
                self.bits = bits;
                return Ok(symbol);
            }
        }
    }

    fn copy(&mut self, distance: usize, len: usize) -> Result<(), TokenError> {
        let from = self.out.len().checked_sub(distance).ok_or(TokenError::ZlibInvalid)?;
        self.make_room(len)?;
        if distance >= len {
            self.out.extend_from_within(from..from + len);
        } else {
            for index in from..from + len {
                self.out.push(self.out[index]);
            }
        }
        Ok(())
    }

    /// Refuses before anything over the limit is made.
    #[inline]
    fn make_room(&self, len: usize) -> Result<(), TokenError> {
        if self.limit - self.out.len() < len {
            return Err(TokenError::InflateLimit { limit: self.limit });
        }
        Ok(())
    }

    /// Reads the two codes at the head of a dynamic block.
    fn codes(&mut self) -> Result<(LiteralDecoder, DistanceDecoder), TokenError> {
        let literals = self.bits.take(5)? + 257;
        let distances = self.bits.take(5)? + 1;
        let length_codes = self.bits.take(4)? + 4;
        if literals > MAX_LITERALS || distances > MAX_DISTANCES {
            return Err(TokenError::ZlibInvalid);
        }
        let mut code_lengths = [0; 19];
        for &symbol in &LENGTH_CODE_ORDER[..length_codes] {
            code_lengths[symbol] = self.bits.take(3)? as u8;
        }
        let code = LengthDecoder::new(&code_lengths, false).ok_or(TokenError::ZlibInvalid)?;
        let mut lengths = [0; MAX_LITERALS + MAX_DISTANCES];
        let lengths = &mut lengths[..literals + distances];
        self.lengths(&code, lengths)?;
        if lengths[END_OF_BLOCK] == 0 {
            return Err(TokenError::ZlibInvalid);
        }
        let (literals, distances) = lengths.split_at(literals);
        let literals = LiteralDecoder::new(literals, true).ok_or(TokenError::ZlibInvalid)?;
        let distances = DistanceDecoder::new(distances, true).ok_or(TokenError::ZlibInvalid)?;
        Ok((literals, distances))
    }

    fn lengths(&mut self, code: &LengthDecoder, lengths: &mut [u8]) -> Result<(), TokenError> {
        let mut filled = 0;
        while filled < lengths.len() {
            self.bits.refill();
            let symbol = self.bits.symbol(code)? as u8;
            let (value, times) = match symbol {
                REPEAT => {
                    let last = filled.checked_sub(1).ok_or(TokenError::ZlibInvalid)?;
                    (lengths[last], 3 + self.bits.take(2)?)
                }
                FEW_ZEROS => (0, 3 + self.bits.take(3)?),
                MANY_ZEROS => (0, 11 + self.bits.take(7)?),
                length => (length, 1),
            };
            lengths.get_mut(filled..filled + times).ok_or(TokenError::ZlibInvalid)?.fill(value);
            filled += times;
        }
        Ok(())
    }
}

/// The bits of a stream, low end of each byte first.
#[derive(Clone, Copy)]
struct Bits<'a> {
    whole: &'a [u8],
    /// How many bytes of `whole` have been taken up into `held`.
    taken: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { whole: bytes, taken: 0, held: 0, count: 0 }
    }

    /// Takes at most 16 bits as a number.
    fn take(&mut self, count: u32) -> Result<usize, TokenError> {
        self.refill();
        self.take_held(count)
    }

    #[inline]
    fn take_held(&mut self, count: u32) -> Result<usize, TokenError> {
        let value = self.held & ((1 << count) - 1);
        self.skip(count)?;
        Ok(value as usize)
    }

    /// Takes one symbol of the bits that are held.
    #[inline]
    fn symbol<const FAST: usize, const SYMBOLS: usize>(
        &mut self,
        decoder: &Decoder<FAST, SYMBOLS>,
    ) -> Result<usize, TokenError> {
        let (symbol, length) = decoder.symbol(self.held).ok_or(TokenError::ZlibInvalid)?;
        self.skip(length)?;
        Ok(symbol)
    }

    /// The length or distance of a symbol: its base and as many of the held bits as belong to it.
    #[inline]
    fn value(&mut self, table: &[(u16, u8)], symbol: usize) -> Result<usize, TokenError> {
        let &(base, extra) = table.get(symbol).ok_or(TokenError::ZlibInvalid)?;
        Ok(usize::from(base) + self.take_held(extra.into())?)
    }

    /// Goes on at the next whole byte.
    fn align(&mut self) {
        self.held >>= self.count % 8;
        self.count -= self.count % 8;
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], TokenError> {
        let (taken, left) = self.rest().split_at_checked(len).ok_or(TokenError::ZlibInvalid)?;
        *self = Self::new(left);
        Ok(taken)
    }

    /// What follows the byte that was read last.
    fn rest(&self) -> &'a [u8] {
        let held = (self.count / 8) as usize;
        &self.whole[self.taken - held..]
    }

    /// Holds enough bits afterwards for a whole length and distance, if there are so many.
    #[inline]
    fn refill(&mut self) {
        if self.count >= LONGEST_STEP {
            return;
        }
        let Some(chunk) = self.whole[self.taken..].first_chunk() else {
            return self.refill_at_the_end();
        };
        // Bits above `count` are those of the bytes to come, so that it does no harm to set them again.
        self.held |= u64::from_le_bytes(*chunk) << self.count;
        self.taken += ((63 - self.count) / 8) as usize;
        self.count |= 56;
    }

    #[cold]
    fn refill_at_the_end(&mut self) {
        while self.count <= 56 && self.taken < self.whole.len() {
            self.held |= u64::from(self.whole[self.taken]) << self.count;
            self.count += 8;
            self.taken += 1;
        }
    }

    #[inline]
    fn skip(&mut self, count: u32) -> Result<(), TokenError> {
        self.count = self.count.checked_sub(count).ok_or(TokenError::ZlibInvalid)?;
        self.held >>= count;
        Ok(())
    }
}

/// The most bits that one step takes: a length and its extra bits, a distance and its extra bits.
const LONGEST_STEP: u32 = 15 + 5 + 15 + 13;

// Codes that are longer than what a table holds are read more slowly. All of a fixed block's fit, and nearly all others.

type LiteralDecoder = Decoder<{ 1 << 9 }, 288>;
type DistanceDecoder = Decoder<{ 1 << 6 }, 32>;
type LengthDecoder = Decoder<{ 1 << 7 }, 19>;

/// So many literals are gathered before they are appended.
const ROOM: usize = 64;

/// Bytes of a zlib header.
const HEADER_LEN: usize = 2;

/// Room that is made at once, enough for nearly every token. Also bounds what a tiny token can make us reserve.
const TYPICAL: usize = 512;

/// The most literal and length codes that a dynamic block may name; two more exist and are never used.
const MAX_LITERALS: usize = 286;

/// The most distance codes that a dynamic block may name.
const MAX_DISTANCES: usize = 30;

static FIXED_LITERALS_DECODER: LiteralDecoder =
    LiteralDecoder::new(&FIXED_LITERALS, false).expect("the fixed code is complete");

static FIXED_DISTANCES_DECODER: DistanceDecoder =
    DistanceDecoder::new(&FIXED_DISTANCES, false).expect("the fixed code is complete");
