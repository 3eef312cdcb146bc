//! The name of one request, to be found again in the answer, the audit and the caller's own log.

use std::fmt;

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};

use crate::{hex, random};

/// The name of one request: the caller's own, or 128 random bits in hexadecimal. Only letters, digits, `-`, `_` and `.`
/// stand in it, 64 at most.
///
/// The guard puts it among the extensions of every request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The id that the caller gave, if it gave one that is well formed; else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(&HEADER).iter();
        match (given.next(), given.next()) {
            (Some(id), None) if is_well_formed(id.as_bytes()) => Self(id.clone()),
            _ => Self::random(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().expect("an id holds visible ASCII only")
    }

    /// The value of the answer's header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    fn random() -> Self {
        let digits = hex::encode(&random::bytes::<16>());
        Self(HeaderValue::try_from(digits).expect("hexadecimal digits are visible ASCII"))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.as_str())
    }
}

fn is_well_formed(id: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// `X-Request-Id`, in requests and answers.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a caller.
const MAX_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn given(ids: &[&str]) -> RequestId {
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(HEADER, HeaderValue::from_bytes(id.as_bytes()).unwrap());
        }
        RequestId::of(&headers)
    }

    #[test]
    fn a_callers_own_id_is_kept_if_it_is_well_formed() {
        let longest = "x".repeat(64);
        for id in ["a", "0b9c6b1e-64d5-4b7b-9d0f-5f2f6f8f0a11", "A_z.9", &longest] {
            assert_eq!(given(&[id]).as_str(), id);
        }
        for wrong in [&["x".repeat(65).as_str()][..], &[""], &["a b"], &["a\"b"], &["\u{e4}"], &["a", "b"], &[]] {
            let id = given(wrong);
            assert!(!wrong.contains(&id.as_str()));
            assert!(id.as_str().len() == 32 && id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()), "{id:?}");
        }
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let ids: HashSet<String> = (0..1000).map(|_| given(&[]).as_str().to_owned()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
