//! Looks for what others have changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::watch::{self, Receiver, Sender};

use super::{Result, StoreError, connect};

/// Starts looking. It ends with the last receiver, or with the runtime.
pub(super) fn start(path: PathBuf) -> Receiver<u64> {
    let (sender, receiver) = watch::channel(0);
    tokio::spawn(async move {
        while !sender.is_closed() {
            if let Err(error) = follow(&path, &sender).await {
                tracing::warn!(%error, "changes in the store cannot be seen; trying again");
            }
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
    });
    receiver
}

/// Looks until nobody listens.
async fn follow(path: &Path, sender: &Sender<u64>) -> Result<()> {
    let failed = |problem| StoreError::failed(path, problem);
    let mut connection = connect(path).await?;
    let mut seen = None;
    while !sender.is_closed() {
        let version = Some(version(&mut connection).await.map_err(failed)?);
        if version != seen {
            let changes = changes(&mut connection).await.map_err(failed)?;
            sender.send_if_modified(|known| std::mem::replace(known, changes) != changes);
            seen = version;
        }
        tokio::time::sleep(PERIOD).await;
    }
    connection.close().await.map_err(failed)
}

/// Changes whenever another connection has committed something. Costs next to nothing.
async fn version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await
}

async fn changes(connection: &mut SqliteConnection) -> sqlx::Result<u64> {
    let changes: i64 = sqlx::query_scalar("SELECT changes FROM store").fetch_one(connection).await?;
    Ok(changes.unsigned_abs())
}

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(250);

const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
