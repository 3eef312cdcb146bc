//! Finding a server, keeping it, and finding it again.

use std::time::{Duration, Instant};

use super::{Event, Link, Output, Session, Stay, Timer, given};
use crate::code::{ConnectionState, ErrorCode, Reason, RoleChangeFailure};
use crate::message::{ClientMessage, Join, MediaOffer};

/// Nothing heard for so long: the connection counts as interrupted.
const SILENCE: Duration = Duration::from_secs(4);
/// An interruption, or a join that reached no server, counts as lost after so long.
const LOST: Duration = Duration::from_secs(10);
/// Attempts end after so long.
const GIVE_UP: Duration = Duration::from_secs(20 * 60);
/// An attempt that has brought no answer is dropped.
const ATTEMPT: Duration = Duration::from_secs(8);
/// A server that goes down in good order leaves so much time before the application is told.
const MOVING: Duration = Duration::from_secs(1);
/// A connection that was joined for a shorter time counts as one more failed attempt: a server that lets clients in and
/// drops them at once is not asked again and again without a pause.
const STABLE: Duration = Duration::from_millis(500);

impl Session {
    /// Begins to look for a server, from whatever state that is left for it.
    pub(super) fn start(&mut self, now: Instant, state: ConnectionState, reason: Reason) {
        self.report(state, reason);
        self.timers.set(Timer::Lost, now + LOST);
        self.timers.set(Timer::GiveUp, now + GIVE_UP);
        self.attempt_anew(now);
    }

    pub(super) fn opened(&mut self, media: Option<MediaOffer>) {
        if self.link() != Some(Link::Opening) {
            return;
        }
        if let Some(stay) = &mut self.stay {
            stay.link = Link::Joining;
            let message = stay.join_message(media);
            self.send(message);
        }
    }

    pub(super) fn closed(&mut self, now: Instant) {
        match self.link() {
            Some(Link::Opening | Link::Joining) => self.attempt_later(now, Duration::ZERO),
            // The first attempt to come back is made at once, and silently: it may succeed before anyone notices.
            Some(Link::Joined(since)) if since + STABLE <= now => self.come_back(now),
            Some(Link::Joined(_)) => {
                self.leave_connection();
                self.attempt_later(now, Duration::ZERO);
            }
            Some(Link::Waiting | Link::AwaitingToken) | None => {}
        }
    }

    /// The socket of a connection that was joined is of no use any more: finds another one.
    fn come_back(&mut self, now: Instant) {
        self.leave_connection();
        self.attempt_anew(now);
    }

    fn leave_connection(&mut self) {
        self.timers.clear(Timer::Ping);
        if let Some(stay) = &mut self.stay {
            self.timers.set(Timer::GiveUp, stay.heard_at + GIVE_UP);
            stay.renewals.take_to_join(&mut stay.request.token);
        }
    }

    /// Closes the socket, whatever it is doing, and finds another one.
    pub(super) fn reopen(&mut self, now: Instant) {
        self.close();
        if self.is_joined() { self.come_back(now) } else { self.attempt_anew(now) }
    }

    pub(super) fn silence(&mut self, now: Instant) {
        self.interrupt(now, Reason::Interrupted);
        if self.is_joined() {
            self.reopen(now);
        }
    }

    /// Tells of the break.
    pub(super) fn interrupt(&mut self, now: Instant, reason: Reason) {
        self.timers.clear(Timer::Silence);
        self.timers.clear(Timer::Moving);
        if self.state == ConnectionState::Reconnecting {
            return;
        }
        self.timers.set(Timer::Lost, now + LOST);
        self.report(ConnectionState::Reconnecting, reason);
        if reason == Reason::Interrupted {
            self.event(Event::ConnectionInterrupted);
        }
    }

    pub(super) fn network_changed(&mut self, now: Instant) {
        match self.link() {
            Some(Link::Waiting) => self.attempt_anew(now),
            Some(Link::Opening | Link::Joining) => self.reopen(now),
            Some(Link::Joined(_)) => {
                self.interrupt(now, Reason::ClientIpAddressChanged);
                self.reopen(now);
            }
            Some(Link::AwaitingToken) | None => {}
        }
    }

    pub(super) fn media_lost(&mut self, now: Instant) {
        if self.is_joined() {
            self.silence(now);
        }
    }

    /// The server goes down in good order: nobody is told unless it takes long.
    pub(super) fn move_house(&mut self, now: Instant, pause: Duration) {
        self.close();
        if let Some(Link::Joined(since)) = self.link() {
            self.leave_connection();
            self.timers.set(Timer::Moving, now + MOVING);
            // What it took to get in says nothing about the server that comes next.
            if let Some(stay) = self.stay.as_mut().filter(|_| since + STABLE <= now) {
                stay.attempts = 1;
            }
        }
        self.attempt_later(now, pause);
    }

    fn attempt_anew(&mut self, now: Instant) {
        if let Some(stay) = &mut self.stay {
            stay.attempts = 0;
        }
        self.attempt(now);
    }

    fn attempt(&mut self, now: Instant) {
        if let Some(stay) = &mut self.stay {
            stay.attempts = stay.attempts.saturating_add(1);
            stay.link = Link::Opening;
            self.timers.set(Timer::Attempt, now + ATTEMPT);
            self.outputs.push_back(Output::Open);
        }
    }

    /// Waits before the next attempt, at least for `pause`.
    fn attempt_later(&mut self, now: Instant, pause: Duration) {
        if let Some(stay) = &mut self.stay {
            stay.link = Link::Waiting;
            let pause = self.pauses.after(stay.attempts).max(pause);
            self.timers.set(Timer::Attempt, now + pause);
        }
    }

    pub(super) fn attempt_due(&mut self, now: Instant) {
        if self.link() == Some(Link::Waiting) {
            return self.attempt(now);
        }
        self.close();
        self.attempt_later(now, Duration::ZERO);
    }

    pub(super) fn ping(&mut self, now: Instant) {
        if let Some(every) = self.seat().map(|seat| seat.ping_every) {
            self.send(ClientMessage::Ping {});
            self.timers.set(Timer::Ping, now + every);
        }
    }

    /// The server is alive.
    pub(super) fn heard(&mut self, now: Instant) {
        if self.is_joined()
            && let Some(stay) = &mut self.stay
        {
            stay.heard_at = now;
            self.timers.set(Timer::Silence, now + SILENCE);
        }
    }

    pub(super) fn lost(&mut self) {
        let message = "no answer from the server for 10 s; the engine goes on trying".to_owned();
        self.event(Event::Error { code: ErrorCode::ConnectionLost, message });
        if self.state == ConnectionState::Reconnecting {
            self.report(ConnectionState::Reconnecting, Reason::Lost);
        }
        self.event(Event::ConnectionLost);
    }

    pub(super) fn give_up(&mut self) {
        self.settle_renewal_failed();
        self.fail_role(RoleChangeFailure::ConnectionFailed);
        self.finish(ConnectionState::Failed, Reason::JoinFailed);
    }
}

impl Stay {
    fn join_message(&mut self, media: Option<MediaOffer>) -> ClientMessage {
        self.renewals.take_to_join(&mut self.request.token);
        ClientMessage::Join(Box::new(Join {
            app_id: self.request.app_id.clone(),
            channel: self.request.channel.clone(),
            token: given(self.request.token.as_ref()),
            uid: self.seat.as_ref().map_or(self.request.uid, |seat| seat.uid.get()),
            name: self.request.name.clone(),
            switches: self.request.switches,
            role: self.request.role,
            profile: self.request.profile,
            subscribe: self.request.subscribe.clone(),
            view: self.request.view.clone(),
            media,
            resume: self.seat.as_ref().map(|seat| seat.resume.clone()),
        }))
    }
}
