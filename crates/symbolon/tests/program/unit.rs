//! The systemd unit, as a newcomer installs it: its command line in the environment that systemd makes of its lines.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::*;

#[test]
fn the_systemd_units_command_line_makes_tokens() {
    let unit = Unit::read();
    let (system, state) = (Folder::new(), Folder::new());
    let mut command = unit.command(&state);
    // The file that the unit names, with the lines that the documents ask for.
    let lines = [("APP_ID", APP_ID), ("SYMBOLON_OPEN", "1"), ("SYMBOLON_LISTEN", "127.0.0.1")];
    assert_eq!(unit.all("EnvironmentFile"), ["/etc/symbolon/environment"]);
    command.envs(lines).env("SYMBOLON_PRIVATE_LISTEN", "127.0.0.1:0");
    for credential in unit.all("LoadCredential") {
        let (name, path) = credential.split_once(':').expect("a name and a file");
        assert_eq!(path, format!("/etc/symbolon/{name}"));
        let copy = system.0.join(name);
        std::fs::write(&copy, format!("{CERTIFICATE}\n")).expect("a credential");
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o400)).expect("readable by its user alone");
    }
    command.env("CREDENTIALS_DIRECTORY", &system.0);

    let program = Program::run(&state, command);
    assert_eq!(program.app_id, APP_ID);
    assert!(minted(program.address, "/rtc/room-1/publisher/uid/7/").starts_with("007"));
    assert!(state.0.join("symbolon").join("symbolon.db").is_file(), "the store is in the unit's state folder");
    let output = program.stop();
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&output.stderr).contains(CERTIFICATE));
}

/// The lines of the unit.
struct Unit(Vec<(String, String)>);

impl Unit {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/symbolon.service");
        let text = std::fs::read_to_string(path).expect("the unit");
        let settings = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        Self(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect()
    }

    fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        all[0]
    }

    /// Its command, with the program of this build and with `%S`, the folder of all state, being this one.
    fn command(&self, state: &Folder) -> Command {
        let mut words = self.one("ExecStart").split(' ');
        assert_eq!(words.next(), Some("/usr/local/bin/symbolon"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command.env_clear().args(words);
        for line in self.all("Environment") {
            let (name, value) = line.split_once('=').expect("a variable");
            command.env(name, value.replace("%S", state.0.to_str().expect("a text")));
        }
        std::fs::create_dir(state.0.join(self.one("StateDirectory"))).expect("systemd makes it");
        command
    }
}
