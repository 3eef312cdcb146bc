//! Identifiers: parsed once where they come in, then trusted.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
pub use symbolon_token::AppId;

/// A channel name: 1 to 64 bytes of the 89 characters that names are made of. Compared as bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(String);

impl ChannelName {
    /// Takes a name that is one.
    ///
    /// # Errors
    /// When it is empty, longer than 64 bytes, or holds a character outside the allowed set (`*` is outside).
    pub fn parse(text: &str) -> Result<Self, InvalidChannelName> {
        if symbolon_token::channel_name_is_valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidChannelName) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a channel name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a channel name has 1 to 64 bytes of letters, digits, space and ! # $ % & ( ) + - : ; < = . > ? @ [ ] ^ _ {{ }} | ~ ,"
)]
pub struct InvalidChannelName;

/// One user in one channel, 1 to 4294967295. On the wire a plain number, where 0 stands for "no uid yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "number"))]
#[serde(transparent)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// The uid with this number; 0 is none.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// Reads the canonical decimal form: no sign, no leading zero, within 32 bits.
    pub fn parse(text: &str) -> Option<Self> {
        let uid = Self::new(text.parse().ok()?)?;
        (uid.to_string() == text).then_some(uid)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One signalling connection at the edge. The server numbers them; a number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// One publication, unique within its channel for the channel's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "number"))]
#[serde(transparent)]
pub struct PublicationId(pub u32);

/// The name of one media section in a client's session description (`a=mid`, RFC 5888), at most 16 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
#[serde(try_from = "String", into = "String")]
pub struct Mid(String);

impl Mid {
    /// Takes a section name of 1 to 16 visible ASCII characters.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidMid> {
        let fits = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidMid) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Mid {
    type Error = InvalidMid;

    fn try_from(text: String) -> Result<Self, InvalidMid> {
        Self::parse(&text)
    }
}

impl From<Mid> for String {
    fn from(mid: Mid) -> Self {
        mid.0
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not the name of a media section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mid has 1 to 16 visible ASCII characters")]
pub struct InvalidMid;

/// The name of one layer of a simulcast (`a=rid`, RFC 8851), 1 to 8 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
#[serde(try_from = "String", into = "String")]
pub struct Rid(String);

impl Rid {
    /// Takes a layer name of 1 to 8 ASCII letters and digits.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidRid> {
        let fits = (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidRid) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Rid {
    type Error = InvalidRid;

    fn try_from(text: String) -> Result<Self, InvalidRid> {
        Self::parse(&text)
    }
}

impl From<Rid> for String {
    fn from(rid: Rid) -> Self {
        rid.0
    }
}

/// Not the name of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rid has 1 to 8 letters and digits")]
pub struct InvalidRid;

/// A token as a client brings it. Prints as redacted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. It opens a channel: keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// The secret by which a client takes up its own session again after a break. 128 random bits as hexadecimal text.
/// Prints as redacted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
#[serde(transparent)]
pub struct ResumeId(String);

impl ResumeId {
    /// Makes one from random bytes.
    pub fn from_entropy(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// Whether two are the same, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.bytes().zip(other.0.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl fmt::Debug for ResumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeId(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_has_one_spelling() {
        assert_eq!(Uid::parse("1001"), Uid::new(1001));
        assert_eq!(Uid::parse("4294967295"), Uid::new(u32::MAX));
        for text in ["0", "", "01001", "+1001", " 1001", "1001 ", "1001.0", "1e3", "4294967296", "１００１"] {
            assert_eq!(Uid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let resume = ResumeId::from_entropy([0xAB; 16]);
        assert!(!format!("{:?} {resume:?}", Token::new("007abc")).contains("ab"));
        assert!(resume.matches(&resume.clone()));
        assert!(!resume.matches(&ResumeId::from_entropy([0xAC; 16])));
    }

    #[test]
    fn mids_are_short_and_visible() {
        assert!(Mid::parse("0").is_ok());
        for text in ["", "a b", "12345678901234567", "é"] {
            assert!(Mid::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rids_are_letters_and_digits() {
        assert!(Rid::parse("h").is_ok() && Rid::parse("12345678").is_ok());
        for text in ["", "a b", "a-b", "a;b", "123456789", "é"] {
            assert!(Rid::parse(text).is_err(), "{text}");
        }
    }
}
