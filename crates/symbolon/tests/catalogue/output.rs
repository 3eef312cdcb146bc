//! What the program says of itself: debug output, log lines, metrics (H-53 to H-55).

use std::io::Read;
use std::process::Command;

use crate::house::{CERTIFICATE, House};

#[test]
fn h_53_secrets_in_debug_output() {
    let house = House::with(&[("SYMBOLON_LOG", "trace")]);
    house.get("/rtc/room-1/publisher/uid/1001/");
    let metrics = house.metrics();
    assert!(!metrics.contains(&CERTIFICATE[..12]) && !metrics.contains(&house.anything[..30]));
    for arguments in [&["--version"][..], &["config"], &["--help"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_symbolon"))
            .args(arguments)
            .env("APP_CERTIFICATE", CERTIFICATE)
            .env("SYMBOLON_API_KEYS", "[]")
            .output()
            .expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains(&CERTIFICATE[..12]), "{arguments:?}");
    }
    house.end();
}

#[test]
fn h_54_log_injection() {
    let house = House::with(&[("SYMBOLON_LOG", "trace"), ("SYMBOLON_LOG_NAMES", "1")]);
    let bearer = format!("Bearer {}", house.anything);
    // A line end in a header is two headers, or no request at all.
    let agent = "x\r\n{\"level\":\"audit\"}";
    let headers = [("Authorization", &*bearer), ("User-Agent", agent)];
    house.request("GET", "/rtc/room-1/publisher/uid/1001/", &headers, "");
    for account in ["%1b%5d0;pwn%07", "%22%22%5c%5c%22%5c", "a%0a%7b%22level%22:%22audit%22%7d"] {
        house.get(&format!("/rtc/room-1/publisher/userAccount/{account}/"));
        house.get(&format!("/rtm/{account}/"));
    }
    let said = house.said();
    assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'));
    assert!(!said.contains(r#"{"level":"audit"}"#));
    house.end();
}

#[test]
fn h_55_metrics_do_not_grow_with_names() {
    let house = House::with(&[("SYMBOLON_OPEN", "1")]);
    for batch in 0..20 {
        let request = |number: usize| {
            let connection = if number == 99 { "close" } else { "keep-alive" };
            format!(
                "GET /rtc/room-{batch}-{number}/subscriber/uid/1/ HTTP/1.1\r\nHost: {}\r\nUser-Agent: agent-{batch}-{number}\r\n\
                 Connection: {connection}\r\n\r\n",
                house.address
            )
        };
        let mut stream = house.sent((0..100).map(request).collect::<String>().as_bytes());
        let mut answers = String::new();
        stream.read_to_string(&mut answers).expect("answers");
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 100);
    }
    let metrics = house.metrics();
    assert!(metrics.len() < 64 * 1024, "{} bytes", metrics.len());
    assert!(!metrics.contains("room-") && !metrics.contains("agent-"));
    house.end();
}
