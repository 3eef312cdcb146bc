//! What the server says.

use std::time::{Duration, Instant};

use super::{Event, Link, Output, Seat, Session, Timer};
use crate::code::{ConnectionState, ErrorCode, Reason, RoleChangeFailure};
use crate::message::{Ended, Joined, ServerMessage};

/// Signs of life are sent no more often than this, whatever the server says.
const PING_MIN: Duration = Duration::from_millis(500);

impl Session {
    pub(super) fn received(&mut self, now: Instant, message: ServerMessage) {
        match self.link() {
            Some(Link::Joining) => self.received_joining(now, message),
            Some(Link::Joined(_)) => self.received_joined(now, message),
            Some(Link::Waiting | Link::Opening | Link::AwaitingToken) | None => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only the answers to a join mean something here")]
    fn received_joining(&mut self, now: Instant, message: ServerMessage) {
        match message {
            ServerMessage::Joined(joined) => self.joined(now, *joined),
            ServerMessage::Ended(ended) => self.ended(now, ended),
            ServerMessage::Error { code, message, .. } => self.event(Event::Error { code, message }),
            _ => {}
        }
    }

    fn received_joined(&mut self, now: Instant, message: ServerMessage) {
        self.heard(now);
        match message {
            ServerMessage::Joined(_) | ServerMessage::Pong {} => {}
            ServerMessage::Ended(ended) => self.ended(now, ended),
            ServerMessage::Negotiated { media, .. } => self.outputs.push_back(Output::Answer { media }),
            ServerMessage::Slots { slots } => self.outputs.push_back(Output::Slots { slots }),
            ServerMessage::NeedSlots { audio, video } => self.outputs.push_back(Output::NeedSlots { audio, video }),
            ServerMessage::MemberJoined { member } => self.roster(|roster| roster.join(member)),
            ServerMessage::MemberLeft { uid, reason } => self.roster(|roster| roster.leave(uid, reason)),
            ServerMessage::MemberSwitches { uid, switches } => self.roster(|roster| roster.switch(uid, switches)),
            ServerMessage::Published { uid, publication } => self.roster(|roster| roster.publish(uid, publication)),
            ServerMessage::Unpublished { uid, id } => self.roster(|roster| roster.unpublish(uid, id)),
            ServerMessage::PublicationMuted { uid, id, muted } => self.roster(|roster| roster.mute(uid, id, muted)),
            ServerMessage::OwnPublication(own) => {
                self.outputs.push_back(Output::OwnPublication { mid: own.mid, state: own.state });
            }
            ServerMessage::Standing(standing) => self.standing_changed(now, standing),
            ServerMessage::RoleChanged { id, role } => self.role_changed(id, role),
            ServerMessage::RoleRefused { id, reason, role, message } => self.role_refused(id, reason, role, message),
            ServerMessage::TokenWillExpire { privileges, expires_in_ms } => self.warn(privileges, expires_in_ms),
            ServerMessage::Renewed { id, code, standing, .. } => self.renewed(now, id, code, standing),
            ServerMessage::LayersWanted { mid, rids } => self.outputs.push_back(Output::LayersWanted { mid, rids }),
            ServerMessage::Receiving(receiving) => {
                self.roster(|roster| roster.receiving(&receiving));
                self.outputs.push_back(Output::Receiving { receiving });
            }
            ServerMessage::Bandwidth { down_kbps } => self.outputs.push_back(Output::Bandwidth { down_kbps }),
            ServerMessage::Speakers { speakers } => self.event(Event::Speakers { speakers }),
            ServerMessage::Error { id, code, message, .. } => self.failed(id, code, message),
        }
    }

    fn joined(&mut self, now: Instant, joined: Joined) {
        let Some(stay) = &mut self.stay else {
            return;
        };
        let before = stay.seat.as_ref().map(|seat| seat.role);
        stay.link = Link::Joined(now);
        stay.seat = Some(Seat {
            uid: joined.uid,
            resume: joined.resume,
            profile: joined.profile,
            role: joined.standing.role,
            ping_every: Duration::from_millis(joined.ping_every_ms.into()).max(PING_MIN),
            expires_at: None,
        });
        for timer in [Timer::Attempt, Timer::Moving, Timer::Lost, Timer::GiveUp] {
            self.timers.clear(timer);
        }
        self.heard(now);
        if let Some(every) = self.seat().map(|seat| seat.ping_every) {
            self.timers.set(Timer::Ping, now + every);
        }
        self.outputs.extend(joined.media.map(|media| Output::Answer { media }));
        self.tell_joined();
        self.renewal_joined(now);
        self.set_standing(now, joined.standing);
        self.role_joined(before, joined.standing.role);
        self.roster(|roster| roster.replace(joined.members));
    }

    /// A break that nobody was told of ends as silently.
    fn tell_joined(&mut self) {
        if self.state == ConnectionState::Connecting {
            self.report(ConnectionState::Connected, Reason::JoinSuccess);
            self.event(Event::JoinChannelSuccess);
        } else if self.state == ConnectionState::Reconnecting {
            self.report(ConnectionState::Connected, Reason::RejoinSuccess);
            self.event(Event::RejoinChannelSuccess);
        }
    }

    fn ended(&mut self, now: Instant, ended: Ended) {
        if ended.reason == Reason::KeepAliveTimeout {
            let pause = Duration::from_millis(ended.retry_after_ms.unwrap_or_default().into());
            self.move_house(now, pause);
        } else if ended.reason == Reason::Lost {
            // The server thinks that the connection was lost; so it is.
            self.close();
            self.closed(now);
        } else if !self.revert_token(now, &ended) {
            self.end(now, &ended);
        }
    }

    fn end(&mut self, now: Instant, ended: &Ended) {
        let expired = ended.reason == Reason::TokenExpired;
        // A token that came too late to be judged is not refused: it is tried right after.
        if !(expired && self.has_unjudged_token()) {
            self.renewal_refused(ended);
        }
        self.fail_role(RoleChangeFailure::ConnectionFailed);
        if expired && self.seat().is_some() {
            self.event(Event::RequestToken);
        }
        if ended.code != ErrorCode::Ok {
            self.event(Event::Error { code: ended.code, message: ended.message.clone() });
        }
        if ended.reason == Reason::BannedByServer {
            self.event(Event::ConnectionBanned);
        }
        if expired {
            self.close();
            self.await_token(now);
        } else {
            self.finish(ended.reason.final_state(), ended.reason);
        }
    }

    fn failed(&mut self, id: Option<u32>, code: ErrorCode, message: String) {
        // What is left that has an `id` is an offer.
        if id.is_some_and(|id| !self.renewal_failed(id) && !self.role_failed(id)) {
            self.outputs.push_back(Output::NegotiateFailed);
        }
        self.event(Event::Error { code, message });
    }
}
