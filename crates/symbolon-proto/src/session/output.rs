//! What a session wants done.

use serde::Serialize;

use super::Event;
use crate::id::{Mid, Rid};
use crate::message::{ClientMessage, MediaAnswer, PublishState, Receiving, Slot};

/// One thing to do, in this order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Output {
    /// Open a socket, and make a fresh media connection and its offer; then say
    /// [`Input::Opened`](super::Input::Opened) or [`Input::Closed`](super::Input::Closed). The media connection before it
    /// goes on until the new one's answer is there: a short break of the signalling is then not heard or seen.
    Open,
    /// Close the socket once all that was sent has gone out. Before another [`Output::Open`] or at the end.
    Close,
    /// Send this.
    Send {
        /// What.
        message: ClientMessage,
    },
    /// The edge's answer to the last offer.
    Answer {
        /// The answer.
        media: MediaAnswer,
    },
    /// The last offer was refused: the media connection stays as it was.
    NegotiateFailed,
    /// Receive slots carry other publications now.
    Slots {
        /// The slots that changed.
        slots: Vec<Slot>,
    },
    /// Offer again, with more receive slots.
    NeedSlots {
        /// Missing audio slots.
        audio: u32,
        /// Missing video slots.
        video: u32,
    },
    /// One of the own tracks is forwarded now, or no longer is.
    OwnPublication {
        /// The section that carries it.
        mid: Mid,
        /// Whether it is forwarded, and if not why.
        state: PublishState,
    },
    /// Nobody needs other layers of this track than these for now.
    LayersWanted {
        /// The section that carries it.
        mid: Mid,
        /// The layers that somebody wants, the least first.
        rids: Vec<Rid>,
    },
    /// What comes of a video has changed. What the application is to be told of that was told before.
    Receiving {
        /// What comes now.
        receiving: Receiving,
    },
    /// What the line carries towards this client, as the edge estimates it.
    Bandwidth {
        /// In kilobits a second.
        down_kbps: u32,
    },
    /// Tell the application.
    Event {
        /// What.
        event: Event,
    },
}
