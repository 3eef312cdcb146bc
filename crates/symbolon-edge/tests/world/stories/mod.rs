//! The stories.

mod abuse;
mod catalogue;
mod joins;
mod layers;
mod media;
mod paths;
mod rights;
mod slots;
