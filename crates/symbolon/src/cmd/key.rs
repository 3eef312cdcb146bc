//! `symbolon key`: API keys for callers of the token routes.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use serde_json::json;
use symbolon_server::{NewKey, check_policy};

/// What to do with API keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key. Its text is shown once; what the server keeps is printed beside it.
    New(New),
}

#[derive(Debug, clap::Args)]
struct New {
    /// A name for people and for logs.
    #[arg(long)]
    name: Option<String>,
    /// Channels that its holder may have tokens for: exact names, or prefixes such as `team-a-*`. May be repeated.
    #[arg(long = "channel", value_name = "PATTERN", required = true)]
    channels: Vec<String>,
    /// Which user: `any-one` (every single one), `any` (also the token that fits everyone), `is:USER`.
    #[arg(long, default_value = "any-one")]
    uid: String,
    /// Roles: publisher, subscriber. May be repeated.
    #[arg(long = "role", value_name = "ROLE", default_value = "subscriber")]
    roles: Vec<String>,
    /// The longest life of a token, in seconds.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    max_life: u32,
    /// Also tokens for signalling and chat.
    #[arg(long)]
    messaging: bool,
    /// Also tokens for channel `*`.
    #[arg(long)]
    wildcards: bool,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "the key is what was asked for")]
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let Command::New(new) = args.command;
    let policy = json!({
        "channels": new.channels, "uid": new.uid, "roles": new.roles, "max_life": new.max_life,
        "messaging": new.messaging, "wildcards": new.wildcards,
    });
    check_policy(&policy).map_err(|problem| anyhow!("{problem}"))?;
    let mut bytes = [0; 40];
    getrandom::fill(&mut bytes).context("the system has no random bytes")?;
    let key = NewKey::from_entropy(bytes);
    let mut record = json!({ "id": key.id, "hash": key.hash.to_string(), "policy": policy });
    if let Some(name) = new.name {
        record["name"] = name.into();
    }
    println!("The key, for its holder alone. It is not shown again:\n\n  {}\n", key.text);
    println!("Add this to the list in SYMBOLON_API_KEYS:\n\n  {record}\n");
    println!("Its holder asks with the header\n\n  Authorization: Bearer {}…", &key.text[..key.text.len().min(12)]);
    Ok(ExitCode::SUCCESS)
}
