//! What it costs to forward: one publisher, so many viewers, all in this process. `scripts/count-instructions` runs it
//! under callgrind, which counts the instructions within `forward_frames`.
//!
//!   cargo bench -p symbolon-edge --bench fanout -- VIEWERS FRAMES

#![expect(clippy::disallowed_methods, reason = "a call has to begin at some instant")]
#![expect(clippy::wildcard_enum_match_arm, reason = "the clients of the tests look at the few messages they need")]
#![expect(clippy::print_stdout, reason = "the figures are what this is for")]
#![allow(dead_code, reason = "the world of the tests can do more")]

#[path = "../tests/world/client.rs"]
mod client;
#[path = "../tests/world/net.rs"]
mod net;
#[path = "../tests/world/wire.rs"]
mod wire;
#[path = "../tests/world/world.rs"]
mod world;

use std::time::{Duration, Instant};

use symbolon_edge::{Incoming, Input};
use symbolon_proto::Now;
use symbolon_proto::message::Kind;

use crate::client::Client;
use crate::net::Datagram;
use crate::world::{START, World};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let viewers: u32 = numbers.next().unwrap_or(100);
    let frames: u32 = numbers.next().unwrap_or(50);

    let mut world = World::new(7);
    let began = world.now();
    let setup = world.publisher(1);
    world.join("publisher", client::Setup { publish: vec![Kind::Video], ..setup });
    for uid in 2..viewers + 2 {
        let setup = world.viewer(uid);
        world.join(&format!("viewer-{uid}"), client::Setup { audio_slots: 0, video_slots: 1, ..setup });
        world.run_for_ms(20);
    }
    world.run_for(1);
    let received: Vec<usize> = world.clients.values().map(|client| client.received.len()).collect();
    assert!(received.iter().filter(|count| **count > 0).count() as u32 == viewers, "all receive: {received:?}");

    // Viewers do nothing from here on: what they would do is not what is measured.
    let mut batches = Vec::new();
    for _ in 0..frames {
        let (at, batch) = next_frame(world.client("publisher"));
        batches.push((Now::new(at, Duration::from_secs(START) + (at - began)), batch));
    }
    let before = world.stats();
    let (mut datagrams, mut bytes) = (0_u64, 0_u64);
    let started = Instant::now();
    for (now, batch) in &batches {
        let incoming: Vec<_> = batch
            .iter()
            .map(|one| Incoming { source: one.source, destination: one.destination, bytes: &one.bytes })
            .collect();
        forward_frames(&mut world, *now, &incoming);
        while let Some(datagram) = world.edge.poll_datagram() {
            datagrams += 1;
            bytes += datagram.bytes.len() as u64;
        }
    }
    let took = started.elapsed();
    let forwarded = world.stats().packets_forwarded - before.packets_forwarded;
    assert!(forwarded == u64::from(frames * 3 * viewers), "{forwarded} of {frames} frames");
    println!(
        "viewers {viewers} forwarded {forwarded} datagrams {datagrams} bytes {bytes} ns_per_packet {:.0}",
        took.as_nanos() as f64 / forwarded as f64
    );
}

/// Lets the publisher make its next frame, and gives what it sends for it.
fn next_frame(publisher: &mut Client) -> (Instant, Vec<Datagram>) {
    let is_media = |datagram: &Datagram| datagram.bytes.len() > 500;
    for _ in 0..10_000 {
        let at = publisher.deadline();
        let sent = publisher.run(at);
        if sent.iter().any(is_media) {
            return (at, sent.into_iter().filter(is_media).collect());
        }
    }
    panic!("the publisher sends nothing");
}

/// What is counted.
#[inline(never)]
fn forward_frames(world: &mut World, now: Now, incoming: &[Incoming<'_>]) {
    world.edge.handle(now, Input::Datagrams(incoming));
}
