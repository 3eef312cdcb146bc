//! The documented character set and lengths of names.

/// Whether a text may be asked for as a channel: 1 to 64 bytes, each one of the 89 allowed characters.
///
/// The wildcard `*` is not among them: nobody joins the channel `*`.
///
/// ```
/// use symbolon_token::channel_name_is_valid;
///
/// assert!(channel_name_is_valid("room-1"));
/// assert!(!channel_name_is_valid(""));
/// assert!(!channel_name_is_valid("*"));
/// assert!(!channel_name_is_valid("café"));
/// ```
pub fn channel_name_is_valid(name: &str) -> bool {
    (1..=CHANNEL_MAX).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Whether a text may be an RTC user account: 1 to 255 bytes, each one of the 89 allowed characters.
pub fn user_account_is_valid(account: &str) -> bool {
    (1..=ACCOUNT_MAX).contains(&account.len()) && account.bytes().all(is_allowed)
}

/// Whether a text may be an RTM user id when building strictly: 1 to 64 bytes.
pub(crate) fn rtm_user_id_is_valid(user_id: &str) -> bool {
    (1..=RTM_USER_MAX).contains(&user_id.len())
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || PUNCTUATION.contains(&byte)
}

/// The allowed characters that are neither letters nor digits.
const PUNCTUATION: &[u8; 27] = b" !#$%&()+-:;<=.>?@[]^_{}|~,";

/// Longest channel name in bytes.
pub(crate) const CHANNEL_MAX: usize = 64;

/// Longest RTC user account in bytes.
const ACCOUNT_MAX: usize = 255;

/// Longest RTM user id in bytes.
const RTM_USER_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_89_characters_are_allowed() {
        assert_eq!((0..=255).filter(|&byte| is_allowed(byte)).count(), 89);
        assert!(!is_allowed(b'*') && !is_allowed(b'/') && !is_allowed(b'\\') && !is_allowed(b'"'));
    }

    #[test]
    fn lengths_are_counted_in_bytes_and_the_limit_itself_passes() {
        assert!(channel_name_is_valid(&"x".repeat(64)));
        assert!(!channel_name_is_valid(&"x".repeat(65)));
        assert!(user_account_is_valid(&"x".repeat(255)));
        assert!(!user_account_is_valid(&"x".repeat(256)));
        assert!(!user_account_is_valid(""));
    }
}
