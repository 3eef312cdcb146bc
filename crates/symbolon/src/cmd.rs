//! The commands, one file each.

pub(crate) mod app;
pub(crate) mod audit;
pub(crate) mod check_config;
pub(crate) mod config;
pub(crate) mod health;
pub(crate) mod key;
#[cfg(target_os = "linux")]
pub(crate) mod load;
pub(crate) mod manual;
pub(crate) mod serve;
pub(crate) mod state;
pub(crate) mod token;
