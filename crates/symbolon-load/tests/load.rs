//! A little load for the real server and for the null reflector, over loopback.

#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use symbolon_load::{Plan, Reflector, Report, Stream, Target, TargetKind, Tokens};
use symbolon_server::{Config, Server};
use symbolon_token::{AppCertificate, AppId};
use tokio::sync::oneshot;

#[test]
fn viewers_of_the_server_get_what_is_published() {
    let plan = Plan { viewers: 2, audio: Some(Stream::AUDIO), ..short() };
    let report = with_server(|address| run(&plan, TargetKind::Signal, address, minted(CERTIFICATE)));
    assert_well(&report, 3);
    assert!(report.received > report.sent, "two viewers: {report:?}");
    assert_eq!(report.profiles["SRTP_AEAD_AES_256_GCM"], 3);
    assert!(report.join_p50_ms >= report.answer_p50_ms && report.answer_p50_ms > 0.0);
    assert!(report.server_cpu_s.is_some_and(|cpu| cpu > 0.0), "this process is watched: {report:?}");
}

#[test]
fn in_a_meeting_everybody_gets_the_others() {
    let plan = Plan { channels: 2, publishers: 3, viewers: 0, meeting: true, ..short() };
    let report = with_server(|address| run(&plan, TargetKind::Signal, address, minted(CERTIFICATE)));
    assert_well(&report, 6);
    assert!(report.received > report.sent, "each packet goes to two: {report:?}");
}

#[test]
fn viewers_that_leave_are_replaced() {
    let plan = Plan { viewers: 3, churn: 4.0, ..short() };
    let report = with_server(|address| run(&plan, TargetKind::Signal, address, minted(CERTIFICATE)));
    assert_well(&report, 4);
    assert!(report.churned >= 2, "{report:?}");
    assert!(report.profiles.values().sum::<u64>() > 4, "those who came later connected as well: {report:?}");
}

#[test]
fn members_that_are_refused_are_counted_with_the_reason() {
    let report = with_server(|address| run(&short(), TargetKind::Signal, address, minted(WRONG_CERTIFICATE)));
    assert_eq!((report.failed, report.received), (2, 0), "{report:?}");
    assert!(report.failures.keys().all(|why| why.starts_with("the server ended it")), "{report:?}");
}

#[test]
fn the_reflector_gives_each_viewer_every_packet() {
    let plan = Plan { publishers: 2, viewers: 2, meeting: true, audio: Some(Stream::AUDIO), ..short() };
    let stop = Arc::new(AtomicBool::new(false));
    let (told, (tell, address)) = (stop.clone(), std::sync::mpsc::channel());
    let reflecting = std::thread::spawn(move || {
        let mut reflector = Reflector::bind(([127, 0, 0, 1], 0).into())?;
        tell.send(reflector.address()?).expect("somebody waits");
        reflector.run(&told)
    });
    let address = address.recv().expect("a free port");
    let report = run(&plan, TargetKind::Reflector, address, Tokens::Absent);
    stop.store(true, Ordering::Relaxed);
    reflecting.join().expect("no panic").expect("no error");
    assert_well(&report, 4);
    assert!(report.received > 2 * report.sent, "each packet goes to three: {report:?}");
}

/// Nobody failed, and what came is what was sent. A machine that is busy with other tests may be too late for some.
fn assert_well(report: &Report, members: u64) {
    assert_eq!((report.members, report.failed, report.unreadable), (members, 0, 0), "{report:?}");
    assert!(report.sent > 0 && report.received > 0 && report.loss < 0.2, "{report:?}");
    assert!(
        report.p50_ms > 0.0 && report.p50_ms <= report.p99_ms && report.p99_ms <= report.max_ms * 1.01,
        "{report:?}"
    );
}

fn short() -> Plan {
    let (warm_up, window) = (Duration::from_millis(300), Duration::from_secs(1));
    Plan { warm_up, window, ..Plan::default() }
}

fn run(plan: &Plan, kind: TargetKind, address: SocketAddr, tokens: Tokens) -> Report {
    let target = Target::parse(kind, &address.to_string()).expect("an address");
    symbolon_load::run(plan, target, tokens, Some(std::process::id()), &mut |_| {}).expect("sockets")
}

fn minted(certificate: &str) -> Tokens {
    Tokens::Minted {
        app_id: AppId::parse(APP_ID).expect("an App ID"),
        certificate: AppCertificate::parse(certificate).expect("a certificate"),
        life: Duration::from_secs(600),
    }
}

/// The real server on a free port, for as long as the call takes.
fn with_server<T>(call: impl FnOnce(SocketAddr) -> T) -> T {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = Folder(std::env::temp_dir().join(format!("symbolon-load-{}-{number}", std::process::id())));
    let environment = |name: &str| match name {
        "SYMBOLON_STATE_DIR" => Some(folder.0.display().to_string()),
        _ => SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    };
    let config = Config::load(None, &environment).expect("the test's settings are right");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let server = runtime.block_on(Server::bind(config)).expect("free ports");
    let address = server.addresses().public;
    let (stop, stopped) = oneshot::channel::<()>();
    let running = runtime.spawn(server.run(async move {
        let _ = stopped.await;
    }));
    let outcome = call(address);
    drop(stop);
    runtime.block_on(running).expect("no panic").expect("no error");
    outcome
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";
const WRONG_CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cc";
const SETTINGS: &[(&str, &str)] = &[
    ("APP_ID", APP_ID),
    ("APP_CERTIFICATE", CERTIFICATE),
    ("SYMBOLON_LISTEN", "127.0.0.1"),
    ("SYMBOLON_PRIVATE_LISTEN", "127.0.0.1:0"),
    ("PORT", "0"),
];
