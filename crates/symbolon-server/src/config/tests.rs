use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use confique::meta::{FieldKind, Meta};
use symbolon_token::{AppCertificate, Wildcards};

use super::*;
use crate::testing::TempFolder;

const ID: &str = "eaa2d524f79f8ac632252761b8a02751";
const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";

fn load(variables: &[(&str, &str)]) -> Result<Config> {
    load_with(None, variables)
}

fn load_with(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Config> {
    let environment =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let config = Config::load(file, &environment)?;
    check_public(&config)?;
    Ok(config)
}

fn refusal(variables: &[(&str, &str)]) -> String {
    load(variables).unwrap_err().to_string()
}

fn file(text: &str, mode: u32) -> (TempFolder, PathBuf) {
    let folder = TempFolder::new();
    let path = folder.path().join("symbolon.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

#[test]
fn nothing_at_all_is_development_mode_on_this_machine() {
    let config = load(&[("HOME", "/home/ann")]).unwrap();
    assert_eq!(config.mode, Mode::Development);
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.private_listen, "127.0.0.1:0".parse().unwrap());
    assert!(config.callers.is_open() && config.tokens.strict && config.apps.is_empty());
    assert_eq!(config.state_dir, Some(PathBuf::from("/home/ann/.local/state/symbolon")));
    let elsewhere = load(&[("HOME", "/home/ann"), ("XDG_STATE_HOME", "/var/ann")]).unwrap();
    assert_eq!(elsewhere.state_dir, Some(PathBuf::from("/var/ann/symbolon")));
    let public = load(&[("SYMBOLON_LISTEN", "0.0.0.0")]).unwrap();
    assert!(public.listen.ip().is_loopback());
}

#[test]
fn the_port_comes_from_the_first_variable_that_is_set() {
    let port = |variables| load(variables).unwrap().listen.port();
    assert_eq!(port(&[("PORT", "5000")]), 5000);
    assert_eq!(port(&[("PORT", "5000"), ("SERVER_PORT", "6000")]), 6000);
    assert_eq!(port(&[("PORT", "5000"), ("SERVER_PORT", "")]), 5000);
    assert_eq!(port(&[("PORT", "0")]), 0);
    assert_eq!(refusal(&[("PORT", "http")]), "PORT: \"http\" is not a number from 0 to 65535");
    assert!(refusal(&[("SERVER_PORT", "65536")]).starts_with("SERVER_PORT: "));
}

#[test]
fn an_app_needs_both_halves_in_their_form() {
    let with = |id, certificate| {
        refusal(&[("APP_ID", id), ("APP_CERTIFICATE", certificate), ("SYMBOLON_LISTEN", "127.0.0.1")])
    };
    assert!(with(ID, "").starts_with("app.certificate (APP_CERTIFICATE): is missing"));
    assert!(with("", CERTIFICATE).starts_with("app.id (APP_ID): is missing"));
    let long = format!("{CERTIFICATE}0");
    for wrong in [&CERTIFICATE[1..], &*long, "e0041b8f0f1439e741487dc3a62ea4cg", " "] {
        let refusal = with(ID, wrong);
        assert!(refusal.starts_with("app.certificate (APP_CERTIFICATE): "), "{refusal}");
        assert!(!refusal.contains(&CERTIFICATE[..8]) && !refusal.contains('\n'), "{refusal}");
    }
    assert!(with("room", CERTIFICATE).starts_with("app.id (APP_ID): "));
    assert!(with(ID, "00000000000000000000000000000000").contains("no randomness"));
    assert!(with(ID, "5CFd2fd1755d40ecb72977518be15d3b").contains("published sample"));
    assert!(with(ID, &ID.to_uppercase()).contains("App ID again"));
}

#[test]
fn an_app_may_have_a_second_certificate_but_not_the_same_again() {
    let with = |second: &str| {
        let app = [("APP_ID", ID), ("APP_CERTIFICATE", CERTIFICATE), ("SYMBOLON_LISTEN", "127.0.0.1")];
        load(&[&app[..], &[("APP_CERTIFICATE_SECONDARY", second)]].concat())
    };
    let config = with("f0041b8f0f1439e741487dc3a62ea4cc").unwrap();
    assert_eq!(config.apps[0].certificates().count(), 2);
    assert_eq!(config.default_app, Some(config.apps[0].id));
    for wrong in [CERTIFICATE, ID, "f004", "00000000000000000000000000000000"] {
        let refusal = with(wrong).unwrap_err().to_string();
        assert!(refusal.starts_with("app.certificate_secondary (APP_CERTIFICATE_SECONDARY): "), "{refusal}");
        assert!(!refusal.contains(wrong), "{refusal}");
    }
    let alone = [("APP_ID", ID), ("APP_CERTIFICATE_SECONDARY", CERTIFICATE)];
    assert!(refusal(&alone).starts_with("app.certificate (APP_CERTIFICATE): is missing"));
}

#[test]
fn the_file_may_have_several_apps_with_rules_of_their_own() {
    let other = "1aa2d524f79f8ac632252761b8a02752";
    let text = format!(
        "[listen]\naddress = \"127.0.0.1\"\n[tokens]\ndefault_app = \"{other}\"\n\
         [[apps]]\nid = \"{ID}\"\ncertificate = \"{CERTIFICATE}\"\naccept_006 = true\nwildcards = \"star\"\n\
         [[apps]]\nid = \"{other}\"\ncertificate = \"f0041b8f0f1439e741487dc3a62ea4cc\"\nenabled = false\n"
    );
    let (_folder, path) = file(&text, 0o600);
    let config = load_with(Some(&path), &[]).unwrap();
    let [first, second] = &config.apps[..] else { panic!("{:?}", config.apps) };
    assert!(first.accept_006 && first.wildcards == Wildcards::Star && first.enabled);
    assert!(!second.accept_006 && second.publish_privileges && !second.enabled);
    assert_eq!(config.default_app, Some(second.id));
    let (_folder, path) = file(&text, 0o644);
    assert!(load_with(Some(&path), &[]).unwrap_err().problem.contains("can be read by others"));
    let (_folder, path) = file(&text.replace("accept_006", "accept_007"), 0o600);
    assert!(load_with(Some(&path), &[]).unwrap_err().problem.contains("accept_007"));
}

#[test]
fn the_environment_says_what_the_one_app_takes() {
    let app = [("APP_ID", ID), ("APP_CERTIFICATE", CERTIFICATE), ("SYMBOLON_LISTEN", "127.0.0.1")];
    let with = |more: &[(&'static str, &'static str)]| load(&[&app, more].concat());
    let rules = |app: &App| (app.wildcards, app.accept_006, app.publish_privileges);
    assert_eq!(rules(&with(&[]).unwrap().apps[0]), (Wildcards::Off, false, true));
    let changed = [("APP_WILDCARDS", "star"), ("APP_ACCEPT_006", "on"), ("APP_PUBLISH_PRIVILEGES", "off")];
    assert_eq!(rules(&with(&changed).unwrap().apps[0]), (Wildcards::Star, true, false));
    assert!(with(&[("APP_WILDCARDS", "patterns")]).unwrap_err().problem.contains("neither off nor star"));
}

#[test]
fn a_retired_certificate_is_not_taken_again() {
    let (one, two) = ("f0041b8f0f1439e741487dc3a62ea4cc", "d0041b8f0f1439e741487dc3a62ea4cd");
    let listed = format!("{one}, {two}");
    let with = |more: &[(&str, &str)]| {
        let app = [("APP_ID", ID), ("APP_CERTIFICATE", CERTIFICATE), ("SYMBOLON_LISTEN", "127.0.0.1")];
        load_with(None, &[&app[..], more].concat())
    };
    let config = with(&[("APP_CERTIFICATE_RETIRED", &listed)]).unwrap();
    let expected = [one, two].map(|text| AppCertificate::parse(text).unwrap().id());
    assert_eq!(config.apps[0].retired.iter().map(|retired| retired.id).collect::<Vec<_>>(), expected);
    for again in [
        &[("APP_CERTIFICATE_RETIRED", &*listed), ("APP_CERTIFICATE_SECONDARY", two)][..],
        &[("APP_CERTIFICATE_RETIRED", CERTIFICATE)],
    ] {
        let problem = with(again).unwrap_err().problem;
        assert!(problem.contains("has been retired") && !problem.contains(&two[..9]), "{problem}");
    }
    let problem = with(&[("APP_CERTIFICATE_RETIRED", "f0041b8f0f1439e7")]).unwrap_err().to_string();
    assert!(problem.contains("APP_CERTIFICATE_RETIRED") && !problem.contains("f0041b"), "{problem}");

    let other = "1aa2d524f79f8ac632252761b8a02752";
    let text = format!(
        "[listen]\naddress = \"127.0.0.1\"\n[tokens]\ndefault_app = \"{ID}\"\n\
         [[apps]]\nid = \"{ID}\"\ncertificate = \"{CERTIFICATE}\"\nretired = [\"{one}\"]\n\
         [[apps]]\nid = \"{other}\"\ncertificate = \"{two}\"\n"
    );
    let (_folder, path) = file(&text, 0o600);
    assert_eq!(load_with(Some(&path), &[]).unwrap().apps[0].retired.len(), 1);
    let (_folder, path) =
        file(&text.replace(&format!("certificate = \"{two}"), &format!("certificate = \"{one}")), 0o600);
    assert!(load_with(Some(&path), &[]).unwrap_err().problem.contains("has been retired"));
}

#[test]
fn credentials_stand_in_for_the_secrets_that_no_variable_gives() {
    let folder = TempFolder::new();
    let key = |id: &str| {
        let hash = format!("sha256:{}", "ab".repeat(32));
        format!(r#"[{{"id":"{id}","hash":"{hash}","policy":{{"channels":["lobby"]}}}}]"#)
    };
    let put = |name: &str, text: &str, mode| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    put("app_certificate", CERTIFICATE, 0o400);
    put("app_certificate_retired", "f0041b8f0f1439e741487dc3a62ea4cc\nd0041b8f0f1439e741487dc3a62ea4cd\n", 0o400);
    put("api_keys", &key("k1"), 0o400);
    let credentials = folder.path().to_str().unwrap().to_owned();
    let with = |more: &[(&str, &str)]| {
        let base = [("APP_ID", ID), ("CREDENTIALS_DIRECTORY", &*credentials), ("SYMBOLON_LISTEN", "127.0.0.1")];
        load_with(None, &[&base[..], more].concat())
    };
    let config = with(&[]).unwrap();
    assert!(config.callers.any_known());
    assert_eq!(config.apps[0].retired.len(), 2);
    // A variable counts more, and what stands in a credential is not repeated.
    assert!(!with(&[("SYMBOLON_API_KEYS", "[]")]).unwrap().callers.any_known());
    put("api_keys", "k1:hunter2", 0o400);
    let refusal = with(&[]).unwrap_err().to_string();
    assert!(refusal.contains("credential api_keys") && !refusal.contains("hunter2"), "{refusal}");
    put("api_keys", &key("k1"), 0o444);
    assert!(with(&[]).unwrap_err().problem.contains("can be read by others"));
    put("api_keys", &" ".repeat(1024 * 1024 + 1), 0o400);
    assert!(with(&[]).unwrap_err().problem.contains("too large"));
}

#[test]
fn a_public_address_needs_callers_and_tls() {
    let app = [("APP_ID", ID), ("APP_CERTIFICATE", CERTIFICATE)];
    let with = |more: &[(&'static str, &'static str)]| load(&[&app, more].concat());

    let refusal = with(&[]).unwrap_err().to_string();
    assert!(refusal.contains("SYMBOLON_OPEN=1") && refusal.contains("0.0.0.0"), "{refusal}");
    let refusal = with(&[("SYMBOLON_OPEN", "1")]).unwrap_err().to_string();
    assert!(refusal.contains("TLS") && refusal.contains("SYMBOLON_BEHIND_PROXY=1"), "{refusal}");
    let refusal = with(&[("SYMBOLON_OPEN", "1"), ("SYMBOLON_BEHIND_PROXY", "1")]).unwrap_err().to_string();
    assert!(refusal.contains("SYMBOLON_TRUSTED_PROXIES"), "{refusal}");
    let proxied = [("SYMBOLON_OPEN", "1"), ("SYMBOLON_BEHIND_PROXY", "1"), ("SYMBOLON_TRUSTED_PROXIES", "private")];
    let config = with(&proxied).unwrap();
    assert_eq!((config.mode, config.listen), (Mode::Production, "0.0.0.0:8080".parse().unwrap()));
    assert_eq!(config.private_listen, "127.0.0.1:9091".parse().unwrap());

    let local = with(&[("SYMBOLON_LISTEN", "127.0.0.1")]).unwrap();
    assert!(!local.callers.is_open());
    let refusal = with(&[("SYMBOLON_LISTEN", "::1"), ("SYMBOLON_TRUSTED_PROXIES", "10.0.0.1")]).unwrap_err();
    assert!(refusal.problem.contains("SYMBOLON_BEHIND_PROXY"));
}

#[test]
fn a_file_stands_below_the_environment() {
    let text = format!(
        "[app]\nid = \"{ID}\"\ncertificate = \"{CERTIFICATE}\"\n[listen]\naddress = \"127.0.0.1\"\nport = 7000\n\
         [media]\nadvertise = \"198.51.100.7, 2001:db8::7\"\n"
    );
    let (_folder, path) = file(&text, 0o600);
    let config = load_with(Some(&path), &[]).unwrap();
    assert_eq!((config.mode, config.listen.port()), (Mode::Production, 7000));
    assert_eq!(config.advertise.len(), 2);
    assert_eq!(load_with(Some(&path), &[("PORT", "7001")]).unwrap().listen.port(), 7001);
}

#[test]
fn a_file_with_a_mistake_stops_the_start_without_showing_secrets() {
    let refusal = |text: &str, mode| {
        let (_folder, path) = file(text, mode);
        let error = load_with(Some(&path), &[]).unwrap_err().to_string();
        assert!(!error.contains('\n') && !error.contains(&CERTIFICATE[..8]), "{error}");
        error
    };
    let unknown = refusal("[listen]\nprot = 1\n", 0o600);
    assert!(unknown.contains("line 2") && unknown.contains("unknown field `prot`"), "{unknown}");
    assert!(refusal("[app]\nid = \"", 0o600).contains("line 2"));
    assert!(refusal("[app]\ncertificate = 12345\n", 0o600).contains("a secret must be a text in quotes"));
    assert!(refusal(&format!("[app]\ncertificate = \"{CERTIFICATE}\n"), 0o600).contains("line 2"));
    let open = refusal(&format!("[app]\nid = \"{ID}\"\ncertificate = \"{CERTIFICATE}\"\n"), 0o644);
    assert!(open.contains("can be read by others (mode 0644)"), "{open}");
    assert!(load_with(Some(Path::new("/nonexistent/symbolon.toml")), &[]).is_err());
}

#[test]
fn a_certificate_file_may_end_in_one_line_end() {
    let load = |text: &str, mode| {
        let (_folder, path) = file(text, mode);
        let path = path.to_str().unwrap().to_owned();
        load(&[("APP_ID", ID), ("APP_CERTIFICATE_FILE", &path), ("SYMBOLON_LISTEN", "127.0.0.1")])
    };
    assert!(load(&format!("{CERTIFICATE}\n"), 0o600).is_ok());
    assert!(load(&format!("{CERTIFICATE}\r\n"), 0o640).is_ok());
    assert!(load(&format!("{CERTIFICATE}\n\n"), 0o600).is_err());
    assert!(load(CERTIFICATE, 0o604).unwrap_err().problem.contains("can be read by others"));
    assert!(load(&"0".repeat(2000), 0o600).unwrap_err().problem.contains("too large"));
}

#[test]
fn odd_values_are_refused_by_name() {
    for (name, value) in [
        ("SYMBOLON_OPEN", "maybe"),
        ("SYMBOLON_STRICT", "2"),
        ("SYMBOLON_PRIVATE_LISTEN", "localhost"),
        ("SYMBOLON_ADVERTISE", "0.0.0.0"),
        ("SYMBOLON_ADVERTISE", "media.example"),
        ("CORS_ALLOW_ORIGIN", "app.example"),
        ("SYMBOLON_TRUSTED_PROXIES", "10.0.0.0/40"),
        ("SYMBOLON_MAX_CONNECTIONS", "0"),
        ("SYMBOLON_LIMIT_PER_APP", "-1"),
    ] {
        let refusal = refusal(&[(name, value)]);
        assert!(refusal.contains(name) || refusal.contains("max_connections"), "{refusal}");
    }
}

#[test]
fn every_announced_variable_is_read() {
    let asked = RefCell::new(BTreeSet::new());
    let environment = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        None
    };
    from_environment(&environment).unwrap();
    // One login can be written by its parts; the other parts are read where there is an issuer.
    let mut announced = BTreeSet::from(["PORT", "SYMBOLON_OIDC_ISSUER", "CREDENTIALS_DIRECTORY"].map(str::to_owned));
    collect(&Settings::META, &mut announced);
    assert_eq!(*asked.borrow(), announced);
}

fn collect(meta: &Meta, names: &mut BTreeSet<String>) {
    for field in meta.fields {
        match field.kind {
            FieldKind::Leaf { env, .. } => names.extend(env.map(str::to_owned)),
            FieldKind::Nested { meta } => collect(meta, names),
        }
    }
}

#[test]
fn callers_open_a_public_address_without_the_open_mode() {
    let hash = format!("sha256:{}", "ab".repeat(32));
    let key = format!(r#"[{{"id":"k1","hash":"{hash}","policy":{{"channels":["lobby"]}}}}]"#);
    let policy = r#"{"channels":["room-{claim:org}"],"uid":"claim:sub"}"#;
    let public = [("SYMBOLON_BEHIND_PROXY", "1"), ("SYMBOLON_TRUSTED_PROXIES", "private")];
    let login = [
        ("SYMBOLON_OIDC_ISSUER", "https://login.example"),
        ("SYMBOLON_OIDC_AUDIENCE", "token-server"),
        ("SYMBOLON_OIDC_POLICY", policy),
    ];
    let app = [("APP_ID", ID), ("APP_CERTIFICATE", CERTIFICATE)];
    let with = |more: &[(&str, &str)]| load_with(None, &[&app[..], &public[..], more].concat());
    assert!(with(&[]).unwrap_err().to_string().contains("symbolon key new"));
    for more in [&[("SYMBOLON_API_KEYS", &*key)][..], &login[..]] {
        let config = with(more).unwrap();
        assert!(config.callers.any_known() && !config.callers.is_open(), "{more:?}");
    }
    for (name, value) in [
        ("SYMBOLON_API_KEYS", "k1:secret"),
        ("SYMBOLON_API_KEYS", r#"[{"id":"k1","hash":"hunter2","policy":{"channels":["a"]}}]"#),
        ("SYMBOLON_OIDC_ISSUER", "https://login.example"),
        ("SYMBOLON_ISSUERS", r#"[{"issuer":"http://login.example","audience":"a","policy":{"channels":["a"]}}]"#),
    ] {
        let refusal = with(&[(name, value)]).unwrap_err().to_string();
        assert!(!refusal.contains("hunter2") && !refusal.contains("secret"), "{refusal}");
    }
}

#[test]
fn the_template_is_a_file_that_loads() {
    let text = Config::template();
    assert!(text.contains("APP_CERTIFICATE") && text.contains("#port = 8080"));
    let (_folder, path) = file(&text, 0o600);
    let app = [("APP_ID", ID), ("APP_CERTIFICATE", CERTIFICATE), ("SYMBOLON_LISTEN", "127.0.0.1")];
    assert!(load_with(Some(&path), &app).is_ok());
}
