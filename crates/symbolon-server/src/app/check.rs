//! What makes an id and a certificate ones that somebody drew at random.

use symbolon_token::{AppCertificate, AppId};

/// Reads an App ID that is not a sample.
///
/// # Errors
/// What is wrong with it, without the text.
pub fn check_app_id(text: &str) -> Result<AppId, String> {
    let id = AppId::parse(text).map_err(|error| error.to_string())?;
    check_randomness(text)?;
    Ok(id)
}

/// Reads a certificate that is neither a sample nor the id of its app.
///
/// # Errors
/// What is wrong with it, without the text.
pub fn check_certificate(text: &str, id: &AppId) -> Result<AppCertificate, String> {
    let certificate = AppCertificate::parse(text).map_err(|error| error.to_string())?;
    check_randomness(text)?;
    if text.eq_ignore_ascii_case(id.as_str()) {
        return Err("is the App ID again; everyone knows that one".to_owned());
    }
    Ok(certificate)
}

/// Refuses what nobody drew at random: runs of few digits, and the samples that public documents print.
fn check_randomness(text: &str) -> Result<(), &'static str> {
    let text = text.to_ascii_lowercase();
    if PUBLIC_SAMPLES.contains(&&*text) {
        return Err("is a published sample; make one of your own");
    }
    let mut digits: Vec<u8> = text.bytes().collect();
    digits.sort_unstable();
    digits.dedup();
    if digits.len() < 6 || text == "0123456789abcdef0123456789abcdef" {
        return Err("has no randomness in it; draw 16 random bytes, for example with `openssl rand -hex 16`");
    }
    Ok(())
}

/// Ids and certificates that stand in public samples and test suites, in lower case: everyone has them.
const PUBLIC_SAMPLES: &[&str] = &["970ca35de60c44645bbae8a215061b33", "5cfd2fd1755d40ecb72977518be15d3b"];
