//! The queue, the writer and the bound, against a real store.

use std::time::Instant;

use axum::http::{HeaderMap, StatusCode};
use sqlx::Connection;

use super::*;
use crate::request_id::RequestId;
use crate::testing::TempFolder;

const ORDINARY: AuditSettings = AuditSettings { durable: false, max_records: 1000, stdout: false };
const DURABLE: AuditSettings = AuditSettings { durable: true, ..ORDINARY };

fn entries(numbers: impl IntoIterator<Item = u64>) -> Vec<Entry> {
    numbers.into_iter().map(|number| Entry::new(number, format!("{{\"n\":{number}}}"))).collect()
}

async fn export(folder: &TempFolder, period: Period) -> Vec<String> {
    let mut export = Export::open(folder.path(), period).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = export.next().await.unwrap() {
        lines.push(line);
    }
    export.close().await.unwrap();
    lines
}

#[tokio::test]
async fn what_was_put_is_written_at_the_end_at_the_latest() {
    let folder = TempFolder::new();
    let store = Store::open(folder.path()).await.unwrap();
    let metrics = Metrics::new();
    let (audit, writing) = Audit::start(ORDINARY, Some(store), metrics.clone());
    for number in 0..777 {
        audit.put(entries([number])).await.unwrap();
    }
    writing.end().await;
    assert_eq!(audit.put(entries([777])).await, Err(Unrecorded), "it has ended");
    let lines = export(&folder, Period::default()).await;
    assert_eq!(lines.len(), 777);
    assert_eq!((&*lines[0], &*lines[776]), ("{\"n\":0}", "{\"n\":776}"));
    assert_eq!(export(&folder, Period { since: 10, until: 20 }).await, lines[10..20]);
    assert!(metrics.text(&symbolon_edge::Stats::default()).contains("symbolon_audit_records_total 777\n"));
}

#[tokio::test]
async fn a_durable_record_is_in_the_store_before_the_answer() {
    let folder = TempFolder::new();
    let store = Store::open(folder.path()).await.unwrap();
    let (audit, _writing) = Audit::start(DURABLE, Some(store), Metrics::new());
    for number in 0..20 {
        audit.put(entries([number])).await.unwrap();
        assert_eq!(export(&folder, Period::default()).await.len() as u64, number + 1);
    }
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many() {
    let folder = TempFolder::new();
    let store = Store::open(folder.path()).await.unwrap();
    for (max_records, put, kept) in [(1000, 0..2500, 1000), (100, 2500..2501, 100), (100, 2501..2502, 100)] {
        let settings = AuditSettings { max_records, ..DURABLE };
        let (audit, writing) = Audit::start(settings, Some(store.clone()), Metrics::new());
        let last = put.end - 1;
        for numbers in put.collect::<Vec<_>>().chunks(100) {
            audit.put(entries(numbers.iter().copied())).await.unwrap();
        }
        drop(audit);
        writing.end().await;
        let lines = export(&folder, Period::default()).await;
        assert_eq!((lines.len(), lines.last()), (kept, Some(&format!("{{\"n\":{last}}}"))));
    }
}

#[tokio::test]
async fn a_full_queue_takes_nothing() {
    let folder = TempFolder::new();
    let store = Store::open(folder.path()).await.unwrap();
    let mut other = store.connect().await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let (audit, writing) = Audit::start(ORDINARY, Some(store), Metrics::new());
    let mut put = 0;
    while audit.put(entries([put])).await.is_ok() {
        put += 1;
        assert!(put <= (QUEUE + 4096) as u64, "the queue has no bound");
        tokio::task::yield_now().await;
    }
    assert!(put >= QUEUE as u64);
    assert_eq!(audit.put(entries([0, 1])).await, Err(Unrecorded));
    // Whoever held up the store goes: nothing of what was taken is lost.
    lock.rollback().await.unwrap();
    drop(audit);
    writing.end().await;
    let mut connection = Store::open(folder.path()).await.unwrap().connect().await.unwrap();
    let (rows, last): (i64, i64) =
        sqlx::query_as("SELECT count(*), max(at) FROM audit").fetch_one(&mut connection).await.unwrap();
    assert_eq!((rows, last), (1000, i64::try_from(put).unwrap() - 1));
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_taken_up_again() {
    let folder = TempFolder::new();
    let store = Store::open(folder.path()).await.unwrap();
    let mut other = store.connect().await.unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    sqlx::raw_sql(full).execute(&mut other).await.unwrap();

    let (durable, _writing) = Audit::start(DURABLE, Some(store.clone()), Metrics::new());
    assert_eq!(durable.put(entries([1])).await, Err(Unrecorded));
    assert!(durable.is_failing());

    let metrics = Metrics::new();
    let (ordinary, writing) = Audit::start(ORDINARY, Some(store), metrics.clone());
    ordinary.put(entries([2])).await.unwrap();
    while !ordinary.is_failing() {
        tokio::task::yield_now().await;
    }
    assert!(metrics.text(&symbolon_edge::Stats::default()).contains("symbolon_audit_write_failures_total 1\n"));

    sqlx::raw_sql("DROP TRIGGER full").execute(&mut other).await.unwrap();
    durable.put(entries([3])).await.unwrap();
    assert!(!durable.is_failing());
    drop(ordinary);
    writing.end().await;
    let mut lines = export(&folder, Period::default()).await;
    lines.sort();
    assert_eq!(lines, ["{\"n\":2}", "{\"n\":3}"]);
}

#[tokio::test]
async fn what_cannot_be_written_at_the_end_is_counted() {
    let folder = TempFolder::new();
    let store = Store::open(folder.path()).await.unwrap();
    let mut other = store.connect().await.unwrap();
    sqlx::raw_sql("DROP TABLE audit").execute(&mut other).await.unwrap();
    let metrics = Metrics::new();
    let (audit, writing) = Audit::start(ORDINARY, Some(store), metrics.clone());
    audit.put(entries(0..3)).await.unwrap();
    let (close, writer) = writing.0.unwrap();
    drop(close);
    writer.await.expect("an end in order");
    assert!(metrics.text(&symbolon_edge::Stats::default()).contains("symbolon_audit_dropped_total 3\n"));
}

#[tokio::test]
async fn without_a_place_nothing_is_kept() {
    let (audit, writing) = Audit::start(ORDINARY, None, Metrics::new());
    assert!(writing.0.is_none() && audit.is_off() && !audit.is_failing());
    audit.put(entries([1])).await.unwrap();
}

/// What a record costs in all, in CPU time of the whole process: `cargo test --release -p symbolon-server --lib -- --ignored
/// --nocapture what_a_record_costs`.
#[tokio::test]
#[ignore = "measures"]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn what_a_record_costs() {
    let folder = TempFolder::new();
    let store = Store::open(folder.path()).await.unwrap();
    let metrics = Metrics::new();
    let settings = AuditSettings { max_records: 150_000, ..ORDINARY };
    let (audit, writing) = Audit::start(settings, Some(store), metrics.clone());
    let (wall, cpu) = (Instant::now(), cpu_ms());
    let records = 300_000_u32;
    for number in 0..records {
        leave(&audit, number).await;
        if number % 1000 == 0 {
            // The pace of 45,000 requests a second, at most.
            let due = Duration::from_micros(u64::from(number) * 22);
            tokio::time::sleep(due.saturating_sub(wall.elapsed())).await;
        }
    }
    let asked = cpu_ms() - cpu;
    drop(audit);
    writing.end().await;
    let all = cpu_ms() - cpu;
    let each = |ms: u64| ms as f64 * 1000.0 / f64::from(records);
    println!(
        "{records} records in {:?}: {:.2} us of CPU each ({:.2} before the end)",
        wall.elapsed(),
        each(all),
        each(asked)
    );
}

async fn leave(audit: &Audit, number: u32) {
    let client = Some("203.0.113.9".parse().unwrap());
    let trail = Trail::new(audit.clone(), RequestId::of(&HeaderMap::new()), client, "rtc");
    let user = number.to_string();
    let privileges = vec!["join", "publish_audio", "publish_video", "publish_data"];
    let (channel, user, role) = (Some("team-a-room-17"), Some(&*user), Some("publisher"));
    let wanted = What { kind: "rtc", channel, user, role, life: 600, privileges, more: Vec::new() };
    let caller = Who { kind: "key", id: Some("0011223344556677"), name: Some("backend"), issuer: None };
    let request = Request { app_id: "eaa2d524f79f8ac632252761b8a02751", caller, wanted: &wanted };
    let made = || Made { id: Some("0011aabb".to_owned()), certificate: "aabbccdd", until: 1_800_000_000 };
    trail.minted(request, made);
    trail.settle(caller, StatusCode::OK, "other").await.expect("a queue that is long enough");
}

/// The CPU time of this process in user and system mode.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    (ticks(11) + ticks(12)) * 10
}
