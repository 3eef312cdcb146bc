//! The three HMAC steps of a 007 signature, and the one of a 006 signature.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

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
}
