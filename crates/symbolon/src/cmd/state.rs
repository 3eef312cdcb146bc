//! The store that a command works on: that of the server's state folder.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use symbolon_server::{Config, Store};

use crate::environment;

/// Where the store is.
#[derive(Debug, clap::Args)]
pub(crate) struct State {
    /// The server's configuration file, which may name its state folder; without it SYMBOLON_STATE_DIR does.
    #[arg(long, env = "SYMBOLON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl State {
    /// The server's configuration.
    pub(crate) fn config(&self) -> Result<Config> {
        environment::config(self.config.as_deref())
    }

    /// The state folder.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        self.config()?.state_dir.context("there is no state folder; name it with SYMBOLON_STATE_DIR")
    }

    /// The store, which must be there.
    pub(crate) async fn store(&self) -> Result<Store> {
        Ok(Store::open_existing(&self.folder()?).await?)
    }

    /// The store. Where there is none yet, a new one.
    pub(crate) async fn store_or_new(&self) -> Result<Store> {
        Ok(Store::open(&self.folder()?).await?)
    }

    /// Runs what waits for the store.
    pub(crate) fn run<T, E: Into<anyhow::Error>>(
        &self,
        work: impl Future<Output = std::result::Result<T, E>>,
    ) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(work).map_err(Into::into)
    }
}

/// A time of the store, for people.
pub(crate) fn date(unix_seconds: i64) -> String {
    let since = Duration::from_secs(unix_seconds.unsigned_abs());
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}
