//! A stream that a publisher sends.

use std::time::Instant;

use symbolon_proto::message::Kind;

use crate::line::Packet;
use crate::plan::{Plan, Stream};
use crate::stamp::Stamp;

/// Makes the packets of one stream, each at its time.
pub(crate) struct Source {
    kind: Kind,
    stream: Stream,
    uid: u32,
    next_at: Instant,
    frame: u64,
    /// Packets of the frame that are still to be sent.
    left: u32,
    number: u64,
    keyframe: bool,
}

impl Source {
    /// The streams of a publisher.
    pub(crate) fn all(plan: &Plan, uid: u32, now: Instant) -> Vec<Self> {
        let of = |kind, stream: Option<Stream>| {
            stream.map(|stream| Self { kind, stream, uid, next_at: now, frame: 0, left: 0, number: 0, keyframe: true })
        };
        of(Kind::Audio, plan.audio).into_iter().chain(of(Kind::Video, plan.video)).collect()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The first frame is sent then.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.next_at = now;
    }

    pub(crate) fn next_at(&self) -> Instant {
        self.next_at
    }

    pub(crate) fn want_keyframe(&mut self) {
        self.keyframe = true;
    }

    /// How many packets are to be sent now: those of one frame. Frames that were missed by far are not made up for, or a
    /// machine that stopped for a moment would be answered with a flood.
    pub(crate) fn due(&mut self, now: Instant) -> u32 {
        if self.next_at > now {
            return 0;
        }
        let every = self.stream.every();
        self.next_at =
            if now.duration_since(self.next_at) > every * MOST_MISSED { now + every } else { self.next_at + every };
        self.frame += 1;
        self.left = self.stream.burst;
        self.left
    }

    /// The next packet of the frame, sent at this time.
    pub(crate) fn next(&mut self, sent_ns: u64) -> (Stamp, Packet) {
        self.number += 1;
        let is_video = self.kind == Kind::Video;
        let first = self.left == self.stream.burst;
        self.left = self.left.saturating_sub(1);
        let stamp = Stamp { uid: self.uid, video: is_video, number: self.number, sent_ns };
        let payload = stamp.payload(self.stream.bytes, self.frame, first, self.keyframe);
        let marker = self.left == 0;
        if marker {
            self.keyframe = false;
        }
        let clock = if is_video { 90_000.0 } else { 48_000.0 };
        let time = (self.frame as f64 * clock / self.stream.rate) as u64 as u32;
        (stamp, Packet { kind: self.kind, time, marker, payload })
    }
}

const MOST_MISSED: u32 = 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn source(now: Instant) -> Source {
        let stream = Stream { rate: 25.0, burst: 3, bytes: 500 };
        Source { kind: Kind::Video, stream, uid: 5, next_at: now, frame: 0, left: 0, number: 0, keyframe: true }
    }

    #[test]
    fn frames_are_bursts_with_one_time_and_a_marker_at_the_end() {
        let now = Instant::now();
        let mut source = source(now);
        assert_eq!(source.due(now), 3);
        let packets: Vec<_> = (0..3).map(|at| source.next(at)).collect();
        assert_eq!(packets.iter().map(|packet| packet.1.marker).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(packets.iter().map(|packet| packet.0.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(packets.iter().all(|packet| packet.1.time == 3_600 && packet.1.payload.len() == 500));
        assert_eq!(packets[0].1.payload[4] & 1, 0, "the first frame is a keyframe");
        assert_eq!((source.due(now), source.next_at()), (0, now + Duration::from_millis(40)));
        assert_eq!(source.due(now + Duration::from_millis(40)), 3);
        assert_eq!(source.next(0).1.payload[4] & 1, 1, "the next is none");
    }

    #[test]
    fn what_was_missed_by_far_is_not_made_up_for() {
        let now = Instant::now();
        let mut source = source(now);
        let late = now + Duration::from_secs(60);
        assert_eq!(source.due(late), 3);
        assert_eq!(source.due(late), 0);
        assert_eq!(source.next_at(), late + Duration::from_millis(40));
    }
}
