//! Random numbers that need not be secret.

use std::cell::RefCell;

/// Random bytes of the operating system, fetched many at a time: asking for a few alone would cost more than what they
/// are for. They need not be secret, and must not be.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    const { assert!(N <= POOL_LEN) };
    POOL.with_borrow_mut(Pool::draw)
}

struct Pool {
    bytes: [u8; POOL_LEN],
    used: usize,
}

impl Pool {
    fn draw<const N: usize>(&mut self) -> [u8; N] {
        if self.bytes.len() - self.used < N {
            // Without a random source those of before are turned into others.
            if getrandom::fill(&mut self.bytes).is_err() {
                self.bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(5).wrapping_add(1));
            }
            self.used = 0;
        }
        let drawn = self.bytes[self.used..].first_chunk().expect("the pool has been filled");
        self.used += N;
        *drawn
    }
}

const POOL_LEN: usize = 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_LEN], used: POOL_LEN }) };
}
