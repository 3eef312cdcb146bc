//! What one request leaves in the audit.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;

use super::queue::Entry;
use super::record::{Made, Outcome, Record, What, Who};
use super::{Audit, Unrecorded};
use crate::request_id::RequestId;

/// The trail of one request, from its head to its answer. What it notes counts once the request is
/// [`settle`](Self::settle)d.
pub(crate) struct Trail {
    audit: Audit,
    request_id: RequestId,
    client: Option<IpAddr>,
    route: &'static str,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    minted: Vec<Entry>,
    refused: Option<Entry>,
}

/// What somebody wants of an app.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) caller: Who<'a>,
    pub(crate) wanted: &'a What<'a>,
}

impl Trail {
    /// The client's address.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        self.client
    }

    pub(crate) fn new(audit: Audit, request_id: RequestId, client: Option<IpAddr>, route: &'static str) -> Self {
        Self { audit, request_id, client, route, notes: Mutex::default() }
    }

    /// Notes a token that was made, and may yet not be handed out. `made` is not called where nothing is kept.
    pub(crate) fn minted<'a>(&self, request: Request<'a>, made: impl FnOnce() -> Made<'a>) {
        if !self.audit.is_off() {
            let entry = self.entry(StatusCode::OK, Outcome::Minted, request.caller, |record| {
                (record.app_id, record.wanted) = (Some(request.app_id), Some(request.wanted));
                record.token = Some(made());
            });
            self.lock().minted.push(entry);
        }
    }

    /// Notes that a token is not made, though it was understood what was wanted.
    pub(crate) fn refused(&self, request: Request<'_>, status: StatusCode, reason: &'static str) {
        if !self.audit.is_off() {
            let entry = self.entry(status, Outcome::Refused, request.caller, |record| {
                (record.app_id, record.wanted) = (Some(request.app_id), Some(request.wanted));
                record.reason = Some(reason);
            });
            self.lock().refused = Some(entry);
        }
    }

    /// Puts what was noted into the audit: the tokens if the request is answered with them, else the refusal. Afterwards
    /// the answer may go out; where the audit is durable, the records are on the disk.
    ///
    /// # Errors
    /// When the audit does not take them. The answer must not go out then.
    pub(crate) async fn settle(
        &self,
        caller: Who<'_>,
        status: StatusCode,
        reason: &'static str,
    ) -> Result<(), Unrecorded> {
        if self.audit.is_off() {
            return Ok(());
        }
        let notes = std::mem::take(&mut *self.lock());
        if status.is_success() {
            return self.audit.put(notes.minted).await;
        }
        let refused = notes
            .refused
            .unwrap_or_else(|| self.entry(status, Outcome::Refused, caller, |record| record.reason = Some(reason)));
        self.audit.put(vec![refused]).await
    }

    fn entry<'a>(
        &'a self,
        status: StatusCode,
        outcome: Outcome,
        caller: Who<'a>,
        fill: impl FnOnce(&mut Record<'a>),
    ) -> Entry {
        let at = unix_ms();
        let mut record = Record {
            at,
            request_id: self.request_id.as_str(),
            outcome,
            status: status.as_u16(),
            reason: None,
            caller,
            client: self.client,
            route: self.route,
            app_id: None,
            wanted: None,
            token: None,
        };
        fill(&mut record);
        Entry::new(at, record.line())
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
