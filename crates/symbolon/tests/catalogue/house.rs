//! The program in production mode with its callers, and a client that sends exactly the bytes that a case wants sent.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use symbolon_server::NewKey;
use symbolon_token::{AppCertificate, Claims, Service, Unverified};

pub(crate) const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
pub(crate) const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";

/// The program, and everything that it must not say.
pub(crate) struct House {
    child: Option<Child>,
    pub(crate) address: SocketAddr,
    pub(crate) private: SocketAddr,
    folder: PathBuf,
    /// What it held when it was ready: bytes of memory, and sockets.
    at_first: (u64, usize),
    secrets: RefCell<HashSet<String>>,
    /// May have anything.
    pub(crate) anything: String,
    /// May publish and subscribe in channels `team-a-*`, as any one user (K1).
    pub(crate) team: String,
    /// May subscribe only, in every channel (K2).
    pub(crate) listener: String,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With these settings over the usual ones.
    pub(crate) fn with(more: &[(&str, &str)]) -> Self {
        let folder = new_folder();
        let keys: Vec<NewKey> = (1..=3).map(|byte| NewKey::from_entropy([byte; 40])).collect();
        let policies = [
            json!({ "channels": ["*"], "uid": "any", "roles": ["publisher", "subscriber"], "max_life": 86400,
                    "messaging": true, "wildcards": true }),
            json!({ "channels": ["team-a-*"], "roles": ["publisher", "subscriber"], "max_life": 86400 }),
            json!({ "channels": ["*"] }),
        ];
        let records: Vec<Value> = keys
            .iter()
            .zip(policies)
            .map(|(key, policy)| json!({ "id": key.id, "hash": key.hash.to_string(), "policy": policy }))
            .collect();
        let ready = folder.join("ready.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command
            .env_clear()
            .env("SYMBOLON_STATE_DIR", &folder)
            .env("APP_ID", APP_ID)
            .env("APP_CERTIFICATE", CERTIFICATE)
            .env("SYMBOLON_LISTEN", "127.0.0.1")
            .env("SYMBOLON_PRIVATE_LISTEN", "127.0.0.1:0")
            // Everyone here comes from one address, and asks as often as he likes.
            .env("SYMBOLON_LIMIT_PER_ADDRESS", "0")
            .env("SYMBOLON_LIMIT_PER_CALLER", "0")
            .env("PORT", "0")
            .env("SYMBOLON_API_KEYS", Value::from(records).to_string())
            .env("SYMBOLON_READY_FILE", &ready)
            .envs(more.iter().copied())
            .stdout(Stdio::from(std::fs::File::create(folder.join("stdout")).expect("a file")))
            .stderr(Stdio::from(std::fs::File::create(folder.join("stderr")).expect("a file")));
        let mut child = command.spawn().expect("the program starts");
        let said = wait_for(&ready, &mut child, &folder);
        let address = |name: &str| said[name].as_str().and_then(|text| text.parse().ok()).expect("an address");
        let [anything, team, listener] = [0, 1, 2].map(|index: usize| keys[index].text.clone());
        let secrets = HashSet::from([CERTIFICATE.to_owned(), anything.clone(), team.clone(), listener.clone()]);
        let mut house = Self {
            child: Some(child),
            address: address("public"),
            private: address("private"),
            folder,
            at_first: (0, 0),
            secrets: RefCell::new(secrets),
            anything,
            team,
            listener,
        };
        // With one answer it has read in what every answer needs.
        assert_eq!(house.request("GET", "/ping", &[], "").status, 200);
        house.at_first = (house.memory(), house.sockets());
        house
    }

    /// Something that must not be said either.
    pub(crate) fn secret(&self, text: &str) {
        self.secrets.borrow_mut().insert(text.to_owned());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// A GET with the key that may have anything.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_as(path, &self.anything)
    }

    pub(crate) fn get_as(&self, path: &str, credential: &str) -> Answer {
        self.request("GET", path, &[("Authorization", &format!("Bearer {credential}"))], "")
    }

    /// A POST to `/getToken` with the key that may have anything.
    pub(crate) fn post(&self, body: &str) -> Answer {
        self.request("POST", "/getToken", &[("Authorization", &format!("Bearer {}", self.anything))], body)
    }

    /// A request on a connection of its own, with nothing but these headers and those that HTTP needs.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
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
        self.send(text.as_bytes())
    }

    /// Sends these bytes and reads until the program closes the connection.
    pub(crate) fn send(&self, bytes: &[u8]) -> Answer {
        let answer = Answer::read(&mut self.sent(bytes));
        for name in ["rtcToken", "rtmToken", "chatToken", "token"] {
            let token = serde_json::from_str::<Value>(&answer.body)
                .ok()
                .and_then(|body| body[name].as_str().map(str::to_owned));
            if let Some(token) = token.filter(|token| token.len() > 50) {
                self.secret(&token);
            }
        }
        answer
    }

    /// A connection to which these bytes have been written.
    pub(crate) fn sent(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        // The program may have had enough before it has read everything.
        let _ = stream.write_all(bytes);
        stream
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the program listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        stream.set_write_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        stream
    }

    /// What the private listener says at `/metrics`.
    pub(crate) fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.private).expect("the private listener");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n\r\n").expect("a request");
        Answer::read(&mut stream).body
    }

    /// The memory that the program holds, in bytes: what it has allocated, and not the code that it has run.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line on memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// How many sockets the program has open.
    pub(crate) fn sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it runs").flatten();
        open.filter_map(|file| file.path().read_link().ok())
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }

    /// That the program gives back, in time, the memory and the sockets that a case took. What the allocator keeps is allowed
    /// for.
    fn assert_gave_back(&self) {
        let (memory, sockets) = self.at_first;
        eventually("the memory of a case is given back", || self.memory() <= memory + KEPT_MEMORY);
        eventually("the sockets of a case are given back", || self.sockets() <= sockets + KEPT_SOCKETS);
    }

    /// Everything that the program has said so far.
    pub(crate) fn said(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).expect("text");
        read("stderr") + &read("stdout")
    }

    /// Checks what holds after every case, and ends the program.
    pub(crate) fn end(mut self) {
        let child = self.child.as_mut().expect("ended once");
        assert!(child.try_wait().expect("a child").is_none(), "the program has ended: {}", self.said());
        self.assert_gave_back();
        let child = self.child.as_mut().expect("ended once");
        let killed = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
        assert!(killed.success());
        let status = self.child.take().expect("ended once").wait().expect("an end");
        let said = self.said();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        for line in said.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("one JSON object a line: {line:?}"));
            assert!(line.is_object(), "{line}");
        }
        for secret in self.secrets.borrow().iter() {
            assert!(!said.contains(&secret[10.min(secret.len() - 1)..]), "a secret was said");
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// An answer over HTTP; status 0 when the connection was closed without one.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Reads until the connection is closed.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Self::parse(&bytes)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Self { status: status.unwrap_or(0), headers: lines.filter_map(header).collect(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The claims of the token in it, whatever its name there, verified.
    pub(crate) fn claims(&self) -> Claims {
        assert_eq!(self.status, 200, "{self:?}");
        let body: Value = serde_json::from_str(&self.body).expect("JSON");
        let token = ["rtcToken", "token", "rtmToken", "chatToken"].iter().find_map(|name| body[*name].as_str());
        let certificate = AppCertificate::parse(CERTIFICATE).expect("a certificate");
        let unverified = Unverified::decode(token.expect("a token"), Default::default()).expect("a token");
        unverified.verify(&[certificate]).expect("signed by the app")
    }

    /// That the token in it is for this channel and this user alone, and whether it lets its holder publish.
    pub(crate) fn assert_is_for(&self, channel: &str, user: &str, publishes: bool) {
        let services = self.claims().services();
        let [Service::Rtc { channel: its_channel, uid, .. }] = &services[..] else { panic!("{services:?}") };
        assert_eq!((&**its_channel, &**uid), (channel, user), "{services:?}");
        assert_eq!(services[0].privileges().iter().count() == 4, publishes, "{services:?}");
    }
}

/// Waits until something holds; fails when it takes too long.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How much more memory than at first the program may hold after a case, in bytes. The allocator keeps up to 26 MB of what five hundred
/// connections took; as many again and again add nothing to that.
const KEPT_MEMORY: u64 = 40 << 20;

/// How many more sockets: those to an issuer that are kept open.
const KEPT_SOCKETS: usize = 4;

fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("symbolon-catalogue-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder for the test");
    path
}

fn wait_for(ready: &Path, child: &mut Child, folder: &Path) -> Value {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if let Ok(text) = std::fs::read_to_string(ready) {
            return serde_json::from_str(&text).expect("JSON");
        }
        let ended = child.try_wait().expect("a child").is_some();
        assert!(!ended, "the program has ended: {:?}", std::fs::read_to_string(folder.join("stderr")));
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the program was not ready in time");
}
