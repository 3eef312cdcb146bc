//! The media side of an edge: datagrams in, packets along their routes, keyframe requests back.

use std::time::{Duration, Instant};

use str0m::format::PayloadParams;
use str0m::media::{Mid, Rid};
use str0m::rtp::RtpPacket;
use symbolon_proto::Now;
use symbolon_proto::channel;
use symbolon_proto::id::ConnId;
use symbolon_proto::message::Kind;

use crate::edge::{Datagram, Edge, Incoming, Output, Wake, close};
use crate::forward::{Place, PublicationKey};
use crate::happening::{MediaLoss, What};
use crate::peer::{Peer, PeerEvent};
use crate::stats::DropCause;

impl Edge {
    pub(crate) fn datagram(&mut self, now: Now, incoming: &Incoming<'_>) {
        let Incoming { source, destination, bytes } = *incoming;
        self.stats.datagrams_in += 1;
        self.stats.bytes_in += bytes.len() as u64;
        let conn = match self.demux.route(now.instant, source, destination, bytes) {
            Ok(conn) => conn,
            Err(cause) => return self.stats.dropped.count(cause),
        };
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if let Err(cause) = peer.receive(now.instant, source, destination, bytes, &mut self.drained) {
            self.stats.dropped.count(cause);
        }
        self.collect(conn);
    }

    pub(crate) fn tick_peer(&mut self, now: Now, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.tick(now.instant, &mut self.drained);
            let overdue = peer.deadline().is_some_and(|at| at <= now.instant);
            self.collect(conn);
            if overdue {
                // A peer that wants to be woken in the past must not keep the others waiting for ever.
                self.agenda.set(Wake::Peer(conn), Some(now.instant + Duration::from_millis(1)));
            }
        }
    }

    /// Takes what a peer's drain gave, and sets its alarm.
    pub(crate) fn collect(&mut self, conn: ConnId) {
        for transmit in self.drained.datagrams.drain(..) {
            self.stats.datagrams_out += 1;
            self.stats.bytes_out += transmit.contents.len() as u64;
            let (source, destination) = (transmit.source, transmit.destination);
            self.datagrams.push_back(Datagram { source, destination, bytes: transmit.contents.into() });
        }
        self.reports.extend(self.drained.events.drain(..).map(|event| (conn, event)));
        if let Some(at) = self.peers.get(&conn).and_then(|peer| peer.deadline()) {
            self.agenda.set_no_later_than(Wake::Peer(conn), at);
        }
    }

    /// Deals with what peers reported, and with what comes of that, until there is nothing left; then sends what was
    /// written, all packets of a peer together.
    pub(crate) fn settle_reports(&mut self, now: Now) {
        self.deal_with_reports(now);
        while let Some(conn) = self.unsent.pop() {
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.send(now.instant, &mut self.drained);
            }
            self.collect(conn);
            self.deal_with_reports(now);
        }
    }

    fn deal_with_reports(&mut self, now: Now) {
        while let Some((conn, event)) = self.reports.pop_front() {
            match event {
                PeerEvent::Media { mid, rid, params, packet } => {
                    self.forward(now.instant, Place { conn, mid }, rid, params, *packet);
                }
                PeerEvent::Estimate(bits) => self.estimated(now.instant, conn, bits),
                PeerEvent::Line(figures) => self.measured(now.instant, conn, &figures),
                PeerEvent::KeyframeWanted { slot } => self.keyframe_wanted(now, conn, slot),
                PeerEvent::Connected => self.connected(now, conn),
                PeerEvent::Back => self.refresh_pictures(now.instant, conn),
                PeerEvent::Withheld => self.stats.dropped.count(DropCause::UnprovenAddress),
                PeerEvent::Nacks { from_client, to_client } => {
                    self.stats.nacks_in += from_client;
                    self.stats.nacks_out += to_client;
                }
                PeerEvent::Lost(cause) => self.media_lost(now, conn, cause),
            }
        }
    }

    /// Sends a packet along the routes of its publication.
    fn forward(&mut self, now: Instant, source: Place, rid: Option<Rid>, params: PayloadParams, packet: RtpPacket) {
        let (key, packet) = match self.switchboard.take(now, source, rid, params, packet) {
            Ok(taken) => taken,
            Err(cause) => return self.stats.dropped.count(cause),
        };
        self.stats.packets_in += 1;
        self.hear(now, source, key, &packet.ext);
        // The set is put back below: nothing on the way there looks at it.
        let Some(forwarding) = self.switchboard.get_mut(key) else { return };
        if !forwarding.demand.may_come(packet.layer) {
            return;
        }
        let is_video = forwarding.kind == Kind::Video;
        let feed = &mut forwarding.feeds[usize::from(packet.layer)];
        if packet.facts.starts_keyframe {
            feed.keyframes.came();
        }
        if is_video && feed.holes.note(now, packet.run, packet.seq, packet.facts.starts_keyframe) {
            feed.keyframes.want();
        }
        let routes = std::mem::take(&mut forwarding.routes);
        let mut keyframe_wanted = false;
        for to in &routes {
            let Some(peer) = self.peers.get_mut(&to.conn).filter(|peer| peer.takes(to.mid, packet.layer)) else {
                continue;
            };
            match peer.write(to.mid, &packet) {
                Ok(first) => {
                    if first {
                        self.unsent.push(to.conn);
                    }
                    self.stats.packets_forwarded += 1;
                    self.stats.bytes_forwarded += packet.payload.len() as u64;
                }
                Err(cause) => {
                    keyframe_wanted |= cause == DropCause::AwaitingKeyframe && peer.is_connected();
                    self.stats.dropped.count(cause);
                }
            }
        }
        if let Some(forwarding) = self.switchboard.get_mut(key) {
            forwarding.routes = routes;
            if keyframe_wanted {
                forwarding.feeds[usize::from(packet.layer)].keyframes.want();
            }
        }
        self.ask_for_keyframe_at(now, key, packet.layer);
    }

    /// Notes how loud a packet says its sender is.
    fn hear(&mut self, now: Instant, source: Place, key: PublicationKey, ext: &str0m::rtp::ExtensionValues) {
        let Some(level) = ext.audio_level else { return };
        let uid = self.conns.get(&source.conn).and_then(|conn| conn.seat.as_ref()?.uid);
        let (Some(uid), Some(room)) = (uid, self.rooms.get_mut(&key.room)) else { return };
        let before = room.speakers.deadline();
        room.speakers.hear(now, uid, level);
        if room.speakers.deadline() != before {
            self.set_room_alarm(now, key.room);
        }
    }

    fn keyframe_wanted(&mut self, now: Now, conn: ConnId, slot: Mid) {
        self.stats.keyframes_wanted += 1;
        let carried = self.peers.get(&conn).and_then(|peer| Some((peer.carries(slot)?, peer.target(slot)?)));
        if let Some((key, layer)) = carried {
            self.want_keyframe(now.instant, key, layer);
        }
    }

    /// Somebody cannot go on without a keyframe of this layer.
    pub(crate) fn want_keyframe(&mut self, now: Instant, key: PublicationKey, layer: u8) {
        let Some(forwarding) = self.switchboard.get_mut(key) else { return };
        if let Some(feed) = forwarding.feeds.get_mut(usize::from(layer)) {
            feed.keyframes.want();
        }
        self.ask_for_keyframe_at(now, key, layer);
    }

    /// Asks a publisher for a keyframe if somebody wants one and it is time; else sets the alarm for when it will be.
    ///
    /// A publisher that sends nothing yet, or is not connected, is not asked: its next packet brings us here again.
    pub(crate) fn ask_for_keyframe_at(&mut self, now: Instant, key: PublicationKey, layer: u8) {
        let Some(forwarding) = self.switchboard.get_mut(key) else { return };
        let conn = forwarding.source.conn;
        let feed = forwarding.feeds.get_mut(usize::from(layer)).filter(|_| forwarding.kind == Kind::Video);
        let Some((feed, (ssrc, _))) = feed.and_then(|feed| feed.source.map(|source| (feed, source))) else { return };
        if feed.keyframes.is_due(now) {
            let asked =
                self.peers.get_mut(&conn).is_some_and(|peer| peer.request_keyframe(now, ssrc, &mut self.drained));
            if asked {
                feed.keyframes.asked(now);
                self.stats.keyframes_requested += 1;
            }
        }
        let deadline = feed.keyframes.deadline().filter(|at| *at > now);
        self.agenda.set(Wake::Keyframe(key, layer), deadline);
        self.collect(conn);
    }

    /// A peer's path stands: what its slots carry can begin now.
    fn connected(&mut self, now: Now, conn: ConnId) {
        self.happened(conn, What::MediaConnected);
        self.refresh_pictures(now.instant, conn);
        if let Some(state) = self.conns.get_mut(&conn) {
            state.downlink.connected_at = Some(now.instant);
        }
        self.share_out_soon(now.instant, conn);
    }

    /// A peer has missed what its slots carry: everything it sees begins anew.
    fn refresh_pictures(&mut self, now: Instant, conn: ConnId) {
        let aimed = |peer: &Peer| {
            let aimed = peer.routes().filter_map(|(slot, key)| Some((key, peer.target(slot)?)));
            aimed.collect::<Vec<_>>()
        };
        for (key, layer) in self.peers.get(&conn).map(aimed).unwrap_or_default() {
            self.want_keyframe(now, key, layer);
        }
    }

    /// A media path that is lost cannot be mended by its own signalling in every case, and a client that is asked to mend
    /// it may be gone. So the connection is closed: a client that is there comes back with its resume id and a
    /// new offer, as after any break, and nobody else notices.
    fn media_lost(&mut self, now: Now, conn: ConnId, cause: MediaLoss) {
        self.happened(conn, What::MediaLost { cause });
        self.forget_peer(now.instant, conn);
        let Some(seat) = self.conns.get_mut(&conn) else { return };
        let room = seat.seat.as_ref().map(|seat| seat.room);
        if std::mem::take(&mut seat.open) {
            let reason = "the media path is lost; come back";
            self.outputs.push_back(Output::Close { conn, code: close::MEDIA_LOST, reason });
        }
        match room {
            Some(room) => self.tell(now, room, channel::Input::Lost { conn }),
            None => drop(self.conns.remove(&conn)),
        }
    }

    /// Forgets a peer: its addresses, its routes, its alarm.
    pub(crate) fn forget_peer(&mut self, now: Instant, conn: ConnId) {
        self.demux.forget(conn);
        self.agenda.set(Wake::Peer(conn), None);
        self.agenda.set(Wake::Downlink(conn), None);
        let Some(peer) = self.peers.remove(&conn) else { return };
        for (slot, key) in peer.routes() {
            self.switchboard.unroute(key, Place { conn, mid: slot });
            self.agenda.set_no_later_than(Wake::Demand(key), now);
        }
    }
}
