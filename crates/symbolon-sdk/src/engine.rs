//! The engine: what an application calls.
//!
//! Every method returns at once. `Ok` means accepted, not done; results that need the network arrive as events, one at a
//! time, on a thread of the engine. All methods may be called from any thread and from inside handlers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use symbolon_proto::code::{ConnectionState, Fallback, Reason, StreamType};
use symbolon_proto::id::{AppId, ChannelName, Token, Uid};
use symbolon_proto::message::{Kind, Profile};

use crate::access_point::{self, AccessPoint};
use crate::client::{Client, Input, Join};
use crate::driver::{self, Driver};
use crate::error::{EngineError, error_description};
use crate::event::{EventHandler, MediaHandler};
use crate::media::{EncodedFrame, Track};
use crate::options::{
    ChannelMediaOptions, ChannelProfile, ClientRole, LocalAccessPointConfiguration, RtcEngineContext,
};
use crate::settings::Settings;

/// The engine of this process. While one lives that has not been released, every call gives the same.
pub fn create_agora_rtc_engine() -> Engine {
    static PROCESS: Mutex<Weak<Inner>> = Mutex::new(Weak::new());
    let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(inner) = process.upgrade() {
        let engine = Engine { inner };
        if !engine.is_released() {
            return engine;
        }
    }
    let engine = Engine::new();
    *process = Arc::downgrade(&engine.inner);
    engine
}

/// One engine: at most one channel at a time, one audio and one video track each way. Clones are the same engine.
///
/// The last clone that goes releases the engine. A handler that holds a clone keeps it alive; release such an engine by
/// hand.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    life: Mutex<Life>,
}

#[derive(Default)]
enum Life {
    #[default]
    New,
    Running(Box<Running>),
    Released,
}

struct Running {
    app_id: AppId,
    driver: Driver,
    settings: Settings,
    call_id: String,
}

/// Coming and going of the engine itself.
impl Engine {
    /// An engine of its own, beside that of the process.
    pub fn new() -> Self {
        Self { inner: Arc::default() }
    }

    /// Gives the engine its App ID and starts its threads. Touches no network.
    ///
    /// # Errors
    /// −101 for a malformed App ID, −2 or −4 for an access point that cannot be used, −8 when the engine runs with another
    /// App ID, −7 after a release. With the same App ID a second call changes nothing.
    pub fn initialize(&self, context: RtcEngineContext) -> Result<(), EngineError> {
        let app_id = AppId::parse(&context.app_id).map_err(|_| EngineError::InvalidAppId)?;
        let mut life = self.lock();
        match &*life {
            Life::Running(running) if running.app_id == app_id => return Ok(()),
            Life::Running(_) => return Err(EngineError::OtherAppId),
            Life::Released => return Err(EngineError::NotInitialized),
            Life::New => {}
        }
        *life = Life::Running(Box::new(Running::start(app_id, context)?));
        Ok(())
    }

    /// Leaves the channel and ends the engine. With `sync` no callback runs any more when this returns; a leave just
    /// before then yields no `on_leave_channel`.
    ///
    /// # Errors
    /// −5 for `sync` inside a callback, which would wait for itself.
    pub fn release(&self, sync: bool) -> Result<(), EngineError> {
        let mut life = self.lock();
        if let Life::Running(running) = &*life
            && sync
            && running.driver.shared().callbacks.is_own_thread()
        {
            return Err(EngineError::ReleaseInsideCallback);
        }
        let ended = std::mem::replace(&mut *life, Life::Released);
        // A callback that runs now may need the lock to come to its end.
        drop(life);
        if let Life::Running(running) = ended {
            running.end(sync);
        }
        Ok(())
    }

    fn is_released(&self) -> bool {
        matches!(*self.lock(), Life::Released)
    }

    fn lock(&self) -> MutexGuard<'_, Life> {
        self.inner.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running<T>(&self, work: impl FnOnce(&mut Running) -> Result<T, EngineError>) -> Result<T, EngineError> {
        match &mut *self.lock() {
            Life::Running(running) => work(running),
            Life::New | Life::Released => Err(EngineError::NotInitialized),
        }
    }
}

/// Coming into a channel and going.
impl Engine {
    /// Joins a channel. An empty token means none; uid 0 means any. The outcome is told by `on_join_channel_success`, or
    /// by `on_error` and a connection state with the reason.
    ///
    /// # Errors
    /// −7 before `initialize`; −17 in a channel, while joining, and after a failure until `leave_channel`; −102 for a bad
    /// channel name; −2 for an option out of range or no known server.
    pub fn join_channel(
        &self,
        token: &str,
        channel_id: &str,
        uid: u32,
        options: &ChannelMediaOptions,
    ) -> Result<(), EngineError> {
        self.running(|running| running.join(token, channel_id, uid, options))
    }

    /// The same as [`Engine::join_channel`].
    ///
    /// # Errors
    /// As there.
    pub fn join_channel_with_options(
        &self,
        token: &str,
        channel_id: &str,
        uid: u32,
        options: &ChannelMediaOptions,
    ) -> Result<(), EngineError> {
        self.join_channel(token, channel_id, uid, options)
    }

    /// Leaves the channel, or ends the attempt to join. A join may follow at once.
    ///
    /// # Errors
    /// −7; −18 where there is nothing to leave.
    pub fn leave_channel(&self) -> Result<(), EngineError> {
        self.running(|running| {
            if running.state().0 == ConnectionState::Disconnected {
                return Err(EngineError::NotJoined);
            }
            running.settings.remote = Default::default();
            running.settings.views.forget_members();
            running.settings.options = ChannelMediaOptions::default();
            running.tell(Input::Leave);
            Ok(())
        })
    }

    /// Replaces the token. The outcome is told by `on_renew_token_result`. After the session has ended with the token, this
    /// brings it back.
    ///
    /// # Errors
    /// −2 for an empty token; −7; −8 outside a channel; −110 for a text that cannot be a token.
    pub fn renew_token(&self, token: &str) -> Result<(), EngineError> {
        self.running(|running| running.renew_token(token))
    }

    /// Changes what is published and received, the role, or the token: whatever is set in `options`.
    ///
    /// # Errors
    /// −7; −8 outside a channel; −2 for an option out of range; −5 for a role in the communication profile. Nothing changes
    /// then.
    pub fn update_channel_media_options(&self, options: &ChannelMediaOptions) -> Result<(), EngineError> {
        self.running(|running| running.update(options))
    }

    /// Sets the role for the next join, or asks the server for it. In a channel the outcome is told by
    /// `on_client_role_changed` or `on_client_role_change_failed`.
    ///
    /// # Errors
    /// −7; −5 in the communication profile.
    pub fn set_client_role(&self, role: ClientRole) -> Result<(), EngineError> {
        self.running(|running| running.set_role(role))
    }

    /// Sets the profile for the next join.
    ///
    /// # Errors
    /// −7; −8 in a channel.
    pub fn set_channel_profile(&self, profile: ChannelProfile) -> Result<(), EngineError> {
        self.running(|running| {
            if running.state().0 != ConnectionState::Disconnected {
                return Err(EngineError::ProfileAfterJoin);
            }
            running.settings.profile = profile;
            Ok(())
        })
    }

    /// Names the servers for the next join; attempts go through them in turn.
    ///
    /// # Errors
    /// −7; −2 for empty lists or a malformed address; −4 for one that asks for TLS.
    pub fn set_local_access_point(&self, configuration: &LocalAccessPointConfiguration) -> Result<(), EngineError> {
        let servers = configuration.servers().map(AccessPoint::parse);
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        self.running(|running| {
            if servers.is_empty() {
                return Err(EngineError::NoAccessPoint(access_point::ENVIRONMENT));
            }
            running.driver.shared().set_access_points(servers);
            Ok(())
        })
    }
}

/// Silence and switches.
impl Engine {
    /// Sends no audio, or audio again. Remembered over joins.
    ///
    /// # Errors
    /// −7.
    pub fn mute_local_audio_stream(&self, mute: bool) -> Result<(), EngineError> {
        self.set(|settings| settings.audio_muted = mute)
    }

    /// Sends no video, or video again. Remembered over joins.
    ///
    /// # Errors
    /// −7.
    pub fn mute_local_video_stream(&self, mute: bool) -> Result<(), EngineError> {
        self.set(|settings| settings.video_muted = mute)
    }

    /// Switches audio on; it is on at first.
    ///
    /// # Errors
    /// −7.
    pub fn enable_audio(&self) -> Result<(), EngineError> {
        self.set(|settings| settings.audio_enabled = true)
    }

    /// Publishes no audio.
    ///
    /// # Errors
    /// −7.
    pub fn disable_audio(&self) -> Result<(), EngineError> {
        self.set(|settings| settings.audio_enabled = false)
    }

    /// Opens the camera, or closes it: nothing is sent, and the others are told so. On at first; remembered over joins.
    ///
    /// # Errors
    /// −7.
    pub fn enable_local_video(&self, enabled: bool) -> Result<(), EngineError> {
        self.set(|settings| settings.local_video = enabled)
    }

    /// Publishes the camera track unless an option says otherwise.
    ///
    /// # Errors
    /// −7.
    pub fn enable_video(&self) -> Result<(), EngineError> {
        self.set(|settings| settings.video_enabled = true)
    }

    /// Publishes video only where an option says so; the default.
    ///
    /// # Errors
    /// −7.
    pub fn disable_video(&self) -> Result<(), EngineError> {
        self.set(|settings| settings.video_enabled = false)
    }

    /// Receives no audio of this member, or does, whatever is said about everyone. Forgotten with the channel.
    ///
    /// # Errors
    /// −7; −121 for uid 0; −22 for more than 1,024 members.
    pub fn mute_remote_audio_stream(&self, uid: u32, mute: bool) -> Result<(), EngineError> {
        self.mute_remote(uid, Kind::Audio, mute)
    }

    /// Receives no video of this member, or does, whatever is said about everyone. Forgotten with the channel.
    ///
    /// # Errors
    /// −7; −121 for uid 0; −22 for more than 1,024 members.
    pub fn mute_remote_video_stream(&self, uid: u32, mute: bool) -> Result<(), EngineError> {
        self.mute_remote(uid, Kind::Video, mute)
    }

    /// Receives no audio, also of those who come later, or does.
    ///
    /// # Errors
    /// −7.
    pub fn mute_all_remote_audio_streams(&self, mute: bool) -> Result<(), EngineError> {
        self.set(|settings| settings.remote.mute_all(Kind::Audio, mute))
    }

    /// Receives no video, also of those who come later, or does.
    ///
    /// # Errors
    /// −7.
    pub fn mute_all_remote_video_streams(&self, mute: bool) -> Result<(), EngineError> {
        self.set(|settings| settings.remote.mute_all(Kind::Video, mute))
    }

    /// Receives this stream of a member's video at best, whatever is said about everyone. Where there is no such stream the
    /// nearest lower one comes. Possible before a join and during it; forgotten with the channel.
    ///
    /// # Errors
    /// −7; −121 for uid 0; −22 for more than 1,024 members with a stream or a priority of their own.
    pub fn set_remote_video_stream_type(&self, uid: u32, stream: StreamType) -> Result<(), EngineError> {
        self.running(|running| {
            let uid = Uid::new(uid).ok_or(EngineError::InvalidUid)?;
            running.settings.views.set_stream(uid, stream)?;
            running.apply();
            Ok(())
        })
    }

    /// Receives this stream of everyone's video at best; [`StreamType::High`] at first. Remembered over joins.
    ///
    /// # Errors
    /// −7.
    pub fn set_remote_default_video_stream_type(&self, stream: StreamType) -> Result<(), EngineError> {
        self.set(|settings| settings.views.stream = Some(stream))
    }

    /// Says what becomes of videos that the line is too narrow for; [`Fallback::Low`] at first. Remembered over joins. What comes
    /// of it is told by `on_remote_subscribe_fallback_to_audio_only` and `on_remote_video_state_changed`.
    ///
    /// # Errors
    /// −7.
    pub fn set_remote_subscribe_fallback_option(&self, option: Fallback) -> Result<(), EngineError> {
        self.set(|settings| settings.views.fallback = Some(option))
    }

    /// Lets all others give way to these members where the line is too narrow, and these in the way that `option` says. The
    /// list replaces the one before. Remembered over joins.
    ///
    /// # Errors
    /// −7; −121 for uid 0; −22 for more than 1,024 members with a stream or a priority of their own.
    pub fn set_high_priority_user_list(&self, uids: &[u32], option: Fallback) -> Result<(), EngineError> {
        self.running(|running| {
            let uids =
                uids.iter().map(|uid| Uid::new(*uid).ok_or(EngineError::InvalidUid)).collect::<Result<_, _>>()?;
            running.settings.views.set_high_priority(uids, option)?;
            running.apply();
            Ok(())
        })
    }

    fn mute_remote(&self, uid: u32, kind: Kind, mute: bool) -> Result<(), EngineError> {
        self.running(|running| {
            let uid = Uid::new(uid).ok_or(EngineError::InvalidUid)?;
            running.settings.remote.mute(uid, kind, mute)?;
            running.apply();
            Ok(())
        })
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) -> Result<(), EngineError> {
        self.running(|running| {
            change(&mut running.settings);
            running.apply();
            Ok(())
        })
    }
}

/// Media.
impl Engine {
    /// Sends a frame of the video track. Muted, as audience and before media flows it is dropped without an error.
    ///
    /// # Errors
    /// −7; −2 for an audio codec; −3 when no video track is published; −4 when the server does not take the codec; −22 when
    /// the network does not keep up.
    pub fn push_encoded_video(&self, frame: EncodedFrame) -> Result<(), EngineError> {
        self.push(Kind::Video, frame)
    }

    /// Sends a frame of the audio track. Muted, as audience and before media flows it is dropped without an error.
    ///
    /// # Errors
    /// −7; −2 for a video codec; −3 when no audio track is published; −4 when the server does not take the codec; −22 when
    /// the network does not keep up.
    pub fn push_encoded_audio(&self, frame: EncodedFrame) -> Result<(), EngineError> {
        self.push(Kind::Audio, frame)
    }

    /// Says who gets the others' frames and the wishes for keyframes; none drops them.
    ///
    /// # Errors
    /// −7.
    pub fn set_media_handler(&self, handler: Option<Arc<dyn MediaHandler>>) -> Result<(), EngineError> {
        self.running(|running| {
            running.driver.shared().callbacks.set_media_handler(handler);
            Ok(())
        })
    }

    fn push(&self, kind: Kind, frame: EncodedFrame) -> Result<(), EngineError> {
        self.running(|running| {
            if frame.codec.kind() != kind {
                return Err(EngineError::WrongKind(frame.codec));
            }
            let track = running.track(kind).ok_or(EngineError::TrackNotPublished)?;
            running.driver.shared().with_client(|client, now| {
                client.check_frame(track, frame.codec)?;
                client.handle(now, Input::Frame { track, frame });
                Ok(())
            })
        })
    }
}

/// Questions and handlers.
impl Engine {
    /// The state that handlers were last told of; inside `on_connection_state_changed` the one that it reports.
    ///
    /// # Errors
    /// −7.
    pub fn get_connection_state(&self) -> Result<ConnectionState, EngineError> {
        self.running(|running| Ok(running.driver.shared().reported_state()))
    }

    /// An opaque name for the current stay in a channel, for logs and questions to the operator. Empty outside one.
    ///
    /// # Errors
    /// −7.
    pub fn get_call_id(&self) -> Result<String, EngineError> {
        self.running(|running| {
            let outside = running.state().0 == ConnectionState::Disconnected;
            Ok(if outside { String::new() } else { running.call_id.clone() })
        })
    }

    /// A sentence for any error code, whatever its sign. Never empty; legal at any time.
    pub fn get_error_description(code: i32) -> &'static str {
        error_description(code)
    }

    /// The version of this library; legal at any time.
    pub fn get_version() -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Adds a handler; it is called after those that are there.
    ///
    /// # Errors
    /// −7.
    pub fn register_event_handler(&self, handler: Arc<dyn EventHandler>) -> Result<(), EngineError> {
        self.running(|running| {
            running.driver.shared().callbacks.register(handler);
            Ok(())
        })
    }

    /// Removes a handler that was registered, by its identity.
    ///
    /// # Errors
    /// −7; −2 when it is not registered.
    pub fn unregister_event_handler(&self, handler: &Arc<dyn EventHandler>) -> Result<(), EngineError> {
        self.running(|running| {
            if running.driver.shared().callbacks.unregister(handler) {
                Ok(())
            } else {
                Err(EngineError::UnknownHandler)
            }
        })
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let life = self.life.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Life::Running(running) = std::mem::replace(life, Life::Released) {
            let sync = !running.driver.shared().callbacks.is_own_thread();
            running.end(sync);
        }
    }
}

impl Running {
    fn start(app_id: AppId, context: RtcEngineContext) -> Result<Self, EngineError> {
        let from_environment = || std::env::var(access_point::ENVIRONMENT).ok();
        let server = context.access_point.or_else(from_environment);
        let server = server.as_deref().map(AccessPoint::parse).transpose()?;
        let driver = Driver::start(Client::new(app_id, driver::entropy()))
            .map_err(|error| EngineError::NotStarted(error.to_string()))?;
        if let Some(server) = server {
            driver.shared().set_access_points(vec![server]);
        }
        if let Some(handler) = context.event_handler {
            driver.shared().callbacks.register(handler);
        }
        let profile = context.channel_profile.unwrap_or(ChannelProfile::LiveBroadcasting);
        Ok(Self { app_id, driver, settings: Settings::new(profile), call_id: String::new() })
    }

    fn end(self, wait: bool) {
        self.tell(Input::Leave);
        self.driver.stop(wait);
    }

    fn join(
        &mut self,
        token: &str,
        channel_id: &str,
        uid: u32,
        options: &ChannelMediaOptions,
    ) -> Result<(), EngineError> {
        if self.state().0 != ConnectionState::Disconnected {
            return Err(EngineError::AlreadyJoined);
        }
        let channel = ChannelName::parse(channel_id)?;
        options.check()?;
        if !self.driver.shared().has_access_point() {
            return Err(EngineError::NoAccessPoint(access_point::ENVIRONMENT));
        }
        self.settings.options = options.clone();
        if let Some(role) = options.client_role_type {
            self.settings.role = role;
        }
        self.call_id = call_id();
        self.apply();
        self.tell(Input::Join(Box::new(Join {
            channel,
            token: (!token.is_empty()).then(|| Token::new(token)),
            uid: Uid::new(uid),
            name: options.display_name.clone(),
            role: self.settings.wire_role(),
            profile: self.settings.wire_profile(),
        })));
        Ok(())
    }

    fn renew_token(&self, token: &str) -> Result<(), EngineError> {
        if token.is_empty() {
            return Err(EngineError::EmptyToken);
        }
        let (state, reason) = self.state();
        let ended_with_token = state == ConnectionState::Failed && reason == Reason::TokenExpired;
        let over = matches!(state, ConnectionState::Disconnected | ConnectionState::Failed);
        if over && !ended_with_token {
            return Err(EngineError::NotInChannel);
        }
        if !can_be_token(token) {
            return Err(EngineError::MalformedToken);
        }
        self.tell(Input::RenewToken(Token::new(token)));
        Ok(())
    }

    fn update(&mut self, options: &ChannelMediaOptions) -> Result<(), EngineError> {
        let state = self.state().0;
        if !matches!(state, ConnectionState::Connected | ConnectionState::Reconnecting) {
            return Err(EngineError::NotInChannel);
        }
        let updated = self.settings.options.updated(options);
        updated.check()?;
        if options.client_role_type.is_some() && self.profile() == Profile::Communication {
            return Err(EngineError::NoRolesInCommunication);
        }
        if let Some(token) = &options.token {
            self.renew_token(token)?;
        }
        self.settings.options = updated;
        self.apply();
        if let Some(role) = options.client_role_type {
            self.set_role(role)?;
        }
        Ok(())
    }

    fn set_role(&mut self, role: ClientRole) -> Result<(), EngineError> {
        if self.profile() == Profile::Communication {
            return Err(EngineError::NoRolesInCommunication);
        }
        self.settings.role = role;
        self.tell(Input::SetRole(role.into()));
        Ok(())
    }

    /// The profile that rules the channel, or would rule the next.
    fn profile(&self) -> Profile {
        let joined = self.driver.shared().with_client(|client, _| client.profile());
        joined.unwrap_or_else(|| self.settings.wire_profile())
    }

    /// Tells the client what to send and what to receive.
    fn apply(&self) {
        let settings = &self.settings;
        self.driver.shared().with_client(|client, now| {
            client.handle(now, Input::Subscribe(settings.subscribe()));
            client.handle(now, Input::View(settings.views.view()));
            client.handle(now, Input::Switch(settings.switches()));
            client.handle(now, Input::Publish(settings.tracks()));
            for kind in [Kind::Audio, Kind::Video] {
                let muted = settings.muted(kind);
                client.handle(now, Input::Mute { kind, muted });
            }
        });
    }

    fn tell(&self, input: Input<'_>) {
        self.driver.shared().with_client(|client, now| client.handle(now, input));
    }

    fn state(&self) -> (ConnectionState, Reason) {
        self.driver.shared().with_client(|client, _| (client.state(), client.reason()))
    }

    fn track(&self, kind: Kind) -> Option<Track> {
        self.settings.tracks().into_iter().find(|track| track.kind == kind)
    }
}

/// Whether a text can be a token at all. What is in it is the server's business.
fn can_be_token(text: &str) -> bool {
    let Some(body) = text.strip_prefix("007").or_else(|| text.strip_prefix("006")) else {
        return false;
    };
    let unpadded = body.trim_end_matches('=');
    body.len() - unpadded.len() <= 2
        && !unpadded.is_empty()
        && unpadded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}

fn call_id() -> String {
    driver::entropy()[..16].iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests;
