//! Replays the scripted conversations of `spec/transcripts` against `Session`. Their format is in
//! `spec/transcripts/README.md`; the browser SDK replays the same files.
//!
//! `UPDATE_SPEC=1 cargo test -p symbolon-proto --test transcripts` writes what each step gives now; look at the
//! difference before committing it.

#![expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use symbolon_proto::Now;
use symbolon_proto::message::{ClientMessage, ServerMessage};
use symbolon_proto::session::{Input, Output, Pauses, Session};

#[test]
fn every_transcript_is_followed() {
    let files = files();
    assert!(files.len() >= 25, "only {} transcripts", files.len());
    let mut failures = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let transcript: Transcript = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let outcome = Replay::new().play(&transcript);
        if env::var_os("UPDATE_SPEC").is_some() {
            fs::write(&file, transcript.rewritten(&outcome)).unwrap();
        } else if let Err(difference) = transcript.compare(&outcome) {
            writeln!(failures, "\n{}: {difference}", file.display()).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/transcripts");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transcript {
    name: String,
    about: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: u64,
    #[serde(default)]
    network: Option<Network>,
    #[serde(default)]
    input: Option<Input>,
    #[serde(default)]
    receive: Option<Value>,
    #[serde(default)]
    returns: Option<i32>,
    #[serde(default)]
    expect: Vec<Value>,
}

/// What the runner does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Network {
    /// Answers each ping.
    #[default]
    Up,
    /// Answers nothing.
    Silent,
    /// Answers nothing, and refuses each connection at once.
    Refusing,
}

/// What a step gave.
struct Outcome {
    returned: Option<i32>,
    outputs: Vec<Output>,
    /// What came before the step, at a time that the transcript does not name.
    early: Vec<(u64, Output)>,
}

struct Replay {
    session: Session,
    start: Instant,
    network: Network,
}

impl Replay {
    fn new() -> Self {
        Self { session: Session::new(Pauses::exact()), start: Instant::now(), network: Network::Up }
    }

    fn play(mut self, transcript: &Transcript) -> Vec<Outcome> {
        transcript.steps.iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Step) -> Outcome {
        let mut early = Vec::new();
        let mut outputs = Vec::new();
        let until = self.start + Duration::from_millis(step.at);
        while let Some(deadline) = self.session.deadline().filter(|deadline| *deadline <= until) {
            let ms = u64::try_from(deadline.duration_since(self.start).as_millis()).unwrap();
            let came = self.feed(ms, Input::Tick);
            if ms == step.at { outputs.extend(came) } else { early.extend(came.into_iter().map(|output| (ms, output))) }
        }
        self.network = step.network.unwrap_or(self.network);
        let mut returned = None;
        if let Some(input) = &step.input {
            returned = Some(self.session.allows(input).err().map_or(0, |code| -i32::from(code.number())));
            outputs.extend(self.feed(step.at, input.clone()));
        }
        if let Some(message) = &step.receive {
            let message = serde_json::from_value::<ServerMessage>(message.clone());
            let input = message.map_or(Input::Unknown, |message| Input::Message { message });
            outputs.extend(self.feed(step.at, input));
        }
        Outcome { returned, outputs, early }
    }

    /// Hands one input in and does what the network does by itself.
    fn feed(&mut self, ms: u64, input: Input) -> Vec<Output> {
        let after = Duration::from_millis(ms);
        let now = Now::new(self.start + after, Duration::from_secs(1_700_000_000) + after);
        self.session.handle(now, input);
        let mut outputs = Vec::new();
        while let Some(output) = self.session.poll() {
            match (&output, self.network) {
                (Output::Send { message: ClientMessage::Ping {} }, Network::Up) => {
                    self.session.handle(now, Input::Message { message: ServerMessage::Pong {} });
                }
                (Output::Send { message: ClientMessage::Ping {} }, _) => {}
                (Output::Open, Network::Refusing) => self.session.handle(now, Input::Closed),
                (Output::Open | Output::Close, Network::Silent) => {}
                _ => outputs.push(output),
            }
        }
        outputs
    }
}

impl Transcript {
    fn compare(&self, outcomes: &[Outcome]) -> Result<(), String> {
        for (number, (step, outcome)) in self.steps.iter().zip(outcomes).enumerate() {
            let place = format!("step {number} (at {} ms)", step.at);
            if let Some((ms, output)) = outcome.early.first() {
                return Err(format!("before {place}, at {ms} ms, there came {output:?}"));
            }
            if let (Some(wanted), Some(returned)) = (step.returns, outcome.returned)
                && wanted != returned
            {
                return Err(format!("{place} returned {returned} instead of {wanted}"));
            }
            let came: Vec<_> = outcome.outputs.iter().map(|output| serde_json::to_value(output).unwrap()).collect();
            if came != step.expect {
                let lines = |values: &[Value]| values.iter().map(|value| format!("  {value}\n")).collect::<String>();
                return Err(format!("{place} gave\n{}instead of\n{}", lines(&came), lines(&step.expect)));
            }
        }
        Ok(())
    }

    /// The file as it would be written with these outcomes, one output a line.
    fn rewritten(&self, outcomes: &[Outcome]) -> String {
        let steps: Vec<_> =
            self.steps.iter().zip(outcomes).flat_map(|(step, outcome)| step.rewritten(outcome)).collect();
        let (name, about) = (json(&self.name), json(&self.about));
        format!("{{\n\"name\": {name},\n\"about\": {about},\n\"steps\": [\n{}\n]\n}}\n", steps.join(",\n"))
    }
}

impl Step {
    /// This step, after one for each moment before it at which something came.
    fn rewritten(&self, outcome: &Outcome) -> Vec<String> {
        let mut lines = Vec::new();
        let mut early = outcome.early.as_slice();
        while let Some((at, _)) = early.first() {
            let (now, later) = early.split_at(early.partition_point(|(ms, _)| ms == at));
            lines.push(step_line(*at, &[], now.iter().map(|(_, output)| output)));
            early = later;
        }
        let mut fields = Vec::new();
        fields.extend(self.network.map(|network| format!("\"network\": {}", json(&network))));
        fields.extend(self.input.as_ref().map(|input| format!("\"input\": {}", json(input))));
        fields.extend(self.receive.as_ref().map(|message| {
            let known = serde_json::from_value::<ServerMessage>(message.clone());
            format!("\"receive\": {}", known.map_or_else(|_| json(message), |known| json(&known)))
        }));
        let code = outcome.returned.filter(|code| *code != 0 || self.returns.is_some());
        fields.extend(code.map(|code| format!("\"returns\": {code}")));
        lines.push(step_line(self.at, &fields, outcome.outputs.iter()));
        lines
    }
}

fn step_line<'a>(at: u64, fields: &[String], outputs: impl Iterator<Item = &'a Output>) -> String {
    let outputs: Vec<_> = outputs.map(|output| format!("\n    {}", json(output))).collect();
    let fields: String = fields.iter().map(|field| format!(", {field}")).collect();
    let expect = if outputs.is_empty() { String::new() } else { format!(",\n  \"expect\": [{}]", outputs.join(",")) };
    format!("{{\"at\": {at}{fields}{expect}}}")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}
