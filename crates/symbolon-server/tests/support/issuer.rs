//! A login of the test's own: it signs JWTs, publishes its keys over HTTP, changes them and goes down.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// The keys of these tests, which sign nothing else.
const KEYS: [(&str, Algorithm, &[u8]); 4] = [
    ("r1", Algorithm::RS256, include_bytes!("keys/rs256.pem")),
    ("e1", Algorithm::ES256, include_bytes!("keys/es256.pem")),
    ("e2", Algorithm::ES256, include_bytes!("keys/es256-next.pem")),
    ("d1", Algorithm::EdDSA, include_bytes!("keys/eddsa.pem")),
];

pub(crate) struct TestIssuer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    url: String,
    published: Vec<&'static str>,
    up: bool,
    fetches: usize,
}

impl TestIssuer {
    /// Starts one that publishes these keys.
    pub(crate) async fn start(published: &[&'static str]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("it is bound");
        let url = format!("http://{address}");
        let state = State { url: url.clone(), published: published.to_vec(), up: true, fetches: 0 };
        let state = Arc::new(Mutex::new(state));
        let (description, keys) = (Arc::clone(&state), Arc::clone(&state));
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(move || async move { description.lock().unwrap().description() }),
            )
            .route("/keys", get(move || async move { keys.lock().unwrap().keys() }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    pub(crate) fn publish(&self, keys: &[&'static str]) {
        self.state.lock().unwrap().published = keys.to_vec();
    }

    pub(crate) fn set_up(&self, up: bool) {
        self.state.lock().unwrap().up = up;
    }

    /// How often the keys have been asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.state.lock().unwrap().fetches
    }

    /// A JWT with the usual claims and these over them; `null` takes a claim away.
    pub(crate) fn sign(&self, key: &str, over: Value) -> String {
        let (_, algorithm, _) = *KEYS.iter().find(|(id, ..)| *id == key).expect("a known key");
        let mut header = Header::new(algorithm);
        header.kid = Some(key.to_owned());
        encode(&header, &self.claims(over), &encoding_key(key)).expect("it can be signed")
    }

    pub(crate) fn claims(&self, over: Value) -> Value {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let mut claims =
            json!({ "iss": self.url, "aud": "token-server", "sub": "1001", "org": "acme", "exp": now + 300 });
        for (name, value) in over.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        claims
    }
}

impl State {
    fn description(&self) -> Result<String, StatusCode> {
        let description = json!({ "issuer": self.url, "jwks_uri": format!("{}/keys", self.url) });
        if self.up { Ok(description.to_string()) } else { Err(StatusCode::SERVICE_UNAVAILABLE) }
    }

    fn keys(&mut self) -> Result<String, StatusCode> {
        self.fetches += 1;
        if !self.up {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let key = |id: &&str| {
            let (_, algorithm, _) = *KEYS.iter().find(|(known, ..)| known == id).expect("a known key");
            let mut jwk = Jwk::from_encoding_key(&encoding_key(id), algorithm).expect("it has a public half");
            jwk.common.key_id = Some((*id).to_owned());
            jwk
        };
        let mut keys: Vec<Value> =
            self.published.iter().map(|id| serde_json::to_value(key(id)).expect("it is JSON")).collect();
        // Kinds of keys that nobody here knows must not hide the others.
        keys.push(json!({ "kty": "future", "kid": "f1" }));
        keys.push(json!({ "kty": "oct", "kid": "hmac", "k": "c2VjcmV0" }));
        Ok(json!({ "keys": keys }).to_string())
    }
}

fn encoding_key(id: &str) -> EncodingKey {
    let (_, algorithm, pem) = KEYS.iter().find(|(known, ..)| *known == id).expect("a known key");
    let key = if *algorithm == Algorithm::RS256 {
        EncodingKey::from_rsa_pem(pem)
    } else if *algorithm == Algorithm::ES256 {
        EncodingKey::from_ec_pem(pem)
    } else {
        EncodingKey::from_ed_pem(pem)
    };
    key.expect("the test's keys are in PEM form")
}
