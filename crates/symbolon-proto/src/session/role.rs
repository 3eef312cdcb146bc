//! The role: what the application asked for, and what it got.

use std::time::Instant;

use super::renewal::REQUEST;
use super::{Event, Link, Session, Timer};
use crate::code::{ErrorCode, RoleChangeFailure};
use crate::message::{ClientMessage, Role, Standing};

/// A role that was asked for and has no answer yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoleRequest {
    id: u32,
    role: Role,
}

impl Session {
    pub(super) fn ask_role(&mut self, now: Instant, role: Role) {
        let id = self.take_id();
        let Some(stay) = &mut self.stay else {
            return;
        };
        let held = stay.seat.as_ref().map(|seat| seat.role);
        if held == Some(role) && stay.request.role == role && stay.role_request.is_none() {
            return;
        }
        stay.role_taken = false;
        let request = RoleRequest { id, role };
        match stay.link {
            Link::Joined(_) => self.send(ClientMessage::SetRole { id, role }),
            Link::Joining => {}
            // The next join carries it.
            Link::Waiting | Link::Opening | Link::AwaitingToken => stay.request.role = role,
        }
        if let Some(stay) = self.stay.as_mut().filter(|stay| stay.link != Link::AwaitingToken) {
            stay.role_request = Some(request);
            self.timers.set(Timer::Role, now + REQUEST);
        }
    }

    /// Compares the role that a join gave with what was known and asked.
    pub(super) fn role_joined(&mut self, before: Option<Role>, held: Role) {
        if let Some(old_role) = before.filter(|before| *before != held) {
            self.event(Event::ClientRoleChanged { old_role, new_role: held });
            self.note_taken(held);
        }
        match self.stay.as_ref().and_then(|stay| stay.role_request) {
            // The join has carried it; if it was refused, the server says so.
            Some(request) if [Some(held), self.asked_role()].contains(&Some(request.role)) => {
                self.forget_role_request();
            }
            Some(RoleRequest { id, role }) => self.send(ClientMessage::SetRole { id, role }),
            None => {}
        }
    }

    pub(super) fn role_changed(&mut self, id: Option<u32>, role: Role) {
        let Some(stay) = &mut self.stay else {
            return;
        };
        // A role that the edge took away is still wanted: a renewal gives it back.
        if id.is_some() {
            stay.request.role = role;
        }
        self.note_taken(role);
        let Some(stay) = &mut self.stay else {
            return;
        };
        let old_role = stay.seat.as_mut().map(|seat| std::mem::replace(&mut seat.role, role));
        if self.is_role_request(id) {
            self.forget_role_request();
        }
        if let Some(old_role) = old_role.filter(|old_role| *old_role != role) {
            self.event(Event::ClientRoleChanged { old_role, new_role: role });
        }
    }

    pub(super) fn role_refused(&mut self, id: Option<u32>, reason: RoleChangeFailure, role: Role, message: String) {
        let Some(stay) = &mut self.stay else {
            return;
        };
        if let Some(seat) = &mut stay.seat {
            seat.role = role;
        }
        // The rejoin asked for the role that was taken away, which the application knows: it stays wanted.
        if id.is_none() && stay.role_taken {
            return;
        }
        stay.request.role = role;
        stay.role_taken = false;
        if id.is_none() || self.is_role_request(id) {
            self.forget_role_request();
        }
        self.event(Event::ClientRoleChangeFailed { reason, current_role: role });
        if reason == RoleChangeFailure::NotAuthorized {
            self.event(Event::Error { code: ErrorCode::SetClientRoleNotAuthorized, message });
        }
    }

    /// Asks again for a role that was taken away, when the token allows it and the edge has not given it back by itself.
    pub(super) fn reclaim_role(&mut self, now: Instant, standing: &Standing) {
        let Some(role) = self.stay.as_ref().filter(|stay| stay.role_taken).map(|stay| stay.request.role) else {
            return;
        };
        if standing.role != role && (standing.audio || standing.video) {
            self.ask_role(now, role);
        }
    }

    /// Notes whether the role held now is less than what the application still wants.
    fn note_taken(&mut self, held: Role) {
        if let Some(stay) = self.stay.as_mut().filter(|stay| stay.role_request.is_none()) {
            stay.role_taken = held == Role::Audience && stay.request.role == Role::Broadcaster;
        }
    }

    /// A request failed for a reason of the server's. Tells whether it was the role's.
    pub(super) fn role_failed(&mut self, id: u32) -> bool {
        let ours = self.is_role_request(Some(id));
        if ours {
            self.fail_role(RoleChangeFailure::ConnectionFailed);
        }
        ours
    }

    pub(super) fn fail_role(&mut self, reason: RoleChangeFailure) {
        let Some(stay) = self.stay.as_mut().filter(|stay| stay.role_request.is_some()) else {
            return;
        };
        let current_role = stay.seat.as_ref().map_or(stay.request.role, |seat| seat.role);
        stay.request.role = current_role;
        stay.role_taken = false;
        self.forget_role_request();
        self.event(Event::ClientRoleChangeFailed { reason, current_role });
    }

    fn is_role_request(&self, id: Option<u32>) -> bool {
        let request = self.stay.as_ref().and_then(|stay| stay.role_request);
        request.is_some_and(|request| Some(request.id) == id)
    }

    fn forget_role_request(&mut self) {
        self.timers.clear(Timer::Role);
        if let Some(stay) = &mut self.stay {
            stay.role_request = None;
        }
    }
}
