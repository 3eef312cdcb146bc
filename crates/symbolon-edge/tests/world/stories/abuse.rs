//! Datagrams from people who should not be there.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use symbolon_edge::DropCause;
use symbolon_proto::message::Kind;

use crate::net::Datagram;
use crate::world::World;

const STRANGER: [u8; 4] = [203, 0, 113, 7];

fn stranger(port: u16) -> SocketAddr {
    SocketAddr::from((STRANGER, port))
}

/// A call between ann and bob, and all datagrams that ann sent in its first second.
fn call(seed: u64) -> (World, Vec<Datagram>) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.publisher(1), world.viewer(2));
    world.join("ann", ann);
    world.join("bob", bob);
    world.net.record = Some(Vec::new());
    world.run_for(1);
    let recorded = world.net.record.take().unwrap();
    let from_ann = recorded.into_iter().filter(|datagram| datagram.source == world.clients["ann"].address).collect();
    (world, from_ann)
}

#[test]
fn strangers_get_no_answer_whatever_they_send() {
    let (mut world, from_ann) = call(100);
    let mut rng = fastrand::Rng::with_seed(100);
    let before = world.stats();
    for round in 0..20_000_u32 {
        let length = rng.usize(0..1_600);
        let mut bytes: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
        if round % 3 == 0 && length > 20 {
            // The look of STUN, DTLS or RTP.
            bytes[0] = *rng.choice(&[0_u8, 1, 22, 128, 144]).unwrap();
        }
        world.inject(stranger(rng.u16(1..)), &bytes);
    }
    // And what really was said, from elsewhere: handshake, media, reports. Not the checks, which are genuine.
    for datagram in from_ann.iter().filter(|datagram| datagram.bytes[0] > 3) {
        world.inject(stranger(9), &datagram.bytes);
    }
    assert!(from_ann.iter().any(|datagram| (20..64).contains(&datagram.bytes[0])));
    let after = world.stats();
    let strangers = world.wire.destinations.keys().filter(|address| address.ip() == stranger(1).ip()).count();
    assert_eq!(strangers, 0, "nothing was sent to them");
    assert_eq!(after.datagrams_out, before.datagrams_out);
    let dropped = |cause| after.dropped.get(cause) - before.dropped.get(cause);
    for cause in [DropCause::Size, DropCause::UnknownProtocol, DropCause::MalformedStun, DropCause::UnknownSource] {
        assert!(dropped(cause) > 0, "{cause:?}");
    }
    assert_eq!(after.datagrams_in - before.datagrams_in, after.dropped.total() - before.dropped.total());
    let count = world.count("bob", 1, Kind::Video);
    world.run_for(1);
    assert!(world.count("bob", 1, Kind::Video) > count + 60, "the call goes on");
}

#[test]
fn stun_without_the_password_is_not_answered() {
    let (mut world, from_ann) = call(101);
    let check = from_ann.iter().find(|datagram| datagram.bytes[0] < 4).unwrap().bytes.clone();
    let before = world.stats();
    for at in 20..check.len() - 8 {
        let mut forged = check.clone();
        forged[at] ^= 1;
        world.inject(stranger(1), &forged);
    }
    assert_eq!(world.wire.sent_to(stranger(1)), 0);
    let after = world.stats();
    let count = |cause| after.dropped.get(cause) - before.dropped.get(cause);
    assert!(count(DropCause::BadIntegrity) > 20 && count(DropCause::UnknownUser) > 5, "{:?}", after.dropped);
    // The same unchanged is genuine, wherever it comes from: it is answered, once, with no more bytes than it had.
    world.inject(stranger(1), &check);
    assert_eq!(world.wire.sent_to(stranger(1)), 1);
    assert!(world.wire.largest_to(stranger(1)) <= check.len());
}

#[test]
fn noise_from_a_members_own_address_harms_nobody() {
    let (mut world, from_ann) = call(102);
    let address = world.clients["ann"].address;
    let mut rng = fastrand::Rng::with_seed(102);
    for round in 0..5_000_usize {
        let mut bytes = from_ann[round % from_ann.len()].bytes.clone();
        if bytes[0] < 4 {
            continue;
        }
        let at = rng.usize(1..bytes.len());
        bytes[at] ^= 1 << rng.u32(0..8);
        world.inject(address, &bytes);
        let length = rng.usize(2..200);
        let noise: Vec<u8> = std::iter::once(*rng.choice(&[22_u8, 23, 128, 144]).unwrap())
            .chain((0..length).map(|_| rng.u8(..)))
            .collect();
        world.inject(address, &noise);
    }
    let count = world.count("bob", 1, Kind::Video);
    world.run_for(2);
    assert!(world.count("bob", 1, Kind::Video) > count + 100, "the call goes on");
    assert!(world.clients["ann"].open && world.clients["bob"].open);
}

#[test]
fn replayed_packets_go_nowhere() {
    let (mut world, from_ann) = call(103);
    let address = world.clients["ann"].address;
    world.run_for_ms(100);
    let before = world.stats().packets_forwarded;
    for datagram in from_ann.iter().filter(|datagram| datagram.bytes[0] >= 128) {
        world.inject(address, &datagram.bytes);
    }
    assert_eq!(world.stats().packets_forwarded, before);
}

#[test]
fn half_a_handshake_costs_nothing_for_long() {
    let mut world = World::new(104);
    for uid in 1..=50 {
        let viewer = world.viewer(uid);
        let name = format!("half-{uid}");
        world.join(&name, viewer);
        // The first flight gets through, and nothing after it.
        world.client(&name).rtc.disconnect();
    }
    assert_eq!(world.stats().peers, 50);
    world.run_for(31);
    assert_eq!(world.stats().peers, 0);
    world.run_for(21);
    assert_eq!((world.stats().members, world.stats().channels), (0, 0));
}

#[test]
fn the_same_seed_tells_the_same_story() {
    // The DTLS library draws its own randomness, so only a network that loses nothing repeats itself to the packet.
    let story = || {
        let mut world = World::new(105);
        world.storm(0, 20, 0);
        let (ann, bob) = (world.publisher(1), world.viewer(2));
        world.join("ann", ann);
        let start = world.now();
        world.join("bob", bob);
        world.run_for(3);
        let messages: Vec<_> = world.clients["bob"].messages.iter().map(|(at, _)| *at - start).collect();
        let media =
            world.clients["bob"].received.iter().map(|packet| (packet.at - start, packet.number(), packet.ssrc));
        (messages, media.collect::<BTreeSet<_>>())
    };
    assert_eq!(story(), story());
}
