//! The audit of the real program: exported while it runs, and whole after it was killed.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use symbolon_server::NewKey;

const PRODUCTION: &[(&str, &str)] = &[
    ("APP_ID", "eaa2d524f79f8ac632252761b8a02751"),
    ("APP_CERTIFICATE", "e0041b8f0f1439e741487dc3a62ea4cb"),
    ("SYMBOLON_LISTEN", "127.0.0.1"),
    ("SYMBOLON_PRIVATE_LISTEN", "127.0.0.1:0"),
    ("SYMBOLON_AUDIT_DURABLE", "1"),
    ("SYMBOLON_LIMIT_PER_ADDRESS", "0"),
    ("SYMBOLON_LIMIT_PER_CALLER", "0"),
    ("PORT", "0"),
];

/// Two hundred rounds: start, mint over four connections, SIGKILL at a random moment. Whatever was answered has its
/// record, the store opens each time, and the key still gets tokens.
#[test]
#[expect(clippy::print_stdout, reason = "the seed of a test that failed")]
fn nothing_that_was_answered_is_lost_when_the_program_is_killed() {
    let seed = std::env::var("SYMBOLON_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now_ns);
    println!("seed {seed}: give it in SYMBOLON_TEST_SEED to see the same moments");
    let mut random = Random(seed | 1);
    let station = Station::new();
    let mut answered = HashSet::new();
    for round in 0..ROUNDS {
        let mut program = station.spawn();
        if random.below(10) == 0 {
            // Amid the start.
            thread::sleep(Duration::from_millis(random.below(40)));
            program.kill();
            continue;
        }
        let address = program.address();
        let enough = AtomicI64::new(1 + random.below(80).cast_signed());
        let more = thread::scope(|scope| {
            let clients: Vec<_> = (0..CONNECTIONS)
                .map(|client| {
                    let (station, enough) = (&station, &enough);
                    scope.spawn(move || station.mint_on(address, &format!("{round}-{client}"), enough))
                })
                .collect();
            wait_until(|| enough.load(Ordering::Relaxed) <= 0);
            thread::sleep(Duration::from_micros(random.below(5000)));
            program.kill();
            clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
        });
        answered.extend(more);
        if round % 50 == 49 {
            let exported = station.exported();
            let lost: Vec<_> = answered.difference(&exported).collect();
            assert!(lost.is_empty(), "seed {seed}, round {round}: {} of {} lost", lost.len(), answered.len());
        }
    }
    println!("{} tokens were answered", answered.len());
}

#[test]
fn the_audit_is_exported_while_the_program_runs() {
    let station = Station::new();
    let none = station.command().args(["audit", "export"]).output().unwrap();
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8(none.stderr).unwrap().contains("symbolon.db"));

    let program = station.spawn();
    let address = program.address();
    let mut stream = TcpStream::connect(address).unwrap();
    for id in ["first", "second"] {
        assert_eq!(station.mint(&mut stream, id).unwrap(), 200);
    }
    assert_eq!(station.exported(), HashSet::from(["first".to_owned(), "second".to_owned()]));
    let export = |arguments: &[&str]| station.export(arguments).lines().count();
    assert_eq!(export(&["--since", "1h"]), 2);
    assert_eq!(export(&["--until", "1h"]), 0);
    assert_eq!(export(&["--since", "2099-01-01T00:00:00Z"]), 0);
    let wrong = station.command().args(["audit", "export", "--since", "yesterday"]).output().unwrap();
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("Unix seconds"));
}

#[test]
fn standard_output_gets_the_records_as_well() {
    let station = Station::new();
    let mut program = station.start(station.command().env("SYMBOLON_AUDIT_STDOUT", "1"));
    let mut stream = TcpStream::connect(program.address()).unwrap();
    assert_eq!(station.mint(&mut stream, "mine").unwrap(), 200);
    let mut stdout = program.child.stdout.take().unwrap();
    program.kill();
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    let record: Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!((&record["requestId"], &record["outcome"]), (&json!("mine"), &json!("minted")));
}

/// A state folder, and an API key of the program that uses it.
struct Station {
    folder: PathBuf,
    key: String,
    keys: String,
}

impl Station {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("symbolon-audit-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let key = NewKey::from_entropy([9; 40]);
        let policy = json!({"channels": ["room"], "roles": ["publisher"]});
        let keys = json!([{"id": key.id, "hash": key.hash.to_string(), "policy": policy}]).to_string();
        Self { folder, key: key.text, keys }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command
            .env_clear()
            .env("SYMBOLON_STATE_DIR", self.folder.join("state"))
            .env("SYMBOLON_READY_FILE", self.folder.join("ready.json"))
            .env("SYMBOLON_API_KEYS", &self.keys)
            .envs(PRODUCTION.iter().copied());
        command
    }

    fn spawn(&self) -> Program {
        self.start(&mut self.command())
    }

    fn start(&self, command: &mut Command) -> Program {
        let ready = self.folder.join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        Program { child, ready }
    }

    fn export(&self, arguments: &[&str]) -> String {
        let output = self.command().args(["audit", "export"]).args(arguments).output().expect("an export");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The request ids of tokens that were made.
    fn exported(&self) -> HashSet<String> {
        let id = |line: &str| {
            let record: Value = serde_json::from_str(line).expect("a record");
            assert_eq!(record["outcome"], "minted");
            record["requestId"].as_str().expect("a text").to_owned()
        };
        self.export(&[]).lines().map(id).collect()
    }

    /// Asks for tokens until the program is gone; the request ids of those that were answered. Counts `enough` down.
    fn mint_on(&self, address: SocketAddr, name: &str, enough: &AtomicI64) -> Vec<String> {
        let mut answered = Vec::new();
        let Ok(mut stream) = TcpStream::connect(address) else { return answered };
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        for number in 0.. {
            let id = format!("{name}-{number}");
            let Ok(status) = self.mint(&mut stream, &id) else { break };
            assert_eq!(status, 200);
            answered.push(id);
            enough.fetch_sub(1, Ordering::Relaxed);
        }
        answered
    }

    /// The status of the answer, once the whole of it is there.
    fn mint(&self, stream: &mut TcpStream, id: &str) -> io::Result<u16> {
        let request = format!(
            "GET /rtc/room/publisher/uid/7/ HTTP/1.1\r\nHost: x\r\nX-Request-Id: {id}\r\nAuthorization: Bearer {}\r\n\r\n",
            self.key
        );
        stream.write_all(request.as_bytes())?;
        let mut reply = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            reply.extend_from_slice(&buffer[..read]);
            if let Some(status) = whole(&reply) {
                return Ok(status);
            }
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The status of an answer that is there to its last byte.
fn whole(reply: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(reply).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
    (body.len() >= length).then(|| head.split(' ').nth(1)?.parse().ok())?
}

/// A running program, ended with the test.
struct Program {
    child: Child,
    ready: PathBuf,
}

impl Program {
    /// Waits until it listens.
    fn address(&self) -> SocketAddr {
        let mut said = String::new();
        wait_until(|| {
            said = std::fs::read_to_string(&self.ready).unwrap_or_default();
            !said.is_empty()
        });
        let said: Value = serde_json::from_str(&said).expect("JSON");
        said["public"].as_str().and_then(|text| text.parse().ok()).expect("an address")
    }

    /// SIGKILL, and its end.
    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("an end");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "it did not come in time");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Moments to be killed at (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()))
}

const ROUNDS: u32 = 200;

const CONNECTIONS: u32 = 4;
