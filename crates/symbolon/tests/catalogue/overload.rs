//! More requests than can be answered.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::house::{Answer, House, eventually};

#[test]
fn h_52_overload() {
    // One thread answers, and many ask, each again as soon as it is answered.
    let connections = (CONNECTIONS + 10).to_string();
    let house =
        House::with(&[("TOKIO_WORKER_THREADS", "1"), ("SYMBOLON_MAX_CONNECTIONS_PER_CLIENT", connections.as_str())]);
    let request = format!(
        "GET /rtc/room-42/publisher/uid/7/ HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        house.address, house.anything
    );
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let mut askers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        askers.spawn_on(ask_until(Arc::clone(&stop), house.address, request.clone()), runtime.handle());
    }
    eventually("some are refused", || refusals(&house) > 1_000);
    // It lives, and says so.
    let health = house.request("GET", "/healthz", &[], "");
    stop.store(true, Ordering::Relaxed);
    assert_eq!(health.status, 200, "{health:?}");

    let answers = runtime.block_on(askers.join_all()).concat();
    let (mut admitted, mut refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(answer, _)| answer.status == 200);
    assert!(!admitted.is_empty(), "somebody is always answered");
    for (answer, _) in admitted.iter().step_by(100) {
        answer.assert_is_for("room-42", "7", true);
    }
    let mut waits = BTreeSet::new();
    for (answer, _) in &refused {
        assert!(answer.status == 503 && answer.body.contains("too much to do"), "{answer:?}");
        waits.insert(answer.header("retry-after").and_then(|wait| wait.parse::<u64>().ok()).expect("a time to wait"));
    }
    assert_eq!(waits, (1..=5).collect(), "not all come back at the same time");
    // The clock is not asserted on a machine that others use too; this is for those who read along.
    eprintln!("admitted {}; refused {}", tail(&mut admitted), tail(&mut refused));

    let over = Instant::now();
    eventually("all are answered again", || (0..20).all(|_| house.get("/rtc/room-42/publisher/uid/7/").status == 200));
    eprintln!("over after {:?}", over.elapsed());
    house.end();
}

/// How many requests have been refused for the load.
fn refusals(house: &House) -> u64 {
    let metrics = house.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix("symbolon_rate_limited_total{limit=\"load\"} "));
    line.map_or(0, |count| count.parse().expect("a number"))
}

/// Asks again and again, and gives the answers and what each took.
async fn ask_until(stop: Arc<AtomicBool>, address: SocketAddr, request: String) -> Vec<(Answer, Duration)> {
    let mut connection = BufReader::new(TcpStream::connect(address).await.expect("the program listens"));
    let mut answers = Vec::new();
    while !stop.load(Ordering::Relaxed) && answers.len() < MOST_ANSWERS {
        let asked = Instant::now();
        connection.write_all(request.as_bytes()).await.expect("a request");
        answers.push((next_answer(&mut connection).await, asked.elapsed()));
    }
    answers
}

/// The next answer of a connection that stays open.
async fn next_answer(connection: &mut BufReader<TcpStream>) -> Answer {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let read = connection.read_until(b'\n', &mut bytes).await.expect("a head");
        assert!(read > 0, "the connection was closed: {}", String::from_utf8_lossy(&bytes));
    }
    let length = Answer::parse(&bytes).header("content-length").and_then(|length| length.parse().ok());
    let head = bytes.len();
    bytes.resize(head + length.unwrap_or(0), 0);
    connection.read_exact(&mut bytes[head..]).await.expect("a body");
    Answer::parse(&bytes)
}

fn tail(answers: &mut [(Answer, Duration)]) -> String {
    answers.sort_by_key(|(_, took)| *took);
    let at = |part: usize| answers[answers.len() * part / 100].1;
    format!("{}: p50 {:?}, p99 {:?}", answers.len(), at(50), at(99))
}

const CONNECTIONS: usize = 400;

/// What a connection collects at most.
const MOST_ANSWERS: usize = 2_000;
