//! One record: what is kept of one token, or of one refusal. `docs/audit.md` tells its fields to those who read it.

use std::net::IpAddr;

use serde::{Serialize, Serializer};

/// One token made, or one request refused. There is no secret in it, and nothing that a token could be made of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'a> {
    /// When, in Unix milliseconds.
    pub(crate) at: u64,
    pub(crate) request_id: &'a str,
    pub(crate) outcome: Outcome,
    /// The HTTP status of the answer.
    pub(crate) status: u16,
    /// Why it was refused: a fixed word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    pub(crate) caller: Who<'a>,
    /// The address of the client, as far as the trusted proxies tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<IpAddr>,
    /// The first part of the path that was asked.
    pub(crate) route: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) app_id: Option<&'a str>,
    /// What was asked for, as far as it was understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wanted: Option<&'a What<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Made<'a>>,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Minted,
    Refused,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Who<'a> {
    /// `key`, `jwt`, `anyone` in the open mode, or `unknown`.
    pub(crate) kind: &'static str,
    /// The id of the API key, or the subject of the JWT.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "cut_option")]
    pub(crate) id: Option<&'a str>,
    /// The name of the API key.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "cut_option")]
    pub(crate) name: Option<&'a str>,
    /// The issuer of the JWT.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "cut_option")]
    pub(crate) issuer: Option<&'a str>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct What<'a> {
    pub(crate) kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "cut_option")]
    pub(crate) channel: Option<&'a str>,
    /// Absent for any user.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "cut_option")]
    pub(crate) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'a str>,
    /// The life in seconds.
    pub(crate) life: u32,
    pub(crate) privileges: Vec<&'static str>,
    /// The token's other services, where it has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) more: Vec<Self>,
}

/// The token that was made. The token itself is in no record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Made<'a> {
    /// The first digits of its signature: enough to find it again, and nothing to make it of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The certificate that signed it: the first eight digits of its SHA-256.
    pub(crate) certificate: &'a str,
    /// When it ends, in Unix seconds.
    pub(crate) until: u64,
}

impl Who<'_> {
    /// Somebody without credentials that are right.
    pub(crate) const UNKNOWN: Self = Self { kind: "unknown", id: None, name: None, issuer: None };
}

impl Record<'_> {
    /// The record as a line of JSON, without its end.
    pub(crate) fn line(&self) -> String {
        let mut line = Vec::with_capacity(TYPICAL);
        serde_json::to_writer(&mut line, self).expect("texts and numbers are JSON");
        String::from_utf8(line).expect("JSON is UTF-8")
    }
}

/// Writes no more of a text than its bound.
fn cut_option<S: Serializer>(text: &Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    text.map(cut).serialize(serializer)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

/// How much is kept of a text that somebody chose, in bytes. Names within the documented limits are shorter.
const MAX_TEXT: usize = 256;

/// Most lines are shorter.
const TYPICAL: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let long = "\u{e4}".repeat(200);
        assert_eq!(cut(&long).len(), 256);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd).len(), 255);
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn a_record_is_one_line_whatever_names_hold() {
        let what = What {
            kind: "rtc",
            channel: Some("a\nb\u{2028}\"\\"),
            user: None,
            role: Some("publisher"),
            life: 60,
            privileges: vec!["join"],
            more: Vec::new(),
        };
        let record = Record {
            at: 1,
            request_id: "r",
            outcome: Outcome::Refused,
            status: 403,
            reason: Some("channel_not_allowed"),
            caller: Who { kind: "key", id: Some("k"), name: None, issuer: None },
            client: Some("127.0.0.1".parse().unwrap()),
            route: "rtc",
            app_id: None,
            wanted: Some(&what),
            token: None,
        };
        let line = record.line();
        assert!(!line.contains('\n'));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            read,
            serde_json::json!({
                "at": 1, "requestId": "r", "outcome": "refused", "status": 403, "reason": "channel_not_allowed",
                "caller": {"kind": "key", "id": "k"}, "client": "127.0.0.1", "route": "rtc",
                "wanted": {"kind": "rtc", "channel": "a\nb\u{2028}\"\\", "role": "publisher", "life": 60,
                    "privileges": ["join"]},
            })
        );
    }
}
