//! Sound that carries the sound before it along (RFC 2198): what one packet loses, the next brings.
//!
//! A payload begins with a header for each block, and each header names a payload type. Those are the publisher's; a
//! viewer may know the same codec under another one, or may not know redundancy at all.

use std::ops::Range;
use std::sync::Arc;

use str0m::media::Pt;

/// A block of an earlier packet has a header of 32 bits, of which ten tell its length.
const EARLIER_HEADER: usize = 4;
/// The last block has a header of eight bits, and all that is left.
const LAST_HEADER: usize = 1;
/// Another header follows.
const FOLLOWED: u8 = 0x80;
/// More than anyone sends. A payload with more is not looked at.
const MAX_BLOCKS: usize = 8;

/// Whether this is sound with redundancy, all of it of this codec.
pub(crate) fn is_sound(payload: &[u8], codec: Pt) -> bool {
    let Some(own) = own_block(payload) else { return false };
    !own.is_empty() && headers(payload).all(|at| payload[at] & !FOLLOWED == *codec)
}

/// A sound payload for a viewer who knows the codec as `to`.
pub(crate) fn relabelled(payload: &Arc<[u8]>, from: Pt, to: Pt) -> Arc<[u8]> {
    if from == to {
        return payload.clone();
    }
    let mut bytes = payload.to_vec();
    for at in headers(payload) {
        bytes[at] = (bytes[at] & FOLLOWED) | *to;
    }
    bytes.into()
}

/// What a sound payload holds of this packet's own, for a viewer who knows nothing of redundancy.
pub(crate) fn without_redundancy(payload: &[u8]) -> Arc<[u8]> {
    payload[own_block(payload).unwrap_or_default()].into()
}

/// Where the headers begin, as far as there are any.
fn headers(payload: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let at = next?;
        let first = *payload.get(at)?;
        next = (first & FOLLOWED != 0).then_some(at + EARLIER_HEADER);
        Some(at)
    })
    .take(MAX_BLOCKS)
}

/// Where the last block's content is, if everything before it is there.
fn own_block(payload: &[u8]) -> Option<Range<usize>> {
    let mut earlier = 0;
    for at in headers(payload) {
        if payload[at] & FOLLOWED == 0 {
            let begins = at + LAST_HEADER + earlier;
            return (begins <= payload.len()).then_some(begins..payload.len());
        }
        let [_, _, high, low] = *payload[at..].first_chunk::<EARLIER_HEADER>()?;
        earlier += usize::from(u16::from_be_bytes([high & 0x03, low]));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pt(number: u8) -> Pt {
        number.into()
    }

    /// 111: three bytes of an earlier packet, then two of this one.
    fn sample() -> Arc<[u8]> {
        Arc::from([0x80 | 111, 0x3C, 0x00, 3, 111, 1, 2, 3, 8, 9].as_slice())
    }

    #[test]
    fn every_block_gets_the_viewers_number() {
        let sample = sample();
        assert!(is_sound(&sample, pt(111)));
        assert_eq!(relabelled(&sample, pt(111), pt(111)), sample);
        let expected = [0x80 | 96, 0x3C, 0x00, 3, 96, 1, 2, 3, 8, 9];
        assert_eq!(*relabelled(&sample, pt(111), pt(96)), expected);
    }

    #[test]
    fn the_last_block_is_this_packets_own() {
        assert_eq!(*without_redundancy(&sample()), [8, 9]);
        assert_eq!(*without_redundancy(&[111, 7]), [7]);
    }

    #[test]
    fn what_is_cut_short_or_carries_another_codec_goes_nowhere() {
        let sample = sample();
        assert!((0..=8).all(|length| !is_sound(&sample[..length], pt(111))));
        assert!(is_sound(&sample[..9], pt(111)) && !is_sound(&sample, pt(96)));
        assert!(!is_sound(&[0x80, 0, 0, 1, 111, 1, 2], pt(111)));
        let many = |earlier: usize| [[0x80 | 111, 0, 0, 0].repeat(earlier), vec![111, 1]].concat();
        assert!(is_sound(&many(MAX_BLOCKS - 1), pt(111)) && !is_sound(&many(MAX_BLOCKS), pt(111)));
    }
}
