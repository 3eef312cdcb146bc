//! JSON objects and percent-encoded texts, read without the code under test.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The fields of an object in their order, the repeated ones too.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// The first JSON value, if it is an object.
    pub(super) fn first(body: &[u8]) -> Option<Self> {
        Self::deserialize(&mut serde_json::Deserializer::from_slice(body)).ok()
    }

    pub(super) fn of(value: &Value) -> Self {
        Self(value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The last value of this name in any letter case that is not null.
    pub(super) fn value(&self, name: &str) -> &Value {
        let mut all = self.0.iter().rev().filter(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_null());
        all.next().map_or(&Value::Null, |(_, value)| value)
    }

    /// The same as a text; empty when there is none.
    pub(super) fn text(&self, name: &str) -> String {
        plain(self.value(name))
    }

    pub(super) fn object(&self, name: &str) -> Self {
        Self::of(self.value(name))
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.value(name) == &Value::Bool(true)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Fields(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A text or a number as a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A user as tokens write it: numbers without zeros in front, nothing for 0.
pub(super) fn user(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.trim_start_matches('0').to_owned()
    } else {
        text.to_owned()
    }
}

/// Each `%` with its two digits as the byte that it means.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.as_bytes().split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        bytes.extend(rest);
    }
    String::from_utf8(bytes).ok()
}

/// The first parameter of this name; empty when there is none.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let readable = |text: &str| decoded(&text.replace('+', " "));
    let found = pairs.find(|(known, _)| readable(known).as_deref() == Some(name));
    found.map_or_else(|| Some(String::new()), |(_, value)| readable(value))
}
