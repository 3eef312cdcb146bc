//! What the edge must know about codecs: where a keyframe begins, and the counters in a VP8 payload.

use str0m::format::Codec;
use str0m::rtp::Vp8Descriptor;

/// What a payload says about its place in the stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PayloadFacts {
    /// Decoding can begin with this packet.
    pub(crate) starts_keyframe: bool,
    /// The VP8 payload descriptor, whose counters are rewritten for each subscriber.
    pub(crate) vp8: Option<Vp8Descriptor>,
}

impl PayloadFacts {
    pub(crate) fn read(codec: Codec, payload: &[u8]) -> Self {
        let vp8 = if codec == Codec::Vp8 { Vp8Descriptor::parse(payload).ok() } else { None };
        Self { starts_keyframe: starts_keyframe(codec, vp8.as_ref(), payload), vp8 }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library knows many codecs; these are the ones negotiated here")]
fn starts_keyframe(codec: Codec, vp8: Option<&Vp8Descriptor>, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp8 => vp8.is_some_and(|descriptor| descriptor.starts_keyframe(payload)),
        Codec::Vp9 => starts_vp9_keyframe(payload),
        Codec::H264 => starts_h264_keyframe(payload),
        Codec::Av1 => starts_av1_keyframe(payload),
        other => other.is_audio(),
    }
}

/// RFC 9628, section 4.2: no inter-picture prediction, the beginning of a frame, and the lowest spatial layer.
fn starts_vp9_keyframe(payload: &[u8]) -> bool {
    let Some((&first, rest)) = payload.split_first() else { return false };
    let has = |bit: u8| first & bit != 0;
    let (picture_id, predicted, layers, begins) = (has(0x80), has(0x40), has(0x20), has(0x08));
    if predicted || !begins {
        return false;
    }
    let id_bytes = match rest.first() {
        Some(byte) if picture_id => 1 + usize::from(byte & 0x80 != 0),
        _ => 0,
    };
    // The layer octet: temporal id, switching point, spatial id, inter-layer dependency.
    !layers || rest.get(id_bytes).is_some_and(|octet| (octet >> 1) & 0x07 == 0)
}

/// RFC 6184: a sequence parameter set or an IDR slice, alone, aggregated (STAP-A) or as the first fragment (FU-A).
///
/// A frame that comes with its parameter sets begins with those. A bare IDR slice begins one too: its sets came before.
fn starts_h264_keyframe(payload: &[u8]) -> bool {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let kind = |byte: u8| byte & 0x1F;
    let is_key = |byte: u8| matches!(kind(byte), IDR | SPS);
    match payload {
        [first, header, ..] if kind(*first) == FU_A => header & 0x80 != 0 && is_key(*header),
        [first, units @ ..] if kind(*first) == STAP_A => aggregated(units).any(is_key),
        [first, ..] => is_key(*first),
        [] => false,
    }
}

/// The header bytes of the units in an aggregation packet.
fn aggregated(mut units: &[u8]) -> impl Iterator<Item = u8> + '_ {
    std::iter::from_fn(move || {
        let (length, rest) = units.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        units = rest.get(length..).unwrap_or_default();
        rest.first().copied()
    })
}

/// The AV1 RTP payload format, section 4.4: the N bit marks the first packet of a coded video sequence.
fn starts_av1_keyframe(payload: &[u8]) -> bool {
    payload.len() > 1 && payload[0] & 0x08 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(codec: Codec, payload: &[u8]) -> bool {
        PayloadFacts::read(codec, payload).starts_keyframe
    }

    #[test]
    fn vp8() {
        // S bit, partition 0; then the frame header, whose lowest bit is 0 for a keyframe.
        assert!(starts(Codec::Vp8, &[0x10, 0x00, 1]));
        assert!(!starts(Codec::Vp8, &[0x10, 0x01, 1]));
        assert!(!starts(Codec::Vp8, &[0x00, 0x00, 1]));
        assert!(starts(Codec::Vp8, &[0x90, 0x80, 0x81, 0x02, 0x10]));
        assert!(!starts(Codec::Vp8, &[0x90, 0x80, 0x81]));
    }

    #[test]
    fn vp9() {
        assert!(starts(Codec::Vp9, &[0x08, 1]));
        assert!(!starts(Codec::Vp9, &[0x48, 1]));
        assert!(!starts(Codec::Vp9, &[0x00, 1]));
        // With a two-byte picture id and layers: spatial layer 0, then 1.
        assert!(starts(Codec::Vp9, &[0xA8, 0x81, 0x02, 0x00, 0]));
        assert!(!starts(Codec::Vp9, &[0xA8, 0x81, 0x02, 0x02, 0]));
    }

    #[test]
    fn h264() {
        assert!(starts(Codec::H264, &[0x67, 1]) && starts(Codec::H264, &[0x65, 1]));
        assert!(!starts(Codec::H264, &[0x61, 1]) && !starts(Codec::H264, &[]));
        assert!(starts(Codec::H264, &[0x7C, 0x85, 1]));
        assert!(!starts(Codec::H264, &[0x7C, 0x05, 1]) && !starts(Codec::H264, &[0x7C, 0x81, 1]));
        assert!(starts(Codec::H264, &[0x78, 0, 1, 0x09, 0, 2, 0x67, 1]));
        assert!(!starts(Codec::H264, &[0x78, 0, 1, 0x09, 0xFF, 0xFF, 0x61]));
    }

    #[test]
    fn av1_and_opus() {
        assert!(starts(Codec::Av1, &[0x18, 1]) && !starts(Codec::Av1, &[0x10, 1]));
        assert!(starts(Codec::Opus, &[1]));
    }

    #[test]
    fn arbitrary_bytes_are_read_without_a_panic() {
        let mut state = 1_u32;
        for length in 0..64 {
            for _ in 0..50 {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 24) as u8
                    })
                    .collect();
                for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus] {
                    let _ = starts(codec, &bytes);
                }
            }
        }
    }
}
