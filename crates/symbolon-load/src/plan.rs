//! What load to make.

use std::time::Duration;

/// The load: who is in how many channels, what they send, and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Channels, `load-1` and on.
    pub channels: u32,
    /// Members of each channel who publish.
    pub publishers: u32,
    /// Members of each channel who only view.
    pub viewers: u32,
    /// Whether publishers view each other as well, as in a meeting.
    pub meeting: bool,
    /// The pictures of each publisher, if any.
    pub video: Option<Stream>,
    /// The sound of each publisher, if any.
    pub audio: Option<Stream>,
    /// Joins a second.
    pub join_rate: f64,
    /// Viewers a second that leave and come back, from the warm-up on.
    pub churn: f64,
    /// What passes between the moment when everybody has media and the window.
    pub warm_up: Duration,
    /// How long it is measured.
    pub window: Duration,
}

/// One publisher and one viewer, for ten seconds.
impl Default for Plan {
    fn default() -> Self {
        Self {
            channels: 1,
            publishers: 1,
            viewers: 1,
            meeting: false,
            video: Some(Stream::VIDEO),
            audio: None,
            join_rate: 50.0,
            churn: 0.0,
            warm_up: Duration::from_secs(3),
            window: Duration::from_secs(10),
        }
    }
}

/// A stream of packets: so many back to back, so many times a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stream {
    /// Frames a second.
    pub rate: f64,
    /// Packets of a frame, sent back to back.
    pub burst: u32,
    /// The payload of each packet, in bytes, [`Stream::MIN_BYTES`] to [`Stream::MAX_BYTES`].
    pub bytes: usize,
}

impl Stream {
    /// Room for what a payload says of itself.
    pub const MIN_BYTES: usize = crate::stamp::MIN_BYTES;
    /// With the headers this still fits what links carry.
    pub const MAX_BYTES: usize = 1_200;
    /// About 1 Mbit/s of video.
    pub const VIDEO: Self = Self { rate: 30.0, burst: 4, bytes: 1_100 };
    /// A packet of sound each 20 ms.
    pub const AUDIO: Self = Self { rate: 50.0, burst: 1, bytes: 100 };

    /// The time from a frame to the next.
    pub(crate) fn every(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }
}

/// One member that the plan wants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeatPlan {
    pub(crate) channel: u32,
    pub(crate) uid: u32,
    pub(crate) publishes: bool,
    pub(crate) views: bool,
    /// Whose media it views.
    pub(crate) sources: Vec<u32>,
}

impl SeatPlan {
    pub(crate) fn channel_name(&self) -> String {
        format!("load-{}", self.channel)
    }
}

impl Plan {
    /// Everybody, publishers first. `split` has nobody do both: who would gets two seats, for servers where a connection
    /// either sends or receives.
    pub(crate) fn seats(&self, split: bool) -> Vec<SeatPlan> {
        let channels = 1..=self.channels;
        let publishing = channels.clone().flat_map(|channel| self.publishing(channel, split));
        let viewing = channels.flat_map(|channel| self.viewing(channel, split));
        publishing.chain(viewing).collect()
    }

    fn publishing(&self, channel: u32, split: bool) -> impl Iterator<Item = SeatPlan> {
        let views = self.meeting && !split;
        (1..=self.publishers).map(move |uid| {
            let sources = if views { self.others(uid) } else { Vec::new() };
            SeatPlan { channel, uid, publishes: true, views, sources }
        })
    }

    fn viewing(&self, channel: u32, split: bool) -> impl Iterator<Item = SeatPlan> {
        let halves = if self.meeting && split { self.publishers } else { 0 };
        let halves = (1..=halves).map(move |uid| (HALF + uid, self.others(uid)));
        let whole = (1..=self.viewers).map(move |at| (self.publishers + at, (1..=self.publishers).collect()));
        halves.chain(whole).map(move |(uid, sources)| SeatPlan { channel, uid, publishes: false, views: true, sources })
    }

    fn others(&self, uid: u32) -> Vec<u32> {
        (1..=self.publishers).filter(|other| *other != uid).collect()
    }
}

/// Added to the uid of a member's viewing half.
const HALF: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan { channels: 2, publishers: 3, viewers: 1, meeting: true, ..Plan::default() }
    }

    #[test]
    fn a_meeting_has_everybody_view_the_others() {
        let seats = plan().seats(false);
        assert_eq!(seats.len(), 8);
        let second = &seats[1];
        assert_eq!((second.uid, second.publishes, second.views, &*second.sources), (2, true, true, &[1, 3][..]));
        let viewer = &seats[7];
        assert_eq!((viewer.channel, viewer.uid, viewer.publishes, &*viewer.sources), (2, 4, false, &[1, 2, 3][..]));
    }

    #[test]
    fn a_split_meeting_has_a_seat_for_each_half() {
        let seats = plan().seats(true);
        assert_eq!(seats.len(), 14);
        assert!(seats.iter().all(|seat| seat.publishes != seat.views));
        let half = seats.iter().find(|seat| seat.uid == HALF + 2).expect("the viewing half");
        assert_eq!(half.sources, [1, 3], "nobody views itself");
    }
}
