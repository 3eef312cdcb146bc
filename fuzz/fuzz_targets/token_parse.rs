//! Token texts, and rightly signed tokens of any body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use symbolon_fuzz::token;

fuzz_target!(|input: &[u8]| {
    token::hold(input);
});
