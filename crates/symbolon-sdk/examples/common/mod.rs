//! What both examples need: their common arguments, tokens, and the events of one engine as a queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use symbolon_sdk::{
    ChannelMediaOptions, ConnectionState, Engine, EventHandler, Notice, Reason, RtcEngineContext, SessionEvent,
    event_fn,
};

/// Where to go, and as whom.
#[derive(clap::Args, Debug)]
pub(crate) struct Place {
    /// The server, such as ws://127.0.0.1:8080
    #[arg(long)]
    pub(crate) url: String,
    /// The App ID: 32 hexadecimal characters
    #[arg(long)]
    pub(crate) app_id: String,
    /// The channel to join
    #[arg(long)]
    pub(crate) channel: String,
    /// The token; leave it out where the server wants none
    #[arg(long, conflicts_with = "token_url")]
    pub(crate) token: Option<String>,
    /// Where to GET a token, over http; it is asked again whenever the token runs out
    #[arg(long)]
    pub(crate) token_url: Option<String>,
    /// The uid to join as; 0 to be given one
    #[arg(long, default_value_t = 0)]
    pub(crate) uid: u32,
    /// Leave after so many seconds; 0 for never
    #[arg(long, default_value_t = 0)]
    pub(crate) seconds: u64,
}

impl Place {
    /// An engine that has been told to join here, and its events.
    pub(crate) fn join(&self, options: &ChannelMediaOptions) -> Result<(Engine, Receiver<Notice>)> {
        let (told, notices) = mpsc::channel();
        let handler: Arc<dyn EventHandler> = Arc::new(event_fn(move |notice: &Notice| {
            // Nobody listens any more once the example is about to end.
            let _ = told.send(notice.clone());
        }));
        let engine = Engine::new();
        engine.initialize(RtcEngineContext::new(&self.app_id).access_point(&self.url).event_handler(handler))?;
        engine.join_channel_with_options(&self.fetch_token()?, &self.channel, self.uid, options)?;
        Ok((engine, notices))
    }

    /// How long to stay; none for ever.
    pub(crate) fn stay(&self) -> Option<Duration> {
        (self.seconds > 0).then(|| Duration::from_secs(self.seconds))
    }

    /// Does what every application does with these events: tells of them, renews the token, and ends when the session has.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events need no answer")]
    pub(crate) fn take(&self, engine: &Engine, event: &SessionEvent) -> Result<()> {
        match event {
            SessionEvent::ConnectionStateChanged { state, reason } => {
                eprintln!("connection: {state:?}, {reason:?}");
                let awaits_token = *reason == Reason::TokenExpired && self.token_url.is_some();
                let over = matches!(state, ConnectionState::Failed | ConnectionState::Disconnected);
                if over && !awaits_token {
                    bail!("the session has ended: {reason:?}");
                }
            }
            SessionEvent::TokenWillExpire { .. } | SessionEvent::RequestToken if self.token_url.is_some() => {
                eprintln!("the token ends: fetching another one");
                engine.renew_token(&self.fetch_token()?)?;
            }
            SessionEvent::TokenWillExpire { .. } => eprintln!("the token ends soon, and there is no --token-url"),
            SessionEvent::RenewTokenResult { code, .. } => eprintln!("renewal: {code:?}"),
            SessionEvent::Error { code, message } => eprintln!("error {}: {message}", code.number()),
            SessionEvent::UserJoined { uid } => eprintln!("{uid} is here"),
            SessionEvent::UserOffline { uid, reason } => eprintln!("{uid} has gone: {reason:?}"),
            _ => {}
        }
        Ok(())
    }

    fn fetch_token(&self) -> Result<String> {
        let Some(url) = &self.token_url else {
            return Ok(self.token.clone().unwrap_or_default());
        };
        let body = ureq::get(url).call().and_then(|mut response| response.body_mut().read_to_string());
        let body = body.with_context(|| format!("no token from {url}"))?;
        token_in(&body).with_context(|| format!("the answer of {url} holds no rtcToken and no token"))
    }
}

/// Whether somebody has asked the program to stop: with Ctrl-C, or as a supervisor does.
pub(crate) struct StopSign(Arc<AtomicBool>);

impl StopSign {
    /// Watches for it from now on, on a thread of its own.
    pub(crate) fn watch() -> Result<Self> {
        let given = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let giver = Arc::clone(&given);
        std::thread::spawn(move || {
            runtime.block_on(async {
                use tokio::signal::unix::{SignalKind, signal};
                if let Ok(mut terminate) = signal(SignalKind::terminate()) {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = tokio::signal::ctrl_c() => {}
                    }
                    giver.store(true, Ordering::Relaxed);
                }
            });
        });
        Ok(Self(given))
    }

    /// Whether to leave now.
    pub(crate) fn is_given(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn token_in(body: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(body).ok()?;
    let token = answer.get("rtcToken").or_else(|| answer.get("token"))?;
    Some(token.as_str()?.to_owned())
}
