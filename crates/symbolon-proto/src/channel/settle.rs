//! Settling a difference: what a change of one member means for routes, for the others and for itself.

use std::collections::BTreeMap;
use std::time::Instant;

use super::member::{Member, OwnTrack};
use super::slots::Move;
use super::{Channel, Departure, Output, Timer};
use crate::code::OfflineReason;
use crate::id::{ConnId, Mid, PublicationId, Uid};
use crate::message::{self, Kind, Layer, OwnPublication, Profile, Publication, Role, ServerMessage, Source};
use crate::standing::{Allowance, standing};

/// What the member itself is told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whisper {
    /// Nothing; the answer to its request says it all.
    Nothing,
    /// What became of its role (with the `id` of its request), its rights and its tracks.
    Changes(Option<u32>),
    /// The same without its rights; the answer to its renewal has them.
    Renewed,
}

/// Everything about one member that others, the edge or the member itself may have to learn of.
pub(super) struct View {
    conn: ConnId,
    seen: Option<message::Member>,
    live: BTreeMap<PublicationId, Live>,
    own: Vec<OwnPublication>,
    role: Role,
    rights: [Allowance; 3],
}

/// A publication that is forwarded: where it comes in, and as what.
#[derive(Clone, PartialEq)]
struct Live {
    conn: ConnId,
    mid: Mid,
    kind: Kind,
    source: Source,
    layers: Vec<Layer>,
}

impl Channel {
    /// Changes one member, recomputes what it may do, and settles the difference.
    pub(super) fn change(&mut self, uid: Uid, now: Instant, whisper: Whisper, act: impl FnOnce(&mut Member, &mut u32)) {
        let before = self.view(uid);
        let Some(member) = self.members.get_mut(&uid) else {
            return;
        };
        act(member, &mut self.next_publication);
        member.standing = standing(&member.grant, uid, member.asked, &self.rules, now);
        match member.standing.join {
            Allowance::Yes => {}
            Allowance::NotGranted => return self.depart(uid, before, Departure::Expired, now),
            Allowance::Forbidden => return self.depart(uid, before, Departure::Banned, now),
        }
        member.settle_publications();
        self.timers.set(uid, Timer::Change, member.standing.changes_at);
        self.settle(uid, before, OfflineReason::BecameAudience, whisper, now);
        if whisper != Whisper::Nothing {
            self.tell_slots();
        }
    }

    /// The one way out of the channel.
    pub(super) fn remove(&mut self, uid: Uid, departure: Departure, now: Instant) {
        let before = self.view(uid);
        self.depart(uid, before, departure, now);
    }

    fn depart(&mut self, uid: Uid, before: Option<View>, departure: Departure, now: Instant) {
        self.empty_slots_of(uid);
        let Some(member) = self.members.remove(&uid) else {
            return;
        };
        self.timers.clear(uid);
        self.conns.remove(&member.conn);
        self.settle(uid, before, departure.seen_by_others(), Whisper::Nothing, now);
        let conn = member.conn;
        self.outputs.push_back(if member.is_online() {
            Output::Ended { conn, ended: departure.last_message() }
        } else {
            Output::Drop { conn }
        });
        self.tell_slots();
    }

    /// Brings routes, the others and the member up to date, given what they knew before.
    pub(super) fn settle(
        &mut self,
        uid: Uid,
        before: Option<View>,
        offline: OfflineReason,
        whisper: Whisper,
        now: Instant,
    ) {
        let after = self.view(uid);
        let (lived, lives) = (live(before.as_ref()), live(after.as_ref()));
        self.end_publications(lived.keys().filter(|id| !lives.contains_key(*id)).copied());
        for (publication, at) in lives.iter().filter(|(id, at)| lived.get(*id) != Some(*at)) {
            let (publication, Live { conn, mid, kind, source, layers }) = (*publication, at.clone());
            self.outputs.push_back(Output::Publish { publication, conn, mid, kind, source, layers });
        }
        let seen = |view: &Option<View>| view.as_ref().and_then(|view| view.seen.clone());
        self.announce(uid, seen(&before), seen(&after), offline);
        if let (Some(before), Some(after)) = (&before, &after) {
            self.whisper(uid, before, after, whisper, now);
        }
        if !lived.keys().eq(lives.keys()) {
            self.fill_slots();
        }
    }

    pub(super) fn view(&self, uid: Uid) -> Option<View> {
        let member = self.members.get(&uid)?;
        let live = |track: &OwnTrack| Live {
            conn: member.conn,
            mid: track.mid.clone(),
            kind: track.kind,
            source: track.source,
            layers: track.layers.clone(),
        };
        Some(View {
            conn: member.conn,
            seen: self.is_visible(member).then(|| member.to_message()),
            live: member.published().map(|track| (track.id, live(track))).collect(),
            own: member.own_publications(),
            role: member.standing.role,
            rights: [member.standing.audio, member.standing.video, member.standing.data],
        })
    }

    /// In the live profile only broadcasters are seen.
    pub(super) fn is_visible(&self, member: &Member) -> bool {
        self.profile == Profile::Communication || member.standing.role == Role::Broadcaster
    }

    fn end_publications(&mut self, ended: impl Iterator<Item = PublicationId>) {
        for publication in ended {
            for uid in self.members.keys().copied().collect::<Vec<_>>() {
                if self.members.get_mut(&uid).is_some_and(|member| member.slots.release(publication)) {
                    self.do_moves_of(uid);
                }
            }
            self.outputs.push_back(Output::Unpublish { publication });
        }
    }

    fn announce(
        &mut self,
        uid: Uid,
        before: Option<message::Member>,
        after: Option<message::Member>,
        reason: OfflineReason,
    ) {
        match (before, after) {
            (None, None) => {}
            (None, Some(member)) => self.tell_others(uid, &ServerMessage::MemberJoined { member }),
            (Some(_), None) => self.tell_others(uid, &ServerMessage::MemberLeft { uid, reason }),
            (Some(before), Some(after)) => {
                let switches = after.switches;
                if before.switches != switches {
                    self.tell_others(uid, &ServerMessage::MemberSwitches { uid, switches });
                }
                self.announce_publications(uid, &before.publications, &after.publications);
            }
        }
    }

    fn announce_publications(&mut self, uid: Uid, before: &[Publication], after: &[Publication]) {
        let find = |list: &[Publication], id| list.iter().find(|publication| publication.id == id).cloned();
        for publication in before.iter().filter(|publication| find(after, publication.id).is_none()) {
            self.tell_others(uid, &ServerMessage::Unpublished { uid, id: publication.id });
        }
        for publication in after {
            match find(before, publication.id) {
                Some(known) if known.layers == publication.layers && known.muted == publication.muted => {}
                Some(known) if known.layers == publication.layers => {
                    let (id, muted) = (publication.id, publication.muted);
                    self.tell_others(uid, &ServerMessage::PublicationMuted { uid, id, muted });
                }
                _ => {
                    let publication = publication.clone();
                    self.tell_others(uid, &ServerMessage::Published { uid, publication });
                }
            }
        }
    }

    fn whisper(&mut self, uid: Uid, before: &View, after: &View, whisper: Whisper, now: Instant) {
        let id = match whisper {
            Whisper::Nothing => return,
            Whisper::Changes(id) => id,
            Whisper::Renewed => None,
        };
        let mut messages = Vec::new();
        if before.role != after.role {
            messages.push(ServerMessage::RoleChanged { id, role: after.role });
        }
        if before.rights != after.rights && whisper != Whisper::Renewed {
            let standing = self.members.get(&uid).map(|member| member.standing.to_message(now));
            messages.extend(standing.map(ServerMessage::Standing));
        }
        let changed = after.own.iter().filter(|own| !before.own.contains(own));
        messages.extend(changed.cloned().map(ServerMessage::OwnPublication));
        for message in messages {
            self.tell(uid, after.conn, message);
        }
    }

    fn tell(&mut self, uid: Uid, conn: ConnId, message: ServerMessage) {
        if self.members.get(&uid).is_some_and(Member::is_online) {
            self.outputs.push_back(Output::Send { conn, message });
        }
    }

    fn tell_others(&mut self, uid: Uid, message: &ServerMessage) {
        for member in self.members.values().filter(|member| member.uid != uid && member.is_online()) {
            self.outputs.push_back(Output::Send { conn: member.conn, message: message.clone() });
        }
    }

    /// Puts what everyone wants to receive into everyone's slots.
    pub(super) fn fill_slots(&mut self) {
        let offered = self.offered();
        for uid in self.members.keys().copied().collect::<Vec<_>>() {
            self.fill_slots_from(uid, &offered);
        }
    }

    /// Puts what a member wants to receive into its slots.
    pub(super) fn fill_slots_of(&mut self, uid: Uid) {
        let offered = self.offered();
        self.fill_slots_from(uid, &offered);
    }

    fn fill_slots_from(&mut self, uid: Uid, offered: &[Offered]) {
        let Some(member) = self.members.get_mut(&uid) else { return };
        let wants =
            |offered: &&Offered| offered.publisher != uid && member.subscribe.wants(offered.publisher, offered.kind);
        let wanted: Vec<_> = offered.iter().filter(wants).map(|offered| (offered.publication, offered.kind)).collect();
        member.slots.fill(&wanted);
        self.do_moves_of(uid);
    }

    /// Everything in the channel that can be received.
    fn offered(&self) -> Vec<Offered> {
        let visible = self.members.values().filter(|member| self.is_visible(member));
        let offered = visible.flat_map(|member| {
            member.published().map(|track| Offered { publisher: member.uid, publication: track.id, kind: track.kind })
        });
        offered.collect()
    }

    /// Takes everything out of a member's slots.
    pub(super) fn empty_slots_of(&mut self, uid: Uid) {
        if let Some(member) = self.members.get_mut(&uid) {
            member.slots.release_all();
        }
        self.do_moves_of(uid);
    }

    fn do_moves_of(&mut self, uid: Uid) {
        let Some(member) = self.members.get_mut(&uid) else {
            return;
        };
        let conn = member.conn;
        self.untold.insert(uid);
        self.outputs.extend(member.slots.moves().into_iter().map(|change| match change {
            Move::In(mid, publication) => Output::Route { publication, conn, mid },
            Move::Out(mid) => Output::Unroute { conn, mid },
        }));
    }

    /// Tells everyone whose slots may have changed what they carry now, and who has too few.
    pub(super) fn tell_slots(&mut self) {
        for uid in std::mem::take(&mut self.untold) {
            let Some(member) = self.members.get_mut(&uid).filter(|member| member.is_online()) else { continue };
            let conn = member.conn;
            let slots = member.slots.tell_changes();
            let missing = member.slots.tell_missing();
            if !slots.is_empty() {
                self.outputs.push_back(Output::Send { conn, message: ServerMessage::Slots { slots } });
            }
            if let Some((audio, video)) = missing {
                self.outputs.push_back(Output::Send { conn, message: ServerMessage::NeedSlots { audio, video } });
            }
        }
    }
}

/// One publication that can be received.
struct Offered {
    publisher: Uid,
    publication: PublicationId,
    kind: Kind,
}

fn live(view: Option<&View>) -> BTreeMap<PublicationId, Live> {
    view.map(|view| view.live.clone()).unwrap_or_default()
}
