//! Load for media servers: many publishers and viewers with real ICE, DTLS and SRTP, and what became of each packet.
//!
//! Every payload says when it was sent, and every viewer decrypts all that it gets: a packet counts when it was decrypted
//! and its payload is one of ours. The forward delay is the time from just before sending to the moment at which the
//! kernel had it for the viewer, so that a generator that is late with reading does not add to it. One thread does all of
//! this; how busy it is stands in the report.
//!
//! - [`Plan`] is what load to make, [`Target`] whom it is for, [`Tokens`] how it gets in.
//! - [`run`] makes it and gives a [`Report`], which a [`Threshold`] holds to a limit.
//! - [`Reflector`] is the floor that servers are compared to.
//!
//! ```no_run
//! use symbolon_load::{Plan, Target, TargetKind, Tokens};
//!
//! let target = Target::parse(TargetKind::Reflector, "127.0.0.1:9000")?;
//! let report = symbolon_load::run(&Plan::default(), target, Tokens::Absent, None, &mut |_| {})?;
//! println!("{}", report.table());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg(target_os = "linux")]

mod access;
mod bare;
mod batch;
mod clock;
mod engine;
mod line;
mod plan;
mod profile;
mod reflector;
mod report;
mod source;
mod srtp;
mod stamp;
mod tally;
mod target;
mod threshold;
mod token;
mod watch;

use std::io;

pub use engine::{Phase, Progress};
pub use plan::{Plan, Stream};
pub use reflector::Reflector;
pub use report::Report;
pub use target::{InvalidTarget, Target, TargetKind};
pub use threshold::{InvalidThreshold, Threshold};
pub use token::Tokens;

use access::Door;
use engine::Engine;

/// Makes the load and measures. `watched` is the process id of the server, where it runs on this machine.
///
/// # Errors
/// When the target's name is not known, and when there are no more sockets. Members that fail are no error: they are
/// counted.
pub fn run(
    plan: &Plan,
    target: Target,
    tokens: Tokens,
    watched: Option<u32>,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let engine = Engine::new(plan, Door { target, tokens }, runtime.handle().clone(), watched)?;
    let report = engine.run(progress);
    // Whatever still waits for a server is not waited for.
    runtime.shutdown_background();
    report
}
