//! The stories.

mod media;
