//! Texts in the shape that the usual token server, a Go program, gives them. Clients compare some of them.

/// Why a text is no unsigned decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    /// Something else than digits.
    Syntax,
    /// More than fits.
    Range,
}

/// Reads decimal digits as Go does: no sign, no space, at least one digit.
pub(super) fn parse_uint(text: &str, max: u64) -> Result<u64, NumberError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    match text.parse::<u64>() {
        Ok(number) if number <= max => Ok(number),
        _ => Err(NumberError::Range),
    }
}

/// The error text for such a number.
pub(super) fn parse_uint_error(text: &str, error: NumberError) -> String {
    let why = match error {
        NumberError::Syntax => "invalid syntax",
        NumberError::Range => "value out of range",
    };
    format!("strconv.ParseUint: parsing {}: {why}", quote(text))
}

/// A text in double quotes, with everything escaped that does not print.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => quoted.push_str(&format!("\\x{:02x}", char as u32)),
            // Rust's notion of what prints is close to Go's.
            _ if char.escape_debug().count() == 1 => quoted.push(char),
            '\0'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", char as u32)),
            _ => quoted.push_str(&format!("\\U{:08x}", char as u32)),
        }
    }
    quoted.push('"');
    quoted
}

/// A JSON string, with the characters escaped that mean something in HTML.
pub(super) fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    for char in serde_json::Value::from(text).to_string().chars() {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => json.push_str(&format!("\\u{:04x}", char as u32)),
            _ => json.push(char),
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(parse_uint("0042", u64::MAX), Ok(42));
        assert_eq!(parse_uint("18446744073709551615", u64::MAX), Ok(u64::MAX));
        assert_eq!(parse_uint("18446744073709551616", u64::MAX), Err(NumberError::Range));
        assert_eq!(parse_uint("4294967296", u32::MAX.into()), Err(NumberError::Range));
        for wrong in ["", "+1", "-1", " 1", "1 ", "1.0", "0x3c", "１"] {
            assert_eq!(parse_uint(wrong, u64::MAX), Err(NumberError::Syntax), "{wrong}");
        }
    }

    #[test]
    fn texts_are_quoted_and_escaped() {
        assert_eq!(quote("a\"b\\c\n\x1b]"), r#""a\"b\\c\n\x1b]""#);
        assert_eq!(quote("测\u{200b}"), "\"测\\u200b\"");
        assert_eq!(json_string("a\"<b>&\u{7}"), r#""a\"\u003cb\u003e\u0026\u0007""#);
    }
}
