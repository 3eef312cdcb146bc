//! Whole calls in memory: one `Edge`, several clients, real DTLS and SRTP, an emulated network, virtual time.

#![expect(clippy::disallowed_methods, reason = "a call has to begin at some instant")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a story looks at the few messages that it is about")]

mod client;
mod net;
mod stories;
mod wire;
mod world;
