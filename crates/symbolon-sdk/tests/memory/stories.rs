//! What must hold over hours and breaks.

use std::time::{Duration, Instant};

use symbolon_proto::message::{MemberView, Priority, Size, View};
use symbolon_sdk::client::Input;
use symbolon_sdk::{Kind, RemoteFrame, Uid};
use symbolon_token::Role as TokenRole;

use crate::world::World;

#[test]
fn a_join_is_told_in_the_order_of_the_reference() {
    let mut world = World::new(1);
    world.publisher("ann", 1, 3_600);
    world.sleep(seconds(1));
    let ann = world.names_told("ann");
    assert_eq!(ann[..3], ["state 2/0", "state 3/1", "JoinChannelSuccess"]);
    world.viewer("bob", 2);
    world.sleep(seconds(1));
    let bob = world.names_told("bob");
    let at = |wanted: &str| bob.iter().position(|event| event == wanted).unwrap_or_else(|| panic!("{wanted}: {bob:?}"));
    assert!(at("JoinChannelSuccess") < at("1 came") && at("1 came") < at("1 Audio 1/0"));
    assert!(at("1 Audio 1/0") < at("FirstDecoded") && at("FirstDecoded") < at("1 Audio 2/0"));
}

#[test]
fn every_picture_arrives_over_a_bad_network() {
    let mut world = World::new(2);
    (world.loss, world.delay) = (50, Duration::from_millis(40));
    world.publisher("ann", 1, 3_600);
    world.viewer("bob", 2);
    world.sleep(seconds(5));
    world.heard("bob", Kind::Video);
    world.sleep(seconds(10));
    let pictures = world.heard("bob", Kind::Video);
    assert!(pictures.len() >= 490, "{} of 500 arrived with 5 % loss", pictures.len());
    assert!(rising(&pictures));
}

#[test]
fn a_short_break_of_the_signalling_is_not_told() {
    let mut world = World::new(3);
    world.publisher("ann", 1, 3_600);
    world.viewer("bob", 2);
    world.sleep(seconds(3));
    world.told("ann");
    world.told("bob");
    world.heard("bob", Kind::Audio);
    world.cut("ann");
    world.cut("bob");
    world.sleep(seconds(3));
    let told: Vec<_> = [world.names_told("ann"), world.names_told("bob")].concat();
    assert!(told.iter().all(|event| !event.starts_with("state") && !event.contains("went")), "{told:?}");
    let gap = longest_gap(&world.heard("bob", Kind::Audio));
    assert!(gap < Duration::from_millis(400), "a gap of {gap:?}");
}

#[test]
fn media_flows_while_the_signalling_comes_back() {
    let mut world = World::new(9);
    world.publisher("ann", 1, 3_600);
    world.viewer("bob", 2);
    world.sleep(seconds(3));
    world.hold_sockets = true;
    world.cut("ann");
    world.heard("bob", Kind::Audio);
    world.sleep(seconds(2));
    let heard = world.heard("bob", Kind::Audio).len();
    assert!(heard > 95, "{heard} packets in two seconds without a socket");
}

#[test]
fn a_break_of_eight_seconds_is_told_at_four_and_mended() {
    let mut world = World::new(4);
    world.publisher("ann", 1, 3_600);
    world.viewer("bob", 2);
    world.sleep(seconds(3));
    world.told("ann");
    let broken_at = world.since_start();
    world.reachable = false;
    world.sleep(seconds(8));
    world.reachable = true;
    world.sleep(seconds(8));
    let ann = world.told("ann");
    let at = |wanted: &str| ann.iter().find(|(_, event)| event == wanted).map(|(at, _)| *at - broken_at);
    let interrupted = at("state 4/2").expect("interrupted");
    // Four seconds after the server was last heard, which was at most one sign of life before the break.
    assert!(interrupted > seconds(1) && interrupted < Duration::from_millis(4_100), "after {interrupted:?}");
    assert!(at("state 3/15").expect("back") < seconds(16));
    assert!(at("state 4/16").is_none());
    let bob = world.names_told("bob");
    assert!(!bob.iter().any(|event| event.contains("went")), "no presence event for so short a break: {bob:?}");
    world.heard("bob", Kind::Video);
    world.sleep(seconds(2));
    assert!(world.heard("bob", Kind::Video).len() > 90, "media flows again");
}

#[test]
fn without_a_server_attempts_end_after_twenty_minutes() {
    let mut world = World::new(5);
    world.reachable = false;
    world.publisher("ann", 1, 3_600);
    world.sleep(seconds(19 * 60));
    assert_eq!(world.names_told("ann"), ["state 2/0", "error 112", "ConnectionLost"]);
    world.sleep(seconds(2 * 60));
    assert_eq!(world.names_told("ann"), ["state 5/4"]);
    let attempts = world.attempts("ann");
    assert!((100..200).contains(&attempts), "{attempts} attempts in 20 minutes");
    world.sleep(seconds(3_600));
    assert_eq!(world.attempts("ann"), attempts);
}

#[test]
fn media_ends_with_the_token_and_comes_back_with_another() {
    let mut world = World::new(6);
    world.publisher("ann", 1, 40);
    world.viewer("bob", 2);
    world.sleep(seconds(39));
    assert!(world.names_told("ann").contains(&"will expire".to_owned()));
    assert!(!world.heard("bob", Kind::Audio).is_empty());
    world.sleep(seconds(2));
    assert_eq!(world.names_told("ann"), ["own Audio 3>0", "own Video 3>0", "request token", "error 109", "state 5/9"]);
    assert!(world.names_told("bob").contains(&"1 went 0".to_owned()));
    world.heard("bob", Kind::Audio);
    world.sleep(seconds(60));
    assert!(world.heard("bob", Kind::Audio).is_empty());
    let token = world.token(1, TokenRole::Publisher, 3_600);
    world.call("ann", Input::RenewToken(token));
    world.sleep(seconds(2));
    let ann = world.names_told("ann");
    assert_eq!(ann[..3], ["state 4/12", "state 3/15", "RejoinChannelSuccess"]);
    assert!(!world.heard("bob", Kind::Video).is_empty());
}

#[test]
fn renewals_leave_no_gap() {
    let mut world = World::new(7);
    world.publisher("ann", 1, 200);
    world.viewer("bob", 2);
    world.sleep(seconds(2));
    world.heard("bob", Kind::Audio);
    for _ in 0..6 {
        world.sleep(seconds(175));
        assert!(world.names_told("ann").contains(&"will expire".to_owned()));
        let token = world.token(1, TokenRole::Publisher, 200);
        world.call("ann", Input::RenewToken(token));
        world.sleep(seconds(20));
        let ann = world.names_told("ann");
        assert!(
            ann.contains(&"renewal 0".to_owned()) && !ann.iter().any(|event| event.starts_with("state")),
            "{ann:?}"
        );
        assert!(longest_gap(&world.heard("bob", Kind::Audio)) < Duration::from_millis(60));
        world.heard("bob", Kind::Video);
    }
}

#[test]
fn one_seed_gives_one_story() {
    let story = || {
        let mut world = World::new(8);
        world.loss = 20;
        world.publisher("ann", 1, 60);
        world.viewer("bob", 2);
        world.sleep(seconds(10));
        (world.told("ann"), world.told("bob").len())
    };
    assert_eq!(story(), story());
}

fn rising(frames: &[(Instant, RemoteFrame)]) -> bool {
    frames.windows(2).all(|pair| pair[0].1.timestamp < pair[1].1.timestamp)
}

fn longest_gap(frames: &[(Instant, RemoteFrame)]) -> Duration {
    frames.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap_or(Duration::MAX)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_is_not_to_be_seen_does_not_come_and_is_not_called_frozen() {
    let mut world = World::new(11);
    world.publisher("ann", 1, 3_600);
    world.viewer("bob", 2);
    world.sleep(seconds(3));
    assert!(world.heard("bob", Kind::Video).len() > 100);
    world.told("bob");
    let tile = |width, height| {
        let (uid, size) = (Uid::new(1).expect("a uid"), Some(Size { width, height }));
        let (publication, stream, priority, fallback) = (None, None, Priority::Normal, None);
        let view = MemberView { uid, publication, stream, size, priority, fallback };
        Input::View(View { views: vec![view], ..View::default() })
    };
    world.call("bob", tile(0, 0));
    world.sleep(seconds(1));
    world.heard("bob", Kind::Video);
    world.heard("bob", Kind::Audio);
    world.sleep(seconds(5));
    assert_eq!(world.heard("bob", Kind::Video).len(), 0);
    assert!(world.heard("bob", Kind::Audio).len() > 240);
    assert_eq!(world.names_told("bob"), Vec::<String>::new());
    world.call("bob", tile(640, 360));
    world.sleep(seconds(2));
    let pictures = world.heard("bob", Kind::Video);
    assert!(pictures.len() > 60 && pictures[0].1.keyframe, "{} pictures", pictures.len());
    assert_eq!(world.names_told("bob"), Vec::<String>::new());
}
