//! The three HMAC steps of a 007 signature, and the one of a 006 signature.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::id::AppCertificate;

/// Length of a signature in bytes.
pub(crate) const SIGNATURE_LEN: usize = 32;

/// The first key of a signature. It depends on the certificate and the second of issue only, so it can be kept.
pub(crate) fn first_key(certificate: &AppCertificate, issue_ts: u32) -> [u8; SIGNATURE_LEN] {
    hmac(&issue_ts.to_le_bytes(), [certificate.as_bytes().as_slice()])
}

/// Signs a body under the first key and a salt.
pub(crate) fn sign(first_key: &[u8; SIGNATURE_LEN], salt: u32, body: &[u8]) -> [u8; SIGNATURE_LEN] {
    let second_key = hmac(&salt.to_le_bytes(), [first_key.as_slice()]);
    hmac(&second_key, [body])
}

/// Compares in a time that does not depend on where two signatures or secrets differ. Eight bytes at a time, since
/// the comparison of single bytes is as slow as a block of the hash.
pub(crate) fn same(left: &[u8; SIGNATURE_LEN], right: &[u8; SIGNATURE_LEN]) -> bool {
    let words = |bytes: &[u8; SIGNATURE_LEN]| -> [u64; SIGNATURE_LEN / 8] {
        let (words, _) = bytes.as_chunks();
        std::array::from_fn(|index| u64::from_le_bytes(words[index]))
    };
    words(left).as_slice().ct_eq(words(right).as_slice()).into()
}

/// Keeps first keys, so that tokens of one app and second share the work. Its size is fixed: a new key takes the place
/// of an older one. Each place costs 72 bytes.
pub(crate) struct FirstKeys {
    slots: Vec<Option<FirstKey>>,
}

#[derive(Clone)]
struct FirstKey {
    certificate: AppCertificate,
    issue_ts: u32,
    key: [u8; SIGNATURE_LEN],
}

impl FirstKeys {
    /// Keeps one key for each of so many neighbouring seconds.
    pub(crate) fn new(seconds: usize) -> Self {
        Self { slots: vec![None; seconds] }
    }

    pub(crate) fn first_key(&mut self, certificate: &AppCertificate, issue_ts: u32) -> [u8; SIGNATURE_LEN] {
        // The place depends on nothing secret.
        let index = issue_ts as usize % self.slots.len();
        let slot = &mut self.slots[index];
        match slot {
            Some(kept) if kept.issue_ts == issue_ts && kept.certificate == *certificate => kept.key,
            _ => {
                let key = first_key(certificate, issue_ts);
                *slot = Some(FirstKey { certificate: certificate.clone(), issue_ts, key });
                key
            }
        }
    }
}

/// HMAC-SHA256 over parts that are joined without a separator.
pub(crate) fn hmac<'a>(key: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; SIGNATURE_LEN] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_of_the_format_has_these_keys() {
        let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap();
        let first = first_key(&certificate, 1_111_111);
        assert_eq!(first[..4], [0xe0, 0xf6, 0x14, 0x1e]);
        let second = hmac(&1_u32.to_le_bytes(), [first.as_slice()]);
        assert_eq!(second[..4], [0xce, 0xe2, 0xfa, 0x8d]);
    }

    #[test]
    fn signatures_that_differ_in_any_one_bit_are_not_the_same() {
        let one = [0x5a; SIGNATURE_LEN];
        assert!(same(&one, &one));
        for bit in 0..8 * SIGNATURE_LEN {
            let mut other = one;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!same(&one, &other), "{bit}");
        }
    }

    #[test]
    fn kept_keys_are_those_of_their_certificate_and_second() {
        let one = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap();
        let other = AppCertificate::parse("c0ffee5eed0047aa9b3d61f2e8a4907b").unwrap();
        let mut keys = FirstKeys::new(8);
        for _ in 0..2 {
            for (certificate, ts) in [(&one, 5), (&other, 5), (&one, 5 + 8), (&one, 5), (&one, 5)] {
                assert_eq!(keys.first_key(certificate, ts), first_key(certificate, ts));
            }
        }
    }
}
