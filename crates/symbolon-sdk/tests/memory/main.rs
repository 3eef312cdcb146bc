//! One edge and several clients in memory, with real DTLS and SRTP, and time moved by hand.

#![expect(clippy::disallowed_methods, reason = "a test has to begin at some instant")]

mod stories;
mod world;
