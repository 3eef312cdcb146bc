//! Randomness, handed in by the driver.

use std::fmt;

use str0m::IceCreds;

/// 64 bytes from the operating system's random source, fresh for every message. Prints as redacted.
///
/// A join and a media negotiation turn them into the secrets of the connection. None of them may come from
/// anywhere else: ICE secrets keep others out of the media path, and the resume id is a way back into the session.
#[derive(Clone, Copy)]
pub struct Entropy([u8; 64]);

impl Entropy {
    /// Wraps the bytes.
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// What the channel makes a resume id and, if needed, a uid from.
    pub(crate) fn for_channel(&self) -> [u8; 24] {
        self.part::<32, 24>()
    }

    /// The number behind an ICE user name fragment.
    pub(crate) fn fragment(&self) -> u64 {
        u64::from_be_bytes(self.part::<0, 8>())
    }

    /// An ICE password of 192 random bits.
    pub(crate) fn password(&self) -> String {
        hex(&self.part::<8, 24>())
    }

    fn part<const AT: usize, const LEN: usize>(&self) -> [u8; LEN] {
        let mut part = [0; LEN];
        part.copy_from_slice(&self.0[AT..AT + LEN]);
        part
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(redacted)")
    }
}

/// One side's ICE secrets, with the fragment as the number that names the peer. Prints as redacted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IceSecrets {
    /// The number that the user name fragment is the hexadecimal form of.
    pub(crate) fragment: u64,
    password: String,
}

impl IceSecrets {
    pub(crate) fn new(fragment: u64, entropy: &Entropy) -> Self {
        Self { fragment, password: entropy.password() }
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    pub(crate) fn to_creds(&self) -> IceCreds {
        IceCreds { ufrag: format!("{:016x}", self.fragment), pass: self.password.clone() }
    }
}

impl fmt::Debug for IceSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IceSecrets(redacted)")
    }
}

/// The number behind a user name fragment of ours; absent when it has another form.
pub(crate) fn parse_fragment(text: &str) -> Option<u64> {
    let ours = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if ours { u64::from_str_radix(text, 16).ok() } else { None }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_enough_and_do_not_print() {
        let bytes = std::array::from_fn(|at| at as u8 + 1);
        let entropy = Entropy::new(bytes);
        let secrets = IceSecrets::new(entropy.fragment(), &entropy);
        let creds = secrets.to_creds();
        assert_eq!((creds.ufrag.len(), creds.pass.len()), (16, 48));
        assert_eq!(parse_fragment(&creds.ufrag), Some(secrets.fragment));
        let printed = format!("{entropy:?} {secrets:?}");
        assert!(!printed.contains(&creds.pass) && !printed.contains(&creds.ufrag));
    }

    #[test]
    fn only_our_own_fragments_are_read() {
        for text in ["", "0123456789abcde", "0123456789ABCDEF", "+123456789abcdef", "0123456789abcdef0"] {
            assert_eq!(parse_fragment(text), None, "{text}");
        }
    }
}
