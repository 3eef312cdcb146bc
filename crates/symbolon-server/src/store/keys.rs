//! The API keys of the store: hashes and policies, and nothing that would open a door.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::Connection;

use super::{Result, Store, StoreError, unix_now};
use crate::caller::{KeyRecord, NewKey};

/// An API key of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its public part.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// What its holder may have, as JSON.
    pub policy: String,
    /// When it was made, in Unix seconds.
    pub created: i64,
    /// When it was revoked.
    pub revoked: Option<i64>,
    /// When it was last used, to a minute.
    pub last_used: Option<i64>,
}

impl Store {
    /// Keeps a new key.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn add_key(&self, key: &NewKey, name: Option<&str>, policy: &Value) -> Result<()> {
        let mut connection = self.connect().await?;
        sqlx::query("INSERT INTO api_key (id, name, hash, policy, created) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(&key.id)
            .bind(name)
            .bind(key.hash.to_string())
            .bind(policy.to_string())
            .bind(unix_now())
            .execute(&mut connection)
            .await
            .map_err(|problem| self.failed(problem))?;
        self.close(connection).await
    }

    /// All keys, oldest first, the revoked ones too.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn keys(&self) -> Result<Vec<StoredKey>> {
        let mut connection = self.connect().await?;
        let rows: Vec<Row> =
            sqlx::query_as(ALL_KEYS).fetch_all(&mut connection).await.map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        let key = |(id, name, policy, created, revoked, last_used)| StoredKey {
            id,
            name,
            policy,
            created,
            revoked,
            last_used,
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Keeps when these keys were last used.
    pub(crate) async fn note_uses(&self, uses: &BTreeMap<String, u64>) -> Result<()> {
        let mut connection = self.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|problem| self.failed(problem))?;
        for (id, at) in uses {
            sqlx::query("INSERT INTO key_use (id, at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = max(at, ?2)")
                .bind(id)
                .bind(at.cast_signed())
                .execute(&mut *transaction)
                .await
                .map_err(|problem| self.failed(problem))?;
        }
        transaction.commit().await.map_err(|problem| self.failed(problem))?;
        self.close(connection).await
    }

    /// Revokes a key. Tells whether it was good until now; absent when there is no such key.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn revoke_key(&self, id: &str) -> Result<Option<bool>> {
        let mut connection = self.connect().await?;
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_key WHERE id = ?1)")
            .bind(id)
            .fetch_one(&mut connection)
            .await
            .map_err(|problem| self.failed(problem))?;
        let done = sqlx::query("UPDATE api_key SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL")
            .bind(id)
            .bind(unix_now())
            .execute(&mut connection)
            .await
            .map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        Ok(known.then_some(done.rows_affected() > 0))
    }

    /// The keys that are good, as callers are checked against them.
    pub(crate) async fn good_keys(&self) -> Result<Vec<KeyRecord>> {
        let mut connection = self.connect().await?;
        let rows: Vec<(String, Option<String>, String, String)> =
            sqlx::query_as("SELECT id, name, hash, policy FROM api_key WHERE revoked IS NULL")
                .fetch_all(&mut connection)
                .await
                .map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        let record = |(id, name, hash, policy): (String, Option<String>, String, String)| {
            let policy: Value = serde_json::from_str(&policy).ok()?;
            serde_json::from_value(serde_json::json!({ "id": id, "name": name, "hash": hash, "policy": policy })).ok()
        };
        rows.into_iter()
            .map(record)
            .collect::<Option<_>>()
            .ok_or_else(|| StoreError::unreadable(self.path(), "an API key in it is not what was written"))
    }
}

/// id, name, policy, created, revoked, last used.
type Row = (String, Option<String>, String, i64, Option<i64>, Option<i64>);

const ALL_KEYS: &str = "
    SELECT id, name, policy, created, revoked, at
    FROM api_key LEFT JOIN key_use USING (id) ORDER BY created, api_key.rowid
";

/// The step that makes the table.
pub(super) const TABLE: &str = "
    CREATE TABLE api_key (
        id TEXT PRIMARY KEY,
        name TEXT,
        hash TEXT NOT NULL,
        policy TEXT NOT NULL,
        created INTEGER NOT NULL,
        revoked INTEGER
    ) STRICT;
    CREATE TRIGGER api_key_inserted AFTER INSERT ON api_key BEGIN UPDATE store SET changes = changes + 1; END;
    CREATE TRIGGER api_key_updated AFTER UPDATE ON api_key BEGIN UPDATE store SET changes = changes + 1; END;
    CREATE TRIGGER api_key_deleted AFTER DELETE ON api_key BEGIN UPDATE store SET changes = changes + 1; END;
";

/// The step that makes the table of uses. It counts no changes: what follows the store need not look again for it.
pub(super) const USES: &str = "
    CREATE TABLE key_use (
        id TEXT PRIMARY KEY REFERENCES api_key (id),
        at INTEGER NOT NULL
    ) STRICT;
";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::TempFolder;

    #[tokio::test]
    async fn a_revoked_key_is_listed_and_not_good() {
        let folder = TempFolder::new();
        let store = Store::open(folder.path()).await.unwrap();
        let keys = [[1; 40], [2; 40]].map(NewKey::from_entropy);
        for key in &keys {
            store.add_key(key, Some("backend"), &json!({ "channels": ["lobby"] })).await.unwrap();
        }
        let id = keys[0].id.as_str();
        assert_eq!(store.good_keys().await.unwrap().len(), 2);
        assert_eq!(store.revoke_key(id).await.unwrap(), Some(true));
        assert_eq!(store.revoke_key(id).await.unwrap(), Some(false));
        assert_eq!(store.revoke_key("nobody").await.unwrap(), None);
        let good = store.good_keys().await.unwrap();
        assert_eq!(good.iter().map(|record| &*record.id).collect::<Vec<_>>(), [keys[1].id.as_str()]);
        assert_eq!(store.keys().await.unwrap().iter().filter(|key| key.revoked.is_some()).count(), 1);
    }

    #[tokio::test]
    async fn the_watch_tells_of_keys_and_apps() {
        let folder = TempFolder::new();
        let store = Store::open(folder.path()).await.unwrap();
        let mut changed = store.changed();
        changed.mark_unchanged();
        store.add_key(&NewKey::from_entropy([3; 40]), None, &json!({ "channels": ["a"] })).await.unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(5), changed.changed()).await.unwrap().unwrap();
    }
}
