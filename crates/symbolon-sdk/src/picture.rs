//! The size of a picture, read from a keyframe.

use crate::media::Codec;

/// Width and height as the keyframe states them, where it does.
pub(crate) fn size_of(codec: Codec, keyframe: &[u8]) -> Option<(u16, u16)> {
    match codec {
        Codec::Vp8 => vp8(keyframe),
        Codec::Vp9 => vp9(&mut Bits::new(keyframe)),
        Codec::Av1 => av1(keyframe),
        Codec::Opus | Codec::H264 => None,
    }
}

/// RFC 6386, 9.1: a start code after the frame tag, then two 14-bit numbers.
fn vp8(frame: &[u8]) -> Option<(u16, u16)> {
    let head = frame.get(..10)?;
    let is_keyframe = head[0] & 1 == 0 && head[3..6] == [0x9d, 0x01, 0x2a];
    let number = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]) & 0x3fff;
    is_keyframe.then(|| (number(6), number(8)))
}

/// VP9 bitstream, 6.2: the uncompressed header.
fn vp9(bits: &mut Bits<'_>) -> Option<(u16, u16)> {
    if bits.take(2)? != 2 {
        return None;
    }
    let profile = bits.take(1)? | bits.take(1)? << 1;
    if profile == 3 {
        bits.take(1)?;
    }
    let show_existing = bits.take(1)?;
    let inter_frame = bits.take(1)?;
    bits.take(2)?;
    if show_existing == 1 || inter_frame == 1 || bits.take(24)? != 0x49_8342 {
        return None;
    }
    if profile >= 2 {
        bits.take(1)?;
    }
    let color_space = bits.take(3)?;
    if color_space != SRGB {
        bits.take(1)?;
        if profile == 1 || profile == 3 {
            bits.take(3)?;
        }
    } else if profile == 1 || profile == 3 {
        bits.take(1)?;
    }
    Some((one_more(bits.take(16)?), one_more(bits.take(16)?)))
}

/// AV1 bitstream, 5.3 and 5.5: the sequence header among the OBUs.
fn av1(mut unit: &[u8]) -> Option<(u16, u16)> {
    while let Some((&head, rest)) = unit.split_first() {
        let extension = usize::from(head >> 2 & 1);
        let (size, rest) = if head & 0b10 == 0 {
            (rest.len().checked_sub(extension)?, rest.get(extension..)?)
        } else {
            leb128(rest.get(extension..)?)?
        };
        if head >> 3 & 0b1111 == SEQUENCE_HEADER {
            return av1_sequence(&mut Bits::new(rest.get(..size)?));
        }
        unit = rest.get(size..)?;
    }
    None
}

fn av1_sequence(bits: &mut Bits<'_>) -> Option<(u16, u16)> {
    bits.take(4)?;
    let reduced = bits.take(1)? == 1;
    if reduced {
        bits.take(5)?;
    } else {
        av1_operating_points(bits)?;
    }
    let width_bits = bits.take(4)? + 1;
    let height_bits = bits.take(4)? + 1;
    Some((one_more(bits.take(width_bits)?), one_more(bits.take(height_bits)?)))
}

fn av1_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.take(1)? == 1 {
        bits.skip(64)?;
        if bits.take(1)? == 1 {
            bits.skip_uvlc()?;
        }
        if bits.take(1)? == 1 {
            delay_bits = Some(bits.take(5)? + 1);
            bits.skip(32 + 10)?;
        }
    }
    let display_delay = bits.take(1)? == 1;
    for _ in 0..=bits.take(5)? {
        bits.take(12)?;
        if bits.take(5)? > 7 {
            bits.take(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.take(1)? == 1
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if display_delay && bits.take(1)? == 1 {
            bits.take(4)?;
        }
    }
    Some(())
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

fn one_more(value: u32) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX).saturating_add(1)
}

/// Bits of a header, the highest first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits, at most 32.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: u32) -> Option<()> {
        self.at += count as usize;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// Zeros, a one, and as many bits as there were zeros.
    fn skip_uvlc(&mut self) -> Option<()> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
        }
        self.skip(zeros)
    }
}

const SRGB: u32 = 7;
const SEQUENCE_HEADER: u8 = 1;
