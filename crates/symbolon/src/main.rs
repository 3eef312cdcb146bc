//! The program: `symbolon` runs the server, and makes and checks tokens by hand.

#![forbid(unsafe_code)]

mod banner;
mod cmd;
mod logging;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A self-hosted real-time voice and video network. Channels are entered with short-lived signed tokens.
///
/// Without a configuration file and without APP_ID it starts in development mode: on this machine only, with an app of
/// its own.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: cmd::serve::Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server. This is what happens without a command, too.
    Serve(cmd::serve::Serve),
    /// Print a configuration file with every setting, its comment and its default.
    Config,
    /// Read the audit: who got which token, and who was refused.
    Audit(cmd::audit::Args),
    /// Ask a running server whether it can serve.
    Health(cmd::health::Args),
    /// Make API keys for callers of the token routes.
    Key(cmd::key::Args),
    /// Build, inspect and verify tokens.
    Token(cmd::token::Args),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        None => arguments.serve.run().map(|()| ExitCode::SUCCESS),
        Some(Command::Serve(serve)) => serve.run().map(|()| ExitCode::SUCCESS),
        Some(Command::Config) => cmd::config::run().map(|()| ExitCode::SUCCESS),
        Some(Command::Audit(args)) => cmd::audit::run(args),
        Some(Command::Health(args)) => cmd::health::run(args),
        Some(Command::Key(args)) => cmd::key::run(args),
        Some(Command::Token(args)) => cmd::token::run(args),
    };
    match outcome {
        Ok(status) => status,
        Err(error) => {
            // Nothing is left to be done when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "symbolon: {error:#}");
            ExitCode::FAILURE
        }
    }
}
