//! What a member may do right now, and when that answer next changes.

use std::time::{Duration, Instant};

use crate::grant::Grant;
use crate::id::Uid;
use crate::message::{self, Kind, Privilege, Role};

/// How long before a privilege ends its holder is warned.
pub const WARNING: Duration = Duration::from_secs(30);

/// An operator's decision about a channel or one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whom it touches; everybody when absent.
    pub uid: Option<Uid>,
    /// What it forbids. [`Privilege::Join`] forbids everything.
    pub denies: Privilege,
    /// Until when.
    pub until: Instant,
}

impl Rule {
    /// Whether it touches this member now.
    pub fn touches(&self, uid: Uid, now: Instant) -> bool {
        now < self.until && self.uid.is_none_or(|touched| touched == uid)
    }
}

/// What a member may do, and when to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The role that the member really has: a broadcaster without any right to publish is audience.
    pub role: Role,
    /// May be in the channel.
    pub join: Allowance,
    /// May publish audio, were the role broadcaster.
    pub audio: Allowance,
    /// May publish video, were the role broadcaster.
    pub video: Allowance,
    /// May send data, were the role broadcaster.
    pub data: Allowance,
    /// When the session ends unless the token is renewed.
    pub ends_at: Instant,
    /// When the next privilege ends; [`WARNING`] earlier its holder is told.
    pub next_end: Option<Instant>,
    /// When this answer changes by itself.
    pub changes_at: Option<Instant>,
}

/// Whether something is allowed, and if not why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Allowed.
    Yes,
    /// The token does not grant it, or no longer.
    NotGranted,
    /// A rule of the operator forbids it.
    Forbidden,
}

impl Allowance {
    /// Whether it is allowed.
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }
}

impl Standing {
    /// May publish this kind, were the role broadcaster.
    pub fn publish(&self, kind: Kind) -> Allowance {
        match kind {
            Kind::Audio => self.audio,
            Kind::Video => self.video,
        }
    }

    /// Whether anything at all may be published.
    pub fn may_broadcast(&self) -> bool {
        [self.audio, self.video, self.data].into_iter().any(Allowance::is_yes)
    }

    /// The same for the wire.
    pub fn to_message(&self, now: Instant) -> message::Standing {
        message::Standing {
            role: self.role,
            audio: self.audio.is_yes(),
            video: self.video.is_yes(),
            data: self.data.is_yes(),
            expires_in_ms: Some(millis_until(self.ends_at, now)),
        }
    }
}

/// The one answer to what a member may do: a function of the grant, the role asked for, the rules and the time.
///
/// Joining, renewing, expiring, being banned and changing role are all the same operation: compute this again and
/// settle the difference.
pub fn standing(grant: &Grant, uid: Uid, asked: Role, rules: &[Rule], now: Instant) -> Standing {
    let allowance = |privilege| {
        let denied = |rule: &Rule| rule.denies == privilege || rule.denies == Privilege::Join;
        if grant.until(privilege).is_none_or(|until| until <= now) {
            Allowance::NotGranted
        } else if rules.iter().any(|rule| denied(rule) && rule.touches(uid, now)) {
            Allowance::Forbidden
        } else {
            Allowance::Yes
        }
    };
    let grant_ends = || Privilege::ALL.into_iter().filter_map(|privilege| grant.until(privilege));
    let rule_ends = rules.iter().filter(|rule| rule.touches(uid, now)).map(|rule| rule.until);
    let next_end = grant_ends().filter(|end| *end > now).min();
    let mut standing = Standing {
        role: asked,
        join: allowance(Privilege::Join),
        audio: allowance(Privilege::Audio),
        video: allowance(Privilege::Video),
        data: allowance(Privilege::Data),
        ends_at: grant.until(Privilege::Join).unwrap_or(now),
        next_end,
        changes_at: next_end.into_iter().chain(rule_ends).min(),
    };
    if !standing.may_broadcast() {
        standing.role = Role::Audience;
    }
    standing
}

/// Whole milliseconds from `now` until `end`, rounded up, so that nobody comes too early.
pub(crate) fn millis_until(end: Instant, now: Instant) -> u32 {
    let left = end.saturating_duration_since(now);
    left.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u32::MAX)
}

impl Privilege {
    /// Every privilege, in ascending order of its number in a token.
    pub const ALL: [Self; 4] = [Self::Join, Self::Audio, Self::Video, Self::Data];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Now;
    use crate::grant::tests::grant;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn uid() -> Uid {
        Uid::new(7).unwrap()
    }

    #[test]
    fn privileges_end_one_by_one() {
        let start = Now::in_tests().instant;
        let grant = grant(start, [Some(60), Some(20), Some(40), None]);
        let at = |after| standing(&grant, uid(), Role::Broadcaster, &[], start + seconds(after));

        let early = at(0);
        assert!(early.join.is_yes() && early.audio.is_yes() && early.video.is_yes());
        assert_eq!(early.data, Allowance::NotGranted);
        assert_eq!(early.changes_at, Some(start + seconds(20)));

        let later = at(20);
        assert_eq!((later.audio, later.role), (Allowance::NotGranted, Role::Broadcaster));
        assert_eq!(later.changes_at, Some(start + seconds(40)));

        let late = at(40);
        assert_eq!((late.video, late.role), (Allowance::NotGranted, Role::Audience));
        assert_eq!(late.ends_at, start + seconds(60));

        assert_eq!(at(60).join, Allowance::NotGranted);
        assert_eq!(at(60).changes_at, None);
    }

    #[test]
    fn rules_forbid_and_end() {
        let start = Now::in_tests().instant;
        let grant = grant(start, [Some(600); 4]);
        let rule = |denies, uid| Rule { uid, denies, until: start + seconds(10) };
        let with = |rule, after| standing(&grant, uid(), Role::Broadcaster, &[rule], start + seconds(after));

        let muted = with(rule(Privilege::Audio, None), 0);
        assert_eq!((muted.audio, muted.video), (Allowance::Forbidden, Allowance::Yes));
        assert_eq!(muted.changes_at, Some(start + seconds(10)));
        assert!(with(rule(Privilege::Audio, None), 10).audio.is_yes());

        let banned = with(rule(Privilege::Join, Some(uid())), 0);
        assert_eq!((banned.join, banned.video), (Allowance::Forbidden, Allowance::Forbidden));
        assert!(with(rule(Privilege::Join, Uid::new(8)), 0).join.is_yes());
    }

    #[test]
    fn remaining_time_is_rounded_up() {
        let now = Now::in_tests().instant;
        assert_eq!(millis_until(now + Duration::from_micros(1), now), 1);
        assert_eq!(millis_until(now, now + seconds(1)), 0);
    }
}
