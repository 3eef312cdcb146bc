//! `symbolon token` as a program: the committed vectors through `--json-lines`, and what a person types.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

#[test]
fn every_canonical_vector_is_built_to_the_same_payload() {
    let vectors: Vec<Value> = vectors("good").into_iter().filter(has_inputs).collect();
    let questions = vectors.iter().map(|vector| {
        let mut question = json!({});
        for name in ["id", "kind", "builder", "inputs", "issue_ts", "salt", "ts"] {
            question[name] = vector[name].clone();
        }
        question
    });
    let answers = ask(&["token", "build", "--json-lines"], questions);
    assert_eq!(answers.len(), vectors.len());
    let mut compared = 0;
    for (vector, answer) in vectors.iter().zip(&answers) {
        assert_eq!(answer["id"], vector["id"]);
        if vector["canonical"] == true {
            assert_eq!(answer["payload_hex"], vector["payload_hex"], "{}", vector["id"]);
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} canonical vectors");
}

#[test]
fn every_bad_vector_gets_its_verdict_and_an_admissible_reason() {
    let vectors = vectors("bad");
    let questions = vectors.iter().map(|vector| {
        let mut question = vector["context"].clone();
        question["id"] = vector["id"].clone();
        question["token"] = vector["token"].clone();
        question["allow_006"] = (vector["class"] == "format_006").into();
        question
    });
    let answers = ask(&["token", "verify", "--json-lines"], questions);
    assert_eq!(answers.len(), vectors.len());
    for (vector, answer) in vectors.iter().zip(&answers) {
        let expected = &vector["expected"];
        assert_eq!(answer["id"], vector["id"]);
        match expected["verdict"].as_str().unwrap() {
            "either" => {}
            "accept" => assert_eq!(answer["verdict"], "accept", "{answer}"),
            _ => {
                let mut admissible = expected["also_acceptable_reasons"].as_array().cloned().unwrap_or_default();
                admissible.push(expected["reason"].clone());
                assert_eq!(answer["verdict"], "reject", "{answer}");
                assert!(admissible.contains(&answer["reason"]), "{answer} is none of {admissible:?}");
            }
        }
    }
}

#[test]
fn every_good_token_verifies_with_its_certificate_and_with_no_other() {
    let vectors: Vec<Value> = vectors("good").into_iter().filter(opens_a_channel).collect();
    let question = |vector: &Value, certificates: Value| {
        let decoded = &vector["decoded"];
        let rtc = decoded["services"].as_array().unwrap().iter().find(|service| service["type"] == 1);
        let rtc = rtc.unwrap();
        json!({
            "id": vector["id"], "token": vector["token"], "app_id": decoded["app_id"], "certificates": certificates,
            "now": decoded["issue_ts"], "service": "rtc", "channel": rtc["channel"], "uid": rtc["uid"],
            "privilege": "join",
        })
    };
    let right = |vector: &Value| json!([CERTIFICATE, vector["inputs"]["app_cert"]]);
    let wrong = |_: &Value| json!(["00000000000000000000000000000001"]);
    let verify = ["token", "verify", "--json-lines"];
    let accepted = ask(&verify, vectors.iter().map(|vector| question(vector, right(vector))));
    let refused = ask(&verify, vectors.iter().map(|vector| question(vector, wrong(vector))));
    assert!(vectors.len() > 10, "only {} vectors", vectors.len());
    for (accepted, refused) in accepted.iter().zip(&refused) {
        assert_eq!(accepted["verdict"], "accept", "{accepted}");
        assert_eq!(refused["reason"], "bad_signature", "{refused}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_the_rest_is_answered() {
    let good = json!({
        "id": 3, "kind": "007", "builder": "fpa", "issue_ts": 1, "salt": 1,
        "inputs": { "app_id": APP_ID, "app_cert": CERTIFICATE },
    });
    let mut secretive = good.clone();
    secretive["inputs"]["app_cert"] = "a certificate that is too long to be one, and secret".into();
    let input = format!("{{\"app_cert\":\n{secretive}\n\n{good}\n");
    let output = run(&["token", "build", "--json-lines"], &input);
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!((&lines[0]["line"], &lines[0]["id"]), (&json!(1), &Value::Null));
    assert!(lines[1]["error"].as_str().unwrap().contains("inputs.app_cert"), "{}", lines[1]);
    assert!(lines[2]["token"].as_str().unwrap().starts_with("007"), "{}", lines[2]);
    assert!(!text(&output.stdout).contains("secret"));
}

#[test]
fn a_token_built_by_hand_is_described_and_verified() {
    let built = run(
        &[
            "token",
            "build",
            "--app-id",
            APP_ID,
            "--certificate-file",
            "-",
            "--channel",
            "AgoraChannel",
            "--uid",
            "1001",
            "--role",
            "publisher",
            "--life",
            "600",
        ],
        CERTIFICATE,
    );
    let token = text(&built.stdout).trim().to_owned();
    assert!(token.starts_with("007"), "{}", text(&built.stderr));

    let inspected = run(&["token", "inspect"], &token);
    let description = text(&inspected.stdout);
    for part in ["Nothing here is proven", APP_ID, "AgoraChannel", "1001", "publish video"] {
        assert!(description.contains(part), "{part} is missing in:\n{description}");
    }

    let verify = |channel, uid| {
        let args = [
            "token",
            "verify",
            token.as_str(),
            "--app-id",
            APP_ID,
            "--certificate-file",
            "-",
            "--channel",
            channel,
            "--uid",
            uid,
        ];
        let output = run(&args, CERTIFICATE);
        (output.status.code(), text(&output.stdout))
    };
    assert_eq!(verify("AgoraChannel", "1001").0, Some(0));
    let (status, verdict) = verify("AppTest", "1001");
    assert_eq!(status, Some(1));
    assert!(verdict.contains("channel_mismatch") && verdict.contains("AppTest"), "{verdict}");
    assert!(verify("AgoraChannel", "1002").1.contains("uid_mismatch"));
}

#[test]
fn a_certificate_has_no_way_onto_the_command_line() {
    let output = run(&["token", "build", "--help"], "");
    assert!(!text(&output.stdout).contains("--certificate "), "{}", text(&output.stdout));
    let refused = run(&["token", "build", "--app-id", APP_ID, "--channel", "c"], "");
    assert_ne!(refused.status.code(), Some(0));
    assert!(text(&refused.stderr).contains("APP_CERTIFICATE"), "{}", text(&refused.stderr));
}

fn has_inputs(vector: &Value) -> bool {
    vector["builder"] != "unit_test" && vector["builder"] != "http"
}

fn opens_a_channel(vector: &Value) -> bool {
    let decoded = &vector["decoded"];
    let lives = |service: &Value| {
        let channel = service["channel"].as_str().unwrap_or_default();
        let plain = (1..=64).contains(&channel.len()) && channel.is_ascii() && !channel.contains(['*', '/', '"', '\'']);
        service["type"] == 1 && plain && service["privileges"].get("1").is_some()
    };
    vector["kind"] == "007"
        && (1..=86_400).contains(&decoded["expire"].as_u64().unwrap_or_default())
        && decoded["services"].as_array().is_some_and(|services| {
            services.iter().filter(|s| s["type"] == 1).count() == 1 && services.iter().any(lives)
        })
}

fn vectors(list: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/tokens.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file[list].as_array().unwrap().clone()
}

fn ask(args: &[&str], questions: impl Iterator<Item = Value>) -> Vec<Value> {
    let input: String = questions.map(|question| format!("{question}\n")).collect();
    let output = run(args, &input);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_symbolon"))
        .args(args)
        .env_remove("APP_ID")
        .env_remove("APP_CERTIFICATE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // The program may end without reading all of it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
