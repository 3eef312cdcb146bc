//! The signalling protocol of Symbolon and the rules of both of its ends, without any I/O.
//!
//! Three things live here, and nothing else defines them:
//!
//! * [`message`]: every message on the wire, as serde types. `spec/protocol.md` is their prose, and the files
//!   under `spec/` and `web/sdk/protocol.d.ts` are generated from them or compared with them.
//! * [`Channel`](channel::Channel): the edge's half of the rules. Who is in, what each member may do and until when,
//!   what is published, who receives it, who must be told.
//! * [`Session`](session::Session): the client's half. Connecting, joined, waiting for a token, reconnecting, failed.
//!
//! Every machine has the same three verbs: `handle` one input at a time, `poll` what came of it until there is
//! nothing left, and `deadline` for when to come back. Time is an argument ([`Now`]), randomness is an argument.

#![cfg_attr(not(test), deny(missing_docs))]

pub mod channel;
pub mod code;
pub mod grant;
pub mod id;
pub mod message;
pub mod now;
pub mod session;
pub mod standing;

pub use now::Now;

#[cfg(test)]
mod spec;
