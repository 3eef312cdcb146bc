//! Janus's VideoRoom over its HTTP API: room N is channel N, and feeds are uids.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::interval;

use super::web::agent;
use super::{AccessError, Desk, Entry, OwnAnswer, Said, blocking};

pub(super) async fn stay(
    base: &str,
    entry: Entry,
    desk: &Desk,
    mut asks: UnboundedReceiver<OwnAnswer>,
) -> Result<(), AccessError> {
    let base = base.to_owned();
    let (session, said) = blocking(move || Session::begin(&base, &entry)).await?;
    desk.tell(said);
    let mut alive = interval(KEEPALIVE);
    alive.tick().await;
    loop {
        let session = session.clone();
        tokio::select! {
            ask = asks.recv() => match ask {
                Some(OwnAnswer(sdp)) => blocking(move || session.start(&sdp)).await?,
                None => break,
            },
            _ = alive.tick() => blocking(move || session.keep_alive()).await?,
        }
    }
    blocking(move || session.destroy()).await
}

/// A session with one handle.
#[derive(Clone)]
struct Session {
    url: String,
    handle: u64,
}

impl Session {
    fn begin(base: &str, entry: &Entry) -> Result<(Self, Said), AccessError> {
        let session = id(&ask(base, &json!({ "janus": "create" }))?)?;
        let url = format!("{base}/{session}");
        let handle = id(&ask(&url, &json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" }))?)?;
        let session = Self { url, handle };
        session.message(entry_message(entry))?;
        let jsep = session.jsep()?;
        let sdp = jsep["sdp"].as_str().ok_or(AccessError::Unknown("a jsep without SDP"))?.to_owned();
        let said = if entry.offer.is_some() { Said::Answer(sdp) } else { Said::Offer(sdp) };
        Ok((session, said))
    }

    fn start(&self, sdp: &str) -> Result<(), AccessError> {
        self.message(json!({ "body": { "request": "start" }, "jsep": { "type": "answer", "sdp": sdp } }))
    }

    fn keep_alive(&self) -> Result<(), AccessError> {
        ask(&self.url, &json!({ "janus": "keepalive" })).map(drop)
    }

    fn destroy(&self) -> Result<(), AccessError> {
        ask(&self.url, &json!({ "janus": "destroy" })).map(drop)
    }

    fn message(&self, mut message: Value) -> Result<(), AccessError> {
        message["janus"] = "message".into();
        ask(&format!("{}/{}", self.url, self.handle), &message).map(drop)
    }

    /// Polls until the other side's description comes.
    fn jsep(&self) -> Result<Value, AccessError> {
        for _ in 0..MOST_POLLS {
            let response = agent().get(format!("{}?maxev=1", self.url)).call();
            let event = read(response)?;
            let events = if event.is_array() { event.as_array().cloned().unwrap_or_default() } else { vec![event] };
            for mut event in events {
                if let Some(code) = event["plugindata"]["data"]["error_code"].as_u64() {
                    return Err(AccessError::Ended(format!("error {code} of the VideoRoom")));
                }
                if event["jsep"].is_object() {
                    return Ok(event["jsep"].take());
                }
            }
        }
        Err(AccessError::Unknown("no description in time"))
    }
}

fn entry_message(entry: &Entry) -> Value {
    let room = entry.channel;
    match &entry.offer {
        Some(offer) => json!({
            "body": { "request": "joinandconfigure", "ptype": "publisher", "room": room, "id": entry.uid },
            "jsep": { "type": "offer", "sdp": offer.sdp },
        }),
        None => {
            let streams: Vec<_> = entry.sources.iter().map(|uid| json!({ "feed": uid })).collect();
            json!({ "body": { "request": "join", "ptype": "subscriber", "room": room, "streams": streams } })
        }
    }
}

fn ask(url: &str, message: &Value) -> Result<Value, AccessError> {
    let mut message = message.clone();
    message["transaction"] = "load".into();
    read(agent().post(url).header("Content-Type", "application/json").send(message.to_string()))
}

fn read(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, AccessError> {
    let mut response = response.map_err(|error| AccessError::Connect(error.to_string()))?;
    if !response.status().is_success() {
        return Err(AccessError::Status(response.status().as_u16()));
    }
    let body = response.body_mut().with_config().limit(MAX_BODY).read_to_string();
    let body = body.map_err(|_| AccessError::Unknown("an answer that is no text"))?;
    let answer: Value = serde_json::from_str(&body).map_err(|_| AccessError::Unknown("an answer that is no JSON"))?;
    if answer["janus"] == "error" {
        return Err(AccessError::Ended(format!("error {} of Janus", answer["error"]["code"])));
    }
    Ok(answer)
}

fn id(answer: &Value) -> Result<u64, AccessError> {
    answer["data"]["id"].as_u64().ok_or(AccessError::Unknown("an answer without an id"))
}

/// Janus forgets a session after a minute.
const KEEPALIVE: Duration = Duration::from_secs(25);
const MOST_POLLS: usize = 10;
const MAX_BODY: u64 = 1 << 20;
