//! The one writer: takes what has queued up and writes it in one go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::queue::{Entry, Queued};
use super::sink::{Sink, SinkError};
use crate::metrics::Metrics;

pub(super) struct Writer {
    queue: mpsc::Receiver<Queued>,
    /// Dropped by whoever wants it to end.
    closed: oneshot::Receiver<()>,
    sink: Sink,
    durable: bool,
    failing: Arc<AtomicBool>,
    metrics: Metrics,
    last_word: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        (queue, closed): (mpsc::Receiver<Queued>, oneshot::Receiver<()>),
        sink: Sink,
        durable: bool,
        failing: Arc<AtomicBool>,
        metrics: Metrics,
    ) -> Self {
        Self { queue, closed, sink, durable, failing, metrics, last_word: None }
    }

    /// Writes until it is closed or nobody is left who could ask for it, and then what is queued.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                taken = self.queue.recv_many(&mut batch, MAX_BATCH) => match taken {
                    0 => break,
                    _ => self.take(&mut batch).await,
                },
                _ = &mut self.closed, if !self.queue.is_closed() => self.queue.close(),
            }
        }
        self.sink.close().await;
    }

    async fn take(&mut self, batch: &mut Vec<Queued>) {
        if !self.durable {
            // Gathers more, so that a sync is shared by many. A durable record is waited for; what comes during its sync
            // shares the next.
            tokio::time::sleep(GATHERING).await;
            self.take_the_rest(batch);
        }
        let (entries, waiting): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|Queued { entry, waiting }| (entry, waiting)).unzip();
        if self.write(&entries).await {
            // Whoever waited and went loses nothing.
            waiting.into_iter().flatten().for_each(|waiting| _ = waiting.send(()));
        }
    }

    fn take_the_rest(&mut self, batch: &mut Vec<Queued>) {
        while batch.len() < MAX_BATCH {
            let Ok(queued) = self.queue.try_recv() else { break };
            batch.push(queued);
        }
    }

    /// Whether these are written. In the ordinary mode they have been answered already, so that it is tried until it
    /// works; meanwhile the queue fills, and requests are refused.
    async fn write(&mut self, entries: &[Entry]) -> bool {
        for tries in 1.. {
            let Err(error) = self.sink.write(entries).await else { break };
            self.failing.store(true, Ordering::Relaxed);
            self.metrics.audit_failed();
            self.say(&error);
            if self.durable {
                return false;
            }
            if self.is_to_end() && tries >= TRIES_AT_THE_END {
                self.metrics.audit_dropped(entries.len());
                tracing::error!(records = entries.len(), "records of the audit are lost");
                return false;
            }
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
        self.failing.store(false, Ordering::Relaxed);
        self.metrics.audit_written(entries.len());
        true
    }

    fn is_to_end(&mut self) -> bool {
        if !self.queue.is_closed() && self.closed.try_recv() == Err(TryRecvError::Closed) {
            self.queue.close();
        }
        self.queue.is_closed()
    }

    fn say(&mut self, error: &SinkError) {
        let now = Instant::now();
        if self.last_word.is_none_or(|last| now.duration_since(last) >= SILENCE) {
            tracing::error!(%error, "the audit cannot be written; trying again");
            self.last_word = Some(now);
        }
    }
}

/// The most records that are written in one go: what a quarter of the queue holds.
const MAX_BATCH: usize = 4096;

/// How long records wait for others in the ordinary mode.
const GATHERING: Duration = Duration::from_millis(30);

const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// How often a failure is told at most.
const SILENCE: Duration = Duration::from_secs(1);

/// How often it is tried once the server is to stop.
const TRIES_AT_THE_END: u32 = 5;
