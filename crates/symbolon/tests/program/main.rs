//! The program as people start it: what it prints, what it keeps, how it ends, and what it never says.

mod apps;
mod settings;
mod support;
mod unit;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use support::*;

#[test]
fn the_first_start_says_all_that_a_call_needs_and_the_second_keeps_the_app() {
    let folder = Folder::new();
    let first = Program::start(&folder, &[]);
    let (app_id, address) = (first.app_id.clone(), first.address);
    let token = get(address, "/rtc/AgoraChannel/publisher/uid/1001/");
    assert!(token.contains(r#"{"rtcToken":"007"#), "{token}");
    assert!(get(address, "/sdk/index.js").starts_with("HTTP/1.1 200 "));
    let output = first.stop();
    assert_eq!(output.status.code(), Some(0));
    let banner = String::from_utf8(output.stdout).unwrap();
    for fact in [
        format!("http://localhost:{}/", address.port()),
        format!("curl http://{address}/rtc/AgoraChannel/publisher/uid/1001/"),
        app_id.clone(),
        "/metrics".to_owned(),
        folder.0.display().to_string(),
        "Open to anyone on this machine".to_owned(),
    ] {
        assert!(banner.contains(&fact), "{fact}\n{banner}");
    }
    assert!(!banner.contains('\x1b'), "no colours in a pipe");

    let second = Program::start(&folder, &[]);
    assert_eq!(second.app_id, app_id);
    second.stop();
}

#[test]
fn its_health_is_asked_with_the_program_itself() {
    let folder = Folder::new();
    let program = Program::start(&folder, &[]);
    let port = program.address.port().to_string();
    let ask = |url: &str| {
        let mut command = command(&folder, &[("PORT", &port)]);
        command.arg("health").args(url.split_whitespace()).output().expect("the program runs")
    };
    assert_eq!(ask("").status.code(), Some(0));
    let absent = ask(&format!("--url http://127.0.0.1:{port}/absent"));
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("answers 404"));
    program.stop();
    assert_eq!(ask("").status.code(), Some(1), "nobody is there any more");
}

#[test]
fn what_is_under_way_at_the_end_is_answered_and_nothing_new_is_taken() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let program = Program::start(&folder, &[]);
        let connect = || TcpStream::connect(program.address);
        let mut resting = connect().unwrap();
        resting.write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_ne!(resting.read(&mut [0; 1024]).unwrap(), 0);
        let mut asking = connect().unwrap();
        let body = br#"{"tokenType":"rtc","channel":"AgoraChannel","role":"publisher","uid":"7"}"#;
        let head = format!(
            "POST /getToken HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        asking.write_all(head.as_bytes()).unwrap();
        let mut go_on = [0; 25];
        asking.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        asking.write_all(&body[..10]).unwrap();

        program.signal(signal);
        assert_eq!(resting.read(&mut [0; 1]).unwrap(), 0, "a connection that rests is closed");
        assert!((0..500).any(|_| connect().is_err() || {
            std::thread::sleep(Duration::from_millis(2));
            false
        }));
        asking.write_all(&body[10..]).unwrap();
        let mut answer = String::new();
        asking.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#"{"token":"007"#), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert_eq!(program.ended().status.code(), Some(0), "{signal}");
    }
}

#[test]
fn a_damaged_state_file_stops_the_start() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("development-app.json"), "{").unwrap();
    let text = refusal(&folder, &[("PORT", "0")]);
    assert!(text.contains("development-app.json") && text.contains("is damaged"), "{text}");
}

#[test]
fn a_port_in_use_is_named() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = refusal(&folder, &[("PORT", &port)]);
    assert!(text.contains(&port) && text.contains("in use already"), "{text}");
}

#[test]
fn production_names_the_setting_that_is_wrong_and_never_its_value() {
    let folder = Folder::new();
    let short = &CERTIFICATE[1..];
    for (variables, field) in [
        (vec![("APP_ID", APP_ID)], "APP_CERTIFICATE"),
        (vec![("APP_ID", APP_ID), ("APP_CERTIFICATE", short)], "APP_CERTIFICATE"),
        (vec![("APP_ID", "x"), ("APP_CERTIFICATE", CERTIFICATE)], "APP_ID"),
        (vec![("APP_ID", APP_ID), ("APP_CERTIFICATE", CERTIFICATE)], "SYMBOLON_OPEN"),
        (vec![("APP_ID", APP_ID), ("APP_CERTIFICATE", CERTIFICATE), ("SYMBOLON_OPEN", "1")], "SYMBOLON_BEHIND_PROXY"),
    ] {
        let text = refusal(&folder, &variables);
        assert!(text.contains(field), "{field} {text}");
        assert!(!text.contains(&CERTIFICATE[1..9]), "{text}");
    }
}

#[test]
fn the_configuration_that_it_prints_is_one_that_it_reads() {
    let folder = Folder::new();
    let printed = command(&folder, &[]).arg("config").output().unwrap();
    assert!(printed.status.success());
    let path = folder.0.join("symbolon.toml");
    std::fs::write(&path, printed.stdout).unwrap();
    let config = path.display().to_string();
    let program = Program::start(&folder, &[PRODUCTION, &[("SYMBOLON_CONFIG", &config)]].concat());
    assert_eq!(program.app_id, APP_ID);
    program.stop();
}

#[test]
fn no_secret_is_said_however_much_is_asked_for() {
    let folder = Folder::new();
    let program =
        Program::start(&folder, &[PRODUCTION, &[("SYMBOLON_LOG", "trace"), ("SYMBOLON_LOG_NAMES", "1")]].concat());
    let address = program.address;
    let mut secrets = HashSet::from([CERTIFICATE.to_owned()]);
    let mut token = |uid: u32| {
        let token = minted(address, &format!("/rtc/room-1/publisher/uid/{uid}/"));
        secrets.insert(token.clone());
        token
    };
    let (first, renewed, other) = (token(1001), token(1001), token(1002));

    let mut ann = connect(address);
    say(
        &mut ann,
        &json!({
            "type": "join", "appId": APP_ID, "channel": "room-1", "uid": 1001, "token": first, "role": "broadcaster",
            "name": "Ann", "media": { "sdp": OFFER, "publish": [{"mid": "0", "kind": "audio"}] },
        }),
    );
    let joined = hear(&mut ann, "joined");
    secrets.insert(joined["resume"].as_str().unwrap().to_owned());
    let answer = joined["media"]["sdp"].as_str().unwrap();
    let password = answer.lines().find_map(|line| line.strip_prefix("a=ice-pwd:")).expect("an ICE password");
    secrets.insert(password.to_owned());
    secrets.insert("thepasswordoftheclient0123456789".to_owned());

    say(&mut ann, &json!({"type": "renewToken", "id": 1, "token": renewed}));
    assert_eq!(hear(&mut ann, "renewed")["code"], 0);
    say(&mut ann, &json!({"type": "renewToken", "id": 2, "token": other}));
    assert_ne!(hear(&mut ann, "renewed")["code"], 0);
    say(&mut ann, &json!({"type": other, "id": other, "token": [other]}));
    hear(&mut ann, "error");
    for text in [
        format!("{{\"type\":\"join\",\"token\":\"{other}"),
        format!("{{\"type\":\"setRole\",\"id\":1,\"role\":\"{other}\"}}"),
    ] {
        ann.send(Message::Text(text.into())).unwrap();
        let error = hear(&mut ann, "error");
        assert!(!error.to_string().contains(&other), "{error}");
    }
    let mut bob = connect(address);
    say(
        &mut bob,
        &json!({
            "type": "join", "appId": APP_ID, "channel": "room-2", "uid": 1002, "token": other, "role": "audience",
        }),
    );
    let ended = hear(&mut bob, "ended");
    assert!(!ended.to_string().contains(&other), "{ended}");

    get(address, &format!("/rtm/{other}/"));
    get(address, &format!("/nothing?token={other}"));
    post(address, &format!(r#"{{"tokenType":"{other}","uid":1,"channel":"{CERTIFICATE}"}}"#));
    post(address, &format!(r#"{{"tokenType":"{other}"#));
    say(&mut ann, &json!({"type": "leave"}));
    hear(&mut ann, "ended");

    let output = program.stop();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    for secret in &secrets {
        assert!(!said.contains(&secret[10..]), "a secret was said");
    }
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("one JSON object a line: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string());
    }
    for event in ["joined", "token renewal answered", "join refused", "left", "token minted", "OPEN MODE"] {
        assert!(said.contains(event), "{event}\n{said}");
    }
    assert!(said.contains(r#""channel":"room-1""#) && said.contains(r#""uid":1001"#), "{said}");
}

#[test]
fn without_leave_log_lines_name_nobody() {
    let folder = Folder::new();
    let program = Program::start(&folder, PRODUCTION);
    let token = minted(program.address, "/rtc/secret-room/publisher/uid/77001/");
    let mut ann = connect(program.address);
    say(
        &mut ann,
        &json!({
            "type": "join", "appId": APP_ID, "channel": "secret-room", "uid": 77001, "token": token, "role": "audience",
        }),
    );
    hear(&mut ann, "joined");
    let said = String::from_utf8(program.stop().stderr).unwrap();
    assert!(said.contains("joined") && !said.contains("secret-room") && !said.contains("77001"), "{said}");
}

/// One microphone.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS *\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
    a=ice-pwd:thepasswordoftheclient0123456789\r\na=ice-options:trickle\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=ssrc:1234567 cname:ann\r\n";
