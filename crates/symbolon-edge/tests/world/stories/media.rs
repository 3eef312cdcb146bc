//! Media gets through.

use symbolon_proto::message::Kind;

use crate::world::World;

#[test]
fn media_arrives_as_it_was_sent() {
    let mut world = World::new(1);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(3);
    assert!(world.count("bob", 1, Kind::Video) > 150, "{}", world.count("bob", 1, Kind::Video));
    assert!(world.count("bob", 1, Kind::Audio) > 100);
    let sent = &world.clients["ann"].sent;
    for packet in &world.clients["bob"].received {
        assert!(sent.contains(&packet.payload));
    }
}
