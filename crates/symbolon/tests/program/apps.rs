//! The commands that write the store, beside a program that runs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use symbolon_token::{AppCertificate, AppId, Issue, Role, builder};

use crate::support::*;

/// A walk through a whole rotation. At no step is a good token refused, and at the end the old certificate's are.
#[test]
fn a_rotation_refuses_no_good_token_and_ends_the_old_certificate() {
    let folder = Folder::new();
    let added = run(&folder, &["app", "add", "--name", "shop"]);
    let (id, first) = (word_after(&added, "App "), drawn(&added));
    let program = Program::start(&folder, STORE_ONLY);
    assert_eq!(program.app_id, id);
    let joins = |certificate: &str| join(&program, &id, certificate).is_ok();
    assert!(joins(&first));
    let fingerprint_of_the_first = signing(&folder);

    let step = run(&folder, &["app", "rotate", &id, "--add"]);
    let second = drawn(&step);
    assert!(step.contains("--promote") && !step.contains(&first), "{step}");
    let again = run(&folder, &["app", "rotate", &id, "--add"]);
    assert!(again.contains("added before") && !again.contains(&second), "{again}");
    within_a_second(|| joins(&second));
    assert!(joins(&first));
    assert_eq!(signing(&folder), fingerprint_of_the_first);

    assert!(run(&folder, &["app", "rotate", &id, "--promote"]).contains("--retire"));
    assert!(run(&folder, &["app", "rotate", &id, "--promote"]).contains("signs already"));
    assert_ne!(signing(&folder), fingerprint_of_the_first);
    // What the server itself makes is good before and after it has seen the change.
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        let token = minted(program.address, "/rtc/room/publisher/uid/0/");
        assert!(join_with(&program, &id, &token).is_ok());
        assert!(joins(&first) && joins(&second));
        std::thread::sleep(Duration::from_millis(20));
    }

    run(&folder, &["app", "rotate", &id, "--retire"]);
    within_a_second(|| !joins(&first));
    assert!(joins(&second));
    let token = minted(program.address, "/rtc/room/publisher/uid/0/");
    assert!(join_with(&program, &id, &token).is_ok());
    assert_eq!(join(&program, &id, &first).unwrap_err()["slug"], "bad_signature");
    let list = run(&folder, &["app", "list"]);
    assert!(list.contains(&format!("retired {fingerprint_of_the_first}")), "{list}");
    for said in [list, String::from_utf8(program.stop().stderr).unwrap()] {
        assert!(!said.contains(&first) && !said.contains(&second), "{said}");
    }
}

#[test]
fn a_disabled_app_is_refused_at_every_door_until_it_is_enabled() {
    let folder = Folder::new();
    let added = run(&folder, &["app", "add"]);
    let (id, certificate) = (word_after(&added, "App "), drawn(&added));
    let program = Program::start(&folder, STORE_ONLY);
    run(&folder, &["app", "disable", &id]);
    within_a_second(|| join(&program, &id, &certificate).is_err());
    let ended = join(&program, &id, &certificate).unwrap_err();
    assert_eq!((&ended["code"], &ended["slug"]), (&json!(101), &json!("project_disabled")));
    assert!(get(program.address, "/rtc/room/publisher/uid/0/").starts_with("HTTP/1.1 403 "));
    assert!(run(&folder, &["app", "enable", &id]).contains("is enabled."));
    within_a_second(|| join(&program, &id, &certificate).is_ok());
    assert!(get(program.address, "/rtc/room/publisher/uid/0/").starts_with("HTTP/1.1 200 "));
}

/// Who was let in by a certificate goes with it where that is asked for, and by a renewal is another one's.
#[test]
fn sessions_end_with_the_certificate_that_let_them_in_where_asked() {
    let folder = Folder::new();
    let added = run(&folder, &["app", "add"]);
    let (id, first) = (word_after(&added, "App "), drawn(&added));
    let program = Program::start(&folder, STORE_ONLY);
    let second = drawn(&run(&folder, &["app", "rotate", &id, "--add"]));
    within_a_second(|| join(&program, &id, &second).is_ok());
    run(&folder, &["app", "rotate", &id, "--promote"]);
    let mut old = stay(&program, &id, &first, 1001);
    let mut renewed = stay(&program, &id, &first, 1002);
    let mut new = stay(&program, &id, &second, 1003);
    say(&mut renewed, &json!({"type": "renewToken", "id": 7, "token": token(&id, &second)}));
    assert_eq!(hear(&mut renewed, "renewed")["code"], 0);

    let refused = command(&folder, &[]).args(["app", "rotate", &id, "--promote", "--end-sessions"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("cannot be used with"), "{said}");
    run(&folder, &["app", "rotate", &id, "--retire"]);
    within_a_second(|| join(&program, &id, &first).is_err());
    for socket in [&mut old, &mut renewed, &mut new] {
        is_there(socket);
    }

    let asked = Instant::now();
    let step = run(&folder, &["app", "rotate", &id, "--retire", "--end-sessions"]);
    assert!(step.contains("none left to retire") && step.contains("ends the sessions"), "{step}");
    let ended = hear(&mut old, "ended");
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let expected = (&json!(110), &json!(8), &json!("certificate_retired"));
    assert_eq!((&ended["code"], &ended["reason"], &ended["slug"]), expected);
    let left = hear(&mut new, "memberLeft");
    assert_eq!((&left["uid"], &left["reason"]), (&json!(1001), &json!(0)));
    is_there(&mut renewed);
    is_there(&mut new);

    run(&folder, &["app", "disable", &id]);
    within_a_second(|| join(&program, &id, &second).is_err());
    is_there(&mut renewed);
    assert!(run(&folder, &["app", "disable", &id, "--end-sessions"]).contains("sessions end"));
    for socket in [&mut renewed, &mut new] {
        let ended = hear(socket, "ended");
        let expected = (&json!(101), &json!(6), &json!("project_disabled"));
        assert_eq!((&ended["code"], &ended["reason"], &ended["slug"]), expected);
    }
    run(&folder, &["app", "enable", &id]);
    within_a_second(|| join(&program, &id, &second).is_ok());
    is_there(&mut stay(&program, &id, &second, 1004));
}

#[test]
fn what_tokens_may_do_is_set_while_the_program_runs() {
    let folder = Folder::new();
    let added = run(&folder, &["app", "add", "--publish-privileges", "off", "--wildcards", "star"]);
    let (id, certificate) = (word_after(&added, "App "), drawn(&added));
    let listed = |words: &str| assert!(run(&folder, &["app", "list"]).contains(words), "{words}");
    listed("wildcards star, accept-006 off, publish-privileges off");
    let program = Program::start(&folder, STORE_ONLY);
    let (app_id, secret) = (AppId::parse(&id).unwrap(), AppCertificate::parse(&certificate).unwrap());
    let make = |channel, uid| {
        builder::build_token_with_uid(Issue::now(), app_id, &secret, channel, uid, Role::Subscriber, 600, 600).unwrap()
    };
    // Somebody new each time, since a uid is not to be taken over again and again.
    let uids = AtomicU32::new(1);
    let standing = |channel| {
        let mut socket = connect(program.address);
        let uid = uids.fetch_add(1, Ordering::Relaxed);
        let (token, role) = (make(channel, uid), "broadcaster");
        say(
            &mut socket,
            &json!({"type": "join", "appId": id, "channel": "room", "uid": uid, "token": token, "role": role}),
        );
        hear_either(&mut socket, ["joined", "ended"])
    };
    assert_eq!(standing("*")["standing"]["audio"], true);
    let set = run(&folder, &["app", "set", &id, "--wildcards", "off"]);
    assert!(set.contains("wildcards off, accept-006 off, publish-privileges off"), "{set}");
    within_a_second(|| standing("*")["slug"] == "wildcard_not_allowed");
    assert_eq!(standing("room")["standing"]["audio"], true);
    run(&folder, &["app", "set", &id, "--publish-privileges", "on", "--allow-006", "on"]);
    within_a_second(|| standing("room")["standing"]["audio"] == false);
    listed("wildcards off, accept-006 on, publish-privileges on");
    assert!(failure(&folder, &["app", "set", &id]).contains("--wildcards"));
    assert!(failure(&folder, &["app", "set", APP_ID, "--wildcards", "off"]).contains("no app"));
}

#[test]
fn an_app_added_while_the_program_runs_is_served_beside_the_first() {
    let folder = Folder::new();
    let program = Program::start(&folder, PRODUCTION);
    let given = folder.0.join("certificate");
    let certificate = "d0041b8f0f1439e741487dc3a62ea4cd";
    std::fs::write(&given, format!("{certificate}\n")).unwrap();
    let added = run(&folder, &["app", "add", "--certificate-file", given.to_str().unwrap()]);
    assert!(!added.contains(certificate), "{added}");
    let id = word_after(&added, "App ");
    within_a_second(|| join(&program, &id, certificate).is_ok());
    assert!(join(&program, APP_ID, CERTIFICATE).is_ok());
    assert!(join(&program, &id, CERTIFICATE).is_err() && join(&program, APP_ID, certificate).is_err());
    // The routes that name no app keep theirs.
    let token = minted(program.address, "/rtc/room/publisher/uid/0/");
    assert!(join_with(&program, APP_ID, &token).is_ok());
    program.stop();

    let text = refusal(&folder, &[PRODUCTION, &[("APP_ID", &*id)]].concat());
    assert!(text.contains(&id) && text.contains("stands twice"), "{text}");
    let second = word_after(&run(&folder, &["app", "add"]), "App ");
    let text = refusal(&folder, STORE_ONLY);
    assert!(text.contains("SYMBOLON_DEFAULT_APP"), "{text}");
    let named = Program::start(&folder, &[STORE_ONLY, &[("SYMBOLON_DEFAULT_APP", &*second)]].concat());
    assert_eq!(named.app_id, second);
}

#[test]
fn a_key_of_the_store_works_until_it_is_revoked() {
    let folder = Folder::new();
    let program = Program::start(&folder, &PRODUCTION[..PRODUCTION.len() - 1]);
    let made = run(&folder, &["key", "new", "--name", "backend", "--channel", "room"]);
    let key = made.split_whitespace().find(|word| word.starts_with("sym_")).unwrap().to_owned();
    let id = key.split('_').nth(1).unwrap().to_owned();
    let status = |key: &str| {
        let path = "/rtc/room/subscriber/uid/7/";
        let address = program.address;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        let reply = exchange(address, &request);
        let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
        (head.split(' ').nth(1).expect("a status").to_owned(), body.to_owned())
    };
    assert!(run(&folder, &["key", "list"]).contains("never used"));
    within_a_second(|| status(&key).0 == "200");
    within_a_second(|| run(&folder, &["key", "list"]).contains("last used 20"));
    let list = run(&folder, &["key", "list"]);
    assert!(list.contains(&id) && list.contains("\"backend\"") && list.contains("good"), "{list}");
    assert!(!list.contains(&key[21..]), "{list}");

    run(&folder, &["key", "revoke", &id]);
    within_a_second(|| status(&key).0 == "401");
    let unknown = format!("sym_{}_{}", "0".repeat(16), "0".repeat(64));
    let wrong = format!("sym_{id}_{}", "0".repeat(64));
    for other in [unknown, wrong] {
        assert_eq!(status(&other), status(&key));
    }
    assert!(run(&folder, &["key", "revoke", &id]).contains("revoked before"));
    assert!(run(&folder, &["key", "list"]).contains("revoked 20"));
    assert!(failure(&folder, &["key", "revoke", "nobody"]).contains("no key \"nobody\""));
}

#[test]
fn a_key_reaches_the_apps_that_it_names_and_no_other() {
    let folder = Folder::new();
    let [named, other] = [0, 1].map(|_| word_after(&run(&folder, &["app", "add"]), "App "));
    let new = |arguments: &[&str]| {
        let made = run(&folder, &[&["key", "new", "--channel", "room", "--uid", "any"], arguments].concat());
        made.split_whitespace().find(|word| word.starts_with("sym_")).unwrap().to_owned()
    };
    let (with, without) = (new(&["--app", &named]), new(&[]));
    let program = Program::start(&folder, &PRODUCTION[..PRODUCTION.len() - 1]);
    let ask = |key: &str, app: &str| {
        let body = json!({ "appId": app, "channel": "room", "uid": 0 }).to_string();
        let reply = exchange(
            program.address,
            &format!(
                "POST /v1/tokens HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                program.address,
                body.len()
            ),
        );
        let body = reply.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str::<serde_json::Value>(body).expect("JSON")
    };
    let token = ask(&with, &named);
    assert_eq!(token["appId"], named.as_str(), "{token}");
    assert!(join_with(&program, &named, token["token"].as_str().unwrap()).is_ok());
    for (key, app) in [(&with, &*other), (&with, APP_ID), (&without, &*named), (&without, &"0".repeat(32))] {
        assert_eq!(ask(key, app)["code"], "app_not_allowed");
    }
    assert_eq!(ask(&without, APP_ID)["appId"], APP_ID);
    assert!(failure(&folder, &["key", "new", "--channel", "room", "--app", "shop"]).contains("32 characters"));
}

#[test]
fn what_a_command_cannot_do_it_says_in_one_line() {
    let folder = Folder::new();
    assert!(failure(&folder, &["app", "list"]).contains("symbolon.db"));
    let id = word_after(&run(&folder, &["app", "add"]), "App ");
    for (arguments, words) in [
        (vec!["app", "rotate", &id, "--promote"], "--add"),
        (vec!["app", "rotate", APP_ID, "--add"], "symbolon app list"),
        (vec!["app", "disable", "room"], "32 characters"),
        (vec!["app", "add", "--id", &id], "already"),
        (vec!["app", "add", "--id", "970CA35de60c44645bbae8a215061b33"], "published sample"),
        (vec!["key", "new", "--channel", "a*b"], "channel pattern"),
    ] {
        let text = failure(&folder, &arguments);
        assert!(text.contains(words), "{arguments:?} {text}");
    }
    let env = run(&folder, &["key", "new", "--channel", "room", "--print-only"]);
    assert!(env.contains("SYMBOLON_API_KEYS") && run(&folder, &["key", "list"]).is_empty(), "{env}");
}

/// Production with the apps of the store alone.
const STORE_ONLY: &[(&str, &str)] = &[
    ("SYMBOLON_CONFIG", "/dev/null"),
    ("SYMBOLON_LISTEN", "127.0.0.1"),
    ("SYMBOLON_PRIVATE_LISTEN", "127.0.0.1:0"),
    ("SYMBOLON_OPEN", "1"),
];

/// What a command says that works.
fn run(folder: &Folder, arguments: &[&str]) -> String {
    let output = command(folder, &[]).args(arguments).output().expect("the program runs");
    assert!(output.status.success(), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The one line of a command that fails.
fn failure(folder: &Folder, arguments: &[&str]) -> String {
    let output = command(folder, &[]).args(arguments).output().expect("the program runs");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    text
}

fn word_after(text: &str, before: &str) -> String {
    let after = text.split_once(before).expect("the words").1;
    after.split_whitespace().next().expect("a word").to_owned()
}

/// The certificate that is shown once.
fn drawn(text: &str) -> String {
    word_after(text, "not shown again:")
}

/// The fingerprint of the certificate that signs.
fn signing(folder: &Folder) -> String {
    word_after(&run(folder, &["app", "list"]), "signs ").trim_end_matches([',', ';']).to_owned()
}

/// The change has to be seen a second after the command at the latest. Two leave room for a machine that is busy.
fn within_a_second(mut seen: impl FnMut() -> bool) {
    let start = Instant::now();
    while !seen() {
        assert!(start.elapsed() < Duration::from_secs(2), "not seen in time");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Joins with a fresh token of this certificate. A refusal is the message that says so.
fn join(program: &Program, id: &str, certificate: &str) -> Result<(), serde_json::Value> {
    join_with(program, id, &token(id, certificate))
}

/// A token for anybody in the room.
fn token(id: &str, certificate: &str) -> String {
    let app_id = AppId::parse(id).expect("an App ID");
    let certificate = AppCertificate::parse(certificate).expect("a certificate");
    let issue = Issue::now();
    builder::build_token_with_user_account(issue, app_id, &certificate, "room", "", Role::Publisher, 600, 600)
        .expect("a token")
}

/// Joins as a broadcaster, and stays.
fn stay(program: &Program, id: &str, certificate: &str, uid: u32) -> Socket {
    let mut socket = connect(program.address);
    let token = token(id, certificate);
    let role = "broadcaster";
    say(
        &mut socket,
        &json!({"type": "join", "appId": id, "channel": "room", "uid": uid, "token": token, "role": role}),
    );
    hear(&mut socket, "joined");
    socket
}

fn is_there(socket: &mut Socket) {
    say(socket, &json!({"type": "ping"}));
    assert_eq!(hear_either(socket, ["pong", "ended"])["type"], "pong");
}

/// Joins as somebody new: the token is for any user.
fn join_with(program: &Program, id: &str, token: &str) -> Result<(), serde_json::Value> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let uid = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut socket = connect(program.address);
    say(
        &mut socket,
        &json!({"type": "join", "appId": id, "channel": "room", "uid": uid, "token": token, "role": "audience"}),
    );
    let answer = hear_either(&mut socket, ["joined", "ended"]);
    if answer["type"] == "joined" { Ok(()) } else { Err(answer) }
}
