//! What every answer of the token routes has to keep, whatever is asked: no answer is the server's fault, an error is in
//! the form that it says, and a token grants exactly what the request names, to nobody else and for a day at most.
//!
//! An input is a request as text: `METHOD target`, headers a line each, an empty line, the body. One that begins with `~`
//! goes to a server that is as lax as settings allow, with every optional route; the rest to one that is strict.

mod expect;
mod fields;
mod grant;

use symbolon_server::Config;
use symbolon_server::in_process::{InProcess, InProcessAnswer};

use self::expect::Asked;
use crate::{APP_ID, CERTIFICATE};

/// Two servers, and what they have to keep.
pub struct Oracle {
    strict: InProcess,
    lax: InProcess,
}

impl Oracle {
    /// Starts the servers.
    pub fn new() -> Self {
        let lax = [
            ("SYMBOLON_STRICT", "0"),
            ("SYMBOLON_ROUTES", "fetch,generate,node,access_token,middleware"),
            ("SYMBOLON_ISSUE_006", "1"),
        ];
        Self { strict: server(&[]), lax: server(&lax) }
    }

    /// Sends a request and panics where the answer is not as it must be.
    ///
    /// Returns the answer's status; `None` where the input is no request, or tells the certificate itself.
    pub fn hold(&self, input: &[u8]) -> Option<u16> {
        if tells_the_certificate(input) {
            // An answer may repeat what was asked, and a fuzzer finds every word that it is searched for.
            return None;
        }
        let (strict, input) = input.strip_prefix(b"~").map_or((true, input), |rest| (false, rest));
        let (head, body) = split(input, b"\n\n").unwrap_or((input, b""));
        let mut lines = head.split(|byte| *byte == b'\n');
        let (method, target) = split(lines.next()?, b" ")?;
        let headers: Vec<_> = lines.map(|line| split(line, b": ")).collect::<Option<_>>()?;
        let server = if strict { &self.strict } else { &self.lax };
        let answer = server.answer(method, target, &headers, body)?;
        check_head(&answer);
        if method == b"HEAD" {
            assert!(answer.body.is_empty(), "{answer:?}");
        } else {
            check_body(&answer);
        }
        let asked = Asked { method, target: std::str::from_utf8(target).ok()?, body, strict };
        match answer.status {
            200 => asked.check_tokens(&answer.body),
            500 => asked.check_fault(&answer.body),
            _ => {}
        }
        Some(answer.status)
    }
}

impl Default for Oracle {
    fn default() -> Self {
        Self::new()
    }
}

fn server(more: &[(&str, &str)]) -> InProcess {
    let environment = |name: &str| {
        let known = more.iter().chain(SETTINGS).find(|(known, _)| *known == name);
        known.map(|(_, value)| (*value).to_owned())
    };
    let config = Config::load(None, &environment).expect("the settings are right");
    InProcess::new(&config).expect("the settings go together")
}

/// Whether an input has the certificate in it, as it is or percent-encoded.
fn tells_the_certificate(input: &[u8]) -> bool {
    let mut rest = input;
    let mut plain = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| *first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        let decoded = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        plain.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    [input, &plain].into_iter().any(|bytes| bytes.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE.as_bytes()))
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(by.len()).position(|window| window == by)?;
    Some((&bytes[..at], &bytes[at + by.len()..]))
}

/// The value of a header; empty when there is none.
fn header<'a>(answer: &'a InProcessAnswer, name: &str) -> &'a str {
    let value = answer.headers.iter().find(|(known, _)| known == name).map_or(&b""[..], |(_, value)| value);
    std::str::from_utf8(value).expect("our headers are texts")
}

/// An answer is one of ours, and leads nowhere else.
fn check_head(answer: &InProcessAnswer) {
    assert!(STATUSES.contains(&answer.status), "{answer:?}");
    assert!(!header(answer, "x-request-id").is_empty(), "{answer:?}");
    let location = header(answer, "location");
    let is_ours = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
    assert!(is_ours || location.is_empty(), "{location}");
}

/// A body is what the answer says that it is, and tells no secret.
fn check_body(answer: &InProcessAnswer) {
    let text = String::from_utf8_lossy(&answer.body);
    assert!(!text.contains(CERTIFICATE), "the certificate is in an answer");
    let kind = header(answer, "content-type");
    if kind.starts_with("application/problem+json") {
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("a problem is JSON");
        assert_eq!(problem["status"], answer.status, "{problem}");
        for field in ["type", "title", "detail", "code", "requestId"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
        }
        assert_eq!(problem["requestId"], header(answer, "x-request-id"), "{problem}");
    } else if kind.starts_with("application/json") {
        let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("what says so is JSON");
        assert!(json.is_object(), "{json}");
    } else if kind.starts_with("text/plain") && answer.status >= 400 {
        assert!(!text.trim_end_matches('\n').chars().any(char::is_control), "more than a line: {text:?}");
    }
}

const SETTINGS: &[(&str, &str)] = &[
    ("APP_ID", APP_ID),
    ("APP_CERTIFICATE", CERTIFICATE),
    ("SYMBOLON_ROLE", "token"),
    ("SYMBOLON_OPEN", "1"),
    ("SYMBOLON_LISTEN", "127.0.0.1"),
    ("SYMBOLON_LIMIT_PER_ADDRESS", "0"),
    ("SYMBOLON_LIMIT_PER_CALLER", "0"),
    ("SYMBOLON_LIMIT_PER_APP", "0"),
];

/// Every status that these servers answer with. 500 is looked at closely.
const STATUSES: &[u16] = &[200, 204, 301, 304, 307, 400, 401, 403, 404, 405, 413, 414, 415, 426, 500];
