//! The whole client as a value: the rules of one stay in a channel and the media connection that goes with it.
//!
//! [`handle`](Client::handle) takes one thing that happened, [`poll`](Client::poll) gives what came of it until there is
//! nothing left, and [`deadline`](Client::deadline) says when to come back with [`Input::Tick`]. Time and randomness are
//! arguments; messages and datagrams go in and come out. Whoever drives it opens sockets, and tests open none.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use symbolon_proto::Now;
use symbolon_proto::code::{ConnectionState, Reason};
use symbolon_proto::id::{AppId, ChannelName, Token, Uid};
use symbolon_proto::message::{ClientMessage, Kind, Profile, Role, ServerMessage, Subscribe, Switches, View};
use symbolon_proto::session::{
    Event as SessionEvent, Input as SessionInput, JoinRequest, Output as SessionOutput, Pauses, Session,
};

use crate::error::EngineError;
use crate::event::{Event, Notice, RtcConnection, RtcStats};
use crate::media::{Codec, EncodedFrame, RemoteFrame, Track};
use crate::outgoing::Change;
pub use crate::peer::Entropy;
use crate::stage::{Stage, StageEvent};

/// One thing that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// The application joins a channel.
    Join(Box<Join>),
    /// The application leaves.
    Leave,
    /// The application has a new token.
    RenewToken(Token),
    /// The application asks for another role.
    SetRole(Role),
    /// What the application wants to receive. Remembered for the next join.
    Subscribe(Subscribe),
    /// How the application looks at what it receives. Remembered for the next join.
    View(View),
    /// The tracks that the application wants to send, at most one of each kind. Remembered for the next join.
    Publish(BTreeSet<Track>),
    /// The application turned something on or off. Remembered for the next join.
    Switch(Switches),
    /// The application silences its media of one kind, or no longer does. Remembered for the next join.
    Mute {
        /// Audio or video.
        kind: Kind,
        /// Whether it is silenced.
        muted: bool,
    },
    /// The application sends a frame.
    Frame {
        /// Of this track.
        track: Track,
        /// The frame.
        frame: EncodedFrame,
    },
    /// The WebSocket that [`Output::OpenSocket`] asked for is open.
    SocketOpened {
        /// The address of a UDP socket that was opened for it, as the server would see it were there no NAT. Never one
        /// that is in use already.
        local: SocketAddr,
        /// Fresh randomness.
        entropy: Entropy,
    },
    /// The WebSocket could not be opened, or has closed. Of an older one nothing is to be told.
    SocketClosed,
    /// A message came in.
    Received(Box<ServerMessage>),
    /// A message came in that this version does not know.
    ReceivedUnknown,
    /// A datagram came in.
    Datagram {
        /// At the UDP socket with this address.
        local: SocketAddr,
        /// Where it came from.
        source: SocketAddr,
        /// What it holds.
        bytes: &'a [u8],
    },
    /// The machine has another address now.
    NetworkChanged,
    /// Time has passed.
    Tick,
}

/// Where to join, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The channel.
    pub channel: ChannelName,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// The uid; absent to be given one.
    pub uid: Option<Uid>,
    /// A name for the others' screens.
    pub name: Option<String>,
    /// The role wanted.
    pub role: Role,
    /// The profile wanted.
    pub profile: Profile,
}

/// One thing to do, in this order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Open a WebSocket and a UDP socket, then say [`Input::SocketOpened`] or [`Input::SocketClosed`].
    OpenSocket,
    /// Close the WebSocket once what was sent has gone out. The UDP socket stays until [`Output::CloseMedia`].
    CloseSocket,
    /// Close the UDP socket with this address.
    CloseMedia {
        /// The address.
        local: SocketAddr,
    },
    /// Send this on the WebSocket.
    SendMessage(Box<ClientMessage>),
    /// Send this from a UDP socket.
    Datagram {
        /// The one with this address.
        source: SocketAddr,
        /// To here.
        destination: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Tell the application what happened.
    Event(Box<Notice>),
    /// Give the application a frame of another member.
    RemoteFrame(Box<RemoteFrame>),
    /// Tell the application that somebody waits for a keyframe.
    KeyframeWanted {
        /// Of this track.
        track: Track,
    },
}

/// The client. See the [module](self).
pub struct Client {
    app_id: AppId,
    session: Session,
    stage: Stage,
    subscribe: Subscribe,
    view: View,
    switches: Switches,
    /// The role asked for outside a channel; absent until someone says.
    role: Option<Role>,
    reason: Reason,
    /// Of the stay that is or was last.
    connection: RtcConnection,
    called_at: Option<Instant>,
    joined_at: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Client {
    /// A client that is in no channel. `entropy` spreads its attempts to reconnect.
    pub fn new(app_id: AppId, entropy: Entropy) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = entropy;
        Self::with_pauses(app_id, Pauses::seeded(u64::from_be_bytes([a, b, c, d, e, f, g, h])))
    }

    /// The same with the pauses between attempts given, for tests.
    pub fn with_pauses(app_id: AppId, pauses: Pauses) -> Self {
        Self {
            app_id,
            session: Session::new(pauses),
            stage: Stage::default(),
            subscribe: Subscribe::default(),
            view: View::default(),
            switches: Switches::default(),
            role: None,
            reason: Reason::LeaveChannel,
            connection: RtcConnection::default(),
            called_at: None,
            joined_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one thing that happened. A call that is not possible now changes nothing.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Join(join) => self.join(now, *join),
            Input::Leave => self.session(now, SessionInput::Leave),
            Input::RenewToken(token) => self.session(now, SessionInput::RenewToken { token }),
            Input::SetRole(role) => self.set_role(now, role),
            Input::Subscribe(subscribe) => self.subscribe(now, subscribe),
            Input::View(view) => {
                self.view = view.clone();
                self.session(now, SessionInput::View { view });
            }
            Input::Switch(switches) => {
                self.switches = switches;
                self.stage.set_camera_off(!switches.local_video);
                self.session(now, SessionInput::SetSwitches { switches });
            }
            Input::Publish(tracks) => self.stage.publish(tracks),
            Input::Mute { kind, muted } => self.stage.mute(kind, muted),
            Input::Frame { track, frame } => self.stage.send(now.instant, track, &frame),
            Input::SocketOpened { local, entropy } => {
                let media = self.stage.open(now.instant, local, entropy);
                self.session(now, SessionInput::Opened { media });
            }
            Input::SocketClosed => self.session(now, SessionInput::Closed),
            Input::Received(message) => {
                self.stage.observe(&message);
                self.session(now, SessionInput::Message { message: *message });
            }
            Input::ReceivedUnknown => self.session(now, SessionInput::Unknown),
            Input::Datagram { local, source, bytes } => self.stage.receive(now.instant, local, source, bytes),
            Input::NetworkChanged => self.session(now, SessionInput::NetworkChanged),
            Input::Tick => {
                self.stage.tick(now.instant);
                self.session(now, SessionInput::Tick);
            }
        }
        self.settle(now);
    }

    /// The next thing to do, until there is nothing left.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Tick`].
    pub fn deadline(&self) -> Option<Instant> {
        self.session.deadline().into_iter().chain(self.stage.deadline()).min()
    }

    /// Where the connection stands.
    pub fn state(&self) -> ConnectionState {
        self.session.state()
    }

    /// Why it stands there.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The uid held in the channel; absent before the join has succeeded.
    pub fn uid(&self) -> Option<Uid> {
        self.session.uid()
    }

    /// The profile of the channel; absent outside one.
    pub fn profile(&self) -> Option<Profile> {
        self.session.profile()
    }

    /// Whether [`Input::Frame`] with such a frame makes sense now. Muted, as audience and before media flows it does: the
    /// frame is dropped, and the application need not care.
    ///
    /// # Errors
    /// When the edge does not take the codec, or so much waits to be sent already that the frame would be late.
    pub fn check_frame(&self, track: Track, codec: Codec) -> Result<(), EngineError> {
        if self.outputs.len() > MAX_WAITING_OUTPUTS {
            return Err(EngineError::SendQueueFull);
        }
        self.stage.check_frame(track, codec)
    }

    /// Puts an event of this channel behind all that wait.
    #[cfg(test)]
    pub(crate) fn mark(&mut self, channel_id: &str) {
        let (connection, event) =
            (RtcConnection::new(channel_id, None), Event::FirstLocalFramePublished { kind: Kind::Audio });
        self.outputs.push_back(Output::Event(Box::new(Notice { connection, elapsed_ms: 0, event })));
    }

    fn join(&mut self, now: Now, join: Join) {
        let input = SessionInput::Join {
            request: JoinRequest {
                app_id: self.app_id.to_string(),
                channel: join.channel.as_str().to_owned(),
                token: join.token,
                uid: join.uid.map_or(0, Uid::get),
                name: join.name,
                role: join.role,
                switches: self.switches,
                profile: join.profile,
                subscribe: self.subscribe.clone(),
                view: self.view.clone(),
            },
        };
        if self.session.allows(&input).is_ok() {
            self.role = Some(join.role);
            self.called_at = Some(now.instant);
            self.joined_at = None;
            self.stage.begin();
            self.connection = RtcConnection::new(join.channel.as_str(), join.uid);
        }
        self.session(now, input);
    }

    /// Outside a channel the role waits for the join. The reference tells of audience then, and of broadcaster not.
    fn set_role(&mut self, now: Now, role: Role) {
        if self.session.channel().is_some() {
            self.role = Some(role);
            return self.session(now, SessionInput::SetRole { role });
        }
        let old_role = self.role.replace(role);
        if role == Role::Audience && old_role != Some(role) {
            let old_role = old_role.unwrap_or_default();
            let event = SessionEvent::ClientRoleChanged { old_role, new_role: role };
            self.connection = RtcConnection::default();
            self.tell(now, Event::Session(event));
        }
    }

    fn subscribe(&mut self, now: Now, subscribe: Subscribe) {
        if self.subscribe != subscribe {
            self.subscribe = subscribe.clone();
            self.session(now, SessionInput::Subscribe { subscribe });
        }
    }

    fn session(&mut self, now: Now, input: SessionInput) {
        self.session.handle(now, input);
        self.drain_session(now);
    }

    /// Does what the session wants, and what follows from it.
    fn drain_session(&mut self, now: Now) {
        if let (Some(channel), uid) = (self.session.channel(), self.session.uid()) {
            let given = Uid::new(self.connection.local_uid);
            self.connection = RtcConnection::new(channel, uid.or(given));
        }
        if !self.in_channel() {
            self.end_media(now);
        }
        while let Some(output) = self.session.poll() {
            self.carry_out(now, output);
        }
    }

    fn carry_out(&mut self, now: Now, output: SessionOutput) {
        match output {
            SessionOutput::Open => self.outputs.push_back(Output::OpenSocket),
            SessionOutput::Close => self.outputs.push_back(Output::CloseSocket),
            SessionOutput::Send { message } => self.outputs.push_back(Output::SendMessage(Box::new(message))),
            SessionOutput::Answer { media } => self.stage.answered(now.instant, &media),
            SessionOutput::NegotiateFailed => self.stage.refused(),
            SessionOutput::Slots { slots } => self.stage.carry(&slots),
            SessionOutput::NeedSlots { audio, video } => self.stage.need_slots(audio, video),
            SessionOutput::OwnPublication { mid, state } => self.stage.own_publication(mid, state),
            // This client sends each video once, and takes what comes.
            SessionOutput::LayersWanted { .. } | SessionOutput::Receiving { .. } | SessionOutput::Bandwidth { .. } => {}
            SessionOutput::Event { event } => self.session_event(now, event),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all other events go on as they are")]
    fn session_event(&mut self, now: Now, event: SessionEvent) {
        match event {
            SessionEvent::LeaveChannel => {
                let stats = self.stats(now);
                self.tell(now, Event::LeaveChannel { stats });
            }
            SessionEvent::JoinChannelSuccess => {
                self.joined_at = Some(now.instant);
                self.tell(now, Event::Session(event));
            }
            SessionEvent::ConnectionStateChanged { reason, .. } => {
                self.reason = reason;
                self.tell(now, Event::Session(event));
            }
            _ => self.tell(now, Event::Session(event)),
        }
    }

    /// Brings both halves in line: what the media half found out, and what the rules must be told of it.
    fn settle(&mut self, now: Now) {
        self.drain_stage(now);
        if self.session.state() == ConnectionState::Connected {
            self.tell_edge(now);
            self.tell_publish_changes(now, true);
        }
        self.drain_stage(now);
    }

    /// Mutes and sections that the edge does not know yet. What is said while the signalling is broken goes nowhere, and
    /// the offer of the next connection says it.
    fn tell_edge(&mut self, now: Now) {
        for (mid, muted) in self.stage.mutes_to_tell() {
            self.session(now, SessionInput::SetMuted { mid, muted });
        }
        if let Some(media) = self.stage.renegotiate(now.instant) {
            self.session(now, SessionInput::Negotiate { media });
        }
    }

    fn drain_stage(&mut self, now: Now) {
        while let Some(event) = self.stage.poll() {
            match event {
                StageEvent::Datagram { source, destination, bytes } => {
                    self.outputs.push_back(Output::Datagram { source, destination, bytes });
                }
                StageEvent::Frame(frame) => self.outputs.push_back(Output::RemoteFrame(Box::new(frame))),
                StageEvent::Decoded { uid, kind, size: (width, height), again } => {
                    let (width, height) = (width.into(), height.into());
                    self.session(now, SessionInput::Decoded { uid, kind, width, height, again });
                }
                StageEvent::Frozen { uid, kind } => self.session(now, SessionInput::Frozen { uid, kind }),
                StageEvent::KeyframeWanted(track) => self.outputs.push_back(Output::KeyframeWanted { track }),
                StageEvent::FirstFrameSent(kind) => self.tell(now, Event::FirstLocalFramePublished { kind }),
                StageEvent::Lost => self.session(now, SessionInput::MediaLost),
                StageEvent::Closed(local) => self.outputs.push_back(Output::CloseMedia { local }),
            }
        }
    }

    /// Out of the channel no media flows in either direction.
    fn end_media(&mut self, now: Now) {
        self.tell_publish_changes(now, false);
        if self.stage.is_open() {
            let bytes = self.stage.bytes();
            tracing::debug!(sent = bytes.sent, received = bytes.received, "media ended");
            self.stage.end();
        }
    }

    fn tell_publish_changes(&mut self, now: Now, in_channel: bool) {
        for Change { kind, old, new, elapsed_ms } in self.stage.publish_changes(now.instant, in_channel) {
            let event = Event::PublishStateChanged { kind, old_state: old, new_state: new, elapsed_ms };
            self.tell(now, event);
        }
    }

    fn in_channel(&self) -> bool {
        !matches!(self.session.state(), ConnectionState::Disconnected | ConnectionState::Failed)
    }

    fn stats(&self, now: Now) -> RtcStats {
        let stay = self.joined_at.map(|at| now.instant.saturating_duration_since(at));
        let bytes = self.stage.bytes();
        RtcStats {
            duration: stay.map_or(0, |stay| u32::try_from(stay.as_secs()).unwrap_or(u32::MAX)),
            tx_bytes: bytes.sent,
            rx_bytes: bytes.received,
        }
    }

    fn tell(&mut self, now: Now, event: Event) {
        let since = self.called_at.map(|at| now.instant.saturating_duration_since(at).as_millis());
        let elapsed_ms = u32::try_from(since.unwrap_or_default()).unwrap_or(u32::MAX);
        let connection = self.connection.clone();
        self.outputs.push_back(Output::Event(Box::new(Notice { connection, elapsed_ms, event })));
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("connection", &self.connection)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// When so much waits for the driver, more frames are refused instead of queued.
const MAX_WAITING_OUTPUTS: usize = 4_096;
