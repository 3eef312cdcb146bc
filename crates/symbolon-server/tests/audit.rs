//! What stands in the audit after requests of every kind, and what stands nowhere in its file.

mod support;

use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use support::{APP_ID, CERTIFICATE, OPEN, TestServer};
use symbolon_server::{Config, Export, NewKey, Period, Server};

/// The settings of production with one API key.
fn with_key(key: &NewKey) -> String {
    let policy = json!({"channels": ["team-*"], "roles": ["publisher"], "max_life": 600, "messaging": true});
    json!([{"id": key.id, "hash": key.hash.to_string(), "name": "backend", "policy": policy}]).to_string()
}

async fn records(server: &TestServer) -> Vec<Value> {
    let mut export = Export::open(server.folder(), Period::default()).await.unwrap();
    let mut records = Vec::new();
    while let Some(line) = export.next().await.unwrap() {
        records.push(serde_json::from_str(&line).unwrap());
    }
    export.close().await.unwrap();
    records
}

#[tokio::test]
async fn every_token_and_every_refusal_leaves_its_record_and_no_secret() {
    let key = NewKey::from_entropy([7; 40]);
    let keys = with_key(&key);
    let bearer = format!("Bearer {}", key.text);
    let settings = [
        ("SYMBOLON_API_KEYS", keys.as_str()),
        ("SYMBOLON_OPEN", "0"),
        ("SYMBOLON_AUDIT_DURABLE", "1"),
        ("SYMBOLON_BEHIND_PROXY", "1"),
        ("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let mut server = TestServer::start(&[&settings, OPEN].concat()).await;
    let ask = async |id: &str, path: &str, with_key: bool| {
        let mut headers = vec![("X-Request-Id", id), ("X-Forwarded-For", "203.0.113.9")];
        headers.extend(with_key.then_some(("Authorization", bearer.as_str())));
        server.request("GET", path, &headers, "").await
    };
    let minted = ask("r1", "/rtc/team-a/publisher/uid/0042/?expiry=60", true).await;
    assert_eq!(minted.status, 200);
    let token = minted.json()["rtcToken"].as_str().unwrap().to_owned();
    assert_eq!(ask("r2", "/rtc/other/publisher/uid/7/?expiry=60", true).await.status, 403);
    assert_eq!(ask("r3", "/rtc/team-a/king/uid/7/", true).await.status, 400);
    assert_eq!(ask("r4", "/rtc/team-a/publisher/uid/7/", false).await.status, 401);
    let wrong = format!("{}x", &bearer);
    let headers = [("X-Request-Id", "r5"), ("Authorization", wrong.as_str())];
    assert_eq!(server.request("POST", "/getToken", &headers, "{}").await.status, 401);
    let both = ask("r6", "/rte/team-a/publisher/uid/7/?expiry=60", true).await;
    assert_eq!(both.status, 200);
    let headers = [("X-Request-Id", "r7"), ("Authorization", bearer.as_str())];
    assert_eq!(server.request("POST", "/getToken", &headers, "{").await.status, 400);
    // The first of its two tokens would be allowed, the second is not: none is handed out.
    assert_eq!(ask("r8", "/rte/team-a/publisher/uid/7/%00/?expiry=60", true).await.status, 400);

    let records = records(&server).await;
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
            let status = &record["status"];
            format!("{} {} {status} {} {}", text("requestId"), text("outcome"), text("reason"), text("route"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "r1 minted 200 - rtc",
            "r2 refused 403 channel_not_allowed rtc",
            "r3 refused 400 invalid_role rtc",
            "r4 refused 401 credentials_missing rtc",
            "r5 refused 401 key_unknown getToken",
            "r6 minted 200 - rte",
            "r6 minted 200 - rte",
            "r7 refused 400 invalid_json getToken",
            "r8 refused 400 invalid_uid rte",
        ]
    );
    let first = &records[0];
    assert_eq!(first["caller"], json!({"kind": "key", "id": key.id, "name": "backend"}));
    assert_eq!((&first["client"], &first["appId"]), (&json!("203.0.113.9"), &json!(APP_ID)));
    let privileges = ["join", "publish_audio", "publish_video", "publish_data"];
    assert_eq!(
        first["wanted"],
        json!({"kind": "rtc", "channel": "team-a", "user": "42", "role": "publisher", "life": 60, "privileges": privileges})
    );
    let claims = support::claims(&token);
    assert_eq!(first["token"]["id"], json!(claims.id().to_string()));
    let until = first["token"]["until"].as_u64().unwrap();
    assert!(until.abs_diff(first["at"].as_u64().unwrap() / 1000 + 60) <= 2, "{first}");
    assert_eq!(first["token"]["certificate"].as_str().unwrap().len(), 8);
    assert_eq!(records[1]["wanted"]["channel"], "other");
    assert_eq!(records[3]["caller"], json!({"kind": "unknown"}));

    let metrics = server.metrics().await;
    for line in ["symbolon_audit_records_total 9\n", "symbolon_audit_dropped_total 0\n", "symbolon_audit_waiting 0\n"] {
        assert!(metrics.contains(line), "{line}");
    }
    let secret = key.text.rsplit('_').next().unwrap();
    let other = both.json();
    let tokens = [&token, other["rtcToken"].as_str().unwrap(), other["rtmToken"].as_str().unwrap()];
    for moment in ["running", "stopped"] {
        for entry in std::fs::read_dir(server.folder()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for needle in tokens.iter().map(|token| &token[8..40]).chain([secret, CERTIFICATE]) {
                assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()), "{moment}");
            }
        }
        if moment == "running" {
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn what_was_answered_is_written_when_the_server_has_stopped() {
    let mut server = TestServer::open(&[]).await;
    for uid in 1..=50 {
        server.token("room", uid).await;
    }
    server.stop().await;
    let users: Vec<_> = records(&server).await.iter().map(|record| record["wanted"]["user"].clone()).collect();
    assert_eq!(users, (1..=50).map(|uid: u32| json!(uid.to_string())).collect::<Vec<_>>());
}

#[tokio::test]
async fn no_token_is_handed_out_without_its_record() {
    let server = TestServer::open(&[("SYMBOLON_AUDIT_DURABLE", "1")]).await;
    assert_eq!(server.get("/rtm/ann/").await.status, 200);
    let options = SqliteConnectOptions::new().filename(server.folder().join("symbolon.db"));
    let mut store = options.connect().await.unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    sqlx::raw_sql(full).execute(&mut store).await.unwrap();
    let posted = server.post(r#"{"tokenType":"rtm","uid":"ann"}"#).await;
    for refused in [server.get("/rtm/ann/").await, server.get("/rtm//").await, posted] {
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(refused.header("retry-after").is_some() && !refused.body.contains("007"), "{refused:?}");
    }
    let unready = server.get("/readyz").await;
    assert_eq!((unready.status, unready.body.as_str()), (503, "the audit cannot be written\n"));
    assert!(server.metrics().await.contains("symbolon_audit_refused_total 3\n"));
    sqlx::raw_sql("DROP TRIGGER full").execute(&mut store).await.unwrap();
    assert_eq!(server.get("/rtm/ann/").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
    assert_eq!(records(&server).await.len(), 2);
}

#[tokio::test]
async fn where_there_is_no_folder_only_a_durable_audit_is_missed() {
    let bind = async |more: &[(&str, &str)]| {
        let variables = [more, OPEN].concat();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Server::bind(Config::load(None, &variable).unwrap()).await.err().map(|error| error.to_string())
    };
    let nowhere = [("HOME", "/proc/none")];
    for home in [&nowhere[..], &[]] {
        assert_eq!(bind(home).await, None);
        let error = bind(&[home, &[("SYMBOLON_AUDIT_DURABLE", "1")]].concat()).await.unwrap();
        assert!(error.contains("SYMBOLON_AUDIT_DURABLE"), "{error}");
    }
    let error = bind(&[("SYMBOLON_STATE_DIR", "/proc/none")]).await.unwrap();
    assert!(error.contains("/proc/none"), "{error}");
}
