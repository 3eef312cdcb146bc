//! Coming in: as someone new, in place of an older session of the same uid, or back after a break.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::member::Member;
use super::settle::Whisper;
use super::slots::Slots;
use super::timers::Timer;
use super::{Channel, Departure, Entry, Output, banned, role_refused};
use crate::code::{ErrorCode, OfflineReason, Reason, RoleChangeFailure};
use crate::grant::ended;
use crate::id::{ResumeId, Uid};
use crate::message::{Ended, Joined, MediaAnswer, Profile, Role};
use crate::standing::{Allowance, Standing, millis_until, standing};

/// How often a client shows that it is alive.
pub(super) const PING_EVERY: Duration = Duration::from_secs(3);

impl Channel {
    pub(super) fn join(&mut self, entry: Entry, now: Instant) {
        let conn = entry.conn;
        let uid = entry.uid.unwrap_or_else(|| self.free_uid(&entry.entropy));
        if let Err(ended) = self.check_place(uid, &entry, now) {
            return self.outputs.push_back(Output::Ended { conn, ended });
        }
        if self.members.is_empty() {
            self.profile = entry.profile;
        }
        match self.role_at_join(uid, &entry, now) {
            Err(ended) => self.outputs.push_back(Output::Ended { conn, ended }),
            Ok((role, refused)) => self.enter(uid, entry, role, refused, now),
        }
    }

    /// The checks that depend on who is already there.
    fn check_place(&mut self, uid: Uid, entry: &Entry, now: Instant) -> Result<(), Ended> {
        let held = self.members.get(&uid);
        if self.members.values().any(|member| member.uid != uid && resumes(entry, member)) {
            return Err(rejected("not_found", "there is no such session to come back to"));
        }
        match standing(&entry.grant, uid, entry.role, &self.rules, now).join {
            Allowance::Yes => {}
            Allowance::Forbidden => return Err(banned()),
            Allowance::NotGranted => return Err(Departure::Expired.last_message()),
        }
        match held {
            None if self.members.len() >= self.limits.members => {
                Err(rejected("channel_full", "the channel has all the members it may have"))
            }
            Some(held) if !resumes(entry, held) => {
                if held.exact && !entry.grant.is_exact() {
                    let message =
                        "this uid is in use by someone whose token was made for it; bring a token for your uid";
                    return Err(rejected("uid_in_use", message));
                }
                self.storms.takeover(uid, now)
            }
            None => self.storms.check(uid, now),
            Some(_) => Ok(()),
        }
    }

    /// The role to come in with, and why it is not the one asked for.
    fn role_at_join(&self, uid: Uid, entry: &Entry, now: Instant) -> Result<(Role, Option<RoleChangeFailure>), Ended> {
        if self.profile == Profile::Communication {
            return Ok((Role::Broadcaster, None));
        }
        let may = standing(&entry.grant, uid, entry.role, &self.rules, now).may_broadcast();
        let is_broadcaster = self.members.get(&uid).is_some_and(|held| held.standing.role == Role::Broadcaster);
        match entry.role {
            Role::Broadcaster if !may => Ok((Role::Audience, Some(RoleChangeFailure::NotAuthorized))),
            Role::Broadcaster if !is_broadcaster && self.is_full_of_broadcasters() => Err(ended(
                ErrorCode::NoServerResources,
                Reason::TooManyBroadcasters,
                "too_many_broadcasters",
                "the channel has all the broadcasters it may have; join as audience",
            )),
            Role::Broadcaster | Role::Audience => Ok((entry.role, None)),
        }
    }

    fn enter(&mut self, uid: Uid, entry: Entry, role: Role, refused: Option<RoleChangeFailure>, now: Instant) {
        let conn = entry.conn;
        let has_media = !entry.publish.is_empty() || !entry.slots.is_empty();
        let place = self.outputs.len();
        let before = self.view(uid);
        self.empty_slots_of(uid);
        let held = self.members.remove(&uid);
        let resumed = held.as_ref().is_some_and(|held| resumes(&entry, held));
        let farewell = held.as_ref().map(|held| farewell(held, resumed));
        if let Some(held) = &held {
            self.conns.remove(&held.conn);
        }
        let standing = standing(&entry.grant, uid, role, &self.rules, now);
        self.timers.clear(uid);
        self.timers.set(uid, Timer::Change, standing.changes_at);
        self.conns.insert(conn, uid);
        let member = Member::arrive(uid, entry, standing, role, held, resumed, &mut self.next_publication);
        self.members.insert(uid, member);
        self.settle(uid, before, OfflineReason::BecameAudience, Whisper::Nothing, now);
        self.fill_slots_of(uid);
        if let Some(joined) = self.joined(uid, resumed, has_media, now) {
            self.outputs.insert(place, Output::Joined { conn, joined: Box::new(joined) });
        }
        self.tell_slots();
        let refused = refused.map(|reason| role_refused(None, reason, role));
        self.outputs.extend(refused.map(|message| Output::Send { conn, message }));
        self.outputs.extend(farewell);
        self.warn(uid, now);
    }

    fn joined(&mut self, uid: Uid, resumed: bool, has_media: bool, now: Instant) -> Option<Joined> {
        let others = self.members.values().filter(|member| member.uid != uid && self.is_visible(member));
        let members = others.map(Member::to_message).collect();
        let member = self.members.get_mut(&uid)?;
        let media = has_media.then(|| MediaAnswer {
            sdp: String::new(),
            publish: member.own_publications(),
            slots: member.slots.tell_all(),
        });
        Some(Joined {
            uid,
            resume: member.resume.clone(),
            resumed,
            profile: self.profile,
            standing: member.standing.to_message(now),
            members,
            media,
            ping_every_ms: millis_until(now + PING_EVERY, now),
        })
    }

    /// A uid that nobody holds, from random bytes.
    fn free_uid(&self, entropy: &[u8; 24]) -> Uid {
        let [.., a, b, c, d] = *entropy;
        let start = u32::from_be_bytes([a, b, c, d]);
        // An odd step visits every 32-bit number once.
        let candidates = (0..=u32::MAX).map(|n| start.wrapping_add(n.wrapping_mul(0x9E37_79B1)));
        let free = candidates.filter_map(Uid::new).find(|uid| !self.members.contains_key(uid));
        free.expect("a channel never holds four billion members")
    }
}

impl Member {
    /// A member at the moment of its join, with what stays of an older session of the same uid.
    fn arrive(
        uid: Uid,
        entry: Entry,
        standing: Standing,
        role: Role,
        held: Option<Self>,
        resumed: bool,
        next_publication: &mut u32,
    ) -> Self {
        let [seed @ .., _, _, _, _, _, _, _, _] = entry.entropy;
        let same_token = |held: &Self| held.grant.token_id == entry.grant.token_id;
        let mut member = Self {
            uid,
            conn: entry.conn,
            away_until: None,
            name: entry.name,
            switches: entry.switches,
            asked: role,
            exact: entry.grant.is_exact() || (resumed && held.as_ref().is_some_and(|held| held.exact)),
            warned: held.as_ref().filter(|held| same_token(held)).map(|held| held.warned.clone()).unwrap_or_default(),
            grant: entry.grant,
            standing,
            subscribe: entry.subscribe,
            slots: Slots::new(entry.slots),
            resume: held
                .as_ref()
                .filter(|_| resumed)
                .map(|held| held.resume.clone())
                .unwrap_or_else(|| ResumeId::from_entropy(seed)),
            publications: held.map(|held| held.publications).unwrap_or_default(),
        };
        member.rebind(entry.publish, next_publication);
        member.settle_publications();
        member
    }
}

fn resumes(entry: &Entry, held: &Member) -> bool {
    entry.resume.as_ref().is_some_and(|id| id.matches(&held.resume))
}

/// What becomes of the connection whose place is taken.
fn farewell(held: &Member, resumed: bool) -> Output {
    let conn = held.conn;
    if resumed || !held.is_online() {
        return Output::Drop { conn };
    }
    let message = "the same user joined this channel from elsewhere";
    Output::Ended { conn, ended: ended(ErrorCode::Ok, Reason::SameUidLogin, "same_uid", message) }
}

fn rejected(slug: &str, message: &str) -> Ended {
    ended(ErrorCode::JoinChannelRejected, Reason::RejectedByServer, slug, message)
}

/// Uids whose sessions throw each other out, again and again.
#[derive(Debug, Default)]
pub(super) struct Storms {
    takeovers: BTreeMap<Uid, VecDeque<Instant>>,
    closed: BTreeMap<Uid, Instant>,
}

/// More takeovers of a uid than this within [`STORM_WINDOW`] close it for [`STORM_CLOSES`].
const STORM_TAKEOVERS: usize = 5;
const STORM_WINDOW: Duration = Duration::from_secs(10);
const STORM_CLOSES: Duration = Duration::from_secs(60);

impl Storms {
    /// Counts one more takeover, unless there have been too many.
    fn takeover(&mut self, uid: Uid, now: Instant) -> Result<(), Ended> {
        self.check(uid, now)?;
        let recent = self.takeovers.entry(uid).or_default();
        if recent.len() >= STORM_TAKEOVERS {
            self.closed.insert(uid, now + STORM_CLOSES);
            return self.check(uid, now);
        }
        recent.push_back(now);
        Ok(())
    }

    fn check(&self, uid: Uid, now: Instant) -> Result<(), Ended> {
        let Some(until) = self.closed.get(&uid) else {
            return Ok(());
        };
        let message = "two clients keep taking this uid from each other; give each its own uid";
        let retry_after_ms = Some(millis_until(*until, now));
        Err(Ended { retry_after_ms, ..rejected("too_many_takeovers", message) })
    }

    /// Forgets what is over.
    pub(super) fn settle(&mut self, now: Instant) {
        self.closed.retain(|_, until| *until > now);
        self.takeovers.retain(|_, recent| {
            recent.retain(|at| *at + STORM_WINDOW > now);
            !recent.is_empty()
        });
    }

    pub(super) fn next_end(&self) -> Option<Instant> {
        let windows = self.takeovers.values().filter_map(|recent| recent.back()).map(|at| *at + STORM_WINDOW);
        self.closed.values().copied().chain(windows).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.closed.is_empty()
    }
}
