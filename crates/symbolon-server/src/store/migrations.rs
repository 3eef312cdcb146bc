//! The tables, step by step.
//!
//! The number of steps taken is the file's schema version. A step that has been released never changes; new tables are new
//! steps at the end, each a constant beside the code that uses the table. A table whose changes [`Store::changed`] is to
//! tell has triggers that count them: `UPDATE store SET changes = changes + 1`.
//!
//! [`Store::changed`]: super::Store::changed

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::{Result, StoreError, apps, keys};

/// All steps, in order.
pub(super) const STEPS: &[&str] = &[STORE, AUDIT, apps::TABLES, keys::TABLE, apps::ENDED_SESSIONS, keys::USES];

/// The one row about the store itself.
const STORE: &str = "
    CREATE TABLE store (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL,
        changes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO store (one, id) VALUES (1, lower(hex(randomblob(16))));
";

/// What was asked for and answered: one JSON object a row, oldest first.
const AUDIT: &str = "
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
";

/// Takes the steps that are missing, each whole or not at all.
pub(super) async fn run(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    run_steps(connection, path, STEPS).await
}

pub(super) async fn run_steps(connection: &mut SqliteConnection, path: &Path, steps: &[&str]) -> Result<()> {
    while version(connection, path, steps).await? < steps.len() {
        step(connection, path, steps).await?;
    }
    Ok(())
}

async fn step(connection: &mut SqliteConnection, path: &Path, steps: &[&str]) -> Result<()> {
    let failed = |problem| StoreError::failed(path, problem);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // Another process may have taken the step meanwhile.
    let at = version(&mut transaction, path, steps).await?;
    if let Some(sql) = steps.get(at) {
        sqlx::raw_sql(AssertSqlSafe((*sql).to_owned())).execute(&mut *transaction).await.map_err(failed)?;
        let set = format!("PRAGMA user_version = {}", at + 1);
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// How many steps the file has taken.
async fn version(connection: &mut SqliteConnection, path: &Path, steps: &[&str]) -> Result<usize> {
    let failed = |problem| StoreError::failed(path, problem);
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await.map_err(failed)?;
    let found = usize::try_from(version).unwrap_or(usize::MAX);
    if found > steps.len() {
        return Err(StoreError::Later { path: path.to_owned(), found, known: steps.len() });
    }
    Ok(found)
}
