//! The real program in a folder of its own, and what is said to it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

pub(crate) const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
pub(crate) const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";

/// What a program says goes to a file: a pipe that nobody reads would fill up and hold the program.
const STDERR: &str = "stderr";

/// Production on this machine, in the open mode.
pub(crate) const PRODUCTION: &[(&str, &str)] = &[
    ("APP_ID", APP_ID),
    ("APP_CERTIFICATE", CERTIFICATE),
    ("SYMBOLON_LISTEN", "127.0.0.1"),
    ("SYMBOLON_PRIVATE_LISTEN", "127.0.0.1:0"),
    ("SYMBOLON_OPEN", "1"),
];

/// A running program, ended with the test.
pub(crate) struct Program {
    child: Option<Child>,
    pub(crate) address: SocketAddr,
    pub(crate) app_id: String,
    stderr: PathBuf,
}

impl Program {
    pub(crate) fn start(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        Self::run(folder, command(folder, variables))
    }

    /// Starts it with a command line that is ready but for its port.
    pub(crate) fn run(folder: &Folder, mut command: Command) -> Self {
        let ready = folder.0.join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let mut child = command
            .env("PORT", "0")
            .env("SYMBOLON_READY_FILE", &ready)
            .stdout(Stdio::piped())
            .stderr(File::create(folder.0.join(STDERR)).expect("a file for what it says"))
            .spawn()
            .expect("the program starts");
        let said = wait_for(&ready, &mut child);
        let field = |name: &str| said[name].as_str().expect("a text").to_owned();
        let address = field("public").parse().expect("an address");
        Self { address, app_id: field("appId"), stderr: folder.0.join(STDERR), child: Some(child) }
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn stop(self) -> Output {
        self.signal("TERM");
        self.ended()
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let killed = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(killed.success());
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Output {
        let child = self.child.take().expect("ended once");
        let output = child.wait_with_output().expect("an end");
        Output { stderr: std::fs::read(&self.stderr).expect("what it said"), ..output }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The program with nothing but these variables.
pub(crate) fn command(folder: &Folder, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
    command.env_clear().env("SYMBOLON_STATE_DIR", &folder.0).envs(variables.iter().copied());
    command
}

/// The one line with which the program refuses to start.
pub(crate) fn refusal(folder: &Folder, variables: &[(&str, &str)]) -> String {
    let output = command(folder, variables).output().expect("the program runs");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("symbolon: ") && text.matches('\n').count() == 1, "{text}");
    text
}

fn wait_for(ready: &Path, child: &mut Child) -> Value {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if let Ok(text) = std::fs::read_to_string(ready) {
            return serde_json::from_str(&text).expect("JSON");
        }
        assert!(child.try_wait().expect("a child").is_none(), "the program has ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the program was not ready in time");
}

/// A folder that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("symbolon-program-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
}

pub(crate) fn post(address: SocketAddr, body: &str) -> String {
    let length = body.len();
    exchange(
        address,
        &format!(
            "POST /getToken HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

pub(crate) fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the program listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("an answer");
    reply
}

pub(crate) fn minted(address: SocketAddr, path: &str) -> String {
    let reply = get(address, path);
    let body = reply.split("\r\n\r\n").nth(1).expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    body["rtcToken"].as_str().expect("a token").to_owned()
}

pub(crate) type Socket = WebSocket<TcpStream>;

pub(crate) fn connect(address: SocketAddr) -> Socket {
    let stream = TcpStream::connect(address).expect("the program listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    tungstenite::client(format!("ws://{address}/v1/signal"), stream).expect("an upgrade").0
}

pub(crate) fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::Text(message.to_string().into())).expect("the connection is open");
}

pub(crate) fn hear(socket: &mut Socket, kind: &str) -> Value {
    hear_either(socket, [kind, kind])
}

pub(crate) fn hear_either(socket: &mut Socket, kinds: [&str; 2]) -> Value {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < Duration::from_secs(30), "none of {kinds:?} came in time");
        if let Message::Text(text) = socket.read().expect("a message") {
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if kinds.contains(&message["type"].as_str().expect("a type")) {
                return message;
            }
        }
    }
}
