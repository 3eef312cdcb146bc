//! A server on a free port of this machine, and tokens for it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use symbolon_server::{Config, Server};
use symbolon_token::builder::{build_token_with_uid, build_token_with_uid_and_privilege};
use symbolon_token::{AppCertificate, AppId, Issue, Role};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";

/// A running server. It stops with the test.
pub(crate) struct TestServer {
    runtime: Runtime,
    running: Option<(oneshot::Sender<()>, JoinHandle<std::io::Result<()>>)>,
    address: SocketAddr,
    folder: PathBuf,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("symbolon-sdk-{}-{number}", std::process::id()));
        let mut server = Self {
            runtime: Runtime::new().expect("a runtime"),
            running: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder,
        };
        server.run();
        server
    }

    /// Where engines find it.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops it in good order.
    pub(crate) fn stop(&mut self) {
        let (stop, running) = self.running.take().expect("it runs");
        drop(stop);
        self.runtime.block_on(running).expect("no panic").expect("an end in order");
    }

    /// Starts it again at the same address, with nothing remembered of its members.
    pub(crate) fn run(&mut self) {
        let port = self.address.port().to_string();
        let folder = self.folder.display().to_string();
        let environment = |name: &str| {
            let value = match name {
                "APP_ID" => APP_ID,
                "APP_CERTIFICATE" => CERTIFICATE,
                "SYMBOLON_LISTEN" => "127.0.0.1",
                "SYMBOLON_PRIVATE_LISTEN" => "127.0.0.1:0",
                "SYMBOLON_OPEN" => "1",
                "PORT" => &port,
                "SYMBOLON_STATE_DIR" => &folder,
                _ => return None,
            };
            Some(value.to_owned())
        };
        let config = Config::load(None, &environment).expect("the test's settings are right");
        let server = self.runtime.block_on(Server::bind(config)).expect("free ports");
        self.address = server.addresses().public;
        let (stop, stopped) = oneshot::channel::<()>();
        let running = self.runtime.spawn(server.run(async move {
            let _ = stopped.await;
        }));
        self.running = Some((stop, running));
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.stop();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A token of an hour that may publish.
pub(crate) fn publisher(channel: &str, uid: u32) -> String {
    token(channel, uid, Role::Publisher, 3_600)
}

/// A token of an hour that may not.
pub(crate) fn subscriber(channel: &str, uid: u32) -> String {
    token(channel, uid, Role::Subscriber, 3_600)
}

/// A token that may publish, and ends after so many seconds.
pub(crate) fn short(channel: &str, uid: u32, seconds: u32) -> String {
    token(channel, uid, Role::Publisher, seconds)
}

/// A token of an hour whose right to publish video ends after so many seconds.
pub(crate) fn short_video(channel: &str, uid: u32, seconds: u32) -> String {
    let (app_id, certificate) = app();
    build_token_with_uid_and_privilege(
        Issue::now(),
        app_id,
        &certificate,
        channel,
        uid,
        3_600,
        3_600,
        3_600,
        seconds,
        3_600,
    )
    .expect("a token")
}

fn token(channel: &str, uid: u32, role: Role, seconds: u32) -> String {
    let (app_id, certificate) = app();
    build_token_with_uid(Issue::now(), app_id, &certificate, channel, uid, role, seconds, seconds).expect("a token")
}

fn app() -> (AppId, AppCertificate) {
    (AppId::parse(APP_ID).expect("an App ID"), AppCertificate::parse(CERTIFICATE).expect("a certificate"))
}
