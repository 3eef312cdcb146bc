//! Slots carry one publication after another.

use std::time::Duration;

use symbolon_proto::code::Reason;
use symbolon_proto::message::{ClientMessage, Kind, ServerMessage};

use crate::world::World;

#[test]
fn a_slot_that_is_used_again_goes_on_counting() {
    let mut world = World::new(60);
    let (ann, cat) = (world.publisher(1), world.publisher(3));
    let mut bob = world.viewer(2);
    (bob.audio_slots, bob.video_slots) = (1, 1);
    world.join("ann", ann);
    world.join("cat", cat);
    world.join("bob", bob);
    world.run_for(2);
    // One slot of each kind: whoever it carries now, take that one away, four times.
    let mut changes = 0;
    for round in 0..4 {
        let last = world.clients["bob"].received.last().unwrap().from();
        let (name, other) = if last == 1 { ("ann", 3) } else { ("cat", 1) };
        world.kill(name);
        world.run_for(21);
        let seen = world.clients["bob"].heard_from(other, Kind::Video).last().unwrap().at;
        assert!(world.now() - seen < Duration::from_millis(100), "round {round}: the other one is seen");
        changes += 1;
        let back = world.publisher(last);
        world.join(name, back);
        world.run_for(2);
    }
    assert_eq!(changes, 4);
    // The wire has asserted that no packet index was used twice and that time did not go back. One stream only:
    let bob = &world.clients["bob"];
    let streams: std::collections::BTreeSet<_> = bob.received.iter().map(|packet| (packet.mid, packet.ssrc)).collect();
    assert_eq!(streams.len(), 2, "{streams:?}");
    // Each change of the picture's owner begins with a keyframe, and picture ids go on.
    let video: Vec<_> = bob.received.iter().filter(|packet| packet.is_video()).collect();
    let switches: Vec<_> = video.windows(2).filter(|pair| pair[0].from() != pair[1].from()).collect();
    assert!(switches.len() >= 4);
    for pair in switches {
        assert!(pair[1].starts_keyframe());
        assert_eq!(pair[1].picture(), (pair[0].picture() + 1) & 0x7FFF);
    }
    let audio = bob.received.iter().filter(|packet| !packet.is_video());
    assert!(audio.map(|packet| packet.from()).collect::<std::collections::BTreeSet<_>>().len() == 2);
}

#[test]
fn the_same_uid_again_takes_over_and_the_others_keep_their_slots() {
    let mut world = World::new(61);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    let slots = world.clients["bob"].slots.clone();
    let again = world.publisher(1);
    world.join("ann on her phone", again);
    let ended = world.clients["ann"].ended.clone().unwrap();
    assert_eq!((ended.reason, world.clients["ann"].closed_with), (Reason::SameUidLogin, Some(1000)));
    let before = world.clients["bob"].received.len();
    world.run_for(2);
    assert_eq!(world.clients["bob"].slots, slots);
    assert!(world.clients["bob"].received.len() > before + 150);
    let news = |message: &ServerMessage| {
        matches!(message, ServerMessage::MemberLeft { .. } | ServerMessage::MemberJoined { .. })
    };
    assert!(!world.messages("bob").any(news), "nobody came or went");
}

#[test]
fn a_session_is_taken_up_after_a_break() {
    let mut world = World::new(62);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    let gone = world.kill("ann");
    world.run_for(10);
    let mut back = world.publisher(1);
    back.resume = Some(gone.resume_id());
    world.join("ann", back);
    let joined = world.clients["ann"].joined.clone().unwrap();
    assert!(joined.resumed);
    let before = world.count("bob", 1, Kind::Video);
    world.run_for(2);
    assert!(world.count("bob", 1, Kind::Video) > before + 100);
    assert!(!world.messages("bob").any(|message| matches!(message, ServerMessage::MemberLeft { .. })));
    assert_eq!(world.stats().peers, 2);
}

#[test]
fn media_goes_on_while_only_the_signalling_is_broken() {
    let mut world = World::new(63);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    world.cut("ann");
    let before = world.count("bob", 1, Kind::Video);
    world.run_for(10);
    assert!(world.count("bob", 1, Kind::Video) > before + 700);
    world.run_for(11);
    assert!(world.messages("bob").any(|message| matches!(message, ServerMessage::MemberLeft { .. })));
    assert_eq!((world.stats().members, world.stats().peers, world.stats().publications), (1, 1, 0));
}

#[test]
fn slots_added_later_are_filled() {
    let mut world = World::new(64);
    let (ann, cat) = (world.publisher(1), world.publisher(3));
    let mut bob = world.viewer(2);
    (bob.audio_slots, bob.video_slots) = (1, 1);
    world.join("ann", ann);
    world.join("bob", bob);
    world.join("cat", cat);
    world.run_for(2);
    assert_eq!(world.count("bob", 3, Kind::Video), 0);
    assert!(world.messages("bob").any(|message| matches!(message, ServerMessage::NeedSlots { audio: 1, video: 1 })));
    let now = world.now();
    let media = world.client("bob").offer(now, &[], 1, 1);
    world.say("bob", ClientMessage::Negotiate { id: 5, media });
    world.run_for(2);
    assert!(world.count("bob", 3, Kind::Video) > 100 && world.count("bob", 3, Kind::Audio) > 80);
    let ann = world.clients["bob"].heard_from(1, Kind::Video);
    assert!(ann.windows(2).all(|pair| pair[1].at - pair[0].at < Duration::from_millis(45)), "no gap for the other");
}

#[test]
fn a_track_added_later_is_published() {
    let mut world = World::new(65);
    let (mut ann, bob) = (world.publisher(1), world.viewer(2));
    ann.publish = vec![Kind::Audio];
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    let now = world.now();
    let media = world.client("ann").offer(now, &[Kind::Video], 0, 0);
    world.say("ann", ClientMessage::Negotiate { id: 5, media });
    world.run_for(2);
    assert!(world.count("bob", 1, Kind::Video) > 100);
}
