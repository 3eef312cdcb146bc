//! The configuration seen from the command line: checked, summarised, and read from `.env`.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::support::*;

const SECOND: &str = "f0041b8f0f1439e741487dc3a62ea4cc";

#[test]
fn a_good_configuration_is_summarised_without_its_secrets() {
    let folder = Folder::new();
    let variables = [PRODUCTION, &[("APP_CERTIFICATE_SECONDARY", SECOND)]].concat();
    let output = command(&folder, &variables).arg("check-config").output().unwrap();
    let text = said(&output, 0);
    for fact in ["mode: production", "open to everyone: yes", &format!("app {APP_ID}: enabled"), "certificate ***"] {
        assert!(text.contains(fact), "{fact}\n{text}");
    }
    assert!(!text.contains(&CERTIFICATE[..8]) && !text.contains(&SECOND[..8]), "{text}");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "a check makes no store");
}

#[test]
fn every_problem_has_its_line() {
    let folder = Folder::new();
    let config = folder.0.join("symbolon.toml");
    let check = |text: &str| {
        std::fs::write(&config, text).unwrap();
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
        let output =
            command(&folder, &[]).args(["check-config", "--config", config.to_str().unwrap()]).output().unwrap();
        said(&output, 1)
    };
    let both = check("");
    assert!(both.contains("symbolon app add") && both.contains("SYMBOLON_OPEN=1"), "{both}");
    assert_eq!(both.matches('\n').count(), 2, "{both}");
    let app = |id: &str, certificate: &str| format!("[[apps]]\nid = \"{id}\"\ncertificate = \"{certificate}\"\n");
    let other = "1aa2d524f79f8ac632252761b8a02752";
    let text = check(&(app(APP_ID, CERTIFICATE) + &app(APP_ID, SECOND)));
    assert!(text.contains(APP_ID) && text.contains("stands twice"), "{text}");
    let text = check(&(app(APP_ID, CERTIFICATE) + &app(other, CERTIFICATE)));
    assert!(text.contains("have the same certificate") && !text.contains(CERTIFICATE), "{text}");
    let text = check(&(app(APP_ID, CERTIFICATE) + &app(other, &SECOND[1..])));
    assert!(text.contains("apps, number 2: certificate: ") && !text.contains(&SECOND[1..9]), "{text}");
    let text = check(&(app(APP_ID, CERTIFICATE) + &app(other, SECOND)));
    assert!(text.contains("SYMBOLON_DEFAULT_APP"), "{text}");
}

#[test]
fn variables_come_from_the_env_file_below_the_real_ones() {
    let folder = Folder::new();
    let file = folder.0.join(".env");
    std::fs::write(
        &file,
        format!("APP_ID={APP_ID}\nAPP_CERTIFICATE=\"{CERTIFICATE}\"\nPORT=7001\nSYMBOLON_LISTEN=127.0.0.1\n"),
    )
    .unwrap();
    let check = |mode, variables: &[(&str, &str)]| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        command(&folder, variables).current_dir(&folder.0).arg("check-config").output().unwrap()
    };
    let text = said(&check(0o600, &[]), 0);
    assert!(text.contains("listen: 127.0.0.1:7001") && text.contains(APP_ID), "{text}");
    assert!(said(&check(0o600, &[("PORT", "7002")]), 0).contains("listen: 127.0.0.1:7002"));
    let text = said(&check(0o644, &[]), 1);
    assert!(text.contains(".env") && text.contains("can be read by others"), "{text}");
    std::fs::write(&file, format!("APP_ID={APP_ID}\n{CERTIFICATE} = 'unclosed\n")).unwrap();
    let text = said(&check(0o600, &[]), 1);
    assert!(text.contains("NAME=value") && !text.contains(&CERTIFICATE[..8]), "{text}");
}

#[test]
fn certificates_come_as_credentials_of_the_service_manager() {
    let folder = Folder::new();
    for (name, certificate) in [("app_certificate", CERTIFICATE), ("app_certificate_secondary", SECOND)] {
        let path = folder.0.join(name);
        std::fs::write(&path, certificate).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    let credentials = folder.0.display().to_string();
    let mut command = command(&folder, PRODUCTION);
    command.env_remove("APP_CERTIFICATE").env("CREDENTIALS_DIRECTORY", credentials).arg("check-config");
    let text = said(&command.output().unwrap(), 0);
    assert!(text.contains(", also "), "{text}");
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    let folder = Folder::new();
    let print = |arguments: &[&str]| said(&command(&folder, &[]).args(arguments).output().unwrap(), 0);
    for shell in ["bash", "zsh", "fish"] {
        assert!(print(&["completions", shell]).contains("check-config"), "{shell}");
    }
    let page = print(&["man"]);
    assert!(page.contains(".TH symbolon 1") && page.contains("completions"), "{page}");
    let page = print(&["man", "app", "rotate"]);
    assert!(page.contains("promote") && page.contains("symbolon\\-app\\-rotate"), "{page}");
    assert!(said(&command(&folder, &[]).args(["man", "nothing"]).output().unwrap(), 1).contains("no command"));
}

/// What was said, on the stream that the status asks for.
fn said(output: &Output, status: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{errors}");
    if status == 0 { String::from_utf8(output.stdout.clone()).expect("text") } else { errors }
}
