//! The name of one request, to be found again in the answer, the audit and the caller's own log.

use std::cell::RefCell;
use std::fmt;

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};

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
        let id = POOL.with_borrow_mut(Pool::draw);
        Self(HeaderValue::try_from(format!("{id:032x}")).expect("hexadecimal digits are visible ASCII"))
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

/// Random bytes of the operating system, fetched many at a time: asking for each id's alone would cost more than the rest
/// of it.
struct Pool {
    bytes: [u8; 1024],
    used: usize,
}

impl Pool {
    fn draw(&mut self) -> u128 {
        if self.used == self.bytes.len() {
            // Ids need not be secret. Without a random source those of before are turned into others.
            if getrandom::fill(&mut self.bytes).is_err() {
                self.bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(5).wrapping_add(1));
            }
            self.used = 0;
        }
        let drawn = self.bytes[self.used..].first_chunk().expect("the pool is a whole number of ids");
        self.used += size_of::<u128>();
        u128::from_be_bytes(*drawn)
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 1024], used: 1024 }) };
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
