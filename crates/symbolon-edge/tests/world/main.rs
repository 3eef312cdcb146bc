//! Whole calls in memory: one `Edge`, several clients, real DTLS and SRTP, an emulated network, virtual time.

mod client;
mod net;
mod stories;
mod wire;
mod world;
