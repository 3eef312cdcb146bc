//! New tokens, and the warning that one is needed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Event, Link, Session, Timer};
use crate::code::{ConnectionState, Reason, RenewCode};
use crate::id::Token;
use crate::message::{ClientMessage, Ended, Privilege, Standing};

/// A renewal, or a change of role, without an answer for so long has failed.
pub(super) const REQUEST: Duration = Duration::from_secs(10);
/// The server warns so long before a privilege ends.
const WARNING: Duration = crate::standing::WARNING;
/// The session itself warns when the server's warning is so late.
const LATE: Duration = Duration::from_millis(500);
/// Renewals that a newer one overtook, or that took too long, are remembered up to this many: one of them may still be accepted.
const MAX_OVERTAKEN: usize = 16;

/// The renewals of one stay.
#[derive(Debug, Default)]
pub(super) struct Renewals {
    /// The token that the server last accepted, as long as it may be used again.
    accepted: Option<Token>,
    pending: Option<Renewal>,
    overtaken: BTreeMap<u32, Token>,
    /// Whether the application has been warned that the accepted token ends.
    warned: bool,
}

#[derive(Debug)]
struct Renewal {
    id: u32,
    token: Token,
    way: Way,
}

/// How a new token gets to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It has been sent.
    Message,
    /// With the next join, or with the one that has been sent.
    Join,
    /// After the join that has been sent with an older token.
    AfterJoin,
}

impl Renewals {
    /// The next join presents the newest token.
    pub(super) fn take_to_join(&mut self, token: &mut Option<Token>) {
        if let Some(pending) = &mut self.pending {
            pending.way = Way::Join;
            self.overtaken.clear();
            *token = Some(pending.token.clone());
        }
    }

    fn overtake(&mut self) {
        if let Some(Renewal { id, token, way: Way::Message }) = &self.pending {
            self.overtaken.insert(*id, token.clone());
            while self.overtaken.len() > MAX_OVERTAKEN {
                self.overtaken.pop_first();
            }
        }
    }

    fn is_pending(&self, id: u32) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.id == id)
    }

    fn way(&self) -> Option<Way> {
        self.pending.as_ref().map(|pending| pending.way)
    }

    fn accept(&mut self, token: Option<Token>) {
        self.warned &= self.accepted == token;
        self.accepted = token;
    }
}

impl Session {
    pub(super) fn renew(&mut self, now: Instant, token: Token) {
        if let Some(stay) = &mut self.stay {
            stay.renewals.overtake();
        }
        self.settle_renewal(RenewCode::Overtaken);
        let id = self.take_id();
        let Some(stay) = &mut self.stay else {
            return;
        };
        stay.renewals.pending = Some(Renewal { id, token, way: Way::AfterJoin });
        self.timers.set(Timer::Renewal, now + REQUEST);
        match stay.link {
            Link::AwaitingToken => self.start_again(now),
            Link::Joined(_) => self.send_renewal(now),
            Link::Joining => {}
            Link::Waiting | Link::Opening => stay.renewals.take_to_join(&mut stay.request.token),
        }
    }

    fn send_renewal(&mut self, now: Instant) {
        let pending = self.stay.as_mut().and_then(|stay| stay.renewals.pending.as_mut());
        if let Some(pending) = pending {
            pending.way = Way::Message;
            let message = ClientMessage::RenewToken { id: pending.id, token: pending.token.clone() };
            self.timers.set(Timer::Renewal, now + REQUEST);
            self.send(message);
        }
    }

    /// A session that ended with its token goes on with a new one.
    fn start_again(&mut self, now: Instant) {
        if let Some(stay) = &mut self.stay {
            stay.renewals.take_to_join(&mut stay.request.token);
        }
        if self.seat().is_some() {
            self.start(now, ConnectionState::Reconnecting, Reason::RenewToken);
        } else {
            self.start(now, ConnectionState::Connecting, Reason::Connecting);
        }
    }

    /// The join has been accepted, with whatever token it carried.
    pub(super) fn renewal_joined(&mut self, now: Instant) {
        let Some(stay) = &mut self.stay else {
            return;
        };
        stay.renewals.accept(stay.request.token.clone());
        match stay.renewals.way() {
            Some(Way::Join) => self.settle_renewal(RenewCode::Ok),
            Some(Way::AfterJoin) => self.send_renewal(now),
            Some(Way::Message) | None => {}
        }
    }

    pub(super) fn renewed(&mut self, now: Instant, id: u32, code: RenewCode, standing: Option<Standing>) {
        let Some(stay) = &mut self.stay else {
            return;
        };
        let current = stay.renewals.is_pending(id);
        let token = if current {
            stay.renewals.pending.as_ref().map(|pending| pending.token.clone())
        } else {
            stay.renewals.overtaken.remove(&id)
        };
        if code == RenewCode::Ok && token.is_some() {
            stay.renewals.accept(token.clone());
            stay.request.token = token;
        }
        if current {
            self.settle_renewal(code);
        }
        if let Some(standing) = standing {
            self.standing_changed(now, standing);
        }
    }

    /// A request failed for a reason of the server's. Tells whether it was the renewal.
    pub(super) fn renewal_failed(&mut self, id: u32) -> bool {
        let ours = self.stay.as_ref().is_some_and(|stay| stay.renewals.is_pending(id));
        if ours {
            self.settle_renewal(RenewCode::Failed);
        }
        ours
    }

    /// What becomes of the renewal when a join is refused.
    pub(super) fn renewal_refused(&mut self, ended: &Ended) {
        let tried = self.stay.as_ref().is_some_and(|stay| stay.renewals.way() == Some(Way::Join));
        self.settle_renewal(if tried { code_of(ended) } else { RenewCode::Failed });
    }

    /// The application is told that it failed; a late answer still counts.
    pub(super) fn renewal_timed_out(&mut self) {
        if let Some(stay) = &mut self.stay {
            stay.renewals.overtake();
        }
        self.settle_renewal_failed();
    }

    pub(super) fn settle_renewal_failed(&mut self) {
        self.settle_renewal(RenewCode::Failed);
    }

    /// Tells the outcome of the renewal that is under way, if there is one.
    fn settle_renewal(&mut self, code: RenewCode) {
        let pending = self.stay.as_mut().and_then(|stay| stay.renewals.pending.take());
        if let Some(Renewal { token, .. }) = pending {
            self.timers.clear(Timer::Renewal);
            self.event(Event::RenewTokenResult { token, code });
        }
    }

    /// A new token that a rejoin tried was refused, and the old one may still be good: goes on with that one.
    pub(super) fn revert_token(&mut self, now: Instant, ended: &Ended) -> bool {
        let Some(stay) = &mut self.stay else {
            return false;
        };
        let refused = matches!(ended.reason, Reason::InvalidToken | Reason::TokenExpired);
        let has_other = stay.renewals.accepted.is_some() && stay.renewals.accepted != stay.request.token;
        if !refused || !has_other || stay.link != Link::Joining {
            return false;
        }
        stay.request.token = stay.renewals.accepted.clone();
        self.event(Event::Error { code: ended.code, message: ended.message.clone() });
        self.renewal_refused(ended);
        self.reopen(now);
        true
    }

    /// The token is over. A new one that is already on its way is used at once.
    pub(super) fn await_token(&mut self, now: Instant) {
        self.timers.clear_all();
        if let Some(stay) = &mut self.stay {
            stay.link = Link::AwaitingToken;
            stay.renewals.accepted = None;
        }
        self.report(ConnectionState::Failed, Reason::TokenExpired);
        if self.stay.as_ref().is_some_and(|stay| stay.renewals.pending.is_some()) {
            self.timers.set(Timer::Renewal, now + REQUEST);
            self.start_again(now);
        }
    }

    /// Whether a renewal is under way whose token the server has not judged.
    pub(super) fn has_unjudged_token(&self) -> bool {
        let way = self.stay.as_ref().and_then(|stay| stay.renewals.way());
        matches!(way, Some(Way::Message | Way::AfterJoin))
    }

    /// Sets the timer for a warning that the server should give, and cannot while there is no connection.
    pub(super) fn await_warning(&mut self, now: Instant) {
        let expires_at = self.seat().and_then(|seat| seat.expires_at);
        let warned = self.stay.as_ref().is_none_or(|stay| stay.renewals.warned);
        match expires_at {
            Some(end) if !warned => {
                let warn_at = end.checked_sub(WARNING).map_or(now, |at| at.max(now));
                self.timers.set(Timer::Warning, warn_at + LATE);
            }
            _ => self.timers.clear(Timer::Warning),
        }
    }

    pub(super) fn warn_late(&mut self, now: Instant) {
        let expires_at = self.seat().and_then(|seat| seat.expires_at);
        let left = expires_at.map(|end| end.saturating_duration_since(now)).unwrap_or_default();
        self.warn(vec![Privilege::Join], left.as_millis().try_into().unwrap_or(u32::MAX));
    }

    /// Warns, once for the end of the token itself.
    pub(super) fn warn(&mut self, privileges: Vec<Privilege>, expires_in_ms: u32) {
        let Some(stay) = &mut self.stay else {
            return;
        };
        if privileges.contains(&Privilege::Join) {
            self.timers.clear(Timer::Warning);
            if std::mem::replace(&mut stay.renewals.warned, true) {
                return;
            }
        }
        let token = stay.renewals.accepted.clone().unwrap_or_else(|| Token::new(""));
        self.event(Event::TokenWillExpire { token });
        self.event(Event::TokenExpiring { privileges, seconds_left: expires_in_ms.saturating_add(500) / 1000 });
    }
}

/// What the refusal of a join says about the token that it tried.
fn code_of(ended: &Ended) -> RenewCode {
    match (ended.reason, ended.slug.as_str()) {
        (Reason::TokenExpired, _) => RenewCode::Expired,
        (Reason::InvalidToken, "channel_mismatch" | "wildcard_not_allowed") => RenewCode::OtherChannel,
        (Reason::InvalidToken, "app_id_mismatch") => RenewCode::OtherAppId,
        (Reason::InvalidToken, _) => RenewCode::Invalid,
        _ => RenewCode::Failed,
    }
}

/// Whether a text has the outside of a token: a known version, then base64. What is inside is the server's business.
pub(super) fn may_be_token(token: &Token) -> bool {
    let text = token.expose();
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    (text.starts_with("007") || text.starts_with("006"))
        && (4..=MAX_TOKEN_BYTES).contains(&text.len())
        && text.bytes().all(base64)
}

/// The longest token that is sent.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
