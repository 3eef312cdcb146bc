//! The engine API of Symbolon for Rust: join a channel with a token, send and receive encoded media.
//!
//! * [`Engine`]: what an application calls. Every method returns at once; results arrive as events.
//! * [`EventHandler`] and [`MediaHandler`]: what an application implements.
//! * [`client::Client`]: the core, a value without sockets, clock or randomness. Tests put many of them around one edge.
//!
//! Capture, encoding, decoding and rendering belong to the application.
//!
//! ```no_run
//! use std::sync::Arc;
//! use symbolon_sdk::{ChannelMediaOptions, EventHandler, RtcConnection, RtcEngineContext, create_agora_rtc_engine};
//!
//! struct Greeter;
//!
//! impl EventHandler for Greeter {
//!     fn on_join_channel_success(&self, connection: &RtcConnection, elapsed_ms: u32) {
//!         println!("in {} after {elapsed_ms} ms", connection.channel_id);
//!     }
//! }
//!
//! let engine = create_agora_rtc_engine();
//! let context = RtcEngineContext::new("0123456789abcdef0123456789abcdef")
//!     .access_point("ws://127.0.0.1:8080")
//!     .event_handler(Arc::new(Greeter));
//! engine.initialize(context)?;
//! engine.join_channel_with_options("007…", "AgoraChannel", 0, &ChannelMediaOptions::default())?;
//! # Ok::<(), symbolon_sdk::EngineError>(())
//! ```

mod access_point;
pub mod client;
mod driver;
mod engine;
mod error;
mod event;
mod incoming;
mod media;
mod options;
mod outgoing;
mod peer;
mod picture;
mod settings;
mod stage;

pub use symbolon_proto::code::{
    ConnectionState, ErrorCode, Fallback, OfflineReason, Reason, RemoteReason, RemoteState, RenewCode,
    RoleChangeFailure, StreamType,
};
pub use symbolon_proto::id::{AppId, ChannelName, PublicationId, Token, Uid};
pub use symbolon_proto::message::{Kind, Privilege, Profile, Role, Source, Speaker, Standing};

pub use self::engine::{Engine, create_agora_rtc_engine};
pub use self::error::{EngineError, error_description};
pub use self::event::{
    Event, EventHandler, MediaHandler, Notice, PublishState, RtcConnection, RtcStats, SessionEvent, event_fn,
};
pub use self::media::{Codec, EncodedFrame, RemoteFrame, Track};
pub use self::options::{
    AudienceLatencyLevel, ChannelMediaOptions, ChannelProfile, ClientRole, LocalAccessPointConfiguration,
    RtcEngineContext,
};

/// A moment to start a test from.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an instant has no other origin")]
pub(crate) fn test_now() -> symbolon_proto::Now {
    symbolon_proto::Now::new(std::time::Instant::now(), std::time::Duration::from_secs(1_700_000_000))
}
