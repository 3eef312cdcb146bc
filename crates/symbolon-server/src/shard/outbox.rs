//! What waits to be written to one client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};

/// The most bytes that wait for one client. A client that does not read is put out when it would take more.
pub(crate) const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// The end of a connection, as its close frame says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Farewell {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

/// The shard's end: messages go in. Clones lead to the same client.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    /// Bounded by `queued`, in bytes.
    waiting: mpsc::UnboundedSender<Outgoing>,
    queued: Arc<AtomicUsize>,
    too_slow: Arc<Notify>,
}

/// The connection's end: messages come out, and at last the farewell.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: mpsc::UnboundedReceiver<Outgoing>,
    queued: Arc<AtomicUsize>,
    too_slow: Arc<Notify>,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// A message.
    Text(String),
    /// The end.
    Close(Farewell),
}

/// Too much waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

pub(crate) fn outbox() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (queued, too_slow) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
    let inbox = Inbox { waiting: receiver, queued: Arc::clone(&queued), too_slow: Arc::clone(&too_slow) };
    (Outbox { waiting: sender, queued, too_slow }, inbox)
}

impl Outbox {
    /// Adds a message. When it does not fit any more, the connection ends instead, at once.
    pub(crate) fn push(&self, text: String) -> Result<(), TooSlow> {
        let length = text.len();
        if self.queued.load(Ordering::Relaxed) + length > MAX_QUEUED_BYTES {
            self.too_slow.notify_one();
            return Err(TooSlow);
        }
        self.queued.fetch_add(length, Ordering::Relaxed);
        // A connection that has ended takes no more messages; that it has ended is told elsewhere.
        let _ = self.waiting.send(Outgoing::Text(text));
        Ok(())
    }

    /// Ends the connection once everything before has been written.
    pub(crate) fn close(&self, farewell: Farewell) {
        let _ = self.waiting.send(Outgoing::Close(farewell));
    }
}

impl Inbox {
    /// What is next. Absent when nothing more can come.
    pub(crate) async fn next(&mut self) -> Option<Outgoing> {
        self.waiting.recv().await
    }

    /// Says that a message of this length has been written.
    pub(crate) fn written(&self, length: usize) {
        self.queued.fetch_sub(length, Ordering::Relaxed);
    }

    /// Rings when the client has been found too slow.
    pub(crate) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.too_slow)
    }
}

/// How a client that does not read is sent away.
pub(crate) const TOO_SLOW: Farewell = Farewell { code: 4408, reason: "too slow" };

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_read_is_put_out() {
        let (outbox, mut inbox) = outbox();
        let half = "x".repeat(MAX_QUEUED_BYTES / 2);
        outbox.push(half.clone()).unwrap();
        outbox.push(half.clone()).unwrap();
        assert_eq!(outbox.push("y".to_owned()), Err(TooSlow));
        inbox.bell().notified().await;
        assert_eq!(inbox.next().await, Some(Outgoing::Text(half)));
    }

    #[tokio::test]
    async fn what_has_been_written_no_longer_counts() {
        let (outbox, mut inbox) = outbox();
        for _ in 0..5 {
            outbox.push("x".repeat(MAX_QUEUED_BYTES)).unwrap();
            assert!(inbox.next().await.is_some());
            inbox.written(MAX_QUEUED_BYTES);
        }
    }

    #[tokio::test]
    async fn a_close_comes_after_the_messages_before_it() {
        let (outbox, mut inbox) = outbox();
        let farewell = Farewell { code: 1000, reason: "ended" };
        outbox.push("last".to_owned()).unwrap();
        outbox.close(farewell);
        assert_eq!(inbox.next().await, Some(Outgoing::Text("last".to_owned())));
        assert_eq!(inbox.next().await, Some(Outgoing::Close(farewell)));
    }
}
