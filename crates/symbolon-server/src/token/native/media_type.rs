//! What a body says that it is.

use axum::http::{HeaderMap, header};

/// Whether there is one `Content-Type`, and it is JSON in UTF-8.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(line) = line.to_str() else { return false };
    let mut parts = line.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) && parts.all(is_fine)
}

/// Whether a parameter changes nothing.
fn is_fine(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) => true,
        None => parameter.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CONTENT_TYPE, axum::http::HeaderValue::from_static(line));
        }
        is_json(&headers)
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for fine in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(of(&[fine]), "{fine}");
        }
        for wrong in ["text/plain", "application/jsonx", "application/json+x", "application/json; charset=utf-16", "a"]
        {
            assert!(!of(&[wrong]), "{wrong}");
        }
        assert!(!of(&[]) && !of(&["application/json", "application/json"]));
    }
}
