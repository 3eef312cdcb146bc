//! The two file formats of the examples: IVF for video and Ogg Opus for audio. Ordinary players open both.

#![allow(dead_code, reason = "each example, and the tests, use a part of this")]
#![allow(clippy::wildcard_enum_match_arm, reason = "codecs that a later version adds go the way of the unknown")]

pub(crate) mod ivf;
pub(crate) mod ogg_opus;
pub(crate) mod recording;

use symbolon_sdk::Codec;

/// Whether a decoder can start at this frame, as far as its first bits say.
pub(crate) fn picture_starts(codec: Codec, frame: &[u8]) -> bool {
    let first = frame.first().copied().unwrap_or(0xff);
    match codec {
        // RFC 6386, 9.1: the lowest bit of the frame tag is 0 for a keyframe.
        Codec::Vp8 => first & 1 == 0,
        // VP9 bitstream, 6.2: marker 10, profile, no reserved bit below profile 3, show_existing_frame 0, frame type 0.
        Codec::Vp9 if first & 0b0011_0000 == 0b0011_0000 => first & 0b0000_0110 == 0,
        Codec::Vp9 => first & 0b0000_1100 == 0,
        // An AV1 keyframe comes with a sequence header (type 1), after the temporal delimiter if there is one.
        Codec::Av1 => {
            frame.first().is_some_and(|obu| obu >> 3 & 0b1111 == 1)
                || frame.get(2).is_some_and(|obu| obu >> 3 & 0b1111 == 1)
        }
        _ => true,
    }
}
