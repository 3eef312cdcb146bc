//! Records what it hears and sees in a channel: for each publication of each member an IVF file (VP8, VP9, AV1), an
//! H.264 byte stream, or an Ogg Opus file.
//!
//! ```text
//! cargo run -p symbolon-sdk --example record -- --url ws://127.0.0.1:8080 --app-id … --channel AgoraChannel \
//!     --token-url http://127.0.0.1:8080/rtc/AgoraChannel/subscriber/uid/8/ --uid 8 --folder recording --seconds 20
//! ffplay recording/7-custom-1.ivf
//! ```

#![expect(clippy::disallowed_methods, reason = "a program may look at the clock")]

mod common;
mod media_files;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use symbolon_sdk::{ChannelMediaOptions, ClientRole, Event, MediaHandler, RemoteFrame};

use common::{Place, StopSign};
use media_files::recording::Recording;

/// Records what it hears and sees in a channel.
#[derive(Parser, Debug)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The folder for the files
    #[arg(long, default_value = "recording")]
    folder: PathBuf,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let arguments = Arguments::parse();
    let options = ChannelMediaOptions {
        client_role_type: Some(ClientRole::Audience),
        publish_microphone_track: Some(false),
        ..ChannelMediaOptions::default()
    };
    let stop = StopSign::watch()?;
    let mut recording = Recording::new(&arguments.folder)?;
    let (frames, received) = mpsc::sync_channel(WAITING_FRAMES);
    let (engine, notices) = arguments.place.join(&options)?;
    engine.set_media_handler(Some(Arc::new(Frames(frames))))?;
    let end = arguments.place.stay().map(|stay| Instant::now() + stay);
    while !stop.is_given() && end.is_none_or(|end| Instant::now() < end) {
        match received.recv_timeout(POLL) {
            Ok(frame) => recording.add(&frame)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        for notice in notices.try_iter() {
            if let Event::Session(event) = &notice.event {
                arguments.place.take(&engine, event)?;
            }
        }
    }
    engine.leave_channel()?;
    engine.release(true)?;
    for (path, frames) in recording.finish()? {
        eprintln!("{}: {frames} frames", path.display());
    }
    Ok(())
}

/// Puts frames on a queue. What does not fit is dropped: the disk is too slow.
struct Frames(SyncSender<RemoteFrame>);

impl MediaHandler for Frames {
    fn on_remote_frame(&self, frame: &RemoteFrame) {
        let _ = self.0.try_send(frame.clone());
    }
}

/// Some ten seconds of one member.
const WAITING_FRAMES: usize = 1_000;
const POLL: Duration = Duration::from_millis(50);
