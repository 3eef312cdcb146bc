//! What a payload says of itself: whose it is, its number, and when it was sent.

/// The stamp of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) uid: u32,
    pub(crate) video: bool,
    pub(crate) number: u64,
    /// The wall clock just before it was sent, in nanoseconds since 1970.
    pub(crate) sent_ns: u64,
}

/// Room for the head and the stamp.
pub(crate) const MIN_BYTES: usize = HEAD + 25;
/// A VP8 descriptor with a picture id of 15 bits, and the first byte of the frame (RFC 7741, section 4.2).
const HEAD: usize = 5;
const MAGIC: [u8; 4] = *b"load";

impl Stamp {
    /// A payload of so many bytes; as VP8 it is a packet of a keyframe or of another frame.
    pub(crate) fn payload(&self, bytes: usize, frame: u64, first: bool, keyframe: bool) -> Vec<u8> {
        let [.., high, low] = frame.to_be_bytes();
        let mut payload = Vec::with_capacity(bytes.max(MIN_BYTES));
        let begins = if first { 0x90 } else { 0x80 };
        payload.extend([begins, 0x80, 0x80 | high, low, u8::from(!(keyframe && first))]);
        payload.extend(MAGIC);
        payload.extend(self.uid.to_be_bytes());
        payload.push(u8::from(self.video));
        payload.extend(self.number.to_be_bytes());
        payload.extend(self.sent_ns.to_be_bytes());
        payload.resize(bytes.max(MIN_BYTES), 0xA5);
        payload
    }

    /// The stamp in a payload, if it has one.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let stamp: &[u8; MIN_BYTES - HEAD] = payload.get(HEAD..MIN_BYTES)?.try_into().ok()?;
        let number = |at: usize| u64::from_be_bytes(stamp[at..at + 8].try_into().expect("8 bytes"));
        if stamp[..4] != MAGIC {
            return None;
        }
        let uid = u32::from_be_bytes(stamp[4..8].try_into().expect("4 bytes"));
        Some(Self { uid, video: stamp[8] == 1, number: number(9), sent_ns: number(17) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_gives_back_its_stamp() {
        let stamp = Stamp { uid: 7, video: true, number: u64::MAX - 1, sent_ns: 1_700_000_000_123_456_789 };
        let payload = stamp.payload(1_100, 70_000, true, true);
        assert_eq!(payload.len(), 1_100);
        assert_eq!(Stamp::read(&payload), Some(stamp));
        assert_eq!(Stamp::read(&stamp.payload(0, 1, false, false)), Some(stamp), "at least what it needs");
    }

    #[test]
    fn what_is_not_ours_has_no_stamp() {
        let mut payload = Stamp { uid: 7, video: false, number: 1, sent_ns: 1 }.payload(100, 1, true, false);
        assert_eq!(Stamp::read(&payload[..MIN_BYTES - 1]), None);
        payload[HEAD] ^= 1;
        assert_eq!(Stamp::read(&payload), None);
    }
}
