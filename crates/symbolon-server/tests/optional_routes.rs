//! The token routes that are off unless switched on.

mod support;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::{APP_ID, CERTIFICATE, OPEN, Reply, TestServer, claims};
use symbolon_server::{Config, NewKey};
use symbolon_token::legacy::{LegacyClaims, LegacyUnverified, RTM_LOGIN};
use symbolon_token::{AppCertificate, Limits, Service, UidRequest};

const ALL: &[(&str, &str)] =
    &[("SYMBOLON_ROUTES", "fetch, generate,node,access_token,middleware"), ("SYMBOLON_ISSUE_006", "1")];

async fn post(server: &TestServer, path: &str, body: &Value) -> Reply {
    server.request("POST", path, &[], &body.to_string()).await
}

fn unix_now() -> u32 {
    u32::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The claims of a 006 token, verified, and how long its privileges live, each within a few seconds.
fn legacy(token: &Value, channel: &str, user: &str, ids: &[u16], life: u32) -> LegacyClaims {
    let token = LegacyUnverified::decode(token.as_str().expect("a token"), Limits::default()).expect("a 006 token");
    let certificate = AppCertificate::parse(CERTIFICATE).unwrap();
    let claims = token.verify(&[certificate], channel, UidRequest::Text(user)).expect("signed for this user");
    assert_eq!(claims.app_id().as_str(), APP_ID);
    assert_eq!((claims.uid(), claims.privileges().into_keys().collect::<Vec<_>>()), (user, ids.to_vec()));
    let (privileges, now) = (claims.privileges(), unix_now());
    assert!(privileges.values().all(|end| (now + life - 30..=now + life + 1).contains(end)), "{privileges:?}");
    claims
}

#[tokio::test]
async fn each_is_absent_until_its_own_switch_is_on() {
    let requests = [
        ("fetch", "POST", "/fetch_rtc_token", r#"{"uid":7,"ChannelName":"c","role":1}"#),
        ("fetch", "POST", "/fetch_rtm_token", r#"{"uid":"ann"}"#),
        ("generate", "POST", "/token/generate", r#"{"channelName":"c","uid":"7","serviceRtc":{"enable":true}}"#),
        ("node", "GET", "/rtc/c/publisher/uid/7", ""),
        ("node", "GET", "/rtm/ann", ""),
        ("access_token", "GET", "/access_token?channel=c&uid=7", ""),
        ("middleware", "POST", "/token/getNew", r#"{"tokenType":"rtm","uid":"ann"}"#),
    ];
    for on in ["", "fetch", "generate", "node", "access_token", "middleware"] {
        let server = TestServer::open(&[("SYMBOLON_ROUTES", on), ("SYMBOLON_ISSUE_006", "1")]).await;
        for (switch, method, path, body) in requests {
            // Without the switch these are the usual routes without their slash.
            let off = if switch == "node" { 301 } else { 404 };
            let status = server.request(method, path, &[], body).await.status;
            assert_eq!(status, if switch == on { 200 } else { off }, "{path} with {on:?}");
        }
    }
}

#[test]
fn wrong_switches_stop_the_start() {
    let problem = |routes: &str| {
        let environment = |name: &str| match name {
            "SYMBOLON_ROUTES" => Some(routes.to_owned()),
            _ => OPEN.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        Config::load(None, &environment).err().map(|error| error.to_string())
    };
    assert_eq!(problem("fetch,generate , middleware"), None);
    assert!(problem("fetch,fetsh").is_some_and(|text| text.contains("\"fetsh\" is no route")));
    for routes in ["node", "fetch,access_token"] {
        assert!(problem(routes).is_some_and(|text| text.contains("SYMBOLON_ISSUE_006=1")), "{routes}");
    }
}

#[tokio::test]
async fn fetch_routes() {
    let server = TestServer::open(ALL).await;
    let all = BTreeMap::from([(1, 3600), (2, 3600), (3, 3600), (4, 3600)]);
    let reply = post(&server, "/fetch_rtc_token", &json!({ "uid": 1234, "channelname": "c", "role": 1 })).await;
    assert_eq!(reply.json()["code"], "200");
    assert_eq!(reply.claims("token").services(), [Service::rtc("c", "1234", all)]);
    let reply = post(&server, "/fetch_rtc_token", &json!({ "uid": 1234, "ChannelName": "c", "role": 2 })).await;
    assert_eq!(reply.claims("token").services(), [Service::rtc("c", "1234", BTreeMap::from([(1, 3600)]))]);
    let reply = post(&server, "/fetch_rtm_token", &json!({ "uid": "ann" })).await;
    assert_eq!(reply.claims("token").services(), [Service::rtm("ann", 3600)]);

    for (path, body, word) in [
        ("/fetch_rtc_token", json!({ "uid": "7", "ChannelName": "c" }), "uid"),
        ("/fetch_rtc_token", json!({ "uid": 4_294_967_296_u64, "ChannelName": "c" }), "4294967295"),
        ("/fetch_rtc_token", json!({ "uid": -1, "ChannelName": "c" }), "uid"),
        ("/fetch_rtc_token", json!({ "ChannelName": "c" }), "uid"),
        ("/fetch_rtc_token", json!({ "uid": 7 }), "channel"),
        ("/fetch_rtc_token", json!({ "uid": 7, "ChannelName": "c", "channelName": "d" }), "spellings"),
        ("/fetch_rtc_token", json!({ "uid": 7, "ChannelName": "c", "role": 3 }), "role"),
        ("/fetch_rtc_token", json!([]), "object"),
        ("/fetch_rtm_token", json!({ "uid": "" }), "account"),
        ("/fetch_rtm_token", json!({ "uid": 7 }), "text"),
    ] {
        let reply = post(&server, path, &body).await;
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("400")), "{body}");
        assert!(reply.json()["token"].as_str().is_some_and(|text| text.contains(word)), "{body} {reply:?}");
    }
    assert_eq!(server.get("/fetch_rtc_token").await.status, 404);
}

#[tokio::test]
async fn generate_makes_one_token_for_several_services() {
    let server = TestServer::open(ALL).await;
    let ask = json!({ "channelName": "c", "uid": "7", "tokenExpireTs": 600, "privilegeExpireTs": 60,
        "serviceRtc": { "enable": true, "role": 1 }, "serviceRtm": { "enable": true },
        "serviceChat": { "enableUser": true, "userUuid": "ann" } });
    let reply = post(&server, "/token/generate", &ask).await;
    assert_eq!((&reply.json()["code"], &reply.json()["message"]), (&json!(0), &json!("Success")));
    let claims = claims(reply.json()["data"]["token"].as_str().unwrap());
    let all = BTreeMap::from([(1, 60), (2, 60), (3, 60), (4, 60)]);
    let chat = Service::Chat { user_id: "ann".into(), privileges: BTreeMap::from([(1, 60)]) };
    assert_eq!(claims.expire(), 600);
    assert_eq!(claims.services(), [Service::rtc("c", "7", all), Service::rtm("7", 60), chat]);

    let rtc = json!({ "enable": true });
    for (body, word) in [
        (json!({ "channelName": "c", "uid": "7" }), "no service"),
        (json!({ "uid": "7", "serviceRtc": rtc }), "channel"),
        (json!({ "channelName": "c", "serviceRtc": rtc }), "uid"),
        (json!({ "channelName": "c", "uid": "4294967296", "serviceRtc": rtc }), "4294967295"),
        (json!({ "channelName": "c", "uid": "7", "tokenExpireTs": 86_401, "serviceRtc": rtc }), "86400"),
        (json!({ "channelName": "c", "uid": "7", "privilegeExpireTs": 3601, "serviceRtc": rtc }), "outlive"),
        (json!({ "serviceChat": { "enableUser": true, "enableApp": true, "userUuid": "ann" } }), "not both"),
        (json!({ "uid": "7", "serviceApaas": { "enableApp": true } }), "serviceApaas"),
    ] {
        let reply = post(&server, "/token/generate", &body).await;
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!(-1)), "{body}");
        assert!(reply.json()["message"].as_str().is_some_and(|text| text.contains(word)), "{body} {reply:?}");
    }
    let wildcard = json!({ "channelName": "*", "uid": "7", "serviceRtc": rtc });
    let reply = post(&server, "/token/generate", &wildcard).await;
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!(-2)));
}

#[tokio::test]
async fn node_routes_make_006_tokens() {
    let server = TestServer::open(ALL).await;
    let reply = server.get("/rtc/c/publisher/uid/7?expiry=600").await;
    let publisher = legacy(&reply.json()["rtcToken"], "c", "7", &[1, 2, 3, 4], 600);
    let reply = server.get("/rtc/c/audience/userAccount/ann").await;
    legacy(&reply.json()["rtcToken"], "c", "ann", &[1], 3600);
    let reply = server.get("/rtm/ann").await;
    legacy(&reply.json()["rtmToken"], "ann", "", &[RTM_LOGIN], 3600);
    let reply = server.get("/rte/c/publisher/uid/7?expiry=60").await;
    legacy(&reply.json()["rtcToken"], "c", "7", &[1, 2, 3, 4], 60);
    legacy(&reply.json()["rtmToken"], "7", "", &[RTM_LOGIN], 60);
    // With the slash it is the usual route.
    assert!(server.get("/rtc/c/publisher/uid/7/").await.claims("rtcToken").expire() == 3600);

    for (path, status) in [
        ("/rtc/c/admin/uid/7", 400),
        ("/rtc/c/publisher/uid/4294967296", 400),
        ("/rtc/c/publisher/uid/7?expiry=86401", 400),
        ("/rtc/*/publisher/uid/7", 403),
        ("/rtm/0", 400),
    ] {
        let reply = server.get(path).await;
        let body = reply.json();
        assert_eq!((reply.status, body.as_object().map(serde_json::Map::len)), (status, Some(1)), "{path} {reply:?}");
        assert!(body["error"].is_string(), "{path}");
    }
    assert_eq!(server.get("/rtc/a%2Fb/publisher/uid/7").await.status, 404);
    assert!(!publisher.id().to_string().is_empty());
}

#[tokio::test]
async fn access_token_lets_join_only() {
    let server = TestServer::open(ALL).await;
    let until = unix_now() + 600;
    let reply = server.get(&format!("/access_token?channel=c&uid=7&expiredTs={until}")).await;
    legacy(&reply.json()["token"], "c", "7", &[1], 600);
    legacy(&server.get("/access_token?channel=c&uid=7").await.json()["token"], "c", "7", &[1], 3600);

    let (past, far) = (unix_now() - 10, unix_now() + 90_000);
    for (query, status, word) in [
        ("uid=7".to_owned(), 500, "channel is required"),
        ("channel=c&uid=4294967296".to_owned(), 400, "4294967295"),
        ("channel=c&uid=7&expiredTs=soon".to_owned(), 400, "Unix time"),
        (format!("channel=c&uid=7&expiredTs={past}"), 400, "past"),
        (format!("channel=c&uid=7&expiredTs={far}"), 400, "86400"),
        ("channel=*&uid=7".to_owned(), 403, "channel"),
    ] {
        let reply = server.get(&format!("/access_token?{query}")).await;
        assert_eq!(reply.status, status, "{query} {reply:?}");
        assert!(reply.json()["error"].as_str().is_some_and(|text| text.contains(word)), "{query} {reply:?}");
    }
}

#[tokio::test]
async fn middleware_answers_as_get_token_does() {
    let server = TestServer::open(ALL).await;
    let reply = post(&server, "/token/getNew", &json!({ "tokenType": "rtm", "uid": "ann", "expire": 60 })).await;
    assert_eq!(reply.claims("token").services(), [Service::rtm("ann", 60)]);
    let reply = post(&server, "/token/getNew", &json!({ "tokenType": "x" })).await;
    assert_eq!((reply.status, &*reply.body), (400, "Unsupported tokenType\n"));
}

#[tokio::test]
async fn strangers_are_refused_in_the_form_of_each_route() {
    let key = NewKey::from_entropy([9; 40]);
    let policy = json!({ "channels": ["team-a-*"], "uid": "is:7", "roles": ["subscriber"], "max_life": 600 });
    let keys = json!([{ "id": key.id, "hash": key.hash.to_string(), "policy": policy }]).to_string();
    let server =
        TestServer::start(&[ALL, &[("SYMBOLON_OPEN", "0"), ("SYMBOLON_API_KEYS", &keys)], OPEN].concat()).await;
    for (method, path, name) in [
        ("POST", "/fetch_rtc_token", "token"),
        ("POST", "/token/generate", "message"),
        ("GET", "/rtc/c/publisher/uid/7", "error"),
        ("GET", "/access_token?channel=c", "error"),
    ] {
        let reply = server.request(method, path, &[], "").await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")), "{path}");
        assert!(reply.json()[name].is_string() && reply.header("x-request-id").is_some(), "{path} {reply:?}");
    }
    assert_eq!(server.request("POST", "/token/getNew", &[], "").await.status, 401);

    // Each form is held to the policy of its caller.
    let authorization = format!("Bearer {}", key.text);
    let until = unix_now() + 300;
    for (path, status) in [
        ("/rtc/team-a-1/audience/uid/7?expiry=300".to_owned(), 200),
        ("/rtc/team-a-1/publisher/uid/7?expiry=300".to_owned(), 403),
        ("/rtc/team-b-1/audience/uid/7?expiry=300".to_owned(), 403),
        ("/rtc/team-a-1/audience/uid/7?expiry=601".to_owned(), 403),
        ("/rtc/team-a-1/audience/uid/0?expiry=300".to_owned(), 403),
        (format!("/access_token?channel=team-a-1&uid=7&expiredTs={until}"), 200),
        (format!("/access_token?channel=team-b-1&uid=7&expiredTs={until}"), 403),
        (format!("/access_token?channel=team-a-1&expiredTs={until}"), 403),
    ] {
        let reply = server.request("GET", &path, &[("Authorization", &authorization)], "").await;
        assert_eq!(reply.status, status, "{path} {reply:?}");
    }
}
