//! What makes a set of settings one that a server can start with.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use symbolon_token::AppId;

use super::apps;
use super::settings::{AuditTable, HttpSettings, LimitsTable, Settings, TokenSettings};
use super::{
    App, AuditSettings, Config, ConfigError, ConnectionLimits, Environment, Mode, OptionalRoutes, Rate, RateLimits,
    Result, TokenPolicy,
};
use crate::caller::CallerSettings;
use crate::client::TrustedProxies;
use crate::origin::Origins;

pub(super) fn check(settings: Settings, from_file: bool, default_state_dir: Option<PathBuf>) -> Result<Config> {
    let apps = apps::check(&settings.app, &settings.apps)?;
    let mode = if apps.is_empty() && !from_file { Mode::Development } else { Mode::Production };
    let default_app = default_app(&settings, &apps)?;
    let listen = listen(mode, &settings)?;
    let proxies = proxies(&settings.http)?;
    let open = mode == Mode::Development || settings.tokens.open;
    let callers = CallerSettings { keys: settings.callers.keys, issuers: settings.callers.issuers }
        .check(open)
        .map_err(|problem| ConfigError::new("callers", problem))?;
    Ok(Config {
        mode,
        apps,
        default_app,
        listen,
        private_listen: private_listen(mode, settings.private.listen.as_deref())?,
        origins: Origins::parse(settings.http.cors_allow_origin.as_deref().unwrap_or_default())
            .map_err(|problem| ConfigError::new("http.cors_allow_origin (CORS_ALLOW_ORIGIN)", problem))?,
        proxies,
        behind_proxy: settings.http.behind_proxy,
        callers,
        tokens: tokens(&settings.tokens)?,
        audit: audit(&settings.audit)?,
        rates: rates(mode, &settings.limits)?,
        advertise: advertise(settings.media.advertise.as_deref())?,
        limits: limits(&settings.http)?,
        log_names: mode == Mode::Development || settings.log.names,
        role: settings.role,
        state_dir_is_chosen: settings.state_dir.is_some(),
        state_dir: settings.state_dir.map(PathBuf::from).or(default_state_dir),
    })
}

/// The user's state folder, by the XDG rules.
pub(super) fn default_state_dir(environment: Environment<'_>) -> Option<PathBuf> {
    let absolute = |name| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("symbolon"))
}

/// Refuses a file with a secret in it that other users of this machine can read.
///
/// # Errors
/// When they can, or the file cannot be looked at.
pub fn others_cannot_read(path: &Path) -> std::result::Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(format!("holds a secret and can be read by others (mode {:04o}); make it 0600", mode & 0o7777));
    }
    Ok(())
}

/// The app that is named, else that of `[app]` or the environment.
fn default_app(settings: &Settings, apps: &[App]) -> Result<Option<AppId>> {
    if let Some(text) = &settings.tokens.default_app {
        let field = "tokens.default_app (SYMBOLON_DEFAULT_APP)";
        return AppId::parse(text.trim()).map(Some).map_err(|error| ConfigError::new(field, error));
    }
    Ok(settings.app.id.as_ref().and_then(|_| apps.first()).map(|app| app.id))
}

fn listen(mode: Mode, settings: &Settings) -> Result<SocketAddr> {
    let address: IpAddr = settings.listen.address.trim().parse().map_err(|_| {
        ConfigError::new("listen.address (SYMBOLON_LISTEN)", "is not an IP address, such as 0.0.0.0 or 127.0.0.1")
    })?;
    let address = match mode {
        Mode::Development => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Mode::Production => address,
    };
    Ok(SocketAddr::new(address, settings.listen.port))
}

/// Checks what a public address needs. The callers of the store count too, so that this comes once they are known.
pub(crate) fn check_public(config: &Config) -> Result<()> {
    let Config { callers, behind_proxy, proxies, .. } = config;
    let address = config.listen.ip();
    if config.mode == Mode::Development || address.is_loopback() {
        return Ok(());
    }
    if !callers.is_open() && !callers.any_known() {
        return Err(ConfigError::new(
            "callers (SYMBOLON_API_KEYS, SYMBOLON_OIDC_ISSUER)",
            format!(
                "on the public address {address} the token routes need callers, and there are none. `symbolon key new` \
                 makes an API key; SYMBOLON_OIDC_ISSUER takes the JWTs of a login; SYMBOLON_OPEN=1 gives any token to \
                 everyone who reaches the server. Or listen on this machine only: SYMBOLON_LISTEN=127.0.0.1"
            ),
        ));
    }
    if !*behind_proxy {
        return Err(ConfigError::new(
            "http.behind_proxy (SYMBOLON_BEHIND_PROXY)",
            format!(
                "the public address {address} needs TLS, which this version does not end itself. Put a proxy with TLS in \
                 front, and set SYMBOLON_BEHIND_PROXY=1 and SYMBOLON_TRUSTED_PROXIES to its address"
            ),
        ));
    }
    if proxies.is_empty() {
        return Err(ConfigError::new(
            "http.trusted_proxies (SYMBOLON_TRUSTED_PROXIES)",
            "is missing; behind a proxy the server must know the proxy's address, or `private` for any private one",
        ));
    }
    Ok(())
}

fn proxies(settings: &HttpSettings) -> Result<TrustedProxies> {
    let field = "http.trusted_proxies (SYMBOLON_TRUSTED_PROXIES)";
    let list = settings.trusted_proxies.as_deref().unwrap_or_default();
    let proxies = TrustedProxies::parse(list).map_err(|problem| ConfigError::new(field, problem))?;
    if !proxies.is_empty() && !settings.behind_proxy {
        return Err(ConfigError::new(field, "is set, but SYMBOLON_BEHIND_PROXY is not; set both or neither"));
    }
    Ok(proxies)
}

fn private_listen(mode: Mode, setting: Option<&str>) -> Result<SocketAddr> {
    let default_port = if mode == Mode::Development { 0 } else { PRIVATE_PORT };
    let Some(text) = setting else {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, default_port)));
    };
    text.trim().parse().map_err(|_| {
        ConfigError::new(
            "private.listen (SYMBOLON_PRIVATE_LISTEN)",
            "is not an address with a port, such as 127.0.0.1:9091",
        )
    })
}

fn tokens(settings: &TokenSettings) -> Result<TokenPolicy> {
    let names = settings.routes.iter().map(String::as_str);
    let routes = OptionalRoutes::parse(names, settings.issue_006)
        .map_err(|problem| ConfigError::new("tokens.routes (SYMBOLON_ROUTES)", problem))?;
    Ok(TokenPolicy { strict: settings.strict, routes })
}

fn rates(mode: Mode, settings: &LimitsTable) -> Result<RateLimits> {
    let rate = |name: &str, per_second: u32, burst: u32| {
        if per_second > MAX_RATE || burst > MAX_RATE {
            return Err(ConfigError::new(format!("limits.{name}"), "is over 1000000 requests; 0 switches it off"));
        }
        if per_second > 0 && burst == 0 {
            return Err(ConfigError::new(format!("limits.{name}_burst"), "0 would admit nobody"));
        }
        Ok(Rate { per_second, burst })
    };
    let per_address = if mode == Mode::Development { 0 } else { settings.per_address };
    Ok(RateLimits {
        per_address: rate("per_address", per_address, settings.per_address_burst)?,
        per_caller: rate("per_caller", settings.per_caller, settings.per_caller_burst)?,
        per_app: rate("per_app", settings.per_app, settings.per_app_burst)?,
    })
}

fn audit(settings: &AuditTable) -> Result<AuditSettings> {
    if settings.max_records == 0 {
        return Err(ConfigError::new("audit.max_records (SYMBOLON_AUDIT_MAX_RECORDS)", "0 would keep nothing"));
    }
    Ok(AuditSettings { durable: settings.durable, max_records: settings.max_records, stdout: settings.stdout })
}

fn advertise(setting: Option<&str>) -> Result<Vec<IpAddr>> {
    let list = setting.unwrap_or_default();
    let addresses: Vec<&str> = list.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
    let parse = |text: &&str| {
        let address: IpAddr = text.parse().ok()?;
        (!address.is_unspecified() && !address.is_multicast()).then_some(address)
    };
    addresses.iter().map(parse).collect::<Option<Vec<_>>>().ok_or_else(|| {
        ConfigError::new("media.advertise (SYMBOLON_ADVERTISE)", "is not a list of IP addresses that clients can reach")
    })
}

fn limits(settings: &HttpSettings) -> Result<ConnectionLimits> {
    let limits = ConnectionLimits { total: settings.max_connections, per_client: settings.max_connections_per_client };
    if limits.total == 0 || limits.per_client == 0 {
        return Err(ConfigError::new("http.max_connections", "0 would admit nobody"));
    }
    Ok(limits)
}

/// The largest rate and burst: beyond, a limit limits nothing.
const MAX_RATE: u32 = 1_000_000;

/// Where metrics are served in production.
const PRIVATE_PORT: u16 = 9091;
