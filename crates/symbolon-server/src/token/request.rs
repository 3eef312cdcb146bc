//! The body of `POST /getToken`, read as the usual token server, a Go program, reads it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::go;
use crate::json;

/// What a body asks for. Fields that are absent or null are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TokenRequest {
    pub(super) token_type: String,
    pub(super) channel: String,
    pub(super) role: String,
    pub(super) uid: String,
    pub(super) expire: i64,
}

impl TokenRequest {
    /// Reads the first JSON value; what follows it is ignored. Field names match in any letter case, unknown fields are
    /// ignored, of a repeated field the last counts.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub(super) fn decode(body: &[u8]) -> Result<Self, String> {
        if !json::depth_is_bounded(body) {
            return Err(format!("invalid JSON: nested deeper than {} levels", json::MAX_DEPTH));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        match Body::deserialize(&mut deserializer).map_err(|error| syntax_error(body, &error))? {
            Body::Fields(fields) => Self::from_fields(fields),
            Body::Other(Value::Null) => Ok(Self::default()),
            Body::Other(value) => {
                Err(format!("json: cannot unmarshal {} into Go value of type service.TokenRequest", value.kind()))
            }
        }
    }

    /// Takes the fields in their order. The first of a wrong type is reported, as Go does.
    fn from_fields(fields: Vec<(String, Value)>) -> Result<Self, String> {
        let mut request = Self::default();
        let mut first_error = Ok(());
        for (name, value) in fields {
            let taken = request.take(&name, value);
            first_error = first_error.and(taken);
        }
        first_error.map(|()| request)
    }

    fn take(&mut self, name: &str, value: Value) -> Result<(), String> {
        let texts = [
            ("tokenType", &mut self.token_type),
            ("channel", &mut self.channel),
            ("role", &mut self.role),
            ("uid", &mut self.uid),
        ];
        for (known, field) in texts {
            if name.eq_ignore_ascii_case(known) {
                return set_text(field, known, value);
            }
        }
        if name.eq_ignore_ascii_case("expire") {
            return set_number(&mut self.expire, "expire", value);
        }
        Ok(())
    }
}

fn set_text(field: &mut String, name: &str, value: Value) -> Result<(), String> {
    match value {
        Value::Text(text) => *field = text,
        Value::Null => {}
        Value::Number(_) | Value::Bool | Value::Array | Value::Object => {
            return Err(wrong_type(value.kind(), name, "string"));
        }
    }
    Ok(())
}

fn set_number(field: &mut i64, name: &str, value: Value) -> Result<(), String> {
    match value {
        Value::Number(text) => *field = text.parse().map_err(|_| wrong_type(&format!("number {text}"), name, "int"))?,
        Value::Null => {}
        Value::Text(_) | Value::Bool | Value::Array | Value::Object => {
            return Err(wrong_type(value.kind(), name, "int"));
        }
    }
    Ok(())
}

fn wrong_type(found: &str, name: &str, wanted: &str) -> String {
    format!("json: cannot unmarshal {found} into Go struct field TokenRequest.{name} of type {wanted}")
}

/// What the parser found wrong, in Go's words where they say the same.
fn syntax_error(body: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        let blank = body.iter().all(u8::is_ascii_whitespace);
        return if blank { "EOF" } else { "unexpected EOF" }.to_owned();
    }
    let found = found_at(body, error.line(), error.column());
    let text = error.to_string();
    match found {
        Some(char) if text.starts_with("expected value") => {
            format!("invalid character {} looking for beginning of value", quote_char(char))
        }
        Some(char) if text.starts_with("expected") || text.starts_with("key must") || text.starts_with("trailing") => {
            format!("invalid character {} at line {}, column {}", quote_char(char), error.line(), error.column())
        }
        _ => format!("invalid JSON: {text}"),
    }
}

fn quote_char(char: char) -> String {
    let quoted = go::quote(char.encode_utf8(&mut [0; 4]));
    match char {
        '"' => "'\"'".to_owned(),
        '\'' => "'\\''".to_owned(),
        _ => format!("'{}'", &quoted[1..quoted.len() - 1]),
    }
}

/// The byte at a place that the parser names, as Go shows it: one byte, one character.
fn found_at(body: &[u8], line: usize, column: usize) -> Option<char> {
    let line = body.split(|byte| *byte == b'\n').nth(line.checked_sub(1)?)?;
    line.get(column.checked_sub(1)?).map(|byte| char::from(*byte))
}

/// A body: an object, or something else.
enum Body {
    Fields(Vec<(String, Value)>),
    Other(Value),
}

/// One value; what is inside lists and objects does not matter.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(String),
    Bool,
    Null,
    Array,
    Object,
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Number(_) => "number",
            Self::Bool => "bool",
            Self::Null => "null",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BodyVisitor;

        impl<'de> Visitor<'de> for BodyVisitor {
            type Value = Body;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Body::Fields(fields))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Body, A::Error> {
                ValueVisitor.visit_seq(seq).map(Body::Other)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Body, E> {
                ValueVisitor.visit_str(text).map(Body::Other)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Body, E> {
                ValueVisitor.visit_bool(value).map(Body::Other)
            }

            fn visit_unit<E: Error>(self) -> Result<Body, E> {
                ValueVisitor.visit_unit().map(Body::Other)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Body, E> {
                ValueVisitor.visit_i64(number).map(Body::Other)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Body, E> {
                ValueVisitor.visit_u64(number).map(Body::Other)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Body, E> {
                ValueVisitor.visit_f64(number).map(Body::Other)
            }
        }

        deserializer.deserialize_any(BodyVisitor)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Bool)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(serde_json::Value::from(number).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        TokenRequest::decode(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn names_match_in_any_case_and_the_last_counts() {
        let body = r#"{"TOKENTYPE":"rtm","tokenType":"rtc","Channel":"room-1","uid":"1","UID":"2","expire":60,
            "isAdmin":true,"deep":{"expire":[1]},"role":null} {"uid":"3"} trailing"#;
        let request = TokenRequest::decode(body.as_bytes()).unwrap();
        assert_eq!((&*request.token_type, &*request.channel, &*request.uid), ("rtc", "room-1", "2"));
        assert_eq!((&*request.role, request.expire), ("", 60));
        assert_eq!(TokenRequest::decode(b"null"), Ok(TokenRequest::default()));
        assert_eq!(TokenRequest::decode(b"{}"), Ok(TokenRequest::default()));
        assert_eq!(TokenRequest::decode(br#"{"expire":-9}"#).unwrap().expire, -9);
    }

    #[test]
    fn wrong_types_are_named_as_go_names_them() {
        let field = |found, name, wanted| {
            format!("json: cannot unmarshal {found} into Go struct field TokenRequest.{name} of type {wanted}")
        };
        assert_eq!(error(r#"{"uid":1}"#), field("number", "uid", "string"));
        assert_eq!(error(r#"{"UID":true,"channel":1}"#), field("bool", "uid", "string"));
        assert_eq!(error(r#"{"channel":["a"]}"#), field("array", "channel", "string"));
        assert_eq!(error(r#"{"role":{}}"#), field("object", "role", "string"));
        assert_eq!(error(r#"{"expire":"60"}"#), field("string", "expire", "int"));
        assert_eq!(error(r#"{"expire":1.5}"#), field("number 1.5", "expire", "int"));
        assert_eq!(error(r#"{"expire":9223372036854775808}"#), field("number 9223372036854775808", "expire", "int"));
        for (body, kind) in
            [("[]", "array"), ("\"x\"", "string"), ("1", "number"), ("true", "bool"), ("-1.5", "number")]
        {
            let text = format!("json: cannot unmarshal {kind} into Go value of type service.TokenRequest");
            assert_eq!(error(body), text);
        }
    }

    #[test]
    fn broken_json_is_named_in_one_line() {
        assert_eq!(error(""), "EOF");
        assert_eq!(error(" \n"), "EOF");
        assert_eq!(error(r#"{"uid":"1"#), "unexpected EOF");
        assert_eq!(error("{"), "unexpected EOF");
        assert_eq!(error("hello"), "invalid character 'h' looking for beginning of value");
        assert_eq!(error("\u{feff}{}"), "invalid character 'ï' looking for beginning of value");
        for body in
            [r#"{"a" 1}"#, "{a:1}", r#"{"a":1,}"#, r#"{"channel":"\ud800"}"#, r#"{"expire":1e309}"#, "{\"a\":\"\n\"}"]
        {
            let error = error(body);
            assert!(error.starts_with("invalid ") && !error.contains('\n'), "{error}");
        }
        assert!(error(&"[".repeat(16_000)).contains("nested deeper than 32"));
        assert!(TokenRequest::decode(b"{\"channel\":\"\xff\"}").is_err());
        assert!(
            TokenRequest::decode(
                "{\"uid\":\"1\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice()
            )
            .is_err()
        );
    }
}
