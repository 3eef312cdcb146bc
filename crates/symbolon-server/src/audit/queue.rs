//! What waits for the writer.

use std::sync::Arc;

use tokio::sync::oneshot;

/// A record as it will stand in the store.
#[derive(Debug)]
pub(super) struct Entry {
    /// In Unix milliseconds.
    pub(super) at: i64,
    /// Shared with the statement that writes it, which wants to own it.
    pub(super) line: Arc<str>,
}

impl Entry {
    pub(super) fn new(at: u64, line: String) -> Self {
        Self { at: i64::try_from(at).unwrap_or(i64::MAX), line: line.into() }
    }
}

/// A record, and whoever waits for it to be on the disk.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) entry: Entry,
    /// Told once it is; dropped if it cannot be.
    pub(super) waiting: Option<oneshot::Sender<()>>,
}

impl Queued {
    pub(super) fn new(entry: Entry, durable: bool) -> (Self, Option<oneshot::Receiver<()>>) {
        if !durable {
            return (Self { entry, waiting: None }, None);
        }
        let (waiting, receipt) = oneshot::channel();
        (Self { entry, waiting: Some(waiting) }, Some(receipt))
    }
}
