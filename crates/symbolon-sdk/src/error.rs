//! What a method refuses, with the numbers that applications know.

use symbolon_proto::code::ErrorCode;
use symbolon_proto::id::InvalidChannelName;

/// Why a method refused. A refused call changes nothing and fires no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The method needs an initialised engine, and `release` undoes that.
    #[error("the engine is not initialised: call initialize first")]
    NotInitialized,
    /// The engine's thread could not be started.
    #[error("the engine could not start its thread: {0}")]
    NotStarted(String),
    /// The App ID is not 32 hexadecimal characters.
    #[error("an App ID has 32 hexadecimal characters; this one is empty or malformed")]
    InvalidAppId,
    /// The engine runs with another App ID.
    #[error("the engine already runs with another App ID: release it and make a new one")]
    OtherAppId,
    /// No server is known.
    #[error("no server is known: give an access point in the context, with set_local_access_point or in {0}")]
    NoAccessPoint(&'static str),
    /// The server's address is not one.
    #[error("the server's address must look like ws://host:port or http://host:port: {0}")]
    InvalidAccessPoint(String),
    /// TLS is asked for, which this build does not have.
    #[error(
        "this engine has no TLS yet: wss:// and https:// do not work; use ws:// to a server on the same machine or \
         network, or a proxy beside it that adds TLS"
    )]
    NoTls,
    /// A join is under way, or the engine is in a channel or has failed there.
    #[error("a channel is still joined or has failed: call leave_channel before the next join")]
    AlreadyJoined,
    /// Nothing to leave.
    #[error("there is no channel to leave")]
    NotJoined,
    /// The channel name is malformed.
    #[error(transparent)]
    InvalidChannelName(#[from] InvalidChannelName),
    /// More than one video source.
    #[error("a connection publishes one video source: {0} are switched on")]
    TooManyVideoSources(usize),
    /// An option is out of its range.
    #[error("the option {option} is out of range: {range}")]
    OptionOutOfRange {
        /// The option.
        option: &'static str,
        /// What it may be.
        range: &'static str,
    },
    /// The display name is too long or holds control characters.
    #[error("a display name has at most 128 bytes and no control characters")]
    InvalidName,
    /// No token where one is needed.
    #[error("the token is empty")]
    EmptyToken,
    /// The text cannot be a token at all.
    #[error("this text is no token: tokens begin with 007 or 006 and are base64 after that")]
    MalformedToken,
    /// The method needs a channel.
    #[error("this needs a channel: join one first")]
    NotInChannel,
    /// The profile is fixed by a join.
    #[error("the channel profile is set before the join: leave the channel first")]
    ProfileAfterJoin,
    /// The communication profile knows no roles.
    #[error("the communication profile has no roles: everyone may publish")]
    NoRolesInCommunication,
    /// A callback would wait for itself.
    #[error("release(true) waits for the callbacks to end: inside one, call release(false)")]
    ReleaseInsideCallback,
    /// The options publish no track of this kind.
    #[error("no such track is published: switch one on in the channel media options")]
    TrackNotPublished,
    /// Too many members are muted, or not, one by one.
    #[error("at most 1024 members can be muted one by one: use the call for all of them")]
    TooManyExceptions,
    /// Too many members are looked at in a way of their own.
    #[error("at most 1024 members can have a stream or a priority of their own: set the default for all of them")]
    TooManyViews,
    /// 0 is no member.
    #[error("0 is no member's uid")]
    InvalidUid,
    /// The handler is not registered.
    #[error("this handler is not registered")]
    UnknownHandler,
    /// The codec is of the other kind.
    #[error("{0:?} is not a codec for this method")]
    WrongKind(crate::Codec),
    /// The server did not agree to this codec.
    #[error("the server does not take {0:?}")]
    CodecNotAgreed(crate::Codec),
    /// Frames come in faster than the network takes them.
    #[error("the network does not keep up: this frame was dropped")]
    SendQueueFull,
}

impl EngineError {
    /// The negative integer that the other bindings return.
    pub fn code(&self) -> i32 {
        -i32::from(self.error_code().number())
    }

    /// The code behind [`EngineError::code`].
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Self::NotInitialized | Self::NotStarted(_) => ErrorCode::NotInitialized,
            Self::InvalidAppId => ErrorCode::InvalidAppId,
            Self::OtherAppId | Self::NotInChannel | Self::ProfileAfterJoin => ErrorCode::InvalidState,
            Self::NoAccessPoint(_) | Self::InvalidAccessPoint(_) => ErrorCode::InvalidArgument,
            Self::NoTls | Self::CodecNotAgreed(_) => ErrorCode::NotSupported,
            Self::AlreadyJoined => ErrorCode::JoinChannelRejected,
            Self::NotJoined => ErrorCode::LeaveChannelRejected,
            Self::InvalidChannelName(_) => ErrorCode::InvalidChannelName,
            Self::TooManyVideoSources(_)
            | Self::OptionOutOfRange { .. }
            | Self::InvalidName
            | Self::UnknownHandler
            | Self::EmptyToken
            | Self::WrongKind(_) => ErrorCode::InvalidArgument,
            Self::MalformedToken => ErrorCode::InvalidToken,
            Self::NoRolesInCommunication | Self::ReleaseInsideCallback => ErrorCode::Refused,
            Self::TrackNotPublished => ErrorCode::NotReady,
            Self::SendQueueFull | Self::TooManyExceptions | Self::TooManyViews => ErrorCode::ResourceLimited,
            Self::InvalidUid => ErrorCode::InvalidUserId,
        }
    }
}

/// A sentence for any code of the engine, positive or negative. Never empty.
pub fn error_description(code: i32) -> &'static str {
    let number = code.unsigned_abs();
    let known = u16::try_from(number).ok().and_then(ErrorCode::from_number);
    known.map_or_else(|| device_description(number), code_description)
}

/// Codes that no message of ours carries, but applications may ask about.
fn device_description(number: u32) -> &'static str {
    match number {
        1001 => "the media engine could not be loaded",
        1008 => "the audio playout device could not be initialised",
        1009 => "the audio playout device could not be started",
        1010 => "the audio playout device could not be stopped",
        1011 => "the audio recording device could not be initialised",
        1012 => "the audio recording device could not be started",
        1013 => "the audio recording device could not be stopped",
        _ => "unknown error code",
    }
}

fn code_description(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Ok => "no error",
        ErrorCode::Failed => "failed for no better-known reason",
        ErrorCode::InvalidArgument => "an argument is out of range or malformed",
        ErrorCode::NotReady => "not ready yet",
        ErrorCode::NotSupported => "not supported here",
        ErrorCode::Refused => "refused: not allowed now",
        ErrorCode::BufferTooSmall => "a buffer is too small",
        ErrorCode::NotInitialized => "the engine is not initialised",
        ErrorCode::InvalidState => "not possible in this state",
        ErrorCode::NoPermission => "a permission is missing",
        ErrorCode::TimedOut => "it took too long",
        ErrorCode::Canceled => "cancelled",
        ErrorCode::TooOften => "called too often",
        ErrorCode::BindSocket => "a socket could not be bound",
        ErrorCode::NetDown => "the network is down",
        ErrorCode::JoinChannelRejected => "the join was refused: leave the channel first",
        ErrorCode::LeaveChannelRejected => "there is no channel to leave",
        ErrorCode::AlreadyInUse => "in use already",
        ErrorCode::Aborted => "given up",
        ErrorCode::InitNetEngine => "the network engine could not start",
        ErrorCode::ResourceLimited => "a limit has been reached",
        ErrorCode::FuncIsProhibited => "this function is forbidden",
        ErrorCode::InvalidAppId => "the App ID is malformed, unknown or disabled",
        ErrorCode::InvalidChannelName => "the channel name is malformed",
        ErrorCode::NoServerResources => "the server has no room",
        ErrorCode::TokenExpired => "the token, or its right to join, has ended",
        ErrorCode::InvalidToken => "the token does not open this channel for this user",
        ErrorCode::ConnectionInterrupted => "the connection has been interrupted",
        ErrorCode::ConnectionLost => "the connection has been lost",
        ErrorCode::NotInChannel => "not in a channel",
        ErrorCode::SizeTooLarge => "the message is too large",
        ErrorCode::BitrateLimit => "too much data in a second",
        ErrorCode::TooManyDataStreams => "too many data streams",
        ErrorCode::StreamMessageTimeout => "the data message came too late",
        ErrorCode::SetClientRoleNotAuthorized => "the token does not allow this role",
        ErrorCode::DecryptionFailed => "media could not be decrypted",
        ErrorCode::InvalidUserId => "the uid is out of range",
        ErrorCode::DatastreamDecryptionFailed => "a data stream could not be decrypted",
        ErrorCode::ClientIsBannedByServer => "a rule of the operator keeps this user out",
        ErrorCode::EncryptedStreamNotAllowedPublish => "an encrypted stream may not be published there",
        ErrorCode::LicenseCredentialInvalid => "the licence is not valid",
        ErrorCode::InvalidUserAccount => "the user account is malformed",
        ErrorCode::ModuleNotFound => "a module is missing",
        ErrorCode::AdmGeneralError => "the audio devices failed",
        ErrorCode::CameraNotPermitted => "the camera may not be used",
        _ => "an error without a description",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_of_its_own_whatever_its_sign() {
        let devices = [1001, 1008, 1009, 1010, 1011, 1012, 1013];
        let known = ErrorCode::ALL.iter().map(|code| i32::from(code.number()));
        for code in known.chain(devices) {
            let words = error_description(code);
            assert_eq!(words, error_description(-code));
            assert!(!words.is_empty() && !words.contains("without") && !words.starts_with("unknown"), "{code}");
        }
        for code in [999, i32::MIN, i32::MAX] {
            assert_eq!(error_description(code), "unknown error code");
        }
    }

    #[test]
    fn codes_are_the_negatives_of_the_public_numbers() {
        let all = [
            (EngineError::NotInitialized, -7),
            (EngineError::InvalidAppId, -101),
            (EngineError::OtherAppId, -8),
            (EngineError::AlreadyJoined, -17),
            (EngineError::NotJoined, -18),
            (EngineError::InvalidChannelName(InvalidChannelName), -102),
            (EngineError::TooManyVideoSources(2), -2),
            (EngineError::EmptyToken, -2),
            (EngineError::MalformedToken, -110),
            (EngineError::NotInChannel, -8),
            (EngineError::ReleaseInsideCallback, -5),
            (EngineError::NoRolesInCommunication, -5),
        ];
        for (error, code) in all {
            assert_eq!(error.code(), code, "{error}");
        }
    }
}
