//! The signalling door: who gets in, and what becomes of those who do not behave.

mod support;

use std::time::Duration;

use serde_json::json;
use support::socket::{Client, Closed, RawClient, frame, join};
use support::{Reply, TestServer, exchange, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Bytes, Message};

#[tokio::test]
async fn two_members_see_each_other_come_and_go() {
    let server = TestServer::development().await;
    let mut ann = Client::join(&server, "room-1", 1001).await;
    let mut bob = Client::join(&server, "room-1", 1002).await;
    let joined = ann.next_of("memberJoined").await;
    assert_eq!(joined["member"]["uid"], 1002);
    bob.send(&json!({"type": "leave"})).await;
    assert_eq!(bob.next_of("ended").await["code"], 0);
    assert_eq!(bob.closed().await, Closed(1000));
    let left = ann.next_of("memberLeft").await;
    assert_eq!((&left["uid"], &left["reason"]), (&json!(1002), &json!(0)));
    ann.send(&json!({"type": "ping"})).await;
    assert_eq!(ann.next_of("pong").await, json!({"type": "pong"}));
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_words_and_the_others_notice_nothing() {
    let server = TestServer::open(&[]).await;
    let mut ann = Client::join(&server, "AppTest", 1).await;
    let token = server.token("AgoraChannel", 2).await;
    for (app_id, channel, uid, code, word) in [
        (&*server.app_id, "AppTest", 2, 110, "channel"),
        (&*server.app_id, "AgoraChannel", 3, 110, "user"),
        (&*server.app_id, "*", 2, 102, "channel name"),
        ("4210f8b8acb2688dd1ee490aeb035c3d", "AgoraChannel", 2, 101, "App ID"),
    ] {
        let mut mallory = Client::connect(&server).await;
        let mut message = join(&server, channel, uid, &token);
        message["appId"] = json!(app_id);
        mallory.send(&message).await;
        let ended = mallory.next_of("ended").await;
        assert_eq!(ended["code"], code, "{ended}");
        let text = ended["message"].as_str().unwrap();
        assert!(text.contains(word) && !text.contains(&token), "{text}");
        mallory.closed().await;
    }
    ann.send(&json!({"type": "ping"})).await;
    assert_eq!(ann.next().await["type"], "pong");
}

#[tokio::test]
async fn whoever_says_nothing_is_closed_after_five_seconds() {
    let server = TestServer::open(&[]).await;
    let mut client = Client::connect(&server).await;
    let start = Instant::now();
    assert_eq!(client.closed().await, Closed(4401));
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(4_900) && took <= Duration::from_millis(6_500), "{took:?}");
}

#[tokio::test]
async fn the_first_message_is_a_join() {
    let server = TestServer::open(&[]).await;
    for first in
        [json!({"type": "ping"}), json!({"type": "leave"}), json!({"type": "renewToken", "id": 1, "token": "x"})]
    {
        let mut client = Client::connect(&server).await;
        client.send(&first).await;
        assert_eq!(client.next_of("error").await["slug"], "not_joined");
        assert_eq!(client.closed().await, Closed(4401));
    }
}

#[tokio::test]
async fn invalid_messages_are_named_three_times() {
    let server = TestServer::open(&[]).await;
    let odd = [
        ("hello", "no JSON"),
        (r#"{"type":"kick"}"#, "unknown variant"),
        (r#"{"type":"setRole","id":1}"#, "missing field `role`"),
    ];
    let mut client = Client::join(&server, "room-1", 1).await;
    for (text, word) in odd {
        client.send_text(text).await;
        let error = client.next_of("error").await;
        assert_eq!((&error["slug"], &error["code"]), (&json!("invalid_message"), &json!(2)));
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
    client.send_text(&"[".repeat(100_000)).await;
    assert_eq!(client.closed().await, Closed(4400));

    let mut client = Client::join(&server, "room-1", 2).await;
    client.send_frame(Message::Binary(Bytes::from_static(b"\x00"))).await;
    assert!(client.next_of("error").await["message"].as_str().unwrap().contains("binary"));
}

#[tokio::test]
async fn giant_messages_are_refused_whole_and_in_crumbs() {
    let server = TestServer::open(&[]).await;
    let mut whole = RawClient::connect(&server).await;
    whole.send(&frame(0x81, &vec![b' '; 256 * 1024 + 1])).await;
    assert_eq!(whole.closed().await, Some(Closed(1009)));

    let mut announced = RawClient::connect(&server).await;
    announced.send(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]).await;
    assert_eq!(announced.closed().await, Some(Closed(1009)));

    let mut crumbs = RawClient::connect(&server).await;
    let mut frames = frame(0x01, &[b' '; 100]);
    for _ in 0..10_000 {
        frames.extend(frame(0x00, &[b' '; 100]));
    }
    crumbs.send(&frames).await;
    assert_eq!(crumbs.closed().await, Some(Closed(1009)));

    let mut largest = Client::connect(&server).await;
    largest.send_text(&" ".repeat(256 * 1024)).await;
    assert_eq!(largest.next().await["slug"], "invalid_message");
}

#[tokio::test]
async fn broken_frames_break_the_connection() {
    let server = TestServer::open(&[]).await;
    let unmasked = vec![0x81, 0x02, b'{', b'}'];
    let rules = [
        ("unmasked", unmasked),
        ("reserved bit", frame(0xc1, b"{}")),
        ("reserved opcode", frame(0x83, b"{}")),
        ("reserved control opcode", frame(0x8b, b"")),
        ("large ping", frame(0x89, &[0; 126])),
        ("fragmented ping", frame(0x09, b"")),
        ("continuation of nothing", frame(0x80, b"x")),
        ("close code 1005", frame(0x88, &1005_u16.to_be_bytes())),
        ("half a close code", frame(0x88, &[3])),
    ];
    for (name, bytes) in rules {
        let mut client = RawClient::connect(&server).await;
        client.send(&bytes).await;
        assert_eq!(client.closed().await, Some(Closed(1002)), "{name}");
    }
    let mut client = RawClient::connect(&server).await;
    client.send(&frame(0x81, &[0xff, 0xfe])).await;
    assert_eq!(client.closed().await, Some(Closed(1007)));
}

#[tokio::test]
async fn a_flood_is_slowed_down_and_then_ended() {
    let server = TestServer::open(&[]).await;
    let mut other = Client::join(&server, "room-1", 2).await;
    let mut flooder = RawClient::connect(&server).await;
    let token = server.token("room-2", 1).await;
    flooder.send(&frame(0x81, join(&server, "room-2", 1, &token).to_string().as_bytes())).await;
    let start = Instant::now();
    flooder.send(&frame(0x81, br#"{"type":"ping"}"#).repeat(1_000)).await;
    other.send(&json!({"type": "ping"})).await;
    assert_eq!(other.next().await["type"], "pong");
    assert_eq!(flooder.closed().await, Some(Closed(4429)));
    assert!(start.elapsed() >= Duration::from_secs(4), "it was slowed down before it was ended");
}

#[tokio::test]
async fn a_client_that_no_longer_answers_is_gone() {
    let server = TestServer::open(&[]).await;
    let mut watcher = Client::join(&server, "room-1", 2).await;
    let mut silent = RawClient::connect(&server).await;
    let token = server.token("room-1", 1).await;
    silent.send(&frame(0x81, join(&server, "room-1", 1, &token).to_string().as_bytes())).await;
    watcher.next_of("memberJoined").await;
    let start = Instant::now();
    tokio::select! {
        _ = silent.closed() => {}
        // Reading answers the server's pings; the silent one may come back for a while, so the watcher hears nothing yet.
        message = watcher.next() => panic!("too early: {message}"),
    }
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(8) && took < Duration::from_secs(11), "{took:?}");
    let left = watcher.next_of("memberLeft").await;
    assert_eq!((&left["uid"], &left["reason"]), (&json!(1), &json!(1)));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[tokio::test]
async fn foreign_pages_do_not_get_in() {
    let server = TestServer::open(&[("CORS_ALLOW_ORIGIN", "https://app.example")]).await;
    let own = format!("http://{}", server.address);
    for (origin, status) in [("https://evil.example", 403), ("null", 403), ("https://app.example", 101), (&own, 101)] {
        let reply = upgrade(&server, "HTTP/1.1", &[("Origin", origin)]).await;
        assert_eq!(reply.status, status, "{origin}");
    }
    assert_eq!(upgrade(&server, "HTTP/1.1", &[]).await.status, 101);
}

#[tokio::test]
async fn bad_upgrades_are_told_what_is_wrong() {
    let server = TestServer::open(&[]).await;
    for (version, headers, status) in [
        ("HTTP/1.1", [("Sec-WebSocket-Key", "")].as_slice(), 400),
        ("HTTP/1.1", &[("Sec-WebSocket-Version", "12")], 426),
        ("HTTP/1.1", &[("Connection", "keep-alive")], 426),
        ("HTTP/1.1", &[("Upgrade", "h2c")], 426),
        ("HTTP/1.0", &[], 400),
    ] {
        let reply = upgrade(&server, version, headers).await;
        assert_eq!(reply.status, status, "{headers:?} {reply:?}");
        assert!(!reply.body.is_empty());
    }
    assert_eq!(server.get("/v1/signal").await.header("sec-websocket-version"), Some("13"));
}

/// Asks for an upgrade with these headers over the usual ones, and reads the head of the answer.
async fn upgrade(server: &TestServer, version: &str, headers: &[(&str, &str)]) -> Reply {
    let host = server.address.to_string();
    let usual = [
        ("Host", &*host),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let usual = usual.iter().filter(|(name, _)| !headers.iter().any(|(known, _)| known == name));
    let lines: String = usual.chain(headers).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    // A close frame behind the request ends the connection where the upgrade succeeds.
    let mut bytes = format!("GET /v1/signal {version}\r\n{lines}\r\n").into_bytes();
    bytes.extend(frame(0x88, &1000_u16.to_be_bytes()));
    Reply::parse(&exchange(server.address, &bytes).await)
}

#[tokio::test]
async fn garbage_datagrams_are_dropped_without_an_answer() {
    let server = TestServer::open(&[]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut seed = 1_u64;
    for number in 0..500_usize {
        let garbage: Vec<u8> = (0..number * 3)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            })
            .collect();
        socket.send_to(&garbage, server.address).await.unwrap();
    }
    // Half a handshake: a DTLS record, and STUN for a user that nobody is.
    socket.send_to(b"\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", server.address).await.unwrap();
    socket.send_to(b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", server.address).await.unwrap();

    let dropped = |text: &str| -> u64 {
        let lines = text.lines().filter(|line| line.starts_with("symbolon_dropped_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    within(async {
        while dropped(&server.metrics().await) < 400 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut buffer = [0; 2048];
    assert!(socket.try_recv(&mut buffer).is_err(), "nothing is answered");
    Client::join(&server, "room-1", 1).await;
}

#[tokio::test]
async fn metrics_count_and_name_nobody() {
    let server = TestServer::open(&[]).await;
    let _ann = Client::join(&server, "secret-room", 77001).await;
    let mut bob = Client::connect(&server).await;
    bob.send(&join(&server, "secret-room", 77002, "007eJx")).await;
    bob.closed().await;
    let text = server.metrics().await;
    for line in [
        "symbolon_joins_total{outcome=\"joined\",reason=\"ok\"} 1",
        "symbolon_members 1",
        "symbolon_channels 1",
        "symbolon_signalling_connections 1",
        "symbolon_tokens_total{kind=\"rtc\",outcome=\"minted\"} 1",
        "symbolon_http_requests_total{status=\"200\"} 1",
        "symbolon_http_requests_total{status=\"101\"} 2",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    assert!(text.contains("symbolon_joins_total{outcome=\"refused\""), "{text}");
    assert!(!text.contains("secret-room") && !text.contains("77001"), "{text}");
    assert_eq!(server.get("/metrics").await.status, 404, "not on the public listener");
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn one_client_cannot_take_every_connection() {
    let server = TestServer::open(&[("SYMBOLON_MAX_CONNECTIONS_PER_CLIENT", "3")]).await;
    let _ann = Client::connect(&server).await;
    let mut bob = Client::connect(&server).await;
    let _cleo = Client::connect(&server).await;
    let refused = server.get("/ping").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")));
    bob.send_frame(Message::Close(None)).await;
    bob.closed().await;
    drop(bob);
    within(async {
        while server.get("/ping").await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_tells_everyone_and_comes_soon() {
    let mut server = TestServer::open(&[]).await;
    let mut ann = Client::join(&server, "room-1", 1).await;
    let start = Instant::now();
    let (closed, ()) = tokio::join!(ann.closed(), server.stop());
    assert_eq!(closed, Closed(1001));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn slow_heads_and_slow_bodies_are_cut_off() {
    let server = TestServer::open(&[]).await;
    let start = Instant::now();
    let silent = exchange(server.address, b"");
    let half = exchange(server.address, b"GET /ping HT");
    let (silent, half) = tokio::join!(silent, half);
    assert!(silent.is_empty() && half.is_empty());
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(4_900) && took < Duration::from_millis(7_500), "{took:?}");

    let body = b"POST /getToken HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{";
    let reply = Reply::parse(&exchange(server.address, body).await);
    assert_eq!(reply.status, 408);
}

#[tokio::test]
async fn a_kept_connection_may_rest_but_a_head_that_has_begun_must_come() {
    let server = TestServer::open(&[]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        answer.push(within(stream.read_u8()).await.unwrap());
    }
    let rest = tokio::time::timeout(Duration::from_secs(6), stream.read_u8()).await;
    assert!(rest.is_err(), "it is still open after more time than a head may take");
    let start = Instant::now();
    stream.write_all(b"GET /ping HT").await.unwrap();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(4_900) && took < Duration::from_millis(7_500), "{took:?}");
}
