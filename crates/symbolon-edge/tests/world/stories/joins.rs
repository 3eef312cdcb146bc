//! At the door: what is refused, and how.

use symbolon_edge::What;
use symbolon_proto::code::{ErrorCode, Reason};
use symbolon_proto::message::{ClientMessage, Kind, Role, ServerMessage};
use symbolon_token::Role as TokenRole;

use crate::client::Setup;
use crate::world::World;

/// Joins with a changed setup, and gives the slug of the refusal.
fn refused(change: impl Fn(&mut World, &mut Setup)) -> String {
    let mut world = World::new(40);
    let mut ann = world.publisher(1);
    change(&mut world, &mut ann);
    world.join("ann", ann);
    let client = &world.clients["ann"];
    let ended = client.ended.clone().expect("a refusal");
    assert!(!client.open && client.closed_with == Some(4403), "the connection is closed after the refusal");
    assert!(client.joined.is_none() && !ended.message.is_empty());
    assert_eq!((world.stats().peers, world.stats().channels, world.wire.datagrams), (0, 0, 0));
    assert!(world.happenings().any(|what| matches!(what, What::JoinRefused { slug, .. } if *slug == ended.slug)));
    ended.slug
}

#[test]
fn tokens_are_checked_at_the_door() {
    assert_eq!(refused(|world, ann| ann.token = world.token(2, TokenRole::Publisher, 60)), "uid_mismatch");
    assert_eq!(refused(|_, ann| ann.token.clear()), "token_missing");
    assert_eq!(refused(|_, ann| ann.token = "007abc".to_owned()), "base64_invalid");
    let expired = refused(|world, ann| {
        ann.token = world.token(1, TokenRole::Publisher, 60);
        world.run_for(60);
    });
    assert_eq!(expired, "expired");
}

#[test]
fn t_55_a_token_opens_the_channel_as_often_as_it_is_shown_and_every_join_names_it() {
    let mut world = World::new(55);
    let ann = world.publisher(1);
    world.join("ann", ann.clone());
    world.run_for(1);
    world.say("ann", ClientMessage::Leave {});
    assert!(world.clients["ann"].ended.is_some());
    world.join("ann", ann);
    assert!(world.clients["ann"].joined.is_some());
    let another = world.publisher(2);
    world.join("bob", another);
    let tokens: Vec<_> = world
        .happenings()
        .filter_map(|what| if let What::Joined { token, .. } = what { Some(*token) } else { None })
        .collect();
    assert!(tokens.len() == 3 && tokens[0] == tokens[1] && tokens[1] != tokens[2], "{tokens:?}");
}

#[test]
fn offers_are_checked_at_the_door() {
    let passive = |_: &mut World, ann: &mut Setup| ann.forge = |sdp| sdp.replace("a=setup:actpass", "a=setup:passive");
    assert_eq!(refused(passive), "invalid_sdp");
    assert_eq!(refused(|_, ann| ann.forge = |sdp| sdp.replace("sha-256", "sha-1")), "invalid_sdp");
    assert_eq!(refused(|_, ann| ann.forge = |sdp| sdp.replace("a=fingerprint", "a=x")), "invalid_sdp");
    assert_eq!(refused(|_, ann| ann.forge = |_| "v=0\r\n".to_owned()), "invalid_sdp");
    assert_eq!(refused(|_, ann| ann.forge = |_| String::new()), "invalid_sdp");
    assert_eq!(refused(|_, ann| ann.forge = |sdp| sdp.replace("a=rtpmap", "a=\u{0}rtpmap:")), "invalid_sdp");
    assert_eq!(refused(|_, ann| ann.forge = |sdp| sdp.replace("m=video", "m=audio")), "invalid_binding");
    assert_eq!(refused(|_, ann| ann.publish = vec![Kind::Audio; 17]), "limit_exceeded");
    assert_eq!(refused(|_, ann| ann.audio_slots = 257), "limit_exceeded");
}

#[test]
fn names_are_plain_text() {
    for (name, slug) in [("x".repeat(129), "limit_exceeded"), ("a\u{202E}b".to_owned(), "invalid_name")] {
        let mut world = World::new(41);
        let ann = world.publisher(1);
        let conn = world.open();
        let mut client = crate::client::Client::new(conn, ann, ([10, 0, 0, 9], 1).into(), world.now());
        let mut message = client.join(world.now(), crate::world::APP, crate::world::CHANNEL);
        if let ClientMessage::Join(join) = &mut message {
            join.name = Some(name);
        }
        world.clients.insert("ann".to_owned(), client);
        world.message(conn, message);
        let ended = world.clients["ann"].ended.clone().unwrap();
        assert_eq!((ended.slug.as_str(), ended.reason), (slug, Reason::RejectedByServer));
    }
}

#[test]
fn the_first_message_is_a_join_and_the_second_is_not() {
    let mut world = World::new(42);
    let ann = world.publisher(1);
    world.join("ann", ann.clone());
    let joined = world.clients["ann"].joined.clone();
    let again = crate::client::Client::new(world.clients["ann"].conn, ann, ([10, 0, 0, 9], 1).into(), world.now())
        .join(world.now(), crate::world::APP, crate::world::CHANNEL);
    world.say("ann", again);
    let last = world.messages("ann").last().unwrap().clone();
    assert!(matches!(last, ServerMessage::Error { slug, .. } if slug == "already_joined"));
    assert!(world.clients["ann"].open && joined.is_some());

    let conn = world.open();
    let setup = world.viewer(2);
    let silent = crate::client::Client::new(conn, setup, ([10, 0, 0, 8], 1).into(), world.now());
    world.clients.insert("silent".to_owned(), silent);
    world.message(conn, ClientMessage::SetRole { id: 3, role: Role::Broadcaster });
    let last = world.messages("silent").last().unwrap().clone();
    let ServerMessage::Error { id, code, slug, .. } = last else { panic!("an error, not {last:?}") };
    assert_eq!((id, code, slug.as_str()), (Some(3), ErrorCode::NotInChannel, "not_joined"));
    assert_eq!(world.clients["silent"].closed_with, Some(4401));
}

#[test]
fn offers_are_looked_at_five_times_a_second() {
    let mut world = World::new(43);
    let ann = world.publisher(1);
    world.join("ann", ann);
    world.run_for(1);
    let now = world.now();
    let offer = world.client("ann").offer(now, &[], 1, 0);
    for id in 0..50 {
        world.say("ann", ClientMessage::Negotiate { id, media: offer.clone() });
    }
    let limited =
        world.messages("ann").filter(|m| matches!(m, ServerMessage::Error { slug, .. } if slug == "rate_limited"));
    assert_eq!(limited.count(), 45);
}

#[test]
fn a_member_without_media_is_a_member() {
    let mut world = World::new(44);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    let conn = world.open();
    let mut client = crate::client::Client::new(conn, bob, ([10, 0, 0, 9], 1).into(), world.now());
    let mut message = client.join(world.now(), crate::world::APP, crate::world::CHANNEL);
    if let ClientMessage::Join(join) = &mut message {
        join.media = None;
    }
    world.clients.insert("bob".to_owned(), client);
    world.message(conn, message);
    world.join("ann", ann);
    world.run_for(40);
    let bob = &world.clients["bob"];
    assert!(bob.open && bob.joined.as_ref().unwrap().media.is_none());
    assert!(world.messages("bob").any(|message| matches!(message, ServerMessage::MemberJoined { .. })));
    assert_eq!((world.stats().members, world.stats().peers), (2, 1));
}
