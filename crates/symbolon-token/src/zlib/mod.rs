//! One zlib stream (RFC 1950) in each direction, made for payloads of a few hundred bytes.
//!
//! General compressors spend nearly all of a token's cost on setting up their state. This one has next to none. It
//! makes the same choices as stock zlib at its default level, so that a token's text is the same as from the builders
//! that use it, and it refuses what stock zlib refuses.

mod deflate;
mod huffman;
mod inflate;

pub(crate) use deflate::{Deflater, store};
pub(crate) use inflate::inflate;

/// Adler-32 (RFC 1950, section 8). The sums over 16 bytes are written so that they vectorise.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for block in bytes.chunks(ADLER_BLOCK) {
        let (groups, rest) = block.as_chunks::<16>();
        for group in groups {
            let mut weighted = 0;
            let mut plain = 0;
            for (index, &byte) in group.iter().enumerate() {
                plain += u32::from(byte);
                weighted += (16 - index as u32) * u32::from(byte);
            }
            b += 16 * a + weighted;
            a += plain;
        }
        for &byte in rest {
            a += u32::from(byte);
            b += a;
        }
        a %= ADLER_MODULUS;
        b %= ADLER_MODULUS;
    }
    b << 16 | a
}

/// The largest prime below 65536.
const ADLER_MODULUS: u32 = 65_521;

/// So many bytes can be summed before a sum could pass 32 bits. A multiple of 16 not over RFC 1950's 5552.
const ADLER_BLOCK: usize = 5552;

/// What the first length code stands for.
const MIN_MATCH: usize = 3;

/// What the last length code stands for.
const MAX_MATCH: usize = 258;

/// The farthest back that a match can lie.
const WINDOW: usize = 32_768;

/// The symbol that ends a block; 0 to 255 are literals.
const END_OF_BLOCK: usize = 256;

/// The symbol of the shortest lengths.
const FIRST_LENGTH: usize = 257;

/// Length codes (RFC 1951, section 3.2.5): the shortest length of each, and how many extra bits follow.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// Distance codes: the shortest distance of each, and how many extra bits follow.
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// The order in which the lengths of the code for lengths are written.
const LENGTH_CODE_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// In a dynamic block's lengths: repeat the last one 3 to 6 times.
const REPEAT: u8 = 16;

/// In a dynamic block's lengths: 3 to 10 zeros.
const FEW_ZEROS: u8 = 17;

/// In a dynamic block's lengths: 11 to 138 zeros.
const MANY_ZEROS: u8 = 18;

/// Code lengths of literals and lengths in a fixed block (RFC 1951, section 3.2.6).
const FIXED_LITERALS: [u8; 288] = {
    let mut lengths = [8; 288];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < 256 { 9 } else { 7 };
        symbol += 1;
    }
    lengths
};

/// Code lengths of distances in a fixed block.
const FIXED_DISTANCES: [u8; 32] = [5; 32];

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::ZlibEncoder;
    use flate2::{Compression, Decompress, FlushDecompress, Status};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::error::TokenError;

    #[test]
    fn the_checksum_is_that_of_a_plain_sum_over_bytes() {
        let bytes: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
        for len in [0, 1, 15, 16, 17, 5551, 5552, 5553, 20_000] {
            let (a, b) = bytes[..len].iter().fold((1_u32, 0_u32), |(a, b), &byte| {
                let a = (a + u32::from(byte)) % 65_521;
                (a, (b + a) % 65_521)
            });
            assert_eq!(adler32(&bytes[..len]), b << 16 | a, "{len}");
        }
        assert_eq!(adler32(&[0xff; 5552]) >> 16, {
            let all = (0..5552_u64).fold((1_u64, 0_u64), |(a, b), _| (a + 255, b + a + 255));
            (all.1 % 65_521) as u32
        });
    }

    #[test]
    fn the_limit_is_the_last_size_that_passes() {
        let stream = deflated(&[7; 1000]);
        assert_eq!(read(&stream, 1000), Ok(vec![7; 1000]));
        assert_eq!(read(&stream, 999), Err(TokenError::InflateLimit { limit: 999 }));
        let mut stored = Vec::new();
        store(&[7; 1000], &mut stored);
        assert_eq!(read(&stored, 1000), Ok(vec![7; 1000]));
        assert_eq!(read(&stored, 999), Err(TokenError::InflateLimit { limit: 999 }));
    }

    #[test]
    fn a_stream_with_anything_missing_or_added_is_refused() {
        let stream = deflated(b"one stream, and nothing but one stream");
        for end in 0..stream.len() {
            assert_eq!(read(&stream[..end], 1000), Err(TokenError::ZlibInvalid), "{end}");
        }
        let longer = [stream.as_slice(), &[0]].concat();
        assert_eq!(read(&longer, 1000), Err(TokenError::TrailingBytes));
    }

    #[test]
    fn a_stored_length_must_stand_twice_and_a_checksum_must_be_right() {
        let mut stored = Vec::new();
        store(b"stored", &mut stored);
        assert_eq!(read(&stored, 1000), Ok(b"stored".to_vec()));
        let last = stored.len() - 1;
        for at in [5, 6, last - 3, last] {
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            assert_eq!(read(&damaged, 1000), Err(TokenError::ZlibInvalid), "{at}");
        }
    }

    #[test]
    fn large_payloads_are_stored_in_blocks_of_what_a_block_can_hold() {
        for len in [0, 1, 65_534, 65_535, 65_536, 131_070, 131_071] {
            let bytes = vec![3; len];
            let mut stream = Vec::new();
            store(&bytes, &mut stream);
            assert_eq!(read(&stream, len), Ok(bytes.clone()), "{len}");
            assert_eq!(inflated_by_another(&stream), Some((bytes, stream.len())), "{len}");
        }
    }

    proptest! {
        #[test]
        fn what_is_deflated_is_read_back_here_and_elsewhere(bytes in payload()) {
            let stream = deflated(&bytes);
            prop_assert_eq!(inflated_by_another(&stream), Some((bytes.clone(), stream.len())));
            prop_assert_eq!(read(&stream, bytes.len()), Ok(bytes));
        }

        #[test]
        fn what_is_deflated_elsewhere_is_read_here(bytes in payload(), level in 0..=9_u32) {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(&bytes).unwrap();
            prop_assert_eq!(read(&encoder.finish().unwrap(), bytes.len()), Ok(bytes));
        }

        #[test]
        fn a_damaged_stream_means_here_what_it_means_elsewhere(
            bytes in payload(),
            level in 0..=9_u32,
            damage in vec((any::<Index>(), any::<u8>()), 1..4),
        ) {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(&bytes).unwrap();
            let mut stream = encoder.finish().unwrap();
            for (index, byte) in damage {
                let at = index.index(stream.len());
                stream[at] = byte;
            }
            agree(&stream)?;
        }

        #[test]
        fn damage_before_the_checksum_is_judged_as_elsewhere(deflated in vec(any::<u8>(), 0..200)) {
            // With the right checksum behind it, only the blocks themselves decide.
            let stream = [HEADER.as_slice(), &deflated].concat();
            agree(&stream)?;
            if let Some(bytes) = raw_inflated_by_another(&deflated) {
                let stream = [stream.as_slice(), &adler32(&bytes).to_be_bytes()].concat();
                agree(&stream)?;
            }
        }
    }

    /// Whatever is accepted here is accepted elsewhere with the same content, and the other way round.
    fn agree(stream: &[u8]) -> Result<(), TestCaseError> {
        let elsewhere = inflated_by_another(stream);
        match read(stream, OTHER_LIMIT) {
            Ok(bytes) => prop_assert_eq!(elsewhere, Some((bytes, stream.len()))),
            Err(TokenError::TrailingBytes) => {
                prop_assert!(elsewhere.is_some_and(|(_, taken)| taken < stream.len()));
            }
            Err(TokenError::InflateLimit { .. }) => {}
            Err(error) => prop_assert_eq!(elsewhere, None, "refused here: {}", error),
        }
        Ok(())
    }

    /// Bytes of few and of many kinds, with and without repeats.
    fn payload() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            vec(any::<u8>(), 0..600),
            vec(0..3_u8, 0..2000),
            vec(prop::sample::select(b"0123456789abcdef".to_vec()), 0..600),
            (vec(any::<u8>(), 1..40), 1..100_usize).prop_map(|(part, times)| part.repeat(times)),
        ]
    }

    fn read(stream: &[u8], limit: usize) -> Result<Vec<u8>, TokenError> {
        inflate(stream, limit, Vec::new())
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut stream = Vec::new();
        Deflater::new().deflate(bytes, &mut stream);
        stream
    }

    /// The content and the length of the stream at the front, as another implementation sees them.
    fn inflated_by_another(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
        run_another(Decompress::new(true), stream)
    }

    fn raw_inflated_by_another(deflated: &[u8]) -> Option<Vec<u8>> {
        let (bytes, taken) = run_another(Decompress::new(false), deflated)?;
        (taken == deflated.len()).then_some(bytes)
    }

    fn run_another(mut state: Decompress, stream: &[u8]) -> Option<(Vec<u8>, usize)> {
        let mut out = vec![0; OTHER_LIMIT];
        let status = state.decompress(stream, &mut out, FlushDecompress::Finish).ok()?;
        out.truncate(state.total_out() as usize);
        (status == Status::StreamEnd).then_some((out, state.total_in() as usize))
    }

    const OTHER_LIMIT: usize = 1 << 18;
    const HEADER: [u8; 2] = [0x78, 0x9c];
}
