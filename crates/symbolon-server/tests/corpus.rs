//! Every request of the fuzzer's corpus, and requests made of parts of them, held against what each answer has to keep.

#[path = "../../../fuzz/src/http/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzz crate has it as a library")]
mod http;

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::http::Oracle;

pub(crate) const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
pub(crate) const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";

#[test]
fn every_answer_is_as_it_must_be() {
    let oracle = Oracle::new();
    let mut answered = BTreeMap::<u16, usize>::new();
    for input in corpus() {
        let status = hold(&oracle, &input).unwrap_or_default();
        *answered.entry(status).or_default() += 1;
    }
    for status in [200, 204, 301, 307, 400, 401, 404, 405, 413, 415, 500] {
        assert!(answered.contains_key(&status), "no request of the corpus is answered with {status}: {answered:?}");
    }
    assert!(answered[&200] >= 40, "{answered:?}");
}

/// What is done to a request.
#[derive(Clone, Debug)]
enum Change {
    Insert(Index, &'static str),
    Remove(Index, usize),
    Set(Index, u8),
    /// Goes on as another request does after the same word.
    Splice(Index, &'static str),
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            (any::<Index>(), select(WORDS)).prop_map(|(at, word)| Self::Insert(at, word)),
            (any::<Index>(), 1..9_usize).prop_map(|(at, length)| Self::Remove(at, length)),
            (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Self::Set(at, byte)),
            (any::<Index>(), select(SEAMS)).prop_map(|(other, seam)| Self::Splice(other, seam)),
        ]
    }

    fn apply(&self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        match self {
            Self::Insert(at, word) => {
                let at = at.index(input.len() + 1);
                input.splice(at..at, word.bytes());
            }
            Self::Remove(at, length) => {
                let at = at.index(input.len() + 1);
                input.drain(at..input.len().min(at + length));
            }
            Self::Set(at, byte) => {
                if !input.is_empty() {
                    let at = at.index(input.len());
                    input[at] = *byte;
                }
            }
            Self::Splice(other, seam) => {
                let other = other.get(corpus);
                if let (Some(here), Some(there)) = (place(input, seam), place(other, seam)) {
                    input.truncate(here);
                    input.extend(&other[there..]);
                }
            }
        }
    }
}

#[test]
fn changed_requests_are_answered_as_they_must_be() {
    let (oracle, corpus) = (Oracle::new(), corpus());
    let changes = proptest::collection::vec(Change::any(), 1..6);
    let config = ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() };
    proptest!(config, |(start: Index, changes in changes)| {
        let mut input = start.get(&corpus).clone();
        for change in &changes {
            change.apply(&mut input, &corpus);
        }
        hold(&oracle, &input);
    });
}

/// Holds one request against the oracle, and names it where it fails.
fn hold(oracle: &Oracle, input: &[u8]) -> Option<u16> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| oracle.hold(input)));
    outcome.unwrap_or_else(|_| panic!("the request was {:?}", String::from_utf8_lossy(input)))
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/http_bodies");
    let files = std::fs::read_dir(folder).expect("the corpus");
    files.map(|file| std::fs::read(file.expect("a file").path()).expect("an input")).collect()
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES)
}

fn place(input: &[u8], seam: &str) -> Option<usize> {
    input.windows(seam.len()).position(|window| window == seam.as_bytes())
}

/// More with the variable `PROPTEST_CASES`.
const CASES: u32 = 4_000;

const SEAMS: &[&str] = &["\n\n", "/uid/", "\"uid\"", "\"role\"", ",", ":", "/", "?"];

const WORDS: &[&str] = &[
    "0",
    "00",
    "1",
    "4294967295",
    "4294967296",
    "86400",
    "86401",
    "-1",
    "+1",
    "1e3",
    ".5",
    "null",
    "true",
    "false",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "%00",
    "%25",
    "%2f",
    "%",
    "%ff",
    "+",
    "&",
    "=",
    "?",
    "/",
    "//",
    "*",
    ",",
    ":",
    "[",
    "]",
    "{",
    "}",
    "{\"",
    "\":",
    "publisher",
    "subscriber",
    "uid",
    "UID",
    "Channel",
    "\"channel\":\"d\",",
    "\"uid\":\"9\",",
    "\"uid\":9,",
    "\"expire\":9,",
    "\"expiresIn\":9,",
    "\"account\":\"x\",",
    "\"services\":[],",
    "\u{7f}",
    "\u{e9}",
    "\u{202e}",
    "\n",
    "\r\n",
];
