//! Every socket of the server side: HTTP, WebSocket and UDP, with the configuration and the clock.
//!
//! Nothing is decided here. Bytes, messages and the time go into the edge, and what comes of them goes out; tokens are
//! made by the token crate. Three types hold it together:
//!
//! * [`Config`]: file and environment, checked.
//! * [`Server`]: the sockets, bound; it runs until it is told to stop.
//! * the shard: the media thread with its one edge, fed through a bounded queue.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use symbolon_server::{Config, Server};
//!
//! let config = Config::load(None, &|name| std::env::var(name).ok())?;
//! let server = Server::bind(config).await?;
//! println!("http://{}/", server.addresses().public);
//! server.run(std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod app;
mod apps;
mod audit;
mod caller;
mod check_config;
mod client;
mod clock;
mod config;
mod guard;
mod health;
mod hex;
mod http;
#[doc(hidden)]
pub mod in_process;
mod json;
mod limit;
mod load;
mod metrics;
mod openapi;
mod origin;
mod page;
mod random;
mod request_id;
mod server;
mod shard;
mod signal;
mod state;
mod stop;
mod store;
mod story;
#[cfg(test)]
mod testing;
mod token;

pub use app::{App, Retired, check_app_id, check_certificate, fingerprint};
pub use audit::{Export, Period};
pub use caller::{Callers, KeyHash, NewKey, check_policy};
pub use check_config::{Checked, check_config};
pub use client::TrustedProxies;
pub use config::{
    AuditSettings, Config, ConfigError, ConnectionLimits, Environment, Mode, OptionalRoute, OptionalRoutes, Rate,
    RateLimits, ServerRole, TokenPolicy, others_cannot_read,
};
pub use origin::Origins;
pub use server::{Addresses, Server, StartError};
pub use state::StateError;
pub use store::{AppChange, AppError, Rotated, Secondary, Store, StoreError, StoredApp, StoredKey};
