//! What an application is told: one enum, and two traits that take it apart.
//!
//! Implement single methods of [`EventHandler`], or its [`on_event`](EventHandler::on_event) to get everything as one
//! stream; [`event_fn`] makes a handler of a closure. The order is the same either way.

use symbolon_proto::code::{
    ConnectionState, ErrorCode, OfflineReason, Reason, RemoteReason, RemoteState, RenewCode, RoleChangeFailure,
};
use symbolon_proto::id::{Token, Uid};
use symbolon_proto::message::{Kind, Privilege, Role, Source, Speaker, Standing};
pub use symbolon_proto::session::Event as SessionEvent;

use crate::media::{RemoteFrame, Track};

/// Something that happened, with what every event has.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Notice {
    /// The channel, and the uid held in it.
    pub connection: RtcConnection,
    /// Whole milliseconds since the call of the join.
    pub elapsed_ms: u32,
    /// What happened.
    pub event: Event,
}

/// A channel, and the uid held in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtcConnection {
    /// The channel's name as it was given to the join; empty outside a channel.
    pub channel_id: String,
    /// The uid that the service assigned; 0 before that.
    pub local_uid: u32,
}

impl RtcConnection {
    pub(crate) fn new(channel_id: &str, uid: Option<Uid>) -> Self {
        Self { channel_id: channel_id.to_owned(), local_uid: uid.map_or(0, Uid::get) }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Something in the channel. Its `LeaveChannel` comes as the next variant instead.
    Session(SessionEvent),
    /// Out of the channel, as the application wished. The last event of a stay.
    LeaveChannel {
        /// Of the whole stay.
        stats: RtcStats,
    },
    /// Whether one of the own kinds of media goes out.
    PublishStateChanged {
        /// Audio or video.
        kind: Kind,
        /// The state before.
        old_state: PublishState,
        /// The state now.
        new_state: PublishState,
        /// Milliseconds since the state before.
        elapsed_ms: u32,
    },
    /// The first frame of a track has gone out, also after it was silent.
    FirstLocalFramePublished {
        /// Audio or video.
        kind: Kind,
    },
}

/// Whether one of the own kinds of media goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PublishState {
    /// Not in a channel.
    #[default]
    Idle = 0,
    /// Silenced, switched off, or not allowed.
    NoPublished = 1,
    /// The edge has not confirmed it, or media does not flow yet.
    Publishing = 2,
    /// The edge has confirmed it and media flows: what is pushed from here on reaches whoever wants it.
    Published = 3,
}

/// Statistics of a stay in a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtcStats {
    /// Seconds since the join succeeded.
    pub duration: u32,
    /// Bytes of media and its protection that were sent.
    pub tx_bytes: u64,
    /// The same that were received.
    pub rx_bytes: u64,
}

/// Told of everything that happens. Methods run one at a time on a thread of the engine; what they take long for is
/// late for the next one, and a panic in one is caught.
#[expect(unused_variables, reason = "the default of every method is to do nothing")]
pub trait EventHandler: Send + Sync {
    /// Gets every event. The default calls the method for it.
    fn on_event(&self, notice: &Notice) {
        dispatch(self, notice);
    }

    /// The join succeeded.
    fn on_join_channel_success(&self, connection: &RtcConnection, elapsed_ms: u32) {}
    /// Back in the channel after a break.
    fn on_rejoin_channel_success(&self, connection: &RtcConnection, elapsed_ms: u32) {}
    /// Out of the channel, as wished. The last event of a stay.
    fn on_leave_channel(&self, connection: &RtcConnection, stats: &RtcStats) {}
    /// The connection is in another state, or in the same one for another reason.
    fn on_connection_state_changed(&self, connection: &RtcConnection, state: ConnectionState, reason: Reason) {}
    /// Nothing has been heard from the server for 4 s.
    fn on_connection_interrupted(&self, connection: &RtcConnection) {}
    /// No connection for 10 s; the engine goes on trying.
    fn on_connection_lost(&self, connection: &RtcConnection) {}
    /// A rule of the operator keeps this user out.
    fn on_connection_banned(&self, connection: &RtcConnection) {}
    /// Something that the engine cannot mend alone.
    fn on_error(&self, code: ErrorCode, message: &str) {}
    /// A privilege of the token ends in 30 s, or sooner: fetch a new token and call `renew_token`.
    fn on_token_privilege_will_expire(&self, connection: &RtcConnection, token: &Token) {}
    /// Comes right after the one above and says which privileges end, and how soon.
    fn on_token_privilege_expiring(&self, connection: &RtcConnection, privileges: &[Privilege], seconds_left: u32) {}
    /// The token has ended and the session with it; `renew_token` brings it back.
    fn on_request_token(&self, connection: &RtcConnection) {}
    /// What became of a renewal.
    fn on_renew_token_result(&self, connection: &RtcConnection, token: &Token, code: RenewCode) {}
    /// What this user may do, and how long.
    fn on_standing_changed(&self, connection: &RtcConnection, standing: &Standing) {}
    /// The role is another one.
    fn on_client_role_changed(&self, connection: &RtcConnection, old_role: Role, new_role: Role) {}
    /// The role asked for was refused, or no answer came.
    fn on_client_role_change_failed(&self, connection: &RtcConnection, reason: RoleChangeFailure, current_role: Role) {}
    /// A user came, or was there at the join.
    fn on_user_joined(&self, connection: &RtcConnection, uid: Uid, elapsed_ms: u32) {}
    /// The name of a user, right after `on_user_joined`.
    fn on_user_info_updated(&self, connection: &RtcConnection, uid: Uid, name: &str) {}
    /// A user went.
    fn on_user_offline(&self, connection: &RtcConnection, uid: Uid, reason: OfflineReason) {}
    /// A user offers one more stream.
    fn on_user_published(&self, connection: &RtcConnection, uid: Uid, kind: Kind, source: Source) {}
    /// A user no longer offers a stream.
    fn on_user_unpublished(&self, connection: &RtcConnection, uid: Uid, kind: Kind, source: Source) {}
    /// A user silenced all audio, or no longer does.
    fn on_user_mute_audio(&self, connection: &RtcConnection, uid: Uid, muted: bool) {}
    /// A user silenced all video, or no longer does.
    fn on_user_mute_video(&self, connection: &RtcConnection, uid: Uid, muted: bool) {}
    /// A user turned the video module on or off, or is found with it off.
    fn on_user_enable_video(&self, connection: &RtcConnection, uid: Uid, enabled: bool) {}
    /// A user turned the camera on or off, or is found with it off.
    fn on_user_enable_local_video(&self, connection: &RtcConnection, uid: Uid, enabled: bool) {}
    /// How a user's audio is doing.
    fn on_remote_audio_state_changed(
        &self,
        connection: &RtcConnection,
        uid: Uid,
        state: RemoteState,
        reason: RemoteReason,
        elapsed_ms: u32,
    ) {
    }
    /// How a user's video is doing.
    fn on_remote_video_state_changed(
        &self,
        connection: &RtcConnection,
        uid: Uid,
        state: RemoteState,
        reason: RemoteReason,
        elapsed_ms: u32,
    ) {
    }
    /// The line is too narrow for any picture of a user, and sound alone goes on; or pictures come again.
    fn on_remote_subscribe_fallback_to_audio_only(&self, connection: &RtcConnection, uid: Uid, fallen: bool) {}
    /// The first sound of a user has come in.
    fn on_first_remote_audio_decoded(&self, connection: &RtcConnection, uid: Uid, elapsed_ms: u32) {}
    /// The first sound of a user has been handed to the application; told right after
    /// [`on_first_remote_audio_decoded`](Self::on_first_remote_audio_decoded).
    fn on_first_remote_audio_frame(&self, connection: &RtcConnection, uid: Uid, elapsed_ms: u32) {}
    /// The first picture of a user has come in, also after a pause. The size is 0 where the codec does not tell it.
    fn on_first_remote_video_decoded(
        &self,
        connection: &RtcConnection,
        uid: Uid,
        width: u32,
        height: u32,
        elapsed_ms: u32,
    ) {
    }
    /// The first picture of a user has been handed to the application; told right after
    /// [`on_first_remote_video_decoded`](Self::on_first_remote_video_decoded).
    fn on_first_remote_video_frame(
        &self,
        connection: &RtcConnection,
        uid: Uid,
        width: u32,
        height: u32,
        elapsed_ms: u32,
    ) {
    }
    /// Whether the own audio goes out.
    fn on_audio_publish_state_changed(&self, channel: &str, old: PublishState, new: PublishState, elapsed_ms: u32) {}
    /// Whether the own video goes out.
    fn on_video_publish_state_changed(&self, channel: &str, old: PublishState, new: PublishState, elapsed_ms: u32) {}
    /// The first own audio frame has gone out, also after it was silent.
    fn on_first_local_audio_frame_published(&self, connection: &RtcConnection, elapsed_ms: u32) {}
    /// The first own video frame has gone out, also after it was silent.
    fn on_first_local_video_frame_published(&self, connection: &RtcConnection, elapsed_ms: u32) {}
    /// Who is loud now, the loudest first.
    fn on_audio_volume_indication(&self, connection: &RtcConnection, speakers: &[Speaker]) {}
}

/// Gets the media of others, and the wishes for own keyframes. Runs like an [`EventHandler`]; frames are dropped while a
/// few hundred wait.
pub trait MediaHandler: Send + Sync {
    /// A frame of another member. Frames of one publication come in order.
    fn on_remote_frame(&self, frame: &RemoteFrame);

    /// Somebody cannot start to watch this track before its next keyframe: make one soon.
    fn on_keyframe_wanted(&self, track: Track) {
        let _ = track;
    }
}

/// A handler that gives every event to a closure, such as one that puts them on a queue.
pub fn event_fn<F>(told: F) -> impl EventHandler
where
    F: Fn(&Notice) + Send + Sync,
{
    EventFn(told)
}

struct EventFn<F>(F);

impl<F: Fn(&Notice) + Send + Sync> EventHandler for EventFn<F> {
    fn on_event(&self, notice: &Notice) {
        (self.0)(notice);
    }
}

/// Calls the method of the handler for an event.
fn dispatch<H: EventHandler + ?Sized>(handler: &H, notice: &Notice) {
    let (connection, elapsed_ms) = (&notice.connection, notice.elapsed_ms);
    match &notice.event {
        Event::Session(event) => dispatch_session(handler, connection, elapsed_ms, event),
        Event::LeaveChannel { stats } => handler.on_leave_channel(connection, stats),
        Event::PublishStateChanged { kind, old_state, new_state, elapsed_ms } => {
            let (channel, old, new) = (&connection.channel_id, *old_state, *new_state);
            match kind {
                Kind::Audio => handler.on_audio_publish_state_changed(channel, old, new, *elapsed_ms),
                Kind::Video => handler.on_video_publish_state_changed(channel, old, new, *elapsed_ms),
            }
        }
        Event::FirstLocalFramePublished { kind: Kind::Audio } => {
            handler.on_first_local_audio_frame_published(connection, elapsed_ms);
        }
        Event::FirstLocalFramePublished { kind: Kind::Video } => {
            handler.on_first_local_video_frame_published(connection, elapsed_ms);
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rules may tell of more than this version knows")]
fn dispatch_session<H: EventHandler + ?Sized>(
    handler: &H,
    connection: &RtcConnection,
    elapsed_ms: u32,
    event: &SessionEvent,
) {
    use SessionEvent as E;
    match event {
        E::ConnectionStateChanged { state, reason } => {
            handler.on_connection_state_changed(connection, *state, *reason);
        }
        E::JoinChannelSuccess => handler.on_join_channel_success(connection, elapsed_ms),
        E::RejoinChannelSuccess => handler.on_rejoin_channel_success(connection, elapsed_ms),
        E::ConnectionInterrupted => handler.on_connection_interrupted(connection),
        E::ConnectionLost => handler.on_connection_lost(connection),
        E::ConnectionBanned => handler.on_connection_banned(connection),
        E::Error { code, message } => handler.on_error(*code, message),
        E::TokenWillExpire { token } => handler.on_token_privilege_will_expire(connection, token),
        E::TokenExpiring { privileges, seconds_left } => {
            handler.on_token_privilege_expiring(connection, privileges, *seconds_left);
        }
        E::RequestToken => handler.on_request_token(connection),
        E::RenewTokenResult { token, code } => handler.on_renew_token_result(connection, token, *code),
        E::StandingChanged { standing } => handler.on_standing_changed(connection, standing),
        E::ClientRoleChanged { old_role, new_role } => {
            handler.on_client_role_changed(connection, *old_role, *new_role);
        }
        E::ClientRoleChangeFailed { reason, current_role } => {
            handler.on_client_role_change_failed(connection, *reason, *current_role);
        }
        E::UserJoined { uid } => handler.on_user_joined(connection, *uid, elapsed_ms),
        E::UserInfoUpdated { uid, name } => handler.on_user_info_updated(connection, *uid, name),
        E::UserOffline { uid, reason } => handler.on_user_offline(connection, *uid, *reason),
        E::UserPublished { uid, kind, source } => handler.on_user_published(connection, *uid, *kind, *source),
        E::UserUnpublished { uid, kind, source } => handler.on_user_unpublished(connection, *uid, *kind, *source),
        E::UserMuted { uid, kind: Kind::Audio, muted } => handler.on_user_mute_audio(connection, *uid, *muted),
        E::UserMuted { uid, kind: Kind::Video, muted } => handler.on_user_mute_video(connection, *uid, *muted),
        E::UserEnableVideo { uid, enabled } => handler.on_user_enable_video(connection, *uid, *enabled),
        E::UserEnableLocalVideo { uid, enabled } => handler.on_user_enable_local_video(connection, *uid, *enabled),
        E::RemoteMediaState { uid, kind: Kind::Audio, state, reason } => {
            handler.on_remote_audio_state_changed(connection, *uid, *state, *reason, elapsed_ms);
        }
        E::RemoteMediaState { uid, kind: Kind::Video, state, reason } => {
            handler.on_remote_video_state_changed(connection, *uid, *state, *reason, elapsed_ms);
        }
        E::FallbackToAudioOnly { uid, fallen } => {
            handler.on_remote_subscribe_fallback_to_audio_only(connection, *uid, *fallen);
        }
        E::FirstDecoded { uid, kind: Kind::Audio, .. } => {
            handler.on_first_remote_audio_decoded(connection, *uid, elapsed_ms);
            handler.on_first_remote_audio_frame(connection, *uid, elapsed_ms);
        }
        E::FirstDecoded { uid, kind: Kind::Video, width, height } => {
            handler.on_first_remote_video_decoded(connection, *uid, *width, *height, elapsed_ms);
            handler.on_first_remote_video_frame(connection, *uid, *width, *height, elapsed_ms);
        }
        E::Speakers { speakers } => handler.on_audio_volume_indication(connection, speakers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Calls(Mutex<Vec<String>>);

    impl Calls {
        fn add(&self, call: String) {
            self.0.lock().unwrap().push(call);
        }
    }

    impl EventHandler for Calls {
        fn on_first_remote_audio_decoded(&self, _: &RtcConnection, uid: Uid, elapsed_ms: u32) {
            self.add(format!("audio decoded {uid} {elapsed_ms}"));
        }

        fn on_first_remote_audio_frame(&self, _: &RtcConnection, uid: Uid, elapsed_ms: u32) {
            self.add(format!("audio frame {uid} {elapsed_ms}"));
        }

        fn on_first_remote_video_decoded(&self, _: &RtcConnection, uid: Uid, width: u32, height: u32, elapsed_ms: u32) {
            self.add(format!("video decoded {uid} {width}x{height} {elapsed_ms}"));
        }

        fn on_first_remote_video_frame(&self, _: &RtcConnection, uid: Uid, width: u32, height: u32, elapsed_ms: u32) {
            self.add(format!("video frame {uid} {width}x{height} {elapsed_ms}"));
        }
    }

    #[test]
    fn a_first_frame_is_told_right_after_it_is_decoded() {
        let uid = Uid::new(9).unwrap();
        let connection = RtcConnection { channel_id: "tea".to_owned(), local_uid: 7 };
        let calls = Calls::default();
        for (kind, width, height) in [(Kind::Audio, 0, 0), (Kind::Video, 640, 360)] {
            dispatch_session(&calls, &connection, 40, &SessionEvent::FirstDecoded { uid, kind, width, height });
        }
        let expected =
            ["audio decoded 9 40", "audio frame 9 40", "video decoded 9 640x360 40", "video frame 9 640x360 40"];
        assert_eq!(*calls.0.lock().unwrap(), expected);
    }
}
