//! The client's half of the rules: one stay in a channel after the other, each from the join to its end.
//!
//! A [`Session`] is a value. [`handle`](Session::handle) takes one thing that happened, [`poll`](Session::poll) gives
//! what came of it until there is nothing left, and [`deadline`](Session::deadline) says when to come back with a
//! [`Tick`](Input::Tick). It sees no socket, no clock and no session description; whoever drives it does what the
//! outputs say. It never looks into a token: that a token is over it learns from the server alone.
//!
//! `spec/transcripts` has scripted conversations that this machine and its twin `web/sdk/session.js` are held to.

mod attempts;
mod event;
mod input;
mod output;
mod pauses;
mod received;
mod renewal;
mod role;
mod roster;
mod timers;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use self::event::Event;
pub use self::input::{Input, JoinRequest};
pub use self::output::Output;
pub use self::pauses::Pauses;
use self::renewal::Renewals;
use self::role::RoleRequest;
pub use self::roster::Roster;
use self::timers::{Timer, Timers};
use crate::Now;
use crate::code::{ConnectionState, ErrorCode, Reason, RoleChangeFailure};
use crate::id::{ChannelName, ResumeId, Token, Uid};
use crate::message::{
    ClientMessage, MAX_EXCEPTIONS, MAX_NAME_BYTES, MAX_VIEWS, Profile, Role, Standing, Subscribe, Switches, View,
};

/// The client's half of the rules. See the [module](self).
#[derive(Debug)]
pub struct Session {
    state: ConnectionState,
    reason: Reason,
    stay: Option<Box<Stay>>,
    timers: Timers,
    pauses: Pauses,
    /// The `id` of the next request.
    next_id: u32,
    outputs: VecDeque<Output>,
}

/// What belongs to one stay in a channel.
#[derive(Debug)]
struct Stay {
    request: JoinRequest,
    called_at: Instant,
    link: Link,
    /// Attempts in a row that brought no connection.
    attempts: u32,
    /// When the server was last heard.
    heard_at: Instant,
    /// What the last join gave; absent before the first.
    seat: Option<Seat>,
    renewals: Renewals,
    role_request: Option<RoleRequest>,
    /// Whether the edge took away the role that is wanted still: it is asked for again once the token allows it.
    role_taken: bool,
    roster: Roster,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Between two attempts.
    Waiting,
    /// A socket and an offer are being made.
    Opening,
    /// The join has been sent.
    Joining,
    /// In the channel, since then.
    Joined(Instant),
    /// The token is over: nothing happens before a new one.
    AwaitingToken,
}

/// What a join gives.
#[derive(Debug)]
struct Seat {
    uid: Uid,
    resume: ResumeId,
    profile: Profile,
    /// The role held.
    role: Role,
    ping_every: Duration,
    /// When the session ends, as the server last said.
    expires_at: Option<Instant>,
}

impl Session {
    /// A session that is in no channel.
    pub fn new(pauses: Pauses) -> Self {
        Self {
            state: ConnectionState::Disconnected,
            reason: Reason::LeaveChannel,
            stay: None,
            timers: Timers::default(),
            pauses,
            next_id: 1,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one thing that happened. A call that [`allows`](Self::allows) refuses changes nothing.
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.allows(&input).is_err() {
            return;
        }
        let now = now.instant;
        match input {
            Input::Join { request } => self.join(now, request),
            Input::Leave => self.leave(),
            Input::RenewToken { token } => self.renew(now, token),
            Input::SetRole { role } => self.ask_role(now, role),
            Input::Subscribe { subscribe } => self.subscribe(subscribe),
            Input::View { view } => self.view(view),
            Input::SetMuted { mid, muted } => self.send_if_joined(ClientMessage::SetMuted { mid, muted }),
            Input::SetSwitches { switches } => self.set_switches(switches),
            Input::Negotiate { media } => {
                let id = self.take_id();
                self.send_if_joined(ClientMessage::Negotiate { id, media });
            }
            Input::Opened { media } => self.opened(media),
            Input::Closed => self.closed(now),
            Input::Message { message } => self.received(now, message),
            Input::Unknown => self.heard(now),
            Input::NetworkChanged => self.network_changed(now),
            Input::MediaLost => self.media_lost(now),
            Input::Decoded { uid, kind, width, height, again } => {
                self.roster(|roster| roster.decoded(uid, kind, (width, height), again));
            }
            Input::Frozen { uid, kind } => self.roster(|roster| roster.frozen(uid, kind)),
            Input::Tick => self.tick(now),
        }
    }

    /// The next thing to do, until there is nothing left.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Tick`].
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether a call of the application is possible now. News from the world always is.
    ///
    /// # Errors
    /// The code that the application's method returns as a negative number.
    pub fn allows(&self, input: &Input) -> Result<(), ErrorCode> {
        match input {
            Input::Join { .. } if self.state != ConnectionState::Disconnected => Err(ErrorCode::JoinChannelRejected),
            Input::Join { request } => check_request(request),
            Input::Leave if self.state == ConnectionState::Disconnected => Err(ErrorCode::LeaveChannelRejected),
            Input::RenewToken { token } if token.expose().is_empty() => Err(ErrorCode::InvalidArgument),
            Input::SetRole { .. } if self.profile() == Some(Profile::Communication) => Err(ErrorCode::Refused),
            Input::RenewToken { .. }
            | Input::SetRole { .. }
            | Input::Subscribe { .. }
            | Input::View { .. }
            | Input::SetMuted { .. }
            | Input::SetSwitches { .. }
            | Input::Negotiate { .. }
                if self.stay.is_none() =>
            {
                Err(ErrorCode::InvalidState)
            }
            Input::RenewToken { token } if !renewal::may_be_token(token) => Err(ErrorCode::InvalidToken),
            Input::Subscribe { subscribe } => check_subscribe(subscribe),
            Input::View { view } => check_view(view),
            Input::Leave
            | Input::RenewToken { .. }
            | Input::SetRole { .. }
            | Input::SetMuted { .. }
            | Input::SetSwitches { .. }
            | Input::Negotiate { .. }
            | Input::Opened { .. }
            | Input::Closed
            | Input::Message { .. }
            | Input::Unknown
            | Input::NetworkChanged
            | Input::MediaLost
            | Input::Decoded { .. }
            | Input::Frozen { .. }
            | Input::Tick => Ok(()),
        }
    }

    /// Where the connection stands. A driver that delivers events later than they arise keeps the state of the last
    /// event that it delivered.
    pub fn state(&self) -> ConnectionState {
        self.state
    }

    /// The uid held in the channel; absent before the first join.
    pub fn uid(&self) -> Option<Uid> {
        self.seat().map(|seat| seat.uid)
    }

    /// The channel, from the call of the join to the end of the stay.
    pub fn channel(&self) -> Option<&str> {
        self.stay.as_ref().map(|stay| stay.request.channel.as_str())
    }

    /// The role held in the channel.
    pub fn role(&self) -> Option<Role> {
        self.seat().map(|seat| seat.role)
    }

    /// The role that the application wants: the one that it asked for, unless that was refused.
    pub fn asked_role(&self) -> Option<Role> {
        self.stay.as_ref().map(|stay| stay.request.role)
    }

    /// The profile of the channel; before the first join the one asked for.
    pub fn profile(&self) -> Option<Profile> {
        self.seat().map(|seat| seat.profile).or_else(|| self.stay.as_ref().map(|stay| stay.request.profile))
    }

    /// The others.
    pub fn others(&self) -> Option<&Roster> {
        self.stay.as_ref().map(|stay| &stay.roster)
    }

    /// Whole milliseconds since the call of the join, for the events that carry them.
    pub fn elapsed_ms(&self, now: Now) -> u32 {
        let elapsed = self.stay.as_ref().map(|stay| now.instant.saturating_duration_since(stay.called_at));
        elapsed.unwrap_or_default().as_millis().try_into().unwrap_or(u32::MAX)
    }

    fn join(&mut self, now: Instant, request: JoinRequest) {
        self.stay = Some(Box::new(Stay {
            called_at: now,
            link: Link::Waiting,
            attempts: 0,
            heard_at: now,
            seat: None,
            renewals: Renewals::default(),
            role_request: None,
            role_taken: false,
            roster: Roster::new(request.subscribe.clone()),
            request,
        }));
        self.start(now, ConnectionState::Connecting, Reason::Connecting);
    }

    fn leave(&mut self) {
        if matches!(self.link(), Some(Link::Joined(_) | Link::Joining)) {
            self.send(ClientMessage::Leave {});
        }
        self.settle_renewal_failed();
        self.finish(ConnectionState::Disconnected, Reason::LeaveChannel);
        self.event(Event::LeaveChannel);
    }

    /// The end of the stay: no attempt, no timer and no user is left.
    fn finish(&mut self, state: ConnectionState, reason: Reason) {
        self.close();
        self.stay = None;
        self.timers.clear_all();
        self.report(state, reason);
    }

    /// Closes the socket, if there is one.
    fn close(&mut self) {
        if matches!(self.link(), Some(Link::Opening | Link::Joining | Link::Joined(_))) {
            self.outputs.push_back(Output::Close);
        }
    }

    fn subscribe(&mut self, subscribe: Subscribe) {
        self.send_if_joined(ClientMessage::Subscribe(subscribe.clone()));
        if let Some(stay) = &mut self.stay {
            stay.request.subscribe = subscribe.clone();
        }
        self.roster(|roster| roster.subscribe(subscribe));
    }

    fn view(&mut self, view: View) {
        let Some(stay) = self.stay.as_mut().filter(|stay| stay.request.view != view) else {
            return;
        };
        stay.request.view = view.clone();
        self.send_if_joined(ClientMessage::View(view));
    }

    fn set_switches(&mut self, switches: Switches) {
        let Some(stay) = self.stay.as_mut().filter(|stay| stay.request.switches != switches) else {
            return;
        };
        stay.request.switches = switches;
        self.send_if_joined(ClientMessage::SetSwitches(switches));
    }

    fn tick(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Attempt => self.attempt_due(now),
                Timer::Ping => self.ping(now),
                Timer::Moving => self.interrupt(now, Reason::KeepAliveTimeout),
                Timer::Silence => self.silence(now),
                Timer::Lost => self.lost(),
                Timer::GiveUp => self.give_up(),
                Timer::Renewal => self.renewal_timed_out(),
                Timer::Role => self.fail_role(RoleChangeFailure::TimedOut),
                Timer::Warning => self.warn_late(now),
            }
        }
    }

    fn standing_changed(&mut self, now: Instant, standing: Standing) {
        self.set_standing(now, standing);
        self.reclaim_role(now, &standing);
    }

    fn set_standing(&mut self, now: Instant, standing: Standing) {
        let expires_at = standing.expires_in_ms.map(|left| now + Duration::from_millis(left.into()));
        if let Some(seat) = self.seat_mut() {
            seat.expires_at = expires_at;
        }
        self.await_warning(now);
        self.event(Event::StandingChanged { standing });
    }

    fn link(&self) -> Option<Link> {
        self.stay.as_ref().map(|stay| stay.link)
    }

    fn is_joined(&self) -> bool {
        matches!(self.link(), Some(Link::Joined(_)))
    }

    fn seat(&self) -> Option<&Seat> {
        self.stay.as_ref().and_then(|stay| stay.seat.as_ref())
    }

    fn seat_mut(&mut self) -> Option<&mut Seat> {
        self.stay.as_mut().and_then(|stay| stay.seat.as_mut())
    }

    /// Changes what is known of the others, and tells what came of it.
    fn roster(&mut self, change: impl FnOnce(&mut Roster)) {
        let Some(stay) = &mut self.stay else {
            return;
        };
        change(&mut stay.roster);
        for event in stay.roster.take_events() {
            self.event(event);
        }
    }

    /// Tells of another state, or of another reason for the same one.
    fn report(&mut self, state: ConnectionState, reason: Reason) {
        if (self.state, self.reason) != (state, reason) {
            (self.state, self.reason) = (state, reason);
            self.event(Event::ConnectionStateChanged { state, reason });
        }
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }

    /// Sends what a rejoin would say anyway, so only on a live connection.
    fn send_if_joined(&mut self, message: ClientMessage) {
        if self.is_joined() {
            self.send(message);
        }
    }

    fn send(&mut self, message: ClientMessage) {
        self.outputs.push_back(Output::Send { message });
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event { event });
    }
}

fn check_request(request: &JoinRequest) -> Result<(), ErrorCode> {
    ChannelName::parse(&request.channel).map_err(|_| ErrorCode::InvalidChannelName)?;
    let name = request.name.as_deref().unwrap_or_default();
    if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(ErrorCode::InvalidArgument);
    }
    check_subscribe(&request.subscribe)?;
    check_view(&request.view)
}

fn check_subscribe(subscribe: &Subscribe) -> Result<(), ErrorCode> {
    if subscribe.except.len() > MAX_EXCEPTIONS { Err(ErrorCode::InvalidArgument) } else { Ok(()) }
}

fn check_view(view: &View) -> Result<(), ErrorCode> {
    if view.views.len() > MAX_VIEWS { Err(ErrorCode::InvalidArgument) } else { Ok(()) }
}

/// Whether an application's empty text stands for no token.
fn given(token: Option<&Token>) -> Option<Token> {
    token.filter(|token| !token.expose().is_empty()).cloned()
}
