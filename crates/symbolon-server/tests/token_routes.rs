//! The token routes as their clients see them: status, headers, bodies, and what the tokens grant.

mod support;

use std::collections::BTreeMap;

use support::{Reply, TestServer, exchange};
use symbolon_token::{Claims, Service};

/// What the only services of a token grant, as `kind(place, user) {privilege: life}`.
fn grants(claims: &Claims) -> String {
    claims.services().iter().map(grant).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else a token may hold is wrong here")]
fn grant(service: &Service) -> String {
    let privileges: BTreeMap<_, _> = service.privileges().iter().collect();
    match service {
        Service::Rtc { channel, uid, .. } => format!("rtc({channel:?}, {uid:?}) {privileges:?}"),
        Service::Rtm { user_id, .. } => format!("rtm({user_id:?}) {privileges:?}"),
        Service::Chat { user_id, .. } => format!("chat({user_id:?}) {privileges:?}"),
        other => panic!("no such token is made here: {other:?}"),
    }
}

#[tokio::test]
async fn get_routes_make_the_tokens_that_they_name() {
    let server = TestServer::open(&[]).await;
    let all = |life| format!("{{1: {life}, 2: {life}, 3: {life}, 4: {life}}}");
    let table = [
        ("/rtc/room-1/publisher/uid/1001/", "rtcToken", format!(r#"rtc("room-1", "1001") {}"#, all(3600))),
        ("/rtc/room-1/1/uid/1001/?expiry=60", "rtcToken", format!(r#"rtc("room-1", "1001") {}"#, all(60))),
        ("/rtc/room-1/subscriber/uid/1001/", "rtcToken", r#"rtc("room-1", "1001") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/audience/uid/1001/", "rtcToken", r#"rtc("room-1", "1001") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/2/uid/1001/", "rtcToken", r#"rtc("room-1", "1001") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/2/uid/0042/", "rtcToken", r#"rtc("room-1", "42") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/2/uid/4294967295/", "rtcToken", r#"rtc("room-1", "4294967295") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/2/uid/0/", "rtcToken", r#"rtc("room-1", "") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/2/uid//", "rtcToken", r#"rtc("room-1", "") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/2/userAccount/ann/", "rtcToken", r#"rtc("room-1", "ann") {1: 3600}"#.to_owned()),
        ("/rtc/room-1/2/userAccount/0/", "rtcToken", r#"rtc("room-1", "0") {1: 3600}"#.to_owned()),
        ("/rtc/room%20%2b+/2/uid/1/", "rtcToken", r#"rtc("room ++", "1") {1: 3600}"#.to_owned()),
        ("/rtc/%252e%252e/2/uid/1/", "rtcToken", r#"rtc("%2e%2e", "1") {1: 3600}"#.to_owned()),
        ("/rtc/$(id)/2/uid/1/", "rtcToken", r#"rtc("$(id)", "1") {1: 3600}"#.to_owned()),
        ("/rtc/%7B%7B7+7%7D%7D/2/uid/1/", "rtcToken", r#"rtc("{{7+7}}", "1") {1: 3600}"#.to_owned()),
        ("/rtc/c/2/uid/1/?expiry=6%30", "rtcToken", r#"rtc("c", "1") {1: 60}"#.to_owned()),
        ("/rtc/c/2/uid/1/?expiry=60&expiry=86400", "rtcToken", r#"rtc("c", "1") {1: 60}"#.to_owned()),
        ("/rtc/c/2/uid/1/?x=1&expiry=86400", "rtcToken", r#"rtc("c", "1") {1: 86400}"#.to_owned()),
        ("/rtm/ann/", "rtmToken", r#"rtm("ann") {1: 3600}"#.to_owned()),
        ("/rtm/ann/?expiry=1", "rtmToken", r#"rtm("ann") {1: 1}"#.to_owned()),
        ("/rte/c/publisher/uid/7/", "rtcToken", format!(r#"rtc("c", "7") {}"#, all(3600))),
        ("/rte/c/publisher/uid/7/", "rtmToken", r#"rtc("c", "7") {1: 3600, 4: 3600} rtm("7") {1: 3600}"#.to_owned()),
        ("/rte/c/1/uid/7/ann/", "rtmToken", r#"rtc("c", "ann") {1: 3600, 4: 3600} rtm("ann") {1: 3600}"#.to_owned()),
        ("/rte/c/1/uid/7/0/", "rtmToken", r#"rtc("c", "0") {1: 3600, 4: 3600} rtm("0") {1: 3600}"#.to_owned()),
        ("/rte/c/subscriber/uid/7/", "rtmToken", r#"rtm("7") {1: 3600}"#.to_owned()),
        ("/chat/app/", "chatToken", r#"chat("") {2: 3600}"#.to_owned()),
        ("/chat/account/ann/?expiry=60", "chatToken", r#"chat("ann") {1: 60}"#.to_owned()),
    ];
    for (path, name, wanted) in table {
        let reply = server.get(path).await;
        let claims = reply.claims(name);
        assert_eq!(grants(&claims), wanted, "{path}");
        let life = claims.services()[0].privileges().values().copied().max().unwrap();
        assert_eq!(claims.expire(), life, "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(!reply.body.ends_with('\n'), "{path}");
    }
}

#[tokio::test]
async fn get_routes_refuse_with_the_known_bodies() {
    let server = TestServer::open(&[]).await;
    let table = [
        (
            "/rtc/c/1/uid/1/?expiry=abc",
            r#"{"message":"Error Generating RTC token: failed to parse expireTime: abc, causing error: strconv.ParseUint: parsing \"abc\": invalid syntax","status":400}"#,
        ),
        (
            "/rtm/ann/?expiry=",
            r#"{"message":"Error Generating RTM token: failed to parse expireTime: , causing error: strconv.ParseUint: parsing \"\": invalid syntax","status":400}"#,
        ),
        (
            "/rte/c/1/uid/1/?expiry=%2B60",
            r#"{"message":"Error Generating RTC and RTM token: failed to parse expireTime: +60, causing error: strconv.ParseUint: parsing \"+60\": invalid syntax","status":400}"#,
        ),
        (
            "/chat/app/?expiry=18446744073709551616",
            r#"{"message":"Error Generating Chat token: failed to parse expireTime: 18446744073709551616, causing error: strconv.ParseUint: parsing \"18446744073709551616\": value out of range","status":400}"#,
        ),
        (
            "/rtc/c/publisher/uid/abc/",
            r#"{"error":"Error Generating RTC token - failed to parse uidStr: abc, to uint causing error: strconv.ParseUint: parsing \"abc\": invalid syntax","status":400}"#,
        ),
        (
            "/rtc/c/publisher/uid/4294967296/",
            r#"{"error":"Error Generating RTC token - failed to parse uidStr: 4294967296, to uint causing error: strconv.ParseUint: parsing \"4294967296\": value out of range","status":400}"#,
        ),
        (
            "/rtc/c/publisher/nonsense/1/",
            r#"{"error":"Error Generating RTC token - failed to generate RTC token for Unknown Tokentype: nonsense","status":400}"#,
        ),
        ("/rtm/0/", r#"{"message":"Error Generating RTM token: invalid RTM User ID: \"0\"","status":400}"#),
        ("/rtm//", r#"{"message":"Error Generating RTM token: invalid RTM User ID: \"\"","status":400}"#),
        (
            "/rte/c/publisher/uid/0/",
            r#"{"message":"Error Generating RTC and RTM token: failed to parse rtm user ID. Cannot be empty or \"0\"","status":400}"#,
        ),
        (
            "/rte/c/publisher/uid///",
            r#"{"message":"Error Generating RTC and RTM token: failed to parse rtm user ID. Cannot be empty or \"0\"","status":400}"#,
        ),
        (
            "/chat/account//",
            r#"{"message":"Error Generating Chat token: userAccount type requires chat ID","status":400}"#,
        ),
    ];
    for (path, body) in table {
        let reply = server.get(path).await;
        assert_eq!((reply.status, &*reply.body), (400, body), "{path}");
    }
}

#[tokio::test]
async fn dangerous_get_requests_are_refused() {
    let server = TestServer::open(&[]).await;
    let table = [
        ("/rtc//publisher/uid/1/", 400, "channel"),
        ("/rtc/*/publisher/uid/1/", 403, "channel"),
        ("/rtc/c/publisher/userAccount//", 400, "account"),
        ("/rtc/c/publisher/uid/4294967301/", 400, "out of range"),
        ("/rtc/c/publisher/uid/-1/", 400, "invalid syntax"),
        ("/rtc/c/publisher/uid/%201/", 400, "invalid syntax"),
        ("/rtc/c/Publisher/uid/1/", 400, "role"),
        ("/rtc/c/PUBLISHER/uid/1/", 400, "role"),
        ("/rtc/c/admin/uid/1/", 400, "role"),
        ("/rtc/c/3/uid/1/", 400, "role"),
        ("/rtc/c/publisher%20/uid/1/", 400, "role"),
        ("/rtc/c//uid/1/", 400, "role"),
        ("/rtc/c/1/uid/1/?expiry=0", 400, "86400"),
        ("/rtc/c/1/uid/1/?expiry=86401", 400, "86400"),
        ("/rtc/c/1/uid/1/?expiry=4294967356", 400, "86400"),
        ("/rtc/c/1/uid/1/?expiry=0x3c", 400, "invalid syntax"),
        ("/rtc/c/1/uid/1/?expiry=%zz", 400, "percent-encoded"),
        ("/rtc/%ff/1/uid/1/", 400, "percent-encoded"),
        ("/rtc/caf%C3%A9/1/uid/1/", 400, "channel name"),
        ("/rtc/c/1/userAccount/caf%C3%A9/", 400, "user account"),
        ("/rtm/caf%C3%A9/", 400, "user account"),
        ("/rtc/room%0d%0aSet-Cookie:%20x=1/publisher/uid/1/", 400, "channel name"),
    ];
    for (path, status, word) in table {
        let reply = server.get(path).await;
        assert_eq!(reply.status, status, "{path} {reply:?}");
        assert_eq!(reply.json()["status"], status, "{path}");
        let json = reply.json();
        let text = json["error"].as_str().unwrap_or_else(|| json["message"].as_str().unwrap());
        assert!(text.contains(word), "{path}: {text}");
        assert_eq!(reply.header("set-cookie"), None);
    }
    let long = format!("/rtc/{}/1/uid/1/", "x".repeat(65));
    assert_eq!(server.get(&long).await.status, 400);
}

#[tokio::test]
async fn without_strictness_unknown_roles_are_subscribers_and_names_are_signed_as_they_are() {
    let server = TestServer::open(&[("SYMBOLON_STRICT", "0")]).await;
    for (path, wanted) in [
        ("/rtc/c/Publisher/uid/1/", r#"rtc("c", "1") {1: 3600}"#),
        ("/rtc/c//uid/1/", r#"rtc("c", "1") {1: 3600}"#),
        ("/rtc/%E6%B5%8B/2/userAccount/caf%C3%A9/", r#"rtc("测", "café") {1: 3600}"#),
    ] {
        assert_eq!(grants(&server.get(path).await.claims("rtcToken")), wanted, "{path}");
    }
    let rtm = server.get("/rte/c/subscriber/uid/7/").await.claims("rtmToken");
    assert_eq!(grants(&rtm), r#"rtc("c", "7") {1: 3600, 4: 3600} rtm("7") {1: 3600}"#);
    let account = server.post(r#"{"tokenType":"rtc","channel":"c","uid":"+1001"}"#).await;
    assert_eq!(grants(&account.claims("token")), r#"rtc("c", "+1001") {1: 3600}"#);
    for path in
        ["/rtc//1/uid/1/", "/rtc/c/1/uid/4294967296/", "/rtc/c/1/uid/1/?expiry=0", "/rtc/c/1/uid/1/?expiry=86401"]
    {
        assert_eq!(server.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn post_makes_the_tokens_that_it_names() {
    let server = TestServer::open(&[]).await;
    let table = [
        (
            r#"{"tokenType":"rtc","channel":"c","uid":"7","role":"publisher","expire":60}"#,
            r#"rtc("c", "7") {1: 60, 2: 60, 3: 60, 4: 60}"#,
        ),
        (r#"{"tokenType":"rtc","channel":"c","uid":"7"}"#, r#"rtc("c", "7") {1: 3600}"#),
        (r#"{"tokenType":"rtc","channel":"c","uid":"7","expire":0}"#, r#"rtc("c", "7") {1: 3600}"#),
        (r#"{"tokenType":"rtc","channel":"c","uid":"7","expire":86400}"#, r#"rtc("c", "7") {1: 86400}"#),
        (r#"{"tokenType":"rtc","channel":"c","uid":"0"}"#, r#"rtc("c", "") {1: 3600}"#),
        (r#"{"tokenType":"rtc","channel":"c","uid":"01001"}"#, r#"rtc("c", "1001") {1: 3600}"#),
        (r#"{"tokenType":"rtc","channel":"c","uid":"ann"}"#, r#"rtc("c", "ann") {1: 3600}"#),
        (r#"{"TOKENTYPE":"rtc","Channel":"c","UID":"1","uid":"2","x":1} rest"#, r#"rtc("c", "2") {1: 3600}"#),
        (r#"{"tokenType":"rtm","uid":"ann"}"#, r#"rtm("ann") {1: 3600}"#),
        (r#"{"tokenType":"rtm","uid":"0"}"#, r#"rtm("0") {1: 3600}"#),
        (
            r#"{"tokenType":"rtm","uid":"ann","channel":"c","role":"publisher"}"#,
            r#"rtc("c", "ann") {1: 3600, 4: 3600} rtm("ann") {1: 3600}"#,
        ),
        (r#"{"tokenType":"rtm","uid":"ann","channel":"c"}"#, r#"rtm("ann") {1: 3600}"#),
        (r#"{"tokenType":"chat"}"#, r#"chat("") {2: 3600}"#),
        (r#"{"tokenType":"chat","uid":"ann","expire":60}"#, r#"chat("ann") {1: 60}"#),
    ];
    for (body, wanted) in table {
        let reply = server.post(body).await;
        assert_eq!(grants(&reply.claims("token")), wanted, "{body}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert!(reply.body.ends_with("\"}\n"), "{reply:?}");
    }
}

#[tokio::test]
async fn post_refuses_in_one_line() {
    let server = TestServer::open(&[]).await;
    let go = |found, field, wanted| {
        format!("json: cannot unmarshal {found} into Go struct field TokenRequest.{field} of type {wanted}")
    };
    let exact = [
        (r#"{}"#, "Unsupported tokenType".to_owned()),
        (r#"null"#, "Unsupported tokenType".to_owned()),
        (r#"{"tokenType":"RTC"}"#, "Unsupported tokenType".to_owned()),
        (r#"{"tokenType":"rtc","uid":"1"}"#, "invalid: missing channel name".to_owned()),
        (r#"{"tokenType":"rtc","channel":"c"}"#, "invalid: missing user ID or account".to_owned()),
        (r#"{"tokenType":"rtm"}"#, "invalid: missing user ID or account".to_owned()),
        ("", "EOF".to_owned()),
        (r#"{"tokenType":"#, "unexpected EOF".to_owned()),
        (r#"{"uid":1}"#, go("number", "uid", "string")),
        (r#"{"expire":"60"}"#, go("string", "expire", "int")),
        (r#"{"expire":9223372036854775808}"#, go("number 9223372036854775808", "expire", "int")),
        ("[]", "json: cannot unmarshal array into Go value of type service.TokenRequest".to_owned()),
    ];
    for (body, line) in exact {
        let reply = server.post(body).await;
        assert_eq!((reply.status, reply.body), (400, format!("{line}\n")), "{body}");
        let header = |name| reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn dangerous_posts_are_refused() {
    let server = TestServer::open(&[]).await;
    let rtc = |uid: &str, expire: &str| {
        format!(r#"{{"tokenType":"rtc","channel":"room-1","role":"publisher","uid":{uid},"expire":{expire}}}"#)
    };
    for body in [
        rtc(r#""4294967296""#, "60"),
        rtc(r#""18446744073709551617""#, "60"),
        rtc(r#"" 1001""#, "60"),
        rtc(r#""+1001""#, "60"),
        rtc(r#""1001\n""#, "60"),
        rtc(r#""-1""#, "60"),
        rtc(r#""café""#, "60"),
        rtc(r#""1001""#, "-1"),
        rtc(r#""1001""#, "-86400"),
        rtc(r#""1001""#, "86401"),
        rtc(r#""1001""#, "4294967296"),
        rtc(r#""1001""#, "4294967356"),
        rtc(r#""1001""#, "9223372036854775808"),
        rtc(r#""1001""#, "1e309"),
        rtc(r#""1001""#, "60.5"),
        r#"{"tokenType":"rtc","channel":"c","uid":"1","role":"admin"}"#.to_owned(),
        r#"{"tokenType":"rtc","channel":"\ud800","uid":"1"}"#.to_owned(),
        "[".repeat(16_000),
        "\u{feff}{}".to_owned(),
    ] {
        let reply = server.post(&body).await;
        assert_eq!(reply.status, 400, "{body} {reply:?}");
        assert_eq!(reply.body.matches('\n').count(), 1, "{reply:?}");
    }
    let wildcard = r#"{"tokenType":"rtm","channel":"*","uid":"1","role":"publisher"}"#;
    assert_eq!(server.post(wildcard).await.status, 403);
    let huge = format!("{{\"channel\":\"{}\"}}", "x".repeat(16 * 1024));
    assert_eq!(server.post(&huge).await.status, 413);
    let gzip = server.request("POST", "/getToken", &[("Content-Encoding", "gzip")], "{}").await;
    assert_eq!(gzip.status, 415);
}

#[tokio::test]
async fn ping_and_the_mending_of_slashes() {
    let server = TestServer::open(&[]).await;
    let ping = server.get("/ping").await;
    assert_eq!((ping.status, &*ping.body), (200, r#"{"message":"pong"}"#));
    let head = server.request("HEAD", "/ping", &[], "").await;
    assert_eq!((head.status, &*head.body), (200, ""));
    for (path, location) in [
        ("/rtc/a%20b/publisher/uid/1?expiry=60&x=y", "/rtc/a%20b/publisher/uid/1/?expiry=60&x=y"),
        ("/rtm/ann", "/rtm/ann/"),
        ("/rte/c/1/uid/1/m", "/rte/c/1/uid/1/m/"),
        ("/chat/app", "/chat/app/"),
        ("/ping/?a=1", "/ping?a=1"),
    ] {
        let reply =
            server.request("GET", path, &[("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")], "").await;
        assert_eq!((reply.status, reply.header("location")), (301, Some(location)), "{path}");
        assert!(reply.body.starts_with("<a href=\"/") && !reply.body.contains("60&x"), "{reply:?}");
        for absent in ["cache-control", "access-control-allow-methods", "access-control-allow-origin"] {
            assert_eq!(reply.header(absent), None);
        }
    }
    let moved = server.request("POST", "/getToken/", &[], "{}").await;
    assert_eq!((moved.status, moved.header("location")), (307, Some("/getToken")));
}

#[tokio::test]
async fn everything_else_is_not_found() {
    let server = TestServer::open(&[]).await;
    for (method, path) in [
        ("GET", "/nothing"),
        ("GET", "/rtc/"),
        ("GET", "/rtm/"),
        ("GET", "/chat/account/"),
        ("GET", "/rtc/a%2Fb/publisher/uid/1/"),
        ("GET", "/rtc/..%2f..%2f..%2fetc%2fpasswd/publisher/uid/1001/"),
        ("GET", "/rtc/../admin/publisher/uid/1001/"),
        ("GET", "/getToken"),
        ("POST", "/rtm/ann/"),
        ("HEAD", "/rtc/room-1/publisher/uid/1001/"),
        ("PUT", "/getToken"),
        ("DELETE", "/getToken"),
        ("PROPFIND", "/getToken"),
        ("TRACE", "/getToken"),
        ("POST", "/healthz"),
    ] {
        let reply = server.request(method, path, &[], "").await;
        let body = if method == "HEAD" { "" } else { "404 page not found" };
        assert_eq!((reply.status, &*reply.body), (404, body), "{method} {path}");
        assert_eq!(reply.header("content-type"), Some("text/plain"));
    }
}

#[tokio::test]
async fn headers_of_every_answer() {
    let server = TestServer::open(&[("CORS_ALLOW_ORIGIN", "https://app.example, https://b.example")]).await;
    let from = |origin: &'static str| [("Origin", origin)];
    let has_no_cache = |reply: &Reply| {
        assert_eq!(reply.header("cache-control"), Some("private, no-cache, no-store, must-revalidate"));
        assert_eq!((reply.header("expires"), reply.header("pragma")), (Some("-1"), Some("no-cache")));
        assert_eq!(reply.header("vary"), Some("Origin"));
    };
    for path in ["/ping", "/rtm/ann/", "/rtm/0/", "/nothing", "/healthz", "/v1/client-config"] {
        let reply = server.request("GET", path, &from("https://b.example"), "").await;
        has_no_cache(&reply);
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://b.example"), "{path}");
        assert_eq!(reply.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
        assert_eq!(reply.header("access-control-allow-headers"), Some("Origin, Content-Type, Authorization"));
        let reply = server.get(path).await;
        has_no_cache(&reply);
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    let preflight = server.request("OPTIONS", "/anything", &from("https://app.example"), "").await;
    assert_eq!((preflight.status, &*preflight.body), (204, ""));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://app.example"));

    for foreign in ["https://app.example.evil.example", "http://app.example", "https://app.example:444", "null"] {
        for (method, path) in [("GET", "/rtm/ann/"), ("GET", "/nothing"), ("OPTIONS", "/getToken"), ("GET", "/")] {
            let reply = server.request(method, path, &[("Origin", foreign)], "").await;
            assert_eq!((reply.status, &*reply.body), (403, r#"{"error":"Origin not allowed"}"#), "{foreign} {path}");
            assert_eq!(reply.header("content-type"), Some("application/json"));
            has_no_cache(&reply);
            assert_eq!(reply.header("access-control-allow-origin"), None);
            assert_eq!(reply.header("access-control-allow-methods"), None);
        }
        for path in ["/ping", "/healthz"] {
            assert_eq!(server.request("GET", path, &[("Origin", foreign)], "").await.status, 200);
        }
    }
    let own = format!("http://{}", server.address);
    let reply = server.request("GET", "/rtm/ann/", &[("Origin", &own)], "").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some(&*own)));
}

#[tokio::test]
async fn a_star_lets_every_page_call() {
    let server = TestServer::open(&[("CORS_ALLOW_ORIGIN", "*")]).await;
    let reply = server.request("GET", "/rtm/ann/", &[("Origin", "https://any.example")], "").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some("https://any.example")));
}

#[tokio::test]
async fn closed_production_gives_no_tokens() {
    let server = TestServer::open(&[("SYMBOLON_OPEN", "0")]).await;
    let reply = server.get("/rtc/c/publisher/uid/1/").await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(reply.json()["status"], 401);
    let reply = server.post(r#"{"tokenType":"rtc","channel":"c","uid":"7"}"#).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")));
    let config = server.get("/v1/client-config").await.json();
    assert_eq!((&config["tokenRouteOpen"], &config["mode"]), (&false.into(), &"production".into()));
}

#[tokio::test]
async fn development_mode_serves_this_machine_under_its_own_names() {
    let server = TestServer::development().await;
    let reply = server.get("/rtc/AgoraChannel/publisher/uid/1001/").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let config = server.get("/v1/client-config").await.json();
    assert_eq!(config["appId"], server.app_id);
    assert_eq!((&config["tokenRouteOpen"], &config["mode"]), (&true.into(), &"development".into()));
    assert_eq!(config["tokenRoute"], "/rtc/{channel}/{role}/uid/{uid}/");
    let rebound = server.request("GET", "/rtc/c/publisher/uid/1/", &[("Host", "evil.example")], "").await;
    assert_eq!(rebound.status, 403);
    let by_name = server.request("GET", "/", &[("Host", "localhost:1234")], "").await;
    assert_eq!((by_name.status, by_name.header("content-type")), (200, Some("text/html; charset=utf-8")));
}

#[tokio::test]
async fn odd_heads_are_refused() {
    let server = TestServer::open(&[]).await;
    let reply = server.get(&format!("/rtm/{}/", "x".repeat(8193))).await;
    assert_eq!(reply.status, 414);
    let pairs = format!("/rtm/ann/?{}", "a=1&".repeat(100_000));
    assert_eq!(server.get(&pairs).await.status, 414);
    let long = "x".repeat(17 * 1024);
    assert_eq!(server.request("GET", "/ping", &[("X-Long", &long)], "").await.status, 431);
    let many: Vec<_> = (0..101).map(|_| ("Cookie", "a=1")).collect();
    assert_eq!(server.request("GET", "/ping", &many, "").await.status, 431);

    for head in [
        "GET /ping HTTP/1.1\r\n\r\n",
        "GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /getToken HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /ping HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /getToken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST /getToken HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        "POST /getToken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "hello\r\n\r\n",
    ] {
        let head = head.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
        let reply = String::from_utf8(exchange(server.address, head.as_bytes()).await).unwrap();
        assert!(reply.starts_with("HTTP/1.1 400 "), "{head:?} {reply:?}");
        assert_eq!(reply.matches("HTTP/1.1").count(), 1, "{head:?} {reply:?}");
    }
}

#[tokio::test]
async fn every_answer_tells_the_requests_id() {
    let server = TestServer::open(&[]).await;
    for (path, status) in [("/rtm/ann/", 200), ("/rtm//", 400), ("/nothing", 404), ("/healthz", 200)] {
        let own = server.request("GET", path, &[("X-Request-Id", "my-own_id.1")], "").await;
        assert_eq!((own.status, own.header("x-request-id")), (status, Some("my-own_id.1")));
        let drawn = server.request("GET", path, &[("X-Request-Id", "no<id>")], "").await;
        let id = drawn.header("x-request-id").unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
}
