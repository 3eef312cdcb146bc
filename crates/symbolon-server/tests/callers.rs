//! Who gets tokens: API keys and logins, what they may have, and everyone else turned away.

mod support;

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use symbolon_server::NewKey;

use crate::support::issuer::TestIssuer;
use crate::support::{Reply, TestServer};

/// Production on this machine, with these callers and not open.
async fn server(name: &str, callers: &Value) -> TestServer {
    let callers = callers.to_string();
    TestServer::open(&[("SYMBOLON_OPEN", "0"), (name, &callers)]).await
}

async fn login(issuer: &TestIssuer, policy: Value) -> TestServer {
    let record = json!([{ "issuer": issuer.url, "audience": "token-server", "jwks_insecure": true, "policy": policy }]);
    server("SYMBOLON_ISSUERS", &record).await
}

async fn get(server: &TestServer, path: &str, credential: &str) -> Reply {
    let bearer = format!("Bearer {credential}");
    server.request("GET", path, &[("Authorization", &bearer)], "").await
}

#[tokio::test]
async fn nobody_gets_a_token_without_credentials_on_any_route() {
    let key = NewKey::from_entropy([1; 40]);
    let policy = json!({ "channels": ["*"], "uid": "any", "roles": ["publisher", "subscriber"], "messaging": true });
    let server =
        server("SYMBOLON_API_KEYS", &json!([{ "id": key.id, "hash": key.hash.to_string(), "policy": policy }])).await;
    for path in ["/rtc/c/publisher/uid/1/", "/rtm/ann/", "/rte/c/publisher/uid/1/", "/chat/app/", "/chat/account/ann/"]
    {
        let reply = server.get(path).await;
        assert_eq!(reply.status, 401, "{path}");
        assert!(reply.body.starts_with(r#"{"error":"#) && reply.body.ends_with(r#","status":401}"#), "{}", reply.body);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{path}");
        assert_eq!(get(&server, path, &key.text).await.status, 200, "{path}");
    }
    let body = r#"{"tokenType":"rtc","channel":"c","uid":"1"}"#;
    let reply = server.post(body).await;
    assert_eq!((reply.status, reply.body.lines().count()), (401, 1));
    assert_eq!(server.get("/ping").await.status, 200);
}

#[tokio::test]
async fn a_key_gets_what_its_policy_names_and_nothing_else() {
    let key = NewKey::from_entropy([2; 40]);
    let policy = json!({ "channels": ["team-a-*"], "max_life": 600 });
    let server =
        server("SYMBOLON_API_KEYS", &json!([{ "id": key.id, "hash": key.hash.to_string(), "policy": policy }])).await;
    let status = async |path: &str| get(&server, path, &key.text).await.status;
    assert_eq!(status("/rtc/team-a-1/subscriber/uid/7/?expiry=600").await, 200);
    for path in [
        "/rtc/team-b-1/subscriber/uid/7/?expiry=600",
        "/rtc/team-a-1/publisher/uid/7/?expiry=600",
        "/rtc/team-a-1/subscriber/uid/0/?expiry=600",
        "/rtc/team-a-1/subscriber/uid//?expiry=600",
        "/rtc/team-a-1/subscriber/uid/7/?expiry=601",
        "/rtc/*/subscriber/uid/7/?expiry=600",
        "/rtm/7/?expiry=600",
        "/chat/app/?expiry=600",
    ] {
        assert_eq!(status(path).await, 403, "{path}");
    }
    let other = NewKey::from_entropy([3; 40]);
    let swapped = format!("sym_{}_{}", key.id, other.text.rsplit('_').next().unwrap());
    for wrong in [other.text.as_str(), &swapped, "sym_", "nonsense"] {
        let reply = get(&server, "/rtc/team-a-1/subscriber/uid/7/?expiry=600", wrong).await;
        assert_eq!(reply.status, 401, "{wrong}");
        assert!(!reply.body.contains(wrong), "{}", reply.body);
    }
    for header in ["Basic dXNlcjpwYXNz", "Bearer", ""] {
        let reply = server.request("GET", "/rtm/7/", &[("Authorization", header)], "").await;
        assert_eq!(reply.status, 401, "{header}");
    }
}

#[tokio::test]
async fn a_login_leads_into_the_own_channel_as_oneself() {
    let issuer = TestIssuer::start(&["r1", "e1", "d1"]).await;
    let policy = json!({ "channels": ["room-{claim:org}"], "uid": "claim:sub", "roles": ["publisher"] });
    let server = login(&issuer, policy).await;
    for key in ["r1", "e1", "d1"] {
        let reply = get(&server, "/rtc/room-acme/publisher/uid/1001/", &issuer.sign(key, json!({}))).await;
        assert_eq!(reply.status, 200, "{key}: {}", reply.body);
    }
    let jwt = issuer.sign("e1", json!({}));
    for path in
        ["/rtc/room-evil/publisher/uid/1001/", "/rtc/room-acme/publisher/uid/1002/", "/rtc/room-acme/publisher/uid/0/"]
    {
        assert_eq!(get(&server, path, &jwt).await.status, 403, "{path}");
    }
    let odd = issuer.sign("e1", json!({ "org": ["acme"] }));
    assert_eq!(get(&server, "/rtc/room-acme/publisher/uid/1001/", &odd).await.status, 403);
}

#[tokio::test]
async fn a_jwt_that_is_not_right_in_every_part_is_refused() {
    let issuer = TestIssuer::start(&["r1", "e1"]).await;
    let server = login(&issuer, json!({ "channels": ["*"], "uid": "any-one" })).await;
    let path = "/rtc/c/subscriber/uid/7/";
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(
        get(&server, path, &issuer.sign("e1", json!({ "exp": now - 20 }))).await.status,
        200,
        "within the leeway"
    );
    assert_eq!(get(&server, path, &issuer.sign("e1", json!({ "aud": ["x", "token-server"] }))).await.status, 200);
    for claims in [
        json!({ "exp": now - 40 }),
        json!({ "exp": null }),
        json!({ "exp": (now + 300).to_string() }),
        json!({ "nbf": now + 60 }),
        json!({ "nbf": "soon" }),
        json!({ "aud": null }),
        json!({ "aud": "other-server" }),
        json!({ "aud": { "token-server": true } }),
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": null }),
        json!({ "iss": format!("{}/", issuer.url) }),
    ] {
        assert_eq!(get(&server, path, &issuer.sign("e1", claims.clone())).await.status, 401, "{claims}");
    }
    assert_eq!(get(&server, path, &issuer.sign("e2", json!({}))).await.status, 401, "a key that was never published");
    // Another key under a published key's name, and an HMAC with what everybody can read.
    let forged = |algorithm, kid: &str, key: &EncodingKey| {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        encode(&header, &issuer.claims(json!({})), key).unwrap()
    };
    let other = EncodingKey::from_ec_pem(include_bytes!("support/keys/es256-next.pem")).unwrap();
    let known = EncodingKey::from_secret(b"secret");
    for jwt in [forged(Algorithm::ES256, "e1", &other), forged(Algorithm::HS256, "hmac", &known)] {
        assert_eq!(get(&server, path, &jwt).await.status, 401);
    }
    let good = issuer.sign("e1", json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for jwt in
        [format!("{none}.{}.", parts[1]), format!("{}.{}.", parts[0], parts[1]), "a.b.c".to_owned(), "x".repeat(9000)]
    {
        assert_eq!(get(&server, path, &jwt).await.status, 401);
    }
}

#[tokio::test]
async fn keys_change_and_issuers_go_down_without_a_refused_login() {
    let issuer = TestIssuer::start(&["e1"]).await;
    let server = login(&issuer, json!({ "channels": ["*"] })).await;
    let status = async |jwt: &str| get(&server, "/rtc/c/subscriber/uid/7/", jwt).await.status;
    let old = issuer.sign("e1", json!({}));
    assert_eq!(status(&old).await, 200);

    // The issuer is out of reach: what is known of it still counts.
    issuer.set_up(false);
    assert_eq!(status(&old).await, 200);

    // A key that nobody has heard of makes the server look again, but not again and again.
    issuer.set_up(true);
    issuer.publish(&["e1", "e2"]);
    let fetched = issuer.fetches();
    for _ in 0..20 {
        assert_eq!(status(&issuer.sign("e2", json!({}))).await, 401, "it looked a moment ago");
    }
    assert_eq!(issuer.fetches(), fetched, "an unknown key is no way to make the server fetch");
    pass(Duration::from_secs(61)).await;
    assert_eq!(status(&issuer.sign("e2", json!({}))).await, 200, "the new key is found after a minute");
    assert_eq!(status(&old).await, 200, "and the old one is still published");

    // A day without any word from the issuer is too long.
    issuer.set_up(false);
    pass(Duration::from_secs(23 * 3600)).await;
    assert_eq!(status(&issuer.sign("e2", json!({}))).await, 200);
    pass(Duration::from_secs(2 * 3600)).await;
    assert_eq!(status(&issuer.sign("e2", json!({}))).await, 503);
}

/// Lets time pass for everything that runs here, at once.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_login_that_was_never_reached_is_told_apart_from_a_wrong_one() {
    let issuer = TestIssuer::start(&["e1"]).await;
    issuer.set_up(false);
    let server = login(&issuer, json!({ "channels": ["*"] })).await;
    let reply = get(&server, "/rtc/c/subscriber/uid/7/", &issuer.sign("e1", json!({}))).await;
    assert_eq!(reply.status, 503, "{}", reply.body);
}
