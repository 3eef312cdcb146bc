//! `POST /v1/tokens`: one token for any services, asked for in strict JSON.

mod answer;
pub(crate) mod document;
mod media_type;
mod object;
mod permissions;
mod problem;
mod request;
mod schema;
mod service;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use symbolon_token::AppId;

use self::answer::TokenAnswer;
use self::problem::problem;
use self::request::TokenRequest;
use super::mint::{Minter, Refusal};
use super::{Desk, TokenRoutes, json, read_body, settled};
use crate::caller::Denied;
use crate::request_id::RequestId;

/// The handler of `POST /v1/tokens`.
pub(crate) async fn answer(
    State(routes): State<TokenRoutes>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let trail = routes.trail(&parts, "v1/tokens");
    let refuse = |refusal: Refusal| problem(&refusal, &id);
    if let Err(refusal) = routes.admit(&parts.headers, &trail) {
        return refuse(refusal);
    }
    let (response, caller) = match routes.desk(&parts.headers, &trail).await {
        Ok(mut desk) => (desk.native(&parts.headers, body, &id).await.unwrap_or_else(refuse), Some(desk.caller)),
        Err(refusal) => (refuse(refusal), None),
    };
    settled(&routes, &trail, caller.as_ref(), response, refuse).await
}

/// The answer to any other method.
pub(crate) async fn method_not_allowed(Extension(id): Extension<RequestId>) -> Response {
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "tokens are asked for with POST");
    let mut response = problem(&refusal, &id);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

impl Desk<'_> {
    async fn native(&mut self, headers: &HeaderMap, body: Body, id: &RequestId) -> Result<Response, Refusal> {
        check_media_type(headers)?;
        let request = TokenRequest::decode(&read_body(headers, body).await?)?;
        if let Some(app_id) = request.app_id() {
            self.turn_to(app_id)?;
        }
        self.routes.0.limits.app(self.minter.app.id.as_str())?;
        let wanted = request.into_wanted()?;
        let minted = self.mint(&wanted)?;
        let answer = TokenAnswer::new(self.minter.app.id.as_str(), &minted, &wanted, id.as_str());
        Ok(json(StatusCode::OK, serde_json::to_string(&answer).expect("texts and numbers are JSON")))
    }

    /// Turns to the app that is named. One that is not served here is answered like one that the caller may not have.
    fn turn_to(&mut self, asked: &str) -> Result<(), Refusal> {
        let super::Inner { apps, policy, .. } = &*self.routes.0;
        let app = AppId::parse(asked).ok().and_then(|id| apps.find(&id)).ok_or(Denied::App)?;
        let is_default = app.id == apps.default_app().id;
        self.minter = Minter::new(app, is_default, *policy);
        self.minter.check_app(&self.caller)
    }
}

/// Only this type: a page elsewhere cannot send it without asking first.
fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    if media_type::is_json(headers) {
        return Ok(());
    }
    let text = "the body has to be JSON, with `Content-Type: application/json`";
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text))
}
