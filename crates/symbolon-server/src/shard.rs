//! The media thread: one UDP socket, one bounded queue, one [`Edge`].
//!
//! It waits for the first of packet, message or deadline, hands it to the edge, and does what the edge says. Nothing else
//! touches the edge, so nothing is locked.

pub(crate) mod outbox;
pub(crate) mod socket;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::Instant;

use symbolon_edge::{Datagram, Edge, Entropy, Input, Output, Stats};
use symbolon_proto::grant::Door;
use symbolon_proto::id::ConnId;
use symbolon_proto::message::{ClientMessage, ServerMessage};
use symbolon_udp::{Inbox, Outgoing};
use tokio::sync::{mpsc, oneshot};

use self::outbox::{Farewell, Outbox};
use self::socket::MediaSocket;
use crate::clock;
use crate::story::Story;

/// Where messages for the edge go in. Clones lead to the same edge.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    queue: mpsc::Sender<ToShard>,
}

/// What the rest of the server tells the media thread.
#[derive(Debug)]
enum ToShard {
    Opened { conn: ConnId, remote: IpAddr, outbox: Outbox },
    Message { conn: ConnId, message: ClientMessage },
    Closed { conn: ConnId },
    Door(Door),
    Stats(oneshot::Sender<Stats>),
}

/// The media thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Shard {
    /// Starts the media thread. It ends when every handle has been dropped, and says so; when it ends in another way, the
    /// receiver fails.
    pub(crate) fn start(
        edge: symbolon_edge::Config,
        socket: std::net::UdpSocket,
        story: Story,
    ) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let (queue, messages) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let socket = {
            let _inside = runtime.enter();
            MediaSocket::new(socket, edge.candidates.clone())?
        };
        let (done, ended) = oneshot::channel();
        std::thread::Builder::new().name("media".to_owned()).spawn(move || {
            let (edge, outgoing) = (Edge::new(edge), Outgoing::default());
            let driver = Driver { edge, socket, outgoing, outboxes: HashMap::new(), story, slow: Vec::new() };
            runtime.block_on(driver.run(messages));
            // Nobody may be waiting any more.
            let _ = done.send(());
        })?;
        Ok((Self { queue }, ended))
    }

    pub(crate) async fn opened(&self, conn: ConnId, remote: IpAddr, outbox: Outbox) -> Result<(), Gone> {
        self.tell(ToShard::Opened { conn, remote, outbox }).await
    }

    pub(crate) async fn message(&self, conn: ConnId, message: ClientMessage) -> Result<(), Gone> {
        self.tell(ToShard::Message { conn, message }).await
    }

    pub(crate) async fn closed(&self, conn: ConnId) -> Result<(), Gone> {
        self.tell(ToShard::Closed { conn }).await
    }

    /// From now on this door lets in.
    pub(crate) async fn replace_door(&self, door: Door) -> Result<(), Gone> {
        self.tell(ToShard::Door(door)).await
    }

    /// What the edge has counted.
    pub(crate) async fn stats(&self) -> Result<Stats, Gone> {
        let (answer, answered) = oneshot::channel();
        self.tell(ToShard::Stats(answer)).await?;
        answered.await.map_err(|_| Gone)
    }

    async fn tell(&self, message: ToShard) -> Result<(), Gone> {
        self.queue.send(message).await.map_err(|_| Gone)
    }
}

/// What the media thread holds.
struct Driver {
    edge: Edge,
    socket: MediaSocket,
    /// What the edge sends, until it is sent.
    outgoing: Outgoing,
    outboxes: HashMap<ConnId, Outbox>,
    story: Story,
    /// Connections that turned out too slow while the edge's outputs were being carried out.
    slow: Vec<ConnId>,
}

impl Driver {
    async fn run(mut self, mut messages: mpsc::Receiver<ToShard>) {
        let mut inbox = Inbox::default();
        loop {
            let deadline = self.edge.deadline();
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                self.handle(Input::Tick);
            }
            tokio::select! {
                received = self.socket.receive(&mut inbox) => {
                    if received.is_ok() {
                        self.handle(Input::Datagrams(&self.socket.incoming(&inbox)));
                    }
                }
                message = messages.recv() => {
                    let Some(message) = message else { return };
                    self.take(message, &mut messages);
                }
                () = at(self.edge.deadline()) => {}
            }
        }
    }

    fn take(&mut self, first: ToShard, messages: &mut mpsc::Receiver<ToShard>) {
        self.tell_edge(first);
        for _ in 1..BATCH {
            let Ok(message) = messages.try_recv() else { return };
            self.tell_edge(message);
        }
    }

    fn tell_edge(&mut self, message: ToShard) {
        match message {
            ToShard::Opened { conn, remote, outbox } => {
                self.outboxes.insert(conn, outbox);
                self.handle(Input::Opened { conn, remote });
            }
            ToShard::Message { conn, message } => match entropy() {
                Ok(entropy) => self.handle(Input::Message { conn, message, entropy }),
                Err(error) => self.give_up(conn, error),
            },
            ToShard::Closed { conn } => {
                self.outboxes.remove(&conn);
                self.handle(Input::Closed { conn });
            }
            ToShard::Door(door) => self.handle(Input::ReplaceDoor(door)),
            ToShard::Stats(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(self.edge.stats());
            }
        }
    }

    /// One change, then everything that comes of it.
    fn handle(&mut self, input: Input<'_>) {
        let now = clock::now();
        self.edge.handle(now, input);
        self.drain();
        while let Some(conn) = self.slow.pop() {
            self.edge.handle(now, Input::Closed { conn });
            self.drain();
        }
    }

    fn drain(&mut self) {
        self.send();
        while let Some(output) = self.edge.poll() {
            match output {
                Output::Message { conn, message } => self.write(conn, &message),
                Output::Close { conn, code, reason } => self.close(conn, Farewell { code, reason }),
                Output::Happened(happening) => self.story.tell(&happening),
                other => tracing::warn!(?other, "the edge asks for something unknown"),
            }
        }
    }

    /// Media does not wait: what the system does not take at once is lost, as it would be on the way.
    fn send(&mut self) {
        while let Some(Datagram { destination, bytes, .. }) = self.edge.poll_datagram() {
            self.outgoing.push(destination, &bytes);
        }
        if !self.outgoing.is_empty() {
            self.story.datagrams_not_sent(self.socket.send(&self.outgoing));
            self.outgoing.clear();
        }
    }

    fn write(&mut self, conn: ConnId, message: &ServerMessage) {
        let Some(outbox) = self.outboxes.get(&conn) else { return };
        let text = serde_json::to_string(message).expect("messages are plain data");
        if outbox.push(text).is_err() {
            self.outboxes.remove(&conn);
            self.slow.push(conn);
        }
    }

    fn close(&mut self, conn: ConnId, farewell: Farewell) {
        if let Some(outbox) = self.outboxes.remove(&conn) {
            outbox.close(farewell);
        }
    }

    /// Without random bytes there are no secrets to be made, and nobody can be let in.
    fn give_up(&mut self, conn: ConnId, error: getrandom::Error) {
        tracing::error!(%error, "the operating system gave no random bytes");
        self.close(conn, Farewell { code: 1011, reason: "no random bytes" });
        self.handle(Input::Closed { conn });
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

fn entropy() -> Result<Entropy, getrandom::Error> {
    let mut bytes = [0; 64];
    getrandom::fill(&mut bytes)?;
    Ok(Entropy::new(bytes))
}

/// The most messages that wait for the media thread. When it is full, connections wait with reading: control waits.
const QUEUE: usize = 1024;

/// How many messages are taken in one turn.
const BATCH: usize = 64;
