//! All apps, from the configuration and the store: a whole that is replaced as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use symbolon_proto::grant;
use symbolon_token::AppId;
use tokio::sync::watch;

use crate::app::App;
use crate::caller::Callers;
use crate::config::{Config, ConfigError, check_together};
use crate::shard::Shard;
use crate::store::{Store, StoreError};

/// The apps as they are now. Reading is cheap; clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Apps(watch::Receiver<Arc<Snapshot>>);

#[derive(Debug)]
struct Snapshot {
    by_id: BTreeMap<AppId, Arc<App>>,
    default: Arc<App>,
}

impl Apps {
    /// The app with this id.
    pub(crate) fn find(&self, id: &AppId) -> Option<Arc<App>> {
        self.0.borrow().by_id.get(id).cloned()
    }

    /// The app of requests that name none.
    pub(crate) fn default_app(&self) -> Arc<App> {
        Arc::clone(&self.0.borrow().default)
    }

    /// The door that lets in by these apps.
    pub(crate) fn door(&self) -> grant::Door {
        grant::Door::new(self.0.borrow().by_id.iter().map(|(id, app)| (*id, app.at_the_door())).collect())
    }
}

/// Keeps [`Apps`] and the API keys as the store has them.
#[derive(Debug)]
pub(crate) struct Registry {
    configured: Vec<App>,
    default: AppId,
    store: Option<Store>,
    callers: Callers,
    apps: watch::Sender<Arc<Snapshot>>,
}

/// Why the store's apps and keys are not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Registry {
    /// Reads everything for the first time. `configured` are the apps beside those of the store.
    pub(crate) async fn open(
        config: &Config,
        configured: Vec<App>,
        store: Option<Store>,
    ) -> Result<Self, RegistryError> {
        let callers = config.callers.clone();
        let mut all = configured.clone();
        Self::read(&mut all, store.as_ref(), &callers).await?;
        let default = default_app(&all, config.default_app)?;
        let (apps, _) = watch::channel(Arc::new(snapshot(all, &default)?));
        Ok(Self { configured, default, store, callers, apps })
    }

    pub(crate) fn apps(&self) -> Apps {
        Apps(self.apps.subscribe())
    }

    /// All apps, by their ids.
    pub(crate) fn all(&self) -> Vec<App> {
        self.apps.borrow().by_id.values().map(|app| App::clone(app)).collect()
    }

    /// Adds the apps of the store to these. The callers take its keys.
    pub(crate) async fn read(
        all: &mut Vec<App>,
        store: Option<&Store>,
        callers: &Callers,
    ) -> Result<(), RegistryError> {
        if let Some(store) = store {
            let keys = store.good_keys().await?;
            let keys = callers.replace_stored(keys);
            keys.map_err(|problem| ConfigError::new("callers.keys (SYMBOLON_API_KEYS)", problem))?;
            all.extend(store.apps().await?.into_iter().map(|stored| stored.app));
        }
        check_together(all.iter()).map_err(|problem| ConfigError::new("apps", problem))?;
        Ok(())
    }

    /// Follows the store until it is dropped. What cannot be taken is logged, and everything stays as it was.
    pub(crate) async fn follow(self, shard: Option<Shard>) {
        let Some(store) = &self.store else { return };
        let mut changed = store.changed();
        loop {
            match self.reload(store).await {
                Ok(()) => {
                    let told = match &shard {
                        Some(shard) => shard.replace_door(self.apps().door()).await.is_ok(),
                        None => true,
                    };
                    if !told || changed.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "apps and keys stay as they were; trying again");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn reload(&self, store: &Store) -> Result<(), RegistryError> {
        let mut all = self.configured.clone();
        Self::read(&mut all, Some(store), &self.callers).await?;
        self.apps.send_replace(Arc::new(snapshot(all, &self.default)?));
        Ok(())
    }
}

/// The app that is named as the default, else the only one.
fn default_app(all: &[App], named: Option<AppId>) -> Result<AppId, ConfigError> {
    match (named, all) {
        (Some(id), _) if all.iter().any(|app| app.id == id) => Ok(id),
        (Some(id), _) => Err(ConfigError::new(DEFAULT, format!("there is no app {id}"))),
        (None, [only]) => Ok(only.id),
        (None, []) => Err(ConfigError::new(
            "app.id (APP_ID)",
            "there is no app; set its id and certificate, or add one to the store with `symbolon app add`",
        )),
        (None, _) => Err(ConfigError::new(
            DEFAULT,
            format!("is missing; there are {} apps, and the compatible routes need to know which is theirs", all.len()),
        )),
    }
}

fn snapshot(all: Vec<App>, default: &AppId) -> Result<Snapshot, ConfigError> {
    let by_id: BTreeMap<AppId, Arc<App>> = all.into_iter().map(|app| (app.id, Arc::new(app))).collect();
    let default = by_id.get(default).cloned();
    let default = default.ok_or_else(|| ConfigError::new(DEFAULT, "that app is gone"))?;
    Ok(Snapshot { by_id, default })
}

const DEFAULT: &str = "tokens.default_app (SYMBOLON_DEFAULT_APP)";

const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use symbolon_token::AppCertificate;

    use super::*;

    #[test]
    fn the_default_app_is_the_one_named_or_the_only_one() {
        let app = |digit: &str| {
            let certificate = format!("{digit}0041b8f0f1439e741487dc3a62ea4cb");
            let id = AppId::parse(&format!("{digit}aa2d524f79f8ac632252761b8a02751")).unwrap();
            App::new(id, AppCertificate::parse(&certificate).unwrap())
        };
        let (one, two) = (app("1"), app("2"));
        let (first, second) = (one.id, two.id);
        let problem = |all: &[App], named| default_app(all, named).unwrap_err().to_string();
        assert!(problem(&[], None).contains("symbolon app add"));
        assert_eq!(default_app(std::slice::from_ref(&one), None), Ok(first));
        assert!(problem(&[one.clone(), two.clone()], None).contains("SYMBOLON_DEFAULT_APP"));
        assert_eq!(default_app(&[one.clone(), two], Some(second)), Ok(second));
        assert!(problem(&[one], Some(second)).contains("there is no app"));
    }
}
