//! One slot of one subscriber: an outgoing stream that carries one publication after another.
//!
//! The stream has one SSRC and one key for all its life, and the nonce of AES-GCM is made of the SSRC and the extended
//! sequence number. So a sequence number is never used twice, whatever the slot carries next: each new source
//! continues where the one before stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::format::PayloadParams;
use str0m::media::Pt;
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc, Vp8Descriptor, Vp8Patch};

use crate::codec::PayloadFacts;
use crate::forward::PublicationKey;
use crate::red;
use crate::stats::DropCause;

/// A media packet of a publication on its way to the subscribers.
#[derive(Debug)]
pub(crate) struct Packet {
    /// The run of packets that it belongs to; another one means numbers without relation to those before.
    pub(crate) run: Run,
    /// Which of the publication's layers it belongs to, 0 for the least or the only one.
    pub(crate) layer: u8,
    /// When it was captured by the source's clock, if the source has said so: the same for all layers of a picture.
    pub(crate) captured: Option<Duration>,
    /// The extended sequence number at the source.
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) marker: bool,
    pub(crate) arrived: Instant,
    pub(crate) params: PayloadParams,
    /// Its payload is sound that carries earlier sound along.
    pub(crate) is_red: bool,
    pub(crate) facts: PayloadFacts,
    pub(crate) ext: ExtensionValues,
    pub(crate) payload: Arc<[u8]>,
}

/// A number for each SSRC that ever fed a publication, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run(pub(crate) u64);

/// The outgoing stream of a slot.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// The stream's SSRC, once it is known.
    pub(crate) ssrc: Option<Ssrc>,
    carries: Option<PublicationKey>,
    /// The layer to send from its next keyframe on; absent when nothing is to come.
    target: Option<u8>,
    track: Option<Track>,
    sent: Option<Sent>,
    window: Window,
    payload_types: Vec<(PayloadParams, Option<Label>)>,
}

/// The payload types under which a subscriber knows a format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) pt: Pt,
    /// The one for the same with redundancy, if it knows that.
    pub(crate) red: Option<Pt>,
}

impl Label {
    /// The payload type and the payload that the subscriber understands.
    fn put_on(self, packet: &Packet) -> (Pt, Arc<[u8]>) {
        match self.red {
            _ if !packet.is_red => (self.pt, packet.payload.clone()),
            Some(red) => (red, red::relabelled(&packet.payload, packet.params.pt(), self.pt)),
            None => (self.pt, red::without_redundancy(&packet.payload)),
        }
    }
}

/// How the numbers of the run being forwarded become those of the slot.
#[derive(Debug)]
struct Track {
    run: Run,
    layer: u8,
    first_seq: u64,
    highest_seq: u64,
    seq_offset: u64,
    time_offset: u32,
    picture_offset: u16,
    tl0_offset: u8,
}

/// The highest numbers that the slot has sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    seq: u64,
    time: u32,
    at: Instant,
    captured: Option<Duration>,
    picture: u16,
    tl0: u8,
}

/// A jump ahead by more packets than this is no loss that retransmission could mend: begin anew instead, and keep the
/// rollover counter of both sides in step.
const MAX_GAP: u64 = 1_000;

impl Outgoing {
    /// Which publication the slot carries.
    pub(crate) fn carries(&self) -> Option<PublicationKey> {
        self.carries
    }

    /// Carries this publication from now on, beginning with a keyframe, or nothing.
    pub(crate) fn carry(&mut self, publication: Option<PublicationKey>) {
        self.carries = publication;
        self.target = None;
        self.track = None;
        if let Some(sent) = &mut self.sent {
            // Another publication has another clock.
            sent.captured = None;
        }
    }

    /// Sends this layer from its next keyframe on, and until then goes on with the one before; or nothing from now on.
    /// Says whether that is something new.
    pub(crate) fn aim(&mut self, layer: Option<u8>) -> bool {
        if layer.is_none() {
            self.track = None;
        }
        std::mem::replace(&mut self.target, layer) != layer
    }

    /// Which layer is to be sent.
    pub(crate) fn target(&self) -> Option<u8> {
        self.target
    }

    /// Whether packets of this layer have a use here.
    pub(crate) fn takes(&self, layer: u8) -> bool {
        self.target.is_some()
            && (self.target == Some(layer) || self.track.as_ref().is_some_and(|track| track.layer == layer))
    }

    /// The payload types of the subscriber may have changed.
    pub(crate) fn forget_payload_types(&mut self) {
        self.payload_types.clear();
    }

    /// The highest sequence number sent so far.
    pub(crate) fn highest_seq(&self) -> u64 {
        self.sent.map_or(0, |sent| sent.seq)
    }

    /// The subscriber's payload types for a source format, looked up once.
    pub(crate) fn label(&mut self, source: PayloadParams, look_up: impl FnOnce() -> Option<Label>) -> Option<Label> {
        if let Some((_, found)) = self.payload_types.iter().find(|(known, _)| *known == source) {
            return *found;
        }
        if self.payload_types.len() >= MAX_FORMATS {
            self.payload_types.clear();
        }
        let found = look_up();
        self.payload_types.push((source, found));
        found
    }

    /// Gives the packet the slot's numbers and labels.
    ///
    /// # Errors
    /// Why it must not be sent.
    pub(crate) fn rewrite(&mut self, packet: &Packet, label: Label) -> Result<RtpWrite, DropCause> {
        if !self.track.as_ref().is_some_and(|track| track.continues_with(packet)) {
            if !packet.facts.starts_keyframe || self.target != Some(packet.layer) {
                // While another layer is on its way out, it goes on.
                self.track.take_if(|track| track.layer == packet.layer);
                return Err(DropCause::AwaitingKeyframe);
            }
            self.track = Some(self.begin(packet));
        }
        let track = self.track.as_mut().expect("the track has just been set");
        if packet.seq < track.first_seq {
            return Err(DropCause::Late);
        }
        let seq = packet.seq.wrapping_add(track.seq_offset);
        if !self.window.admit(seq) {
            return Err(DropCause::Late);
        }
        track.highest_seq = track.highest_seq.max(packet.seq);
        let time = packet.time.wrapping_add(track.time_offset);
        let vp8 = packet.facts.vp8.map(|descriptor| track.vp8(&descriptor));
        self.note_sent(seq, time, packet, vp8);
        let (pt, payload) = label.put_on(packet);
        let write = RtpWrite::new(pt, seq.into(), time, packet.arrived, payload)
            .marker(packet.marker)
            .ext_vals(packet.ext.clone())
            .nackable(true);
        Ok(match vp8.and_then(|numbers| numbers.patch) {
            Some(patch) => write.vp8_patch(patch),
            None => write,
        })
    }

    /// A track that continues the slot's numbers with this packet.
    fn begin(&self, packet: &Packet) -> Track {
        let vp8 = packet.facts.vp8;
        let (picture, tl0) =
            vp8.map_or((0, 0), |vp8| (vp8.picture_id().unwrap_or_default(), vp8.tl0_pic_idx().unwrap_or_default()));
        let (seq, time, next_picture, next_tl0) = match self.sent {
            None => (FIRST_SEQ, packet.time, picture, tl0),
            Some(sent) => {
                let elapsed = ticks(elapsed(&sent, packet), packet.params);
                (sent.seq + 1, sent.time.wrapping_add(elapsed.max(1)), sent.picture + 1, sent.tl0.wrapping_add(1))
            }
        };
        Track {
            run: packet.run,
            layer: packet.layer,
            first_seq: packet.seq,
            highest_seq: packet.seq,
            seq_offset: seq.wrapping_sub(packet.seq),
            time_offset: time.wrapping_sub(packet.time),
            picture_offset: next_picture.wrapping_sub(picture) & PICTURE_MASK,
            tl0_offset: next_tl0.wrapping_sub(tl0),
        }
    }

    fn note_sent(&mut self, seq: u64, time: u32, packet: &Packet, vp8: Option<Vp8Numbers>) {
        let before = self.sent;
        if before.is_some_and(|sent| seq <= sent.seq) {
            return;
        }
        let time = before.filter(|sent| is_later(sent.time, time)).map_or(time, |sent| sent.time);
        let picture = vp8.map(|vp8| vp8.picture).or_else(|| before.map(|sent| sent.picture)).unwrap_or_default();
        let tl0 = vp8.map(|vp8| vp8.tl0).or_else(|| before.map(|sent| sent.tl0)).unwrap_or_default();
        self.sent = Some(Sent { seq, time, at: packet.arrived, captured: packet.captured, picture, tl0 });
    }
}

/// How much later a packet is than what was sent last: by the source's own clock where it is the same one, else by arrival.
fn elapsed(sent: &Sent, packet: &Packet) -> Duration {
    let arrived = packet.arrived.saturating_duration_since(sent.at);
    let captured = sent.captured.zip(packet.captured).map(|(before, now)| now.saturating_sub(before));
    captured.filter(|captured| captured.abs_diff(arrived) < MAX_SKEW).unwrap_or(arrived)
}

/// Clocks that differ by more than this are not those of one source.
const MAX_SKEW: Duration = Duration::from_millis(500);
/// Formats remembered for each slot; a publication changes its format rarely.
const MAX_FORMATS: usize = 8;
/// Streams start low, so that the receiver's rollover counter of 0 is right.
const FIRST_SEQ: u64 = 1;
const PICTURE_MASK: u16 = 0x7FFF;

/// The VP8 numbers of one packet as the subscriber sees them.
#[derive(Clone, Copy)]
struct Vp8Numbers {
    picture: u16,
    tl0: u8,
    patch: Option<Vp8Patch>,
}

impl Track {
    fn continues_with(&self, packet: &Packet) -> bool {
        self.run == packet.run && self.layer == packet.layer && packet.seq <= self.highest_seq.saturating_add(MAX_GAP)
    }

    fn vp8(&self, descriptor: &Vp8Descriptor) -> Vp8Numbers {
        let picture = descriptor.picture_id().unwrap_or_default().wrapping_add(self.picture_offset) & PICTURE_MASK;
        let tl0 = descriptor.tl0_pic_idx().unwrap_or_default().wrapping_add(self.tl0_offset);
        let patch_with = |picture| {
            let mut patch = descriptor.patch();
            if descriptor.picture_id().is_some() {
                patch = patch.picture_id(picture);
            }
            if descriptor.tl0_pic_idx().is_some() {
                patch = patch.tl0_pic_idx(tl0);
            }
            patch.build().ok()
        };
        let unchanged = self.picture_offset == 0 && self.tl0_offset == 0;
        // A descriptor with the short form of the picture id takes its lower seven bits.
        let patch = if unchanged { None } else { patch_with(picture).or_else(|| patch_with(picture & 0x7F)) };
        Vp8Numbers { picture, tl0, patch }
    }
}

/// The last sequence numbers that were used, so that none is used again. Those before the window count as used.
#[derive(Debug, Default)]
struct Window {
    highest: u64,
    used: [u64; Self::WORDS],
}

impl Window {
    const WORDS: usize = 16;
    const BITS: u64 = Self::WORDS as u64 * 64;

    /// Takes a number, unless it may have been used before.
    fn admit(&mut self, seq: u64) -> bool {
        if seq > self.highest {
            let ahead = (seq - self.highest).min(Self::BITS);
            for step in 1..=ahead {
                self.clear(seq - ahead + step);
            }
            self.highest = seq;
        } else if self.highest - seq >= Self::BITS || self.is_used(seq) {
            return false;
        }
        let (word, bit) = Self::place(seq);
        self.used[word] |= bit;
        true
    }

    fn is_used(&self, seq: u64) -> bool {
        let (word, bit) = Self::place(seq);
        self.used[word] & bit != 0
    }

    fn clear(&mut self, seq: u64) {
        let (word, bit) = Self::place(seq);
        self.used[word] &= !bit;
    }

    fn place(seq: u64) -> (usize, u64) {
        let at = seq % Self::BITS;
        ((at / 64) as usize, 1 << (at % 64))
    }
}

/// A time span in ticks of the format's RTP clock.
fn ticks(span: Duration, params: PayloadParams) -> u32 {
    let rate = u128::from(params.spec().clock_rate.get());
    (span.as_micros() * rate / 1_000_000) as u32
}

/// Whether `a` is later than `b` on a clock that wraps.
fn is_later(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < u32::MAX / 2
}

#[cfg(test)]
mod tests {
    use str0m::format::CodecConfig;

    use super::*;

    fn params(video: bool) -> PayloadParams {
        let mut config = CodecConfig::empty();
        if video {
            config.enable_vp8(true)
        } else {
            config.enable_opus(true, false)
        }
        config.params()[0]
    }

    const LABEL: Label = Label { pt: Pt::new_with_value(96), red: None };

    struct Source {
        run: u64,
        start: Instant,
        video: bool,
        layer: u8,
        captured: Option<Duration>,
    }

    fn source(run: u64, start: Instant, video: bool) -> Source {
        Source { run, start, video, layer: 0, captured: None }
    }

    fn slot() -> Outgoing {
        let mut slot = Outgoing::default();
        slot.aim(Some(0));
        slot
    }

    impl Source {
        fn packet(&self, seq: u64, time: u32, keyframe: bool, after_ms: u64) -> Packet {
            let frame = u8::from(!keyframe);
            // A VP8 descriptor with a 15-bit picture id and TL0PICIDX, both made from the time.
            let [.., a, b] = time.to_be_bytes();
            let payload: Arc<[u8]> = Arc::from([0x90, 0xE0, 0x80 | a, b, b, 0, frame, 9].as_slice());
            let params = params(self.video);
            Packet {
                run: Run(self.run),
                layer: self.layer,
                captured: self.captured.map(|offset| offset + Duration::from_millis(after_ms)),
                seq,
                time,
                marker: false,
                arrived: self.start + Duration::from_millis(after_ms),
                params,
                is_red: false,
                facts: PayloadFacts::read(params.spec().codec, &payload),
                ext: ExtensionValues::default(),
                payload,
            }
        }
    }

    fn seq_and_time(slot: &mut Outgoing, packet: &Packet) -> Result<(u64, u32), DropCause> {
        slot.rewrite(packet, LABEL).map(|_| (slot.window.highest, slot.sent.unwrap().time))
    }

    #[test]
    fn numbers_only_go_on_across_sources() {
        let start = Instant::now();
        let one = source(1, start, true);
        let two = source(2, start, true);
        let mut slot = slot();
        assert_eq!(seq_and_time(&mut slot, &one.packet(70_000, 500, false, 0)), Err(DropCause::AwaitingKeyframe));
        assert_eq!(seq_and_time(&mut slot, &one.packet(70_001, 500, true, 0)), Ok((1, 500)));
        assert_eq!(seq_and_time(&mut slot, &one.packet(70_003, 600, false, 10)), Ok((3, 600)));
        assert_eq!(seq_and_time(&mut slot, &one.packet(70_002, 600, false, 11)), Ok((3, 600)));
        assert_eq!(seq_and_time(&mut slot, &one.packet(70_002, 600, false, 11)), Err(DropCause::Late));
        assert_eq!(seq_and_time(&mut slot, &one.packet(70_000, 500, false, 12)), Err(DropCause::Late));
        // Another source with unrelated numbers: 1 s later, 90,000 ticks later.
        assert_eq!(seq_and_time(&mut slot, &two.packet(5, 7, false, 1_000)), Err(DropCause::AwaitingKeyframe));
        assert_eq!(seq_and_time(&mut slot, &two.packet(6, 7, true, 1_010)), Ok((4, 90_600)));
        assert_eq!(seq_and_time(&mut slot, &two.packet(7, 8, false, 1_020)), Ok((5, 90_601)));
        // And the first one again.
        assert_eq!(seq_and_time(&mut slot, &one.packet(70_009, 900, true, 2_010)), Ok((6, 179_701)));
    }

    #[test]
    fn a_route_that_begins_anew_waits_for_a_keyframe() {
        let source = source(1, Instant::now(), true);
        let mut slot = slot();
        assert!(slot.rewrite(&source.packet(1, 1, true, 0), LABEL).is_ok());
        slot.carry(None);
        slot.aim(Some(0));
        assert_eq!(seq_and_time(&mut slot, &source.packet(2, 2, false, 1)), Err(DropCause::AwaitingKeyframe));
        assert_eq!(seq_and_time(&mut slot, &source.packet(3, 3, true, 1)).map(|(seq, _)| seq), Ok(2));
        let far = source.packet(3 + MAX_GAP + 1, 4, false, 1);
        assert_eq!(seq_and_time(&mut slot, &far), Err(DropCause::AwaitingKeyframe));
    }

    #[test]
    fn a_layer_begins_at_its_keyframe_and_the_other_goes_on_until_then() {
        let start = Instant::now();
        let low = Source { captured: Some(Duration::from_secs(5)), ..source(1, start, true) };
        let high = Source { layer: 1, ..Source { captured: low.captured, ..source(2, start, true) } };
        let mut slot = slot();
        assert!(slot.takes(0) && !slot.takes(1));
        assert_eq!(seq_and_time(&mut slot, &low.packet(10, 100, true, 0)), Ok((1, 100)));
        assert!(slot.aim(Some(1)) && !slot.aim(Some(1)));
        assert!(slot.takes(0) && slot.takes(1));
        assert_eq!(seq_and_time(&mut slot, &high.packet(900, 7, false, 30)), Err(DropCause::AwaitingKeyframe));
        assert_eq!(seq_and_time(&mut slot, &low.packet(11, 3_100, false, 33)), Ok((2, 3_100)));
        // By the source's clock this is 40 ms after, although it came 50 ms after.
        let keyframe = Packet { captured: Some(Duration::from_millis(5_073)), ..high.packet(901, 9, true, 83) };
        assert_eq!(seq_and_time(&mut slot, &keyframe), Ok((3, 3_100 + 3_600)));
        assert!(!slot.takes(0));
        assert_eq!(seq_and_time(&mut slot, &high.packet(902, 10, false, 84)), Ok((4, 3_100 + 3_601)));
        // The way back, and nothing at all.
        slot.aim(Some(0));
        assert_eq!(seq_and_time(&mut slot, &high.packet(903, 11, true, 85)).map(|(seq, _)| seq), Ok(5));
        assert_eq!(seq_and_time(&mut slot, &low.packet(20, 9_000, true, 90)).map(|(seq, _)| seq), Ok(6));
        slot.aim(None);
        assert!(!slot.takes(0) && !slot.takes(1));
        slot.aim(Some(0));
        assert_eq!(seq_and_time(&mut slot, &low.packet(21, 9_100, false, 95)), Err(DropCause::AwaitingKeyframe));
    }

    #[test]
    fn an_old_layer_that_breaks_does_not_begin_anew() {
        let start = Instant::now();
        let low = source(1, start, true);
        let mut slot = slot();
        assert!(slot.rewrite(&low.packet(1, 1, true, 0), LABEL).is_ok());
        slot.aim(Some(1));
        let other = source(3, start, true);
        assert_eq!(seq_and_time(&mut slot, &other.packet(1, 1, true, 1)), Err(DropCause::AwaitingKeyframe));
        assert!(!slot.takes(0));
    }

    #[test]
    fn audio_needs_no_keyframe() {
        let source = source(1, Instant::now(), false);
        let mut slot = slot();
        assert_eq!(seq_and_time(&mut slot, &source.packet(9, 9, false, 0)), Ok((1, 9)));
    }

    #[test]
    fn redundant_sound_goes_to_each_in_the_form_that_it_knows() {
        let source = source(1, Instant::now(), false);
        let codec = *params(false).pt();
        let payload: Arc<[u8]> = Arc::from([0x80 | codec, 0, 0, 1, codec, 7, 8].as_slice());
        let packet = Packet { is_red: true, payload, ..source.packet(1, 1, false, 0) };
        let same = Label { pt: codec.into(), red: Some(63.into()) };
        let other = Label { pt: 96.into(), red: Some(97.into()) };
        assert_eq!(same.put_on(&packet), (63.into(), packet.payload.clone()));
        assert_eq!(other.put_on(&packet), (97.into(), Arc::from([0x80 | 96, 0, 0, 1, 96, 7, 8].as_slice())));
        assert_eq!(LABEL.put_on(&packet), (96.into(), Arc::from([8].as_slice())));
        let plain = source.packet(2, 2, false, 0);
        assert_eq!(same.put_on(&plain), (codec.into(), plain.payload.clone()));
    }

    #[test]
    fn vp8_counters_continue_across_sources() {
        let start = Instant::now();
        let mut slot = slot();
        let first = source(1, start, true);
        let second = source(2, start, true);
        slot.rewrite(&first.packet(1, 0x7FFF, true, 0), LABEL).ok().unwrap();
        assert_eq!(slot.sent.map(|sent| (sent.picture, sent.tl0)), Some((0x7FFF, 0xFF)));
        slot.rewrite(&second.packet(1, 300, true, 10), LABEL).ok().unwrap();
        assert_eq!(slot.sent.map(|sent| (sent.picture, sent.tl0)), Some((0, 0)));
        slot.rewrite(&second.packet(2, 301, false, 10), LABEL).ok().unwrap();
        assert_eq!(slot.sent.map(|sent| (sent.picture, sent.tl0)), Some((1, 1)));
    }

    #[test]
    fn no_number_is_admitted_twice() {
        let mut window = Window::default();
        let mut seen = std::collections::BTreeSet::new();
        let mut state = 7_u64;
        for step in 0..20_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let seq = (step / 2 + (state >> 60)).saturating_sub((state >> 50) & 0x7FF) + 1;
            if window.admit(seq) {
                assert!(seen.insert(seq), "{seq} twice");
            }
        }
        assert!(window.admit(1_000_000) && !window.admit(1_000_000) && !window.admit(9_999));
        assert!(window.admit(999_999) && !window.admit(999_999));
    }
}
