//! What happens to people in a channel.

use symbolon_sdk::{ClientRole, Kind};

use crate::person::{Person, broadcaster, picture, sound};
use crate::server::{TestServer, publisher, short, short_video, subscriber};

#[test]
fn a_join_is_told_in_order_and_media_arrives_as_it_was_sent() {
    let server = TestServer::start();
    let mut ann = Person::new(&server);
    ann.join(&publisher(ROOM, 1), ROOM, 1, &broadcaster());
    assert_eq!(ann.expect("joined"), ["state 2/0", "state 3/1"]);
    let mut bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    bob.expect("1 came");
    ann.speak_to(&bob, Kind::Audio, 20);
    ann.speak_to(&bob, Kind::Video, 20);
    for frame in bob.frames() {
        let number = number_in(&frame.data, frame.track.kind);
        let sent = if frame.track.kind == Kind::Audio { sound(number) } else { picture(number) };
        assert_eq!((frame.uid.get(), &frame.data, frame.keyframe), (1, &sent.data, sent.keyframe));
    }
    assert!(bob.frames().iter().any(|frame| frame.size == Some((320, 240))));
    bob.expect("1 first Video 320x240");
    ann.engine.leave_channel().expect("joined");
    ann.expect("left");
    bob.expect("1 went 0");
}

#[test]
fn the_own_media_is_told_of_from_the_join_to_the_leave() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &publisher(ROOM, 1), ROOM, 1);
    ann.expect("own Audio 2>3");
    ann.expect("own Video 2>3");
    ann.rest();
    ann.engine.mute_local_audio_stream(true).expect("joined");
    assert!(ann.expect("own Audio 3>1").is_empty());
    ann.engine.mute_local_audio_stream(false).expect("joined");
    ann.expect("own Audio 1>2");
    ann.expect("own Audio 2>3");
    ann.engine.leave_channel().expect("joined");
    assert_eq!(ann.expect("left"), ["own Audio 3>0", "own Video 3>0", "state 1/5"]);
    assert!(ann.rest().is_empty());
}

#[test]
fn a_mute_is_seen_by_the_others_and_nothing_is_sent() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &publisher(ROOM, 1), ROOM, 1);
    let mut bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    ann.speak_to(&bob, Kind::Audio, 5);
    ann.engine.mute_local_audio_stream(true).expect("joined");
    bob.expect("1 muted Audio true");
    bob.expect("1 Audio 0/5");
    let before = bob.heard(Kind::Audio);
    ann.speak_to(&bob, Kind::Video, 20);
    assert_eq!(bob.heard(Kind::Audio), before);
    ann.engine.mute_local_audio_stream(false).expect("joined");
    bob.expect("1 muted Audio false");
    ann.speak_to(&bob, Kind::Audio, 5);
}

#[test]
fn what_is_not_wanted_is_not_sent() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &publisher(ROOM, 1), ROOM, 1);
    let bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    ann.speak_to(&bob, Kind::Video, 5);
    bob.engine.mute_remote_video_stream(1, true).expect("joined");
    ann.speak_to(&bob, Kind::Audio, 25);
    let before = bob.heard(Kind::Video);
    ann.speak_to(&bob, Kind::Audio, 25);
    assert_eq!(bob.heard(Kind::Video), before);
    bob.engine.mute_remote_video_stream(1, false).expect("joined");
    ann.speak_to(&bob, Kind::Video, 5);
}

#[test]
fn a_newcomer_needs_a_keyframe_and_the_publisher_is_asked() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &publisher(ROOM, 1), ROOM, 1);
    let first = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    ann.speak_to(&first, Kind::Video, 5);
    let before = ann.keyframes_wanted();
    let _second = Person::watch(&server, &subscriber(ROOM, 3), ROOM, 3);
    ann.speak_until_asked(before);
}

#[test]
fn a_short_token_warns_at_once_and_renewals_say_what_they_found() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &short(ROOM, 1, 20), ROOM, 1);
    ann.expect("will expire");
    for (token, code) in [
        (publisher("other", 1), 4),
        (publisher(ROOM, 9), 3),
        (tampered(&publisher(ROOM, 1)), 3),
        (publisher(ROOM, 1), 0),
    ] {
        ann.engine.renew_token(&token).expect("sent");
        let before = ann.expect(&format!("renewal {code}"));
        assert!(before.iter().all(|event| !event.starts_with("state")), "{before:?}");
    }
    ann.engine.renew_token(&publisher(ROOM, 1)).expect("sent");
    ann.engine.renew_token(&publisher(ROOM, 1)).expect("sent");
    ann.expect("renewal 6");
    ann.expect("renewal 0");
}

#[test]
fn the_end_of_the_token_is_told_in_order_and_a_new_one_brings_everything_back() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &short(ROOM, 1, 5), ROOM, 1);
    let mut bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    ann.speak_to(&bob, Kind::Audio, 5);
    bob.expect("1 went 0");
    let before = bob.heard(Kind::Audio);
    ann.expect("own Video 3>0");
    assert!(ann.expect("request token").is_empty());
    assert_eq!(ann.expect("state 5/9"), ["error 109"]);
    ann.engine.renew_token(&publisher(ROOM, 1)).expect("the session waits for it");
    assert!(ann.expect("state 4/12").is_empty());
    let until_back = ann.expect("rejoined");
    assert_eq!(until_back, ["state 3/15"]);
    bob.expect("1 came");
    assert_eq!(bob.heard(Kind::Audio), before, "nothing came in between");
    ann.speak_to(&bob, Kind::Audio, 5);
    ann.speak_to(&bob, Kind::Video, 5);
}

#[test]
fn a_privilege_ends_alone_and_comes_back_with_a_renewal() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &short_video(ROOM, 1, 5), ROOM, 1);
    let bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    ann.speak_to(&bob, Kind::Video, 5);
    ann.expect("own Video 2>3");
    ann.expect("own Video 3>1");
    let before = bob.heard(Kind::Video);
    ann.speak_to(&bob, Kind::Audio, 25);
    assert!(bob.heard(Kind::Video) <= before + 1, "one may have been on its way");
    ann.engine.renew_token(&publisher(ROOM, 1)).expect("joined");
    ann.expect("own Video 2>3");
    ann.speak_to(&bob, Kind::Video, 5);
}

#[test]
fn a_token_that_does_not_fit_is_refused_with_its_code_and_state() {
    let server = TestServer::start();
    for (token, error, state) in [
        (publisher("other", 1), "error 110", "state 1/8"),
        (publisher(ROOM, 9), "error 110", "state 1/8"),
        (String::new(), "error 110", "state 1/8"),
        (tampered(&publisher(ROOM, 1)), "error 110", "state 1/8"),
    ] {
        let mut ann = Person::new(&server);
        ann.join(&token, ROOM, 1, &broadcaster());
        assert_eq!(ann.expect(state), ["state 2/0", error]);
        ann.join(&publisher(ROOM, 1), ROOM, 1, &broadcaster());
        ann.expect("joined");
    }
}

#[test]
fn without_the_right_to_publish_a_broadcaster_is_audience_until_a_renewal() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &subscriber(ROOM, 1), ROOM, 1);
    ann.expect("role failed 2");
    ann.expect("error 119");
    let mut bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    for _ in 0..25 {
        ann.speak();
    }
    ann.engine.renew_token(&publisher(ROOM, 1)).expect("joined");
    ann.expect("renewal 0");
    assert_eq!(bob.heard(Kind::Audio) + bob.heard(Kind::Video), 0);
    ann.engine.set_client_role(ClientRole::Broadcaster).expect("live");
    ann.expect("role Broadcaster");
    bob.expect("1 came");
    ann.speak_to(&bob, Kind::Video, 5);
    ann.engine.set_client_role(ClientRole::Audience).expect("live");
    ann.expect("role Audience");
    bob.expect("1 went 2");
}

#[test]
fn a_track_can_be_added_and_removed_in_the_channel() {
    let server = TestServer::start();
    let mut ann = Person::new(&server);
    let mut options = broadcaster();
    options.publish_encoded_video_track = Some(false);
    ann.join(&publisher(ROOM, 1), ROOM, 1, &options);
    ann.expect("joined");
    let mut bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    ann.speak_to(&bob, Kind::Audio, 5);
    assert_eq!(bob.heard(Kind::Video), 0);
    options.publish_encoded_video_track = Some(true);
    ann.engine.update_channel_media_options(&options).expect("joined");
    bob.expect("1 published Video");
    ann.speak_to(&bob, Kind::Video, 5);
    options.publish_encoded_video_track = Some(false);
    ann.engine.update_channel_media_options(&options).expect("joined");
    bob.expect("1 unpublished Video");
    ann.speak_to(&bob, Kind::Audio, 5);
}

#[test]
fn more_members_than_slots_are_all_heard() {
    let server = TestServer::start();
    let bob = Person::watch(&server, &subscriber(ROOM, 99), ROOM, 99);
    let mut all: Vec<_> = (1..=4).map(|uid| Person::broadcast(&server, &publisher(ROOM, uid), ROOM, uid)).collect();
    let heard_of = |uid| bob.frames().iter().filter(|f| f.uid.get() == uid && f.track.kind == Kind::Audio).count();
    for (person, uid) in all.iter_mut().zip(1..) {
        person.speak_until(|| heard_of(uid) >= 5);
    }
}

#[test]
fn the_same_uid_elsewhere_ends_the_older_session() {
    let server = TestServer::start();
    let mut old = Person::broadcast(&server, &publisher(ROOM, 1), ROOM, 1);
    let _new = Person::broadcast(&server, &publisher(ROOM, 1), ROOM, 1);
    old.expect("state 5/19");
}

#[test]
fn a_restarted_server_has_its_members_back_by_themselves() {
    let mut server = TestServer::start();
    let mut ann = Person::broadcast(&server, &publisher(ROOM, 1), ROOM, 1);
    let mut bob = Person::watch(&server, &subscriber(ROOM, 2), ROOM, 2);
    ann.speak_to(&bob, Kind::Video, 5);
    server.stop();
    ann.expect_that("reconnecting", |event| event.starts_with("state 4/"));
    server.run();
    ann.expect("rejoined");
    bob.expect("rejoined");
    ann.speak_to(&bob, Kind::Audio, 5);
    ann.speak_to(&bob, Kind::Video, 5);
}

/// A token with one bit changed in its middle.
fn tampered(token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("still text")
}

fn number_in(data: &[u8], kind: Kind) -> u64 {
    let at = if kind == Kind::Audio { 1 } else { 10 };
    u64::from_be_bytes(data[at..at + 8].try_into().expect("eight bytes"))
}

const ROOM: &str = "AgoraChannel";
