//! Where records are written to: the store, and standard output where that is asked for.

use std::io::{self, Write};
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::queue::Entry;
use crate::config::AuditSettings;
use crate::store::{Store, StoreError};

/// Where records are written to.
#[derive(Debug)]
pub(super) struct Sink {
    table: Option<Table>,
    stdout: bool,
    stdout_failed: bool,
}

/// Why records are not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SinkError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Sink {
    pub(super) fn new(store: Option<Store>, settings: AuditSettings) -> Self {
        let table = store.map(|store| Table::new(store, settings.max_records));
        Self { table, stdout: settings.stdout, stdout_failed: false }
    }

    /// Writes these, as far as the store goes all or none.
    pub(super) async fn write(&mut self, entries: &[Entry]) -> Result<(), SinkError> {
        if let Some(table) = &mut self.table {
            table.write(entries).await?;
        }
        if !self.stdout {
            return Ok(());
        }
        match print(entries).await {
            // What is in the store is not written again for the sake of the copy.
            Err(error) if self.table.is_some() => {
                if !std::mem::replace(&mut self.stdout_failed, true) {
                    tracing::error!(%error, "records of the audit go to the store only; standard output fails");
                }
                Ok(())
            }
            outcome => {
                self.stdout_failed = false;
                Ok(outcome?)
            }
        }
    }

    pub(super) async fn close(self) {
        if let Some(connection) = self.table.and_then(|table| table.connection) {
            // Everything is committed; what is left undone the next start does.
            let _ = connection.close().await;
        }
    }
}

/// The table in the store.
#[derive(Debug)]
struct Table {
    store: Store,
    connection: Option<SqliteConnection>,
    max_records: u64,
}

impl Table {
    fn new(store: Store, max_records: u64) -> Self {
        Self { store, connection: None, max_records }
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.store.connect().await?,
        };
        // A connection on which something failed is not used again.
        match self.insert(&mut connection, entries).await {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(problem) => Err(StoreError::failed(self.store.path(), problem)),
        }
    }

    async fn insert(&self, connection: &mut SqliteConnection, entries: &[Entry]) -> sqlx::Result<()> {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut left = entries;
        for rows in ROWS {
            while let Some((chunk, rest)) = left.split_at_checked(*rows) {
                insert_rows(&mut transaction, chunk).await?;
                left = rest;
            }
        }
        self.delete_oldest(&mut transaction, entries.len()).await?;
        transaction.commit().await
    }

    /// Keeps to the bound. A bound that was lowered is reached little by little.
    async fn delete_oldest(&self, connection: &mut SqliteConnection, written: usize) -> sqlx::Result<()> {
        let keep = i64::try_from(self.max_records).unwrap_or(i64::MAX);
        let at_most = i64::try_from(written).unwrap_or(i64::MAX).saturating_add(DELETED_BESIDE);
        sqlx::query(DELETE).bind(keep).bind(at_most).execute(connection).await?;
        Ok(())
    }
}

async fn insert_rows(connection: &mut SqliteConnection, entries: &[Entry]) -> sqlx::Result<()> {
    let values = vec!["(?,?)"; entries.len()].join(",");
    let mut query = sqlx::query(AssertSqlSafe(format!("INSERT INTO audit (at, record) VALUES {values}")));
    for entry in entries {
        query = query.bind(entry.at).bind(Arc::clone(&entry.line));
    }
    query.execute(connection).await?;
    Ok(())
}

/// Standard output may be a pipe that nobody reads for a while.
async fn print(entries: &[Entry]) -> io::Result<()> {
    let mut text = String::new();
    for entry in entries {
        text.push_str(&entry.line);
        text.push('\n');
    }
    let print = move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    };
    tokio::task::spawn_blocking(print).await.map_err(io::Error::other)?
}

/// How many rows one statement writes. Each number has a statement of its own, which is prepared once.
const ROWS: &[usize] = &[256, 32, 8, 1];

/// Numbers only grow and only the oldest go, so that the difference of two is how many lie between.
const DELETE: &str = "
    DELETE FROM audit WHERE number <= min(
        (SELECT max(number) FROM audit) - ?1,
        (SELECT min(number) FROM audit) + ?2
    )
";

/// How many old records are deleted beyond as many as were written, in one go.
const DELETED_BESIDE: i64 = 1000;
