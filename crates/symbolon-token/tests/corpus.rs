//! Every token that the fuzzer found worth keeping, held against the reference.

#[path = "../../../fuzz/src/reference.rs"]
#[allow(unreachable_pub, reason = "the fuzz crate has it as a library")]
mod reference;
#[path = "../../../fuzz/src/token.rs"]
#[allow(unreachable_pub, reason = "the fuzz crate has it as a library")]
mod token;

use std::path::Path;

pub(crate) const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
pub(crate) const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";
pub(crate) const NOW: u64 = 1_800_000_000;

#[test]
fn nothing_is_accepted_that_the_reference_refuses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/token_parse");
    let files = std::fs::read_dir(folder).expect("the corpus");
    let read =
        |file: std::io::Result<std::fs::DirEntry>| std::fs::read(file.expect("a file").path()).expect("an input");
    let opened: Vec<bool> = files.filter_map(|file| token::hold(&read(file))).collect();
    let opening = opened.iter().filter(|opens| **opens).count();
    assert!(opened.len() > 500 && opening > 0, "{opening} of {} open the channel", opened.len());
}
