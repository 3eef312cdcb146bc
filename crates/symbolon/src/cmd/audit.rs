//! `symbolon audit`: reading the audit.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use symbolon_server::{Export, Period};

use super::state::State;

/// What to do with the audit.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the records to standard output, oldest first, one JSON object a line. The server may run meanwhile.
    ///
    /// The fields of a record:
    ///
    /// at: when, in Unix milliseconds.
    /// requestId: the request, as the answer's X-Request-Id tells it.
    /// outcome: minted or refused. status: the HTTP status. reason: why it was refused, a fixed word.
    /// caller: kind (key, jwt, anyone, unknown), id (of the key, or the JWT's subject), name (of the key), issuer.
    /// client: the address that asked. route: the first part of the path. appId: the app.
    /// wanted: kind, channel, user (absent for any), role, life in seconds, privileges.
    /// token: id (the first digits of its signature), certificate (the first eight digits of its SHA-256), until (when
    /// it ends, in Unix seconds). The token itself is in no record.
    #[command(verbatim_doc_comment)]
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// The first moment: Unix seconds, a date such as 2026-11-24T12:00:00Z, or how long ago, such as 2h.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
    /// The first moment after the last.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
    #[command(flatten)]
    state: State,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let Command::Export(args) = args.command;
    let folder = args.state.folder()?;
    let everything = Period::default();
    let period =
        Period { since: args.since.unwrap_or(everything.since), until: args.until.unwrap_or(everything.until) };
    match args.state.run(export(&folder, period)) {
        // Whoever reads has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        outcome => outcome.map(|()| ExitCode::SUCCESS),
    }
}

async fn export(folder: &Path, period: Period) -> Result<()> {
    let mut export = Export::open(folder, period).await?;
    let mut output = BufWriter::new(io::stdout().lock());
    while let Some(line) = export.next().await? {
        writeln!(output, "{line}")?;
    }
    output.flush()?;
    Ok(export.close().await?)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A moment in Unix milliseconds.
fn moment(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000).ok_or_else(|| format!("{text:?} is out of range"));
    }
    let moment = match humantime::parse_duration(text) {
        Ok(ago) => SystemTime::now().checked_sub(ago),
        Err(_) => humantime::parse_rfc3339_weak(text).ok(),
    };
    moment
        .and_then(|moment| moment.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .ok_or_else(|| {
            "neither Unix seconds, nor a date such as 2026-11-24T12:00:00Z, nor a time ago such as 2h".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_three_forms() {
        assert_eq!(moment("1800000000"), Ok(1_800_000_000_000));
        assert_eq!(moment("2027-01-15T08:00:00Z"), Ok(1_800_000_000_000));
        assert_eq!(moment("2027-01-15 08:00:00"), Ok(1_800_000_000_000));
        let hour = moment("0").unwrap() + moment("30m").unwrap() - moment("1h 30m").unwrap();
        assert!((3_600_000..3_601_000).contains(&hour), "{hour}");
        for wrong in ["", "yesterday", "2026-13-01T00:00:00Z", "9223372036854775807", "h"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
