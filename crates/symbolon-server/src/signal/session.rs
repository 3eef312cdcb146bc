//! One signalling connection, from its upgrade to its close frame.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use symbolon_edge::close;
use symbolon_proto::code::ErrorCode;
use symbolon_proto::id::ConnId;
use symbolon_proto::message::{ClientMessage, MAX_MESSAGE_BYTES, ServerMessage};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::Signalling;
use super::decode::decode;
use super::pace::{MessagePace, TooMany};
use crate::shard::outbox::{Farewell, Inbox, Outbox, Outgoing, TOO_SLOW, outbox};

/// The largest message, in bytes.
pub(super) const MAX_MESSAGE: usize = MAX_MESSAGE_BYTES;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// We close it, and say why.
    Close(Farewell),
    /// The client closed it, or it is gone.
    Gone,
}

/// One connection.
pub(super) struct Session {
    signalling: Signalling,
    conn: ConnId,
    remote: IpAddr,
}

impl Session {
    pub(super) fn new(signalling: Signalling, remote: IpAddr) -> Self {
        let conn = signalling.next_conn();
        Self { signalling, conn, remote }
    }

    /// Runs until one side has had enough. The edge hears of the beginning and of the end.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(self, socket: WebSocketStream<S>) {
        let Self { signalling, conn, remote } = self;
        let (outbox, inbox) = outbox();
        if signalling.shard.opened(conn, remote, outbox.clone()).await.is_err() {
            return;
        }
        signalling.metrics.socket_opened();
        let (sink, stream) = socket.split();
        let mut stop = signalling.stop.clone();
        let reader = Reader { signalling: &signalling, conn, stream, outbox };
        let mut writer = Writer { sink, inbox };
        let end = tokio::select! {
            end = reader.run() => end,
            end = writer.run() => end,
            () = stop.given() => End::Close(STOPPING),
        };
        // First the others, then the courtesies.
        let _ = signalling.shard.closed(conn).await;
        writer.part(end).await;
        let code = match end {
            End::Close(farewell) => farewell.code,
            End::Gone => 0,
        };
        tracing::debug!(conn = conn.0, code, "connection closed");
        if code == close::REFUSED {
            signalling.refused_joins.count(remote);
        }
        signalling.metrics.socket_closed(code);
    }
}

/// The half that listens.
struct Reader<'a, S> {
    signalling: &'a Signalling,
    conn: ConnId,
    stream: SplitStream<WebSocketStream<S>>,
    outbox: Outbox,
}

/// What the listener keeps in mind.
struct Manners {
    pace: MessagePace,
    strikes: u32,
    joined: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Reader<'_, S> {
    async fn run(mut self) -> End {
        let started = Instant::now();
        let mut manners = Manners { pace: MessagePace::new(started), strikes: 0, joined: false };
        loop {
            let patience = Instant::now() + SILENCE;
            let patience = if manners.joined { patience } else { patience.min(started + JOIN_TIMEOUT) };
            let next = tokio::select! {
                next = self.stream.next() => next,
                () = sleep_until(patience) => {
                    return if manners.joined { End::Gone } else { End::Close(NOT_JOINED) };
                }
            };
            let message = match next {
                Some(Ok(message)) => message,
                Some(Err(error)) => return broken(&error),
                None => return End::Gone,
            };
            match manners.pace.take(Instant::now()) {
                Ok(wait) => tokio::time::sleep(wait).await,
                Err(TooMany) => return End::Close(TOO_MANY),
            }
            if let Err(end) = self.take(message, &mut manners).await {
                return end;
            }
        }
    }

    async fn take(&self, message: Message, manners: &mut Manners) -> Result<(), End> {
        match message {
            Message::Text(text) => match decode(&text) {
                Ok(message) => {
                    manners.joined |= matches!(message, ClientMessage::Join(_));
                    self.signalling.shard.message(self.conn, message).await.map_err(|_| End::Close(STOPPING))
                }
                Err(text) => self.strike(text, manners),
            },
            Message::Binary(_) => self.strike("messages are text, not binary".to_owned(), manners),
            // Answered below us, and a sign of life.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
            Message::Close(_) => Err(End::Gone),
        }
    }

    /// Says what was wrong with a message, a few times.
    fn strike(&self, message: String, manners: &mut Manners) -> Result<(), End> {
        manners.strikes += 1;
        self.signalling.metrics.invalid_message();
        if manners.strikes > STRIKES {
            return Err(End::Close(INVALID));
        }
        let slug = "invalid_message".to_owned();
        let error = ServerMessage::Error { id: None, code: ErrorCode::InvalidArgument, slug, message };
        let text = serde_json::to_string(&error).expect("messages are plain data");
        // A client that is too slow for this is put out by the writer.
        let _ = self.outbox.push(text);
        Ok(())
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else breaks a stream, there is nobody left to talk to")]
/// What a broken stream means to the other side (RFC 6455, 7.4.1).
fn broken(error: &Error) -> End {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => End::Close(TOO_BIG),
        Error::Utf8(_) => End::Close(NOT_UTF8),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) | Error::Capacity(_) => End::Close(BROKEN_RULES),
        _ => End::Gone,
    }
}

/// The half that speaks.
struct Writer<S> {
    sink: SplitSink<WebSocketStream<S>, Message>,
    inbox: Inbox,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Writer<S> {
    /// Writes what comes, until the client is found too slow.
    async fn run(&mut self) -> End {
        let bell = self.inbox.bell();
        tokio::select! {
            end = self.write() => end,
            () = bell.notified() => End::Close(TOO_SLOW),
        }
    }

    /// Writes what comes, and a ping when nothing does, so that a client which lives can show it.
    async fn write(&mut self) -> End {
        loop {
            let message = match timeout(PING_EVERY, self.inbox.next()).await {
                Ok(Some(Outgoing::Text(text))) => Message::Text(text.into()),
                Ok(Some(Outgoing::Close(farewell))) => return End::Close(farewell),
                Ok(None) => return End::Close(STOPPING),
                Err(_quiet) => Message::Ping(Bytes::new()),
            };
            let length = message.len();
            if self.sink.send(message).await.is_err() {
                return End::Gone;
            }
            self.inbox.written(length);
        }
    }

    /// Says why we close, or answers the client's own close.
    async fn part(&mut self, end: End) {
        let parting = async {
            match end {
                End::Close(Farewell { code, reason }) => {
                    let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) };
                    self.sink.send(Message::Close(Some(frame))).await
                }
                End::Gone => self.sink.close().await,
            }
        };
        // Whether it arrives is the client's affair.
        let _ = timeout(CLOSE_TIMEOUT, parting).await;
    }
}

/// How long a client may take until it asks to join.
const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// After so long without a sign of life a client is gone. Its place in the channel is kept for another 20 seconds, and
/// both together stay below the 30 after which the others must have been told.
const SILENCE: Duration = Duration::from_secs(9);

/// How long we are quiet before we ask for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(3);

/// How long a close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How many invalid messages are answered.
const STRIKES: u32 = 3;

const STOPPING: Farewell = Farewell { code: 1001, reason: "the server stops" };
const BROKEN_RULES: Farewell = Farewell { code: 1002, reason: "protocol error" };
const NOT_UTF8: Farewell = Farewell { code: 1007, reason: "text is not UTF-8" };
const TOO_BIG: Farewell = Farewell { code: 1009, reason: "message over 256 KiB" };
const INVALID: Farewell = Farewell { code: 4400, reason: "too many invalid messages" };
const NOT_JOINED: Farewell = Farewell { code: 4401, reason: "no join in time" };
const TOO_MANY: Farewell = Farewell { code: 4429, reason: "too many messages" };
