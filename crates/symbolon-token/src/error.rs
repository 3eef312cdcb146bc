//! Why a token is refused, and why one cannot be built.

use crate::service::ServiceKind;

/// Why a token is refused.
///
/// [`reason`](Self::reason) is stable and meant for programs; `Display` is a sentence for people that says what did
/// not match and what to do. Neither ever holds the token, a certificate, or what the token *would* have matched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is longer than the limit.
    #[error("the token is longer than {limit} characters; check that it is a token, and ask for fewer permissions")]
    TooLong {
        /// The longest text that is read.
        limit: usize,
    },
    /// The text ends before its version and fixed part do.
    #[error("the token is too short; check that it was copied whole")]
    TooShort,
    /// The text does not begin with a version that is accepted here.
    #[error("the token does not begin with 007; older formats are read only where they are switched on")]
    VersionUnsupported,
    /// The rest of the text is not strict base64.
    #[error("the token is not clean base64; check that it was copied whole, without line breaks or URL encoding")]
    Base64Invalid,
    /// The token inflates to more than the limit.
    #[error("the token inflates to more than {limit} bytes")]
    InflateLimit {
        /// The most bytes that are inflated.
        limit: usize,
    },
    /// The compressed part is no complete, correct zlib stream.
    #[error("the token's compressed part is damaged; check that it was copied whole")]
    ZlibInvalid,
    /// There are bytes behind the end of the token.
    #[error("there are bytes behind the end of the token; check that nothing was appended to it")]
    TrailingBytes,
    /// A length inside the token points past its end.
    #[error("the token ends inside a field; check that it was copied whole")]
    Truncated,
    /// No current certificate of the app makes this signature.
    #[error("the token's signature does not fit; check that it was made with this app's current certificate")]
    BadSignature,
    /// The app id inside the token is not 32 hex digits.
    #[error("the token's app id is not 32 hex digits")]
    AppIdInvalid,
    /// The app id inside the token is not known here, or not the one asked for.
    #[error("the token was made for another app id; check the app id, including upper and lower case")]
    AppIdMismatch,
    /// The app is known and disabled.
    #[error("this app is disabled")]
    ProjectDisabled,
    /// The channel asked for is no channel name.
    #[error(
        "the channel name asked for is not valid: 1 to 64 bytes from a-z A-Z 0-9, space and !#$%&()+-:;<=.>?@[]^_{{}}|~,"
    )]
    InvalidChannel,
    /// A text inside the token is not UTF-8.
    #[error("a name inside the token is not UTF-8")]
    NotUtf8,
    /// One privilege stands twice in one service.
    #[error("privilege {privilege} stands twice in one service of the token")]
    DuplicatePrivilege {
        /// The id that stands twice.
        privilege: u16,
    },
    /// The token was issued in the future, beyond the allowed clock skew.
    #[error("the token's issue time is {ahead_s} s ahead of the server's clock; check clock skew")]
    NotYetValid {
        /// Seconds from the server's clock to the issue time.
        ahead_s: u64,
    },
    /// The token's life is over.
    #[error("the token expired {ago_s} s ago (by the server's clock); ask for a new one")]
    Expired {
        /// Seconds from the token's end to the server's clock.
        ago_s: u64,
    },
    /// The token claims a longer life than is allowed.
    #[error(
        "the token's life of {life_s} s is longer than the {limit_s} s allowed; make it with a shorter expiry, in seconds and not as a date"
    )]
    LifetimeTooLong {
        /// The life that the token claims.
        life_s: u64,
        /// The longest life allowed.
        limit_s: u64,
    },
    /// The token has no service of the wanted kind, or only behind a service that is not known.
    #[error("the token holds no {wanted} service{}", stopped(*.stopped_at))]
    ServiceMissing {
        /// The service that was wanted.
        wanted: ServiceKind,
        /// The unknown service type at which reading stopped, if it did.
        stopped_at: Option<u16>,
    },
    /// No service of the wanted kind is for the channel asked for.
    #[error("the token was made for another channel than {asked:?}; names are compared exactly")]
    ChannelMismatch {
        /// The channel that was asked for.
        asked: String,
    },
    /// A service is for the channel, but for another user.
    #[error("the token was made for another user than {}; ids are compared exactly, as text", user(.asked))]
    UidMismatch {
        /// The user that was asked for; none when the server was to choose.
        asked: Option<String>,
    },
    /// A service fits, but does not grant the privilege.
    #[error("the token does not grant privilege {privilege} of {service}")]
    PrivilegeMissing {
        /// The service that was wanted.
        service: ServiceKind,
        /// The privilege that is absent.
        privilege: u16,
    },
    /// A service granted the privilege, but its time is over.
    #[error("privilege {privilege} of the token expired {ago_s} s ago (by the server's clock); ask for a new token")]
    PrivilegeExpired {
        /// The privilege that is over.
        privilege: u16,
        /// Seconds from its end to the server's clock.
        ago_s: u64,
    },
    /// The token is for channel `*`, and that is not taken here or not for any user.
    #[error("the token is for channel \"*\", which is {}", wildcard(*.any_user))]
    WildcardNotAllowed {
        /// Whether the reason is that the token is also for any user.
        any_user: bool,
    },
}

impl TokenError {
    /// The stable name of the reason, as in the format's specification.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::TooShort => "too_short",
            Self::VersionUnsupported => "version_unsupported",
            Self::Base64Invalid => "base64_invalid",
            Self::InflateLimit { .. } => "inflate_limit",
            Self::ZlibInvalid => "zlib_invalid",
            Self::TrailingBytes => "trailing_bytes",
            Self::Truncated => "truncated",
            Self::BadSignature => "bad_signature",
            Self::AppIdInvalid => "app_id_invalid",
            Self::AppIdMismatch => "app_id_mismatch",
            Self::ProjectDisabled => "project_disabled",
            Self::InvalidChannel => "invalid_channel",
            Self::NotUtf8 => "not_utf8",
            Self::DuplicatePrivilege { .. } => "duplicate_privilege",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Expired { .. } => "expired",
            Self::LifetimeTooLong { .. } => "lifetime_too_long",
            Self::ServiceMissing { .. } => "service_missing",
            Self::ChannelMismatch { .. } => "channel_mismatch",
            Self::UidMismatch { .. } => "uid_mismatch",
            Self::PrivilegeMissing { .. } => "privilege_missing",
            Self::PrivilegeExpired { .. } => "privilege_expired",
            Self::WildcardNotAllowed { .. } => "wildcard_not_allowed",
        }
    }
}

/// Why a token cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A token without a service grants nothing.
    #[error("a token needs at least one service")]
    NoServices,
    /// A string does not fit its 16-bit length.
    #[error("a name of {bytes} bytes cannot be written; the format's limit is 65535")]
    StringTooLong {
        /// The length of the string.
        bytes: usize,
    },
    /// A list does not fit its 16-bit count.
    #[error("a list of {count} entries cannot be written; the format's limit is 65535")]
    TooMany {
        /// The number of entries.
        count: usize,
    },
    /// Strict: the channel is outside the documented limits.
    #[error("a channel name has 1 to 64 bytes from a-z A-Z 0-9, space and !#$%&()+-:;<=.>?@[]^_{{}}|~,")]
    ChannelName,
    /// Strict: the user account is outside the documented limits.
    #[error("a user account has 1 to 255 bytes from a-z A-Z 0-9, space and !#$%&()+-:;<=.>?@[]^_{{}}|~,")]
    UserAccount,
    /// Strict: the RTM user id is outside the documented limits.
    #[error("an RTM user id has 1 to 64 bytes")]
    RtmUserId,
    /// Strict: the token or a privilege would live too long.
    #[error("a life of {life_s} s is longer than the 86400 s allowed; expiry is in seconds from now, not a date")]
    LifetimeTooLong {
        /// The life asked for, in seconds.
        life_s: u32,
    },
    /// Strict: a token for any channel must name its user.
    #[error("a token for channel \"*\" must be made for one user")]
    WildcardForAnyUser,
}

impl BuildError {
    /// The stable name of the reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoServices => "no_services",
            Self::StringTooLong { .. } => "string_too_long",
            Self::TooMany { .. } => "too_many",
            Self::ChannelName => "channel_name",
            Self::UserAccount => "user_account",
            Self::RtmUserId => "rtm_user_id",
            Self::LifetimeTooLong { .. } => "lifetime_too_long",
            Self::WildcardForAnyUser => "wildcard_for_any_user",
        }
    }
}

fn stopped(at: Option<u16>) -> String {
    at.map_or_else(String::new, |kind| format!(" before service type {kind}, which is not known here"))
}

fn user(asked: &Option<String>) -> String {
    asked.as_ref().map_or_else(|| "one chosen by the server".to_owned(), |asked| format!("{asked:?}"))
}

fn wildcard(any_user: bool) -> &'static str {
    if any_user { "never taken together with any user" } else { "not allowed for this app" }
}
