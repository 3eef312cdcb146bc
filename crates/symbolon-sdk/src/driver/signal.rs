//! One WebSocket to the server, as a task that reports to the driver.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use symbolon_proto::message::{ClientMessage, MAX_MESSAGE_BYTES, ServerMessage};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::access_point::AccessPoint;

/// What a WebSocket tells.
#[derive(Debug)]
pub(super) enum Report {
    /// It is open; the connection leaves this machine from here.
    Opened(IpAddr),
    /// A message came in.
    Received(Box<ServerMessage>),
    /// Something came in that this version does not know.
    ReceivedUnknown,
    /// It is closed, or could not be opened. The last report.
    Closed,
}

/// Connects, carries messages both ways, and ends when either side closes.
pub(super) async fn run(
    access_point: AccessPoint,
    outgoing: mpsc::Receiver<ClientMessage>,
    report: impl AsyncFn(Report),
) {
    match timeout(CONNECT_TIMEOUT, connect(&access_point)).await {
        Ok(Ok((socket, local))) => {
            report(Report::Opened(local)).await;
            carry(socket, outgoing, &report).await;
        }
        Ok(Err(error)) => tracing::info!(%error, "the server cannot be reached"),
        Err(_) => tracing::info!("the server does not answer"),
    }
    report(Report::Closed).await;
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(access_point: &AccessPoint) -> Result<(Socket, IpAddr), SocketError> {
    let stream = TcpStream::connect(access_point.authority()).await?;
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?.ip();
    let (socket, _) = client_async_with_config(access_point.signal_url(), stream, Some(config())).await?;
    Ok((socket, local))
}

async fn carry(socket: Socket, mut outgoing: mpsc::Receiver<ClientMessage>, report: &impl AsyncFn(Report)) {
    let (mut sink, mut source) = socket.split();
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let Some(message) = message else { break };
                if sink.send(text(&message)).await.is_err() {
                    break;
                }
            }
            frame = source.next() => {
                let Some(Ok(frame)) = frame else { break };
                if let Some(news) = decode(&frame) {
                    report(news).await;
                }
            }
        }
    }
    // A goodbye is best effort; a peer that does not take it must not hold us.
    let _ = timeout(CLOSE_TIMEOUT, sink.close()).await;
}

fn text(message: &ClientMessage) -> Message {
    let text = serde_json::to_string(message).expect("messages are plain data");
    Message::text(text)
}

/// A message of the protocol, or one that a newer server may send; none for what the WebSocket itself needs.
fn decode(frame: &Message) -> Option<Report> {
    let text = frame.is_text().then(|| frame.to_text().ok())??;
    match serde_json::from_str(text) {
        Ok(message) => Some(Report::Received(Box::new(message))),
        Err(error) => {
            tracing::debug!(line = error.line(), column = error.column(), "a message that is not known");
            Some(Report::ReceivedUnknown)
        }
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES)).max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// Shorter than the time after which the rules begin another attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);
