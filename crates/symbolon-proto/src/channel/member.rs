//! One uid in the channel.

use std::collections::BTreeSet;
use std::time::Instant;

use super::slots::Slots;
use crate::grant::Grant;
use crate::id::{ConnId, Mid, PublicationId, ResumeId, Uid};
use crate::message::{
    self, Kind, Layer, OwnPublication, Privilege, Publication, PublishBinding, PublishState, Role, ServerMessage, Size,
    Source, Subscribe, Switches,
};
use crate::standing::{Allowance, Standing, WARNING, millis_until};

#[derive(Debug)]
pub(super) struct Member {
    pub(super) uid: Uid,
    pub(super) conn: ConnId,
    /// Until when its connection may be lost; absent while it is open.
    pub(super) away_until: Option<Instant>,
    pub(super) name: Option<String>,
    pub(super) switches: Switches,
    /// The role that it wants; `standing.role` is the one that it has.
    pub(super) asked: Role,
    /// Whether it once showed a token made for its uid alone.
    pub(super) exact: bool,
    pub(super) grant: Grant,
    pub(super) standing: Standing,
    pub(super) subscribe: Subscribe,
    pub(super) slots: Slots,
    pub(super) publications: Vec<OwnTrack>,
    pub(super) resume: ResumeId,
    /// The ends that it has been warned of.
    pub(super) warned: BTreeSet<Instant>,
}

/// A track that a member offers, forwarded or not.
#[derive(Clone, Debug)]
pub(super) struct OwnTrack {
    pub(super) id: PublicationId,
    pub(super) mid: Mid,
    pub(super) kind: Kind,
    pub(super) source: Source,
    pub(super) muted: bool,
    pub(super) layers: Vec<Layer>,
    pub(super) state: PublishState,
}

impl Member {
    pub(super) fn is_online(&self) -> bool {
        self.away_until.is_none()
    }

    /// Takes the tracks that it offers now. A track of the same kind and source is the same publication, also on
    /// another section or connection.
    pub(super) fn rebind(&mut self, bindings: Vec<PublishBinding>, next: &mut u32) {
        let mut before = std::mem::take(&mut self.publications);
        for PublishBinding { mid, kind, source, muted, layers } in bindings {
            let same = |track: &OwnTrack| track.kind == kind && track.source == source;
            let known = before.iter().position(|track| same(track) && track.mid == mid);
            let known = known.or_else(|| before.iter().position(same)).map(|index| before.remove(index));
            let id = known.map_or_else(|| take_next(next), |track| track.id);
            let state = PublishState::NotAllowed;
            self.publications.push(OwnTrack { id, mid, kind, source, muted, layers, state });
        }
    }

    /// Brings the state of every track in line with the standing.
    pub(super) fn settle_publications(&mut self) {
        for track in &mut self.publications {
            track.state = match (self.standing.publish(track.kind), self.standing.role) {
                (Allowance::NotGranted, _) => PublishState::NotAllowed,
                (Allowance::Forbidden, _) => PublishState::Banned,
                (Allowance::Yes, Role::Audience) => PublishState::Audience,
                (Allowance::Yes, Role::Broadcaster) => PublishState::Published,
            };
        }
    }

    pub(super) fn published(&self) -> impl Iterator<Item = &OwnTrack> {
        self.publications.iter().filter(|track| track.state == PublishState::Published)
    }

    pub(super) fn own_publications(&self) -> Vec<OwnPublication> {
        let own = |track: &OwnTrack| OwnPublication { mid: track.mid.clone(), id: track.id, state: track.state };
        self.publications.iter().map(own).collect()
    }

    /// The member as the others see it.
    pub(super) fn to_message(&self) -> message::Member {
        let size = |layer: &Layer| Size { width: layer.width, height: layer.height };
        let publication = |track: &OwnTrack| Publication {
            id: track.id,
            kind: track.kind,
            source: track.source,
            muted: track.muted,
            layers: track.layers.iter().map(size).collect(),
        };
        message::Member {
            uid: self.uid,
            name: self.name.clone(),
            role: self.standing.role,
            switches: self.switches,
            publications: self.published().map(publication).collect(),
        }
    }

    /// The warnings that are due, and when the next one is.
    pub(super) fn take_warnings(&mut self, now: Instant) -> (Vec<ServerMessage>, Option<Instant>) {
        let ends = Privilege::ALL.into_iter().filter_map(|privilege| self.grant.until(privilege));
        let ends: BTreeSet<_> = ends.filter(|end| *end > now && !self.warned.contains(end)).collect();
        let warn_at = |end: &Instant| end.checked_sub(WARNING).unwrap_or(now);
        let due: Vec<_> = ends.iter().copied().filter(|end| warn_at(end) <= now).collect();
        self.warned.extend(&due);
        let warning = |end| ServerMessage::TokenWillExpire {
            privileges: self.grant.ending_at(end),
            expires_in_ms: millis_until(end, now),
        };
        (due.into_iter().map(warning).collect(), ends.iter().map(warn_at).find(|at| *at > now))
    }
}

fn take_next(next: &mut u32) -> PublicationId {
    let id = PublicationId(*next);
    *next += 1;
    id
}
