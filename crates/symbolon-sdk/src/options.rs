//! What an application sets: the context of an engine and the options of a channel.

use std::sync::Arc;

use symbolon_proto::message::{Profile, Role, Source};

use crate::error::EngineError;
use crate::event::EventHandler;
use crate::media::Track;

/// Declares an enum of the engine that converts from and to its public number.
macro_rules! public_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum $name {
            $($(#[$vmeta])* $variant = $value,)+
        }

        impl $name {
            /// The public number.
            pub fn number(self) -> i32 {
                self as i32
            }
        }

        impl TryFrom<i32> for $name {
            type Error = EngineError;

            fn try_from(number: i32) -> Result<Self, EngineError> {
                match number {
                    $($value => Ok(Self::$variant),)+
                    _ => Err(EngineError::OptionOutOfRange {
                        option: stringify!($name),
                        range: concat!("one of", $(" ", $value),+),
                    }),
                }
            }
        }
    };
}

public_enum! {
    /// How a channel is used. The two game profiles and the 1v1 profile are old names, taken as what they resemble.
    ChannelProfile {
        /// Everyone may speak and everyone sees everyone.
        Communication = 0,
        /// Hosts and audience; only hosts are seen.
        LiveBroadcasting = 1,
        /// Old: as communication.
        Game = 2,
        /// Old: as live broadcasting.
        CloudGaming = 3,
        /// Old: as communication.
        Communication1v1 = 4,
    }
}

public_enum! {
    /// What a user is in a live channel.
    ClientRole {
        /// Publishes and receives.
        Broadcaster = 1,
        /// Receives.
        Audience = 2,
    }
}

public_enum! {
    /// How much delay an audience member accepts.
    AudienceLatencyLevel {
        /// Low.
        LowLatency = 1,
        /// Ultra-low, the default.
        UltraLowLatency = 2,
    }
}

impl From<ChannelProfile> for Profile {
    fn from(profile: ChannelProfile) -> Self {
        match profile {
            ChannelProfile::Communication | ChannelProfile::Game | ChannelProfile::Communication1v1 => {
                Self::Communication
            }
            ChannelProfile::LiveBroadcasting | ChannelProfile::CloudGaming => Self::LiveBroadcasting,
        }
    }
}

impl From<ClientRole> for Role {
    fn from(role: ClientRole) -> Self {
        match role {
            ClientRole::Broadcaster => Self::Broadcaster,
            ClientRole::Audience => Self::Audience,
        }
    }
}

/// What an engine is made of.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct RtcEngineContext {
    /// The App ID, 32 hexadecimal characters.
    pub app_id: String,
    /// Told of everything, first of all handlers. More can be registered later.
    pub event_handler: Option<Arc<dyn EventHandler>>,
    /// How channels are used; live broadcasting when unset.
    pub channel_profile: Option<ChannelProfile>,
    /// The server, as `ws://host:port` or `http://host:port`. When unset, the environment variable
    /// `SYMBOLON_ACCESS_POINT` names it.
    pub access_point: Option<String>,
}

impl RtcEngineContext {
    /// A context with this App ID and nothing else set.
    pub fn new(app_id: impl Into<String>) -> Self {
        Self { app_id: app_id.into(), ..Self::default() }
    }

    /// The same with a handler.
    #[must_use]
    pub fn event_handler(mut self, handler: Arc<dyn EventHandler>) -> Self {
        self.event_handler = Some(handler);
        self
    }

    /// The same with a channel profile.
    #[must_use]
    pub fn channel_profile(mut self, profile: ChannelProfile) -> Self {
        self.channel_profile = Some(profile);
        self
    }

    /// The same with a server.
    #[must_use]
    pub fn access_point(mut self, url: impl Into<String>) -> Self {
        self.access_point = Some(url.into());
        self
    }
}

impl std::fmt::Debug for RtcEngineContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtcEngineContext")
            .field("app_id", &self.app_id)
            .field("channel_profile", &self.channel_profile)
            .field("access_point", &self.access_point)
            .finish_non_exhaustive()
    }
}

/// Servers of a network that the customer runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalAccessPointConfiguration {
    /// Addresses, each with a port where it is not 80: `192.0.2.7:8080`.
    pub ip_list: Vec<String>,
    /// Names, written the same way. They come after the addresses.
    pub domain_list: Vec<String>,
}

impl LocalAccessPointConfiguration {
    /// All servers, in the order in which they are tried.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &str> {
        self.ip_list.iter().chain(&self.domain_list).map(String::as_str)
    }
}

/// What to publish and receive in a channel. A field that is not set means its default at a join, and "as it is" in an
/// update.
///
/// Frames come encoded, so audio sources are not mixed and there is one audio and one video track: of the fields that
/// are true, the track carries the name of the first in the order custom, screen, microphone.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names of the reference say it all; what needs words has them")]
pub struct ChannelMediaOptions {
    pub publish_camera_track: Option<bool>,
    pub publish_secondary_camera_track: Option<bool>,
    pub publish_third_camera_track: Option<bool>,
    pub publish_fourth_camera_track: Option<bool>,
    /// True when unset.
    pub publish_microphone_track: Option<bool>,
    pub publish_screen_track: Option<bool>,
    pub publish_secondary_screen_track: Option<bool>,
    pub publish_third_screen_track: Option<bool>,
    pub publish_fourth_screen_track: Option<bool>,
    pub publish_screen_capture_video: Option<bool>,
    pub publish_screen_capture_audio: Option<bool>,
    pub publish_custom_audio_track: Option<bool>,
    pub publish_custom_video_track: Option<bool>,
    /// What [`push_encoded_video`](crate::Engine::push_encoded_video) is fed with, when it is none of the others.
    pub publish_encoded_video_track: Option<bool>,
    pub publish_media_player_audio_track: Option<bool>,
    pub publish_media_player_video_track: Option<bool>,
    pub publish_transcoded_video_track: Option<bool>,
    pub publish_mixed_audio_track: Option<bool>,
    /// Take all audio without asking; true when unset.
    pub auto_subscribe_audio: Option<bool>,
    /// Take all video without asking; true when unset.
    pub auto_subscribe_video: Option<bool>,
    /// Audience in the live profile when unset, unless `set_client_role` said otherwise.
    pub client_role_type: Option<ClientRole>,
    pub audience_latency_level: Option<AudienceLatencyLevel>,
    /// As the engine's when unset. Only read at a join.
    pub channel_profile: Option<ChannelProfile>,
    /// Delay of the audio for synchronisation, in ms.
    pub audio_delay_ms: Option<i32>,
    /// Only read by updates, where it renews the token.
    pub token: Option<String>,
    /// A name for the others' screens, at most 128 bytes and without control characters. Only read at a join.
    pub display_name: Option<String>,
}

impl ChannelMediaOptions {
    /// The fields of `newer` where they are set, these elsewhere.
    #[must_use]
    pub(crate) fn updated(&self, newer: &Self) -> Self {
        macro_rules! merged {
            ($($field:ident),+ $(,)?) => {
                Self { $($field: newer.$field.clone().or_else(|| self.$field.clone()),)+ }
            };
        }
        merged!(
            publish_camera_track,
            publish_secondary_camera_track,
            publish_third_camera_track,
            publish_fourth_camera_track,
            publish_microphone_track,
            publish_screen_track,
            publish_secondary_screen_track,
            publish_third_screen_track,
            publish_fourth_screen_track,
            publish_screen_capture_video,
            publish_screen_capture_audio,
            publish_custom_audio_track,
            publish_custom_video_track,
            publish_encoded_video_track,
            publish_media_player_audio_track,
            publish_media_player_video_track,
            publish_transcoded_video_track,
            publish_mixed_audio_track,
            auto_subscribe_audio,
            auto_subscribe_video,
            client_role_type,
            audience_latency_level,
            channel_profile,
            audio_delay_ms,
            token,
            display_name,
        )
    }

    /// Refuses what cannot be.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let videos = self.video_sources().count();
        if videos > 1 {
            return Err(EngineError::TooManyVideoSources(videos));
        }
        if self.audio_delay_ms.is_some_and(|delay| !(0..=MAX_DELAY_MS).contains(&delay)) {
            return Err(EngineError::OptionOutOfRange { option: "audio_delay_ms", range: "0 to 10000" });
        }
        if self.display_name.as_deref().is_some_and(|name| !name_is_valid(name)) {
            return Err(EngineError::InvalidName);
        }
        Ok(())
    }

    /// The audio track that these options publish.
    pub(crate) fn audio_track(&self) -> Option<Track> {
        let custom =
            [self.publish_custom_audio_track, self.publish_media_player_audio_track, self.publish_mixed_audio_track];
        let source = if custom.contains(&Some(true)) {
            Source::Custom
        } else if self.publish_screen_capture_audio == Some(true) {
            Source::ScreenAudio
        } else if self.publish_microphone_track.unwrap_or(true) {
            Source::Microphone
        } else {
            return None;
        };
        Some(Track::audio(source))
    }

    /// The video track that these options publish. Unset, that is the camera once video is switched on.
    pub(crate) fn video_track(&self, video_enabled: bool) -> Option<Track> {
        let unset = self.publish_camera_track.is_none() && video_enabled;
        let default = unset.then_some(Source::Camera);
        self.video_sources().next().or(default).map(Track::video)
    }

    fn video_sources(&self) -> impl Iterator<Item = Source> {
        [
            (Source::Camera, self.publish_camera_track),
            (Source::Camera, self.publish_secondary_camera_track),
            (Source::Camera, self.publish_third_camera_track),
            (Source::Camera, self.publish_fourth_camera_track),
            (Source::Screen, self.publish_screen_track),
            (Source::Screen, self.publish_secondary_screen_track),
            (Source::Screen, self.publish_third_screen_track),
            (Source::Screen, self.publish_fourth_screen_track),
            (Source::Screen, self.publish_screen_capture_video),
            (Source::Custom, self.publish_custom_video_track),
            (Source::Custom, self.publish_encoded_video_track),
            (Source::Custom, self.publish_media_player_video_track),
            (Source::Custom, self.publish_transcoded_video_track),
        ]
        .into_iter()
        .filter(|(_, wanted)| *wanted == Some(true))
        .map(|(source, _)| source)
    }
}

fn name_is_valid(name: &str) -> bool {
    name.len() <= symbolon_proto::message::MAX_NAME_BYTES && !name.chars().any(char::is_control)
}

const MAX_DELAY_MS: i32 = 10_000;

#[cfg(test)]
mod tests {
    use symbolon_proto::code::ErrorCode;

    use super::*;

    #[test]
    fn unset_publishes_the_microphone_and_with_video_on_the_camera() {
        let unset = ChannelMediaOptions::default();
        assert_eq!(unset.audio_track(), Some(Track::audio(Source::Microphone)));
        assert_eq!(unset.video_track(false), None);
        assert_eq!(unset.video_track(true), Some(Track::video(Source::Camera)));
        let off =
            ChannelMediaOptions { publish_camera_track: Some(false), publish_microphone_track: Some(false), ..unset };
        assert_eq!((off.audio_track(), off.video_track(true)), (None, None));
    }

    #[test]
    fn two_video_sources_are_too_many() {
        let two = ChannelMediaOptions {
            publish_camera_track: Some(true),
            publish_screen_track: Some(true),
            ..ChannelMediaOptions::default()
        };
        assert_eq!(two.check(), Err(EngineError::TooManyVideoSources(2)));
        let moved =
            two.updated(&ChannelMediaOptions { publish_camera_track: Some(false), ..ChannelMediaOptions::default() });
        assert_eq!(moved.check(), Ok(()));
        assert_eq!(moved.video_track(true), Some(Track::video(Source::Screen)));
    }

    #[test]
    fn values_out_of_range_are_refused_with_their_name() {
        let delayed = ChannelMediaOptions { audio_delay_ms: Some(-1), ..ChannelMediaOptions::default() };
        let error = delayed.check().expect_err("negative");
        assert_eq!(error.error_code(), ErrorCode::InvalidArgument);
        assert!(error.to_string().contains("audio_delay_ms"));
        let named = ChannelMediaOptions { display_name: Some("a\nb".into()), ..ChannelMediaOptions::default() };
        assert_eq!(named.check(), Err(EngineError::InvalidName));
    }

    #[test]
    fn enumerations_convert_from_and_to_their_numbers() {
        for number in 0..=4 {
            assert_eq!(ChannelProfile::try_from(number).map(ChannelProfile::number), Ok(number));
        }
        assert_eq!(ClientRole::try_from(2), Ok(ClientRole::Audience));
        assert_eq!(ClientRole::try_from(3).map_err(|e| e.code()), Err(-2));
    }
}
