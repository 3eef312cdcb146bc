//! Somebody with an engine: joins, pushes made-up media, and is told of things.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use symbolon_sdk::{
    ChannelMediaOptions, ClientRole, Codec, EncodedFrame, Engine, Event, EventHandler, Kind, MediaHandler, Notice,
    RemoteFrame, RtcEngineContext, SessionEvent, Track, event_fn,
};

use crate::server::{APP_ID, TestServer};

pub(crate) struct Person {
    pub(crate) engine: Engine,
    notices: Receiver<Notice>,
    heard: Arc<Mutex<Heard>>,
    time: u64,
}

/// What came in on the media path.
#[derive(Default)]
struct Heard {
    frames: Vec<RemoteFrame>,
    keyframes_wanted: Vec<Track>,
}

impl Person {
    /// An engine that knows the server.
    pub(crate) fn new(server: &TestServer) -> Self {
        let (told, notices) = mpsc::channel();
        let handler: Arc<dyn EventHandler> = Arc::new(event_fn(move |notice: &Notice| {
            let _ = told.send(notice.clone());
        }));
        let engine = Engine::new();
        let context = RtcEngineContext::new(APP_ID).access_point(server.url()).event_handler(handler);
        engine.initialize(context).expect("a good context");
        let heard = Arc::new(Mutex::new(Heard::default()));
        engine.set_media_handler(Some(Arc::new(Ear(Arc::clone(&heard))))).expect("initialised");
        Self { engine, notices, heard, time: 0 }
    }

    /// Joins as a broadcaster with a microphone and encoded video, and waits until that has succeeded.
    pub(crate) fn broadcast(server: &TestServer, token: &str, channel: &str, uid: u32) -> Self {
        let mut person = Self::new(server);
        person.join(token, channel, uid, &broadcaster());
        person.expect("joined");
        person
    }

    /// Joins as audience, and waits until that has succeeded.
    pub(crate) fn watch(server: &TestServer, token: &str, channel: &str, uid: u32) -> Self {
        let mut person = Self::new(server);
        person.join(token, channel, uid, &ChannelMediaOptions::default());
        person.expect("joined");
        person
    }

    pub(crate) fn join(&mut self, token: &str, channel: &str, uid: u32, options: &ChannelMediaOptions) {
        self.engine.join_channel_with_options(token, channel, uid, options).expect("accepted");
    }

    /// Waits for an event of this name (see [`name`]). Gives the names of those before it.
    pub(crate) fn expect(&mut self, wanted: &str) -> Vec<String> {
        self.expect_that(wanted, |name| name == wanted)
    }

    /// Waits for an event whose name is as described. Gives the names of those before it.
    pub(crate) fn expect_that(&mut self, wanted: &str, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let end = Instant::now() + BOUND;
        let mut before = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(notice) = self.notices.recv_timeout(left) else {
                panic!("{wanted:?} did not come; instead: {before:?}");
            };
            let name = name(&notice);
            if is_it(&name) {
                return before;
            }
            before.push(name);
        }
    }

    /// The names of all events that have come and were not waited for.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        self.notices.try_iter().map(|notice| name(&notice)).collect()
    }

    /// Pushes one audio and one video frame.
    pub(crate) fn speak(&mut self) {
        self.time += 1;
        let _ = self.engine.push_encoded_audio(sound(self.time));
        let _ = self.engine.push_encoded_video(picture(self.time));
    }

    /// Speaks until the other has heard so much of this kind since now.
    pub(crate) fn speak_to(&mut self, other: &Self, kind: Kind, frames: usize) {
        let before = other.heard(kind);
        self.speak_until(|| other.heard(kind) >= before + frames);
    }

    /// Speaks, 50 frames a second, until something is so.
    pub(crate) fn speak_until(&mut self, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + BOUND;
        while !done() {
            assert!(Instant::now() < end, "it was not so within {BOUND:?}");
            self.speak();
            std::thread::sleep(FRAME);
        }
    }

    /// Speaks until a keyframe has been wanted more often than this.
    pub(crate) fn speak_until_asked(&mut self, before: usize) {
        let heard = Arc::clone(&self.heard);
        self.speak_until(|| heard.lock().expect("no handler panicked").keyframes_wanted.len() > before);
    }

    /// How many frames of this kind have come in.
    pub(crate) fn heard(&self, kind: Kind) -> usize {
        self.with_heard(|heard| heard.frames.iter().filter(|frame| frame.track.kind == kind).count())
    }

    /// All frames that have come in.
    pub(crate) fn frames(&self) -> Vec<RemoteFrame> {
        self.with_heard(|heard| heard.frames.clone())
    }

    /// How often a keyframe was wanted.
    pub(crate) fn keyframes_wanted(&self) -> usize {
        self.with_heard(|heard| heard.keyframes_wanted.len())
    }

    fn with_heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().expect("no handler panicked"))
    }
}

struct Ear(Arc<Mutex<Heard>>);

impl MediaHandler for Ear {
    fn on_remote_frame(&self, frame: &RemoteFrame) {
        self.0.lock().expect("no test panicked here").frames.push(frame.clone());
    }

    fn on_keyframe_wanted(&self, track: Track) {
        self.0.lock().expect("no test panicked here").keyframes_wanted.push(track);
    }
}

/// A broadcaster with a microphone and encoded video.
pub(crate) fn broadcaster() -> ChannelMediaOptions {
    ChannelMediaOptions {
        client_role_type: Some(ClientRole::Broadcaster),
        publish_encoded_video_track: Some(true),
        ..ChannelMediaOptions::default()
    }
}

/// A short name for each event, with the values that a story may care about.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest goes by its own name")]
fn name(notice: &Notice) -> String {
    use SessionEvent as E;
    match &notice.event {
        Event::Session(E::JoinChannelSuccess) => "joined".into(),
        Event::Session(E::RejoinChannelSuccess) => "rejoined".into(),
        Event::Session(E::ConnectionStateChanged { state, reason }) => {
            format!("state {}/{}", state.number(), reason.number())
        }
        Event::Session(E::Error { code, .. }) => format!("error {}", code.number()),
        Event::Session(E::UserJoined { uid }) => format!("{uid} came"),
        Event::Session(E::UserOffline { uid, reason }) => format!("{uid} went {}", reason.number()),
        Event::Session(E::TokenWillExpire { .. }) => "will expire".into(),
        Event::Session(E::RequestToken) => "request token".into(),
        Event::Session(E::RenewTokenResult { code, .. }) => format!("renewal {}", code.number()),
        Event::Session(E::ClientRoleChanged { new_role, .. }) => format!("role {new_role:?}"),
        Event::Session(E::ClientRoleChangeFailed { reason, .. }) => format!("role failed {}", reason.number()),
        Event::Session(E::UserMuted { uid, kind, muted }) => format!("{uid} muted {kind:?} {muted}"),
        Event::Session(E::RemoteMediaState { uid, kind, state, reason }) => {
            format!("{uid} {kind:?} {}/{}", state.number(), reason.number())
        }
        Event::Session(E::FirstDecoded { uid, kind, width, height }) => {
            format!("{uid} first {kind:?} {width}x{height}")
        }
        Event::Session(E::StandingChanged { .. }) => "standing".into(),
        Event::Session(E::UserPublished { uid, kind, .. }) => format!("{uid} published {kind:?}"),
        Event::Session(E::UserUnpublished { uid, kind, .. }) => format!("{uid} unpublished {kind:?}"),
        Event::Session(E::TokenExpiring { privileges, .. }) => format!("expiring {privileges:?}"),
        Event::Session(E::Speakers { .. }) => "speakers".into(),
        Event::PublishStateChanged { kind, old_state, new_state, .. } => {
            format!("own {kind:?} {}>{}", *old_state as u8, *new_state as u8)
        }
        Event::LeaveChannel { .. } => "left".into(),
        other => format!("{other:?}"),
    }
}

/// One packet of 20 ms: CELT, 48 kHz, mono, and bytes that say which it is.
pub(crate) fn sound(number: u64) -> EncodedFrame {
    let mut data = vec![0xF8];
    data.extend_from_slice(&number.to_be_bytes());
    EncodedFrame { codec: Codec::Opus, data: data.into(), timestamp: number * 960, keyframe: true }
}

/// A picture as far as packets and depackets look, 320 by 240, every fiftieth a keyframe, larger than one datagram.
pub(crate) fn picture(number: u64) -> EncodedFrame {
    let keyframe = number % 50 == 1;
    let mut data = vec![0x5A; 3_000];
    let head = if keyframe { [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0] } else { [0x11; 10] };
    data[..10].copy_from_slice(&head);
    data[10..18].copy_from_slice(&number.to_be_bytes());
    EncodedFrame { codec: Codec::Vp8, data: data.into(), timestamp: number * 1_800, keyframe }
}

/// What is waited for comes sooner than this, or the test fails.
pub(crate) const BOUND: Duration = Duration::from_secs(30);
const FRAME: Duration = Duration::from_millis(20);
