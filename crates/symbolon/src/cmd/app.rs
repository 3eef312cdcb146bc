//! `symbolon app`: the apps of the store, and the rotation of their certificates.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use symbolon_server::{
    App, AppChange, Rotated, Secondary, Store, StoredApp, check_app_id, check_certificate, fingerprint,
};
use symbolon_token::{AppCertificate, AppId, Wildcards};

use super::state::{State, date};
use super::token::read_stdin;

/// What to do with apps.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add an app. Its certificate is drawn at random and shown once, unless it is given.
    Add(Add),
    /// List the apps of the store. Certificates are named by the first eight digits of their SHA-256.
    List(State),
    /// Change what the tokens of an app may do. What is not named stays as it is.
    Set(Set),
    /// Change the certificate of an app without a token refused: --add, then --promote, then --retire.
    Rotate(Rotate),
    /// Make no tokens for an app, and refuse joins of its channels.
    Disable(Disable),
    /// Undo `disable`.
    Enable(One),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// A name for people.
    #[arg(long)]
    name: Option<String>,
    /// Its App ID: 32 hexadecimal digits. Without it one is drawn at random.
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    certificate: Given,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    state: State,
}

#[derive(Debug, clap::Args)]
struct Set {
    /// The App ID.
    id: String,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    state: State,
}

/// What tokens may do.
#[derive(Debug, clap::Args)]
struct Rules {
    /// Which channel wildcards tokens may use: `star` takes the channel `*`. A new app has `off`.
    #[arg(long, value_name = "RULE")]
    wildcards: Option<WildcardRule>,
    /// Whether tokens of the older 006 format are taken, which can be rewritten to pass for other channels and users. A new
    /// app has `off`.
    #[arg(long, visible_alias = "allow-006", value_name = "SWITCH")]
    accept_006: Option<Switch>,
    /// Whether publishing needs the publish privileges of the token. A new app has `on`.
    #[arg(long, value_name = "SWITCH")]
    publish_privileges: Option<Switch>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum WildcardRule {
    Off,
    Star,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The App ID.
    id: String,
    #[command(flatten)]
    state: State,
}

#[derive(Debug, clap::Args)]
struct Disable {
    #[command(flatten)]
    app: One,
    /// End its sessions, too. Otherwise whoever is in a channel stays until the token ends.
    #[arg(long)]
    end_sessions: bool,
}

#[derive(Debug, clap::Args)]
struct Rotate {
    /// The App ID.
    id: String,
    #[command(flatten)]
    step: Step,
    /// With --retire: also end the sessions that the old certificate, or one retired before it, has let in. Otherwise they
    /// go on until their tokens end.
    #[arg(long, conflicts_with_all = ["add", "promote"])]
    end_sessions: bool,
    #[command(flatten)]
    certificate: Given,
    #[command(flatten)]
    state: State,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Step {
    /// First: take tokens of a new certificate, too. It does not sign yet.
    #[arg(long)]
    add: bool,
    /// Second: sign with the new certificate. Tokens of the old one are taken still.
    #[arg(long)]
    promote: bool,
    /// Last: take tokens of the old certificate no more.
    #[arg(long)]
    retire: bool,
}

/// A certificate of one's own: never an argument, which other users of the machine could read.
#[derive(Debug, clap::Args)]
struct Given {
    /// A file that holds the certificate; `-` reads it from standard input. Without this one is drawn at random.
    #[arg(long, value_name = "FILE")]
    certificate_file: Option<PathBuf>,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "what happened is what was asked for")]
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let text = match args.command {
        Command::Add(args) => args.state.run(add(&args))?,
        Command::List(state) => state.run(list(&state))?,
        Command::Set(args) => args.state.run(set(&args))?,
        Command::Rotate(args) => args.state.run(rotate(&args))?,
        Command::Disable(args) => args.app.state.run(disable(&args))?,
        Command::Enable(args) => args.state.run(enable(&args))?,
    };
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

async fn add(args: &Add) -> Result<String> {
    let drawn = random_hex()?;
    let id = args.id.as_deref().unwrap_or(&drawn);
    let id = check_app_id(id).map_err(|problem| anyhow!("App ID: {problem}"))?;
    let (certificate, shown) = args.certificate.read_or_draw(&id)?;
    let mut app = App { name: args.name.clone(), ..App::new(id, certificate) };
    let AppChange { wildcards, accept_006, publish_privileges } = args.rules.change();
    app.wildcards = wildcards.unwrap_or(app.wildcards);
    app.accept_006 = accept_006.unwrap_or(app.accept_006);
    app.publish_privileges = publish_privileges.unwrap_or(app.publish_privileges);
    let store = args.state.store_or_new().await?;
    store.add_app(&app).await?;
    let mut text = format!("App {id} is added. A running server takes it within a second.\n{shown}");
    if store.apps().await?.len() > 1 {
        text.push_str(
            "\nThere are several apps. Unless the configuration has one of its own, SYMBOLON_DEFAULT_APP says for which \
             the compatible routes make tokens.\n",
        );
    }
    Ok(text)
}

async fn list(state: &State) -> Result<String> {
    let mut text = String::new();
    for stored in state.store().await?.apps().await? {
        let App { id, enabled, name, .. } = &stored.app;
        let enabled = if *enabled { "enabled" } else { "disabled" };
        let name = name.as_deref().unwrap_or("-");
        writeln!(
            text,
            "{id}  added {}  {enabled}  {name:?}  {}; {}",
            date(stored.created),
            certificates(&stored),
            rules(&stored.app)
        )?;
    }
    Ok(text)
}

fn rules(app: &App) -> String {
    let wildcards = if app.wildcards == Wildcards::Off { "off" } else { "star" };
    let switch = |on| if on { "on" } else { "off" };
    let (accept_006, publish) = (switch(app.accept_006), switch(app.publish_privileges));
    format!("wildcards {wildcards}, accept-006 {accept_006}, publish-privileges {publish}")
}

async fn set(args: &Set) -> Result<String> {
    let id = parse_id(&args.id)?;
    let change = args.rules.change();
    if change == AppChange::default() {
        bail!("nothing is to be set; name --wildcards, --accept-006 or --publish-privileges");
    }
    let app = args.state.store().await?.change_app(&id, change).await?;
    Ok(format!("App {id} has {}. A running server goes by it within a second.\n", rules(&app)))
}

impl Rules {
    fn change(&self) -> AppChange {
        let wildcards = self.wildcards.map(|rule| match rule {
            WildcardRule::Off => Wildcards::Off,
            WildcardRule::Star => Wildcards::Star,
        });
        let switch = |switch: Option<Switch>| switch.map(|switch| switch == Switch::On);
        let (accept_006, publish_privileges) = (switch(self.accept_006), switch(self.publish_privileges));
        AppChange { wildcards, accept_006, publish_privileges }
    }
}

fn certificates(stored: &StoredApp) -> String {
    let mut text = format!("signs {}", fingerprint(&stored.app.certificate));
    if let Some(secondary) = &stored.app.secondary {
        let what = match stored.secondary_is {
            Some(Secondary::Next) => "to be promoted",
            Some(Secondary::Previous) | None => "to be retired",
        };
        text.push_str(&format!(", also taken {} ({what})", fingerprint(secondary)));
    }
    if !stored.app.retired.is_empty() {
        text.push_str(", retired");
        stored.app.retired.iter().for_each(|retired| text.push_str(&format!(" {}", retired.id)));
    }
    text
}

async fn rotate(args: &Rotate) -> Result<String> {
    let id = parse_id(&args.id)?;
    let store = args.state.store().await?;
    if args.step.add {
        return add_secondary(&store, &id, &args.certificate).await;
    }
    if args.step.promote {
        return Ok(told(&store.promote_secondary(&id).await?, &id));
    }
    let mut text = told(&store.retire_secondary(&id, args.end_sessions).await?, &id);
    if args.end_sessions {
        text.push_str(
            "A running server ends the sessions that retired certificates of this app let in within a second.\n",
        );
    }
    Ok(text)
}

async fn add_secondary(store: &Store, id: &AppId, given: &Given) -> Result<String> {
    let (certificate, shown) = given.read_or_draw(id)?;
    let rotated = store.add_secondary(id, &certificate).await?;
    let shown = if matches!(rotated, Rotated::Added(_)) { shown } else { String::new() };
    Ok(format!("{}{shown}", told(&rotated, id)))
}

/// What was done, and what comes next.
fn told(rotated: &Rotated, id: &AppId) -> String {
    let promote =
        format!("Next, once every token server and every verifier has it: symbolon app rotate {id} --promote");
    let retire = format!(
        "Next, once the last token of the old certificate has ended (24 hours at most): symbolon app rotate {id} --retire"
    );
    match rotated {
        Rotated::Added(name) => format!("Certificate {name} is taken now, and does not sign yet.\n{promote}\n"),
        Rotated::AddedBefore(name) => format!("Certificate {name} had been added before.\n{promote}\n"),
        Rotated::Promoted(name) => format!("Certificate {name} signs now; the old one is taken still.\n{retire}\n"),
        Rotated::PromotedBefore(name) => format!("Certificate {name} signs already.\n{retire}\n"),
        Rotated::Retired(name) => format!(
            "Certificate {name} is taken no more; a running server refuses its tokens within a second.\nThe rotation \
             is done.\n"
        ),
        Rotated::RetiredBefore => "The app has one certificate; there is none left to retire.\n".to_owned(),
    }
}

async fn disable(args: &Disable) -> Result<String> {
    let id = parse_id(&args.app.id)?;
    let changed = args.app.state.store().await?.disable_app(&id, args.end_sessions).await?;
    let mut text = enabled(&id, changed, "disabled");
    if args.end_sessions {
        text.push_str("Its sessions end within a second.\n");
    }
    Ok(text)
}

async fn enable(args: &One) -> Result<String> {
    let id = parse_id(&args.id)?;
    let changed = args.state.store().await?.enable_app(&id).await?;
    Ok(enabled(&id, changed, "enabled"))
}

fn enabled(id: &AppId, changed: bool, what: &str) -> String {
    if changed {
        format!("App {id} is {what}. A running server goes by it within a second.\n")
    } else {
        format!("App {id} is {what} already.\n")
    }
}

impl Given {
    /// The certificate, and the words that show it if it was drawn here.
    fn read_or_draw(&self, id: &AppId) -> Result<(AppCertificate, String)> {
        let (text, shown) = match &self.certificate_file {
            Some(path) if path == Path::new("-") => (read_stdin()?, String::new()),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("the certificate file {} cannot be read", path.display()))?;
                (text, String::new())
            }
            None => {
                let drawn = random_hex()?;
                let shown = format!("Its certificate, a secret that is not shown again:\n\n  {drawn}\n");
                (drawn, shown)
            }
        };
        let certificate =
            check_certificate(text.trim(), id).map_err(|problem| anyhow!("App Certificate: {problem}"))?;
        Ok((certificate, shown))
    }
}

fn parse_id(text: &str) -> Result<AppId> {
    AppId::parse(text).map_err(|error| anyhow!("App ID: {error}"))
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system has no random bytes")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
