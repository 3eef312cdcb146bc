//! Encoded media: what an application pushes and what it gets.

use std::sync::Arc;
use std::time::Duration;

use symbolon_proto::id::{PublicationId, Uid};
use symbolon_proto::message::{Kind, Source};

/// How a frame is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Opus (RFC 7587): one packet per frame.
    Opus,
    /// VP8 (RFC 7741): one frame as it stands in an IVF file.
    Vp8,
    /// VP9 (RFC 9628): one frame, or superframe.
    Vp9,
    /// H.264 (RFC 6184): one access unit in Annex B form, with its parameter sets at every keyframe.
    H264,
    /// AV1: one temporal unit of OBUs with sizes.
    Av1,
}

impl Codec {
    /// Audio or video.
    pub fn kind(self) -> Kind {
        match self {
            Self::Opus => Kind::Audio,
            Self::Vp8 | Self::Vp9 | Self::H264 | Self::Av1 => Kind::Video,
        }
    }

    /// Ticks of [`EncodedFrame::timestamp`] in a second: 48,000 for Opus, 90,000 for video.
    pub fn clock_rate(self) -> u32 {
        match self.kind() {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        }
    }

    /// A length of time in ticks of this codec, rounded to the nearest.
    pub fn ticks(self, time: Duration) -> u64 {
        let rate = u128::from(self.clock_rate());
        let ticks = (time.as_nanos() * rate + NANOS / 2) / NANOS;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Ticks of this codec as a length of time.
    pub fn time(self, ticks: u64) -> Duration {
        let rate = u64::from(self.clock_rate());
        let nanos = (ticks % rate) * 1_000_000_000 / rate;
        Duration::from_secs(ticks / rate) + Duration::from_nanos(nanos)
    }
}

const NANOS: u128 = 1_000_000_000;

/// One stream that this client sends. A member has at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Track {
    /// Audio or video.
    pub kind: Kind,
    /// What it shows, as the others are told.
    pub source: Source,
}

impl Track {
    /// Sound, from where `source` says.
    pub fn audio(source: Source) -> Self {
        Self { kind: Kind::Audio, source }
    }

    /// Pictures, from where `source` says.
    pub fn video(source: Source) -> Self {
        Self { kind: Kind::Video, source }
    }
}

/// One frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// How it is encoded.
    pub codec: Codec,
    /// The frame, in the form that [`Codec`] names.
    pub data: Arc<[u8]>,
    /// When to show it, in ticks of [`Codec::clock_rate`] since any moment that stays the same for the track. It must
    /// rise from frame to frame, also when a file starts over.
    pub timestamp: u64,
    /// Whether a decoder can start here. Always true for audio.
    pub keyframe: bool,
}

/// One frame that another member sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteFrame {
    /// Who sent it.
    pub uid: Uid,
    /// The publication it belongs to.
    pub publication: PublicationId,
    /// What that publication shows.
    pub track: Track,
    /// How it is encoded.
    pub codec: Codec,
    /// The frame, in the form that [`Codec`] names.
    pub data: Arc<[u8]>,
    /// When to show it, in ticks of [`Codec::clock_rate`]. It rises within a publication; where it starts means nothing.
    pub timestamp: u64,
    /// Whether a decoder can start here. Always true for audio.
    pub keyframe: bool,
    /// Whether nothing was lost between this frame and the one before. After a gap a video decoder should wait for the
    /// next keyframe.
    pub contiguous: bool,
    /// Width and height of the picture, where it is a keyframe of a codec whose header is read (VP8, VP9, AV1).
    pub size: Option<(u16, u16)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_time_go_there_and_back() {
        for ticks in [0, 1, 960, 3_003, 89_999, 90_000, 1 << 40] {
            for codec in [Codec::Opus, Codec::Vp8] {
                assert_eq!(codec.ticks(codec.time(ticks)), ticks, "{codec:?}");
            }
        }
        assert_eq!(Codec::Opus.ticks(Duration::from_millis(20)), 960);
        assert_eq!(Codec::Av1.ticks(Duration::from_secs(1)), 90_000);
    }
}
