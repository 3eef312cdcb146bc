//! The token server's part of the abuse catalogue: each case by its id, over real sockets, against the real program.
//!
//! After every case the program is the same one, has not panicked, holds no more memory and sockets than before, writes one
//! JSON object a line, and has said no secret.
//!
//! Waiting for what is not there yet:
//!
//! * H-26: HTTP/2.
//! * H-27 and H-50: the administration routes.
//! * H-47: two nodes.
//! * H-56: TLS.
//!
//! H-45, a name that leads elsewhere later, is tested where names are resolved: `symbolon-server/src/caller/jwks.rs`.

mod callers;
mod connections;
mod house;
mod inputs;
#[path = "../../../symbolon-server/tests/support/issuer.rs"]
mod issuer;
mod logins;
mod output;
mod overload;
