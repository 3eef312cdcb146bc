//! How many connections are open, in all and for each client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::ClientKey;
use crate::config::ConnectionLimits;
use crate::metrics::Metrics;

/// The open connections of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: ConnectionLimits,
    open: Mutex<Open>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_client: HashMap<ClientKey, usize>,
}

/// A place among the open connections, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Connections,
    /// Absent for a proxy of ours, which brings many clients.
    client: Option<ClientKey>,
    counts_in_total: bool,
}

/// No place is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits, metrics: Metrics) -> Self {
        Self(Arc::new(Inner { limits, open: Mutex::default(), metrics }))
    }

    /// A place for a connection that has just been accepted. Without a client it counts in the total only.
    pub(crate) fn accept(&self, client: Option<IpAddr>) -> Result<Place, Full> {
        self.take(client.map(ClientKey::of), true)
    }

    /// A place for a long-lived session of a client behind a proxy, whose connection counts in the total already.
    pub(crate) fn behind_proxy(&self, client: IpAddr) -> Result<Place, Full> {
        self.take(Some(ClientKey::of(client)), false)
    }

    fn take(&self, client: Option<ClientKey>, counts_in_total: bool) -> Result<Place, Full> {
        let mut open = self.lock();
        let limits = &self.0.limits;
        let mine = client.map_or(0, |client| open.by_client.get(&client).copied().unwrap_or(0));
        if mine >= limits.per_client || (counts_in_total && open.total >= limits.total) {
            self.0.metrics.connection_refused();
            return Err(Full);
        }
        open.total += usize::from(counts_in_total);
        if let Some(client) = client {
            open.by_client.insert(client, mine + 1);
        }
        if counts_in_total {
            self.0.metrics.connection_opened();
        }
        Ok(Place { connections: self.clone(), client, counts_in_total })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        // The numbers are right at every point where a thread could have ended.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        if self.counts_in_total {
            open.total -= 1;
            self.connections.0.metrics.connection_closed();
        }
        let Some(client) = self.client else { return };
        match open.by_client.get_mut(&client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_client: usize) -> Connections {
        Connections::new(ConnectionLimits { total, per_client }, Metrics::new())
    }

    #[test]
    fn one_client_cannot_take_every_place() {
        let connections = connections(3, 2);
        let ann = Some("192.0.2.1".parse().unwrap());
        let bob = Some("192.0.2.2".parse().unwrap());
        let first = connections.accept(ann).unwrap();
        let _second = connections.accept(ann).unwrap();
        assert_eq!(connections.accept(ann).unwrap_err(), Full);
        let _bobs = connections.accept(bob).unwrap();
        assert_eq!(connections.accept(bob).unwrap_err(), Full);
        drop(first);
        assert!(connections.accept(bob).is_ok());
    }

    #[test]
    fn nothing_is_remembered_of_who_has_gone() {
        let connections = connections(100, 2);
        for number in 0..50_u8 {
            drop(connections.accept(Some([192, 0, 2, number].into())).unwrap());
        }
        assert!(connections.lock().by_client.is_empty());
        assert_eq!(connections.lock().total, 0);
    }

    #[test]
    fn clients_behind_a_proxy_are_told_apart() {
        let connections = connections(2, 1);
        let _proxy = connections.accept(None).unwrap();
        let ann = "192.0.2.1".parse().unwrap();
        let _session = connections.behind_proxy(ann).unwrap();
        assert_eq!(connections.behind_proxy(ann).unwrap_err(), Full);
        assert!(connections.accept(None).is_ok());
    }
}
