//! What heads, connections and methods may look like, and what browsers may do (H-20 to H-32, H-52).

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::house::{Answer, House, eventually};

#[test]
fn h_20_giant_request_targets() {
    let house = House::new();
    assert_eq!(house.get(&format!("/{}", "a".repeat(8_192))).status, 414);
    let pairs = "expiry=60&".repeat(100_000);
    assert_eq!(house.get(&format!("/rtc/room-1/publisher/uid/1001/?{pairs}")).status, 414);
    assert_eq!(house.get(&format!("/{}", "a".repeat(8_000))).status, 404);
    house.end();
}

#[test]
fn h_21_giant_headers() {
    let house = House::new();
    let long = "x".repeat(17 * 1024);
    assert_eq!(house.request("GET", "/ping", &[("X-Long", &long)], "").status, 431);
    let many = vec![("X-Many", "1"); 101];
    assert_eq!(house.request("GET", "/ping", &many, "").status, 431);
    let cookies = vec![("Cookie", "a=b"); 1_000];
    assert_eq!(house.request("GET", "/ping", &cookies, "").status, 431);
    house.end();
}

#[test]
fn h_22_slow_heads_are_closed_in_time_while_others_are_served() {
    let house = House::with(&[("SYMBOLON_MAX_CONNECTIONS_PER_CLIENT", "600")]);
    // Once it answers, it has opened what it opens by itself.
    assert_eq!(house.get("/ping").status, 200);
    let before = house.sockets();
    let start = Instant::now();
    let mut slow: Vec<TcpStream> = (0..500).map(|_| house.sent(b"G")).collect();
    let mut longest = Duration::ZERO;
    while start.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        assert_eq!(house.get("/rtc/room-1/publisher/uid/1001/").status, 200);
        longest = longest.max(asked.elapsed());
    }
    assert!(longest < Duration::from_secs(1), "a request took {longest:?}");
    for stream in &mut slow {
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let took = start.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&took), "all were closed after {took:?}");
    drop(slow);
    eventually("the sockets are given back", || house.sockets() <= before + 1);
    house.end();
}

#[test]
fn h_23_a_client_that_never_reads_costs_little() {
    let house = House::new();
    let before = house.memory();
    let request = format!(
        "GET /rtc/room-1/publisher/uid/1001/ HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        house.address, house.anything
    );
    let mut stream = house.connect();
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a time limit");
    // What cannot be written any more waits in the client.
    let _ = stream.write_all(request.repeat(10_000).as_bytes());
    let grown = house.memory().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes");
    assert_eq!(house.get("/ping").status, 200);
    drop(stream);
    house.end();
}

#[test]
fn h_24_both_lengths() {
    let house = House::new();
    let answer = smuggled(&house, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n");
    assert_eq!(answer.status, 400, "{answer:?}");
    house.end();
}

#[test]
fn h_25_odd_encodings_of_the_length() {
    let house = House::new();
    for (headers, body) in [
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "aaaaa"),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "0x5\r\naaaaa\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "-1\r\naaaaa\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\naaaaa\r\n0\r\n\r\n"),
        ("Content-Length: +5\r\n", "aaaaa"),
        ("Content-Length: 0x5\r\n", "aaaaa"),
    ] {
        let answer = smuggled(&house, headers, body);
        assert!(matches!(answer.status, 0 | 400), "{headers:?} {answer:?}");
    }
    house.end();
}

/// Sends a request of questionable length with another behind it, which must never be answered.
fn smuggled(house: &House, headers: &str, body: &str) -> Answer {
    let second = format!("GET /ping HTTP/1.1\r\nHost: {}\r\n\r\n", house.address);
    let text = format!(
        "POST /getToken HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{headers}\r\n{body}{second}",
        house.address, house.anything
    );
    let mut stream = house.sent(text.as_bytes());
    // Nothing more will come, so that a length that is beyond everything is not waited for.
    let _ = stream.shutdown(Shutdown::Write);
    let answer = Answer::read(&mut stream);
    assert!(!answer.body.contains("pong") && !answer.body.contains("HTTP/1.1"), "{headers:?} {answer:?}");
    answer
}

#[test]
fn h_28_unsupported_methods() {
    let house = House::new();
    for method in ["TRACE", "CONNECT", "PUT", "DELETE", "PROPFIND", "GET"] {
        let answer = house.request(method, "/getToken", &[("X-Secret", "echo-me-not")], "");
        assert!(matches!(answer.status, 400 | 404 | 405), "{method} {answer:?}");
        assert!(!answer.body.contains("echo-me-not"), "{answer:?}");
    }
    house.end();
}

#[test]
fn h_29_head_mints_nothing() {
    let house = House::new();
    let bearer = format!("Bearer {}", house.anything);
    for path in ["/rtc/room-1/publisher/uid/1001/", "/rtm/1001/", "/chat/app/", "/getToken"] {
        let answer = house.request("HEAD", path, &[("Authorization", &bearer)], "");
        assert!(matches!(answer.status, 404 | 405), "{path} {answer:?}");
    }
    assert!(!house.metrics().contains(r#"outcome="minted"} 1"#), "{}", house.metrics());
    house.end();
}

#[test]
fn h_30_look_alike_origins() {
    let house = House::with(&[("CORS_ALLOW_ORIGIN", "https://app.example, https://second.example")]);
    let ask = |origin: &str| house.request("GET", "/rtc/room-1/publisher/uid/1001/", &[("Origin", origin)], "");
    for origin in [
        "https://app.example.evil.example",
        "https://app.example:444",
        "http://app.example",
        "https://APP.example.",
        "null",
        "https://app.example/",
        "",
    ] {
        let answer = ask(origin);
        assert_eq!(answer.status, 403, "{origin} {answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "{origin}");
    }
    for origin in ["https://app.example", "https://second.example"] {
        let answer = ask(origin);
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
    assert_eq!(house.get("/rtc/room-1/publisher/uid/1001/").status, 200, "without an origin to authentication");
    house.end();
}

#[test]
fn h_31_host_header_tricks() {
    let house = House::new();
    let answer = house.request("GET", "/ping/", &[("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")], "");
    assert_eq!(answer.status, 301, "{answer:?}");
    assert!(!format!("{answer:?}").contains("evil.example"), "{answer:?}");
    let two =
        format!("GET /ping HTTP/1.1\r\nHost: {}\r\nHost: evil.example\r\nConnection: close\r\n\r\n", house.address);
    assert_eq!(house.send(two.as_bytes()).status, 400);
    house.end();
}

#[test]
fn h_32_two_authorization_headers() {
    let house = House::new();
    let good = format!("Bearer {}", house.anything);
    let bad = "Bearer sym_0101010101010101_00";
    let lowercase = format!("bearer  {}  {}", house.anything, house.anything);
    for headers in [
        vec![("Authorization", &*good), ("Authorization", bad)],
        vec![("Authorization", bad), ("Authorization", &*good)],
        vec![("Authorization", &*good), ("Authorization", &*good)],
        vec![("Authorization", "Bearer ")],
        vec![("Authorization", "Bearer")],
        vec![("Authorization", "bearer  x  y")],
        vec![("Authorization", &*lowercase)],
        vec![("Authorization", "Basic Og==")],
    ] {
        let answer = house.request("GET", "/rtc/room-1/publisher/uid/1001/", &headers, "");
        assert!(matches!(answer.status, 400 | 401), "{headers:?} {answer:?}");
    }
    house.end();
}
