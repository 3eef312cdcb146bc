//! The sign to stop, seen by everything that runs.

use tokio::sync::watch;

/// Gives the sign. Dropping it gives it too.
#[derive(Debug)]
pub(crate) struct StopSign(watch::Sender<bool>);

/// Waits for the sign.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl StopSign {
    pub(crate) fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    pub(crate) fn give(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Done once the sign has been given.
    pub(crate) async fn given(&mut self) {
        // An error means that the sender is gone, and with it whoever would have said more.
        let _ = self.0.wait_for(|stop| *stop).await.is_ok();
    }
}
