//! The token routes of samples and older servers, each off unless it is switched on.

pub(crate) mod document;
mod fetch;
mod fields;
mod generate;
mod node;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::mint::Refusal;
use super::path::{Place, Route};
use super::wanted::Format;
use super::{Desk, TokenRoutes, json, post, read_body, settled};
use crate::config::{OptionalRoute, OptionalRoutes};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Optional<'a> {
    FetchRtc,
    FetchRtm,
    Generate,
    Middleware,
    NodeRtc(Place<'a>),
    NodeRtm { uid: &'a str },
    NodeRte { place: Place<'a>, rtm_uid: &'a str },
    AccessToken,
}

impl<'a> Optional<'a> {
    /// Finds the route of a path, if it is on.
    pub(super) fn find(on: OptionalRoutes, method: &Method, path: &'a str) -> Option<Self> {
        if on.is_empty() {
            return None;
        }
        let (switch, route) = match (method, path) {
            (&Method::POST, "/fetch_rtc_token") => (OptionalRoute::Fetch, Self::FetchRtc),
            (&Method::POST, "/fetch_rtm_token") => (OptionalRoute::Fetch, Self::FetchRtm),
            (&Method::POST, "/token/generate") => (OptionalRoute::Generate, Self::Generate),
            (&Method::POST, "/token/getNew") => (OptionalRoute::Middleware, Self::Middleware),
            (&Method::GET, "/access_token") => (OptionalRoute::AccessToken, Self::AccessToken),
            (&Method::GET, _) => (OptionalRoute::Node, Self::node(path)?),
            _ => return None,
        };
        on.has(switch).then_some(route)
    }

    /// The usual GET routes without their final slash, which are redirects otherwise.
    fn node(path: &'a str) -> Option<Self> {
        if path.to_ascii_lowercase().contains("%2f") {
            return None;
        }
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let place = |channel, role, token_type, uid| Place { channel, role, token_type, uid };
        match *segments {
            [.., ""] => None,
            ["rtc", channel, role, token_type, uid] => Some(Self::NodeRtc(place(channel, role, token_type, uid))),
            ["rtm", uid] => Some(Self::NodeRtm { uid }),
            ["rte", channel, role, token_type, uid] => {
                Some(Self::NodeRte { place: place(channel, role, token_type, uid), rtm_uid: "" })
            }
            ["rte", channel, role, token_type, uid, rtm_uid] => {
                Some(Self::NodeRte { place: place(channel, role, token_type, uid), rtm_uid })
            }
            _ => None,
        }
    }

    /// The word for it in the audit.
    fn word(self) -> &'static str {
        match self {
            Self::FetchRtc => "fetch_rtc_token",
            Self::FetchRtm => "fetch_rtm_token",
            Self::Generate => "token/generate",
            Self::Middleware => "token/getNew",
            Self::NodeRtc(place) => Route::Rtc(place).word(),
            Self::NodeRtm { uid } => Route::Rtm { uid }.word(),
            Self::NodeRte { place, rtm_uid } => Route::Rte { place, rtm_uid }.word(),
            Self::AccessToken => "access_token",
        }
    }

    /// A refusal in the form of this route.
    fn refused(self, refusal: &Refusal) -> Response {
        let body = match self {
            Self::Middleware => return post::line(refusal),
            Self::FetchRtc | Self::FetchRtm => fetch::refused(refusal),
            Self::Generate => generate::refused(refusal),
            Self::NodeRtc(_) | Self::NodeRtm { .. } | Self::NodeRte { .. } | Self::AccessToken => {
                node::refused(refusal)
            }
        };
        let mut response = json(refusal.status, body);
        post::mark(refusal.status, refusal.reason, refusal.retry_after, &mut response);
        response
    }
}

impl Desk<'_> {
    async fn optional(&self, route: Optional<'_>, parts: &Parts, body: Body) -> Result<Response, Refusal> {
        let query = parts.uri.query();
        let body = match route {
            Optional::FetchRtc => self.fetch_rtc(&read_body(&parts.headers, body).await?)?,
            Optional::FetchRtm => self.fetch_rtm(&read_body(&parts.headers, body).await?)?,
            Optional::Generate => self.generate(&read_body(&parts.headers, body).await?)?,
            Optional::Middleware => return Ok(self.post(&read_body(&parts.headers, body).await?)),
            Optional::NodeRtc(place) => self.try_rtc(place, query, Format::V006)?,
            Optional::NodeRtm { uid } => self.try_rtm(uid, query, Format::V006)?,
            Optional::NodeRte { place, rtm_uid } => self.try_rte(place, rtm_uid, query, Format::V006)?,
            Optional::AccessToken => self.access_token(query.unwrap_or_default())?,
        };
        Ok(json(StatusCode::OK, body))
    }
}

/// Answers such a route.
pub(super) async fn answer(routes: &TokenRoutes, route: Optional<'_>, parts: &Parts, body: Body) -> Response {
    let trail = routes.trail(parts, route.word());
    let refuse = |refusal: Refusal| route.refused(&refusal);
    if let Err(refusal) = routes.admit(&parts.headers, &trail) {
        return refuse(refusal);
    }
    let (response, caller) = match routes.desk(&parts.headers, &trail).await.and_then(Desk::counted) {
        Ok(desk) => (desk.optional(route, parts, body).await.unwrap_or_else(refuse), Some(desk.caller)),
        Err(refusal) => (refuse(refusal), None),
    };
    settled(routes, &trail, caller.as_ref(), response, refuse).await
}
