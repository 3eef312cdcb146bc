//! What a start goes through, but the sockets.

use crate::app::App;
use crate::apps::Registry;
use crate::config::{Config, Mode, check_public};
use crate::store::{Store, StoreError};

/// What a configuration and its store amount to.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The apps of the configuration and the store. Development mode has one of its own beside them.
    pub apps: Vec<App>,
    /// How many API keys are good.
    pub keys: usize,
    /// How many logins are taken.
    pub logins: usize,
    /// Why the server would not start, a sentence each.
    pub problems: Vec<String>,
}

/// Checks everything that a start checks before it listens. No file is made.
pub async fn check_config(config: &Config) -> Checked {
    let mut checked = Checked::default();
    let store = match existing_store(config).await {
        Ok(store) => store,
        Err(error) => {
            checked.problems.push(error.to_string());
            return checked;
        }
    };
    let mut read = config.apps.clone();
    let outcome = if config.mode == Mode::Development {
        Registry::read(&mut read, store.as_ref(), &config.callers).await
    } else {
        Registry::open(config, read.clone(), store).await.map(|registry| read = registry.all())
    };
    checked.problems.extend(outcome.err().map(|error| error.to_string()));
    checked.problems.extend(check_public(config).err().map(|error| error.to_string()));
    checked.apps = read;
    (checked.keys, checked.logins) = config.callers.counts();
    checked
}

/// The store, unless a start would make a new one.
async fn existing_store(config: &Config) -> Result<Option<Store>, StoreError> {
    match &config.state_dir {
        Some(folder) if Store::has_been_in(folder) => Store::open_existing(folder).await.map(Some),
        Some(_) | None => Ok(None),
    }
}
