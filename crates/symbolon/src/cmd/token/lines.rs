//! One JSON object a line in, one answer a line out.

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Answers every line of standard input. A line that cannot be read is answered with an `error` and its number; the
/// lines after it are answered all the same, and the exit status is 2.
pub(super) fn answer_each<Q: DeserializeOwned>(answer: impl Fn(Q) -> Result<Value, String>) -> Result<ExitCode> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut status = ExitCode::SUCCESS;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let length = input.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line).context("standard input")?;
        if length == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let reply = reply(&line, number, &answer).unwrap_or_else(|error| {
            status = ExitCode::from(2);
            error
        });
        writeln!(output, "{reply}").context("standard output")?;
        if length as u64 > MAX_LINE {
            // The rest of the line is not a line of its own.
            break;
        }
    }
    output.flush().context("standard output")?;
    Ok(status)
}

fn reply<Q: DeserializeOwned>(
    line: &[u8],
    number: u64,
    answer: impl Fn(Q) -> Result<Value, String>,
) -> Result<Value, Value> {
    let failed = |id: Option<Value>, error: String| json!({ "id": id, "line": number, "error": error });
    if line.len() as u64 > MAX_LINE {
        return Err(failed(None, format!("the line is longer than {MAX_LINE} bytes; no line after it was read")));
    }
    // The position alone: what stands in the line may be a secret.
    let object: Value = serde_json::from_slice(line)
        .map_err(|error| failed(None, format!("not a JSON object (column {})", error.column())))?;
    let id = object.get("id").cloned();
    let question = serde_json::from_value(object).map_err(|error| failed(id.clone(), error.to_string()))?;
    answer(question).map_err(|error| failed(id, error))
}

/// The longest line. Some tokens that are made to be refused have several hundred thousand characters.
const MAX_LINE: u64 = 8 << 20;
