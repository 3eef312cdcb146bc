//! The embedded store: one SQLite file in the state folder, for what has to outlive a restart.
//!
//! Several processes may use it at once: the commands write while the server runs, and the server sees it by
//! [`Store::changed`]. What cannot be read is never replaced: a damaged, foreign, newer or missing file stops the start.

mod apps;
mod create;
mod error;
mod keys;
mod migrations;
mod watch;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tokio::sync::watch::Receiver;

pub use self::apps::{AppChange, AppError, Rotated, Secondary, StoredApp};
pub use self::error::StoreError;
pub use self::keys::StoredKey;
use crate::config::others_cannot_read;

/// The store of one state folder, opened and up to date. Clones share it.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    changed: OnceLock<Receiver<u64>>,
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl Store {
    /// Opens the store of this folder, and brings it up to date. A folder that never had one gets a new one.
    ///
    /// # Errors
    /// When the folder cannot be used, or the store is missing, damaged, foreign, made by a later version or open to
    /// others. It is then left as it is.
    pub async fn open(folder: &Path) -> Result<Self> {
        create::unless_there(folder, &folder.join(FILE)).await?;
        Self::open_existing(folder).await
    }

    /// Opens the store of this folder, and brings it up to date.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and when there is none.
    pub async fn open_existing(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        check_file(&path)?;
        let store = Self(Arc::new(Inner { path, changed: OnceLock::new() }));
        let mut connection = store.connect().await?;
        store.check(&mut connection).await?;
        migrations::run(&mut connection, store.path()).await?;
        create::mark(folder, store.path(), &mut connection).await?;
        connection.close().await.map_err(|problem| StoreError::failed(store.path(), problem))?;
        Ok(store)
    }

    /// Whether this folder has a store, or has had one.
    pub(crate) fn has_been_in(folder: &Path) -> bool {
        folder.join(FILE).exists() || folder.join(create::MARKER).exists()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// A connection of one's own. It waits up to five seconds for others that write.
    pub(crate) async fn connect(&self) -> Result<SqliteConnection> {
        connect(self.path()).await
    }

    /// Tells, within half a second, that somebody, in this process or another, changed a table that counts its changes (see
    /// [`migrations`]). Needs a runtime.
    pub(crate) fn changed(&self) -> Receiver<u64> {
        self.0.changed.get_or_init(|| watch::start(self.path().to_owned())).clone()
    }

    async fn close(&self, connection: SqliteConnection) -> Result<()> {
        connection.close().await.map_err(|problem| self.failed(problem))
    }

    fn failed(&self, problem: sqlx::Error) -> StoreError {
        StoreError::failed(self.path(), problem)
    }

    /// Whether what can be read is a store of ours, and whole. The audit is looked into only as far as its ends: it may
    /// be large, and a start is not to wait for it.
    async fn check(&self, connection: &mut SqliteConnection) -> Result<()> {
        let unreadable = |problem: sqlx::Error| StoreError::damaged(self.path(), &problem);
        let id: i32 =
            sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(unreadable)?;
        if id != APPLICATION_ID {
            return Err(StoreError::Foreign { path: self.path().to_owned() });
        }
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'audit'")
                .fetch_all(&mut *connection)
                .await
                .map_err(unreadable)?;
        for table in tables {
            let check = format!("PRAGMA quick_check(\"{}\")", table.replace('"', "\"\""));
            let found: String =
                sqlx::query_scalar(AssertSqlSafe(check)).fetch_one(&mut *connection).await.map_err(unreadable)?;
            if found != "ok" {
                return Err(StoreError::Damaged { path: self.path().to_owned(), problem: found });
            }
        }
        Ok(())
    }
}

async fn connect(path: &Path) -> Result<SqliteConnection> {
    options(path).connect().await.map_err(|problem| StoreError::failed(path, problem))
}

/// How every connection is made. A commit is on the disk before it is reported.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .thread_name(|number| format!("store-{number}"))
        .disable_statement_logging()
}

/// What can be seen from outside. SQLite would take an empty file for a new store.
fn check_file(path: &Path) -> Result<()> {
    let failed = |problem: io::Error| StoreError::Io { path: path.to_owned(), problem };
    let mut head = [0; HEADER.len()];
    let read = fs::File::open(path).map_err(failed)?.read(&mut head).map_err(failed)?;
    if read == 0 {
        return Err(StoreError::Damaged { path: path.to_owned(), problem: "it is empty".to_owned() });
    }
    if head != *HEADER {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    others_cannot_read(path).map_err(|problem| StoreError::Exposed { path: path.to_owned(), problem })
}

/// The wall clock, in whole Unix seconds.
fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs().cast_signed())
}

/// The store's file in the state folder.
const FILE: &str = "symbolon.db";

/// How every SQLite file begins.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Says whose file it is: `SYMB`.
const APPLICATION_ID: i32 = 0x5359_4D42;

/// How long a writer waits for another.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
