//! The apps that the file and the environment name.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use symbolon_token::{AppCertificate, AppId, Wildcards};

use super::settings::{AppSettings, Secret};
use super::{ConfigError, Result, others_cannot_read};
use crate::app::{App, Retired, check_app_id, check_certificate};

/// One app of the list, as it is written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppRecord {
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    certificate: Option<Secret>,
    certificate_file: Option<String>,
    certificate_secondary: Option<Secret>,
    certificate_secondary_file: Option<String>,
    #[serde(default)]
    retired: Vec<Secret>,
    #[serde(default)]
    wildcards: WildcardRule,
    #[serde(default)]
    accept_006: bool,
    #[serde(default = "yes")]
    publish_privileges: bool,
}

/// Which channel wildcards an app's tokens may use.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WildcardRule {
    #[default]
    Off,
    Star,
}

impl FromStr for WildcardRule {
    type Err = ConfigError;

    fn from_str(word: &str) -> Result<Self> {
        match word.trim() {
            "off" => Ok(Self::Off),
            "star" => Ok(Self::Star),
            _ => Err(ConfigError::new("app.wildcards (APP_WILDCARDS)", format!("{word:?} is neither off nor star"))),
        }
    }
}

fn yes() -> bool {
    true
}

impl AppRecord {
    /// Whether a secret stands in it.
    pub(super) fn has_secret(&self) -> bool {
        self.certificate.is_some() || self.certificate_secondary.is_some() || !self.retired.is_empty()
    }

    fn of(settings: &AppSettings) -> Self {
        let AppSettings { id, name, certificate, certificate_file, .. } = settings.clone();
        let AppSettings { certificate_secondary, certificate_secondary_file, retired, .. } = settings.clone();
        let AppSettings { wildcards, accept_006, publish_privileges, .. } = *settings;
        Self {
            id,
            name,
            enabled: true,
            certificate,
            certificate_file,
            certificate_secondary,
            certificate_secondary_file,
            retired: retired.unwrap_or_default(),
            wildcards,
            accept_006,
            publish_privileges,
        }
    }
}

/// All apps of the configuration; that of `[app]` or the environment first.
pub(super) fn check(one: &AppSettings, several: &[AppRecord]) -> Result<Vec<App>> {
    let mut apps: Vec<App> = app(&AppRecord::of(one), &Fields::one())?.into_iter().collect();
    for (number, record) in several.iter().enumerate() {
        let fields = Fields::listed(number + 1);
        let app = app(record, &fields)?.ok_or_else(|| ConfigError::new(&*fields.id, "is missing"))?;
        apps.push(app);
    }
    check_together(apps.iter()).map_err(|problem| ConfigError::new("apps", problem))?;
    Ok(apps)
}

/// Refuses an id that stands twice, a certificate that two apps share, and one that has been retired.
pub(crate) fn check_together<'a>(apps: impl Iterator<Item = &'a App> + Clone) -> std::result::Result<(), String> {
    for (number, app) in apps.clone().enumerate() {
        let retired = |id| apps.clone().flat_map(|other| &other.retired).any(|retired| retired.id == id);
        if let Some(id) = app.certificates().map(AppCertificate::id).find(|id| retired(*id)) {
            return Err(format!("certificate {id} of app {} has been retired; draw a new one", app.id));
        }
        for other in apps.clone().take(number) {
            if other.id == app.id {
                return Err(format!("app {} stands twice, in the configuration or in it and the store", app.id));
            }
            if app.certificates().any(|one| other.certificates().any(|two| one == two)) {
                return Err(format!("apps {} and {} have the same certificate", other.id, app.id));
            }
        }
    }
    Ok(())
}

fn app(record: &AppRecord, fields: &Fields) -> Result<Option<App>> {
    let primary = text(&record.certificate, &record.certificate_file, &fields.file)?;
    let secondary = text(&record.certificate_secondary, &record.certificate_secondary_file, &fields.secondary_file)?;
    let (id, primary) = match (&record.id, primary) {
        (None, None) if secondary.is_none() => return Ok(None),
        (Some(_) | None, None) => {
            return Err(ConfigError::new(&*fields.certificate, "is missing; an app needs both id and certificate"));
        }
        (None, Some(_)) => {
            return Err(ConfigError::new(&*fields.id, "is missing; an app needs both id and certificate"));
        }
        (Some(id), Some(primary)) => (id, primary),
    };
    let id = check_app_id(id.trim()).map_err(|problem| ConfigError::new(&*fields.id, problem))?;
    let certificate = certificate(&primary, &id, &fields.certificate)?;
    let secondary = secondary.map(|text| certificate_of(&text, &id, fields, &certificate)).transpose()?;
    let wildcards = match record.wildcards {
        WildcardRule::Off => Wildcards::Off,
        WildcardRule::Star => Wildcards::Star,
    };
    let AppRecord { name, enabled, accept_006, publish_privileges, .. } = record.clone();
    let retired = record.retired.iter().map(|text| retired(text, fields)).collect::<Result<_>>()?;
    let app = App {
        retired,
        name,
        enabled,
        secondary,
        wildcards,
        accept_006,
        publish_privileges,
        ..App::new(id, certificate)
    };
    Ok(Some(app))
}

fn certificate_of(text: &str, id: &AppId, fields: &Fields, primary: &AppCertificate) -> Result<AppCertificate> {
    let secondary = certificate(text, id, &fields.secondary)?;
    if secondary == *primary {
        return Err(ConfigError::new(&*fields.secondary, "is the certificate again; a rotation needs a new one"));
    }
    Ok(secondary)
}

fn retired(text: &Secret, fields: &Fields) -> Result<Retired> {
    let certificate = AppCertificate::parse(text.expose().trim());
    let certificate = certificate.map_err(|problem| ConfigError::new(&*fields.retired, problem))?;
    Ok(Retired { id: certificate.id(), ends_sessions: false })
}

fn certificate(text: &str, id: &AppId, field: &str) -> Result<AppCertificate> {
    check_certificate(text, id).map_err(|problem| ConfigError::new(field, problem))
}

/// The text of a certificate. One line end after it is taken for what it is: how files end.
fn text(given: &Option<Secret>, file: &Option<String>, file_field: &str) -> Result<Option<String>> {
    let text = match (given, file) {
        (Some(_), Some(_)) => {
            return Err(ConfigError::new(file_field, "stands beside a certificate; give one of the two"));
        }
        (Some(secret), None) => Some(secret.expose().to_owned()),
        (None, Some(path)) => Some(secret_file(Path::new(path), MAX_CERTIFICATE_FILE, file_field)?),
        (None, None) => None,
    };
    Ok(text
        .map(|text| text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line)).to_owned()))
}

/// What stands in a file that holds a secret.
pub(super) fn secret_file(path: &Path, max: u64, field: &str) -> Result<String> {
    let wrong = |problem: String| ConfigError::new(field, format!("{} {problem}", path.display()));
    others_cannot_read(path).map_err(wrong)?;
    let size = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > max {
        return Err(wrong("is too large to hold what it should".to_owned()));
    }
    fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}

/// How errors name the fields of one app.
struct Fields {
    id: String,
    certificate: String,
    file: String,
    secondary: String,
    secondary_file: String,
    retired: String,
}

impl Fields {
    /// Those of `[app]`, with their variables.
    fn one() -> Self {
        let field = |name: &str, variable: &str| format!("app.{name} ({variable})");
        Self {
            id: field("id", "APP_ID"),
            certificate: field("certificate", "APP_CERTIFICATE"),
            file: field("certificate_file", "APP_CERTIFICATE_FILE"),
            secondary: field("certificate_secondary", "APP_CERTIFICATE_SECONDARY"),
            secondary_file: field("certificate_secondary_file", "APP_CERTIFICATE_SECONDARY_FILE"),
            retired: field("retired", "APP_CERTIFICATE_RETIRED"),
        }
    }

    /// Those of one of `[[apps]]`, counted from 1.
    fn listed(number: usize) -> Self {
        let field = |name: &str| format!("apps, number {number}: {name}");
        Self {
            id: field("id"),
            certificate: field("certificate"),
            file: field("certificate_file"),
            secondary: field("certificate_secondary"),
            secondary_file: field("certificate_secondary_file"),
            retired: field("retired"),
        }
    }
}

/// A file larger than this holds something else.
const MAX_CERTIFICATE_FILE: u64 = 1024;
