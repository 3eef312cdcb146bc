//! Buckets that fill with time: who has emptied his own waits.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::table::{Step, Table};
use crate::client::ClientKey;
use crate::config::Rate;

/// One bucket for each key, all alike.
pub(super) struct Buckets<C: Clock<Instant = Nanos>> {
    hasher: RandomState,
    limiter: RateLimiter<Step, Table, C>,
}

impl<C: Clock<Instant = Nanos>> Buckets<C> {
    pub(super) fn new(quota: Quota, clock: C) -> Self {
        Self { hasher: RandomState::new(), limiter: RateLimiter::new(quota, Table::new(), clock) }
    }

    /// Takes one from the bucket of this key, or says how long until there is one.
    pub(super) fn take(&self, key: &impl Hash) -> Result<(), Duration> {
        self.step(key, true)
    }

    /// Whether there would be one to take.
    pub(super) fn look(&self, key: &impl Hash) -> Result<(), Duration> {
        self.step(key, false)
    }

    fn step(&self, key: &impl Hash, keep: bool) -> Result<(), Duration> {
        let step = Step::new(self.hasher.hash_one(key), keep);
        self.limiter.check_key(&step).map_err(|until| until.wait_time_from(self.limiter.clock().now()))
    }
}

impl<C: Clock<Instant = Nanos>> fmt::Debug for Buckets<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buckets")
    }
}

/// One bucket for each client address, and for IPv6 one for each /48, eight times as large: nobody gets more by having more
/// networks.
#[derive(Debug)]
pub(super) struct AddressBuckets<C: Clock<Instant = Nanos>> {
    clients: Buckets<C>,
    sites: Buckets<C>,
}

impl<C: Clock<Instant = Nanos> + Clone> AddressBuckets<C> {
    pub(super) fn new(quota: Quota, clock: C) -> Self {
        Self { clients: Buckets::new(quota, clock.clone()), sites: Buckets::new(site_quota(quota), clock) }
    }

    pub(super) fn take(&self, client: ClientKey) -> Result<(), Duration> {
        self.clients.take(&client)?;
        client.site().map_or(Ok(()), |site| self.sites.take(&site))
    }

    pub(super) fn look(&self, client: ClientKey) -> Result<(), Duration> {
        self.clients.look(&client)?;
        client.site().map_or(Ok(()), |site| self.sites.look(&site))
    }
}

/// The time since the start, on the clock that tests can move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uptime(Instant);

impl Uptime {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Uptime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

/// The quota of a rate; absent where there is no limit.
pub(super) fn per_second(rate: Rate) -> Option<Quota> {
    Some(Quota::per_second(NonZeroU32::new(rate.per_second)?).allow_burst(NonZeroU32::new(rate.burst)?))
}

/// 20 at once, and one more every 3 seconds.
pub(super) fn twenty_a_minute() -> Quota {
    Quota::per_minute(const { NonZeroU32::new(20).unwrap() })
}

/// 50 at once, and five more every second.
pub(super) fn fifty_in_ten_seconds() -> Quota {
    Quota::per_second(const { NonZeroU32::new(5).unwrap() }).allow_burst(const { NonZeroU32::new(50).unwrap() })
}

fn site_quota(quota: Quota) -> Quota {
    let burst = quota.burst_size().saturating_mul(CLIENTS_PER_SITE);
    let interval = (quota.replenish_interval() / CLIENTS_PER_SITE.get()).max(Duration::from_nanos(1));
    Quota::with_period(interval).expect("an interval is not zero").allow_burst(burst)
}

const CLIENTS_PER_SITE: NonZeroU32 = NonZeroU32::new(8).unwrap();

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn key(address: &str) -> ClientKey {
        ClientKey::of(address.parse().unwrap())
    }

    fn admitted(buckets: &AddressBuckets<FakeRelativeClock>, address: &str, tries: usize) -> usize {
        (0..tries).filter(|_| buckets.take(key(address)).is_ok()).count()
    }

    #[test]
    fn twenty_are_taken_and_then_one_every_three_seconds() {
        let clock = FakeRelativeClock::default();
        let buckets = AddressBuckets::new(twenty_a_minute(), clock.clone());
        assert_eq!(admitted(&buckets, "192.0.2.1", 1_000), 20);
        let wait = buckets.look(key("192.0.2.1")).unwrap_err();
        assert_eq!(wait, Duration::from_secs(3));
        assert_eq!(admitted(&buckets, "192.0.2.2", 5), 5);
        assert_eq!(admitted(&buckets, "::ffff:192.0.2.1", 5), 0);
        clock.advance(Duration::from_millis(2_900));
        assert!(buckets.look(key("192.0.2.1")).is_err());
        clock.advance(Duration::from_millis(100));
        assert!(buckets.look(key("192.0.2.1")).is_ok());
        assert_eq!(admitted(&buckets, "192.0.2.1", 5), 1);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(admitted(&buckets, "192.0.2.1", 100), 20);
    }

    #[test]
    fn a_site_has_eight_times_as_much_whatever_its_networks() {
        let clock = FakeRelativeClock::default();
        let quota = per_second(Rate { per_second: 5, burst: 10 }).unwrap();
        let buckets = AddressBuckets::new(quota, clock.clone());
        let in_site = |site: &str| -> usize {
            (0..100).map(|network| admitted(&buckets, &format!("2001:db8:{site}:{network:x}::1"), 20)).sum()
        };
        assert_eq!((in_site("1"), in_site("2")), (80, 80));
        clock.advance(Duration::from_secs(1));
        assert_eq!(in_site("1"), 40);
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        assert_eq!(per_second(Rate { per_second: 0, burst: 10 }), None);
    }
}
