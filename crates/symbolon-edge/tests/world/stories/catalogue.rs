//! The abuse catalogue's group about WebRTC and packets, by its ids: the cases that are about what an edge does with a
//! datagram, an offer or a report. Where the catalogue gives a rate for a minute, as many datagrams come here as it takes to
//! see the rule at work, in virtual time.
//!
//! Elsewhere: W-08 (`stories/paths.rs`, `the_certificate_of_a_session_cannot_change`), W-23 (`edge/src/forward.rs`,
//! `bitrate_is_policed_over_time`).
//!
//! Waiting for what is not there yet: W-04, W-05, W-07, W-12 and W-13 need a client that speaks DTLS and SRTCP as no client
//! should; W-25 a relay; W-26 to W-28 WHIP.

use std::net::SocketAddr;
use std::time::Duration;

use str0m::ice::{StunMessage, TransId};
use symbolon_edge::DropCause;
use symbolon_proto::message::{Kind, ServerMessage};

use crate::net::Datagram;
use crate::world::World;

/// A call between ann, who publishes, and bob, who watches; and all that ann sent in its first second.
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

fn stranger(port: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 7], port))
}

/// The edge's user name fragment and password for a client, as its answer told them.
fn secrets_of(world: &World, name: &str) -> (String, String) {
    let answer = &world.clients[name].answer;
    let value = |prefix: &str| answer.lines().find_map(|line| line.strip_prefix(prefix)).unwrap().to_owned();
    (value("a=ice-ufrag:"), value("a=ice-pwd:"))
}

fn check(user: &str, password: &str) -> Vec<u8> {
    let message = StunMessage::binding_request(user, TransId::new(), true, 1, 1, true);
    let mut buffer = vec![0; 500];
    let provider = str0m::crypto::from_feature_flags().sha1_hmac_provider;
    let length = message
        .to_bytes(Some(password.as_bytes()), &mut buffer, |key: &[u8], parts: &[&[u8]]| provider.sha1_hmac(key, parts))
        .unwrap();
    buffer.truncate(length);
    buffer
}

/// Injects these from somewhere and asserts that each is dropped and nothing leaves for anybody because of it.
fn assert_dropped(world: &mut World, source: SocketAddr, datagrams: &[Vec<u8>]) {
    for bytes in datagrams {
        let before = world.stats();
        world.inject(source, bytes);
        let after = world.stats();
        assert_eq!(after.datagrams_out, before.datagrams_out, "{bytes:02x?}");
        assert_eq!(after.packets_forwarded, before.packets_forwarded, "{bytes:02x?}");
        assert_eq!(after.dropped.total(), before.dropped.total() + 1, "{bytes:02x?}");
    }
    assert_eq!(
        world.wire.sent_to(source),
        if source.ip() == stranger(1).ip() { 0 } else { world.wire.sent_to(source) }
    );
}

/// The call is as it was: bob's picture goes on, and nobody has been closed.
fn assert_goes_on(world: &mut World) {
    let before = world.count("bob", 1, Kind::Video);
    world.run_for(2);
    let came = world.count("bob", 1, Kind::Video) - before;
    assert!(came >= 140, "{came} of 150 packets");
    assert!(world.clients["ann"].open && world.clients["bob"].open);
}

#[test]
fn w_01_a_flood_of_checks_for_unknown_users_is_dropped() {
    let (mut world, _) = call(201);
    let before = world.stats();
    let flood: Vec<_> = (0..10_000).map(|n| check(&format!("{n:016x}:them"), "a password of some length")).collect();
    for (port, bytes) in (1_000..).zip(&flood) {
        world.inject(stranger(port % 50_000 + 1), bytes);
    }
    let after = world.stats();
    assert_eq!(after.dropped.get(DropCause::UnknownUser) - before.dropped.get(DropCause::UnknownUser), 10_000);
    assert_eq!(after.datagrams_out, before.datagrams_out);
    assert_goes_on(&mut world);
}

#[test]
fn w_02_malformed_stun_is_dropped() {
    let (mut world, _) = call(202);
    let (ufrag, password) = secrets_of(&world, "ann");
    let good = check(&format!("{ufrag}:them"), &password);
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let integrity_first = {
        // Header and MESSAGE-INTEGRITY, and the user name only behind it.
        let mut message = good[..20].to_vec();
        message.extend_from_slice(&[0, 8, 0, 20]);
        message.extend_from_slice(&[7; 20]);
        message.extend_from_slice(&good[20..40]);
        let length = (message.len() - 20) as u16;
        message[2..4].copy_from_slice(&length.to_be_bytes());
        message
    };
    let last = good.len() - 1;
    let datagrams = [
        with(22, &[0xFF, 0xFF]),
        with(2, &[0, 7]),
        integrity_first.clone(),
        [integrity_first, vec![0, 8, 0, 20], vec![9; 20]].concat(),
        with(last, &[!good[last]]),
        good[..20].to_vec(),
        [good.clone(), vec![0; 65_507 - good.len()]].concat(),
    ];
    assert_dropped(&mut world, stranger(2), &datagrams);
    assert_goes_on(&mut world);
}

#[test]
fn w_03_nothing_is_answered_with_more_bytes_than_came() {
    let (mut world, from_ann) = call(203);
    let mut rng = fastrand::Rng::with_seed(203);
    let is = |range: std::ops::Range<u8>| move |datagram: &&Datagram| range.contains(&datagram.bytes[0]);
    let hello = from_ann.iter().find(is(20..64)).unwrap().bytes.clone();
    let reports: Vec<_> = from_ann.iter().filter(is(128..192)).map(|datagram| datagram.bytes.clone()).collect();
    let random = |rng: &mut fastrand::Rng| (0..rng.usize(0..1_500)).map(|_| rng.u8(..)).collect::<Vec<u8>>();
    for round in 0..10_000_usize {
        world.inject(stranger(3), &hello);
        world.inject(stranger(3), &reports[round % reports.len()]);
        world.inject(stranger(3), &random(&mut rng));
    }
    assert_eq!(world.wire.bytes_to(stranger(3)), 0);
    // A genuine check is answered, and never with more.
    let genuine = from_ann.iter().find(is(0..4)).unwrap().bytes.clone();
    let mut sent = 0;
    for _ in 0..1_000 {
        world.inject(stranger(4), &genuine);
        sent += genuine.len();
    }
    let answered = world.wire.bytes_to(stranger(4));
    assert!(0 < answered && answered <= sent, "{answered} for {sent}");
    assert_goes_on(&mut world);
}

#[test]
fn w_06_a_certificate_needs_a_strong_fingerprint() {
    let refused = |forge: fn(String) -> String| {
        let mut world = World::new(206);
        let ann = crate::client::Setup { forge, ..world.publisher(1) };
        world.join("ann", ann);
        world.clients["ann"].ended.clone().map(|ended| ended.slug)
    };
    fn replaced(sdp: String, line: impl Fn(&str) -> String) -> String {
        let lines = sdp.lines().map(|old| match old.strip_prefix("a=fingerprint:sha-256 ") {
            Some(hex) => line(hex),
            None => old.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\r\n") + "\r\n"
    }
    let table: [fn(String) -> String; 4] = [
        |sdp| replaced(sdp, |_| "a=sendrecv".to_owned()),
        |sdp| replaced(sdp, |_| "a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF".to_owned()),
        |sdp| replaced(sdp, |hex| format!("a=fingerprint:sha-1 {}", &hex[..59])),
        |sdp| replaced(sdp, |hex| format!("a=fingerprint:sha-256 {}", &hex[..92])),
    ];
    for forge in table {
        assert_eq!(refused(forge).as_deref(), Some("invalid_sdp"));
    }
    let mixed = |sdp| {
        replaced(sdp, |hex| {
            let flip = |(at, c): (usize, char)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c };
            format!("a=fingerprint:sha-256 {}", hex.chars().enumerate().map(flip).collect::<String>())
        })
    };
    assert_eq!(refused(mixed), None);
}

#[test]
fn w_09_packets_with_a_broken_tag_are_dropped_and_harm_no_stream() {
    let (mut world, from_ann) = call(209);
    let address = world.clients["ann"].address;
    let media: Vec<_> = from_ann.iter().filter(|datagram| datagram.bytes[0] >= 128).collect();
    let before = world.stats();
    for round in 0..10_000_usize {
        let mut bytes = media[round % media.len()].bytes.clone();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        world.inject(address, &bytes);
    }
    assert_eq!(world.stats().packets_forwarded, before.packets_forwarded);
    // Newer numbers too, which a genuine packet has yet to use.
    let newest =
        media.iter().rfind(|datagram| datagram.bytes[1] & 0x7F < 64 || datagram.bytes[1] & 0x7F >= 96).unwrap();
    for ahead in 1..2_000_u16 {
        let mut bytes = newest.bytes.clone();
        let number = u16::from_be_bytes([bytes[2], bytes[3]]).wrapping_add(ahead * 16);
        bytes[2..4].copy_from_slice(&number.to_be_bytes());
        world.inject(address, &bytes);
    }
    assert_goes_on(&mut world);
}

#[test]
fn w_10_and_w_11_malformed_packets_are_dropped() {
    let (mut world, from_ann) = call(210);
    let address = world.clients["ann"].address;
    let packet = from_ann.iter().rfind(|datagram| datagram.bytes.len() > 500).unwrap().bytes.clone();
    let ssrc = &packet[8..12];
    let rtp = |first: u8, length: usize| [&[first, packet[1]], &packet[2..12], &vec![0; length - 12][..]].concat();
    let extension_past_the_end = [&rtp(0x90, 12)[..], &[0xBE, 0xDE, 0xFF, 0xFF]].concat();
    let padding = |last: u8| [&rtp(0xA0, 30)[..], &[last]].concat();
    let rtcp = |kind: u8, count: u8, words: u16, body: &[u8]| {
        [&[0x80 | count, kind][..], &words.to_be_bytes(), ssrc, body].concat()
    };
    let remb = [&[0; 4][..], b"REMB", &[255, 0, 0, 0]].concat();
    let malformed = [
        rtp(0x8F, 20),
        extension_past_the_end,
        padding(200),
        padding(0),
        packet[..11].to_vec(),
        rtp(0x40, 40),
        rtcp(200, 0, 4_000, &[0; 20]),
        rtcp(206, 15, 4, &remb),
        rtcp(205, 15, 5, &[0, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
        rtcp(202, 31, 3, &[1, 255, 65, 65, 65, 65, 65, 65]),
        vec![0x80, 200, 0],
    ];
    // From elsewhere, and from the member itself, whose key none of them has seen.
    assert_dropped(&mut world, stranger(10), &malformed);
    for _ in 0..50 {
        for bytes in &malformed {
            let forwarded = world.stats().packets_forwarded;
            world.inject(address, bytes);
            assert_eq!(world.stats().packets_forwarded, forwarded);
        }
    }
    assert_goes_on(&mut world);
}

#[test]
fn w_14_a_storm_of_keyframe_requests_reaches_a_publisher_twice_a_second() {
    const VIEWERS: u32 = 20;
    let mut world = World::new(214);
    let ann = world.publisher(1);
    world.join("ann", ann);
    let names: Vec<_> = (2..VIEWERS + 2).map(|uid| format!("viewer-{uid}")).collect();
    for (uid, name) in (2..).zip(&names) {
        let viewer = world.viewer(uid);
        world.join(name, viewer);
    }
    world.run_for(2);
    world.client("ann").keyframes_asked.clear();
    for _ in 0..400 {
        let now = world.now();
        for name in &names {
            let slot = world.clients[name].heard_from(1, Kind::Video)[0].mid;
            world.client(name).ask_for_keyframe(now, slot);
        }
        world.run_for_ms(10);
    }
    let asked = &world.clients["ann"].keyframes_asked;
    assert!((4..=9).contains(&asked.len()), "{} in 4 s", asked.len());
    for pair in asked.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(450), "{:?}", pair[1] - pair[0]);
    }
}

#[test]
fn w_15_w_16_and_w_17_candidates_are_not_followed_however_many_there_are() {
    let mut world = World::new(215);
    let forge = |sdp: String| {
        let targets = [
            "127.0.0.1 22",
            "169.254.169.254 80",
            "10.0.0.5 6379",
            "::1 22",
            "::ffff:127.0.0.1 22",
            "0.0.0.0 7",
            "224.0.0.1 7",
            "255.255.255.255 7",
            "192.0.2.1 7000",
        ];
        let mut lines = String::new();
        for (number, target) in targets.iter().enumerate() {
            lines += &format!("a=candidate:{number} 1 udp 2130706431 {target} typ host\r\n");
            lines += &format!("a=candidate:{number} 1 tcp 1518280447 {target} typ host tcptype passive\r\n");
        }
        for port in 1..2_000 {
            lines += &format!("a=candidate:9{port} 1 udp 2130706431 203.0.113.9 {port} typ host\r\n");
        }
        // Into the first section, and at the end of the last one.
        sdp.replacen("a=mid:", &format!("{lines}a=mid:"), 1) + &lines
    };
    let ann = crate::client::Setup { forge, ..world.publisher(1) };
    let bob = world.viewer(2);
    world.join("ann", ann);
    world.join("bob", bob);
    world.run_for(2);
    assert_goes_on(&mut world);
    let members: std::collections::BTreeSet<_> = ["ann", "bob"].map(|name| world.clients[name].address).into();
    let destinations: std::collections::BTreeSet<_> = world.wire.destinations.keys().copied().collect();
    assert_eq!(destinations, members, "nothing went anywhere else");
}

#[test]
fn w_18_the_credentials_of_another_member_are_of_no_use() {
    let (mut world, _) = call(218);
    let ((victim, _), (_, own_password)) = (secrets_of(&world, "ann"), secrets_of(&world, "bob"));
    let before = world.stats();
    let bobs = world.clients["bob"].address;
    for source in [bobs, stranger(18)] {
        let sent = world.wire.sent_to(source);
        world.inject(source, &check(&format!("{victim}:them"), &own_password));
        assert_eq!(world.wire.sent_to(source), sent);
    }
    let wrong = world.stats().dropped.get(DropCause::BadIntegrity) - before.dropped.get(DropCause::BadIntegrity);
    assert_eq!(wrong, 2);
    assert_goes_on(&mut world);
}

#[test]
fn w_19_sending_stops_within_thirty_seconds_of_the_last_check() {
    let (mut world, _) = call(219);
    let address = world.clients["bob"].address;
    // The client's media goes on, only its checks do not arrive any more.
    let stopped = world.now();
    world.net.checks_from_are_lost = Some(address);
    world.run_for(30);
    let sent = world.wire.sent_to(address);
    assert!(world.now() - stopped <= Duration::from_secs(30));
    world.run_for(10);
    assert_eq!(world.wire.sent_to(address), sent, "nothing is sent any more");
    let left = world.messages("ann").any(|message| matches!(message, ServerMessage::MemberLeft { .. }));
    assert!(!left, "an audience member comes and goes unseen");
    assert_eq!(world.stats().members, 1);
}

#[test]
fn w_20_media_from_another_address_moves_nothing_there() {
    let (mut world, from_ann) = call(220);
    for datagram in from_ann.iter().filter(|datagram| datagram.bytes[0] >= 128) {
        world.inject(stranger(20), &datagram.bytes);
    }
    assert_goes_on(&mut world);
    assert_eq!(world.wire.sent_to(stranger(20)), 0);
}

#[test]
fn w_21_what_is_no_protocol_of_ours_is_dropped() {
    let (mut world, _) = call(221);
    let firsts = (4..=15).chain(64..=79).chain(192..=255_u8);
    let datagrams: Vec<_> = firsts.map(|first| vec![first; 40]).chain([Vec::new()]).collect();
    assert_dropped(&mut world, stranger(21), &datagrams);
    let address = world.clients["ann"].address;
    assert_dropped(&mut world, address, &datagrams);
    assert_goes_on(&mut world);
}

#[test]
fn w_22_random_datagrams_change_nothing() {
    let (mut world, _) = call(222);
    let mut rng = fastrand::Rng::with_seed(222);
    let before = world.stats();
    for _ in 0..100_000 {
        let length = rng.usize(0..=1_500);
        let mut bytes = vec![0; length];
        rng.fill(&mut bytes);
        let address = SocketAddr::from((rng.u32(..).to_be_bytes(), rng.u16(1..)));
        world.inject(address, &bytes);
    }
    let after = world.stats();
    assert_eq!(after.dropped.total() - before.dropped.total(), 100_000);
    assert_eq!((after.datagrams_out, after.peers), (before.datagrams_out, before.peers));
    assert_goes_on(&mut world);
}

#[test]
fn w_24_who_is_loud_is_told_no_more_often_than_three_times_a_second() {
    let mut world = World::new(224);
    for uid in 1..=10 {
        let setup = world.publisher(uid);
        let name = format!("loud-{uid}");
        world.join(&name, crate::client::Setup { publish: vec![Kind::Audio], ..setup });
        world.run_for_ms(30);
    }
    world.run_for(1);
    let start = world.now();
    for round in 0..200_u32 {
        for uid in 1..=10_u32 {
            // Two halves claim to be the loudest in turn, as loud as can be.
            let level = if (uid + round / 14) % 2 == 0 { 0 } else { -127 };
            world.client(&format!("loud-{uid}")).track(Kind::Audio).level = level;
        }
        world.run_for_ms(50);
    }
    let lists: Vec<_> = world.clients["loud-1"]
        .messages
        .iter()
        .filter(|(at, message)| *at > start && matches!(message, ServerMessage::Speakers { .. }))
        .map(|(at, _)| *at)
        .collect();
    assert!(lists.len() >= 5, "{}", lists.len());
    for pair in lists.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(300), "{:?}", pair[1] - pair[0]);
    }
    assert!(world.clients.values().all(|client| client.open
        && client.messages.iter().all(|(_, message)| !matches!(message, ServerMessage::RoleChanged { .. }))));
}
