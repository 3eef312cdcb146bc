//! The one place where both clocks are read, together.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use symbolon_proto::Now;

/// What time it is, on both clocks.
pub(crate) fn now() -> Now {
    // A wall clock before 1970 reads as 1970: every token is from the future then, and nothing is admitted.
    Now::new(Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
