//! Whether a token opens a channel, by the letter of the format, with nothing shared with the code under test.

use std::io::Read;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::ZlibDecoder;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{APP_ID, CERTIFICATE};

/// Whether the token lets this user (empty: anyone) into the channel at `now`. No wildcards, no 006.
pub fn opens(token: &str, channel: &str, user: &str, now: u64) -> bool {
    read(token, channel, user, now).is_some_and(|opens| opens)
}

fn read(token: &str, channel: &str, user: &str, now: u64) -> Option<bool> {
    let text = token.strip_prefix("007").filter(|_| token.len() <= 4096)?;
    let payload = inflate(&BASE64_STANDARD.decode(text).ok()?)?;
    let mut rest = Rest(&payload);
    let signature = rest.bytes()?;
    let body = rest.0;
    let app_id = rest.bytes()?;
    let (issued, life, salt) = (rest.u32()?, rest.u32()?, rest.u32()?);
    if app_id != APP_ID.as_bytes() || signature != sign(issued, salt, body) {
        return None;
    }
    let ends = u64::from(issued) + u64::from(life);
    if u64::from(issued) > now + 60 || now >= ends || life > 86_400 {
        return None;
    }
    let mut opens = false;
    for _ in 0..rest.u16()? {
        let kind = rest.u16()?;
        if !(1..=10).contains(&kind) {
            return Some(opens);
        }
        let mut join = None;
        let mut seen = Vec::new();
        for _ in 0..rest.u16()? {
            let (privilege, value) = (rest.u16()?, rest.u32()?);
            if seen.contains(&privilege) {
                return None;
            }
            seen.push(privilege);
            if privilege == 1 {
                join = Some(if value == 0 { ends } else { ends.min(u64::from(issued) + u64::from(value)) });
            }
        }
        let mut names = Vec::new();
        for _ in 0..fields(kind) {
            names.push(std::str::from_utf8(rest.bytes()?).ok()?);
        }
        match kind {
            1 => {
                opens |= names[0] == channel
                    && (names[1] == user || names[1].is_empty())
                    && join.is_some_and(|end| now < end)
            }
            7 => drop(rest.u16()?),
            8 => permissions(&mut rest)?,
            _ => {}
        }
    }
    rest.0.is_empty().then_some(opens)
}

/// How many names a service has.
fn fields(kind: u16) -> usize {
    match kind {
        1 | 3 | 6 | 7 => 2,
        2 | 5 | 8 => 1,
        _ => 0,
    }
}

fn permissions(rest: &mut Rest<'_>) -> Option<()> {
    for _ in 0..rest.u16()? {
        rest.u16()?;
        for _ in 0..rest.u16()? {
            rest.u16()?;
            for _ in 0..rest.u16()? {
                std::str::from_utf8(rest.bytes()?).ok()?;
            }
        }
    }
    Some(())
}

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = ZlibDecoder::new(bytes);
    let mut payload = Vec::new();
    decoder.by_ref().take(65_537).read_to_end(&mut payload).ok()?;
    (payload.len() <= 65_536 && decoder.total_in() == bytes.len() as u64).then_some(payload)
}

/// The signature of a body.
pub fn sign(issued: u32, salt: u32, body: &[u8]) -> Vec<u8> {
    let first = mac(&issued.to_le_bytes(), CERTIFICATE.as_bytes());
    mac(&mac(&salt.to_le_bytes(), &first), body)
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}
