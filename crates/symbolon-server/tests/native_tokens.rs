//! `POST /v1/tokens` as its clients see it.

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::{APP_ID, Reply, TestServer};
use symbolon_server::NewKey;
use symbolon_token::{Claims, Service};

async fn ask(server: &TestServer, body: &str) -> Reply {
    server.request("POST", "/v1/tokens", &[("Content-Type", "application/json")], body).await
}

/// What a refusal must look like, whatever it says.
fn assert_problem(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.json()["code"].as_str()), (status, Some(code)), "{reply:?}");
    let problem = reply.json();
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!("about:blank")));
    assert!(problem["detail"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(problem["title"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(problem["requestId"].as_str(), reply.header("x-request-id"));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache, no-store, must-revalidate"));
    assert!(reply.header("vary").is_some());
}

fn lives(service: &Service) -> BTreeMap<u16, u32> {
    service.privileges().clone()
}

#[tokio::test]
async fn the_short_form_enters_one_channel() {
    let server = TestServer::open(&[]).await;
    let reply = ask(&server, r#"{"channel":"room-1","uid":1001,"role":"publisher","expiresIn":600}"#).await;
    let claims = reply.claims("token");
    let all = BTreeMap::from([(1, 600), (2, 600), (3, 600), (4, 600)]);
    assert_eq!(claims.services(), [Service::rtc("room-1", "1001", all)]);

    let answer = reply.json();
    let issued = u64::from(claims.issue_ts());
    let end = issued + 600;
    assert_eq!((&answer["appId"], &answer["expiresIn"]), (&json!(APP_ID), &json!(600)));
    assert_eq!((&answer["issuedAt"], &answer["expiresAt"]), (&json!(issued), &json!(end)));
    assert!(answer["serverTime"].as_u64().is_some_and(|ms| (issued..issued + 30).contains(&(ms / 1000))));
    assert_eq!(answer["requestId"].as_str(), reply.header("x-request-id"));
    let privileges = json!({ "join": end, "publish_audio": end, "publish_video": end, "publish_data": end });
    let service = json!({ "kind": "rtc", "channel": "room-1", "user": "1001", "privileges": privileges });
    assert_eq!(answer["services"], json!([service]));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache, no-store, must-revalidate"));

    let least = ask(&server, r#"{"channel":"room-1","uid":"7"}"#).await.claims("token");
    assert_eq!((least.expire(), lives(&least.services()[0])), (3600, BTreeMap::from([(1, 3600)])));
    let anyone = ask(&server, &json!({ "appId": APP_ID, "channel": "room-1", "uid": 0 }).to_string()).await;
    assert_eq!(anyone.json()["services"][0].get("user"), None);
    assert_eq!(anyone.claims("token").services(), [Service::rtc("room-1", "", BTreeMap::from([(1, 3600)]))]);
}

#[tokio::test]
async fn one_token_holds_several_services_with_privileges_one_by_one() {
    let server = TestServer::open(&[]).await;
    let body = json!({
        "expiresIn": 900,
        "services": [
            { "kind": "rtm", "user": "ann" },
            { "kind": "rtc", "channel": "c", "account": "ann", "privileges": { "join": true, "publish_audio": 60, "publish_video": false } },
            { "kind": "chat", "user": "ann" },
            { "kind": "streaming", "channel": "c", "uid": 7, "privileges": { "publish_raw_stream": 30 } },
            { "kind": "cdn", "channel": "c", "uid": 7, "privileges": { "play": true } },
        ],
    });
    let reply = ask(&server, &body.to_string()).await;
    let claims = reply.claims("token");
    let wanted = [
        Service::rtc("c", "ann", BTreeMap::from([(1, 900), (2, 60)])),
        Service::rtm("ann", 900),
        Service::Streaming { channel: "c".into(), account: "7".into(), privileges: [(2, 30)].into() },
        Service::Chat { user_id: "ann".into(), privileges: [(1, 900)].into() },
        Service::Fcdn { channel: "c".into(), account: "7".into(), privileges: [(2, 900)].into() },
    ];
    assert_eq!(claims.services(), wanted);
    let kinds: Vec<Value> =
        reply.json()["services"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["rtm", "rtc", "chat", "streaming", "cdn"]);
}

#[tokio::test]
async fn every_kind_of_service_can_be_asked_for() {
    let server = TestServer::open(&[]).await;
    let login = || BTreeMap::from([(1, 900)]);
    let table = [
        (
            json!({ "kind": "rtm2", "user": "ann" }),
            Service::Rtm2 { user_id: "ann".into(), permissions: [].into(), privileges: login() },
        ),
        (
            json!({ "kind": "rtm2", "user": "ann", "permissions": [
                { "resource": "stream_channel", "access": "write", "names": ["b", "a"] },
                { "resource": "message_channel", "access": "read", "names": ["m"] },
                { "resource": "stream_channel", "access": "write", "names": ["c"] },
            ] }),
            Service::Rtm2 {
                user_id: "ann".into(),
                permissions: [
                    (0, [(0, vec!["m".to_owned()])].into()),
                    (1, [(1, ["b", "a", "c"].map(str::to_owned).to_vec())].into()),
                ]
                .into(),
                privileges: login(),
            },
        ),
        (json!({ "kind": "chat_app" }), Service::Chat { user_id: String::new(), privileges: [(2, 900)].into() }),
        (
            json!({ "kind": "apaas", "room": "r", "user": "ann", "role": 2, "privileges": { "room_user": true } }),
            Service::Apaas { room_uuid: "r".into(), user_uuid: "ann".into(), role: 2, privileges: [(1, 900)].into() },
        ),
        (
            json!({ "kind": "apaas", "user": "ann", "privileges": { "user": 60 } }),
            Service::Apaas {
                room_uuid: String::new(),
                user_uuid: "ann".into(),
                role: -1,
                privileges: [(2, 60)].into(),
            },
        ),
        (
            json!({ "kind": "apaas", "privileges": { "app": true } }),
            Service::Apaas {
                room_uuid: String::new(),
                user_uuid: String::new(),
                role: -1,
                privileges: [(3, 900)].into(),
            },
        ),
        (json!({ "kind": "fpa" }), Service::Fpa { privileges: login() }),
        (json!({ "kind": "convoai" }), Service::ConvoAi { privileges: [].into() }),
        (json!({ "kind": "stt" }), Service::Stt { privileges: [].into() }),
    ];
    for (asked, granted) in table {
        let reply = ask(&server, &json!({ "expiresIn": 900, "services": [asked] }).to_string()).await;
        assert_eq!(reply.claims("token").services(), [granted], "{asked}");
        assert_eq!(reply.json()["services"][0]["kind"], asked["kind"]);
    }
}

#[tokio::test]
async fn wrong_services_are_told_what_is_wrong() {
    let server = TestServer::open(&[]).await;
    let permission = |names: Value| json!({ "kind": "rtm2", "user": "ann", "permissions": [{ "resource": "user", "access": "read", "names": names }] });
    // Names that no compressor makes shorter than half.
    let random = proptest::string::string_regex("[a-zA-Z0-9]{64}").unwrap();
    let mut runner = TestRunner::deterministic();
    let name = |_| random.new_tree(&mut runner).unwrap().current();
    let names: Vec<String> = (0..64).map(name).collect();
    let long = json!({ "kind": "rtm2", "user": "ann", "permissions": [
        { "resource": "user", "access": "read", "names": names },
        { "resource": "user", "access": "write", "names": names },
    ] });
    for (service, code) in [
        (json!({ "kind": "rtm2" }), "invalid_uid"),
        (permission(json!([])), "invalid_permissions"),
        (permission(json!(["x".repeat(65)])), "invalid_permissions"),
        (permission(json!([7])), "invalid_json"),
        (json!({ "kind": "fpa", "user": "ann" }), "unknown_field"),
        (json!({ "kind": "apaas", "user": "ann" }), "invalid_privileges"),
        (json!({ "kind": "apaas", "user": "ann", "privileges": { "user": true, "app": true } }), "invalid_privileges"),
        (json!({ "kind": "apaas", "user": "ann", "room": "r", "privileges": { "user": true } }), "invalid_privileges"),
        (json!({ "kind": "apaas", "user": "ann", "privileges": { "app": true } }), "invalid_privileges"),
        (json!({ "kind": "apaas", "user": "ann", "privileges": { "room_user": true } }), "invalid_channel"),
        (long, "token_too_long"),
    ] {
        assert_problem(&ask(&server, &json!({ "services": [service] }).to_string()).await, 400, code);
    }
}

#[tokio::test]
async fn wrong_requests_are_refused_as_problems() {
    let server = TestServer::open(&[]).await;
    let rtc = |uid: &str, life: &str| format!(r#"{{"channel":"room-1","uid":{uid},"expiresIn":{life}}}"#);
    let table = [
        // H-07, H-08
        (rtc("4294967296", "60"), 400, "invalid_uid"),
        (rtc(r#""4294967296""#, "60"), 400, "invalid_uid"),
        (rtc(r#"" 1001""#, "60"), 400, "invalid_uid"),
        (rtc(r#""+1001""#, "60"), 400, "invalid_uid"),
        (rtc(r#""1001\n""#, "60"), 400, "invalid_uid"),
        (rtc(r#""01001""#, "60"), 400, "invalid_uid"),
        // H-09, H-10, H-11
        (rtc("1", "-1"), 400, "invalid_expire"),
        (rtc("1", "-86400"), 400, "invalid_expire"),
        (rtc("1", "0"), 400, "invalid_expire"),
        (rtc("1", "86401"), 400, "expire_too_long"),
        (rtc("1", "4294967296"), 400, "expire_too_long"),
        (rtc("1", "4294967356"), 400, "expire_too_long"),
        (rtc("1", "9223372036854775808"), 400, "expire_too_long"),
        (rtc("1", "1e309"), 400, "invalid_expire"),
        // H-06
        (r#"{"channel":"c","uid":1,"role":"PUBLISHER"}"#.to_owned(), 400, "invalid_role"),
        // H-14, H-15, H-16, H-18
        ("[".repeat(16_000), 400, "invalid_json"),
        (r#"{"channel":"c","uid":1,"isAdmin":true,"appCertificate":"x"}"#.to_owned(), 400, "unknown_field"),
        (rtc("1", "60").repeat(2), 400, "invalid_json"),
        (format!("{} trailing", rtc("1", "60")), 400, "invalid_json"),
        (r#"{"channel":"a","channel":"b","uid":1}"#.to_owned(), 400, "invalid_json"),
        (format!("\u{feff}{}", rtc("1", "60")), 400, "invalid_json"),
        (r#"{"channel":"\ud800","uid":1}"#.to_owned(), 400, "invalid_json"),
        // Names
        (r#"{"channel":"","uid":1}"#.to_owned(), 400, "invalid_channel"),
        (r#"{"channel":"café","uid":1}"#.to_owned(), 400, "invalid_channel"),
        (r#"{"channel":"c\r\nSet-Cookie: x=1","uid":1}"#.to_owned(), 400, "invalid_channel"),
        (r#"{"channel":"c","account":"café"}"#.to_owned(), 400, "invalid_uid"),
        (r#"{"channel":"*","uid":1}"#.to_owned(), 403, "wildcard_not_allowed"),
        (r#"{"appId":"4210f8b8acb2688dd1ee490aeb035c3d","channel":"c","uid":1}"#.to_owned(), 403, "app_not_allowed"),
        (r#"{"appId":"nonsense","channel":"c","uid":1}"#.to_owned(), 403, "app_not_allowed"),
        (format!(r#"{{"channel":"{}"}}"#, "x".repeat(17_000)), 413, "body_too_large"),
    ];
    for (body, status, code) in table {
        assert_problem(&ask(&server, &body).await, status, code);
    }
    let longest = ask(&server, &rtc("1", "86400")).await;
    assert_eq!(longest.claims("token").expire(), 86_400);
}

#[tokio::test]
async fn only_post_with_plain_json_is_read() {
    let server = TestServer::open(&[]).await;
    let body = r#"{"channel":"c","uid":1}"#;
    // H-17
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"] {
        let reply = server.request("POST", "/v1/tokens", &[("Content-Type", kind)], body).await;
        assert_problem(&reply, 415, "unsupported_media_type");
    }
    assert_problem(&server.request("POST", "/v1/tokens", &[], body).await, 415, "unsupported_media_type");
    // H-19
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    assert_problem(&server.request("POST", "/v1/tokens", &headers, body).await, 415, "unsupported_encoding");
    // H-28, H-29
    for method in ["GET", "PUT", "DELETE", "PATCH", "PROPFIND", "TRACE"] {
        let reply = server.request(method, "/v1/tokens", &[], "").await;
        assert_problem(&reply, 405, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some("POST, OPTIONS"));
    }
    let head = server.request("HEAD", "/v1/tokens", &[], "").await;
    assert_eq!((head.status, &*head.body, head.header("allow")), (405, "", Some("POST, OPTIONS")));
    let preflight = server.request("OPTIONS", "/v1/tokens", &[], "").await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").is_some_and(|list| list.contains("Authorization")));
}

#[tokio::test]
async fn a_caller_gets_what_its_policy_allows_for_every_service() {
    let key = NewKey::from_entropy([5; 40]);
    let policy = json!({ "channels": ["team-a-*"], "max_life": 600 });
    let keys = json!([{ "id": key.id, "hash": key.hash.to_string(), "policy": policy }]).to_string();
    let server = TestServer::open(&[("SYMBOLON_OPEN", "0"), ("SYMBOLON_API_KEYS", &keys)]).await;

    // H-33, H-32
    let anonymous = ask(&server, r#"{"channel":"team-a-1","uid":1}"#).await;
    assert_problem(&anonymous, 401, "credentials_missing");
    assert_eq!(anonymous.header("www-authenticate"), Some("Bearer"));

    let bearer = format!("Bearer {}", key.text);
    let headers = [("Content-Type", "application/json"), ("Authorization", &*bearer)];
    let post = async |body: &str| server.request("POST", "/v1/tokens", &headers, body).await;
    assert_eq!(post(r#"{"channel":"team-a-1","uid":1,"expiresIn":600}"#).await.status, 200);
    let refused = [
        (r#"{"channel":"team-b-1","uid":1,"expiresIn":600}"#, "channel_not_allowed"),
        (r#"{"channel":"*","uid":1,"expiresIn":600}"#, "wildcard_not_allowed"),
        (r#"{"channel":"team-a-1","uid":0,"expiresIn":600}"#, "any_user_not_allowed"),
        // H-48
        (r#"{"channel":"team-a-1","uid":1,"expiresIn":600,"role":"publisher"}"#, "role_not_allowed"),
        (
            r#"{"channel":"team-a-1","uid":1,"expiresIn":600,"privileges":{"join":true,"publish_data":1}}"#,
            "role_not_allowed",
        ),
        (r#"{"channel":"team-a-1","uid":1,"expiresIn":601}"#, "life_not_allowed"),
        (r#"{"expiresIn":600,"services":[{"kind":"rtm","user":"ann"}]}"#, "messaging_not_allowed"),
        (
            r#"{"expiresIn":600,"services":[{"kind":"rtc","channel":"team-a-1","uid":1},{"kind":"chat","user":"ann"}]}"#,
            "messaging_not_allowed",
        ),
        (
            r#"{"expiresIn":600,"services":[{"kind":"rtc","channel":"team-a-1","uid":1},{"kind":"rtc","channel":"b","uid":1}]}"#,
            "channel_not_allowed",
        ),
        (
            r#"{"expiresIn":600,"services":[{"kind":"streaming","channel":"team-a-1","uid":1,"privileges":{"publish_mix_stream":true}}]}"#,
            "role_not_allowed",
        ),
    ];
    for (body, code) in refused {
        assert_problem(&post(body).await, 403, code);
    }
    assert_eq!(ask(&server, "not even JSON").await.status, 401);
}

#[derive(Clone, Debug)]
struct Request {
    body: Value,
    life: u32,
    services: Vec<Service>,
}

/// Any rtc service, as it is asked for and as it is granted.
fn rtc(life: u32) -> impl Strategy<Value = (Value, Service)> {
    let channel = "[a-zA-Z0-9 !#$%&()+:;<=.>?@\\[\\]^_{}|~,-]{1,64}";
    let user = prop_oneof![
        any::<u32>().prop_map(|uid| (json!({ "uid": uid }), if uid == 0 { String::new() } else { uid.to_string() })),
        any::<u32>().prop_map(|uid| (json!({ "uid": uid.to_string() }), symbolon_token::uid_text(uid))),
        "[a-zA-Z@_][a-zA-Z0-9 .@_-]{0,100}".prop_map(|account| (json!({ "account": account }), account)),
    ];
    let lives = (1..=life, proptest::array::uniform3(proptest::option::of(1..=life)));
    (channel, user, lives).prop_map(|(channel, (mut body, user), (join, publish))| {
        let mut privileges = json!({ "join": join });
        let mut granted = BTreeMap::from([(1, join)]);
        for ((id, name), life) in (2..).zip(["publish_audio", "publish_video", "publish_data"]).zip(publish) {
            if let Some(life) = life {
                privileges[name] = json!(life);
                granted.insert(id, life);
            }
        }
        body["kind"] = json!("rtc");
        body["channel"] = json!(channel);
        body["privileges"] = privileges;
        (body, Service::rtc(channel, user, granted))
    })
}

fn request() -> impl Strategy<Value = Request> {
    (1..=86_400_u32).prop_flat_map(|life| {
        (proptest::collection::vec(rtc(life), 1..4), proptest::option::of("[a-z]{1,64}")).prop_map(
            move |(rtc, user)| {
                let (mut bodies, mut services): (Vec<Value>, Vec<Service>) = rtc.into_iter().unzip();
                if let Some(user) = user {
                    bodies.push(json!({ "kind": "rtm", "user": user }));
                    services.push(Service::rtm(user, life));
                }
                Request { body: json!({ "expiresIn": life, "services": bodies }), life, services }
            },
        )
    })
}

#[test]
fn any_valid_request_is_minted_and_reads_back_equal() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::open(&[]));
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&request(), |Request { body, life, services }| {
        let claims: Claims = runtime.block_on(ask(&server, &body.to_string())).claims("token");
        prop_assert_eq!((claims.expire(), claims.services()), (life, services));
        Ok(())
    });
    outcome.unwrap();
}
