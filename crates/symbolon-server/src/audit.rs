//! The audit: who asked for which token, when, from where, and how it went; never the token.
//!
//! A request leaves a [`Trail`], which is settled before its answer goes out. One writer takes the records from a bounded
//! queue, many at a time. What does not fit into the queue is not answered: no effect without a record.

mod export;
mod queue;
mod record;
mod sink;
mod trail;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use self::export::{Export, Period};
use self::queue::{Entry, Queued};
pub(crate) use self::record::{Made, What, Who};
use self::sink::Sink;
pub(crate) use self::trail::{Request, Trail};
use self::writer::Writer;
use crate::config::AuditSettings;
use crate::metrics::Metrics;
use crate::store::Store;

/// Takes records. Clones lead to the same writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(Option<Arc<Desk>>);

#[derive(Debug)]
struct Desk {
    queue: mpsc::Sender<Queued>,
    /// Whether an answer waits until its record is on the disk.
    durable: bool,
    failing: Arc<AtomicBool>,
}

/// The writer at work.
#[derive(Debug)]
pub(crate) struct Writing(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Writing {
    /// Takes no more records, and waits until those that were taken are written.
    pub(crate) async fn end(self) {
        let Some((close, writer)) = self.0 else { return };
        drop(close);
        if !matches!(tokio::time::timeout(END_TIMEOUT, writer).await, Ok(Ok(()))) {
            tracing::error!("the last records of the audit may be lost");
        }
    }
}

/// A record was not taken, so that the request must not have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unrecorded;

impl Audit {
    /// Starts the writer, where there is anywhere to write to.
    pub(crate) fn start(settings: AuditSettings, store: Option<Store>, metrics: Metrics) -> (Self, Writing) {
        if store.is_none() && !settings.stdout {
            return (Self(None), Writing(None));
        }
        let (queue, queued) = mpsc::channel(QUEUE);
        let (close, closed) = oneshot::channel();
        let (durable, failing) = (settings.durable, Arc::new(AtomicBool::new(false)));
        let writer = Writer::new((queued, closed), Sink::new(store, settings), durable, Arc::clone(&failing), metrics);
        let writer = tokio::spawn(writer.run());
        (Self(Some(Arc::new(Desk { queue, durable, failing }))), Writing(Some((close, writer))))
    }

    fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Whether records cannot be written at present.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.as_ref().is_some_and(|desk| desk.failing.load(Ordering::Relaxed))
    }

    /// How many records wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.0.as_ref().map_or(0, |desk| desk.queue.max_capacity() - desk.queue.capacity())
    }

    /// Hands these records to the writer, all or none, and waits for the disk where that is asked for.
    async fn put(&self, entries: Vec<Entry>) -> Result<(), Unrecorded> {
        let Some(desk) = &self.0 else { return Ok(()) };
        let places = desk.queue.try_reserve_many(entries.len()).map_err(|_| Unrecorded)?;
        let mut receipts = Vec::new();
        for (place, entry) in places.zip(entries) {
            let (queued, receipt) = Queued::new(entry, desk.durable);
            place.send(queued);
            receipts.extend(receipt);
        }
        if receipts.is_empty() {
            return Ok(());
        }
        let all = async {
            for receipt in receipts {
                receipt.await.map_err(|_| Unrecorded)?;
            }
            Ok(())
        };
        tokio::time::timeout(DISK_TIMEOUT, all).await.unwrap_or(Err(Unrecorded))
    }
}

/// How many records wait at most: a third of a second at full speed, some 8 MiB. When it is full, requests are refused with
/// 503 until the writer has caught up.
const QUEUE: usize = 16_384;

/// How long the end may take.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer waits for the disk.
const DISK_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
