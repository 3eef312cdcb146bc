//! How a member gets in: the words before the media, for each kind of server.
//!
//! They run beside the generator's thread, a task for each member, and tell it what was answered.

mod janus;
mod signal;
mod web;

use std::sync::Arc;
use std::sync::mpsc::Sender;

use nix::sys::eventfd::EventFd;
use symbolon_proto::message::Kind;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::target::Target;
use crate::token::Tokens;

/// Who wants in, with what.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) channel: u32,
    pub(crate) channel_name: String,
    pub(crate) uid: u32,
    pub(crate) publishes: bool,
    pub(crate) sources: Vec<u32>,
    /// None where the server offers.
    pub(crate) offer: Option<Offer>,
}

/// An offer and its sections.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) sdp: String,
    pub(crate) publish: Vec<(Kind, String)>,
    pub(crate) slots: Vec<(Kind, String)>,
}

/// What the server said.
#[derive(Debug)]
pub(crate) enum Said {
    Answer(String),
    Offer(String),
    /// The member is out, for this reason.
    Gone(String),
}

/// What the generator says to a member's task. When its end is dropped the member leaves.
#[derive(Debug)]
pub(crate) struct OwnAnswer(pub(crate) String);

/// News of a seat, in one of its turns.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) seat: usize,
    pub(crate) turn: u32,
    pub(crate) said: Said,
}

/// Where a member's task tells its news. The bell wakes the generator.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) seat: usize,
    pub(crate) turn: u32,
    pub(crate) news: Sender<News>,
    pub(crate) bell: Arc<EventFd>,
}

impl Desk {
    fn tell(&self, said: Said) {
        let _ = self.news.send(News { seat: self.seat, turn: self.turn, said });
        // A bell that cannot be rung any louder is ringing.
        let _ = self.bell.write(1);
    }
}

/// Where all of them go, and with which tokens.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) target: Target,
    pub(crate) tokens: Tokens,
}

/// A member sets out. The task ends when what is returned is dropped.
pub(crate) fn enter(runtime: &Handle, door: Arc<Door>, entry: Entry, desk: Desk) -> UnboundedSender<OwnAnswer> {
    // One answer at most is ever put in.
    let (sender, receiver) = unbounded_channel();
    runtime.spawn(async move {
        let outcome = stay(&door, entry, &desk, receiver).await;
        let why = outcome.map_or_else(|error| error.to_string(), |()| "left".to_owned());
        desk.tell(Said::Gone(why));
    });
    sender
}

async fn stay(
    door: &Arc<Door>,
    entry: Entry,
    desk: &Desk,
    asks: UnboundedReceiver<OwnAnswer>,
) -> Result<(), AccessError> {
    let tokens = door.clone();
    let (channel, uid, publishes) = (entry.channel_name.clone(), entry.uid, entry.publishes);
    let token = blocking(move || tokens.tokens.token(&channel, uid, publishes)).await?;
    match &door.target {
        Target::Signal { authority } => signal::stay(authority, &door.tokens, token, entry, desk, asks).await,
        Target::Web { base } => web::stay(base, token, entry, desk, asks).await,
        Target::Janus { base } => janus::stay(base, entry, desk, asks).await,
        // It has no words before the media.
        Target::Reflector { .. } => Ok(()),
    }
}

/// Why a member is out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error("no connection: {0}")]
    Connect(String),
    #[error("the server ended it: {0}")]
    Ended(String),
    #[error("the server answered {0}")]
    Status(u16),
    #[error("what the server said is not understood: {0}")]
    Unknown(&'static str),
    #[error("no token: {0}")]
    Token(String),
}

/// Runs what blocks where that does no harm.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
) -> Result<T, AccessError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(AccessError::Unknown("a task broke")),
    }
}
