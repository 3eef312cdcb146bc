//! `symbolon token`: build, inspect and verify tokens by hand or by the thousand.

mod build;
mod inspect;
mod lines;
mod verify;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use symbolon_token::AppCertificate;

/// What to do with tokens.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Build a token and print it.
    Build(build::Args),
    /// Show what a token says. Needs no certificate and proves nothing.
    Inspect(inspect::Args),
    /// Check a token against a certificate, a channel and a user; exit status 0 if it is good, 1 if not.
    Verify(verify::Args),
}

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Build(args) => build::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Verify(args) => verify::run(args),
    }
}

/// Where the App Certificate comes from: never from an argument, which other users of the machine could read.
#[derive(Debug, clap::Args)]
pub(crate) struct CertificateSource {
    /// A file that holds the App Certificate; `-` reads it from standard input. Without this, the environment variable
    /// APP_CERTIFICATE is used.
    #[arg(long, value_name = "FILE")]
    certificate_file: Option<PathBuf>,
}

impl CertificateSource {
    pub(crate) fn read(&self) -> Result<AppCertificate> {
        let text = match &self.certificate_file {
            Some(path) if path == Path::new("-") => read_stdin()?,
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("the certificate file {} cannot be read", path.display()))?,
            None => std::env::var("APP_CERTIFICATE").map_err(|_| {
                anyhow!("no App Certificate: set APP_CERTIFICATE, or name a file with --certificate-file (- for stdin)")
            })?,
        };
        AppCertificate::parse(text.trim()).map_err(|error| anyhow!("App Certificate: {error}"))
    }

    fn is_stdin(&self) -> bool {
        self.certificate_file.as_deref() == Some(Path::new("-"))
    }
}

/// Takes the token from the argument, or from standard input.
fn token_text(argument: Option<String>) -> Result<String> {
    let text = match argument {
        Some(text) if text != "-" => text,
        _ => read_stdin()?,
    };
    let text = text.trim().to_owned();
    if text.is_empty() {
        bail!("no token: give it as an argument or on standard input");
    }
    Ok(text)
}

pub(crate) fn read_stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().take(MAX_STDIN).read_to_string(&mut text).context("standard input cannot be read as text")?;
    Ok(text)
}

/// Far more than any certificate or token has.
const MAX_STDIN: u64 = 1 << 20;

/// The wall clock, in whole Unix seconds.
fn unix_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map(|now| now.as_secs()).unwrap_or_default()
}

/// How the text of a 006 token begins.
const VERSION_006: &str = "006";
