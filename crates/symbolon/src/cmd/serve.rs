//! `symbolon serve`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use symbolon_server::{Config, Mode, Origins, Server, ServerRole};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::banner::Banner;
use crate::{environment, logging};

/// How to run the server.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// The configuration file; see `symbolon config`.
    #[arg(long, env = "SYMBOLON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// What this server does: all, or token for the token routes alone. Default: SYMBOLON_ROLE, or what the file says.
    #[arg(long, value_name = "ROLE")]
    role: Option<ServerRole>,

    /// A file to be written once the server listens: JSON with its addresses and its App ID.
    #[arg(long, env = "SYMBOLON_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    /// Runs until SIGTERM or SIGINT.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut config = environment::config(self.config.as_deref())?;
        config.role = self.role.unwrap_or(config.role);
        logging::start(config.mode)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve(config))
    }

    async fn serve(self, config: Config) -> anyhow::Result<()> {
        let mut stop = StopSignals::new()?;
        let (mode, state_dir) = (config.mode, config.state_dir.clone());
        let server = Server::bind(config.clone()).await?;
        announce(&config);
        let addresses = server.addresses();
        if let Some(path) = &self.ready_file {
            write_ready_file(path, &server).with_context(|| format!("ready file {}", path.display()))?;
        }
        match mode {
            Mode::Development => {
                let app_id = server.app_id();
                let banner = Banner { addresses, app_id: app_id.as_str(), state_dir: state_dir.as_deref() };
                std::io::stdout().write_all(banner.to_string().as_bytes())?;
            }
            Mode::Production => {
                tracing::info!(public = %addresses.public, private = %addresses.private, app_id = %server.app_id(), "listening");
            }
        }
        server.run(stop.first()).await?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Says loudly what the configuration opens.
fn announce(config: &Config) {
    if config.mode == Mode::Production && config.callers.is_open() {
        tracing::warn!("OPEN MODE: whoever reaches this server gets any token; SYMBOLON_OPEN asked for it");
    }
    if config.origins == Origins::Any {
        tracing::warn!("every web page may call this server; CORS_ALLOW_ORIGIN is *");
    }
}

/// Written beside and renamed, so that whoever waits for the file finds it whole.
fn write_ready_file(path: &Path, server: &Server) -> std::io::Result<()> {
    let addresses = server.addresses();
    let text = format!(
        "{{\"public\":\"{}\",\"private\":\"{}\",\"appId\":\"{}\"}}\n",
        addresses.public,
        addresses.private,
        server.app_id()
    );
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    std::fs::write(&temporary, text)?;
    std::fs::rename(&temporary, path)
}

/// Waits for the first signal to stop. Where signals cannot be had there is none to wait for.
#[cfg(target_os = "linux")]
pub(crate) async fn stop_signal() {
    if let Ok(mut signals) = StopSignals::new() {
        signals.next().await;
    }
}

/// SIGTERM, which hosts send, and SIGINT, which people send.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Done at the first of them. A second ends the program at once.
    async fn first(&mut self) {
        self.next().await;
        tokio::spawn({
            let second = Self::new();
            async move {
                if let Ok(mut second) = second {
                    second.next().await;
                    std::process::exit(130);
                }
            }
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
