//! WHIP (RFC 9725) and WHEP: an offer by POST, with the token as Bearer.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use ureq::Agent;

use super::{AccessError, Desk, Entry, OwnAnswer, Said, blocking};

pub(super) async fn stay(
    base: &str,
    token: Option<String>,
    entry: Entry,
    desk: &Desk,
    mut asks: UnboundedReceiver<OwnAnswer>,
) -> Result<(), AccessError> {
    let url = endpoint(base, &entry);
    let sdp = entry.offer.map(|offer| offer.sdp).unwrap_or_default();
    let (asked, bearer) = (url.clone(), token.clone());
    let (answer, session) = blocking(move || post(&asked, bearer.as_deref(), &sdp)).await?;
    desk.tell(Said::Answer(answer));
    while asks.recv().await.is_some() {}
    let Some(session) = session else { return Ok(()) };
    let session = resolve(base, &url, &session);
    blocking(move || delete(&session, token.as_deref())).await
}

/// A publisher's place, or that of whoever views one publisher.
fn endpoint(base: &str, entry: &Entry) -> String {
    let channel = &entry.channel_name;
    match entry.sources.first() {
        Some(source) if !entry.publishes => format!("{base}/whep/{channel}/{source}"),
        _ => format!("{base}/whip/{channel}"),
    }
}

/// A `Location` as it is meant: whole, from the root, or beside what was asked.
fn resolve(base: &str, asked: &str, location: &str) -> String {
    if location.starts_with("http://") || location.starts_with("https://") {
        return location.to_owned();
    }
    if location.starts_with('/') {
        let authority_ends = base.find("://").and_then(|at| base[at + 3..].find('/').map(|slash| at + 3 + slash));
        return format!("{}{location}", &base[..authority_ends.unwrap_or(base.len())]);
    }
    let folder = asked.rfind('/').map_or(asked, |at| &asked[..at]);
    format!("{folder}/{location}")
}

pub(super) fn agent() -> Agent {
    let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
    config.build().into()
}

fn post(url: &str, token: Option<&str>, sdp: &str) -> Result<(String, Option<String>), AccessError> {
    let mut request = agent().post(url).header("Content-Type", "application/sdp");
    if let Some(token) = token {
        request = request.header("Authorization", &format!("Bearer {token}"));
    }
    let mut response = request.send(sdp).map_err(|error| AccessError::Connect(error.to_string()))?;
    if response.status().as_u16() != 201 {
        return Err(AccessError::Status(response.status().as_u16()));
    }
    let location = response.headers().get("Location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.body_mut().with_config().limit(MAX_SDP).read_to_string();
    let answer = body.map_err(|_| AccessError::Unknown("an answer that is no SDP"))?;
    Ok((answer, location))
}

fn delete(session: &str, token: Option<&str>) -> Result<(), AccessError> {
    let mut request = agent().delete(session);
    if let Some(token) = token {
        request = request.header("Authorization", &format!("Bearer {token}"));
    }
    let response = request.call().map_err(|error| AccessError::Connect(error.to_string()))?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(AccessError::Status(status.as_u16())) }
}

const PATIENCE: Duration = Duration::from_secs(40);
const MAX_SDP: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_resolved() {
        let (base, asked) = ("http://10.0.0.1:80/media", "http://10.0.0.1:80/media/whip/load-1");
        assert_eq!(resolve(base, asked, "http://other/a"), "http://other/a");
        assert_eq!(resolve(base, asked, "/whip/load-1/abc"), "http://10.0.0.1:80/whip/load-1/abc");
        assert_eq!(resolve("http://10.0.0.1:80", asked, "/a"), "http://10.0.0.1:80/a");
        assert_eq!(resolve(base, asked, "abc"), "http://10.0.0.1:80/media/whip/abc");
    }

    #[test]
    fn publishers_and_viewers_have_their_places() {
        let entry = |publishes, sources: &[u32]| Entry {
            channel: 1,
            channel_name: "load-1".into(),
            uid: 9,
            publishes,
            sources: sources.to_vec(),
            offer: None,
        };
        assert_eq!(endpoint("http://a", &entry(true, &[])), "http://a/whip/load-1");
        assert_eq!(endpoint("http://a", &entry(false, &[4, 5])), "http://a/whep/load-1/4");
    }
}
