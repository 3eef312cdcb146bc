//! What the fuzz targets hold the code against: a second verifier, written from the format alone, slow and simple; and
//! what every answer over HTTP has to keep.

pub mod http;
pub mod reference;
pub mod token;

/// The app of the targets.
pub const APP_ID: &str = "eaa2d524f79f8ac632252761b8a02751";
/// Its certificate.
pub const CERTIFICATE: &str = "e0041b8f0f1439e741487dc3a62ea4cb";
/// The time of the targets.
pub const NOW: u64 = 1_800_000_000;
