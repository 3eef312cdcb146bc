//! What each viewer gets of the videos that are routed to it, and what everyone concerned is told of that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use str0m::media::Mid;
use symbolon_proto::code::{Fallback, StreamType};
use symbolon_proto::id::{ConnId, Uid};
use symbolon_proto::message::{
    Kind, MemberView, Priority, Received, Receiving, ReceivingReason, ServerMessage, Size, Source, View,
};

use crate::allocate::{Allocator, Choice, RAISE_TO, Rank, Video, Wishes, instead, wishes};
use crate::edge::{Edge, Wake};
use crate::forward::{Forwarding, Place, PublicationKey};
use crate::line::Line;
use crate::peer::{FIRST_ESTIMATE, Figures, Search};

/// The line towards one viewer.
#[derive(Debug, Default)]
pub(crate) struct Downlink {
    line: Line,
    /// When it was last looked into whether it carries more.
    probed_at: Option<Instant>,
    /// Since when more is sent than it is thought to carry.
    over_since: Option<Instant>,
    /// Since when something can be sent.
    pub(crate) connected_at: Option<Instant>,
    allocator: Allocator<Mid>,
    /// What is wanted of each slot's video.
    chosen: BTreeMap<Mid, Chosen>,
    told: BTreeMap<Mid, Receiving>,
    /// What was told of the estimate, and when.
    told_kbps: Option<(u64, Instant)>,
}

/// What is wanted of one slot's video.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chosen {
    key: PublicationKey,
    /// The choice that was made, whether it comes by now or not.
    layer: Option<u8>,
    /// The layers to ask its publisher for: the choice, and what is to come in its place if it does not.
    asks: BTreeSet<u8>,
}

impl Downlink {
    /// Whether to look into what the line carries right away, because what it is thought to carry is too little for what is
    /// wanted.
    fn search(&mut self, now: Instant, wishes: &Wishes) -> Search {
        let short = self.line.carries().is_some_and(|bits| bits * RAISE_TO / 100 < wishes.next);
        if !short || self.probed_at.is_some_and(|at| now.saturating_duration_since(at) < SEARCH_EVERY) {
            return Search::Go;
        }
        self.probed_at = Some(now);
        if wishes.chosen == 0 { Search::Anew } else { Search::Probe }
    }
}

/// What videos take changes without anybody saying so: it is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// As long as a line does not carry all that is wanted, it is looked into this often whether it carries more.
const SEARCH_EVERY: Duration = Duration::from_secs(2);
/// A line is looked into at least up to this, when anything is to come.
const LEAST_WANTED: u64 = 300_000;
/// At first the estimate is a guess, and no video that comes in one layer is held back for it.
const GRACE: Duration = Duration::from_millis(1_500);
/// More than a line carries for so long is not going to be less.
const STAYS_OVER: Duration = Duration::from_millis(1_500);
/// A viewer hears of its line no more often than this.
const TELL_EVERY: Duration = Duration::from_secs(1);

impl Edge {
    /// Something has changed for a viewer: shares its line out anew before anything else happens.
    pub(crate) fn share_out_soon(&mut self, now: Instant, conn: ConnId) {
        self.agenda.set_no_later_than(Wake::Downlink(conn), now);
    }

    /// An estimate has come in.
    pub(crate) fn estimated(&mut self, now: Instant, conn: ConnId, bits: u64) {
        if let Some(state) = self.conns.get_mut(&conn) {
            state.downlink.line.estimated(bits);
            self.share_out_soon(now, conn);
        }
    }

    /// Figures of a line have come in.
    pub(crate) fn measured(&mut self, now: Instant, conn: ConnId, figures: &Figures) {
        if let Some(state) = self.conns.get_mut(&conn) {
            state.downlink.line.measured(figures);
            self.share_out_soon(now, conn);
        }
    }

    /// Shares a viewer's line out among the videos that are routed to it.
    pub(crate) fn share_out(&mut self, now: Instant, conn: ConnId) {
        let mut videos = self.videos_of(now, conn);
        let (Some(state), Some(peer)) = (self.conns.get_mut(&conn), self.peers.get_mut(&conn)) else { return };
        let downlink = &mut state.downlink;
        let wishes = wishes(downlink.allocator.choices(), &videos);
        let early = downlink.connected_at.is_none_or(|at| now.saturating_duration_since(at) < GRACE);
        if early {
            videos.iter_mut().filter(|video| video.costs.len() == 1).for_each(|video| video.costs[0] = 0);
        }
        let carries = downlink.line.carries();
        // An estimate is to come, or else there is none.
        let guess = || (peer.may_be_measured() && early).then_some(FIRST_ESTIMATE);
        downlink.allocator.update(now, carries.or_else(guess), &mut videos);
        let search = downlink.search(now, &wishes);
        let wanted = if wishes.all == 0 { 0 } else { wishes.all.max(LEAST_WANTED) * HEADROOM / 100 };
        peer.measure(now, wanted, search, carries, &mut self.drained);
        let videos_now: BTreeSet<Mid> = videos.iter().map(|video| video.id).collect();
        if carries.is_none_or(|bits| bits >= wishes.chosen) {
            downlink.over_since = None;
        } else {
            downlink.over_since.get_or_insert(now);
        }
        let stays = |since: Instant| now.saturating_duration_since(since) >= STAYS_OVER;
        peer.rush(downlink.over_since.is_some_and(stays), |slot| videos_now.contains(&slot));
        let choices: Vec<_> = downlink.allocator.choices().iter().map(|(slot, choice)| (*slot, *choice)).collect();
        downlink.chosen.retain(|slot, _| choices.iter().any(|(other, _)| other == slot));
        downlink.told.retain(|slot, _| choices.iter().any(|(other, _)| other == slot));
        self.collect(conn);
        for (slot, choice) in choices {
            self.carry_out(now, Place { conn, mid: slot }, choice);
        }
        let settles = self.peers.get(&conn).is_some_and(|peer| peer.settles(now));
        if videos.is_empty() && !settles {
            return;
        }
        self.tell_bandwidth(now, conn);
        self.agenda.set_no_later_than(Wake::Downlink(conn), now + LOOK_EVERY);
    }

    /// The videos that are routed to a viewer, as its view has them.
    fn videos_of(&self, now: Instant, conn: ConnId) -> Vec<Video<Mid>> {
        let seat = self.conns.get(&conn).and_then(|state| state.seat.as_ref());
        let (Some(peer), Some(seat)) = (self.peers.get(&conn), seat) else { return Vec::new() };
        let video = |(slot, key): (Mid, PublicationKey)| {
            let forwarding = self.switchboard.get(key).filter(|forwarding| forwarding.kind == Kind::Video)?;
            let publisher = self.conns.get(&forwarding.source.conn).and_then(|state| state.seat.as_ref()?.uid);
            Some(video(now, slot, forwarding, Look::at(&seat.view, publisher, key)))
        };
        peer.routes().filter_map(video).collect()
    }

    /// Sends what was chosen for a slot, or what there is in its place, and tells of it.
    fn carry_out(&mut self, now: Instant, to: Place, choice: Choice) {
        let Some(key) = self.peers.get(&to.conn).and_then(|peer| peer.carries(to.mid)) else { return };
        let Some(forwarding) = self.switchboard.get(key) else { return };
        // What is chosen only now has not been asked for yet.
        let chosen_before = self.conns.get(&to.conn).and_then(|state| state.downlink.chosen.get(&to.mid));
        let is_new = chosen_before.is_none_or(|before| (before.key, before.layer) != (key, choice.layer));
        let comes = |layer: u8| {
            let feed = forwarding.feeds.get(usize::from(layer));
            let asked = is_new && choice.layer == Some(layer);
            asked || feed.is_some_and(|feed| feed.comes(now)) || forwarding.demand.is_coming(now, layer)
        };
        let count = forwarding.feeds.len() as u8;
        let target = choice.layer.map(|layer| instead(layer, comes, count));
        // One that does not come is waited for, but not alone: the least layer is the one that a narrow line still carries.
        let missing = choice.layer.filter(|layer| !comes(*layer)).map(|_| 0);
        let asks = [choice.layer, target, missing].into_iter().flatten().collect();
        let chosen = Chosen { key, layer: choice.layer, asks };
        let asks_anew = chosen_before != Some(&chosen);
        let news = self.receiving(to, key, choice, target);
        let Some(state) = self.conns.get_mut(&to.conn) else { return };
        state.downlink.chosen.insert(to.mid, chosen);
        if asks_anew {
            self.agenda.set_no_later_than(Wake::Demand(key), now);
        }
        let Some(peer) = self.peers.get_mut(&to.conn) else { return };
        if peer.aim(to.mid, target)
            && let Some(layer) = target
        {
            self.want_keyframe(now, key, layer);
        }
        if let Some(news) = news {
            self.send(to.conn, ServerMessage::Receiving(news));
        }
    }

    /// What is to be told of a slot, if that is something new.
    fn receiving(&mut self, to: Place, key: PublicationKey, choice: Choice, target: Option<u8>) -> Option<Receiving> {
        let forwarding = self.switchboard.get(key)?;
        let uid = self.conns.get(&forwarding.source.conn)?.seat.as_ref()?.uid?;
        let layered = forwarding.is_layered();
        let feed = target.and_then(|layer| forwarding.feeds.get(usize::from(layer)));
        let seat = self.conns.get(&to.conn)?.seat.as_ref()?;
        let fallback = Look::at(&seat.view, Some(uid), key).fallback;
        let reason = if choice.layer < choice.want { ReceivingReason::Bandwidth } else { ReceivingReason::View };
        let stream = match target {
            Some(0) if layered && forwarding.feeds.len() > 1 => Received::Low,
            Some(_) => Received::High,
            None if reason == ReceivingReason::Bandwidth && fallback == Fallback::AudioOnly => Received::AudioOnly,
            None => Received::Paused,
        };
        let size = feed.and_then(|feed| feed.size());
        let news = Receiving { uid, id: key.id, stream, layer: target.filter(|_| layered), size, reason };
        let told = &mut self.conns.get_mut(&to.conn)?.downlink.told;
        let before = told.insert(to.mid, news.clone());
        // A track that is sent once and simply comes needs no words.
        let plain = before.as_ref().is_none_or(|before| before.id != key.id) && !layered && stream == Received::High;
        (before.as_ref() != Some(&news) && !plain).then_some(news)
    }

    fn tell_bandwidth(&mut self, now: Instant, conn: ConnId) {
        let Some(downlink) = self.conns.get_mut(&conn).map(|state| &mut state.downlink) else { return };
        let Some(kbps) = downlink.line.carries().map(|bits| bits / 1_000) else { return };
        let is_news = downlink.told_kbps.is_none_or(|(told, at)| {
            now.saturating_duration_since(at) >= TELL_EVERY && kbps.abs_diff(told) * 10 > told
        });
        if is_news {
            downlink.told_kbps = Some((kbps, now));
            let down_kbps = u32::try_from(kbps).unwrap_or(u32::MAX);
            self.send(conn, ServerMessage::Bandwidth { down_kbps });
        }
    }

    /// Looks at which layers of a publication anyone wants, and tells its publisher.
    pub(crate) fn look_at_demand(&mut self, now: Instant, key: PublicationKey) {
        let Some(forwarding) = self.switchboard.get_mut(key).filter(|forwarding| forwarding.is_layered()) else {
            return;
        };
        let asks = |to: &Place| {
            let chosen = self.conns.get(&to.conn)?.downlink.chosen.get(&to.mid)?;
            (chosen.key == key).then_some(&chosen.asks)
        };
        let wanted: BTreeSet<u8> = forwarding.routes.iter().filter_map(asks).flatten().copied().collect();
        let told = forwarding.demand.update(now, wanted).cloned();
        let (source, deadline) = (forwarding.source, forwarding.demand.deadline());
        let rid = |layer: u8| Some(forwarding.feeds.get(usize::from(layer))?.layer.as_ref()?.rid.clone());
        let message = told.and_then(|told| {
            let rids = told.into_iter().filter_map(rid).collect();
            let mid = symbolon_proto::id::Mid::parse(&source.mid.to_string()).ok()?;
            Some(ServerMessage::LayersWanted { mid, rids })
        });
        self.agenda.set(Wake::Demand(key), deadline);
        if let Some(message) = message {
            self.send(source.conn, message);
        }
    }

    /// Forgets every alarm of a publication.
    pub(crate) fn forget_alarms(&mut self, key: PublicationKey) {
        for layer in 0..symbolon_proto::message::MAX_LAYERS as u8 {
            self.agenda.set(Wake::Keyframe(key, layer), None);
        }
        self.agenda.set(Wake::Demand(key), None);
    }
}

/// More is looked for on a line than is needed, in percent.
const HEADROOM: u64 = 125;

/// How a viewer looks at one video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    stream: StreamType,
    size: Option<Size>,
    priority: Priority,
    fallback: Fallback,
}

impl Look {
    fn at(view: &View, publisher: Option<Uid>, key: PublicationKey) -> Self {
        let fits = |view: &&MemberView| {
            Some(view.uid) == publisher && view.publication.is_none_or(|publication| publication == key.id)
        };
        let named = view.views.iter().filter(fits);
        match named.max_by_key(|view| view.publication.is_some()) {
            None => Self { stream: view.stream, size: None, priority: Priority::Normal, fallback: view.fallback },
            Some(one) => Self {
                stream: one.stream.unwrap_or(view.stream),
                size: one.size,
                priority: one.priority,
                fallback: one.fallback.unwrap_or(view.fallback),
            },
        }
    }
}

fn video(now: Instant, slot: Mid, forwarding: &Forwarding, look: Look) -> Video<Mid> {
    let feeds = &forwarding.feeds;
    let best = look.stream.layer_of(feeds.len());
    let want = match look.size {
        Some(Size { width: 0, height: 0 }) => None,
        Some(tile) => {
            let enough = feeds.iter().position(|feed| feed.size().is_some_and(|size| is_enough(size, tile)));
            Some(enough.unwrap_or(best).min(best) as u8)
        }
        None => Some(best as u8),
    };
    let area = look.size.map_or(u32::MAX, |size| u32::from(size.width) * u32::from(size.height));
    let priority = if forwarding.shows == Source::Screen { Priority::Pinned } else { look.priority };
    let mut costs: Vec<u64> = feeds.iter().map(|feed| feed.cost(now)).collect();
    for at in 1..costs.len() {
        costs[at] = costs[at].max(costs[at - 1]);
    }
    Video { id: slot, rank: Rank { priority, area }, want, costs, fallback: look.fallback }
}

/// Whether pictures of this size do for a tile: shown whole in it, they are stretched by a quarter at most.
fn is_enough(size: Size, tile: Size) -> bool {
    let fits = |pixels: u16, room: u16| u32::from(room) * 4 <= u32::from(pixels) * 5;
    fits(size.width, tile.width) || fits(size.height, tile.height)
}

#[cfg(test)]
mod tests {
    use symbolon_proto::id::PublicationId;

    use super::*;
    use crate::room::RoomId;

    #[test]
    fn a_tile_is_filled_by_the_least_layer_that_does() {
        let size = |width, height| Size { width, height };
        assert!(is_enough(size(320, 180), size(320, 180)) && is_enough(size(320, 180), size(400, 225)));
        assert!(!is_enough(size(320, 180), size(401, 226)));
        // Shown whole, a wide picture in a high tile is only as wide as the tile.
        assert!(is_enough(size(320, 180), size(300, 900)));
        assert!(!is_enough(size(640, 360), size(1280, 720)));
    }

    #[test]
    fn the_last_of_the_most_particular_views_counts() {
        let uid = Uid::new(5).unwrap();
        let key = |id| PublicationKey { room: RoomId(1), id: PublicationId(id) };
        let view = |publication: Option<u32>, priority| MemberView {
            uid,
            publication: publication.map(PublicationId),
            stream: None,
            size: None,
            priority,
            fallback: None,
        };
        let views = vec![
            view(Some(7), Priority::High),
            view(Some(7), Priority::Pinned),
            view(None, Priority::Normal),
            view(None, Priority::High),
        ];
        let all = View { stream: StreamType::Low, fallback: Fallback::AudioOnly, views };
        assert_eq!(Look::at(&all, Some(uid), key(7)).priority, Priority::Pinned);
        assert_eq!(Look::at(&all, Some(uid), key(8)).priority, Priority::High);
        assert_eq!(Look::at(&all, Some(uid), key(8)).fallback, Fallback::AudioOnly);
        assert_eq!(Look::at(&all, Uid::new(6), key(7)).priority, Priority::Normal);
        assert_eq!(Look::at(&all, None, key(7)).stream, StreamType::Low);
    }
}
