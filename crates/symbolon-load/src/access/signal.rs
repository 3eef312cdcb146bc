//! Our own signalling: a WebSocket, `join`, and a sign of life.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use symbolon_proto::id::{Mid, Token};
use symbolon_proto::message::{
    ClientMessage, Join, Joined, Kind, MAX_MESSAGE_BYTES, MediaOffer, Profile, PublishBinding, Role, ServerMessage,
    SlotBinding, Source, Subscribe, View,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{AccessError, Desk, Entry, OwnAnswer, Said};
use crate::token::Tokens;

type Socket = WebSocketStream<TcpStream>;

pub(super) async fn stay(
    authority: &str,
    tokens: &Tokens,
    token: Option<String>,
    entry: Entry,
    desk: &Desk,
    mut asks: UnboundedReceiver<OwnAnswer>,
) -> Result<(), AccessError> {
    let connecting = timeout(PATIENCE, connect(authority)).await;
    let mut socket = connecting.map_err(|_| AccessError::Connect("no answer in time".into()))??;
    say(&mut socket, &join(tokens, token, entry)).await?;
    let joined = timeout(PATIENCE, joined(&mut socket)).await;
    let joined = joined.map_err(|_| AccessError::Unknown("no answer to a join in time"))??;
    let ping_every = Duration::from_millis(joined.ping_every_ms.max(LEAST_PING_MS).into());
    desk.tell(Said::Answer(joined.media.map(|media| media.sdp).unwrap_or_default()));
    let mut ping = interval_at(Instant::now() + ping_every, ping_every);
    loop {
        tokio::select! {
            ask = asks.recv() => if ask.is_none() { break },
            _ = ping.tick() => say(&mut socket, &ClientMessage::Ping {}).await?,
            message = hear(&mut socket) => if let Some(ServerMessage::Ended(ended)) = message? {
                return Err(AccessError::Ended(format!("{:?}", ended.code)));
            },
        }
    }
    let _ = timeout(GOODBYE, async {
        let _ = say(&mut socket, &ClientMessage::Leave {}).await;
        let _ = socket.close(None).await;
    })
    .await;
    Ok(())
}

async fn connect(authority: &str) -> Result<Socket, AccessError> {
    let failed = |error: String| AccessError::Connect(error);
    let stream = TcpStream::connect(authority).await.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES)).max_frame_size(Some(MAX_MESSAGE_BYTES));
    let url = format!("ws://{authority}/v1/signal");
    let (socket, _) =
        client_async_with_config(url, stream, Some(config)).await.map_err(|error| failed(error.to_string()))?;
    Ok(socket)
}

fn join(tokens: &Tokens, token: Option<String>, entry: Entry) -> ClientMessage {
    let mid = |mid: &str| Mid::parse(mid).expect("str0m's mids are short words");
    let media = entry.offer.map(|offer| MediaOffer {
        publish: offer
            .publish
            .iter()
            .map(|(kind, section)| PublishBinding {
                mid: mid(section),
                kind: *kind,
                source: if *kind == Kind::Audio { Source::Microphone } else { Source::Camera },
                muted: false,
                layers: Vec::new(),
            })
            .collect(),
        slots: offer.slots.iter().map(|(kind, section)| SlotBinding { mid: mid(section), kind: *kind }).collect(),
        sdp: offer.sdp,
    });
    ClientMessage::Join(Box::new(Join {
        app_id: tokens.app_id().to_owned(),
        channel: entry.channel_name,
        token: token.map(Token::new),
        uid: entry.uid,
        name: None,
        switches: Default::default(),
        role: if entry.publishes { Role::Broadcaster } else { Role::Audience },
        profile: Profile::LiveBroadcasting,
        subscribe: Subscribe::default(),
        view: View::default(),
        media,
        resume: None,
    }))
}

async fn joined(socket: &mut Socket) -> Result<Joined, AccessError> {
    loop {
        match hear(socket).await? {
            Some(ServerMessage::Joined(joined)) => return Ok(*joined),
            Some(ServerMessage::Ended(ended)) => return Err(AccessError::Ended(format!("{:?}", ended.code))),
            _ => {}
        }
    }
}

async fn say(socket: &mut Socket, message: &ClientMessage) -> Result<(), AccessError> {
    let text = serde_json::to_string(message).expect("messages are plain data");
    socket.send(Message::text(text)).await.map_err(|error| AccessError::Connect(error.to_string()))
}

/// The next message, or none where it is not one of those that are known.
async fn hear(socket: &mut Socket) -> Result<Option<ServerMessage>, AccessError> {
    match socket.next().await {
        Some(Ok(frame)) => Ok(frame.to_text().ok().and_then(|text| serde_json::from_str(text).ok())),
        Some(Err(error)) => Err(AccessError::Connect(error.to_string())),
        None => Err(AccessError::Connect("the server closed it".into())),
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
const GOODBYE: Duration = Duration::from_millis(500);
const LEAST_PING_MS: u32 = 500;
