//! Stories of sessions and a channel: both halves of the rules against each other, with real tokens and no sockets, and
//! time moved by hand.

#![expect(clippy::disallowed_methods, reason = "a story has to begin at some instant")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a story looks at a few messages and events of many")]

mod ticket;
mod world;

use symbolon_proto::message::{Privilege, Role};

use crate::ticket::{Ticket, publisher, subscriber};
use crate::world::{World, minutes, seconds};

const JOINED: [&str; 3] = ["state 2/0", "state 3/1", "joined"];

fn and(first: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    [first, more].concat()
}

/// Ann (1) is there and knows of Bob (2), who sees her.
fn ann_and_bob(ann: Ticket, bob: Ticket) -> World {
    let mut world = World::new();
    world.join("ann", 1, ann);
    world.join("bob", 2, bob);
    world.forget("ann");
    world.forget("bob");
    world
}

#[test]
fn two_meet_and_part() {
    let mut world = World::new();
    world.join("ann", 1, publisher());
    world.expect("ann", &JOINED);
    world.join("bob", 2, publisher());
    world.expect("bob", &and(&JOINED, &["+1", "1 Audio on", "1 Video on"]));
    world.expect("ann", &["+2", "2 Audio on", "2 Video on"]);
    assert_eq!((world.hears("ann"), world.hears("bob")), (2, 2));

    world.leave("bob");
    world.sleep(seconds(1));
    world.expect("bob", &["state 1/5", "left"]);
    world.expect("ann", &["-2 0"]);
    assert_eq!((world.hears("ann"), world.members()), (0, 1));
}

#[test]
fn the_audience_is_not_seen_in_a_broadcast_and_is_in_a_conversation() {
    let mut world = ann_and_bob(publisher(), subscriber());
    world.expect("ann", &[]);
    assert_eq!(world.hears("bob"), 2);

    let mut world = World::new();
    world.join("ann", 1, publisher().communication());
    world.join("bob", 2, subscriber().communication());
    world.expect("ann", &and(&JOINED, &["+2"]));
    world.leave("bob");
    world.sleep(seconds(1));
    world.expect("ann", &["-2 0"]);
}

#[test]
fn a_refused_join_disturbs_nobody() {
    let refusals = [
        (publisher().channel("AppTest"), ["state 2/0", "error 110", "state 1/8"]),
        (publisher().made_for(3), ["state 2/0", "error 110", "state 1/8"]),
        (publisher().privileges([None, Some(0), Some(0), Some(0)]), ["state 2/0", "error 110", "state 1/8"]),
        (publisher().lives(60).made_ago(61), ["state 2/0", "error 109", "state 5/9"]),
        (publisher().privileges([Some(60), None, None, None]).made_ago(61), ["state 2/0", "error 109", "state 5/9"]),
    ];
    for (ticket, log) in refusals {
        let mut world = World::new();
        world.join("ann", 1, publisher());
        world.forget("ann");
        world.join("bob", 2, ticket);
        world.expect("bob", &log);
        world.sleep(minutes(2));
        world.expect("ann", &[]);
        world.expect("bob", &[]);
    }
}

#[test]
fn a_first_join_with_an_old_token_is_taken_up_by_a_renewal() {
    let mut world = World::new();
    world.join("ann", 1, publisher().lives(60).made_ago(61));
    world.expect("ann", &["state 2/0", "error 109", "state 5/9"]);
    world.renew("ann", 1, publisher());
    world.expect("ann", &["state 2/0", "state 3/1", "joined", "renewal 0"]);
}

#[test]
fn every_token_is_warned_of_once_and_renewals_go_unnoticed() {
    let mut world = ann_and_bob(publisher(), publisher().lives(86_400));
    for _ in 0..3 {
        world.sleep(minutes(9));
        world.expect("ann", &[]);
        world.sleep(seconds(31));
        world.expect("ann", &["will expire"]);
        world.renew("ann", 1, publisher());
        world.expect("ann", &["renewal 0"]);
    }
    world.expect("bob", &[]);
    assert_eq!((world.hears("ann"), world.hears("bob")), (2, 2));
}

#[test]
fn a_short_token_is_warned_of_at_once() {
    let mut world = World::new();
    world.join("ann", 1, publisher().lives(10));
    world.expect("ann", &and(&JOINED, &["will expire"]));
    world.sleep(seconds(8));
    world.expect("ann", &[]);
}

#[test]
fn a_token_ends_and_a_new_one_brings_its_holder_back() {
    let mut world = ann_and_bob(publisher().lives(60), publisher());
    world.sleep(seconds(40));
    world.expect("ann", &["will expire"]);
    world.sleep(seconds(20));
    world.expect("ann", &["request token", "error 109", "state 5/9"]);
    world.expect("bob", &["-1 0"]);
    assert_eq!((world.hears("bob"), world.members()), (0, 1));
    world.sleep(minutes(2));
    world.expect("ann", &[]);

    world.renew("ann", 1, publisher());
    world.expect("ann", &["state 4/12", "state 3/15", "rejoined", "renewal 0"]);
    world.expect("bob", &["+1", "1 Audio on", "1 Video on"]);
    assert_eq!((world.hears("ann"), world.hears("bob")), (2, 2));
}

#[test]
fn the_join_privilege_ends_before_the_token() {
    let mut world = ann_and_bob(publisher().privileges([Some(60), Some(0), Some(0), Some(0)]), publisher());
    world.sleep(seconds(60));
    world.expect("ann", &["will expire", "request token", "error 109", "state 5/9"]);
    world.leave("ann");
    world.join("ann", 1, publisher());
    world.expect("ann", &["state 1/5", "left", "state 2/0", "state 3/1", "joined", "+2", "2 Audio on", "2 Video on"]);
}

#[test]
fn refused_renewals_leave_the_session_and_its_end_alone() {
    let mut world = ann_and_bob(publisher().lives(120), publisher());
    let refusals = [
        (publisher().lives(60).made_ago(61), "renewal 2"),
        (publisher().made_for(3), "renewal 3"),
        (publisher().channel("AppTest"), "renewal 4"),
    ];
    for (ticket, result) in refusals {
        world.renew("ann", 1, ticket);
        world.expect("ann", &[result]);
    }
    world.sleep(seconds(120));
    world.expect("ann", &["will expire", "request token", "error 109", "state 5/9"]);
}

#[test]
fn publish_privileges_end_one_by_one_and_come_back() {
    let mut world = ann_and_bob(publisher().privileges([Some(0), Some(100), Some(50), None]), publisher());
    world.sleep(seconds(50));
    world.expect("bob", &["1 Video off"]);
    world.expect("ann", &["will expire"]);
    world.sleep(seconds(50));
    world.expect("bob", &["-1 2"]);
    world.expect("ann", &["will expire", "role Audience"]);
    assert_eq!(world.hears("bob"), 0);

    world.renew("ann", 1, publisher());
    world.expect("ann", &["renewal 0", "role Broadcaster"]);
    world.expect("bob", &["+1", "1 Audio on", "1 Video on"]);
    assert_eq!(world.hears("bob"), 2);
}

#[test]
fn a_subscriber_becomes_a_publisher_with_a_new_token() {
    let mut world = ann_and_bob(subscriber(), publisher());
    world.set_role("ann", Role::Broadcaster);
    world.expect("ann", &["role failed 2", "error 119"]);
    world.renew("ann", 1, publisher());
    world.set_role("ann", Role::Broadcaster);
    world.expect("ann", &["renewal 0", "role Broadcaster"]);
    world.expect("bob", &["+1"]);
    world.set_role("ann", Role::Audience);
    world.expect("ann", &["role Audience"]);
    world.expect("bob", &["-1 2"]);
}

#[test]
fn a_broadcaster_with_a_subscriber_token_is_audience() {
    let mut world = World::new();
    world.join("bob", 2, publisher());
    world.forget("bob");
    world.join("ann", 1, subscriber().role(Role::Broadcaster));
    world.expect("ann", &and(&JOINED, &["+2", "2 Audio on", "2 Video on", "role failed 2", "error 119"]));
    world.expect("bob", &[]);
    assert_eq!(world.hears("bob"), 0);
}

#[test]
fn a_broken_socket_is_replaced_before_anyone_notices() {
    let mut world = ann_and_bob(publisher(), publisher());
    for _ in 0..20 {
        // More often than the same uid may be taken over: a session that comes back is no other one.
        world.break_socket("ann");
        world.sleep(seconds(1));
    }
    world.expect("ann", &[]);
    world.expect("bob", &[]);
    assert_eq!((world.hears("ann"), world.hears("bob")), (2, 2));
}

#[test]
fn a_cut_of_eight_seconds_is_told_to_the_one_alone() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.cut("ann");
    world.sleep(seconds(5));
    world.expect("ann", &["state 4/2", "interrupted"]);
    world.sleep(seconds(3));
    world.mend("ann");
    world.sleep(seconds(10));
    world.expect("ann", &["state 3/15", "rejoined"]);
    world.expect("bob", &[]);
    assert_eq!((world.hears("ann"), world.hears("bob")), (2, 2));
}

#[test]
fn a_long_cut_is_told_to_the_others_and_what_changed_meanwhile_to_the_one() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.join("eve", 3, publisher());
    world.forget("ann");
    world.forget("bob");
    world.cut("ann");
    world.break_socket("ann");
    world.sleep(seconds(21));
    world.expect("ann", &["state 4/2", "interrupted", "error 112", "state 4/16", "lost"]);
    world.expect("bob", &["-1 1"]);
    world.leave("eve");
    world.join("dan", 4, publisher());
    world.forget("bob");
    world.mend("ann");
    world.sleep(seconds(20));
    world.expect("ann", &["state 3/15", "rejoined", "-3 0", "+4", "4 Audio on", "4 Video on"]);
    world.expect("bob", &["+1", "1 Audio on", "1 Video on"]);
}

#[test]
fn a_cut_of_twenty_minutes_ends_the_session() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.cut("ann");
    world.sleep(minutes(19));
    world.forget("ann");
    world.sleep(minutes(2));
    world.expect("ann", &["state 5/4"]);
}

#[test]
fn a_token_that_ends_during_a_cut_is_warned_of_and_asked_for() {
    let mut world = ann_and_bob(publisher().lives(60), publisher());
    world.sleep(seconds(20));
    world.cut("ann");
    world.break_socket("ann");
    world.sleep(seconds(45));
    world.expect("ann", &["state 4/2", "interrupted", "will expire", "error 112", "state 4/16", "lost"]);
    world.mend("ann");
    world.sleep(seconds(20));
    world.expect("ann", &["request token", "error 109", "state 5/9"]);
    world.renew("ann", 1, publisher());
    world.expect("ann", &["state 4/12", "state 3/15", "rejoined", "renewal 0"]);
}

#[test]
fn a_process_that_dies_and_comes_back_was_never_away() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.kill("ann");
    world.sleep(seconds(15));
    world.join("ann", 1, publisher());
    world.expect("ann", &and(&JOINED, &["+2", "2 Audio on", "2 Video on"]));
    world.expect("bob", &[]);
    assert_eq!((world.hears("ann"), world.hears("bob")), (2, 2));
}

#[test]
fn the_newest_of_the_same_uid_wins() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.join("ann's phone", 1, publisher());
    world.expect("ann's phone", &and(&JOINED, &["+2", "2 Audio on", "2 Video on"]));
    world.expect("ann", &["state 5/19"]);
    world.sleep(minutes(1));
    world.expect("ann", &[]);
    world.expect("bob", &[]);
    assert_eq!((world.hears("bob"), world.members()), (2, 2));
}

#[test]
fn a_token_for_anyone_does_not_take_the_place_of_one_for_the_uid() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.join("mallory", 1, publisher().made_for_anyone());
    world.expect("mallory", &["state 2/0", "error 17", "state 5/10"]);
    world.expect("ann", &[]);
    world.expect("bob", &[]);
}

#[test]
fn a_storm_of_takeovers_is_stopped() {
    let mut world = ann_and_bob(publisher(), publisher());
    let phones = ["one", "two", "three", "four", "five", "six"];
    for phone in phones {
        world.join(phone, 1, publisher());
    }
    world.expect("six", &["state 2/0", "error 17", "state 5/10"]);
    world.expect("bob", &[]);
    world.expect("four", &["state 2/0", "state 3/1", "joined", "+2", "2 Audio on", "2 Video on", "state 5/19"]);
    world.sleep(seconds(61));
    world.join("seven", 1, publisher());
    world.expect("five", &["state 2/0", "state 3/1", "joined", "+2", "2 Audio on", "2 Video on", "state 5/19"]);
}

#[test]
fn leaving_and_joining_again_at_once_is_no_storm() {
    let mut world = ann_and_bob(publisher(), publisher());
    for _ in 0..500 {
        world.leave("ann");
        assert_eq!(world.call_join("ann", 1, publisher()), Ok(()));
        world.sleep(seconds(1));
        world.expect(
            "ann",
            &["state 1/5", "left", "state 2/0", "state 3/1", "joined", "+2", "2 Audio on", "2 Video on"],
        );
        world.renew("bob", 2, publisher());
    }
    assert_eq!(world.members(), 2);
}

#[test]
fn a_barred_user_is_out_until_the_bar_ends() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.forbid(1, Privilege::Join, minutes(1));
    world.sleep(seconds(1));
    world.expect("ann", &["error 123", "banned", "state 5/3"]);
    world.expect("bob", &["-1 0"]);
    world.leave("ann");
    world.join("ann", 1, publisher());
    world.expect("ann", &["state 1/5", "left", "state 2/0", "error 123", "banned", "state 5/3"]);
    world.leave("ann");
    world.sleep(minutes(1));
    world.forget("ann");
    world.join("ann", 1, publisher());
    world.expect("ann", &and(&JOINED, &["+2", "2 Audio on", "2 Video on"]));
}

#[test]
fn a_user_who_may_not_publish_sound_stays_and_shows_pictures() {
    let mut world = ann_and_bob(publisher(), publisher());
    world.forbid(1, Privilege::Audio, minutes(1));
    world.sleep(seconds(1));
    world.expect("ann", &[]);
    world.expect("bob", &["1 Audio off"]);
    world.sleep(minutes(1));
    world.expect("bob", &["1 Audio on"]);
}
