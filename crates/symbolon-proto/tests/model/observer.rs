//! What the outputs of a channel amount to: the routes that the edge would have, and what every client would believe.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use symbolon_proto::channel::Output;
use symbolon_proto::id::{ConnId, Mid, PublicationId, Uid};
use symbolon_proto::message::{Ended, Joined, Member, Publication, Role, ServerMessage, Slot};

use crate::reference::{Routes, Seen};

#[derive(Default)]
pub(crate) struct Observer {
    sources: BTreeMap<PublicationId, (ConnId, Mid)>,
    routes: BTreeMap<(ConnId, Mid), PublicationId>,
    pub(crate) clients: BTreeMap<ConnId, Client>,
    pub(crate) ended: BTreeMap<ConnId, Ended>,
    pub(crate) warnings: BTreeSet<(ConnId, Duration)>,
}

/// What one client believes.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) uid: Uid,
    pub(crate) joined: Joined,
    pub(crate) role: Role,
    members: BTreeMap<Uid, Member>,
    slots: BTreeMap<Mid, Option<PublicationId>>,
}

impl Observer {
    pub(crate) fn take(&mut self, output: Output) {
        match output {
            Output::Joined { conn, joined } => {
                let before = self.clients.insert(conn, Client::new(*joined));
                assert!(before.is_none(), "{conn} joined twice");
            }
            Output::Negotiated { conn, slots, .. } => {
                let client = self.client(conn);
                client.slots.clear();
                client.take_slots(slots);
            }
            Output::Send { conn, message } => self.hear(conn, message),
            Output::Publish { publication, conn, mid, .. } => {
                self.sources.insert(publication, (conn, mid));
            }
            Output::Unpublish { publication } => {
                assert!(self.sources.remove(&publication).is_some(), "{publication:?} ended twice");
                assert!(!self.routes.values().any(|routed| *routed == publication), "{publication:?} is still routed");
            }
            Output::Route { publication, conn, mid } => {
                assert!(self.sources.contains_key(&publication), "{publication:?} has no source");
                let before = self.routes.insert((conn, mid), publication);
                assert_eq!(before, None, "the slot was not free");
            }
            Output::Unroute { conn, mid } => {
                assert!(self.routes.remove(&(conn, mid)).is_some(), "no route to end");
            }
            Output::Ended { conn, ended } => {
                self.forget(conn);
                assert!(self.ended.insert(conn, ended).is_none(), "{conn} ended twice");
            }
            Output::Drop { conn } => self.forget(conn),
        }
    }

    fn forget(&mut self, conn: ConnId) {
        self.clients.remove(&conn);
        assert!(!self.routes.keys().any(|(routed, _)| *routed == conn), "{conn} still has routes");
        assert!(!self.sources.values().any(|(source, _)| *source == conn), "{conn} is still a source");
    }

    fn client(&mut self, conn: ConnId) -> &mut Client {
        self.clients.get_mut(&conn).unwrap_or_else(|| panic!("{conn} is no client"))
    }

    fn hear(&mut self, conn: ConnId, message: ServerMessage) {
        if let ServerMessage::TokenWillExpire { expires_in_ms, .. } = message {
            let new = self.warnings.insert((conn, Duration::from_millis(expires_in_ms.into())));
            assert!(new, "{conn} was warned twice at once");
        } else {
            self.client(conn).hear(message);
        }
    }

    /// The routes as the model names them.
    pub(crate) fn routes(&self) -> Routes {
        let named = |((conn, _), id): (&(ConnId, Mid), &PublicationId)| {
            let (source, mid) = self.sources[id].clone();
            (source, mid, *conn)
        };
        let routes: Routes = self.routes.iter().map(named).collect();
        assert_eq!(routes.len(), self.routes.len(), "a publication goes to someone twice");
        routes
    }

    /// What the clients believe of their slots is what is routed.
    pub(crate) fn check_slots(&self, online: impl Iterator<Item = ConnId>) {
        for conn in online {
            for (mid, told) in &self.clients[&conn].slots {
                assert_eq!(*told, self.routes.get(&(conn, mid.clone())).copied(), "slot {mid} of {conn}");
            }
        }
    }
}

impl Client {
    fn new(joined: Joined) -> Self {
        let members = joined.members.iter().map(|member| (member.uid, member.clone())).collect();
        let slots = joined.media.iter().flat_map(|media| media.slots.clone());
        Self {
            uid: joined.uid,
            role: joined.standing.role,
            members,
            slots: slots.map(|slot| (slot.mid, slot.publication)).collect(),
            joined,
        }
    }

    fn take_slots(&mut self, slots: Vec<Slot>) {
        self.slots.extend(slots.into_iter().map(|slot| (slot.mid, slot.publication)));
    }

    fn hear(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Slots { slots } => self.take_slots(slots),
            ServerMessage::MemberJoined { member } => {
                let before = self.members.insert(member.uid, member);
                assert!(before.is_none(), "{before:?} joined twice");
            }
            ServerMessage::MemberLeft { uid, .. } => {
                assert!(self.members.remove(&uid).is_some(), "{uid} left twice");
            }
            ServerMessage::Published { uid, publication } => {
                assert!(self.find(uid, publication.id).is_none(), "{publication:?} was announced twice");
                self.member(uid).publications.push(publication);
            }
            ServerMessage::Unpublished { uid, id } => {
                assert!(self.find(uid, id).is_some(), "{id:?} was never announced");
                self.member(uid).publications.retain(|publication| publication.id != id);
            }
            ServerMessage::PublicationMuted { uid, id, muted } => {
                let publication = self.find(uid, id).expect("an announced publication");
                assert_ne!(std::mem::replace(&mut publication.muted, muted), muted, "nothing changed");
            }
            ServerMessage::RoleChanged { role, .. } | ServerMessage::RoleRefused { role, .. } => self.role = role,
            ServerMessage::NeedSlots { .. } => panic!("there are slots enough"),
            ServerMessage::Ended(_) | ServerMessage::Joined(_) | ServerMessage::Negotiated { .. } => {
                panic!("the channel does not send this itself")
            }
            _ => {}
        }
    }

    fn member(&mut self, uid: Uid) -> &mut Member {
        self.members.get_mut(&uid).unwrap_or_else(|| panic!("{uid} is not there"))
    }

    fn find(&mut self, uid: Uid, id: PublicationId) -> Option<&mut Publication> {
        self.member(uid).publications.iter_mut().find(|publication| publication.id == id)
    }

    /// Everyone that this client believes to be there.
    pub(crate) fn seen(&self) -> Seen {
        let tracks =
            |member: &Member| member.publications.iter().map(|track| (track.kind, track.source, track.muted)).collect();
        self.members.values().map(|member| (member.uid, tracks(member))).collect()
    }
}
