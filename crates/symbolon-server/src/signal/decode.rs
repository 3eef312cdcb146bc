//! Text → [`ClientMessage`], or a sentence about what is wrong with it that repeats nothing secret.

use symbolon_proto::message::ClientMessage;

use crate::json;

/// Reads a message.
///
/// # Errors
/// A sentence for whoever wrote the client. It never repeats a value: one of them could be a token.
pub(super) fn decode(text: &str) -> Result<ClientMessage, String> {
    if !json::depth_is_bounded(text.as_bytes()) {
        return Err(format!("the message nests deeper than {} levels", json::MAX_DEPTH));
    }
    serde_json::from_str(text).map_err(|error| {
        let what = if error.is_data() { "the message does not fit" } else { "the message is no JSON" };
        format!("{what}: {}", without_values(&error.to_string()))
    })
}

/// Cuts out what serde repeats of the input: `invalid type: string "…", expected u32` and `unknown variant `…`, …`.
fn without_values(text: &str) -> String {
    let expected = text.rfind(", expected ").map(|at| &text[at + 2..]);
    match (text.split_once([':', '`']).map_or(text, |(kind, _)| kind.trim_end()), expected) {
        (kind @ ("invalid type" | "invalid value" | "invalid length"), Some(expected)) => format!("{kind}, {expected}"),
        (kind @ ("unknown variant" | "unknown field"), Some(expected)) => format!("{kind}, {expected}"),
        ("unknown variant" | "unknown field" | "invalid type" | "invalid value" | "invalid length", None) => {
            "a field has a value that it cannot have".to_owned()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = decode(text).unwrap_err();
        assert!(!error.contains("007eJ"), "{error}");
        error
    }

    #[test]
    fn a_good_message_passes_and_unknown_fields_are_ignored() {
        assert_eq!(decode(r#"{"type":"ping","later":1}"#), Ok(ClientMessage::Ping {}));
        assert_eq!(decode(r#"{"later":{"a":[1]},"type":"leave"}"#), Ok(ClientMessage::Leave {}));
    }

    #[test]
    fn what_is_wrong_is_named_without_repeating_it() {
        assert!(error("hello").contains("no JSON"));
        assert!(error("").contains("no JSON"));
        assert!(error("[1]").contains("does not fit"));
        assert!(error(&"[".repeat(100_000)).contains("nests deeper"));
        assert!(error(r#"{"type":"kick"}"#).contains("unknown variant, expected one of `join`"));
        assert!(error(r#"{"type":"007eJxT"}"#).contains("unknown variant"));
        assert!(error(r#"{"type":"__proto__"}"#).contains("unknown variant"));
        assert!(error("{}").contains("missing field `type`"));
        assert!(error(r#"{"type":"renewToken","id":1}"#).contains("missing field `token`"));
        assert!(error(r#"{"type":"renewToken","id":"007eJxT, expected 1","token":"x"}"#).contains("expected u32"));
        assert!(error(r#"{"type":"setRole","id":1,"role":"007eJxT"}"#).contains("unknown variant"));
        assert!(error(r#"{"type":"ping","type":"ping"}"#).contains("duplicate field `type`"));
        assert!(error(r#"{"type":"renewToken","id":1,"id":2,"token":"007eJxT"}"#).contains("duplicate field `id`"));
        assert!(error(r#"{"type":"\ud800"}"#).contains("no JSON"));
        assert!(error(r#"{"type":"setMuted","mid":"a mid that is too long for one","muted":true}"#).contains("mid"));
    }
}
