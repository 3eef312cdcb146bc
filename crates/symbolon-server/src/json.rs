//! A bound on how deep JSON may nest, checked before it is parsed.

/// The deepest nesting that is read.
pub(crate) const MAX_DEPTH: usize = 32;

/// Whether the first JSON value of a text nests no deeper than [`MAX_DEPTH`]. What is no JSON at all is for the parser
/// to refuse.
pub(crate) fn depth_is_bounded(text: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return true;
                }
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nesting_counts() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(depth_is_bounded(nested(32).as_bytes()));
        assert!(!depth_is_bounded(nested(33).as_bytes()));
        assert!(!depth_is_bounded("[".repeat(100_000).as_bytes()));
        assert!(depth_is_bounded(format!("\"{}\"", "[{".repeat(50)).as_bytes()));
        assert!(depth_is_bounded(format!(r#"{{"a":"\"{}"}}"#, "[".repeat(50)).as_bytes()));
        assert!(depth_is_bounded(format!("[{}]", "[],".repeat(100) + "[]").as_bytes()));
        assert!(depth_is_bounded(format!("{{}}{}", nested(50)).as_bytes()));
    }
}
