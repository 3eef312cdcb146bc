//! `GET /access_token`, and the form of refusals that it shares with the other routes of the 006 format.

use axum::http::StatusCode;
use symbolon_token::Role;

use super::super::Desk;
use super::super::go;
use super::super::mint::{self, DEFAULT_LIFE, INVALID_CHANNEL, INVALID_EXPIRE, Refusal, check_life};
use super::super::path::query_value;
use super::super::wanted::{Format, Wanted};

impl Desk<'_> {
    /// To join only.
    pub(super) fn access_token(&self, query: &str) -> Result<String, Refusal> {
        let channel = parameter(query, "channel")?;
        if channel.is_empty() {
            return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, INVALID_CHANNEL, "channel is required"));
        }
        let uid = parameter(query, "uid")?;
        let user = if uid.is_empty() { uid } else { self.rtc_user(uid)? };
        let life = life(&parameter(query, "expiredTs")?)?;
        let wanted = Wanted::rtc(channel, user, Role::Subscriber, life).written(Format::V006);
        let token = self.mint(&wanted)?.token;
        Ok(format!(r#"{{"token":"{token}"}}"#))
    }
}

/// An absent parameter is empty.
fn parameter(query: &str, name: &str) -> Result<String, Refusal> {
    query_value(query, name).unwrap_or_else(|| Some(String::new())).ok_or_else(|| {
        Refusal::bad_request("invalid_encoding", "the query is not percent-encoded UTF-8; encode it and ask again")
    })
}

/// How long it is until a Unix time; 0 and nothing mean the default.
fn life(expired_ts: &str) -> Result<u32, Refusal> {
    let wrong = |text: String| Refusal::bad_request(INVALID_EXPIRE, text);
    if expired_ts.is_empty() {
        return Ok(DEFAULT_LIFE);
    }
    let ts = go::parse_uint(expired_ts, u64::MAX)
        .map_err(|_| wrong(format!("expiredTs is a Unix time in seconds, not {}", go::quote(expired_ts))))?;
    if ts == 0 {
        return Ok(DEFAULT_LIFE);
    }
    let left = ts.checked_sub(mint::unix_now()).filter(|left| *left > 0);
    check_life(left.ok_or_else(|| wrong("expiredTs lies in the past; it is a Unix time in seconds".to_owned()))?)
}

pub(super) fn refused(refusal: &Refusal) -> String {
    format!(r#"{{"error":{}}}"#, go::json_string(&refusal.text))
}
