//! A server on a free port of this machine, and a client that sends exactly the bytes that a test wants sent.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod issuer;
pub(crate) mod socket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use symbolon_server::{Config, Server};
use symbolon_token::{AppCertificate, Claims, Unverified};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
pub(crate) const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";

/// Production on this machine, in the open mode.
pub(crate) const OPEN: &[(&str, &str)] = &[
    ("APP_ID", APP_ID),
    ("APP_CERTIFICATE", CERTIFICATE),
    ("SYMBOLON_LISTEN", "127.0.0.1"),
    ("SYMBOLON_PRIVATE_LISTEN", "127.0.0.1:0"),
    ("SYMBOLON_OPEN", "1"),
    ("PORT", "0"),
];

/// A running server. It stops with the test.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) private: SocketAddr,
    pub(crate) app_id: String,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<std::io::Result<()>>>,
    folder: PathBuf,
}

impl TestServer {
    /// Starts one in the open mode, with these settings over the usual ones.
    pub(crate) async fn open(more: &[(&str, &str)]) -> Self {
        Self::start(&[more, OPEN].concat()).await
    }

    /// The same with a file of settings.
    pub(crate) async fn open_with_file(file: &Path, more: &[(&str, &str)]) -> Self {
        Self::start_with(Some(file), &[more, OPEN].concat()).await
    }

    /// Starts one in development mode.
    pub(crate) async fn development() -> Self {
        Self::start(&[("PORT", "0")]).await
    }

    /// Starts one with these settings; the first of a name counts.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_with(None, variables).await
    }

    async fn start_with(file: Option<&Path>, variables: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("symbolon-server-{}-{number}", std::process::id()));
        let environment = |name: &str| match name {
            "SYMBOLON_STATE_DIR" => Some(folder.display().to_string()),
            _ => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let config = Config::load(file, &environment).expect("the test's settings are right");
        let server = Server::bind(config).await.expect("free ports");
        let addresses = server.addresses();
        let app_id = server.app_id().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self {
            address: addresses.public,
            private: addresses.private,
            app_id,
            stop: Some(stop),
            running: Some(running),
            folder,
        }
    }

    /// Its state folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives the sign to stop and waits for the end.
    pub(crate) async fn stop(&mut self) {
        self.stop.take();
        let running = self.running.take().expect("stopped once");
        within(running).await.expect("no panic").expect("an end in order");
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], "").await
    }

    /// A publisher's token, from the token route.
    pub(crate) async fn token(&self, channel: &str, uid: u32) -> String {
        let reply = self.get(&format!("/rtc/{channel}/publisher/uid/{uid}/")).await;
        reply.json()["rtcToken"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
    }

    /// What the private listener says at `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        let request = "GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n\r\n";
        Reply::parse(&exchange(self.private, request.as_bytes()).await).body
    }

    pub(crate) async fn post(&self, body: &str) -> Reply {
        self.request("POST", "/getToken", &[], body).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        Reply::parse(&exchange(self.address, text.as_bytes()).await)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Sends these bytes and reads until the server closes.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    // The server may have had enough before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut reply = Vec::new();
    let _ = within(stream.read_to_end(&mut reply)).await;
    reply
}

/// What is waited for comes soon, or the test fails.
pub(crate) async fn within<T>(wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(25), wanted).await.expect("in time")
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self { status: status.expect("a status"), headers: lines.map(header).collect(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The claims of the token under this name, verified.
    pub(crate) fn claims(&self, name: &str) -> Claims {
        assert_eq!(self.status, 200, "{self:?}");
        claims(self.json()[name].as_str().expect("a token"))
    }
}

/// The claims of a token of the usual app.
pub(crate) fn claims(token: &str) -> Claims {
    let certificate = AppCertificate::parse(CERTIFICATE).expect("a certificate");
    Unverified::decode(token, Default::default()).expect("a token").verify(&[certificate]).expect("signed by the app")
}
