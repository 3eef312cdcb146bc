//! The environment: variables, and below them those of the file `.env` in the working directory.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use symbolon_server::{Config, others_cannot_read};

/// The configuration of this file, or of the one that the environment names.
pub(crate) fn config(file: Option<&Path>) -> Result<Config> {
    let below = env_file(Path::new(".env"))?;
    let variable = |name: &str| std::env::var(name).ok().or_else(|| below.get(name).cloned());
    let named = variable("SYMBOLON_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(Config::load(file.or(named.as_deref()), &variable)?)
}

/// The variables of such a file, if there is one. Errors do not repeat what stands in it.
fn env_file(path: &Path) -> Result<BTreeMap<String, String>> {
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(dotenvy::Error::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(_) => bail!("{} is there, but cannot be read", path.display()),
    };
    let mut variables = BTreeMap::new();
    for line in lines {
        let Ok((name, value)) = line else {
            bail!("{}: after {} variables comes a line that is not NAME=value", path.display(), variables.len());
        };
        variables.entry(name).or_insert(value);
    }
    if SECRETS.iter().any(|name| variables.contains_key(*name))
        && let Err(problem) = others_cannot_read(path)
    {
        bail!("{} {problem}", path.display());
    }
    Ok(variables)
}

const SECRETS: [&str; 3] = ["APP_CERTIFICATE", "APP_CERTIFICATE_SECONDARY", "APP_CERTIFICATE_RETIRED"];
