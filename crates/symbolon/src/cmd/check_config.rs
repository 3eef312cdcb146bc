//! `symbolon check-config`

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use symbolon_server::{App, Checked, Config, check_config, fingerprint};

use super::state::State;

/// Checks, and says what would start.
#[expect(clippy::print_stdout, reason = "the summary is what was asked for")]
pub(crate) fn run(state: &State) -> Result<ExitCode> {
    let config = state.config()?;
    let checked = state.run(async { anyhow::Ok(check_config(&config).await) })?;
    if checked.problems.is_empty() {
        print!("{}", summary(&config, &checked)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut errors = std::io::stderr().lock();
    for problem in &checked.problems {
        writeln!(errors, "symbolon: {problem}")?;
    }
    Ok(ExitCode::FAILURE)
}

fn summary(config: &Config, checked: &Checked) -> Result<String> {
    let mut text = format!("mode: {}\n", config.mode.as_str());
    writeln!(text, "listen: {} (TCP and UDP)", config.listen)?;
    writeln!(text, "metrics: {}", config.private_listen)?;
    writeln!(text, "behind a proxy: {}", yes_or_no(config.behind_proxy))?;
    match &config.state_dir {
        Some(folder) => writeln!(text, "state folder: {}", folder.display())?,
        None => writeln!(text, "state folder: none")?,
    }
    writeln!(text, "callers: {} API keys, {} logins", checked.keys, checked.logins)?;
    writeln!(text, "open to everyone: {}", yes_or_no(config.callers.is_open()))?;
    for app in &checked.apps {
        writeln!(text, "app {}", line(app))?;
    }
    if let Some(id) = &config.default_app {
        writeln!(text, "default app: {id}")?;
    }
    Ok(text)
}

/// An app, with its certificates by the first digits of their SHA-256.
fn line(app: &App) -> String {
    let enabled = if app.enabled { "enabled" } else { "disabled" };
    let secondary = app.secondary.as_ref().map_or_else(String::new, |one| format!(", also {}", fingerprint(one)));
    let retired: String = app.retired.iter().map(|one| format!(", retired {}", one.id)).collect();
    format!("{}: {enabled}, certificate *** (SHA-256 {}{secondary}{retired})", app.id, fingerprint(&app.certificate))
}

fn yes_or_no(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}
