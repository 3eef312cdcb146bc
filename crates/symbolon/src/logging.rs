//! Where log lines go and what they look like.

use std::io::IsTerminal;

use anyhow::Context;
use symbolon_server::Mode;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// Starts logging to standard error: one JSON object a line in production, lines for people in development.
/// `SYMBOLON_LOG` chooses how much, such as `debug` or `symbolon_server=trace`; `SYMBOLON_LOG_FORMAT` is `json` or
/// `text`.
pub(crate) fn start(mode: Mode) -> anyhow::Result<()> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let filter = EnvFilter::try_new(variable("SYMBOLON_LOG").as_deref().unwrap_or("info")).context("SYMBOLON_LOG")?;
    let json = match variable("SYMBOLON_LOG_FORMAT").as_deref() {
        None => mode == Mode::Production,
        Some("json") => true,
        Some("text") => false,
        Some(other) => anyhow::bail!("SYMBOLON_LOG_FORMAT: {other:?} is neither json nor text"),
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).boxed()
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter).with_filter(filter_fn(is_safe)));
    // Only this, and no bridge for the `log` crate: the WebSocket library writes whole messages there, tokens included.
    tracing::subscriber::set_global_default(subscriber).context("logging")
}

/// Libraries may say what matters, but not spell out what goes over the wire, however much is asked for.
fn is_safe(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("symbolon")
}
