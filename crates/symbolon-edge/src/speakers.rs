//! Who is loud: from the level that audio packets carry to a list that members see a few times a second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use symbolon_proto::id::Uid;
use symbolon_proto::message::Speaker;

/// The loudness of one channel's members.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    heard: BTreeMap<Uid, Heard>,
    told: Vec<Speaker>,
    due_at: Option<Instant>,
}

/// The loudest that a member was since the last list, and when it was last loud at all.
#[derive(Clone, Copy, Debug)]
struct Heard {
    volume: u8,
    at: Instant,
}

/// Lists come this often at most.
const EVERY: Duration = Duration::from_millis(300);
/// In a channel with more members than [`MANY`], this often.
const EVERY_WITH_MANY: Duration = Duration::from_secs(1);
const MANY: usize = 100;
/// A member is in the list for this long after it was last loud, so that a breath is no silence.
const LINGERS: Duration = Duration::from_millis(600);
/// Members in a list.
const MOST: usize = 8;
/// A change of volume that is worth a message.
const NOTICEABLE: u8 = 32;
/// The level, in dBov, that counts as volume 0. Speech is at -30 to -15, a quiet room below -60.
const FLOOR: i16 = -55;

impl Speakers {
    /// A packet of a member had this level, in dBov: 0 is as loud as can be, -127 silence (RFC 6464).
    pub(crate) fn hear(&mut self, now: Instant, uid: Uid, level: i8) {
        let volume = volume(level);
        if volume == 0 {
            return;
        }
        let heard = self.heard.entry(uid).or_insert(Heard { volume, at: now });
        *heard = Heard { volume: heard.volume.max(volume), at: now };
        if self.due_at.is_none() {
            self.due_at = Some(now + EVERY);
        }
    }

    /// When to [`take`](Self::take) the next list.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due_at
    }

    /// The list, if it is time and it has changed noticeably.
    pub(crate) fn take(&mut self, now: Instant, members: usize) -> Option<&[Speaker]> {
        if self.due_at.is_none_or(|due| now < due) {
            return None;
        }
        self.heard.retain(|_, heard| now < heard.at + LINGERS);
        let every = if members > MANY { EVERY_WITH_MANY } else { EVERY };
        self.due_at = (!self.heard.is_empty()).then(|| now + every);
        let mut list: Vec<_> =
            self.heard.iter().map(|(uid, heard)| Speaker { uid: *uid, volume: heard.volume }).collect();
        list.sort_by_key(|speaker| (u8::MAX - speaker.volume, speaker.uid));
        list.truncate(MOST);
        // What was loud before counts less from now on.
        self.heard.values_mut().for_each(|heard| heard.volume = heard.volume.saturating_sub(NOTICEABLE).max(1));
        if !differs(&self.told, &list) {
            return None;
        }
        self.told = list;
        Some(&self.told)
    }
}

/// Whether a list says something else than the one before: other members, or a volume that changed noticeably.
fn differs(before: &[Speaker], after: &[Speaker]) -> bool {
    let volume_before = |uid| before.iter().find(|speaker| speaker.uid == uid).map(|speaker| speaker.volume);
    before.len() != after.len()
        || after.iter().any(|speaker| {
            volume_before(speaker.uid).is_none_or(|volume| volume.abs_diff(speaker.volume) >= NOTICEABLE)
        })
}

fn volume(level: i8) -> u8 {
    let above = (i16::from(level).min(0) - FLOOR).max(0);
    (above * 255 / -FLOOR).try_into().unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(number: u32) -> Uid {
        Uid::new(number).unwrap()
    }

    #[test]
    fn the_loudest_come_first_and_silence_is_told_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut speakers = Speakers::default();
        speakers.hear(at(0), uid(1), -127);
        assert_eq!(speakers.deadline(), None);
        speakers.hear(at(0), uid(1), -30);
        speakers.hear(at(10), uid(2), -10);
        assert_eq!(speakers.take(at(299), 2), None);
        let list: Vec<_> = speakers.take(at(300), 2).unwrap().iter().map(|speaker| speaker.uid.get()).collect();
        assert_eq!(list, [2, 1]);
        // The same again is not worth a message; a good deal quieter is; silence ends it.
        speakers.hear(at(310), uid(1), -30);
        speakers.hear(at(310), uid(2), -10);
        assert_eq!(speakers.take(at(600), 2), None);
        speakers.hear(at(700), uid(2), -45);
        let list: Vec<_> = speakers.take(at(950), 2).unwrap().iter().map(|speaker| speaker.uid.get()).collect();
        assert_eq!(list, [2]);
        let mut told = Vec::new();
        for ms in 951..5_000 {
            told.extend(speakers.take(at(ms), 2).map(<[_]>::len));
        }
        // Fading, and then silence, once.
        assert_eq!(told, [1, 0]);
        assert_eq!(speakers.deadline(), None);
    }

    #[test]
    fn levels_become_volumes() {
        assert_eq!((volume(0), volume(-55), volume(-127), volume(127)), (255, 0, 0, 255));
        assert!(volume(-20) > volume(-30));
    }
}
