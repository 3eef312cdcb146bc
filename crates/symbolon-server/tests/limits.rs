//! Who asks too often is told to wait, and nobody else is.

mod support;

use serde_json::json;
use symbolon_server::NewKey;

use crate::support::socket::{Client, join};
use crate::support::{Reply, TestServer};

const PATH: &str = "/rtc/c/publisher/uid/1/";

fn records(keys: &[&NewKey]) -> String {
    let policy = json!({ "channels": ["*"], "uid": "any", "roles": ["publisher"] });
    let record = |key: &&NewKey| json!({ "id": key.id, "hash": key.hash.to_string(), "policy": policy });
    json!(keys.iter().map(record).collect::<Vec<_>>()).to_string()
}

/// A client behind the trusted proxy.
async fn from(server: &TestServer, client: &str, credential: &str) -> Reply {
    let bearer = format!("Bearer {credential}");
    let headers = [("Authorization", &*bearer), ("X-Forwarded-For", client), ("X-Forwarded-Proto", "https")];
    server.request("GET", PATH, &headers, "").await
}

fn assert_must_wait(reply: &Reply, most: u64) {
    assert_eq!(reply.status, 429, "{reply:?}");
    let wait: u64 = reply.header("retry-after").expect("a time").parse().expect("whole seconds");
    assert!((1..=most).contains(&wait), "{wait}");
}

#[tokio::test]
async fn h_46_wrong_keys_are_stopped_after_twenty_and_others_are_not() {
    let (key, wrong) = (NewKey::from_entropy([1; 40]), NewKey::from_entropy([2; 40]));
    let server = TestServer::open(&[
        ("SYMBOLON_OPEN", "0"),
        ("SYMBOLON_API_KEYS", &records(&[&key])),
        ("SYMBOLON_BEHIND_PROXY", "1"),
        ("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1"),
    ])
    .await;
    for number in 0..20 {
        assert_eq!(from(&server, "198.51.100.7", &wrong.text).await.status, 401, "{number}");
    }
    let reply = from(&server, "198.51.100.7", &wrong.text).await;
    assert_must_wait(&reply, 3);
    assert!(reply.body.starts_with(r#"{"error":"#) && reply.body.ends_with(r#","status":429}"#), "{}", reply.body);
    // A right one has to wait as well: nobody looks at it.
    assert_must_wait(&from(&server, "198.51.100.7", &key.text).await, 3);
    assert_eq!(from(&server, "198.51.100.8", &key.text).await.status, 200);
    let metrics = server.metrics().await;
    assert!(metrics.contains("symbolon_rate_limited_total{limit=\"wrong_credentials\"} 2\n"), "{metrics}");
}

#[tokio::test]
async fn h_49_what_a_stranger_says_of_his_address_does_not_count() {
    let server =
        TestServer::open(&[("SYMBOLON_LIMIT_PER_ADDRESS", "1"), ("SYMBOLON_LIMIT_PER_ADDRESS_BURST", "5")]).await;
    let mut refused = 0;
    for number in 0..20 {
        let address = format!("203.0.113.{number}");
        let forwarded = format!("for={address}");
        let headers = [("X-Forwarded-For", &*address), ("X-Real-IP", &*address), ("Forwarded", &*forwarded)];
        refused += u32::from(server.request("GET", PATH, &headers, "").await.status == 429);
    }
    assert!(refused >= 10, "{refused}");
    let reply = server.post(r#"{"tokenType":"rtc","channel":"c","uid":"1"}"#).await;
    assert_must_wait(&reply, 1);
    assert_eq!(reply.body.lines().count(), 1, "{}", reply.body);
    let reply = server.request("POST", "/v1/tokens", &[("Content-Type", "application/json")], "{}").await;
    assert_must_wait(&reply, 1);
    assert_eq!(reply.json()["code"], "too_many_requests", "{}", reply.body);
    assert_eq!(server.get("/ping").await.status, 200);
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn one_caller_does_not_use_up_what_another_may() {
    let keys = [NewKey::from_entropy([1; 40]), NewKey::from_entropy([2; 40])];
    let server = TestServer::open(&[
        ("SYMBOLON_OPEN", "0"),
        ("SYMBOLON_API_KEYS", &records(&[&keys[0], &keys[1]])),
        ("SYMBOLON_LIMIT_PER_CALLER", "1"),
        ("SYMBOLON_LIMIT_PER_CALLER_BURST", "3"),
    ])
    .await;
    let mut last = None;
    for _ in 0..10 {
        last = Some(from(&server, "198.51.100.7", &keys[0].text).await);
    }
    assert_must_wait(&last.expect("ten"), 1);
    assert_eq!(from(&server, "198.51.100.7", &keys[1].text).await.status, 200);
}

#[tokio::test]
async fn an_app_has_a_limit_of_its_own_and_zero_is_none() {
    let server = TestServer::open(&[
        ("SYMBOLON_LIMIT_PER_ADDRESS", "0"),
        ("SYMBOLON_LIMIT_PER_APP", "1"),
        ("SYMBOLON_LIMIT_PER_APP_BURST", "3"),
    ])
    .await;
    let mut last = None;
    for _ in 0..10 {
        last = Some(server.get(PATH).await);
    }
    assert_must_wait(&last.expect("ten"), 1);
}

#[tokio::test]
async fn the_limit_is_that_of_the_app_that_a_request_names() {
    let other = "4210f8b8acb2688dd1ee490aeb035c3d";
    let folder = std::env::temp_dir().join(format!("symbolon-two-apps-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("symbolon.toml");
    let apps = format!("[[apps]]\nid = \"{other}\"\ncertificate = \"3dcb606bd1196c6d617f36950b5d91e7\"\n");
    std::fs::write(&file, apps).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let key = NewKey::from_entropy([9; 40]);
    let policy = json!({ "channels": ["room"], "uid": "any", "apps": [other, support::APP_ID] });
    let keys = json!([{ "id": key.id, "hash": key.hash.to_string(), "policy": policy }]).to_string();
    let limits = [("SYMBOLON_LIMIT_PER_APP", "1"), ("SYMBOLON_LIMIT_PER_APP_BURST", "3")];
    let others = [("SYMBOLON_LIMIT_PER_ADDRESS", "0"), ("SYMBOLON_LIMIT_PER_CALLER", "0")];
    let callers = [("SYMBOLON_OPEN", "0"), ("SYMBOLON_API_KEYS", &*keys)];
    let server = TestServer::open_with_file(&file, &[limits, others, callers].concat()).await;
    let bearer = format!("Bearer {}", key.text);
    let ask = async |app: &str| {
        let body = json!({ "appId": app, "channel": "room", "uid": 1 }).to_string();
        let headers = [("Content-Type", "application/json"), ("Authorization", &*bearer)];
        server.request("POST", "/v1/tokens", &headers, &body).await
    };
    assert_eq!(ask(other).await.status, 200);
    let mut last = None;
    for _ in 0..10 {
        last = Some(ask(other).await);
    }
    assert_must_wait(&last.expect("ten"), 1);
    assert_eq!(ask(support::APP_ID).await.status, 200, "the other app is not touched");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn t_56_whoever_brings_bad_tokens_is_stopped_at_the_door() {
    let server = TestServer::open(&[]).await;
    let mut ann = Client::join(&server, "room", 1).await;
    for refused_before in 0..300 {
        let refused = server.request("GET", "/v1/signal", UPGRADE, "").await;
        if refused.status == 429 {
            assert_must_wait(&refused, 1);
            assert!(refused_before >= 50, "{refused_before}");
            // Those inside are not touched.
            ann.send(&json!({ "type": "leave" })).await;
            ann.next_of("ended").await;
            return;
        }
        let mut stranger = Client::connect(&server).await;
        stranger.send(&join(&server, "room", 7, "007nothing")).await;
        stranger.closed().await;
    }
    panic!("nobody was stopped");
}

/// Everything of an upgrade but the right version: answered at once unless the door is shut.
const UPGRADE: &[(&str, &str)] =
    &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
