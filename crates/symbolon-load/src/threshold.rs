//! When a run counts as failed: `p99_ms>20`.

use std::str::FromStr;

use serde_json::Value;

/// A limit to a figure of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    figure: String,
    above: bool,
    limit: f64,
}

/// Why a text is no threshold.
#[derive(Debug, thiserror::Error)]
#[error("a threshold is a figure of the report, > or <, and a number, such as p99_ms>20")]
pub struct InvalidThreshold;

impl FromStr for Threshold {
    type Err = InvalidThreshold;

    fn from_str(text: &str) -> Result<Self, InvalidThreshold> {
        let at = text.find(['>', '<']).ok_or(InvalidThreshold)?;
        let (figure, limit) = (text[..at].trim(), text[at + 1..].trim());
        let limit: f64 = limit.parse().map_err(|_| InvalidThreshold)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if figure.is_empty() || !figure.chars().all(is_name) || !limit.is_finite() {
            return Err(InvalidThreshold);
        }
        Ok(Self { figure: figure.to_owned(), above: &text[at..=at] == ">", limit })
    }
}

impl Threshold {
    /// Why the run failed, if it did. A figure that the report does not have is a failure too: nothing is known to be
    /// well.
    pub fn failed_by(&self, report: &Value) -> Option<String> {
        let Self { figure, above, limit } = self;
        let Some(value) = report[figure.as_str()].as_f64() else {
            return Some(format!("the report has no figure {figure}"));
        };
        let failed = if *above { value > *limit } else { value < *limit };
        let sign = if *above { '>' } else { '<' };
        failed.then(|| format!("{figure} is {value}, which is {sign} {limit}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_threshold_holds_or_fails() {
        let report = json!({ "p99_ms": 20.5, "received": 10 });
        let failed = |text: &str| text.parse::<Threshold>().expect("a threshold").failed_by(&report);
        assert_eq!(failed("p99_ms>20.5"), None);
        assert_eq!(failed("p99_ms > 20").as_deref(), Some("p99_ms is 20.5, which is > 20"));
        assert_eq!(failed("received<10"), None);
        assert_eq!(failed("received<11").as_deref(), Some("received is 10, which is < 11"));
        assert_eq!(failed("p98_ms>20").as_deref(), Some("the report has no figure p98_ms"));
    }

    #[test]
    fn what_is_no_threshold_is_refused() {
        for text in ["", "p99_ms", "p99_ms>", ">20", "p99_ms=20", "p99_ms>NaN", "p99 ms>20", "p99_ms>20 ms"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }
}
