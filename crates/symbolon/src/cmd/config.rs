//! `symbolon config`

use std::io::Write;

/// Prints a configuration file to begin from.
pub(crate) fn run() -> anyhow::Result<()> {
    std::io::stdout().write_all(symbolon_server::Config::template().as_bytes())?;
    Ok(())
}
