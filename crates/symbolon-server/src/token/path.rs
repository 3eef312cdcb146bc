//! Paths of the token routes. Segments are split first and percent-decoded after, once.

use axum::http::Method;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Ping,
    Rtc(Place<'a>),
    Rtm {
        uid: &'a str,
    },
    Rte {
        place: Place<'a>,
        rtm_uid: &'a str,
    },
    ChatApp,
    ChatAccount {
        user: &'a str,
    },
    GetToken,
    /// The same with another slash at its end.
    Redirect(Slash),
    NotFound,
}

/// The four segments that name a channel and who enters it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) channel: &'a str,
    pub(super) role: &'a str,
    pub(super) token_type: &'a str,
    pub(super) uid: &'a str,
}

/// How a path is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    Add,
    Remove,
}

impl<'a> Route<'a> {
    /// Finds the route of a path as it stands in the request line.
    pub(super) fn find(method: &Method, path: &'a str) -> Self {
        let mut segments = [""; MAX_SEGMENTS];
        let mut found = 0;
        for segment in path.split('/').skip(1) {
            let Some(place) = segments.get_mut(found) else { return Self::NotFound };
            (*place, found) = (segment, found + 1);
        }
        let segments = &segments[..found];
        // An encoded slash is still a slash, so such a path has more segments than any route.
        if path.as_bytes().windows(3).any(|three| three.eq_ignore_ascii_case(b"%2f")) {
            return Self::NotFound;
        }
        match *method {
            Method::GET => Self::get(segments),
            Method::HEAD if segments == ["ping"] => Self::Ping,
            Method::POST => Self::post(segments),
            _ => Self::NotFound,
        }
    }

    /// The word for it in the audit.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Rtc(_) => "rtc",
            Self::Rtm { .. } => "rtm",
            Self::Rte { .. } => "rte",
            Self::ChatApp | Self::ChatAccount { .. } => "chat",
            Self::GetToken => "getToken",
            Self::Redirect(_) | Self::NotFound => "none",
        }
    }

    fn get(segments: &[&'a str]) -> Self {
        let place = |&[channel, role, token_type, uid]: &[&'a str; 4]| Place { channel, role, token_type, uid };
        match segments {
            ["ping"] => Self::Ping,
            ["ping", ""] => Self::Redirect(Slash::Remove),
            ["rtc", rest @ .., ""] if rest.len() == 4 => Self::Rtc(place(rest.try_into().expect("four segments"))),
            ["rtm", uid, ""] => Self::Rtm { uid },
            ["rte", channel, role, token_type, uid, ""] => {
                Self::Rte { place: place(&[channel, role, token_type, uid]), rtm_uid: "" }
            }
            ["rte", channel, role, token_type, uid, rtm_uid, ""] => {
                Self::Rte { place: place(&[channel, role, token_type, uid]), rtm_uid }
            }
            ["chat", "app", ""] => Self::ChatApp,
            ["chat", "account", user, ""] => Self::ChatAccount { user },
            ["chat", "app"] => Self::Redirect(Slash::Add),
            ["rtc", _, _, _, last]
            | ["rtm", last]
            | ["rte", _, _, _, last]
            | ["rte", _, _, _, _, last]
            | ["chat", "account", last]
                if !last.is_empty() =>
            {
                Self::Redirect(Slash::Add)
            }
            _ => Self::NotFound,
        }
    }

    fn post(segments: &[&'a str]) -> Self {
        match segments {
            ["getToken"] => Self::GetToken,
            ["getToken", ""] => Self::Redirect(Slash::Remove),
            _ => Self::NotFound,
        }
    }
}

/// Whether a path belongs to the usual token server, whatever follows its first segment.
pub(super) fn is_usual(path: &str) -> bool {
    let first = path.split('/').nth(1);
    first.is_some_and(|first| matches!(first, "ping" | "rtc" | "rtm" | "rte" | "chat" | "getToken"))
}

/// Decodes one segment, or one part of a query.
///
/// Absent when a percent sign is not followed by two hexadecimal digits, or the outcome is no UTF-8.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// The first value of a parameter of a query. `Some(None)` when it is there and cannot be decoded.
pub(super) fn query_value(query: &str, name: &str) -> Option<Option<String>> {
    let decode = |text: &str| percent_decode(&text.replace('+', " "));
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key).as_deref() == Some(name)).then(|| decode(value))
    })
}

/// The most segments of a route: one more than the longest has is none.
const MAX_SEGMENTS: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Route<'_> {
        Route::find(&Method::GET, path)
    }

    #[test]
    fn empty_segments_are_segments() {
        let place = Place { channel: "", role: "", token_type: "uid", uid: "" };
        assert_eq!(get("/rtc///uid//"), Route::Rtc(place));
        assert_eq!(get("/rtm//"), Route::Rtm { uid: "" });
        assert_eq!(get("/rtm/"), Route::NotFound);
        assert_eq!(get("/chat/account//"), Route::ChatAccount { user: "" });
        assert_eq!(get("/chat/account/"), Route::NotFound);
        let place = Place { channel: "c", role: "r", token_type: "t", uid: "u" };
        assert_eq!(get("/rte/c/r/t/u/"), Route::Rte { place, rtm_uid: "" });
        assert_eq!(get("/rte/c/r/t/u//"), Route::Rte { place, rtm_uid: "" });
        assert_eq!(get("/rte/c/r/t/u/m/"), Route::Rte { place, rtm_uid: "m" });
    }

    #[test]
    fn a_missing_slash_is_mended_and_other_paths_are_not() {
        for path in ["/rtc/c/r/t/u", "/rtm/u", "/rte/c/r/t/u", "/rte/c/r/t/u/m", "/chat/app", "/chat/account/u"] {
            assert_eq!(get(path), Route::Redirect(Slash::Add), "{path}");
        }
        assert_eq!(get("/ping/"), Route::Redirect(Slash::Remove));
        for path in [
            "/",
            "",
            "/rtc",
            "/rtc/",
            "/rtc/c/r/t/",
            "/rtc/c/r/t/u/x/",
            "/rtm",
            "/chat",
            "/chat/x/",
            "/getToken",
            "/Ping",
        ] {
            assert_eq!(get(path), Route::NotFound, "{path}");
        }
        for path in ["/rtc/a%2fb/r/t/u/", "/rtc/..%2F..%2Fx/r/t/u/", "/rtc/../admin/publisher/uid/1/"] {
            assert_eq!(get(path), Route::NotFound, "{path}");
        }
    }

    #[test]
    fn methods_matter() {
        assert_eq!(Route::find(&Method::POST, "/getToken"), Route::GetToken);
        assert_eq!(Route::find(&Method::POST, "/getToken/"), Route::Redirect(Slash::Remove));
        assert_eq!(Route::find(&Method::POST, "/rtm/u/"), Route::NotFound);
        assert_eq!(Route::find(&Method::HEAD, "/ping"), Route::Ping);
        assert_eq!(Route::find(&Method::HEAD, "/rtm/u/"), Route::NotFound);
        assert_eq!(Route::find(&Method::TRACE, "/ping"), Route::NotFound);
    }

    #[test]
    fn decoding_happens_once() {
        assert_eq!(percent_decode("%252e%252e").as_deref(), Some("%2e%2e"));
        assert_eq!(percent_decode("%E6%B5%8B+x").as_deref(), Some("测+x"));
        for wrong in ["%", "%2", "%zz", "%ff", "%+1"] {
            assert_eq!(percent_decode(wrong), None, "{wrong}");
        }
        assert_eq!(query_value("expiry=6%30&expiry=1", "expiry"), Some(Some("60".to_owned())));
        assert_eq!(query_value("a=1&e%78piry=+60", "expiry"), Some(Some(" 60".to_owned())));
        assert_eq!(query_value("expiry", "expiry"), Some(Some(String::new())));
        assert_eq!(query_value("expiry=%zz", "expiry"), Some(None));
        assert_eq!(query_value("xexpiry=1&&=", "expiry"), None);
    }
}
