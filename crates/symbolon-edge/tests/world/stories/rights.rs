//! What a token does not allow does not happen.

use std::time::Duration;

use str0m::media::Mid as RtcMid;
use symbolon_edge::{DropCause, Input, What};
use symbolon_proto::code::{ErrorCode, OfflineReason, Reason, RenewCode};
use symbolon_proto::grant::App;
use symbolon_proto::id::{AppId, ChannelName};
use symbolon_proto::message::{ClientMessage, Kind, Privilege, PublishState, Role, ServerMessage};
use symbolon_proto::standing::Rule;
use symbolon_token::{CertificateId, Role as TokenRole};

use crate::client::Client;
use crate::world::{APP, CHANNEL, World};

/// The direction that the answer gives a section.
fn direction(client: &Client, mid: RtcMid) -> String {
    let name = format!("a=mid:{mid}");
    let section = client.answer.split("m=").find(|section| section.lines().any(|line| line == name)).unwrap();
    let found = section.lines().find(|line| matches!(*line, "a=inactive" | "a=recvonly" | "a=sendonly" | "a=sendrecv"));
    found.unwrap().to_owned()
}

#[test]
fn a_subscriber_that_sends_anyway_is_not_heard() {
    let mut world = World::new(20);
    let (mut eve, bob) = (world.publisher(1), world.viewer(2));
    eve.token = world.token(1, TokenRole::Subscriber, 3_600);
    world.join("eve", eve);
    world.join("bob", bob);
    let mids: Vec<_> = world.clients["eve"].tracks.iter().map(|track| track.mid).collect();
    for mid in mids {
        assert_eq!(direction(&world.clients["eve"], mid), "a=inactive");
    }
    let joined = world.clients["eve"].joined.clone().unwrap();
    assert_eq!(joined.standing.role, Role::Audience);
    assert!(joined.media.unwrap().publish.iter().all(|own| own.state != PublishState::Published));
    world.run_for(3);
    assert!(world.clients["eve"].sent.len() > 200, "eve did send");
    assert!(world.stats().dropped.get(DropCause::NotPublished) > 50, "{:?}", world.stats());
    assert_eq!(world.stats().packets_in, 0);
    assert!(world.clients["bob"].received.is_empty());
}

#[test]
fn packets_on_the_sections_of_slots_go_nowhere() {
    let mut world = World::new(21);
    let (mut eve, bob) = (world.publisher(1), world.viewer(2));
    eve.token = world.token(1, TokenRole::Subscriber, 3_600);
    eve.publish.clear();
    world.join("eve", eve);
    world.join("bob", bob);
    world.run_for(1);
    let eve = world.client("eve");
    let slots: Vec<RtcMid> = eve.slots.keys().map(|mid| mid.as_str().into()).collect();
    for slot in slots {
        eve.send_from_slot(slot);
    }
    world.run_for(2);
    assert!(world.stats().dropped.get(DropCause::NotPublished) > 20, "{:?}", world.stats());
    assert!(world.clients["bob"].received.is_empty());
}

#[test]
fn a_token_for_audio_carries_no_video() {
    let mut world = World::new(22);
    let (mut ann, bob) = (world.publisher(1), world.viewer(2));
    ann.token = world.token_with(1, 3_600, 3_600, 1);
    world.run_for(2);
    world.join("ann", ann);
    world.join("bob", bob);
    let ann = &world.clients["ann"];
    assert_eq!(direction(ann, ann.tracks[0].mid), "a=recvonly");
    assert_eq!(direction(ann, ann.tracks[1].mid), "a=inactive");
    world.run_for(2);
    assert!(world.count("bob", 1, Kind::Audio) > 50);
    assert_eq!(world.count("bob", 1, Kind::Video), 0);
}

#[test]
fn video_on_the_section_of_the_microphone_is_not_forwarded() {
    let mut world = World::new(23);
    let (mut eve, bob) = (world.publisher(1), world.viewer(2));
    eve.token = world.token_with(1, 3_600, 3_600, 1);
    world.run_for(2);
    world.join("eve", eve);
    world.join("bob", bob);
    world.run_for(1);
    let eve = world.client("eve");
    let (microphone, camera) = (eve.tracks[0].mid, eve.tracks[1].mid);
    eve.tracks[1].mid = microphone;
    eve.tracks[0].mid = camera;
    let before = world.stats().dropped.get(DropCause::MediaNotAllowed);
    world.run_for(1);
    assert!(world.stats().dropped.get(DropCause::MediaNotAllowed) > before + 20, "{:?}", world.stats());
    assert_eq!(world.count("bob", 1, Kind::Video), 0);
}

#[test]
fn a_privilege_ends_to_the_tick_and_comes_back() {
    let mut world = World::new(24);
    let (mut ann, bob) = (world.publisher(1), world.viewer(2));
    ann.token = world.token_with(1, 3_600, 3_600, 10);
    let end = world.now() + Duration::from_secs(10);
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(12);
    let last = world.clients["bob"].heard_from(1, Kind::Video).last().unwrap().at;
    let way = Duration::from_millis(1);
    assert!(last <= end + way && last + Duration::from_millis(45) > end, "{:?} after the end", last - end);
    assert!(world.clients["bob"].heard_from(1, Kind::Audio).last().unwrap().at > end + Duration::from_secs(1));
    assert!(world.messages("bob").any(|message| matches!(message, ServerMessage::Unpublished { .. })));

    let token = world.token_with(1, 3_600, 3_600, 3_600);
    world.renew("ann", token);
    let before = world.count("bob", 1, Kind::Video);
    world.run_for(1);
    let again = world.clients["bob"].heard_from(1, Kind::Video)[before..].to_vec();
    assert!(again.len() > 40 && again[0].starts_keyframe(), "{}", again.len());
}

#[test]
fn the_end_of_the_join_privilege_puts_a_member_out() {
    let mut world = World::new(25);
    let (mut ann, bob) = (world.publisher(1), world.viewer(2));
    ann.token = world.token(1, TokenRole::Publisher, 40);
    let end = world.now() + Duration::from_secs(40);
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(39);
    let warned = world.clients["ann"]
        .messages
        .iter()
        .find(|(_, message)| matches!(message, ServerMessage::TokenWillExpire { expires_in_ms: 30_000, .. }));
    assert_eq!(end - warned.unwrap().0, Duration::from_secs(30));
    assert!(world.clients["ann"].ended.is_none());
    world.run_for(2);
    let (at, _) = *world.clients["ann"]
        .messages
        .iter()
        .map(|(at, message)| (*at, matches!(message, ServerMessage::Ended(_))))
        .filter(|(_, ended)| *ended)
        .collect::<Vec<_>>()
        .first()
        .unwrap();
    assert_eq!(at, end);
    let ended = world.clients["ann"].ended.clone().unwrap();
    assert_eq!((ended.code, ended.reason), (ErrorCode::TokenExpired, Reason::TokenExpired));
    assert_eq!(world.clients["ann"].closed_with, Some(1000));
    let left =
        |message: &ServerMessage| matches!(message, ServerMessage::MemberLeft { reason: OfflineReason::Quit, .. });
    assert!(world.messages("bob").any(left));
    let last = world.clients["bob"].received.last().unwrap().at;
    assert!(last <= end + Duration::from_millis(1));
    assert_eq!((world.stats().publications, world.stats().routes, world.stats().peers), (0, 0, 1));
}

#[test]
fn a_renewal_keeps_the_media_without_a_gap() {
    let mut world = World::new(26);
    let (mut ann, mut bob) = (world.publisher(1), world.viewer(2));
    ann.token = world.token(1, TokenRole::Publisher, 40);
    bob.token = world.token(2, TokenRole::Subscriber, 45);
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(20);
    let (ann, bob) = (world.token(1, TokenRole::Publisher, 3_600), world.token(2, TokenRole::Subscriber, 3_600));
    world.renew("ann", ann);
    world.renew("bob", bob);
    world.run_for(40);
    let video: Vec<_> = world.clients["bob"].heard_from(1, Kind::Video).iter().map(|packet| packet.at).collect();
    assert!(video.windows(2).all(|pair| pair[1] - pair[0] <= Duration::from_millis(41)));
    assert!(world.now() - *video.last().unwrap() < Duration::from_millis(50));
}

#[test]
fn a_renewal_for_someone_else_changes_nothing() {
    let mut world = World::new(27);
    let (mut ann, bob) = (world.publisher(1), world.viewer(2));
    ann.token = world.token(1, TokenRole::Publisher, 20);
    world.join("ann", ann);
    world.join("bob", bob);
    let other = world.token(9, TokenRole::Publisher, 3_600);
    world.renew("ann", other);
    let refused = |message: &ServerMessage| matches!(message, ServerMessage::Renewed { code: RenewCode::Invalid, .. });
    assert!(world.messages("ann").any(refused));
    world.run_for(19);
    assert!(world.clients["ann"].ended.is_none() && world.count("bob", 1, Kind::Video) > 900);
    world.run_for(2);
    assert!(world.clients["ann"].ended.is_some());
}

#[test]
fn audience_is_not_heard() {
    let mut world = World::new(28);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    world.say("ann", ClientMessage::SetRole { id: 1, role: Role::Audience });
    let before = world.clients["bob"].received.len();
    world.run_for(2);
    assert!(world.clients["bob"].received.len() <= before + 4, "what was under way");
    world.say("ann", ClientMessage::SetRole { id: 2, role: Role::Broadcaster });
    world.run_for(2);
    assert!(world.clients["bob"].received.len() > before + 200);
}

#[test]
fn a_machine_that_slept_past_a_token_ends_its_session_at_once() {
    let mut world = World::new(29);
    let ann = world.publisher(1);
    world.join("ann", ann);
    world.run_for(1);
    world.sleep_machine(3_590);
    assert!(world.clients["ann"].ended.is_none());
    assert!(world.messages("ann").any(|message| matches!(message, ServerMessage::TokenWillExpire { .. })));
    world.sleep_machine(20);
    assert_eq!(world.clients["ann"].ended.as_ref().unwrap().code, ErrorCode::TokenExpired);
    assert!(world.happenings().any(|what| matches!(what, What::Ended { slug, .. } if slug == "expired")));
}

fn set_rule(world: &mut World, denies: Privilege, seconds: u64) {
    let until = world.now() + Duration::from_secs(seconds);
    let (app, channel) = (AppId::parse(APP).unwrap(), ChannelName::parse(CHANNEL).unwrap());
    world.handle(Input::Rules { app, channel, rules: vec![Rule { uid: None, denies, until }] });
}

#[test]
fn a_rule_of_the_operator_stops_media_while_it_lasts() {
    let mut world = World::new(30);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    let began = world.now();
    set_rule(&mut world, Privilege::Video, 10);
    world.run_for(15);
    let video: Vec<_> =
        world.clients["bob"].heard_from(1, Kind::Video).iter().map(|packet| packet.at - began).collect();
    let quiet = Duration::from_millis(2)..Duration::from_secs(10);
    assert!(!video.iter().any(|at| quiet.contains(at)) && video.iter().any(|at| *at > quiet.end));
    assert!(world.count("bob", 1, Kind::Audio) > 800, "audio was not meant");
}

#[test]
fn a_ban_ends_sessions_and_outlives_them() {
    let mut world = World::new(31);
    let ann = world.publisher(1);
    world.join("ann", ann.clone());
    world.run_for(1);
    set_rule(&mut world, Privilege::Join, 60);
    let ended = world.clients["ann"].ended.clone().unwrap();
    assert_eq!((ended.code, ended.reason), (ErrorCode::ClientIsBannedByServer, Reason::BannedByServer));
    assert_eq!((world.stats().channels, world.stats().peers), (0, 0));
    world.run_for(30);
    world.join("ann again", ann.clone());
    assert_eq!(world.clients["ann again"].ended.as_ref().unwrap().reason, Reason::BannedByServer);
    world.run_for(31);
    world.join("ann forgiven", ann);
    assert!(world.clients["ann forgiven"].joined.is_some());
}

#[test]
fn what_admitted_a_member_takes_it_along_when_it_is_taken_back_also_one_that_is_away() {
    let certificate = World::app().certificates[0].id();
    let other = CertificateId::from_bytes([0; 32]);
    let nothing = App { revoked: [other].into(), disabling_ends_sessions: true, ..World::app() };
    let disabled = App { disabled: true, ..World::app() };
    let revoked = App { certificates: Vec::new(), revoked: [certificate].into(), ..World::app() };
    let disabled_for_all = App { disabling_ends_sessions: true, ..disabled.clone() };
    for (seed, app, code, slug) in [
        (32, Some(revoked), ErrorCode::InvalidToken, "certificate_retired"),
        (33, Some(disabled_for_all), ErrorCode::InvalidAppId, "project_disabled"),
        (34, None, ErrorCode::InvalidAppId, "app_id_unknown"),
    ] {
        let mut world = World::new(seed);
        let (ann, bob) = (world.publisher(1), world.viewer(2));
        world.join("ann", ann);
        world.join("bob", bob);
        world.cut("bob");
        for kept in [nothing.clone(), disabled.clone()] {
            world.replace_app(Some(kept));
            assert_eq!((world.stats().members, world.clients["ann"].ended.is_none()), (2, true));
        }
        world.replace_app(app);
        let ended = world.clients["ann"].ended.clone().unwrap();
        assert_eq!((ended.code, &*ended.slug), (code, slug));
        assert_eq!((world.stats().members, world.stats().channels, world.stats().peers), (0, 0, 0));
    }
}
