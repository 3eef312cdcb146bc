//! SRTP with AES-256-GCM (RFC 7714), for the null reflector and those who talk to it: packets with a header of 12 bytes,
//! and a packet counter that both ends know.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

/// The fixed header of RTP.
pub(crate) const HEADER: usize = 12;
/// The tag of GCM.
pub(crate) const TAG: usize = 16;
/// What str0m calls this profile.
pub(crate) const PROFILE: &str = "SRTP_AEAD_AES_256_GCM";

/// A key and its salt. There is nothing to protect but time: both ends are on the measuring machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Secret {
    key: [u8; 32],
    salt: [u8; 12],
}

impl Secret {
    pub(crate) fn random() -> Self {
        let (mut key, mut salt) = ([0; 32], [0; 12]);
        getrandom::fill(&mut key).expect("an operating system has randomness");
        getrandom::fill(&mut salt).expect("an operating system has randomness");
        Self { key, salt }
    }
}

/// One direction of a line.
pub(crate) struct Context {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Context {
    pub(crate) fn new(secret: &Secret) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &secret.key).expect("32 bytes");
        Self { key: LessSafeKey::new(key), salt: secret.salt }
    }

    /// Encrypts what is behind the header, in place, and gives the tag that goes behind it.
    pub(crate) fn seal(&self, packet: &mut [u8], rollover: u32) -> [u8; TAG] {
        let nonce = self.nonce(packet, rollover);
        let (header, payload) = packet.split_at_mut(HEADER);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload).expect("not too long");
        tag.as_ref().try_into().expect("16 bytes")
    }

    /// Decrypts a packet in place and gives its payload, if it is genuine.
    pub(crate) fn open<'a>(&self, packet: &'a mut [u8], rollover: u32) -> Option<&'a mut [u8]> {
        if packet.len() < HEADER + TAG {
            return None;
        }
        let nonce = self.nonce(packet, rollover);
        let (header, sealed) = packet.split_at_mut(HEADER);
        self.key.open_in_place(nonce, Aad::from(&*header), sealed).ok()
    }

    /// Two zero bytes, SSRC, rollover counter and sequence number, with the salt over them (RFC 7714, section 8.1).
    fn nonce(&self, packet: &[u8], rollover: u32) -> Nonce {
        let mut nonce = self.salt;
        let numbers = packet[8..12].iter().copied().chain(rollover.to_be_bytes()).chain([packet[2], packet[3]]);
        nonce[2..].iter_mut().zip(numbers).for_each(|(salt, number)| *salt ^= number);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// A header with these numbers.
pub(crate) fn header(pt: u8, marker: bool, seq: u16, time: u32, ssrc: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[0] = 0x80;
    header[1] = pt | (u8::from(marker) << 7);
    header[2..4].copy_from_slice(&seq.to_be_bytes());
    header[4..8].copy_from_slice(&time.to_be_bytes());
    header[8..12].copy_from_slice(&ssrc.to_be_bytes());
    header
}

/// Follows the sequence numbers of one sender over their end.
#[derive(Debug, Default)]
pub(crate) struct Rollover {
    highest: u32,
}

impl Rollover {
    /// The rollover counter of a packet (RFC 3711, section 3.3.1).
    pub(crate) fn of(&self, packet: &[u8]) -> u32 {
        let seq = u32::from(u16::from_be_bytes([packet[2], packet[3]]));
        let (roc, last) = (self.highest >> 16, self.highest & 0xFFFF);
        match seq.wrapping_sub(last) as i32 {
            ahead if ahead > 0x8000 => roc.saturating_sub(1),
            behind if behind < -0x8000 => roc + 1,
            _ => roc,
        }
    }

    /// Notes a packet that was genuine.
    pub(crate) fn note(&mut self, packet: &[u8], roc: u32) {
        let seq = u32::from(u16::from_be_bytes([packet[2], packet[3]]));
        self.highest = self.highest.max(roc << 16 | seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_once_nothing_is_changed() {
        let context = Context::new(&Secret::random());
        let mut packet = header(96, true, 65_535, 90_000, 7).to_vec();
        packet.extend(b"payload");
        let tag = context.seal(&mut packet, 3);
        packet.extend(tag);
        assert_eq!(context.open(&mut packet.clone(), 3).as_deref(), Some(&b"payload"[..]));
        assert_eq!(context.open(&mut packet.clone(), 4), None, "another rollover");
        for at in [1, 12, packet.len() - 1] {
            let mut broken = packet.clone();
            broken[at] ^= 1;
            assert_eq!(context.open(&mut broken, 3), None, "byte {at}");
        }
        assert_eq!(context.open(&mut packet[..20], 3), None);
    }

    /// RFC 7714, section 16.2.1: AEAD_AES_256_GCM.
    #[test]
    fn the_packet_of_the_rfc_is_sealed_as_there() {
        let key = std::array::from_fn(|at| at as u8);
        let context = Context::new(&Secret { key, salt: *b"Quid pro quo" });
        let mut packet = hex("8040f17b8041f8d35501a0b2");
        packet.extend(hex("47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"));
        let tag = context.seal(&mut packet, 0);
        let sealed = hex("32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b");
        assert_eq!(packet[HEADER..], sealed);
        assert_eq!(tag.to_vec(), hex("7aa3db36dfffd6b0f9bb7878d7a76c13"));
    }

    #[test]
    fn rollovers_are_followed() {
        let mut rollover = Rollover::default();
        let mut at = |seq: u16| {
            let packet = header(96, false, seq, 0, 1);
            let roc = rollover.of(&packet);
            rollover.note(&packet, roc);
            roc
        };
        assert_eq!([at(65_000), at(65_535), at(0), at(65_534), at(5)], [0, 0, 1, 0, 1]);
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
    }
}
