//! Videos in several layers, and lines that do not carry everything.

use std::collections::BTreeSet;
use std::time::Duration;

use symbolon_proto::code::{Fallback, StreamType};
use symbolon_proto::id::{Rid, Uid};
use symbolon_proto::message::{
    ClientMessage, Kind, Layer, MemberView, Priority, Received as Stream, Receiving, ReceivingReason, ServerMessage,
    Size, View,
};

use crate::client::{Received, Setup};
use crate::world::World;

/// A camera in three layers of 150, 500 and 1,500 kbit/s.
fn layered(world: &mut World, uid: u32) -> Setup {
    let layer = |rid: &str, height: u16, max_kbps| Layer {
        rid: Rid::parse(rid).unwrap(),
        width: height * 16 / 9,
        height,
        max_kbps,
        fps: None,
    };
    let layers = vec![layer("l", 180, 150), layer("m", 360, 500), layer("h", 720, 1_500)];
    Setup { layers, ..world.publisher(uid) }
}

fn tile(uid: u32, width: u16, height: u16) -> MemberView {
    MemberView {
        uid: Uid::new(uid).unwrap(),
        publication: None,
        stream: None,
        size: Some(Size { width, height }),
        priority: Priority::Normal,
        fallback: None,
    }
}

fn view(views: Vec<MemberView>) -> View {
    View { views, ..View::default() }
}

impl World {
    /// The layers that came from a uid in the last so many milliseconds.
    fn layers(&self, name: &str, uid: u32, ms: u64) -> BTreeSet<u8> {
        self.lately(name, uid, ms).iter().map(|packet| packet.layer()).collect()
    }

    fn lately(&self, name: &str, uid: u32, ms: u64) -> Vec<Received> {
        let since = self.now() - Duration::from_millis(ms);
        let video = self.clients[name].heard_from(uid, Kind::Video);
        video.into_iter().filter(|packet| packet.at > since).cloned().collect()
    }

    /// How many whole pictures came from a uid in the last so many milliseconds.
    fn pictures(&self, name: &str, uid: u32, ms: u64) -> usize {
        let packets = self.lately(name, uid, ms);
        let is_whole = |last: &&Received| {
            let of = |packet: &&Received| (packet.layer(), packet.number().0) == (last.layer(), last.number().0);
            packets.iter().filter(of).count() as u64 == last.number().1 + 1
        };
        packets.iter().filter(|packet| packet.marker).filter(is_whole).count()
    }

    fn received(&self, name: &str) -> Vec<(Stream, Option<u8>, ReceivingReason)> {
        let told = self.messages(name).filter_map(|message| match message {
            ServerMessage::Receiving(Receiving { stream, layer, reason, .. }) => Some((*stream, *layer, *reason)),
            _ => None,
        });
        told.collect()
    }

    fn layers_wanted(&self, name: &str) -> Vec<Vec<String>> {
        let told = self.messages(name).filter_map(|message| match message {
            ServerMessage::LayersWanted { rids, .. } => Some(rids.iter().map(|rid| rid.as_str().to_owned()).collect()),
            _ => None,
        });
        told.collect()
    }

    /// What a decoder needs: numbers and times that go on, and another layer only from a keyframe on.
    #[track_caller]
    fn assert_decodable(&self, name: &str, uid: u32) {
        let mut packets: Vec<_> = self.clients[name].heard_from(uid, Kind::Video).into_iter().cloned().collect();
        packets.sort_by_key(|packet| packet.seq);
        for pair in packets.windows(2) {
            let [before, after] = pair else { unreachable!("windows of two") };
            assert_eq!(after.seq, before.seq + 1, "a number is missing or came twice");
            let (ticks, pictures) =
                (after.time.wrapping_sub(before.time), after.picture().wrapping_sub(before.picture()));
            assert_eq!(ticks == 0, pictures & 0x7FFF == 0, "one picture, one time");
            if before.layer() == after.layer() {
                continue;
            }
            assert!(after.starts_keyframe(), "layer {} begins without a keyframe", after.layer());
            // Pictures come every 40 ms, whatever the layer.
            assert!((1..=9_000).contains(&ticks), "{ticks} ticks from layer {} to {}", before.layer(), after.layer());
        }
    }
}

#[test]
fn each_viewer_gets_its_layer() {
    let mut world = World::new(60);
    let ann = layered(&mut world, 1);
    world.join("ann", ann);
    let (bob, mut cat, dan) = (world.viewer(2), world.viewer(3), world.viewer(4));
    cat.view = view(vec![tile(1, 320, 180)]);
    world.join("bob", bob);
    world.join("cat", cat);
    world.join("dan", dan);
    world.narrow("dan", Some(900));
    world.run_for(10);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([2]));
    assert_eq!(world.layers("cat", 1, 9_000), BTreeSet::from([0]));
    assert_eq!(world.layers("dan", 1, 2_000), BTreeSet::from([1]));
    for name in ["bob", "cat", "dan"] {
        assert!((24..=26).contains(&world.pictures(name, 1, 1_000)), "{name} sees {}", world.pictures(name, 1, 1_000));
    }
    world.assert_decodable("bob", 1);
    world.assert_decodable("cat", 1);
    assert_eq!(world.received("bob").last(), Some(&(Stream::High, Some(2), ReceivingReason::View)));
    assert_eq!(world.received("cat"), [(Stream::Low, Some(0), ReceivingReason::View)]);
    assert_eq!(world.received("dan").last(), Some(&(Stream::High, Some(1), ReceivingReason::Bandwidth)));
    let told = world.messages("dan").filter_map(|message| match message {
        ServerMessage::Bandwidth { down_kbps } => Some(*down_kbps),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert!(told.len() <= 11 && (500..1_100).contains(told.last().unwrap()), "{told:?}");
}

#[test]
fn a_layer_follows_the_tile_without_a_break() {
    let mut world = World::new(61);
    let (ann, bob) = (layered(&mut world, 1), world.viewer(2));
    world.storm(0, 20, 0);
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(5);
    for (size, layer) in [((320, 180), 0), ((640, 360), 1), ((1_920, 1_080), 2), ((100, 500), 0)] {
        world.say("bob", ClientMessage::View(view(vec![tile(1, size.0, size.1)])));
        world.run_for(3);
        assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([layer]), "{size:?}");
        assert!(world.pictures("bob", 1, 3_000) >= 73, "{} pictures", world.pictures("bob", 1, 3_000));
    }
    world.say("bob", ClientMessage::View(View { stream: StreamType::Layer1, ..View::default() }));
    world.run_for(2);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([1]));
    world.assert_decodable("bob", 1);
}

#[test]
fn what_nobody_wants_is_not_sent_at_all() {
    let mut world = World::new(62);
    let (ann, bob) = (layered(&mut world, 1), world.viewer(2));
    world.join("ann", ann);
    world.run_for(3);
    assert_eq!(world.layers_wanted("ann"), [[""; 0]], "nobody is there");
    world.join("bob", bob);
    world.run_for(5);
    assert_eq!(world.layers_wanted("ann").last().unwrap(), &["h"]);
    world.say("bob", ClientMessage::View(view(vec![tile(1, 320, 180)])));
    world.run_for_ms(1_500);
    assert_eq!(world.layers_wanted("ann").last().unwrap(), &["l", "h"], "more at once");
    world.run_for(1);
    assert_eq!(world.layers_wanted("ann").last().unwrap(), &["l"], "less after a while");
    // A tile that is not to be seen takes nothing.
    world.say("bob", ClientMessage::View(view(vec![tile(1, 0, 0)])));
    world.run_for(1);
    assert_eq!(world.pictures("bob", 1, 900), 0);
    assert_eq!(world.received("bob").last(), Some(&(Stream::Paused, None, ReceivingReason::View)));
    world.run_for(2);
    assert_eq!(world.layers_wanted("ann").last().unwrap(), &[""; 0]);
    let quiet = world.wire.sent_to(world.clients["bob"].address);
    world.client("ann").track(Kind::Audio).silent = true;
    world.run_for(10);
    let reports = world.wire.sent_to(world.clients["bob"].address) - quiet;
    assert!(reports < 60, "{reports} datagrams to somebody who sees and hears nothing");
    world.say("bob", ClientMessage::View(View::default()));
    world.run_for(2);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([2]));
    world.assert_decodable("bob", 1);
}

#[test]
fn a_line_that_narrows_gets_less_within_five_seconds_and_more_when_it_widens() {
    let mut world = World::new(63);
    let (ann, bob) = (layered(&mut world, 1), world.viewer(2));
    world.storm(0, 20, 0);
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(10);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([2]));
    for (kbps, layer) in [(1_000, 1), (300, 0)] {
        world.narrow("bob", Some(kbps));
        world.run_for(6);
        assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([layer]), "at {kbps} kbit/s");
        assert!(world.pictures("bob", 1, 1_000) >= 24, "{} pictures", world.pictures("bob", 1, 1_000));
        let heard = world.clients["bob"].heard_from(1, Kind::Audio).len();
        world.run_for(1);
        assert!(world.clients["bob"].heard_from(1, Kind::Audio).len() >= heard + 48);
    }
    world.narrow("bob", None);
    world.run_for(15);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([2]));
    let told = world.received("bob");
    assert!(told.contains(&(Stream::Low, Some(0), ReceivingReason::Bandwidth)), "{told:?}");
    assert_eq!(told.last(), Some(&(Stream::High, Some(2), ReceivingReason::View)));
    assert!(told.len() < 16, "{told:?}");
}

#[test]
fn sound_goes_on_alone_where_no_picture_fits() {
    let mut world = World::new(64);
    let (ann, mut bob, cat) = (layered(&mut world, 1), world.viewer(2), world.viewer(3));
    bob.view.fallback = Fallback::AudioOnly;
    world.storm(0, 20, 0);
    world.join("ann", ann);
    world.join("bob", bob);
    world.join("cat", cat);
    world.run_for(8);
    world.narrow("bob", Some(100));
    world.narrow("cat", Some(100));
    world.run_for(10);
    assert_eq!(world.received("bob").last(), Some(&(Stream::AudioOnly, None, ReceivingReason::Bandwidth)));
    assert_eq!(world.pictures("bob", 1, 2_000), 0);
    let before = world.count("bob", 1, Kind::Audio);
    world.run_for(2);
    assert!(world.count("bob", 1, Kind::Audio) >= before + 95, "sound goes on");
    // Who did not ask for that gets the least picture, as well as it comes.
    assert_eq!(world.received("cat").last(), Some(&(Stream::Low, Some(0), ReceivingReason::Bandwidth)));
    world.narrow("bob", None);
    world.run_for(20);
    assert_eq!(world.received("bob").last(), Some(&(Stream::High, Some(2), ReceivingReason::View)));
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([2]));
}

#[test]
fn who_matters_less_is_paused_where_not_all_fit() {
    let mut world = World::new(65);
    world.storm(0, 20, 0);
    // Two cameras of 540 kbit/s, in one layer each.
    for (name, uid) in [("ann", 1), ("eve", 5)] {
        let setup = world.publisher(uid);
        world.join(name, setup);
    }
    let mut bob = world.viewer(2);
    bob.view = view(vec![MemberView { priority: Priority::High, size: None, ..tile(5, 0, 0) }]);
    world.join("bob", bob);
    world.run_for(8);
    assert!(world.received("bob").is_empty(), "{:?}", world.received("bob"));
    assert!(world.pictures("bob", 1, 1_000) >= 24 && world.pictures("bob", 5, 1_000) >= 24);
    world.narrow("bob", Some(900));
    world.run_for(6);
    assert_eq!(world.received("bob").last(), Some(&(Stream::Paused, None, ReceivingReason::Bandwidth)));
    assert_eq!(world.pictures("bob", 1, 1_000), 0);
    assert!(world.pictures("bob", 5, 1_000) >= 24);
    world.narrow("bob", None);
    world.run_for(15);
    assert_eq!(world.received("bob").last(), Some(&(Stream::High, None, ReceivingReason::View)));
    assert!(world.pictures("bob", 1, 1_000) >= 24);
}

#[test]
fn layers_survive_loss_and_jitter() {
    let mut world = World::new(66);
    world.storm(30, 40, 20);
    let (ann, bob) = (layered(&mut world, 1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(5);
    for height in [180, 720, 360, 720] {
        world.say("bob", ClientMessage::View(view(vec![tile(1, height * 16 / 9, height)])));
        world.run_for(4);
        let pictures = world.pictures("bob", 1, 1_500);
        assert!(pictures >= 30, "{pictures} whole pictures at a height of {height}");
    }
}

#[test]
fn a_layer_that_its_publisher_cannot_send_is_replaced() {
    let mut world = World::new(67);
    let (ann, bob) = (layered(&mut world, 1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(6);
    assert_eq!(world.layers_wanted("ann").last().unwrap(), &["h"]);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([2]));
    let mut best = world.client("ann").tracks.pop().expect("the best layer");
    world.run_for(6);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([0]));
    assert!(world.pictures("bob", 1, 1_000) >= 24);
    assert_eq!(world.layers_wanted("ann").last().unwrap(), &["l", "h"], "it may come back");
    best.next_at = world.now();
    world.client("ann").tracks.push(best);
    world.run_for(4);
    assert_eq!(world.layers("bob", 1, 1_000), BTreeSet::from([2]));
    assert_eq!(world.layers_wanted("ann").last().unwrap(), &["h"]);
}

#[test]
fn who_receives_no_video_is_hardly_looked_after() {
    let mut world = World::new(68);
    let bob = world.viewer(2);
    world.join("bob", bob);
    world.run_for(10);
    let until = world.now() + Duration::from_secs(10);
    let mut wakes = 0;
    while let Some(at) = world.edge.deadline().filter(|at| *at < until) {
        world.run_until(at);
        wakes += 1;
    }
    assert!(wakes < 60, "{wakes} wakes in 10 s");
}
