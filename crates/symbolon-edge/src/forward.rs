//! Which publication goes where: the routes that packets follow.
//!
//! A packet is forwarded when a route exists, and a route exists only while the channel says so. Nothing else is asked
//! for a packet: not who sent it, and not what its sender may do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use str0m::format::PayloadParams;
use str0m::media::{Mid, Rid};
use str0m::rtp::{ExtensionValues, RtpPacket};
use symbolon_proto::id::{ConnId, PublicationId};
use symbolon_proto::message::{Kind, Layer, Source};

use crate::codec::PayloadFacts;
use crate::feed::{Demand, Feed};
use crate::red;
use crate::room::RoomId;
use crate::route::{Packet, Run};
use crate::stats::DropCause;

/// One publication of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PublicationKey {
    pub(crate) room: RoomId,
    pub(crate) id: PublicationId,
}

/// Where packets of one kind come from, or go to: a section of a peer's media session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) conn: ConnId,
    pub(crate) mid: Mid,
}

/// A publication, its source and its routes.
#[derive(Debug)]
pub(crate) struct Forwarding {
    pub(crate) source: Place,
    pub(crate) kind: Kind,
    pub(crate) shows: Source,
    /// The slots that it goes to.
    pub(crate) routes: BTreeSet<Place>,
    /// What it is fed by: one stream, or its layers, the least first.
    pub(crate) feeds: Vec<Feed>,
    /// Which of the layers anyone wants.
    pub(crate) demand: Demand,
    allowance: Allowance,
}

impl Forwarding {
    /// Whether it comes in layers with names.
    pub(crate) fn is_layered(&self) -> bool {
        self.feeds.iter().any(|feed| feed.layer.is_some())
    }
}

/// All publications of an edge.
#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    publications: BTreeMap<PublicationKey, Forwarding>,
    sources: BTreeMap<Place, PublicationKey>,
    runs: u64,
    pub(crate) routes: u64,
}

/// Payload bytes a second that are forwarded of one publication, in bits: above what browsers send at their best.
const AUDIO_BITS_PER_SECOND: u64 = 1_000_000;
/// The same for video.
const VIDEO_BITS_PER_SECOND: u64 = 20_000_000;

impl Switchboard {
    /// Packets of this place are this publication from now on.
    pub(crate) fn publish(
        &mut self,
        key: PublicationKey,
        source: Place,
        kind: Kind,
        shows: Source,
        layers: Vec<Layer>,
    ) {
        if let Some(before) = self.publications.get(&key) {
            self.sources.remove(&before.source);
        }
        let replaced = self.sources.insert(source, key).filter(|other| *other != key);
        if let Some(other) = replaced {
            // The channel ends a publication before its section carries another; never leave two to one section.
            self.unpublish(other);
        }
        match self.publications.get_mut(&key) {
            Some(forwarding) => {
                forwarding.source = source;
                forwarding.feeds = Feed::all(layers);
                forwarding.feeds.iter_mut().for_each(|feed| feed.keyframes.want());
                forwarding.demand = Demand::default();
            }
            None => {
                let allowance = Allowance::new(kind);
                let (feeds, routes, demand) = (Feed::all(layers), BTreeSet::new(), Demand::default());
                let forwarding = Forwarding { source, kind, shows, routes, feeds, demand, allowance };
                self.publications.insert(key, forwarding);
            }
        }
    }

    /// Forgets a publication. Gives back what was still routed to, which is nothing unless the channel forgot it.
    pub(crate) fn unpublish(&mut self, key: PublicationKey) -> Option<Forwarding> {
        let forwarding = self.publications.remove(&key)?;
        if self.sources.get(&forwarding.source) == Some(&key) {
            self.sources.remove(&forwarding.source);
        }
        self.routes -= forwarding.routes.len() as u64;
        Some(forwarding)
    }

    /// Adds a route, if there is such a publication.
    pub(crate) fn route(&mut self, key: PublicationKey, to: Place) -> bool {
        let Some(forwarding) = self.publications.get_mut(&key) else { return false };
        self.routes += u64::from(forwarding.routes.insert(to));
        true
    }

    /// Ends a route.
    pub(crate) fn unroute(&mut self, key: PublicationKey, to: Place) {
        if let Some(forwarding) = self.publications.get_mut(&key) {
            self.routes -= u64::from(forwarding.routes.remove(&to));
        }
    }

    pub(crate) fn get(&self, key: PublicationKey) -> Option<&Forwarding> {
        self.publications.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: PublicationKey) -> Option<&mut Forwarding> {
        self.publications.get_mut(&key)
    }

    pub(crate) fn len(&self) -> usize {
        self.publications.len()
    }

    /// Every publication of a channel.
    pub(crate) fn of_room(&self, room: RoomId) -> Vec<PublicationKey> {
        let first = PublicationKey { room, id: PublicationId(0) };
        let last = PublicationKey { room, id: PublicationId(u32::MAX) };
        self.publications.range(first..=last).map(|(key, _)| *key).collect()
    }

    /// The publication that a packet belongs to, and the packet in the form in which it is forwarded.
    ///
    /// # Errors
    /// Why it goes nowhere.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        source: Place,
        rid: Option<Rid>,
        params: PayloadParams,
        packet: RtpPacket,
    ) -> Result<(PublicationKey, Packet), DropCause> {
        let key = *self.sources.get(&source).ok_or(DropCause::NotPublished)?;
        let forwarding = self.publications.get_mut(&key).ok_or(DropCause::NotPublished)?;
        let codec = params.spec().codec;
        if codec.is_audio() != (forwarding.kind == Kind::Audio) {
            return Err(DropCause::MediaNotAllowed);
        }
        let is_red = packet.header.payload_type != params.pt();
        if is_red && !red::is_sound(&packet.payload, params.pt()) {
            return Err(DropCause::NoCodec);
        }
        if !forwarding.allowance.admit(now, packet.payload.len()) {
            return Err(DropCause::BitrateLimit);
        }
        let mut feeds = (0..).zip(&mut forwarding.feeds);
        let (layer, feed) = feeds.find(|(_, feed)| feed.rid() == rid).ok_or(DropCause::NotPublished)?;
        let run = feed.run(packet.header.ssrc, || {
            self.runs += 1;
            Run(self.runs)
        });
        feed.note(now, packet.payload.len());
        Ok((
            key,
            Packet {
                run,
                layer,
                captured: captured(&packet),
                seq: *packet.seq_no,
                time: packet.header.timestamp,
                marker: packet.header.marker,
                arrived: packet.timestamp,
                params,
                is_red,
                facts: PayloadFacts::read(codec, &packet.payload),
                ext: carried_extensions(&packet.header.ext_vals),
                payload: packet.payload,
            },
        ))
    }
}

/// When a packet was captured by its source's clock, as the source's last report says (RFC 3550, section 6.4.1). A layer that comes
/// with the same pictures as another has a time line of its own, and this is what they have in common.
fn captured(packet: &RtpPacket) -> Option<Duration> {
    let report = packet.last_sender_info.as_ref()?;
    let reported = report.ntp_time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let rate = i64::from(packet.time.frequency().get());
    let ticks = i64::from(packet.header.timestamp.wrapping_sub(report.rtp_time.numer() as u32) as i32);
    let since = Duration::from_micros((ticks.abs() * 1_000_000 / rate) as u64);
    if ticks < 0 { reported.checked_sub(since) } else { reported.checked_add(since) }
}

/// What of a packet's header extensions is about the media, and so is passed on. The rest is about the sender's own
/// connection: its section and layer names, its congestion control.
fn carried_extensions(values: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: values.audio_level,
        voice_activity: values.voice_activity,
        video_orientation: values.video_orientation,
        video_content_type: values.video_content_type,
        abs_capture_time: values.abs_capture_time,
        play_delay_min: values.play_delay_min,
        play_delay_max: values.play_delay_max,
        ..ExtensionValues::default()
    }
}

/// A bitrate, as a bucket that fills with time and holds one second's worth.
#[derive(Debug)]
struct Allowance {
    bits_per_second: u64,
    bits: u64,
    at: Option<Instant>,
}

impl Allowance {
    fn new(kind: Kind) -> Self {
        let bits_per_second = match kind {
            Kind::Audio => AUDIO_BITS_PER_SECOND,
            Kind::Video => VIDEO_BITS_PER_SECOND,
        };
        Self { bits_per_second, bits: bits_per_second, at: None }
    }

    fn admit(&mut self, now: Instant, bytes: usize) -> bool {
        let since = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let filled = (since.as_micros().min(1_000_000) as u64 * self.bits_per_second) / 1_000_000;
        self.bits = (self.bits + filled).min(self.bits_per_second);
        self.at = Some(now);
        let cost = bytes as u64 * 8;
        let admitted = cost <= self.bits;
        if admitted {
            self.bits -= cost;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitrate_is_policed_over_time() {
        let start = Instant::now();
        let mut allowance = Allowance::new(Kind::Video);
        // 200 Mbit/s for two seconds: the first second's store, and then 20 Mbit/s.
        let packets = 2 * 200_000_000 / (8 * 1_250);
        let admitted = (0..packets)
            .filter(|n| allowance.admit(start + Duration::from_secs(2) * *n / packets, 1_250))
            .count() as u64;
        let bits = admitted * 1_250 * 8;
        assert!((59_000_000..=60_100_000).contains(&bits), "{bits}");
    }
}
