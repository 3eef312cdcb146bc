//! The media path: set up, lost, restarted.

use std::time::Duration;

use symbolon_edge::{DropCause, MediaLoss, What};
use symbolon_proto::message::{ClientMessage, Kind, ServerMessage};

use crate::world::World;

fn lost(world: &World, cause: MediaLoss) -> bool {
    world.happenings().any(|what| *what == What::MediaLost { cause })
}

#[test]
fn a_peer_without_media_is_sent_back() {
    let mut world = World::new(80);
    world.storm(1_000, 0, 0);
    let ann = world.publisher(1);
    world.join("ann", ann);
    world.run_for(29);
    assert!(world.clients["ann"].open);
    world.run_for(2);
    assert_eq!(world.clients["ann"].closed_with, Some(4410));
    assert!(lost(&world, MediaLoss::NeverConnected) && world.clients["ann"].ended.is_none());
    assert_eq!((world.stats().peers, world.stats().members), (0, 1));
    world.run_for(20);
    assert_eq!(world.stats().members, 0, "nobody came back");
    assert_eq!(world.stats().channels, 0);
    assert_eq!(world.edge.deadline(), None, "an edge without members has nothing to wait for");
}

#[test]
fn sending_stops_when_the_client_checks_no_more() {
    let mut world = World::new(81);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    // Bob's signalling goes on; his network for media is gone.
    let address = world.clients["bob"].address;
    let (started, sent) = (world.now(), world.wire.sent_to(address));
    world.client("bob").address = ([10, 9, 9, 9], 9).into();
    world.client("bob").rtc.disconnect();
    world.run_for(21);
    assert!(world.wire.sent_to(address) > sent, "for a while it goes on");
    assert!(lost(&world, MediaLoss::ConsentLost));
    let sent = world.wire.sent_to(address);
    assert_eq!(world.clients["bob"].closed_with, Some(4410));
    assert!(world.now() - started < Duration::from_secs(30));
    world.run_for(5);
    assert_eq!(world.wire.sent_to(address), sent, "nothing is sent any more");
}

#[test]
fn a_leave_that_comes_behind_the_medias_own_goodbye_is_still_a_leave() {
    let mut world = World::new(87);
    let (ann, bob) = (world.publisher(1), world.publisher(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    world.client("bob").rtc.close().unwrap();
    world.run_for_ms(600);
    world.say("bob", ClientMessage::Leave {});
    world.run_for_ms(100);
    let left = |message: &ServerMessage| matches!(message, ServerMessage::MemberLeft { uid, .. } if uid.get() == 2);
    assert!(world.messages("ann").any(left), "ann is told at once");
    assert!(!lost(&world, MediaLoss::SessionFailed));
    assert_eq!((world.stats().peers, world.stats().members), (1, 1));
}

#[test]
fn a_client_that_closes_its_session_is_sent_back() {
    let mut world = World::new(82);
    let ann = world.publisher(1);
    world.join("ann", ann);
    world.run_for(2);
    world.client("ann").rtc.close().unwrap();
    world.run_for(5);
    assert!(lost(&world, MediaLoss::SessionFailed), "{:?}", world.happened);
    assert_eq!(world.clients["ann"].closed_with, Some(4410));
}

#[test]
fn an_ice_restart_uses_secrets_from_the_driver() {
    let mut world = World::new(83);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    let secret = |world: &World, prefix: &str| {
        let answer = &world.clients["ann"].answer;
        answer.lines().find_map(|line| line.strip_prefix(prefix).map(str::to_owned)).unwrap()
    };
    let before = (secret(&world, "a=ice-ufrag:"), secret(&world, "a=ice-pwd:"));
    let media = world.client("ann").restart_offer();
    world.say("ann", ClientMessage::Negotiate { id: 9, media });
    assert!(world.messages("ann").any(|message| matches!(message, ServerMessage::Negotiated { id: 9, .. })));
    let after = (secret(&world, "a=ice-ufrag:"), secret(&world, "a=ice-pwd:"));
    assert!(before.0 != after.0 && before.1 != after.1);
    for (fragment, password) in [before, after] {
        let is_ours = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_ours(&fragment) && fragment.len() == 16 && is_ours(&password) && password.len() == 48);
    }
    let count = world.count("bob", 1, Kind::Video);
    world.run_for(25);
    assert!(world.count("bob", 1, Kind::Video) > count + 1_800, "media goes on by the new secrets");
    assert!(world.clients["ann"].open);
}

#[test]
fn the_certificate_of_a_session_cannot_change() {
    let mut world = World::new(84);
    let ann = world.publisher(1);
    world.join("ann", ann);
    world.run_for(1);
    let now = world.now();
    let mut media = world.client("ann").offer(now, &[], 1, 0);
    let line = media.sdp.lines().find(|line| line.starts_with("a=fingerprint")).unwrap().to_owned();
    let other = format!("a=fingerprint:sha-256 {}", vec!["AB"; 32].join(":"));
    media.sdp = media.sdp.replace(&line, &other);
    world.say("ann", ClientMessage::Negotiate { id: 4, media });
    let last = world.messages("ann").last().unwrap().clone();
    assert!(matches!(last, ServerMessage::Error { id: Some(4), slug, .. } if slug == "invalid_sdp"));
    world.run_for(1);
    assert!(world.clients["ann"].open);
}

#[test]
fn a_client_that_moves_to_another_address_is_followed() {
    let mut world = World::new(85);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    // The NAT gives bob another address: what the edge gets from him comes from there.
    let old = world.clients["bob"].address;
    world.net.moved = Some((old, ([10, 8, 8, 8], 8).into()));
    world.run_for(10);
    let before = world.count("bob", 1, Kind::Video);
    world.run_for(2);
    assert!(world.count("bob", 1, Kind::Video) > before + 140, "media follows, and all of it");
    assert!(world.clients["bob"].open);
}

#[test]
fn an_address_that_does_not_answer_gets_little() {
    let mut world = World::new(86);
    let (ann, eve) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("eve", eve);
    world.run_for(2);
    // Eve's checks claim to come from someone else, who never asked for anything and says nothing.
    let (eve, victim) = (world.clients["eve"].address, ([203, 0, 113, 5], 5).into());
    world.net.moved = Some((eve, victim));
    world.net.deaf = true;
    world.run_for(30);
    let media = 30 * 75 * 900;
    let sent = world.wire.bytes_to(victim);
    assert!(sent > 0 && sent < media / 5, "{sent} bytes");
    assert!(world.stats().dropped.get(DropCause::UnprovenAddress) > 0);
}
