//! What holds for every token text, and every rightly signed token of any body: no panic, and nothing accepted that the
//! reference refuses.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use symbolon_token::legacy::LegacyUnverified;
use symbolon_token::{AppCertificate, AppId, JoinRequest, Limits, Policy, Project, UidRequest, Unverified, verify};

use crate::{APP_ID, CERTIFICATE, NOW, reference};

/// Makes a token of the input, as its first byte says, and panics where the code and the reference differ.
///
/// Returns whether the token opens the channel; `None` for the empty input.
pub fn hold(input: &[u8]) -> Option<bool> {
    let (how, bytes) = input.split_first()?;
    let token = match how % 3 {
        0 => String::from_utf8_lossy(bytes).into_owned(),
        1 => signed(bytes),
        _ => signed(&[header(), bytes.to_vec()].concat()),
    };
    Some(hold_against_the_reference(&token))
}

fn hold_against_the_reference(token: &str) -> bool {
    let app_id = AppId::parse(APP_ID).expect("an App ID");
    let certificates = [AppCertificate::parse(CERTIFICATE).expect("a certificate")];
    let lookup = |id: &AppId| (*id == app_id).then_some(Project { certificates: &certificates, disabled: false });
    let request = JoinRequest { channel: CHANNEL, uid: UidRequest::Text(USER) };
    let ours = verify(token, lookup, request, NOW, Limits::default(), &Policy::default());
    let theirs = reference::opens(token, CHANNEL, USER, NOW);
    assert_eq!(ours.is_ok(), theirs, "{ours:?}");
    // Whatever can be read can be shown.
    if let Ok(unverified) = Unverified::decode(token, Limits::default()) {
        let _ = format!("{:?}", unverified.dangerous_unverified());
        if let Ok(claims) = unverified.verify(&certificates) {
            let _ = format!("{claims:?} {:?} {:?}", claims.services(), claims.unknown_service());
        }
    }
    if let Ok(old) = LegacyUnverified::decode(token, Limits::default()) {
        let _ = old.app_id();
    }
    theirs
}

/// A body that is right up to its services.
fn header() -> Vec<u8> {
    let issued = u32::try_from(NOW - 10).expect("32 bits");
    let mut body = 32_u16.to_le_bytes().to_vec();
    body.extend(APP_ID.as_bytes());
    for number in [issued, 3600, 12_345_678] {
        body.extend(number.to_le_bytes());
    }
    body
}

/// This body, signed by the app and in the form of a token.
fn signed(body: &[u8]) -> String {
    let number =
        |from: usize| body.get(from..from + 4).map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().expect("4")));
    let signature = reference::sign(number(34), number(42), body);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    for part in [&32_u16.to_le_bytes()[..], &signature, body] {
        encoder.write_all(part).expect("memory");
    }
    format!("007{}", BASE64_STANDARD.encode(encoder.finish().expect("memory")))
}

const CHANNEL: &str = "room-1";
const USER: &str = "1001";
