//! Return codes and callbacks, without a server: the access point is a port that nobody listens on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use symbolon_proto::code::{ErrorCode, Fallback, StreamType};

use super::*;
use crate::event::{Event, Notice, SessionEvent, event_fn};
use crate::media::Codec;
use crate::options::{AudienceLatencyLevel, ClientRole};

#[test]
fn two_creations_give_one_engine_until_it_is_released() {
    let first = create_agora_rtc_engine();
    assert!(Arc::ptr_eq(&first.inner, &create_agora_rtc_engine().inner));
    assert!(!Arc::ptr_eq(&first.inner, &Engine::new().inner));
    first.release(true).expect("legal at any time");
    let second = create_agora_rtc_engine();
    assert!(!Arc::ptr_eq(&first.inner, &second.inner));
    drop(second);
}

#[test]
fn every_method_needs_initialize_and_none_works_after_release() {
    let engine = Engine::new();
    refuses_everything(&engine);
    engine.initialize(context()).expect("a good App ID");
    engine.release(true).expect("outside a callback");
    refuses_everything(&engine);
    assert_eq!(code(engine.initialize(context())), -7);
    assert!(!Engine::get_version().is_empty());
    assert_eq!(Engine::get_error_description(-110), Engine::get_error_description(110));
}

#[test]
fn initialize_refuses_a_bad_app_id_and_another_one() {
    let engine = Engine::new();
    for bad in ["", "0123", &"g".repeat(32), &"0".repeat(33)] {
        assert_eq!(code(engine.initialize(RtcEngineContext::new(bad))), -101, "{bad}");
    }
    engine.initialize(context()).expect("a good one");
    engine.initialize(context()).expect("the same again");
    assert_eq!(code(engine.initialize(RtcEngineContext::new("f".repeat(32)))), -8);
}

#[test]
fn a_server_must_be_named_and_without_tls() {
    let engine = Engine::new();
    assert_eq!(code(engine.initialize(context().access_point("wss://edge.example"))), -4);
    assert_eq!(code(engine.initialize(context().access_point("not an address"))), -2);
    engine.initialize(context()).expect("a good address");
    assert_eq!(code(engine.set_local_access_point(&LocalAccessPointConfiguration::default())), -2);
    let two =
        LocalAccessPointConfiguration { ip_list: vec!["127.0.0.1:9".into()], domain_list: vec!["localhost:9".into()] };
    engine.set_local_access_point(&two).expect("two addresses");
}

#[test]
fn channel_names_are_checked() {
    let engine = running();
    let signs = "!#$%&()+-:;<=.>?@[]^_{}|~, ";
    let all = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(signs.chars());
    assert_eq!(all.clone().count(), 89);
    for sign in all {
        for name in [sign.to_string(), sign.to_string().repeat(64)] {
            join(&engine, &name).expect(&name);
            engine.leave_channel().expect("joined");
        }
    }
    for bad in ["", &"a".repeat(65), "a*", "a'", "a\"", "a/", "a\\", "a`", "a\t", "é"] {
        assert_eq!(code(join(&engine, bad)), -102, "{bad:?}");
    }
}

#[test]
fn a_refused_join_fires_no_event() {
    let (engine, log) = logged();
    let two_videos = ChannelMediaOptions {
        publish_camera_track: Some(true),
        publish_screen_track: Some(true),
        ..ChannelMediaOptions::default()
    };
    assert_eq!(code(engine.join_channel("", "room", 1, &two_videos)), -2);
    assert_eq!(code(join(&engine, "a/b")), -102);
    assert_eq!(engine.get_call_id().as_deref(), Ok(""));
    assert_eq!(log.states_until_quiet(), []);
}

#[test]
fn a_second_join_gives_17_and_disturbs_nothing() {
    let (engine, log) = logged();
    join(&engine, "room").expect("free");
    assert_eq!(code(join(&engine, "other")), -17);
    assert!(!engine.get_call_id().expect("running").is_empty());
    engine.leave_channel().expect("joining");
    join(&engine, "other").expect("queued behind the leave");
    assert_eq!(log.states_until_quiet(), [(2, 0), (1, 5), (2, 0)]);
}

#[test]
fn leave_without_a_channel_gives_18_and_no_event() {
    let (engine, log) = logged();
    assert_eq!(code(engine.leave_channel()), -18);
    assert_eq!(log.states_until_quiet(), []);
}

#[test]
fn leave_while_connecting_ends_the_attempt() {
    let (engine, log) = logged();
    join(&engine, "room").expect("free");
    engine.leave_channel().expect("joining");
    let names: Vec<_> = log.until_quiet().iter().map(name).collect();
    assert_eq!(names, ["state 2 0", "state 1 5", "left"]);
    assert_eq!(engine.get_connection_state(), Ok(ConnectionState::Disconnected));
    assert_eq!(engine.get_call_id().as_deref(), Ok(""));
}

#[test]
fn leave_and_join_at_once_never_gives_17() {
    let engine = running();
    for _ in 0..500 {
        join(&engine, "room").expect("never refused");
        engine.leave_channel().expect("joined");
    }
}

#[test]
fn updates_and_renewals_need_a_channel() {
    let engine = running();
    assert_eq!(code(engine.update_channel_media_options(&ChannelMediaOptions::default())), -8);
    assert_eq!(code(engine.renew_token("")), -2);
    assert_eq!(code(engine.renew_token("007eJx")), -8);
    join(&engine, "room").expect("free");
    for junk in ["token", "008abc", "007", "007a b", "006"] {
        assert_eq!(code(engine.renew_token(junk)), -110, "{junk}");
    }
    engine.renew_token("007eJxTYA==").expect("legal while connecting");
    assert_eq!(code(engine.update_channel_media_options(&ChannelMediaOptions::default())), -8);
}

#[test]
fn profile_and_role_follow_the_profile() {
    let engine = running();
    engine.set_channel_profile(ChannelProfile::Communication).expect("before a join");
    assert_eq!(code(engine.set_client_role(ClientRole::Broadcaster)), -5);
    engine.set_channel_profile(ChannelProfile::LiveBroadcasting).expect("before a join");
    join(&engine, "room").expect("free");
    assert_eq!(code(engine.set_channel_profile(ChannelProfile::Communication)), -8);
}

#[test]
fn a_role_before_the_join_is_told_of_for_audience_only() {
    let (engine, log) = logged();
    engine.set_client_role(ClientRole::Broadcaster).expect("live");
    engine.set_client_role(ClientRole::Audience).expect("live");
    engine.set_client_role(ClientRole::Audience).expect("the same again");
    let names: Vec<_> = log.until_quiet().iter().map(name).collect();
    assert_eq!(names, ["role Broadcaster Audience"]);
}

#[test]
fn both_forms_of_join_give_one_log() {
    let log_of = |join: &dyn Fn(&Engine) -> Result<(), EngineError>| {
        let (engine, log) = logged();
        join(&engine).expect("free");
        engine.leave_channel().expect("joined");
        log.until_quiet().iter().map(name).collect::<Vec<_>>()
    };
    let options = ChannelMediaOptions::default();
    let main = log_of(&|engine| engine.join_channel("", "room", 7, &options));
    let alias = log_of(&|engine| engine.join_channel_with_options("", "room", 7, &options));
    assert_eq!(main, alias);
}

#[test]
fn frames_need_a_track_of_their_kind() {
    let engine = running();
    let frame = |codec| EncodedFrame { codec, data: Arc::from([0_u8; 8]), timestamp: 0, keyframe: true };
    assert_eq!(code(engine.push_encoded_video(frame(Codec::Opus))), -2);
    assert_eq!(code(engine.push_encoded_video(frame(Codec::Vp8))), -3);
    engine.push_encoded_audio(frame(Codec::Opus)).expect("the microphone is published unless told otherwise");
    engine.disable_audio().expect("running");
    assert_eq!(code(engine.push_encoded_audio(frame(Codec::Opus))), -3);
}

#[test]
fn members_are_muted_by_uid() {
    let engine = running();
    assert_eq!(code(engine.mute_remote_audio_stream(0, true)), -121);
    engine.mute_remote_audio_stream(u32::MAX, true).expect("the largest uid");
    engine.mute_all_remote_video_streams(true).expect("running");
}

#[test]
fn streams_and_priorities_are_set_by_uid_before_a_join_and_during_it() {
    let engine = running();
    assert_eq!(code(engine.set_remote_video_stream_type(0, StreamType::Low)), -121);
    assert_eq!(code(engine.set_high_priority_user_list(&[1, 0], Fallback::Low)), -121);
    let many: Vec<u32> = (1..=1_025).collect();
    assert_eq!(code(engine.set_high_priority_user_list(&many, Fallback::Low)), -22);
    for _ in ["before", "during"] {
        engine.set_remote_video_stream_type(5, StreamType::Layer1).expect("running");
        engine.set_remote_default_video_stream_type(StreamType::Low).expect("running");
        engine.set_remote_subscribe_fallback_option(Fallback::AudioOnly).expect("running");
        engine.set_high_priority_user_list(&[5, 6], Fallback::None).expect("running");
        let _ = engine.join_channel("007eJx", "tea", 7, &ChannelMediaOptions::default());
    }
}

#[test]
fn handlers_are_called_in_order_and_a_panic_stops_nobody() {
    let engine = running();
    let (told, log) = mpsc::channel();
    for number in [1, 2, 3] {
        let told = told.clone();
        let handler: Arc<dyn EventHandler> = Arc::new(event_fn(move |_: &Notice| {
            told.send(number).expect("the test listens");
            assert_ne!(number, 2, "this handler panics");
        }));
        engine.register_event_handler(Arc::clone(&handler)).expect("running");
        if number == 3 {
            engine.unregister_event_handler(&handler).expect("registered");
            assert_eq!(code(engine.unregister_event_handler(&handler)), -2);
        }
    }
    join(&engine, "room").expect("free");
    engine.leave_channel().expect("joined");
    let called: Vec<_> = (0..6).map(|_| log.recv_timeout(BOUND).expect("three events for two handlers")).collect();
    assert_eq!(called, [1, 2, 1, 2, 1, 2]);
}

#[test]
fn release_inside_a_callback_is_refused_unless_asynchronous() {
    let engine = running();
    let (told, log) = mpsc::channel();
    let inside = engine.clone();
    let handler = event_fn(move |_: &Notice| {
        told.send(code(inside.release(true))).expect("the test listens");
        told.send(code(inside.release(false))).expect("the test listens");
    });
    engine.register_event_handler(Arc::new(handler)).expect("running");
    join(&engine, "room").expect("free");
    assert_eq!(log.recv_timeout(BOUND), Ok(-5));
    assert_eq!(log.recv_timeout(BOUND), Ok(0));
    assert_eq!(code(engine.leave_channel()), -7);
    assert_eq!(log.recv_timeout(BOUND), Err(RecvTimeoutError::Disconnected), "no other callback, and no hang");
}

#[test]
fn no_callback_runs_after_a_synchronous_release() {
    let mut all_late = Vec::new();
    for _ in 0..RACES {
        let released = Arc::new(AtomicBool::new(false));
        let late = Arc::new(AtomicBool::new(false));
        let (seen, told) = (Arc::clone(&released), Arc::clone(&late));
        let engine = Engine::new();
        let handler = event_fn(move |_: &Notice| {
            // Long enough that a release which does not wait returns in the middle.
            (0..50).for_each(|_| std::thread::yield_now());
            told.fetch_or(seen.load(Ordering::SeqCst), Ordering::SeqCst);
        });
        engine.initialize(context().event_handler(Arc::new(handler))).expect("a good context");
        join(&engine, "room").expect("free");
        engine.leave_channel().expect("joined");
        engine.release(true).expect("outside a callback");
        released.store(true, Ordering::SeqCst);
        all_late.push(late);
    }
    let late = all_late.iter().filter(|late| late.load(Ordering::SeqCst)).count();
    assert_eq!(late, 0, "callbacks ran on after the release");
}

#[test]
fn the_state_inside_a_callback_is_the_one_that_it_reports() {
    let engine = running();
    let (told, log) = mpsc::channel();
    let inside = engine.clone();
    let handler = event_fn(move |notice: &Notice| {
        if let Event::Session(SessionEvent::ConnectionStateChanged { state, .. }) = &notice.event {
            told.send((*state, inside.get_connection_state())).expect("the test listens");
        }
    });
    engine.register_event_handler(Arc::new(handler)).expect("running");
    for _ in 0..20 {
        join(&engine, "room").expect("free");
        engine.leave_channel().expect("joined");
    }
    for _ in 0..40 {
        let (told, asked) = log.recv_timeout(BOUND).expect("two states for each");
        assert_eq!(asked, Ok(told));
    }
    // The handler holds a clone of the engine.
    engine.release(true).expect("outside a callback");
}

#[test]
fn the_latency_level_is_a_hint() {
    let engine = running();
    let options = ChannelMediaOptions {
        audience_latency_level: Some(AudienceLatencyLevel::LowLatency),
        ..ChannelMediaOptions::default()
    };
    engine.join_channel("", "room", 0, &options).expect("accepted");
}

fn refuses_everything(engine: &Engine) {
    let options = ChannelMediaOptions::default();
    let handler: Arc<dyn EventHandler> = Arc::new(event_fn(|_: &Notice| {}));
    let servers = LocalAccessPointConfiguration { ip_list: vec!["127.0.0.1:9".into()], domain_list: vec![] };
    let frame = EncodedFrame { codec: Codec::Vp8, data: Arc::from([0_u8; 8]), timestamp: 0, keyframe: true };
    let all = [
        engine.join_channel("", "room", 1, &options),
        engine.join_channel_with_options("", "room", 1, &options),
        engine.leave_channel(),
        engine.renew_token("007eJx"),
        engine.update_channel_media_options(&options),
        engine.set_client_role(ClientRole::Broadcaster),
        engine.set_channel_profile(ChannelProfile::Communication),
        engine.set_local_access_point(&servers),
        engine.mute_local_audio_stream(true),
        engine.mute_local_video_stream(true),
        engine.enable_audio(),
        engine.disable_audio(),
        engine.enable_video(),
        engine.disable_video(),
        engine.mute_remote_audio_stream(1, true),
        engine.mute_remote_video_stream(1, true),
        engine.mute_all_remote_audio_streams(true),
        engine.mute_all_remote_video_streams(true),
        engine.set_remote_video_stream_type(1, StreamType::Low),
        engine.set_remote_default_video_stream_type(StreamType::Low),
        engine.set_remote_subscribe_fallback_option(Fallback::AudioOnly),
        engine.set_high_priority_user_list(&[1], Fallback::Low),
        engine.push_encoded_audio(frame.clone()),
        engine.push_encoded_video(frame),
        engine.set_media_handler(None),
        engine.register_event_handler(Arc::clone(&handler)),
        engine.unregister_event_handler(&handler),
        engine.get_connection_state().map(|_| ()),
        engine.get_call_id().map(|_| ()),
    ];
    for (number, result) in all.into_iter().enumerate() {
        assert_eq!(result.map_err(|error| error.error_code()), Err(ErrorCode::NotInitialized), "method {number}");
    }
}

fn context() -> RtcEngineContext {
    // Port 9 is discard; on loopback nobody listens there, so a join stays in CONNECTING.
    RtcEngineContext::new("0123456789abcdef0123456789abcdef").access_point("ws://127.0.0.1:9")
}

fn running() -> Engine {
    let engine = Engine::new();
    engine.initialize(context()).expect("a good context");
    engine
}

fn logged() -> (Engine, Log) {
    let (told, notices) = mpsc::channel();
    let engine = Engine::new();
    engine.initialize(context().event_handler(Arc::new(to(told)))).expect("a good context");
    let log = Log { engine: engine.clone(), notices };
    (engine, log)
}

fn to(told: Sender<Notice>) -> impl EventHandler {
    event_fn(move |notice: &Notice| {
        // A test that has seen enough no longer listens.
        let _ = told.send(notice.clone());
    })
}

fn join(engine: &Engine, channel: &str) -> Result<(), EngineError> {
    engine.join_channel("", channel, 1, &ChannelMediaOptions::default())
}

fn code(result: Result<(), EngineError>) -> i32 {
    result.map_or_else(|error| error.code(), |()| 0)
}

/// What the handlers of one engine were told.
struct Log {
    engine: Engine,
    notices: Receiver<Notice>,
}

impl Log {
    /// All events that are caused by the calls so far. A call's events are on the queue as soon as the engine's thread has
    /// done what the call asked for; a mark that goes the same way comes after them.
    fn until_quiet(&self) -> Vec<Notice> {
        self.engine.mark();
        let mut all = Vec::new();
        loop {
            let notice = self.notices.recv_timeout(BOUND).expect("the mark arrives");
            if notice.connection.channel_id == MARK {
                return all;
            }
            all.push(notice);
        }
    }

    fn states_until_quiet(&self) -> Vec<(u16, u16)> {
        self.until_quiet().iter().filter_map(state).collect()
    }
}

impl Engine {
    /// Puts an event of a channel that cannot be on the way of all events.
    fn mark(&self) {
        self.running(|running| {
            running.driver.shared().with_client(|client, _| client.mark(MARK));
            Ok(())
        })
        .expect("running");
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "this asks for one event")]
fn state(notice: &Notice) -> Option<(u16, u16)> {
    match &notice.event {
        Event::Session(SessionEvent::ConnectionStateChanged { state, reason }) => {
            Some((state.number(), reason.number()))
        }
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest goes by its own name")]
fn name(notice: &Notice) -> String {
    match &notice.event {
        Event::Session(SessionEvent::ConnectionStateChanged { state, reason }) => {
            format!("state {} {}", state.number(), reason.number())
        }
        Event::Session(SessionEvent::ClientRoleChanged { old_role, new_role }) => {
            format!("role {old_role:?} {new_role:?}")
        }
        Event::LeaveChannel { .. } => "left".to_owned(),
        other => format!("{other:?}"),
    }
}

/// No channel has such a name.
const MARK: &str = "*";
/// A callback that takes longer than this does not come.
const BOUND: Duration = Duration::from_secs(10);
/// The reference's checklist asks for a thousand.
const RACES: usize = 1_000;
