//! Publishes an IVF file (VP8, VP9 or AV1) and an Ogg Opus file into a channel, in real time.
//!
//! ```text
//! ffmpeg -f lavfi -i testsrc2=size=640x360:rate=30 -t 20 -c:v libvpx -b:v 1M -g 30 picture.ivf
//! ffmpeg -f lavfi -i sine=frequency=440 -t 20 -c:a libopus tone.ogg
//! cargo run -p symbolon-sdk --example publish -- --url ws://127.0.0.1:8080 --app-id … --channel AgoraChannel \
//!     --token-url http://127.0.0.1:8080/rtc/AgoraChannel/publisher/uid/7/ --uid 7 \
//!     --video picture.ivf --audio tone.ogg --repeat
//! ```
//!
//! A file cannot make a keyframe when somebody asks for one, so encode with a keyframe every second or so (`-g 30`).

#![expect(clippy::disallowed_methods, reason = "a program may look at the clock")]

mod common;
mod media_files;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use symbolon_sdk::{
    ChannelMediaOptions, ClientRole, Codec, EncodedFrame, Engine, EngineError, Event, Kind, PublishState, SessionEvent,
};

use common::{Place, StopSign};
use media_files::ivf::IvfReader;
use media_files::ogg_opus::OggOpusReader;
use media_files::picture_starts;

/// Publishes files into a channel, in real time.
#[derive(Parser, Debug)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    /// An IVF file with VP8, VP9 or AV1
    #[arg(long)]
    video: Option<PathBuf>,
    /// An Ogg Opus file
    #[arg(long)]
    audio: Option<PathBuf>,
    /// Begin again when the files end; each by itself
    #[arg(long)]
    repeat: bool,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let arguments = Arguments::parse();
    let stop = StopSign::watch()?;
    let mut players = arguments.players()?;
    let options = ChannelMediaOptions {
        client_role_type: Some(ClientRole::Broadcaster),
        publish_microphone_track: Some(arguments.audio.is_some()),
        publish_encoded_video_track: Some(arguments.video.is_some()),
        auto_subscribe_audio: Some(false),
        auto_subscribe_video: Some(false),
        ..ChannelMediaOptions::default()
    };
    let (engine, notices) = arguments.place.join(&options)?;
    let mut waiting: BTreeSet<Kind> = players.iter().map(|player| player.codec.kind()).collect();
    let mut end = None;
    loop {
        let due = players.iter().filter_map(Player::due).chain(end).min();
        let wait = due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()).min(IDLE));
        match notices.recv_timeout(wait) {
            Ok(notice) => {
                if let Event::PublishStateChanged { kind, new_state: PublishState::Published, .. } = notice.event {
                    waiting.remove(&kind);
                }
                // What is pushed before media flows is dropped, and a decoder needs the first picture.
                if waiting.is_empty() {
                    let now = Instant::now();
                    players.iter_mut().for_each(|player| player.start(now));
                }
                if let Event::Session(event) = &notice.event {
                    if matches!(event, SessionEvent::JoinChannelSuccess) {
                        end = arguments.place.stay().map(|stay| Instant::now() + stay);
                    }
                    arguments.place.take(&engine, event)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let now = Instant::now();
        for player in &mut players {
            player.play(&engine, now, arguments.repeat)?;
        }
        let played = players.iter().all(Player::is_over);
        if played || stop.is_given() || end.is_some_and(|end| end <= now) {
            break;
        }
    }
    for player in &players {
        eprintln!("{:?}: {} frames", player.codec, player.frames);
    }
    engine.leave_channel()?;
    engine.release(true)?;
    Ok(())
}

impl Arguments {
    fn players(&self) -> Result<Vec<Player>> {
        let mut players = Vec::new();
        if let Some(path) = &self.video {
            let reader = IvfReader::new(open(path)?).with_context(|| path.display().to_string())?;
            players.push(Player::new(reader.header().codec, Track::Video { path: path.clone(), reader })?);
        }
        if let Some(path) = &self.audio {
            let reader = OggOpusReader::new(open(path)?).with_context(|| path.display().to_string())?;
            players.push(Player::new(Codec::Opus, Track::Audio { path: path.clone(), reader, samples: 0 })?);
        }
        anyhow::ensure!(!players.is_empty(), "nothing to publish: give --video, --audio or both");
        Ok(players)
    }
}

type Source = BufReader<File>;

/// A file that is being read.
enum Track {
    Video { path: PathBuf, reader: IvfReader<Source> },
    Audio { path: PathBuf, reader: OggOpusReader<Source>, samples: u64 },
}

/// One file, played in real time.
struct Player {
    codec: Codec,
    track: Track,
    started: Option<Instant>,
    next: Option<(u64, Vec<u8>)>,
    /// Ticks that all earlier rounds took.
    offset: u64,
    /// How long the last frame lasts, so that the next round does not begin on top of it.
    step: u64,
    frames: u64,
}

impl Player {
    fn new(codec: Codec, mut track: Track) -> Result<Self> {
        let next = track.next_frame()?;
        Ok(Self { codec, track, started: None, next, offset: 0, step: 0, frames: 0 })
    }

    /// Begins, once.
    fn start(&mut self, now: Instant) {
        self.started.get_or_insert(now);
    }

    fn due(&self) -> Option<Instant> {
        let (ticks, _) = self.next.as_ref()?;
        Some(self.started? + self.codec.time(self.offset + ticks))
    }

    fn is_over(&self) -> bool {
        self.next.is_none()
    }

    /// Sends everything that is due.
    fn play(&mut self, engine: &Engine, now: Instant, repeat: bool) -> Result<()> {
        while self.due().is_some_and(|due| due <= now) {
            let Some((ticks, data)) = self.next.take() else { break };
            let keyframe = picture_starts(self.codec, &data);
            let frame = EncodedFrame { codec: self.codec, data: data.into(), timestamp: self.offset + ticks, keyframe };
            let sent = match self.track {
                Track::Video { .. } => engine.push_encoded_video(frame),
                Track::Audio { .. } => engine.push_encoded_audio(frame),
            };
            match sent {
                Ok(()) => self.frames += 1,
                Err(EngineError::SendQueueFull) => {}
                Err(error) => return Err(error.into()),
            }
            self.next = self.track.next_frame()?;
            match &self.next {
                Some((next, _)) => self.step = next.saturating_sub(ticks),
                None if repeat => {
                    self.offset += ticks + self.step;
                    self.track.rewind()?;
                    self.next = self.track.next_frame()?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

impl Track {
    /// The next frame and its time in ticks of the codec.
    fn next_frame(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        match self {
            Self::Video { path, reader } => {
                let header = reader.header();
                let frame = reader.next_frame().with_context(|| path.display().to_string())?;
                Ok(frame.map(|(time, frame)| (header.ticks(time), frame)))
            }
            Self::Audio { path, reader, samples } => {
                let packet = reader.next_packet().with_context(|| path.display().to_string())?;
                Ok(packet.map(|(packet, length)| {
                    let at = *samples;
                    *samples += length;
                    (at, packet)
                }))
            }
        }
    }

    fn rewind(&mut self) -> Result<()> {
        match self {
            Self::Video { reader, .. } => reader.rewind()?,
            Self::Audio { path, reader, samples } => {
                *reader = OggOpusReader::new(open(path)?)?;
                *samples = 0;
            }
        }
        Ok(())
    }
}

fn open(path: &PathBuf) -> Result<Source> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    Ok(BufReader::new(file))
}

const IDLE: Duration = Duration::from_millis(200);
