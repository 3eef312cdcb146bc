//! API keys: high-entropy secrets, shown once and kept as hashes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::policy::Policy;
use crate::hex;

/// How every key begins, so that it can be told from a JWT, and found where it should not be.
pub(crate) const PREFIX: &str = "sym_";

/// A key that has just been made. Its text is shown once.
pub struct NewKey {
    /// The public part, which names the key.
    pub id: String,
    /// The whole key: a secret.
    pub text: String,
    /// What is kept of it.
    pub hash: KeyHash,
}

impl NewKey {
    /// Makes a key from 40 random bytes of the operating system: 8 name it, 32 are its secret.
    pub fn from_entropy(bytes: [u8; 40]) -> Self {
        let (id, secret) = (hex::encode(&bytes[..8]), hex::encode(&bytes[8..]));
        let hash = KeyHash::of(&secret);
        Self { text: format!("{PREFIX}{id}_{secret}"), id, hash }
    }
}

/// The SHA-256 of a key's secret. The secret has 256 random bits, so that nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Reads the form that [`Display`](fmt::Display) writes.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:").filter(|digits| digits.len() == 64 && digits.is_ascii())?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(&self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(redacted)")
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a key's hash is sha256: and 64 hexadecimal digits"))
    }
}

/// One key as the configuration has it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRecord {
    /// The key's public part.
    pub(crate) id: String,
    /// What is kept of its secret.
    pub(crate) hash: KeyHash,
    /// A name for people and for the audit; the id, unless given.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// What its holder may have.
    #[serde(deserialize_with = "shared_policy")]
    pub(crate) policy: Arc<Policy>,
}

fn shared_policy<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Arc<Policy>, D::Error> {
    Policy::deserialize(deserializer).map(Arc::new)
}

/// All keys, found by their public part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(BTreeMap<String, KeyRecord>);

impl Keys {
    /// # Errors
    /// When two keys have the same id, or an id is none.
    pub(crate) fn new(records: Vec<KeyRecord>) -> Result<Self, String> {
        let mut keys = BTreeMap::new();
        for record in records {
            let id = record.id.clone();
            if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) || !(1..=64).contains(&id.len()) {
                return Err(format!("API key id {id:?}: 1 to 64 letters and digits"));
            }
            if keys.insert(id.clone(), record).is_some() {
                return Err(format!("API key id {id:?} stands twice"));
            }
        }
        Ok(Self(keys))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first id that stands in both.
    pub(crate) fn shared_with(&self, other: &Self) -> Option<&str> {
        self.0.keys().find(|id| other.0.contains_key(*id)).map(String::as_str)
    }

    /// The key with this text. An unknown id and a wrong secret take the same steps.
    pub(crate) fn find(&self, text: &str) -> Option<&KeyRecord> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let record = self.0.get(id);
        let expected = record.map_or(&NOBODY, |record| &record.hash);
        let fits: bool = KeyHash::of(secret).0.ct_eq(&expected.0).into();
        record.filter(|_| fits)
    }
}

/// The hash that a key of an unknown id is compared with.
const NOBODY: KeyHash = KeyHash([0; 32]);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys_with(key: &NewKey) -> Keys {
        let record = json!({ "id": key.id, "hash": key.hash.to_string(), "policy": { "channels": ["lobby"] } });
        Keys::new(vec![serde_json::from_value(record).unwrap()]).unwrap()
    }

    #[test]
    fn a_key_is_found_by_its_whole_text_alone() {
        let key = NewKey::from_entropy([7; 40]);
        let other = NewKey::from_entropy([8; 40]);
        let keys = keys_with(&key);
        assert_eq!(keys.find(&key.text).map(|record| record.id.as_str()), Some(key.id.as_str()));
        let mixed = format!("{PREFIX}{}_{}", key.id, other.text.rsplit('_').next().unwrap());
        for wrong in [other.text.as_str(), &mixed, "", "sym_", "sym__", &key.text[..key.text.len() - 1], &key.text[4..]]
        {
            assert_eq!(keys.find(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_secret_is_nowhere_in_what_is_kept() {
        let key = NewKey::from_entropy([7; 40]);
        let secret = key.text.rsplit('_').next().unwrap();
        let kept = format!("{:?} {}", keys_with(&key), key.hash);
        assert!(!kept.contains(secret));
    }

    #[test]
    fn records_that_cannot_be_right_are_refused() {
        let record = |id: &str, hash: &str| json!({ "id": id, "hash": hash, "policy": { "channels": ["a"] } });
        let hash = NewKey::from_entropy([1; 40]).hash.to_string();
        for wrong in ["", "sha256:", "sha256:zz", &hash[..70], "md5:00"] {
            assert!(serde_json::from_value::<KeyRecord>(record("k", wrong)).is_err(), "{wrong}");
        }
        let twice: Vec<KeyRecord> =
            [record("k", &hash), record("k", &hash)].map(|record| serde_json::from_value(record).unwrap()).into();
        assert!(Keys::new(twice).unwrap_err().contains("twice"));
        assert!(Keys::new(vec![serde_json::from_value(record("a_b", &hash)).unwrap()]).is_err());
    }
}
