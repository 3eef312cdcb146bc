//! The settings as they are written: one commented TOML file, and the environment over it.

#![expect(unused_qualifications, reason = "the derive macro names nested types in full")]

use std::fmt;

use confique::Config;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::ServerRole;
use super::apps::{AppRecord, WildcardRule};
use crate::caller::{IssuerRecord, KeyRecord};

/// Every setting, with its comment and default. `symbolon config` prints this as a file.
#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct Settings {
    /// The app whose channels are served here, and whose tokens are made here.
    #[config(nested)]
    pub(crate) app: AppSettings,

    /// Where clients reach the server.
    #[config(nested)]
    pub(crate) listen: ListenSettings,

    /// What stands in front of the server, and which browsers may call it.
    #[config(nested)]
    pub(crate) http: HttpSettings,

    /// Who gets tokens, and how strictly requests are read.
    #[config(nested)]
    pub(crate) tokens: TokenSettings,

    /// Callers that get tokens: each an API key or a login, with what it may have.
    #[config(nested)]
    pub(crate) callers: CallersSettings,

    /// How often tokens may be asked for. Who asks more often gets 429 with `Retry-After`. Each limit is a number of
    /// requests a second in the long run, with a burst of requests at once after a rest; 0 a second switches it off, as
    /// measurements from one machine need.
    #[config(nested)]
    pub(crate) limits: LimitsTable,

    /// The record of every token made and every request for one refused.
    #[config(nested)]
    pub(crate) audit: AuditTable,

    /// Voice and video.
    #[config(nested)]
    pub(crate) media: MediaSettings,

    /// A second listener for metrics and administration. Keep it away from clients.
    #[config(nested)]
    pub(crate) private: PrivateSettings,

    /// What log lines tell.
    #[config(nested)]
    pub(crate) log: LogSettings,

    /// Several apps, each in a table `[[apps]]` with the fields of `[app]` and `enabled`. They may stand beside `[app]` and
    /// beside those of the store (`symbolon app add`); an id stands in one place only.
    #[config(default = [])]
    pub(crate) apps: Vec<AppRecord>,

    /// What this server does: `all`, or `token` for the token routes alone. With `token` there is no call page, no signalling
    /// and no media, and no UDP socket is opened, so that it runs where hosts carry only HTTP.
    #[config(env = "SYMBOLON_ROLE", default = "all")]
    pub(crate) role: ServerRole,

    /// The folder for what has to outlive a restart. Default: `symbolon` in the user's state folder.
    #[config(env = "SYMBOLON_STATE_DIR")]
    pub(crate) state_dir: Option<String>,
}

#[derive(Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct AppSettings {
    /// The App ID: 32 hexadecimal digits.
    #[config(env = "APP_ID")]
    pub(crate) id: Option<String>,

    /// The App Certificate: 32 hexadecimal digits, and a secret. A file that holds it must not be readable by others.
    #[config(env = "APP_CERTIFICATE")]
    pub(crate) certificate: Option<Secret>,

    /// A file that holds the App Certificate and nothing else, in place of `certificate`.
    #[config(env = "APP_CERTIFICATE_FILE")]
    pub(crate) certificate_file: Option<String>,

    /// A second certificate whose tokens are taken as well: the next or the previous one, during a rotation. A secret.
    #[config(env = "APP_CERTIFICATE_SECONDARY")]
    pub(crate) certificate_secondary: Option<Secret>,

    /// A file that holds the second certificate and nothing else, in place of `certificate_secondary`.
    #[config(env = "APP_CERTIFICATE_SECONDARY_FILE")]
    pub(crate) certificate_secondary_file: Option<String>,

    /// Certificates that the app once had. None of them is ever taken again, and the program does not start with one of them
    /// in use. In the variable they stand with commas between them.
    #[config(env = "APP_CERTIFICATE_RETIRED")]
    pub(crate) retired: Option<Vec<Secret>>,

    /// A name for people.
    pub(crate) name: Option<String>,

    /// Which channel wildcards tokens may use: `off`, or `star` for the channel `*`.
    #[config(env = "APP_WILDCARDS", default = "off")]
    pub(crate) wildcards: WildcardRule,

    /// Whether tokens of the older 006 format are taken. That format can be rewritten to pass for other channels and
    /// users.
    #[config(env = "APP_ACCEPT_006", default = false)]
    pub(crate) accept_006: bool,

    /// Whether publishing needs the publish privileges of the token.
    #[config(env = "APP_PUBLISH_PRIVILEGES", default = true)]
    pub(crate) publish_privileges: bool,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct ListenSettings {
    /// The address to listen on. Development mode listens on this machine only, whatever stands here.
    #[config(env = "SYMBOLON_LISTEN", default = "0.0.0.0")]
    pub(crate) address: String,

    /// The port: TCP for pages, tokens and signalling, UDP for media. 0 takes a free one. In the environment
    /// `SERVER_PORT` comes before `PORT`.
    #[config(env = "SERVER_PORT", default = 8080)]
    pub(crate) port: u16,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct HttpSettings {
    /// The web origins whose pages may call this server, separated by commas, such as `https://call.example`. Its own
    /// pages always may. `*` lets every page call.
    #[config(env = "CORS_ALLOW_ORIGIN")]
    pub(crate) cors_allow_origin: Option<String>,

    /// Whether a proxy in front of the server ends TLS. A public address needs this.
    #[config(env = "SYMBOLON_BEHIND_PROXY", default = false)]
    pub(crate) behind_proxy: bool,

    /// The addresses of that proxy, separated by commas: addresses, networks such as `10.0.0.0/8`, or `private` for
    /// every private network. What it says in `X-Forwarded-For` is believed, and nobody else's.
    #[config(env = "SYMBOLON_TRUSTED_PROXIES")]
    pub(crate) trusted_proxies: Option<String>,

    /// The most connections at a time. Each costs some 20 KiB, and a signalling connection up to 1 MiB more if its
    /// client reads slowly.
    #[config(env = "SYMBOLON_MAX_CONNECTIONS", default = 10000)]
    pub(crate) max_connections: usize,

    /// The most connections at a time from one client address (from one /64 of IPv6).
    #[config(env = "SYMBOLON_MAX_CONNECTIONS_PER_CLIENT", default = 256)]
    pub(crate) max_connections_per_client: usize,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct TokenSettings {
    /// The open mode: whoever reaches the token routes gets any token. For trying things out, or for a server that only
    /// trusted callers can reach.
    #[config(env = "SYMBOLON_OPEN", default = false)]
    pub(crate) open: bool,

    /// The app for which the compatible routes make tokens, by its id. Needed where there are several and none stands in
    /// `[app]` or the environment.
    #[config(env = "SYMBOLON_DEFAULT_APP")]
    pub(crate) default_app: Option<String>,

    /// Refuse unknown roles and names outside the documented limits. When false, such requests are answered as other
    /// token servers do.
    #[config(env = "SYMBOLON_STRICT", default = true)]
    pub(crate) strict: bool,

    /// Routes that samples and older servers have, for clients that call them: `fetch` (`POST /fetch_rtc_token` and
    /// `/fetch_rtm_token`), `generate` (`POST /token/generate`), `middleware` (`POST /token/getNew`), and with
    /// `issue_006` also `node` (`GET /rtc/…`, `/rtm/…`, `/rte/…` without a final slash) and `access_token`
    /// (`GET /access_token`). In the environment separated by commas.
    #[config(env = "SYMBOLON_ROUTES", default = [])]
    pub(crate) routes: Vec<String>,

    /// Whether `node` and `access_token` may be switched on. They make tokens of the older 006 format, whose channel and
    /// uid can be shifted against each other by whoever holds one.
    #[config(env = "SYMBOLON_ISSUE_006", default = false)]
    pub(crate) issue_006: bool,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct CallersSettings {
    /// API keys, as `symbolon key new` prints them: id, hash and policy. In the environment a JSON list.
    #[config(env = "SYMBOLON_API_KEYS", default = [])]
    pub(crate) keys: Vec<KeyRecord>,

    /// Logins whose JWTs are taken: issuer, audience and policy, and where their keys are if the issuer does not say so
    /// itself. In the environment a JSON list.
    #[config(env = "SYMBOLON_ISSUERS", default = [])]
    pub(crate) issuers: Vec<IssuerRecord>,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct LimitsTable {
    /// By one client address (one /64 of IPv6; a /48 has eight times as much). Not below `per_caller`, or a backend
    /// with one address never gets what its key allows; users behind one shared address ask once an hour each. Off in
    /// development mode.
    #[config(env = "SYMBOLON_LIMIT_PER_ADDRESS", default = 200)]
    pub(crate) per_address: u32,

    /// The burst of that.
    #[config(env = "SYMBOLON_LIMIT_PER_ADDRESS_BURST", default = 400)]
    pub(crate) per_address_burst: u32,

    /// By one API key, or one subject of a login: 720,000 users with hourly tokens behind one key.
    #[config(env = "SYMBOLON_LIMIT_PER_CALLER", default = 200)]
    pub(crate) per_caller: u32,

    /// The burst of that.
    #[config(env = "SYMBOLON_LIMIT_PER_CALLER_BURST", default = 400)]
    pub(crate) per_caller_burst: u32,

    /// For one app, by everyone together: well below what one core makes, so that one app leaves room for others.
    #[config(env = "SYMBOLON_LIMIT_PER_APP", default = 5000)]
    pub(crate) per_app: u32,

    /// The burst of that.
    #[config(env = "SYMBOLON_LIMIT_PER_APP_BURST", default = 10000)]
    pub(crate) per_app_burst: u32,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct AuditTable {
    /// Whether an answer waits until its record is on the disk. When false, records of the last moments before a crash of
    /// the machine or the program may be lost: 50 ms as a rule.
    #[config(env = "SYMBOLON_AUDIT_DURABLE", default = false)]
    pub(crate) durable: bool,

    /// How many records are kept; the oldest go first. A record takes some 500 bytes.
    #[config(env = "SYMBOLON_AUDIT_MAX_RECORDS", default = 1000000)]
    pub(crate) max_records: u64,

    /// Whether records go to standard output as well, one JSON object a line: for machines that lose their disk.
    #[config(env = "SYMBOLON_AUDIT_STDOUT", default = false)]
    pub(crate) stdout: bool,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct MediaSettings {
    /// The addresses at which clients reach the media port, separated by commas. Default: the address listened on, or
    /// the one that the way to the internet starts from. Set it where the server stands behind address translation.
    #[config(env = "SYMBOLON_ADVERTISE")]
    pub(crate) advertise: Option<String>,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct PrivateSettings {
    /// Where `/metrics` is served. Default: `127.0.0.1:9091`; in development mode a free port.
    #[config(env = "SYMBOLON_PRIVATE_LISTEN")]
    pub(crate) listen: Option<String>,
}

#[derive(Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(crate) struct LogSettings {
    /// Whether log lines name channels and uids. Without them a line names the connection only. Development mode always
    /// names them.
    #[config(env = "SYMBOLON_LOG_NAMES", default = false)]
    pub(crate) names: bool,
}

/// A setting that is never printed, not even when it is of the wrong type.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, to be parsed and then forgotten.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Takes numbers and truth values too, only to refuse them without repeating them.
        struct SecretVisitor;

        impl Visitor<'_> for SecretVisitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::custom("a secret must be a text in quotes"))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::custom("a secret must be a text in quotes"))
            }
        }

        deserializer.deserialize_any(SecretVisitor)
    }
}
