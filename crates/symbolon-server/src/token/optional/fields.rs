//! JSON objects as these routes take them.

use serde_json::{Map, Value};
use symbolon_token::uid_text;

use super::super::go;
use super::super::mint::{INVALID_UID, Refusal};
use crate::json;

/// A JSON object whose names match in any letter case. What is null is absent.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn decode(body: &[u8]) -> Result<Self, Refusal> {
        if !json::depth_is_bounded(body) {
            return Err(invalid(format!("invalid JSON: nested deeper than {} levels", json::MAX_DEPTH)));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(invalid("the body has to be a JSON object")),
            Err(error) => Err(invalid(format!("invalid JSON: {error}"))),
        }
    }

    /// An absent text is empty.
    pub(super) fn text(&self, name: &str) -> Result<String, Refusal> {
        match self.get(name)? {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(invalid(format!("`{name}` has to be a text"))),
        }
    }

    /// A number from 0; an absent one is 0.
    pub(super) fn number(&self, name: &str) -> Result<u64, Refusal> {
        match self.get(name)? {
            None => Ok(0),
            Some(Value::Number(number)) if number.is_u64() => Ok(number.as_u64().unwrap_or_default()),
            Some(_) => Err(invalid(format!("`{name}` has to be a whole number, not below 0"))),
        }
    }

    /// Absent means no.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name)? {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(format!("`{name}` has to be true or false"))),
        }
    }

    /// An absent object is empty.
    pub(super) fn object(&self, name: &str) -> Result<Self, Refusal> {
        match self.get(name)? {
            None => Ok(Self(Map::new())),
            Some(Value::Object(fields)) => Ok(Self(fields.clone())),
            Some(_) => Err(invalid(format!("`{name}` has to be an object"))),
        }
    }

    /// The user as tokens write it: a number, where 0 is any user, and in `accounts` also a text.
    pub(super) fn user(&self, accounts: bool) -> Result<String, Refusal> {
        match self.get("uid")? {
            None => Err(Refusal::bad_request(INVALID_UID, "`uid` is missing")),
            Some(Value::String(text)) if accounts => Ok(text.clone()),
            Some(Value::Number(number)) => number
                .as_u64()
                .and_then(|uid| u32::try_from(uid).ok())
                .map(uid_text)
                .ok_or_else(|| Refusal::bad_request(INVALID_UID, NO_UID)),
            Some(_) => Err(Refusal::bad_request(INVALID_UID, NO_UID)),
        }
    }

    /// A role by number or name; empty when there is none.
    pub(super) fn role(&self) -> Result<String, Refusal> {
        match self.get("role")? {
            None => Ok(String::new()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(invalid("`role` has to be 1 (publisher) or 2 (subscriber)")),
        }
    }

    /// Two spellings of one name would leave it to chance which counts.
    fn get(&self, name: &str) -> Result<Option<&Value>, Refusal> {
        let mut found = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let first = found.next();
        if found.next().is_some() {
            return Err(invalid(format!("{} is there in two spellings", go::quote(name))));
        }
        Ok(first.map(|(_, value)| value).filter(|value| !value.is_null()))
    }
}

fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::bad_request("invalid_json", text)
}

const NO_UID: &str = "`uid` has to be a whole number from 0 to 4294967295";
