//! Where buckets are kept: a table of a fixed size, which nothing makes grow.

use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

/// Buckets by the hash of what they belong to, in sets of [`WAYS`]. The hash has a random key (its maker sees to that), so
/// nobody can aim at a set.
///
/// When a set is full the bucket that owes least makes room. Whoever wants to be forgotten would have to fill his set with
/// buckets that owe more than his own, and pay for each.
#[derive(Debug)]
pub(super) struct Table {
    /// In each: sets of pairs of hash and time. A hash of 0 is a free place.
    stripes: Vec<Mutex<Vec<u64>>>,
}

/// A bucket, and whether its state is changed or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Step {
    hash: u64,
    keep: bool,
}

impl Table {
    pub(super) fn new() -> Self {
        let stripe = || Mutex::new(vec![0; SETS_PER_STRIPE * SET]);
        Self { stripes: std::iter::repeat_with(stripe).take(STRIPES).collect() }
    }
}

impl Step {
    pub(super) fn new(hash: u64, keep: bool) -> Self {
        Self { hash: hash.max(1), keep }
    }
}

impl StateStore for Table {
    type Key = Step;

    fn measure_and_replace<T, F, E>(&self, step: &Step, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (stripe, set) = (step.hash as usize % STRIPES, (step.hash as usize / STRIPES) % SETS_PER_STRIPE);
        // A set is right at every point where a thread could have ended.
        let mut sets = self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner);
        let set = &mut sets[set * SET..][..SET];
        let own = (0..WAYS).find(|way| set[2 * way] == step.hash);
        let (answer, next) = decide(own.map(|way| Nanos::from(set[2 * way + 1])))?;
        if step.keep {
            let way = own.unwrap_or_else(|| owes_least(set));
            set[2 * way] = step.hash;
            set[2 * way + 1] = next.as_u64();
        }
        Ok(answer)
    }
}

fn owes_least(set: &[u64]) -> usize {
    (0..WAYS).min_by_key(|way| set[2 * way + 1]).unwrap_or_default()
}

const WAYS: usize = 8;
const SET: usize = 2 * WAYS;
const STRIPES: usize = 16;

/// 131,072 buckets in all: 2 MiB, and the memory is touched only where buckets come to lie.
const SETS_PER_STRIPE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Spreads keys as a hash does.
    fn step(key: u64, keep: bool) -> Step {
        Step::new((key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes(), keep)
    }

    fn put(table: &Table, key: u64, time: u64) {
        let step = step(key, true);
        table.measure_and_replace(&step, |_| Ok::<_, ()>(((), Nanos::from(time)))).unwrap();
    }

    fn get(table: &Table, key: u64) -> Option<u64> {
        let step = step(key, false);
        table.measure_and_replace(&step, |old| Ok::<_, ()>((old.map(Nanos::as_u64), Nanos::from(0)))).unwrap()
    }

    #[test]
    fn the_table_does_not_grow_and_debtors_stay() {
        let table = Table::new();
        for key in 0..1_000 {
            put(&table, key, 1_000_000);
        }
        for key in 1_000..1_000_000 {
            put(&table, key, 1_000 + key % 1_000);
        }
        assert!((0..1_000).all(|key| get(&table, key) == Some(1_000_000)));
        let places: usize = table.stripes.iter().map(|stripe| stripe.lock().unwrap().len()).sum();
        assert_eq!(places * 8, 2 * 1024 * 1024);
    }

    #[test]
    fn looking_changes_nothing() {
        let table = Table::new();
        put(&table, 7, 5);
        assert_eq!((get(&table, 7), get(&table, 7), get(&table, 8), get(&table, 8)), (Some(5), Some(5), None, None));
    }
}
