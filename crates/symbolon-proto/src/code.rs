//! Numbers that applications know: error codes, connection states and reasons, with the values of the public
//! native API.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares an enum that travels as its number.
macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(test, derive(ts_rs::TS), ts(type = "number"))]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum $name {
            $($(#[$vmeta])* $variant = $value,)+
        }

        impl $name {
            /// Every value, in ascending order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number on the wire and in every binding.
            pub fn number(self) -> u16 {
                self as u16
            }

            /// The value with this number, if there is one.
            pub fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($value => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u16(self.number())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = u16::deserialize(deserializer)?;
                Self::from_number(number).ok_or_else(|| {
                    serde::de::Error::custom(format_args!("{number} is no {}", stringify!($name)))
                })
            }
        }
    };
}

numbered! {
    /// What went wrong, as `onError` reports it. A method returns the negative.
    ErrorCode {
        /// No error.
        Ok = 0,
        /// Failed for no better-known reason.
        Failed = 1,
        /// An argument is out of range or malformed.
        InvalidArgument = 2,
        /// Not ready yet.
        NotReady = 3,
        /// Not supported here.
        NotSupported = 4,
        /// Refused by the rules.
        Refused = 5,
        /// A buffer is too small.
        BufferTooSmall = 6,
        /// The engine has not been initialised.
        NotInitialized = 7,
        /// Not possible in this state.
        InvalidState = 8,
        /// A permission is missing.
        NoPermission = 9,
        /// It took too long.
        TimedOut = 10,
        /// Cancelled.
        Canceled = 11,
        /// Called too often.
        TooOften = 12,
        /// A socket could not be bound.
        BindSocket = 13,
        /// The network is down.
        NetDown = 14,
        /// The join was refused.
        JoinChannelRejected = 17,
        /// The leave was refused.
        LeaveChannelRejected = 18,
        /// In use already.
        AlreadyInUse = 19,
        /// Given up.
        Aborted = 20,
        /// The network engine could not start.
        InitNetEngine = 21,
        /// A limit has been reached.
        ResourceLimited = 22,
        /// Forbidden function.
        FuncIsProhibited = 23,
        /// The App ID is malformed, unknown or disabled.
        InvalidAppId = 101,
        /// The channel name is malformed.
        InvalidChannelName = 102,
        /// The server has no room.
        NoServerResources = 103,
        /// The token, or its join privilege, is over.
        TokenExpired = 109,
        /// The token does not open this channel for this user.
        InvalidToken = 110,
        /// The connection has been interrupted.
        ConnectionInterrupted = 111,
        /// The connection has been lost.
        ConnectionLost = 112,
        /// Not in a channel.
        NotInChannel = 113,
        /// A message is too large.
        SizeTooLarge = 114,
        /// Too much data in a second.
        BitrateLimit = 115,
        /// Too many data streams.
        TooManyDataStreams = 116,
        /// A data message came too late.
        StreamMessageTimeout = 117,
        /// The token does not allow that role.
        SetClientRoleNotAuthorized = 119,
        /// Media could not be decrypted.
        DecryptionFailed = 120,
        /// The uid is out of range.
        InvalidUserId = 121,
        /// A data stream could not be decrypted.
        DatastreamDecryptionFailed = 122,
        /// A rule of the operator keeps this user out.
        ClientIsBannedByServer = 123,
        /// An encrypted stream may not be published there.
        EncryptedStreamNotAllowedPublish = 130,
        /// The licence is not valid.
        LicenseCredentialInvalid = 131,
        /// The user account is malformed.
        InvalidUserAccount = 134,
        /// A module is missing.
        ModuleNotFound = 157,
        /// The media engine could not be loaded.
        AdmGeneralError = 1005,
        /// The camera could not be opened.
        CameraNotPermitted = 1501,
    }
}

numbered! {
    /// Where a connection stands.
    ConnectionState {
        /// Before the first join, after a leave, after an invalid token.
        Disconnected = 1,
        /// A join is under way.
        Connecting = 2,
        /// In the channel.
        Connected = 3,
        /// Was in the channel and is working on coming back.
        Reconnecting = 4,
        /// Given up; the application must leave before it joins again.
        Failed = 5,
    }
}

numbered! {
    /// Why the state of a connection changed.
    Reason {
        /// A join has begun.
        Connecting = 0,
        /// The join succeeded.
        JoinSuccess = 1,
        /// Nothing has been heard from the server for a while.
        Interrupted = 2,
        /// A rule of the operator.
        BannedByServer = 3,
        /// No server could be reached.
        JoinFailed = 4,
        /// The application left.
        LeaveChannel = 5,
        /// Unknown, malformed or disabled App ID.
        InvalidAppId = 6,
        /// Malformed channel name.
        InvalidChannelName = 7,
        /// The token does not fit.
        InvalidToken = 8,
        /// The token is over.
        TokenExpired = 9,
        /// Refused by the server.
        RejectedByServer = 10,
        /// A proxy is being set.
        SettingProxyServer = 11,
        /// Coming back with a new token.
        RenewToken = 12,
        /// The local address changed.
        ClientIpAddressChanged = 13,
        /// No answer to keep-alives.
        KeepAliveTimeout = 14,
        /// Back in the channel.
        RejoinSuccess = 15,
        /// Not back for ten seconds.
        Lost = 16,
        /// An echo test.
        EchoTest = 17,
        /// The application changed the address.
        ClientIpAddressChangedByUser = 18,
        /// The same uid joined from elsewhere.
        SameUidLogin = 19,
        /// Too many broadcasters in the channel.
        TooManyBroadcasters = 20,
        /// Licence.
        LicenseValidationFailure = 21,
        /// Certificate.
        CertificationVerifyFailure = 22,
        /// Stream channel.
        StreamChannelNotAvailable = 23,
        /// App IDs do not agree.
        InconsistentAppId = 24,
    }
}

impl Reason {
    /// The state that a session ends in when the server ends or refuses it for this reason.
    ///
    /// After an invalid token the application may join again directly; after anything else it must leave first.
    pub fn final_state(self) -> ConnectionState {
        if self == Self::InvalidToken { ConnectionState::Disconnected } else { ConnectionState::Failed }
    }
}

numbered! {
    /// The outcome of a token renewal.
    RenewCode {
        /// Accepted.
        Ok = 0,
        /// A fault on the server's side; try again.
        Failed = 1,
        /// The new token is itself expired.
        Expired = 2,
        /// Bad signature, wrong uid, no join privilege.
        Invalid = 3,
        /// Made for another channel.
        OtherChannel = 4,
        /// Made for another App ID.
        OtherAppId = 5,
        /// A newer renewal overtook this one.
        Overtaken = 6,
    }
}

numbered! {
    /// Why a member went offline, as the others see it.
    OfflineReason {
        /// Left, was put out, or the token ended.
        Quit = 0,
        /// The connection was lost.
        Dropped = 1,
        /// Became audience in the live profile.
        BecameAudience = 2,
    }
}

numbered! {
    /// Why a role change failed.
    RoleChangeFailure {
        /// Too many broadcasters in the channel.
        TooManyBroadcasters = 1,
        /// The token does not allow it.
        NotAuthorized = 2,
        /// No answer in time.
        TimedOut = 3,
        /// The connection failed.
        ConnectionFailed = 4,
    }
}

numbered! {
    /// How a remote user's audio or video is doing.
    RemoteState {
        /// Nothing comes, and nothing is meant to.
        Stopped = 0,
        /// It is about to come.
        Starting = 1,
        /// It is decoded.
        Decoding = 2,
        /// It should come and does not.
        Frozen = 3,
        /// It cannot be decoded.
        Failed = 4,
    }
}

numbered! {
    /// Why a remote user's audio or video is in another state.
    RemoteReason {
        /// Nothing special.
        Internal = 0,
        /// The network is congested.
        Congestion = 1,
        /// The network has recovered.
        Recovery = 2,
        /// This user no longer takes it.
        LocalMuted = 3,
        /// This user takes it again.
        LocalUnmuted = 4,
        /// The sender stopped or silenced it.
        RemoteMuted = 5,
        /// The sender started it again.
        RemoteUnmuted = 6,
        /// The sender is gone.
        RemoteOffline = 7,
        /// Video only: the line is too narrow for any picture, and sound alone goes on.
        AudioFallback = 8,
        /// Video only: pictures are back after [`AudioFallback`](Self::AudioFallback).
        AudioFallbackRecovery = 9,
        /// Video only: the low stream comes now.
        StreamTypeChangeToLow = 10,
        /// Video only: a better stream than the low one comes now.
        StreamTypeChangeToHigh = 11,
    }
}

numbered! {
    /// Which of a publisher's video streams a viewer asks for.
    StreamType {
        /// The best there is.
        High = 0,
        /// The least there is.
        Low = 1,
        /// The first below the best.
        Layer1 = 4,
        /// The second below the best.
        Layer2 = 5,
        /// The third below the best.
        Layer3 = 6,
        /// The fourth below the best.
        Layer4 = 7,
        /// The fifth below the best.
        Layer5 = 8,
        /// The sixth below the best.
        Layer6 = 9,
    }
}

impl StreamType {
    /// Which of `count` layers, numbered from 0 upwards as they get better, is the best that may come: the one asked for or
    /// else the nearest lower one.
    pub fn layer_of(self, count: usize) -> usize {
        let best = count.saturating_sub(1);
        match self {
            Self::High => best,
            Self::Low => 0,
            Self::Layer1 => best.saturating_sub(1),
            Self::Layer2 => best.saturating_sub(2),
            Self::Layer3 => best.saturating_sub(3),
            Self::Layer4 => best.saturating_sub(4),
            Self::Layer5 => best.saturating_sub(5),
            Self::Layer6 => best.saturating_sub(6),
        }
    }
}

numbered! {
    /// What becomes of a video that a viewer's line is too narrow for. Layers between are not in question: a viewer always
    /// gets the best that its line carries.
    Fallback {
        /// Nothing: what was asked for comes, as well as the line can.
        None = 0,
        /// Less of it, down to the least stream there is.
        Low = 1,
        /// The same, and in the end no picture at all, so that the sound goes on.
        AudioOnly = 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        for code in ErrorCode::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, code.number().to_string());
            assert_eq!(serde_json::from_str::<ErrorCode>(&json).unwrap(), *code);
        }
        assert!(serde_json::from_str::<Reason>("25").is_err());
    }

    #[test]
    fn stream_types_name_the_nearest_lower_layer() {
        let of = |count: usize| StreamType::ALL.iter().map(|stream| stream.layer_of(count)).collect::<Vec<_>>();
        assert_eq!(of(1), [0; 8]);
        assert_eq!(of(2), [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of(3), [2, 0, 1, 0, 0, 0, 0, 0]);
        assert_eq!(of(0), [0; 8]);
    }

    #[test]
    fn only_an_invalid_token_leaves_the_session_disconnected() {
        for reason in Reason::ALL {
            let disconnected = reason.final_state() == ConnectionState::Disconnected;
            assert_eq!(disconnected, *reason == Reason::InvalidToken);
        }
    }
}
