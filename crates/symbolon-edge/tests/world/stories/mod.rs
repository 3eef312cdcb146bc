//! The stories.

mod abuse;
mod joins;
mod layers;
mod media;
mod paths;
mod rights;
mod slots;
