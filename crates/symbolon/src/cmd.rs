//! The commands, one file each.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod health;
pub(crate) mod key;
pub(crate) mod serve;
pub(crate) mod token;
