//! `symbolon load`: makes load for a server and measures what becomes of it.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use symbolon_load::{Phase, Plan, Progress, Reflector, Stream, Target, TargetKind, Threshold, Tokens};
use symbolon_token::AppId;

use super::token::CertificateSource;

/// Publishers and viewers with real media, and what became of each packet.
///
/// Tokens are made here, with APP_ID and the App Certificate (APP_CERTIFICATE, or --certificate-file), or asked for at the
/// server's token route with --fetch-tokens (SYMBOLON_API_KEY is shown there, if it is set).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server: http://host:port, for Janus with the path of its API.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// How to get in.
    #[arg(long, value_enum, default_value_t = Way::Signal)]
    way: Way,
    /// Ask for tokens at this server, in place of making them.
    #[arg(long, value_name = "URL")]
    fetch_tokens: Option<String>,
    #[command(flatten)]
    certificate: CertificateSource,
    /// Channels.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    channels: u32,
    /// Members of each channel who publish.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    publishers: u32,
    /// Members of each channel who only view.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    viewers: u32,
    /// Publishers view each other as well.
    #[arg(long)]
    meeting: bool,
    /// The video of each publisher: frames a second, packets of a frame, bytes of a packet; `none` for no video.
    #[arg(long, default_value = "30x4x1100", value_name = "STREAM", value_parser = stream)]
    video: MaybeStream,
    /// The sound of each publisher, likewise, such as 50x1x100.
    #[arg(long, default_value = "none", value_name = "STREAM", value_parser = stream)]
    audio: MaybeStream,
    /// Joins a second.
    #[arg(long, default_value_t = 50.0, value_parser = rate)]
    join_rate: f64,
    /// Viewers a second that leave and come back.
    #[arg(long, default_value_t = 0.0, value_parser = rate_or_none)]
    churn: f64,
    /// How long it runs before it counts, such as 3s.
    #[arg(long, default_value = "3s", value_parser = humantime::parse_duration)]
    warm_up: Duration,
    /// How long it counts, such as 10s or 2h.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Exit with status 1 if this holds at the end: a figure of the report, > or <, a number. May be given many times.
    #[arg(long, value_name = "FIGURE>LIMIT")]
    fail_if: Vec<Threshold>,
    /// Write JSON lines: twice a second how far it is, and at last the report.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The process id of the server, where it runs on this machine: its CPU time and memory go into the report.
    #[arg(long, value_name = "PID")]
    watch: Option<u32>,
    /// Be the null reflector at this address until SIGTERM, instead of making load. It sends to whoever says hello: for
    /// measurements on one's own machine only.
    #[arg(long, value_name = "ADDRESS", hide = true)]
    null_reflector: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    /// Symbolon's own signalling.
    Signal,
    /// WHIP to publish and WHEP to view.
    Web,
    /// Janus's VideoRoom; channel N is room N.
    Janus,
    /// The null reflector.
    Reflector,
}

/// A stream, or none of the kind.
#[derive(Clone, Copy, Debug)]
struct MaybeStream(Option<Stream>);

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    if let Some(address) = args.null_reflector {
        return reflect(address);
    }
    let kind = match args.way {
        Way::Signal => TargetKind::Signal,
        Way::Web => TargetKind::Web,
        Way::Janus => TargetKind::Janus,
        Way::Reflector => TargetKind::Reflector,
    };
    let (target, plan) = (Target::parse(kind, &args.server)?, args.plan());
    let tokens = args.tokens()?;
    let mut lines = args.json.as_ref().map(File::create).transpose().context("the file for JSON lines")?;
    let bar = bar();
    let report = symbolon_load::run(&plan, target, tokens, args.watch, &mut |progress| {
        show(&bar, progress);
        // A line that is lost is no reason to stop; the report is written with care.
        let _ = lines.as_mut().map(|lines| writeln!(lines, "{}", line(progress)));
    })?;
    bar.finish_and_clear();
    let figures = serde_json::to_value(&report)?;
    if let Some(lines) = &mut lines {
        let mut whole = figures.clone();
        whole["kind"] = "report".into();
        writeln!(lines, "{whole}").context("the file for JSON lines")?;
    }
    tell(&format!("{}\n", report.table()))?;
    verdict(&args.fail_if, &figures)
}

fn verdict(thresholds: &[Threshold], figures: &Value) -> Result<ExitCode> {
    let failed: Vec<_> = thresholds.iter().filter_map(|threshold| threshold.failed_by(figures)).collect();
    for why in &failed {
        tell(&format!("failed: {why}\n"))?;
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("standard output")
}

impl Args {
    fn plan(&self) -> Plan {
        Plan {
            channels: self.channels,
            publishers: self.publishers,
            viewers: self.viewers,
            meeting: self.meeting,
            video: self.video.0,
            audio: self.audio.0,
            join_rate: self.join_rate,
            churn: self.churn,
            warm_up: self.warm_up,
            window: self.duration,
        }
    }

    fn tokens(&self) -> Result<Tokens> {
        if matches!(self.way, Way::Janus | Way::Reflector) {
            return Ok(Tokens::Absent);
        }
        let app_id = std::env::var("APP_ID").map_err(|_| anyhow!("no App ID: set APP_ID"))?;
        let app_id = AppId::parse(&app_id).map_err(|error| anyhow!("APP_ID: {error}"))?;
        if let Some(base) = &self.fetch_tokens {
            let bearer = std::env::var("SYMBOLON_API_KEY").ok();
            return Ok(Tokens::Fetched { app_id: app_id.to_string(), base: base.trim_end_matches('/').into(), bearer });
        }
        // Joins may come as late as the end of the run.
        let life = self.warm_up + self.duration + LIFE;
        Ok(Tokens::Minted { app_id, certificate: self.certificate.read()?, life })
    }
}

fn reflect(address: SocketAddr) -> Result<ExitCode> {
    let mut reflector = Reflector::bind(address).with_context(|| format!("no socket at {address}"))?;
    tell(&format!("{}\n", json!({ "reflector": reflector.address()?.to_string() })))?;
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let _ = runtime.map(|runtime| runtime.block_on(super::serve::stop_signal()));
        told.store(true, Ordering::Relaxed);
    });
    reflector.run(&stop)?;
    Ok(ExitCode::SUCCESS)
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix:<8} {bar:30} {pos}/{len} ready {msg}");
    // Drawn on a terminal only.
    ProgressBar::new(0).with_style(style.expect("a template that is right"))
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.members as u64);
    bar.set_position(progress.ready as u64);
    bar.set_prefix(name(progress.phase));
    bar.set_message(format!("· {} packets", progress.received));
}

fn line(progress: Progress) -> Value {
    let Progress { phase, members, ready, received } = progress;
    json!({ "kind": "progress", "phase": name(phase), "members": members, "ready": ready, "received": received })
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Joining => "joining",
        Phase::WarmUp => "warm-up",
        Phase::Window => "window",
        Phase::Tail => "tail",
    }
}

fn stream(text: &str) -> Result<MaybeStream> {
    if text == "none" {
        return Ok(MaybeStream(None));
    }
    let [rate, burst, bytes] = text.split('x').collect::<Vec<_>>()[..] else {
        bail!("three numbers, such as 30x4x1100")
    };
    let stream = Stream { rate: rate.parse()?, burst: burst.parse()?, bytes: bytes.parse()? };
    if !(0.1..=1_000.0).contains(&stream.rate) || !(1..=256).contains(&stream.burst) {
        bail!("0.1 to 1000 frames a second of 1 to 256 packets");
    }
    if !(Stream::MIN_BYTES..=Stream::MAX_BYTES).contains(&stream.bytes) {
        bail!("{} to {} bytes", Stream::MIN_BYTES, Stream::MAX_BYTES);
    }
    Ok(MaybeStream(Some(stream)))
}

fn rate(text: &str) -> Result<f64> {
    let rate = text.parse()?;
    if (0.1..=10_000.0).contains(&rate) { Ok(rate) } else { bail!("0.1 to 10000 a second") }
}

fn rate_or_none(text: &str) -> Result<f64> {
    if text == "0" { Ok(0.0) } else { rate(text) }
}

/// What a token lives beyond the run: joining takes its time.
const LIFE: Duration = Duration::from_secs(1_800);
