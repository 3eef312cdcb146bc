//! Requests of any kind, in process: see the oracle.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use symbolon_fuzz::http::Oracle;

static ORACLE: LazyLock<Oracle> = LazyLock::new(Oracle::new);

fuzz_target!(|input: &[u8]| {
    ORACLE.hold(input);
});
