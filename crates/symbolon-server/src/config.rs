//! File and environment → checked [`Config`].
//!
//! A setting comes from the environment, else from the file, else from its default. Whatever is wrong stops the start
//! with one line that names the setting, and never shows a secret.

mod apps;
mod check;
mod routes;
mod settings;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use confique::{Config as _, Layer as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use symbolon_token::AppId;

use self::apps::AppRecord;
pub(crate) use self::apps::check_together;
use self::apps::secret_file;
pub(crate) use self::check::check_public;
pub use self::check::others_cannot_read;
pub use self::routes::{OptionalRoute, OptionalRoutes};
use self::settings::{Secret, Settings};
pub(crate) use crate::app::App;
use crate::caller::{Callers, IssuerRecord};
use crate::client::TrustedProxies;
use crate::origin::Origins;

/// Everything that a server needs to know before it starts, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Development or production.
    pub mode: Mode,
    /// The apps of the file and the environment. The store may have more; development mode keeps one of its own.
    pub apps: Vec<App>,
    /// The app for which the compatible routes make tokens, where it is said.
    pub default_app: Option<AppId>,
    /// Where clients reach the server: TCP and UDP on one port number.
    pub listen: SocketAddr,
    /// Where metrics are served.
    pub private_listen: SocketAddr,
    /// Which web pages may call.
    pub origins: Origins,
    /// Whose word about client addresses is believed.
    pub proxies: TrustedProxies,
    /// Whether a proxy in front ends TLS.
    pub behind_proxy: bool,
    /// Who gets tokens.
    pub callers: Callers,
    /// How strictly token requests are read, and on which routes.
    pub tokens: TokenPolicy,
    /// What is kept of token requests.
    pub audit: AuditSettings,
    /// How often tokens may be asked for.
    pub rates: RateLimits,
    /// The addresses at which clients reach the media port; empty means to find out.
    pub advertise: Vec<IpAddr>,
    /// How many connections are taken.
    pub limits: ConnectionLimits,
    /// Whether log lines name channels and uids.
    pub log_names: bool,
    /// What it does.
    pub role: ServerRole,
    /// The folder for what outlives a restart; absent when there is nowhere to put one.
    pub state_dir: Option<PathBuf>,
    /// Whether somebody chose that folder. The usual one may turn out not to be had.
    pub state_dir_is_chosen: bool,
}

/// How the server was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No file and no App ID: this machine only, an app of its own, open to everyone on this machine.
    Development,
    /// With an app that someone configured.
    Production,
}

impl Mode {
    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// What a server does.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ServerRole {
    /// Everything: tokens, signalling, media and the call page.
    #[default]
    All,
    /// The token routes alone, over HTTP.
    Token,
}

impl FromStr for ServerRole {
    type Err = ConfigError;

    fn from_str(word: &str) -> Result<Self> {
        match word.trim() {
            "all" => Ok(Self::All),
            "token" => Ok(Self::Token),
            _ => Err(ConfigError::new("role (SYMBOLON_ROLE)", format!("{word:?} is neither all nor token"))),
        }
    }
}

/// How strictly token requests are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// Whether unknown roles and names outside the documented limits are refused.
    pub strict: bool,
    /// The routes beyond the usual ones.
    pub routes: OptionalRoutes,
}

/// How often tokens may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// By one client address (one /64 of IPv6).
    pub per_address: Rate,
    /// By one API key or one subject of a login.
    pub per_caller: Rate,
    /// For one app, by everyone together.
    pub per_app: Rate,
}

/// A rate; 0 a second is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many requests a second, in the long run.
    pub per_second: u32,
    /// How many at once, after a rest.
    pub burst: u32,
}

/// What is kept of token requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Whether an answer waits until its record is on the disk.
    pub durable: bool,
    /// How many records are kept.
    pub max_records: u64,
    /// Whether records go to standard output as well.
    pub stdout: bool,
}

/// How many connections are taken at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In all.
    pub total: usize,
    /// From one client address.
    pub per_client: usize,
}

/// Reads one variable of the environment. A value that is empty counts as absent.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why the server does not start: one line that names the setting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ConfigError {
    /// The setting, as in the file, with its variable.
    pub field: String,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl ConfigError {
    pub(crate) fn new(field: impl Into<String>, problem: impl ToString) -> Self {
        Self { field: field.into(), problem: problem.to_string() }
    }
}

type Result<T> = std::result::Result<T, ConfigError>;

impl Config {
    /// Reads the file, if there is one, and the environment over it, and checks the outcome.
    ///
    /// # Errors
    /// When a setting is unknown, malformed, or does not go together with another.
    pub fn load(file: Option<&Path>, environment: Environment<'_>) -> Result<Self> {
        let from_file = file.map(read_file).transpose()?;
        let layer = from_environment(environment)?
            .with_fallback(from_file.unwrap_or_else(SettingsLayer::empty))
            .with_fallback(SettingsLayer::default_values());
        let settings = Settings::from_layer(layer).map_err(|error| ConfigError::new("settings", error))?;
        let default_state = check::default_state_dir(environment);
        check::check(settings, file.is_some(), default_state)
    }

    /// A configuration file with every setting, its comment and its default.
    pub fn template() -> String {
        confique::toml::template::<Settings>(confique::toml::FormatOptions::default())
    }
}

type SettingsLayer = <Settings as confique::Config>::Layer;

fn read_file(path: &Path) -> Result<SettingsLayer> {
    let field = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::new(&*field, error))?;
    let layer: SettingsLayer = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        ConfigError::new(format!("{field}, line {line}"), error.message())
    })?;
    let listed = layer.apps.iter().flatten().any(AppRecord::has_secret);
    if listed
        || layer.app.retired.is_some()
        || layer.app.certificate.is_some()
        || layer.app.certificate_secondary.is_some()
    {
        others_cannot_read(path).map_err(|problem| ConfigError::new(field, problem))?;
    }
    Ok(layer)
}

/// The variables, one by one, as `#[config(env = "…")]` announces them (a test compares the two lists).
fn from_environment(environment: Environment<'_>) -> Result<SettingsLayer> {
    let text = |name: &str| environment(name).filter(|value| !value.is_empty());
    let number = |name: &str| text(name).map(|value| parse_number(name, &value)).transpose();
    let truth = |name: &str| text(name).map(|value| parse_truth(name, &value)).transpose();

    let count = |name: &str| {
        let parse = |value: String| {
            let wrong = |_| ConfigError::new(name, format!("{value:?} is not a number of requests"));
            value.trim().parse::<u32>().map_err(wrong)
        };
        text(name).map(parse).transpose()
    };

    let mut layer = SettingsLayer::empty();
    layer.app.id = text("APP_ID");
    layer.app.certificate = text("APP_CERTIFICATE").map(Secret::new);
    layer.app.certificate_file = text("APP_CERTIFICATE_FILE");
    layer.app.certificate_secondary = text("APP_CERTIFICATE_SECONDARY").map(Secret::new);
    layer.app.certificate_secondary_file = text("APP_CERTIFICATE_SECONDARY_FILE");
    layer.app.retired = text("APP_CERTIFICATE_RETIRED").map(|list| secrets(&list));
    layer.app.wildcards = text("APP_WILDCARDS").map(|word| word.parse()).transpose()?;
    layer.app.accept_006 = truth("APP_ACCEPT_006")?;
    layer.app.publish_privileges = truth("APP_PUBLISH_PRIVILEGES")?;
    layer.listen.address = text("SYMBOLON_LISTEN");
    layer.listen.port = match number("SERVER_PORT")? {
        None => number("PORT")?,
        port => port,
    };
    layer.http.cors_allow_origin = text("CORS_ALLOW_ORIGIN");
    layer.http.behind_proxy = truth("SYMBOLON_BEHIND_PROXY")?;
    layer.http.trusted_proxies = text("SYMBOLON_TRUSTED_PROXIES");
    layer.http.max_connections = number("SYMBOLON_MAX_CONNECTIONS")?.map(usize::from);
    layer.http.max_connections_per_client = number("SYMBOLON_MAX_CONNECTIONS_PER_CLIENT")?.map(usize::from);
    layer.tokens.open = truth("SYMBOLON_OPEN")?;
    layer.tokens.default_app = text("SYMBOLON_DEFAULT_APP");
    layer.tokens.strict = truth("SYMBOLON_STRICT")?;
    layer.tokens.routes = text("SYMBOLON_ROUTES").map(|list| names(&list));
    layer.tokens.issue_006 = truth("SYMBOLON_ISSUE_006")?;
    layer.callers.keys = json("SYMBOLON_API_KEYS", environment)?;
    layer.callers.issuers = issuers(environment)?;
    layer.limits.per_address = count("SYMBOLON_LIMIT_PER_ADDRESS")?;
    layer.limits.per_address_burst = count("SYMBOLON_LIMIT_PER_ADDRESS_BURST")?;
    layer.limits.per_caller = count("SYMBOLON_LIMIT_PER_CALLER")?;
    layer.limits.per_caller_burst = count("SYMBOLON_LIMIT_PER_CALLER_BURST")?;
    layer.limits.per_app = count("SYMBOLON_LIMIT_PER_APP")?;
    layer.limits.per_app_burst = count("SYMBOLON_LIMIT_PER_APP_BURST")?;
    layer.audit.durable = truth("SYMBOLON_AUDIT_DURABLE")?;
    layer.audit.max_records = text("SYMBOLON_AUDIT_MAX_RECORDS").map(|value| parse_count(&value)).transpose()?;
    layer.audit.stdout = truth("SYMBOLON_AUDIT_STDOUT")?;
    layer.media.advertise = text("SYMBOLON_ADVERTISE");
    layer.private.listen = text("SYMBOLON_PRIVATE_LISTEN");
    layer.log.names = truth("SYMBOLON_LOG_NAMES")?;
    layer.role = text("SYMBOLON_ROLE").map(|word| word.parse()).transpose()?;
    layer.state_dir = text("SYMBOLON_STATE_DIR");
    if let Some(folder) = text("CREDENTIALS_DIRECTORY") {
        use_credentials(&mut layer, Path::new(&folder))?;
    }
    Ok(layer)
}

/// Takes the secrets that systemd hands over as credentials, unless variables give others.
fn use_credentials(layer: &mut SettingsLayer, folder: &Path) -> Result<()> {
    let credential = |name: &str| {
        let path = folder.join(name);
        path.is_file().then(|| path.display().to_string())
    };
    let app = &mut layer.app;
    if app.certificate.is_none() && app.certificate_file.is_none() {
        app.certificate_file = credential("app_certificate");
    }
    if app.certificate_secondary.is_none() && app.certificate_secondary_file.is_none() {
        app.certificate_secondary_file = credential("app_certificate_secondary");
    }
    let content = |name: &str| {
        let path = credential(name).map(PathBuf::from);
        let field = format!("credential {name}");
        path.map(|path| secret_file(&path, MAX_CREDENTIAL, &field)).transpose()
    };
    if app.retired.is_none() {
        app.retired = content("app_certificate_retired")?.map(|list| secrets(&list));
    }
    if layer.callers.keys.is_none() {
        layer.callers.keys = content("api_keys")?.map(|text| json_list("credential api_keys", &text)).transpose()?;
    }
    if layer.callers.issuers.is_none() {
        layer.callers.issuers = content("issuers")?.map(|text| json_list("credential issuers", &text)).transpose()?;
    }
    Ok(())
}

/// Reads a variable that holds a JSON list. What stands in it is not repeated.
fn json<T: DeserializeOwned>(name: &str, environment: Environment<'_>) -> Result<Option<T>> {
    let Some(text) = environment(name).filter(|value| !value.trim().is_empty()) else { return Ok(None) };
    json_list(name, &text).map(Some)
}

fn json_list<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| ConfigError::new(name, format!("as JSON: {error}")))
}

/// Logins from the environment: a whole list, or one by its parts.
fn issuers(environment: Environment<'_>) -> Result<Option<Vec<IssuerRecord>>> {
    let text = |name: &str| environment(name).filter(|value| !value.is_empty());
    let list = json("SYMBOLON_ISSUERS", environment)?;
    let Some(issuer) = text("SYMBOLON_OIDC_ISSUER") else { return Ok(list) };
    if list.is_some() {
        return Err(ConfigError::new("SYMBOLON_OIDC_ISSUER", "stands beside SYMBOLON_ISSUERS; give one of the two"));
    }
    let needed = |name: &str, what: &str| {
        text(name)
            .ok_or_else(|| ConfigError::new(name, format!("is missing; with SYMBOLON_OIDC_ISSUER it says {what}")))
    };
    let policy =
        needed("SYMBOLON_OIDC_POLICY", "what its users may have, such as {\"channels\":[\"room-{claim:org}\"]}")?;
    let policy = serde_json::from_str(&policy)
        .map_err(|error| ConfigError::new("SYMBOLON_OIDC_POLICY", format!("as JSON: {error}")))?;
    let audience = needed("SYMBOLON_OIDC_AUDIENCE", "what the JWTs' aud must name")?;
    Ok(Some(vec![IssuerRecord::discovered(issuer, audience, policy)]))
}

/// The names in a list with commas.
fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The secrets in such a list. Line ends divide them as well.
fn secrets(list: &str) -> Vec<Secret> {
    names(&list.replace(['\r', '\n'], ",")).into_iter().map(Secret::new).collect()
}

fn parse_number(name: &str, value: &str) -> Result<u16> {
    value.trim().parse().map_err(|_| ConfigError::new(name, format!("{value:?} is not a number from 0 to 65535")))
}

fn parse_count(value: &str) -> Result<u64> {
    value
        .trim()
        .parse()
        .map_err(|_| ConfigError::new("SYMBOLON_AUDIT_MAX_RECORDS", format!("{value:?} is not a number of records")))
}

fn parse_truth(name: &str, value: &str) -> Result<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(ConfigError::new(name, format!("{value:?} is neither 1 nor 0"))),
    }
}

/// The largest credential that is read: room for some thousand API keys.
const MAX_CREDENTIAL: u64 = 1024 * 1024;

#[cfg(test)]
mod tests;
