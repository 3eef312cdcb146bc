//! The stories.

mod abuse;
mod joins;
mod media;
mod paths;
mod rights;
mod slots;
