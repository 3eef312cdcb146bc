//! Both ends of a signalling connection's other side: a proper WebSocket client, and one that sends any bytes at all.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{TestServer, within};

/// A proper client.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
}

/// How the server ended a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed(pub(crate) u16);

impl Client {
    pub(crate) async fn connect(server: &TestServer) -> Self {
        let stream = TcpStream::connect(server.address).await.expect("the server listens");
        let request = format!("ws://{}/v1/signal", server.address).into_client_request().expect("an address");
        let (socket, response) = within(client_async(request, stream)).await.expect("an upgrade");
        assert!(response.headers().get("sec-websocket-extensions").is_none());
        Self { socket }
    }

    /// Connects and joins with a fresh token.
    pub(crate) async fn join(server: &TestServer, channel: &str, uid: u32) -> Self {
        let mut client = Self::connect(server).await;
        let token = server.token(channel, uid).await;
        client.send(&join(server, channel, uid, &token)).await;
        assert_eq!(client.next().await["type"], "joined");
        client
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_frame(Message::Text(text.into())).await;
    }

    pub(crate) async fn send_frame(&mut self, message: Message) {
        // The server may have closed while this was on its way; the next read tells.
        let _ = self.socket.send(message).await;
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// The next message of this type; others are passed over.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Reads on until the server closes.
    pub(crate) async fn closed(&mut self) -> Closed {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Message::Close(frame))) => return Closed(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }
}

/// A join without media.
pub(crate) fn join(server: &TestServer, channel: &str, uid: u32, token: &str) -> Value {
    json!({
        "type": "join", "appId": server.app_id, "channel": channel, "uid": uid, "token": token, "role": "broadcaster",
    })
}

/// A client that keeps no rules.
pub(crate) struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    /// Connects and upgrades.
    pub(crate) async fn connect(server: &TestServer) -> Self {
        let mut stream = TcpStream::connect(server.address).await.expect("the server listens");
        let request = format!(
            "GET /v1/signal HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            server.address
        );
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(stream.read_u8()).await.expect("an answer"));
        }
        let head = String::from_utf8(head).expect("a head is text").to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 ") && !head.contains("deflate"), "{head}");
        Self { stream }
    }

    /// Sends bytes as they are. The server may have closed in between.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Reads on until the connection ends, and gives the code of the close frame that came.
    pub(crate) async fn closed(&mut self) -> Option<Closed> {
        let mut all = Vec::new();
        let _ = within(self.stream.read_to_end(&mut all)).await;
        close_code(&all).map(Closed)
    }
}

/// A frame of a client: masked with zeros, which change nothing.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Walks over the frames of a server to its close frame.
fn close_code(mut bytes: &[u8]) -> Option<u16> {
    loop {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (header, length) = match second & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
            short => (2, usize::from(short)),
        };
        if first & 0x0f == 8 {
            return Some(u16::from_be_bytes(bytes.get(header..header + 2)?.try_into().ok()?));
        }
        bytes = bytes.get(header + length..)?;
    }
}
