//! JWTs of a login that are not what they claim to be, and logins that misbehave (H-34 to H-44).

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::house::{Answer, House, eventually};
use crate::issuer::TestIssuer;

/// A house that takes the JWTs of a login in this test.
struct Login {
    house: House,
    issuer: TestIssuer,
    _runtime: Runtime,
}

impl Login {
    fn new() -> Self {
        Self::publishing(&["r1", "e1", "d1"], json!({}))
    }

    /// The login publishes these keys, and the house has these settings for it over the usual ones.
    fn publishing(keys: &[&'static str], more: Value) -> Self {
        let runtime = Runtime::new().expect("threads");
        let issuer = runtime.block_on(TestIssuer::start(keys));
        let mut record = json!({
            "issuer": issuer.url, "audience": "token-server", "jwks_insecure": true,
            "policy": { "channels": ["*"], "roles": ["publisher"] },
        });
        for (name, value) in more.as_object().expect("settings") {
            record[name] = value.clone();
        }
        let house = House::with(&[("SYMBOLON_ISSUERS", &json!([record]).to_string()), LOG]);
        Self { house, issuer, _runtime: runtime }
    }

    fn ask(&self, jwt: &str) -> Answer {
        if jwt.len() > 20 {
            self.house.secret(jwt);
        }
        self.house.get_as("/rtc/room-1/publisher/uid/1001/", jwt)
    }

    fn assert_refused(&self, jwt: &str, what: &str) {
        let answer = self.ask(jwt);
        assert_eq!(answer.status, 401, "{what} {answer:?}");
    }

    /// A JWT of this key that is right in every part.
    fn good(&self, key: &str) -> String {
        self.issuer.sign(key, json!({}))
    }

    /// The same claims under another header, signed with key `e1` as they stand.
    fn signed_under(&self, header: &Value) -> String {
        let encoded = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encoded(header), encoded(&self.issuer.claims(json!({}))));
        let key = EncodingKey::from_ec_pem(include_bytes!("../../../symbolon-server/tests/support/keys/es256.pem"));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key.expect("PEM"), Algorithm::ES256);
        format!("{message}.{}", signature.expect("a signature"))
    }

    fn end(self) {
        assert_eq!(self.ask(&self.good("e1")).status, 200, "the good one still is");
        self.house.end();
    }
}

const LOG: (&str, &str) = ("SYMBOLON_LOG", "debug");

#[test]
fn h_34_algorithm_none() {
    let login = Login::new();
    for algorithm in ["none", "None", "nOnE", ""] {
        let encoded = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = encoded(json!({ "alg": algorithm, "typ": "JWT", "kid": "e1" }));
        login.assert_refused(&format!("{header}.{}.", encoded(login.issuer.claims(json!({})))), algorithm);
    }
    login.end();
}

#[test]
fn h_35_the_public_key_is_no_secret() {
    let login = Login::new();
    let pem: &[u8] = include_bytes!("../../../symbolon-server/tests/support/keys/rs256-public.pem");
    let text = std::str::from_utf8(pem).expect("text");
    let lines: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::prelude::BASE64_STANDARD.decode(lines).expect("base64");
    for secret in [pem, text.trim_end().as_bytes(), &der, &[der.clone(), b"\n".to_vec()].concat()] {
        for kid in [None, Some("r1".to_owned())] {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = kid;
            let jwt = encode(&header, &login.issuer.claims(json!({})), &EncodingKey::from_secret(secret));
            login.assert_refused(&jwt.expect("signed"), "HS256 with the public key");
        }
    }
    login.end();
}

#[test]
fn h_36_games_with_the_keys_name() {
    let login = Login::new();
    let with_kid = |kid: Value| login.signed_under(&json!({ "alg": "ES256", "typ": "JWT", "kid": kid }));
    assert_eq!(login.ask(&with_kid(json!("e1"))).status, 200, "as it should be");
    for kid in
        [json!("../../dev/null"), json!("' OR 1=1--"), json!("x".repeat(4_096)), json!(7), json!(""), json!("E1")]
    {
        login.assert_refused(&with_kid(kid.clone()), &kid.to_string());
    }
    login.assert_refused(&login.signed_under(&json!({ "alg": "ES256", "typ": "JWT" })), "without a name");
    assert!(login.house.said().lines().all(|line| line.len() < 1_000), "long lines in the log");
    login.end();
}

#[test]
fn h_37_a_storm_of_unknown_keys() {
    let login = Login::new();
    assert_eq!(login.ask(&login.good("e1")).status, 200);
    let before = login.issuer.fetches();
    for number in 0..300 {
        let jwt = login.signed_under(&json!({ "alg": "ES256", "kid": format!("fresh-{number}") }));
        let status = login.ask(&jwt).status;
        assert!(matches!(status, 401 | 429), "{status}");
    }
    assert!(login.issuer.fetches() <= before + 1, "{} fetches", login.issuer.fetches() - before);
    login.house.end();
}

#[test]
fn h_38_the_audience() {
    let login = Login::new();
    for audience in
        [json!(null), json!("token-server.evil"), json!("Token-Server"), json!(["other"]), json!([]), json!(7)]
    {
        login.assert_refused(&login.issuer.sign("e1", json!({ "aud": audience })), &audience.to_string());
    }
    login.end();
}

#[test]
fn h_39_jwts_of_the_wrong_kind() {
    let login = Login::new();
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt"] {
        login.assert_refused(&login.signed_under(&json!({ "alg": "ES256", "kid": "e1", "typ": typ })), typ);
    }
    login.end();

    let access_only = Login::publishing(&["e1"], json!({ "typ": "at+jwt" }));
    let of_type = |typ: Value| access_only.signed_under(&json!({ "alg": "ES256", "kid": "e1", "typ": typ }));
    assert_eq!(access_only.ask(&of_type(json!("at+jwt"))).status, 200);
    assert_eq!(access_only.ask(&of_type(json!("application/at+jwt"))).status, 200);
    for typ in [json!("JWT"), json!("rt+jwt"), json!(null)] {
        access_only.assert_refused(&of_type(typ.clone()), &typ.to_string());
    }
    access_only.house.end();
}

#[test]
fn h_40_containers() {
    let login = Login::new();
    let good = login.good("e1");
    login.assert_refused(&format!("{good}.x.y"), "five parts");
    for header in [
        json!({ "alg": "ES256", "kid": "e1", "zip": "DEF" }),
        json!({ "alg": "ES256", "kid": "e1", "cty": "JWT" }),
        json!({ "alg": "ES256", "kid": "e1", "enc": "A256GCM" }),
        json!({ "alg": "ES256", "kid": "e1", "crit": ["b64"], "b64": false }),
    ] {
        login.assert_refused(&login.signed_under(&header), &header.to_string());
    }
    let long = login.issuer.sign("e1", json!({ "padding": "x".repeat(8_192) }));
    login.assert_refused(&long, "over 8 KiB");
    let giant = format!("Bearer {}", "x".repeat(1_000_000));
    let answer = login.house.request("GET", "/rtc/room-1/publisher/uid/1001/", &[("Authorization", &giant)], "");
    assert!(matches!(answer.status, 0 | 401 | 431), "{answer:?}");
    login.end();
}

#[test]
fn h_41_degenerate_signatures() {
    let login = Login::new();
    let good = login.good("e1");
    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let zeros = BASE64_URL_SAFE_NO_PAD.encode([0_u8; 64]);
    login.assert_refused(&format!("{message}.{zeros}"), "r = s = 0");
    let raw = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64");
    login.assert_refused(&format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(der_signature(&raw))), "DER");
    let edwards = login.good("d1");
    let (message, _) = edwards.rsplit_once('.').expect("a signature");
    // The neutral element as R and zero as S: what a key of small order would accept.
    let mut neutral = [0_u8; 64];
    neutral[0] = 1;
    login.assert_refused(&format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(neutral)), "Ed25519 of small order");
    login.end();
}

#[test]
fn h_42_the_login_is_out_of_reach() {
    let login = Login::new();
    let good = login.good("e1");
    assert_eq!(login.ask(&good).status, 200);
    login.issuer.set_up(false);
    let start = Instant::now();
    for number in 0..20 {
        assert_eq!(login.ask(&good).status, 200, "what is known goes on");
        login.assert_refused(&login.signed_under(&json!({ "alg": "ES256", "kid": format!("n{number}") })), "a new key");
        if number == 10 {
            break;
        }
    }
    // Nobody waits for a login that does not answer (its time limit is 5 s).
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    login.issuer.set_up(true);
    login.end();
}

#[test]
fn h_44_keys_change_under_a_running_server() {
    let login = Login::publishing(&["e1", "e2"], json!({}));
    let (old, new) = (login.good("e1"), login.good("e2"));
    for published in [&["e1", "e2"][..], &["e2", "e1"], &["e2"]] {
        login.issuer.publish(published);
        for _ in 0..50 {
            assert_eq!((login.ask(&old).status, login.ask(&new).status), (200, 200));
        }
    }
    login.house.end();
}

#[test]
fn h_43_hostile_answers_of_the_login() {
    let runtime = Runtime::new().expect("threads");
    let good = runtime.block_on(TestIssuer::start(&["e1"]));
    let house = House::with(&[(
        "SYMBOLON_ISSUERS",
        &json!([{ "issuer": good.url, "jwks_url": format!("{}/keys", hostile(&runtime)), "audience": "token-server",
                  "jwks_insecure": true, "policy": { "channels": ["*"], "roles": ["publisher"] } }])
        .to_string(),
    )]);
    let memory = house.memory();
    let jwt = good.sign("e1", json!({}));
    house.secret(&jwt);
    let status = house.get_as("/rtc/room-1/publisher/uid/1001/", &jwt).status;
    assert_eq!(status, 503, "no keys were ever had");
    assert!(house.memory() < memory + (16 << 20), "{} bytes more", house.memory() - memory);
    eventually("the log tells", || house.said().contains("keys cannot be had"));
    house.end();
}

/// A server that answers with 50 MB, as long as anybody reads.
fn hostile(runtime: &Runtime) -> String {
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let body = || async { "x".repeat(50 << 20) };
    let router = axum::Router::new().route("/keys", axum::routing::get(body));
    runtime.spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Two integers in DER, as ES256 must not be written.
fn der_signature(raw: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let significant: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let padded = if significant.first().is_some_and(|byte| *byte > 127) {
            [&[0], &significant[..]].concat()
        } else {
            significant
        };
        [&[2, u8::try_from(padded.len()).expect("short")], &padded[..]].concat()
    };
    let both = [integer(&raw[..32]), integer(&raw[32..])].concat();
    [&[0x30, u8::try_from(both.len()).expect("short")], &both[..]].concat()
}
