//! When the keys of the store were last used: noted on a request's way, written down beside it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::store::Store;

/// What has not been written down yet. It holds one number for each key that was good, at most.
#[derive(Debug, Default)]
pub(crate) struct KeyUses {
    latest: Mutex<BTreeMap<String, u64>>,
    some: Notify,
}

impl KeyUses {
    /// Notes that a key was used at this Unix time.
    pub(super) fn note(&self, id: &str, now: u64) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = latest.get_mut(id) {
            *at = now.max(*at);
            return;
        }
        if latest.is_empty() {
            self.some.notify_one();
        }
        latest.insert(id.to_owned(), now);
    }

    /// Writes uses into the store as they come, once a minute at most. Never ends by itself.
    pub(crate) async fn keep(&self, store: &Store) {
        loop {
            self.some.notified().await;
            self.write(store).await;
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Writes down what there is. What cannot be written is lost: a call is worth more than its trace.
    pub(crate) async fn write(&self, store: &Store) {
        let latest = std::mem::take(&mut *self.latest.lock().unwrap_or_else(PoisonError::into_inner));
        if latest.is_empty() {
            return;
        }
        if let Err(error) = store.note_uses(&latest).await {
            tracing::warn!(%error, "when API keys were last used could not be written");
        }
    }
}

/// How often the store is written for this.
const PERIOD: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::caller::NewKey;
    use crate::testing::TempFolder;

    #[tokio::test]
    async fn the_first_use_is_written_at_once_and_those_after_it_together() {
        let folder = TempFolder::new();
        let store = Store::open(folder.path()).await.unwrap();
        let keys = [[1; 40], [2; 40]].map(NewKey::from_entropy);
        for key in &keys {
            store.add_key(key, None, &json!({ "channels": ["lobby"] })).await.unwrap();
        }
        let last = || async { store.keys().await.unwrap().iter().map(|key| key.last_used).collect::<Vec<_>>() };
        let uses = KeyUses::default();
        uses.note(&keys[0].id, 100);
        let kept = tokio::time::timeout(Duration::from_secs(10), async {
            tokio::select! {
                () = uses.keep(&store) => {}
                () = async { while last().await != [Some(100), None] { tokio::task::yield_now().await } } => {}
            }
        });
        kept.await.unwrap();

        for now in [300, 200] {
            uses.note(&keys[0].id, now);
        }
        uses.note(&keys[1].id, 250);
        assert_eq!(last().await, [Some(100), None]);
        uses.write(&store).await;
        assert_eq!(last().await, [Some(300), Some(250)]);
        uses.note(&keys[1].id, 240);
        uses.write(&store).await;
        assert_eq!(last().await, [Some(300), Some(250)]);
    }
}
