//! Engines and a real server, over sockets of this machine.

#![expect(clippy::disallowed_methods, reason = "real sockets need the real time; every wait has a bound")]

mod files;
mod person;
mod server;
mod stories;

#[path = "../../examples/media_files/mod.rs"]
mod media_files;
