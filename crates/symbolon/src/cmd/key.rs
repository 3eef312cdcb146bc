//! `symbolon key`: API keys for callers of the token routes.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use symbolon_server::{Config, NewKey, Store, check_policy};

use super::state::{State, date};

/// What to do with API keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key, and keep its hash and its policy in the store. Its text is shown once.
    New(New),
    /// List the keys of the store, and when each was last used, to a minute.
    List(State),
    /// Revoke a key of the store. A running server refuses it within a second.
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct New {
    /// A name for people and for logs.
    #[arg(long)]
    name: Option<String>,
    /// Channels that its holder may have tokens for: exact names, or prefixes such as `team-a-*`. May be repeated.
    #[arg(long = "channel", value_name = "PATTERN", required = true)]
    channels: Vec<String>,
    /// The App IDs that its holder may have tokens for, in place of the default app. May be repeated.
    #[arg(long = "app", value_name = "ID")]
    apps: Vec<String>,
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
    /// Keep nothing: print the key's record for SYMBOLON_API_KEYS instead.
    #[arg(long)]
    print_only: bool,
    #[command(flatten)]
    state: State,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// Its id, as `symbolon key list` shows it.
    id: String,
    #[command(flatten)]
    state: State,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::New(args) => new(args),
        Command::List(state) => list(&state),
        Command::Revoke(args) => revoke(&args),
    }
}

#[expect(clippy::print_stdout, reason = "the key is what was asked for")]
fn new(args: New) -> Result<ExitCode> {
    let mut policy = json!({
        "channels": args.channels, "uid": args.uid, "roles": args.roles, "max_life": args.max_life,
        "messaging": args.messaging, "wildcards": args.wildcards,
    });
    if !args.apps.is_empty() {
        policy["apps"] = args.apps.into();
    }
    check_policy(&policy).map_err(|problem| anyhow!("{problem}"))?;
    let mut bytes = [0; 40];
    getrandom::fill(&mut bytes).context("the system has no random bytes")?;
    let key = NewKey::from_entropy(bytes);
    let config = if args.print_only { None } else { Some(args.state.config()?) };
    let kept = match config {
        Some(Config { state_dir: Some(folder), .. }) => {
            args.state.run(async {
                let store = Store::open(&folder).await?;
                store.add_key(&key, args.name.as_deref(), &policy).await
            })?;
            format!("Its id is {}. The server takes it within a second; `symbolon key revoke {0}` ends it.", key.id)
        }
        Some(_) | None => {
            let record = record(&key, args.name, policy);
            format!("Add this to the list in SYMBOLON_API_KEYS:\n\n  {record}")
        }
    };
    println!("The key, for its holder alone. It is not shown again:\n\n  {}\n\n{kept}\n", key.text);
    println!("Its holder asks with the header\n\n  Authorization: Bearer {}…", &key.text[..key.text.len().min(12)]);
    Ok(ExitCode::SUCCESS)
}

/// The key as the environment has it.
fn record(key: &NewKey, name: Option<String>, policy: Value) -> Value {
    let mut record = json!({ "id": key.id, "hash": key.hash.to_string(), "policy": policy });
    if let Some(name) = name {
        record["name"] = name.into();
    }
    record
}

#[expect(clippy::print_stdout, reason = "the list is what was asked for")]
fn list(state: &State) -> Result<ExitCode> {
    let keys = state.run(async { state.store().await?.keys().await.map_err(anyhow::Error::from) })?;
    let mut text = String::new();
    for key in keys {
        let name = key.name.as_deref().unwrap_or("-");
        let ended = key.revoked.map_or_else(|| "good".to_owned(), |at| format!("revoked {}", date(at)));
        let used = key.last_used.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", date(at)));
        writeln!(text, "{}  made {}  {ended}  {used}  {name:?}  {}", key.id, date(key.created), key.policy)?;
    }
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "what happened is what was asked for")]
fn revoke(args: &Revoke) -> Result<ExitCode> {
    let id = &args.id;
    match args.state.run(async { args.state.store().await?.revoke_key(id).await.map_err(anyhow::Error::from) })? {
        None => bail!("the store has no key {id:?}; `symbolon key list` shows which it has"),
        Some(true) => println!("Key {id} is revoked. A running server refuses it within a second."),
        Some(false) => println!("Key {id} had been revoked before."),
    }
    Ok(ExitCode::SUCCESS)
}
