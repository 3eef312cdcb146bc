//! Builds, reads and verifies AccessToken2 (007) tokens, and the older 006 tokens where that is asked for.
//!
//! A token is a signed list of services with privileges. [`AccessToken`] builds one, and the functions of [`builder`]
//! are the familiar ways to fill it. [`Unverified`] is one that was read, of which nothing is proven; with the app's
//! certificate it becomes [`Claims`], and these say what a client may do now, here and as whom. [`verify`] does all of
//! that in one call.
//!
//! ```
//! use symbolon_token::builder::build_token_with_uid;
//! use symbolon_token::{AppCertificate, AppId, Issue, Limits, Policy, Role, UidRequest, Unverified};
//!
//! let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
//! let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
//!
//! let issue = Issue::now();
//! let token = build_token_with_uid(issue, app_id, &certificate, "room-1", 1001, Role::Publisher, 3600, 3600)?;
//!
//! let claims = Unverified::decode(&token, Limits::default())?.verify(&[certificate])?;
//! let now = issue.ts.into();
//! let access = claims.rtc_access(now, "room-1", UidRequest::Text("1001"), &Policy::default())?;
//! assert_eq!(access.join_until, now + 3600);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Times are Unix seconds and are arguments, as is the salt. Nothing here reads a clock, draws a random number, touches
//! a file or a socket; the one exception is [`Issue::now`].

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod access;
mod access_token;
pub mod builder;
mod claims;
mod error;
mod id;
pub mod legacy;
mod name;
mod service;
mod signature;
mod token_builder;
mod unverified;
mod verify;
mod wire;
mod zlib;

pub use access::{Access, Policy, RtcAccess, UidRequest, Wildcards};
pub use access_token::{AccessToken, Issue, Issuing, Mode};
pub use claims::{Claims, TokenId};
pub use error::{BuildError, TokenError};
pub use id::{AppCertificate, AppId, CertificateId, FormError};
pub use name::{channel_name_is_valid, user_account_is_valid};
pub use service::{
    ApaasPrivilege, ChatPrivilege, FcdnPrivilege, LoginPrivilege, PermissionType, Permissions, Privileges,
    ResourceType, Role, RtcPrivilege, Service, ServiceKind, StreamingPrivilege, rtc_privileges, uid_text,
};
pub use token_builder::{Compression, TokenBuilder};
pub use unverified::{Limits, Unproven, Unverified};
pub use verify::{JoinRequest, Project, Verifier, verify};
