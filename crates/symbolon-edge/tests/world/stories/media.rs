//! Media gets through.

use std::collections::BTreeSet;

use str0m::format::Codec;
use symbolon_edge::DropCause;
use symbolon_proto::message::{Kind, ServerMessage};

use crate::world::World;

#[test]
fn media_arrives_as_it_was_sent() {
    let mut world = World::new(1);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(3);
    assert!(world.count("bob", 1, Kind::Video) > 150);
    assert!(world.count("bob", 1, Kind::Audio) > 100);
    let sent = &world.clients["ann"].sent;
    for packet in &world.clients["bob"].received {
        assert!(sent.contains(&packet.payload));
    }
    let levels: BTreeSet<_> = world.clients["bob"].heard_from(1, Kind::Audio).iter().map(|p| p.level).collect();
    assert_eq!(levels, BTreeSet::from([Some(-20)]));
    assert_eq!(world.clients["ann"].received.len(), 0);
}

#[test]
fn srtp_is_aes_gcm() {
    let mut world = World::new(2);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    // 90 and 900 bytes of payload, and the tag of 16 bytes that only GCM has. What fills the line to measure it is beside the
    // point.
    let lengths = &world.wire.body_lengths[&world.clients["bob"].address];
    assert!([106, 916].iter().all(|length| lengths.contains(length)), "{lengths:?}");
    assert!(![100, 910].iter().any(|length| lengths.contains(length)), "a tag of 10 bytes: {lengths:?}");
}

#[test]
fn media_survives_loss_delay_and_reordering() {
    let mut world = World::new(3);
    world.storm(70, 50, 20);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(20);
    let bob = &world.clients["bob"];
    let video = bob.heard_from(1, Kind::Video);
    let numbers: BTreeSet<_> = video.iter().map(|packet| packet.number()).collect();
    assert_eq!(numbers.len(), video.len(), "no packet arrives twice");
    let first = numbers.first().unwrap().0;
    let last = numbers.last().unwrap().0;
    // All frames but those of the last second, which may still be under way.
    let whole = (first..last - 25).filter(|frame| (0..3).all(|index| numbers.contains(&(*frame, index)))).count();
    let frames = (last - 25 - first) as usize;
    assert!(frames > 350 && whole * 100 >= frames * 97, "{whole} of {frames} frames are whole");
    assert!(world.stats().nacks_in > 0 && world.stats().nacks_out > 0, "{:?}", world.stats());
}

#[test]
fn a_newcomer_starts_with_a_keyframe() {
    let mut world = World::new(4);
    // Between the request for a keyframe and the keyframe there are other frames.
    world.storm(0, 50, 0);
    let ann = world.publisher(1);
    world.join("ann", ann);
    world.run_for(5);
    assert_eq!(world.clients["ann"].keyframes_asked.len(), 0, "nobody was there to want one");
    for (name, uid) in [("bob", 2), ("cat", 3)] {
        let viewer = world.viewer(uid);
        world.join(name, viewer);
        world.run_for(2);
        let first = world.clients[name].heard_from(1, Kind::Video)[0].clone();
        assert!(first.starts_keyframe(), "{name}");
        let connected_late = first.at - world.clients["ann"].keyframes_asked[0];
        assert!(connected_late.as_secs() < 3);
    }
    assert!((2..=4).contains(&world.clients["ann"].keyframes_asked.len()));
}

#[test]
fn keyframe_requests_are_merged() {
    const VIEWERS: u32 = 100;
    let mut world = World::new(5);
    let ann = world.publisher(1);
    world.join("ann", ann);
    let names: Vec<_> = (2..VIEWERS + 2).map(|uid| format!("viewer-{uid}")).collect();
    for (uid, name) in (2..).zip(&names) {
        let viewer = world.viewer(uid);
        world.join(name, viewer);
    }
    world.run_for(2);
    world.client("ann").keyframes_asked.clear();
    for _ in 0..20 {
        let now = world.now();
        for name in &names {
            let client = world.client(name);
            let slot = client.heard_from(1, Kind::Video)[0].mid;
            client.ask_for_keyframe(now, slot);
        }
        world.run_for_ms(100);
    }
    let asked = world.clients["ann"].keyframes_asked.len();
    assert!((3..=5).contains(&asked), "{asked} in 2 s");
    assert!(world.stats().keyframes_wanted >= 20 * u64::from(VIEWERS) / 2, "{:?}", world.stats());
}

#[test]
fn every_codec_gets_through_from_a_keyframe_on() {
    for codec in [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
        let mut world = World::new(8);
        let (mut ann, mut bob) = (world.publisher(1), world.viewer(2));
        (ann.codec, bob.codec) = (codec, codec);
        world.join("ann", ann);
        world.run_for(1);
        world.join("bob", bob);
        world.run_for(2);
        let video = world.clients["bob"].heard_from(1, Kind::Video);
        assert!(video.len() > 100 && video[0].starts_keyframe(), "{codec:?}: {}", video.len());
        let sent = &world.clients["ann"].sent;
        assert!(video.iter().all(|packet| sent.contains(&packet.payload)), "{codec:?}");
    }
}

#[test]
fn a_subscriber_without_the_codec_gets_no_video() {
    let mut world = World::new(6);
    let ann = world.publisher(1);
    let mut bob = world.viewer(2);
    bob.codec = Codec::H264;
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    assert_eq!(world.count("bob", 1, Kind::Video), 0);
    assert!(world.count("bob", 1, Kind::Audio) > 50);
    assert!(world.stats().dropped.get(DropCause::NoCodec) > 0);
}

#[test]
fn who_speaks_is_told_and_silence_too() {
    let mut world = World::new(7);
    let (ann, bob) = (world.publisher(1), world.publisher(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.client("bob").track(Kind::Audio).level = -90;
    world.run_for(3);
    let lists = |world: &World, name: &str| -> Vec<Vec<u32>> {
        let messages = world.messages(name);
        let lists = messages.filter_map(|message| match message {
            ServerMessage::Speakers { speakers } => Some(speakers.iter().map(|speaker| speaker.uid.get()).collect()),
            _ => None,
        });
        lists.collect()
    };
    assert_eq!(lists(&world, "bob"), [[1]], "a steady voice is told once");
    assert_eq!(lists(&world, "ann").concat(), [0_u32; 0], "nobody is told of oneself");
    world.client("ann").track(Kind::Audio).silent = true;
    world.run_for(5);
    assert_eq!(lists(&world, "bob").last().unwrap(), &[0_u32; 0]);
    let told = lists(&world, "bob").len();
    world.run_for(5);
    assert_eq!(lists(&world, "bob").len(), told, "silence is told once");
}
