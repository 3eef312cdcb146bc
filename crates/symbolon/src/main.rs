//! The program: `symbolon` runs the server, and makes and checks tokens by hand.

#![forbid(unsafe_code)]

mod banner;
mod cmd;
mod environment;
mod logging;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Requests and packets allocate much and briefly, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Add and list apps, and rotate their certificates.
    App(cmd::app::Args),
    /// Check the configuration and the store as a start would, and print a summary without secrets.
    ///
    /// Exit status 0 if the server would start, 1 if not; then there is a line for each problem. The sockets are not
    /// tried. A store of an earlier version is brought up to date.
    CheckConfig(cmd::state::State),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a command, such as `symbolon man app rotate`.
    Man {
        /// The command.
        command: Vec<String>,
    },
    /// Read the audit: who got which token, and who was refused.
    Audit(cmd::audit::Args),
    /// Ask a running server whether it can serve.
    Health(cmd::health::Args),
    /// Make, list and revoke API keys for callers of the token routes.
    Key(cmd::key::Args),
    /// Make load for a media server, and measure what becomes of each packet.
    #[cfg(target_os = "linux")]
    Load(Box<cmd::load::Args>),
    /// Build, inspect and verify tokens.
    Token(cmd::token::Args),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        None => arguments.serve.run().map(|()| ExitCode::SUCCESS),
        Some(Command::Serve(serve)) => serve.run().map(|()| ExitCode::SUCCESS),
        Some(Command::Config) => cmd::config::run().map(|()| ExitCode::SUCCESS),
        Some(Command::App(args)) => cmd::app::run(args),
        Some(Command::CheckConfig(state)) => cmd::check_config::run(&state),
        Some(Command::Completions { shell }) => cmd::manual::completions(shell, Arguments::command()),
        Some(Command::Man { command }) => cmd::manual::page(&command, Arguments::command()),
        Some(Command::Audit(args)) => cmd::audit::run(args),
        Some(Command::Health(args)) => cmd::health::run(args),
        Some(Command::Key(args)) => cmd::key::run(args),
        #[cfg(target_os = "linux")]
        Some(Command::Load(args)) => cmd::load::run(*args),
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
