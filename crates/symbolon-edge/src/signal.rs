//! The signalling side of an edge: messages in, and what the channels say done.

use std::time::Instant;

use symbolon_proto::Now;
use symbolon_proto::channel::{self, Entry};
use symbolon_proto::code::{ErrorCode, Reason};
use symbolon_proto::grant::Grant;
use symbolon_proto::id::{ConnId, Mid, PublicationId, Token};
use symbolon_proto::message::{
    ClientMessage, Ended, Join, Joined, Kind, Layer, MAX_EXCEPTIONS, MAX_NAME_BYTES, MAX_VIEWS, MediaAnswer,
    MediaOffer, Privilege, ServerMessage, Source, Subscribe, View,
};

use crate::edge::{Conn, Edge, Output, Seat, Wake, close};
use crate::entropy::{Entropy, IceSecrets};
use crate::forward::{Place, PublicationKey};
use crate::happening::What;
use crate::offer::{Offer, Refusal};
use crate::peer::Peer;
use crate::room::RoomId;

/// Media offers of one connection that are looked at in a second.
const OFFERS_PER_SECOND: u32 = 5;

impl Edge {
    pub(crate) fn message(&mut self, now: Now, conn: ConnId, message: ClientMessage, entropy: &Entropy) {
        let Some(state) = self.conns.get(&conn).filter(|state| state.open) else { return };
        let room = state.seat.as_ref().map(|seat| seat.room);
        let (input, room) = match (message, room) {
            (ClientMessage::Join(join), None) => return self.join(now, conn, *join, entropy),
            (ClientMessage::Join(_), Some(_)) => {
                let message = "this connection is in a channel already; open another one for another channel";
                return self.error(conn, None, ErrorCode::InvalidState, "already_joined", message);
            }
            (message, None) => return self.not_joined(now, conn, &message),
            (ClientMessage::Ping {}, Some(_)) => return self.send(conn, ServerMessage::Pong {}),
            (ClientMessage::Negotiate { id, media }, Some(room)) => {
                return self.negotiate(now, conn, room, id, &media, entropy);
            }
            (ClientMessage::RenewToken { id, token }, Some(room)) => {
                return self.renew(now, conn, room, id, &token);
            }
            (ClientMessage::Subscribe(subscribe), Some(room)) => {
                if let Err(refusal) = check_subscribe(&subscribe) {
                    return self.refused(conn, None, refusal);
                }
                (channel::Input::Subscribe { conn, subscribe }, room)
            }
            (ClientMessage::View(view), Some(_)) => return self.look(now, conn, view),
            (ClientMessage::SetMuted { mid, muted }, Some(room)) => {
                (channel::Input::SetMuted { conn, mid, muted }, room)
            }
            (ClientMessage::SetSwitches(switches), Some(room)) => {
                (channel::Input::SetSwitches { conn, switches }, room)
            }
            (ClientMessage::SetRole { id, role }, Some(room)) => (channel::Input::SetRole { conn, id, role }, room),
            (ClientMessage::Leave {}, Some(room)) => (channel::Input::Leave { conn }, room),
            (_, Some(_)) => {
                let message = "this server does not know that message";
                return self.error(conn, None, ErrorCode::NotSupported, "invalid_message", message);
            }
        };
        self.tell(now, room, input);
    }

    pub(crate) fn closed(&mut self, now: Now, conn: ConnId) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let was_open = std::mem::take(&mut state.open);
        match state.seat.as_ref().map(|seat| seat.room) {
            Some(room) if was_open => {
                self.happened(conn, What::ConnectionLost);
                self.tell(now, room, channel::Input::Lost { conn });
            }
            Some(_) => {}
            None => self.forget(now, conn),
        }
    }

    fn not_joined(&mut self, now: Now, conn: ConnId, message: &ClientMessage) {
        let id = request_id(message);
        let text = "the first message of a connection must be a join";
        self.error(conn, id, ErrorCode::NotInChannel, "not_joined", text);
        self.outputs.push_back(Output::Close { conn, code: close::NOT_JOINED, reason: "not joined" });
        self.forget(now, conn);
    }

    fn join(&mut self, now: Now, conn: ConnId, join: Join, entropy: &Entropy) {
        if let Err(ended) = self.try_join(now, conn, join, entropy) {
            self.end(now, conn, ended);
        }
    }

    fn try_join(&mut self, now: Now, conn: ConnId, join: Join, entropy: &Entropy) -> Result<(), Ended> {
        let pass = self.door.admit(&join.app_id, &join.channel, join.uid, join.token.as_ref(), now)?;
        check_name(join.name.as_deref()).map_err(rejected)?;
        check_subscribe(&join.subscribe).map_err(rejected)?;
        check_view(&join.view).map_err(rejected)?;
        let answer = match &join.media {
            Some(media) => Some(self.answer(now, conn, media, &pass.grant, entropy).map_err(rejected)?),
            None => None,
        };
        let name = (pass.app, pass.channel);
        let room = self.room(now, &name);
        let Some(state) = self.conns.get_mut(&conn) else { return Ok(()) };
        state.answer = answer;
        state.seat = Some(Seat { room, name, grant: pass.grant.clone(), uid: None, view: join.view });
        let media = join.media.unwrap_or(MediaOffer { sdp: String::new(), publish: Vec::new(), slots: Vec::new() });
        let entry = Entry {
            conn,
            uid: pass.uid,
            grant: pass.grant,
            name: join.name,
            switches: join.switches,
            role: join.role,
            profile: join.profile,
            subscribe: join.subscribe,
            publish: media.publish,
            slots: media.slots,
            resume: join.resume,
            entropy: entropy.for_channel(),
        };
        self.tell(now, room, channel::Input::Join(Box::new(entry)));
        Ok(())
    }

    /// Checks a media offer, cuts it down to what the grant allows, and lets the connection's peer answer it.
    fn answer(
        &mut self,
        now: Now,
        conn: ConnId,
        media: &MediaOffer,
        grant: &Grant,
        entropy: &Entropy,
    ) -> Result<String, Refusal> {
        let offer = Offer::parse(&media.sdp)?;
        offer.check_bindings(media)?;
        let sdp = offer.restrict(media, |kind| may_publish(grant, kind, now.instant));
        let demux = &self.demux;
        let fresh = || IceSecrets::new(demux.free_fragment(entropy.fragment()), entropy);
        let (before, answer) = match self.peers.get_mut(&conn) {
            Some(peer) => {
                let before = peer.secrets().clone();
                let answer = peer.renegotiate(now.instant, &offer.fingerprint, &sdp, fresh, &mut self.drained);
                (Some(before), answer)
            }
            None => {
                let (config, secrets) = (&self.peer_config, fresh());
                let measured = media.slots.iter().any(|slot| slot.kind == Kind::Video);
                let (fingerprint, drained) = (offer.fingerprint, &mut self.drained);
                let accepted = Peer::accept(config, now.instant, secrets, fingerprint, &sdp, measured, drained);
                let answer = accepted.map(|(peer, answer)| {
                    self.peers.insert(conn, peer);
                    answer
                });
                (None, answer)
            }
        };
        let secrets = self.peers.get(&conn).map(Peer::secrets).filter(|secrets| before.as_ref() != Some(*secrets));
        if let Some(secrets) = secrets {
            self.demux.register(conn, secrets.clone(), offer.remote_fragment);
        }
        self.collect(conn);
        if let Err(refusal) = &answer {
            self.happened(conn, What::OfferRefused { slug: refusal.slug });
        }
        answer
    }

    fn negotiate(&mut self, now: Now, conn: ConnId, room: RoomId, id: u32, media: &MediaOffer, entropy: &Entropy) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if !state.negotiations.admit(now.instant, OFFERS_PER_SECOND) {
            let message = format!("at most {OFFERS_PER_SECOND} offers a second are looked at; wait a moment");
            return self.error(conn, Some(id), ErrorCode::TooOften, "rate_limited", &message);
        }
        let Some(grant) = state.seat.as_ref().map(|seat| seat.grant.clone()) else { return };
        match self.answer(now, conn, media, &grant, entropy) {
            Err(refusal) => self.refused(conn, Some(id), refusal),
            Ok(answer) => {
                if let Some(state) = self.conns.get_mut(&conn) {
                    state.answer = Some(answer);
                }
                let (publish, slots) = (media.publish.clone(), media.slots.clone());
                self.tell(now, room, channel::Input::Negotiate { conn, id, publish, slots });
            }
        }
    }

    fn look(&mut self, now: Now, conn: ConnId, view: View) {
        match (check_view(&view), self.conns.get_mut(&conn).and_then(|state| state.seat.as_mut())) {
            (Err(refusal), _) => self.refused(conn, None, refusal),
            (Ok(()), Some(seat)) => {
                seat.view = view;
                self.share_out_soon(now.instant, conn);
            }
            (Ok(()), None) => {}
        }
    }

    fn renew(&mut self, now: Now, conn: ConnId, room: RoomId, id: u32, token: &Token) {
        let Some(seat) = self.conns.get(&conn).and_then(|state| state.seat.as_ref()) else { return };
        let Some(uid) = seat.uid else { return };
        match self.door.renew(seat.name.0, &seat.name.1, uid, token, now) {
            Ok(grant) => {
                if let Some(seat) = self.conns.get_mut(&conn).and_then(|state| state.seat.as_mut()) {
                    seat.grant = grant.clone();
                }
                self.tell(now, room, channel::Input::Renew { conn, id, grant });
            }
            Err((code, message)) => {
                self.happened(conn, What::Renewed { code });
                self.send(conn, ServerMessage::Renewed { id, code, message, standing: None });
            }
        }
    }

    /// Does what a channel says.
    pub(crate) fn perform(&mut self, now: Now, room: RoomId, output: channel::Output) {
        let key = |id: PublicationId| PublicationKey { room, id };
        match output {
            channel::Output::Joined { conn, joined } => self.joined(conn, *joined),
            channel::Output::Negotiated { conn, id, publish, slots } => {
                let answer = self.conns.get_mut(&conn).and_then(|state| state.answer.take());
                let media = MediaAnswer { sdp: answer.unwrap_or_default(), publish, slots };
                self.send(conn, ServerMessage::Negotiated { id, media });
            }
            channel::Output::Send { conn, message } => {
                self.note_message(conn, &message);
                self.send(conn, message);
            }
            channel::Output::Publish { publication, conn, mid, kind, source, layers } => {
                self.publish(now, key(publication), place(conn, &mid), kind, source, layers);
            }
            channel::Output::Unpublish { publication } => self.unpublish(key(publication)),
            channel::Output::Route { publication, conn, mid } => {
                self.route(now, key(publication), place(conn, &mid));
            }
            channel::Output::Unroute { conn, mid } => self.unroute(now, place(conn, &mid)),
            channel::Output::Ended { conn, ended } => self.end(now, conn, ended),
            channel::Output::Drop { conn } => self.drop_conn(now, conn),
        }
    }

    fn joined(&mut self, conn: ConnId, mut joined: Joined) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let seat = state.seat.as_mut();
        let token = seat.map(|seat| {
            seat.uid = Some(joined.uid);
            seat.grant.token_id
        });
        if let Some(sdp) = state.answer.take() {
            let empty = || MediaAnswer { sdp: String::new(), publish: Vec::new(), slots: Vec::new() };
            joined.media.get_or_insert_with(empty).sdp = sdp;
        }
        if let Some(token) = token {
            self.happened(conn, What::Joined { resumed: joined.resumed, token });
        }
        self.send(conn, ServerMessage::Joined(Box::new(joined)));
    }

    fn note_message(&mut self, conn: ConnId, message: &ServerMessage) {
        if let ServerMessage::TokenWillExpire { privileges, expires_in_ms } = message {
            let (privileges, expires_in_ms) = (privileges.clone(), *expires_in_ms);
            self.happened(conn, What::Warned { privileges, expires_in_ms });
        } else if let ServerMessage::Renewed { code, .. } = message {
            self.happened(conn, What::Renewed { code: *code });
        }
    }

    fn publish(&mut self, now: Now, key: PublicationKey, source: Place, kind: Kind, shows: Source, layers: Vec<Layer>) {
        if self.switchboard.get(key).is_none() {
            self.happened(source.conn, What::PublicationStarted { publication: key.id, kind });
        }
        self.switchboard.publish(key, source, kind, shows, layers);
        self.ask_for_keyframe_at(now.instant, key, 0);
        let Some(forwarding) = self.switchboard.get(key).filter(|_| kind == Kind::Video) else { return };
        for to in forwarding.routes.iter().map(|to| to.conn).collect::<Vec<_>>() {
            self.share_out_soon(now.instant, to);
        }
        self.agenda.set(Wake::Demand(key), Some(now.instant));
    }

    fn unpublish(&mut self, key: PublicationKey) {
        self.forget_alarms(key);
        let Some(forwarding) = self.switchboard.unpublish(key) else { return };
        self.happened(forwarding.source.conn, What::PublicationStopped { publication: key.id });
        for to in forwarding.routes {
            if let Some(peer) = self.peers.get_mut(&to.conn) {
                peer.carry(to.mid, None);
            }
        }
    }

    fn route(&mut self, now: Now, key: PublicationKey, to: Place) {
        self.unroute(now, to);
        let Some(peer) = self.peers.get_mut(&to.conn) else { return };
        if self.switchboard.route(key, to) {
            peer.carry(to.mid, Some(key));
            match self.switchboard.get(key).map(|forwarding| forwarding.kind) {
                Some(Kind::Audio) => drop(peer.aim(to.mid, Some(0))),
                _ => self.share_out_soon(now.instant, to.conn),
            }
        }
    }

    fn unroute(&mut self, now: Now, to: Place) {
        let Some(peer) = self.peers.get_mut(&to.conn) else { return };
        if let Some(key) = peer.carries(to.mid) {
            peer.carry(to.mid, None);
            self.switchboard.unroute(key, to);
            self.share_out_soon(now.instant, to.conn);
            self.agenda.set_no_later_than(Wake::Demand(key), now.instant);
        }
    }

    /// The last message of a connection, and its end.
    fn end(&mut self, now: Now, conn: ConnId, ended: Ended) {
        let Some(state) = self.conns.get(&conn) else { return };
        let is_in = state.seat.as_ref().is_some_and(|seat| seat.uid.is_some());
        let (code, slug) = (ended.code, ended.slug.clone());
        let open = state.open;
        self.happened(conn, if is_in { What::Ended { code, slug } } else { What::JoinRefused { code, slug } });
        self.send(conn, ServerMessage::Ended(ended));
        if open {
            let (code, reason) = if is_in { (close::ENDED, "ended") } else { (close::REFUSED, "refused") };
            self.outputs.push_back(Output::Close { conn, code, reason });
        }
        self.forget(now, conn);
    }

    fn drop_conn(&mut self, now: Now, conn: ConnId) {
        let Some(state) = self.conns.get(&conn) else { return };
        let open = state.open;
        self.happened(conn, What::Forgotten);
        if open {
            let reason = "the session goes on on another connection";
            self.outputs.push_back(Output::Close { conn, code: close::SUPERSEDED, reason });
        }
        self.forget(now, conn);
    }

    fn forget(&mut self, now: Now, conn: ConnId) {
        self.forget_peer(now.instant, conn);
        self.conns.remove(&conn);
    }

    pub(crate) fn send(&mut self, conn: ConnId, message: ServerMessage) {
        if self.conns.get(&conn).is_some_and(|state: &Conn| state.open) {
            self.outputs.push_back(Output::Message { conn, message });
        }
    }

    fn refused(&mut self, conn: ConnId, id: Option<u32>, refusal: Refusal) {
        self.error(conn, id, ErrorCode::InvalidArgument, refusal.slug, &refusal.message);
    }

    fn error(&mut self, conn: ConnId, id: Option<u32>, code: ErrorCode, slug: &str, message: &str) {
        let (slug, message) = (slug.to_owned(), message.to_owned());
        self.send(conn, ServerMessage::Error { id, code, slug, message });
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a message without a number has none to echo")]
fn request_id(message: &ClientMessage) -> Option<u32> {
    match message {
        ClientMessage::Negotiate { id, .. }
        | ClientMessage::SetRole { id, .. }
        | ClientMessage::RenewToken { id, .. } => Some(*id),
        _ => None,
    }
}

fn place(conn: ConnId, mid: &Mid) -> Place {
    Place { conn, mid: mid.as_str().into() }
}

/// Whether media of this kind is accepted from whoever holds this grant. Whether it is forwarded is for the channel
/// to say, which also knows the role and the rules.
fn may_publish(grant: &Grant, kind: Kind, now: Instant) -> bool {
    let privilege = match kind {
        Kind::Audio => Privilege::Audio,
        Kind::Video => Privilege::Video,
    };
    grant.until(privilege).is_some_and(|until| now < until)
}

fn check_name(name: Option<&str>) -> Result<(), Refusal> {
    let name = name.unwrap_or_default();
    if name.len() > MAX_NAME_BYTES {
        return Err(Refusal::new("limit_exceeded", format!("a display name has at most {MAX_NAME_BYTES} bytes")));
    }
    if name.chars().any(|c| c.is_control() || turns_text_around(c)) {
        let message = "a display name has no control characters and none that change the direction of text";
        return Err(Refusal::new("invalid_name", message));
    }
    Ok(())
}

/// The characters that override or embed a direction of writing (Unicode Annex 9).
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn check_subscribe(subscribe: &Subscribe) -> Result<(), Refusal> {
    if subscribe.except.len() > MAX_EXCEPTIONS {
        let message = format!("a subscription has at most {MAX_EXCEPTIONS} exceptions");
        return Err(Refusal::new("limit_exceeded", message));
    }
    Ok(())
}

fn check_view(view: &View) -> Result<(), Refusal> {
    if view.views.len() > MAX_VIEWS {
        return Err(Refusal::new("limit_exceeded", format!("at most {MAX_VIEWS} views can be declared")));
    }
    Ok(())
}

fn rejected(refusal: Refusal) -> Ended {
    Ended {
        code: ErrorCode::InvalidArgument,
        reason: Reason::RejectedByServer,
        slug: refusal.slug.to_owned(),
        message: refusal.message,
        retry_after_ms: None,
    }
}
