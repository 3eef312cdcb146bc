//! Reading the audit out of the store, beside a running server.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use sqlx::{Connection, SqliteConnection};

use crate::store::{Store, StoreError};

/// The records of a time, oldest first, as lines of JSON.
///
/// It reads page after page, so that however many there are, the server beside it is not held up. What is written
/// meanwhile is read too.
#[derive(Debug)]
pub struct Export {
    path: PathBuf,
    connection: SqliteConnection,
    period: Period,
    page: VecDeque<String>,
    last: i64,
}

/// A time, in Unix milliseconds. The default is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment that belongs to it.
    pub since: i64,
    /// The first moment after it.
    pub until: i64,
}

impl Default for Period {
    fn default() -> Self {
        Self { since: i64::MIN, until: i64::MAX }
    }
}

impl Export {
    /// Opens the store of this folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub async fn open(folder: &Path, period: Period) -> Result<Self, StoreError> {
        let store = Store::open_existing(folder).await?;
        let connection = store.connect().await?;
        Ok(Self { path: store.path().to_owned(), connection, period, page: VecDeque::new(), last: i64::MIN })
    }

    /// The next record, without a line end. Absent after the last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        if self.page.is_empty() {
            self.turn_page().await.map_err(|problem| StoreError::failed(&self.path, problem))?;
        }
        Ok(self.page.pop_front())
    }

    /// Closes the store.
    ///
    /// # Errors
    /// When it cannot be closed in order.
    pub async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(|problem| StoreError::failed(&self.path, problem))
    }

    async fn turn_page(&mut self) -> sqlx::Result<()> {
        let rows: Vec<(i64, String)> = sqlx::query_as(PAGE)
            .bind(self.last)
            .bind(self.period.since)
            .bind(self.period.until)
            .bind(PAGE_LEN)
            .fetch_all(&mut self.connection)
            .await?;
        for (number, record) in rows {
            self.last = number;
            self.page.push_back(record);
        }
        Ok(())
    }
}

const PAGE: &str = "
    SELECT number, record FROM audit WHERE number > ?1 AND at >= ?2 AND at < ?3 ORDER BY number LIMIT ?4
";

/// How many records are read at a time.
const PAGE_LEN: i64 = 1000;
