//! `POST /v1/tokens` as the document of the routes has it.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathsBuilder};
use utoipa::openapi::{ComponentsBuilder, PathItem};

use super::answer::TokenAnswer;
use super::problem::Problem;
use super::request::TokenRequest;
use crate::openapi::{TAG_NATIVE, bearer_or_none, body, refusals, reply};

/// Adds the route.
pub(crate) fn paths(paths: PathsBuilder) -> PathsBuilder {
    let operation = OperationBuilder::new()
        .tag(TAG_NATIVE)
        .operation_id(Some("mintToken"))
        .summary(Some("One token, for one service or several"))
        .description(Some(TEXT))
        .request_body(Some(body("application/json", "TokenRequest", example())))
        .response(
            "200",
            reply("The token, and the times of everything in it.", "application/json; charset=utf-8", "TokenAnswer"),
        );
    let operation = bearer_or_none(refusals(operation, REFUSALS, "application/problem+json", "Problem"));
    paths.path("/v1/tokens", PathItem::new(HttpMethod::Post, operation))
}

/// Adds the types that the route speaks of.
pub(crate) fn schemas(components: ComponentsBuilder) -> ComponentsBuilder {
    let mut nested = Vec::new();
    TokenRequest::schemas(&mut nested);
    TokenAnswer::schemas(&mut nested);
    let components = components.schemas_from_iter(nested);
    components.schema_from::<TokenRequest>().schema_from::<TokenAnswer<'_>>().schema_from::<Problem<'_>>()
}

fn example() -> Value {
    json!({ "channel": "room-1", "uid": 1001, "role": "publisher", "expiresIn": 3600 })
}

const TEXT: &str = "Give `services`, or the fields of one `rtc` service directly. Each service is held against the \
     caller's policy, and the token is made whole or not at all. The body is one JSON object of at most 16 KiB; unknown \
     and repeated fields are refused.";

const REFUSALS: &[(&str, &str)] = &[
    ("400", "The body is not as it should be; `code` says which part."),
    ("401", "No credentials, or wrong ones."),
    ("403", "The caller's policy does not allow it."),
    ("405", "Another method than POST."),
    ("408", "The body did not come in time."),
    ("413", "The body is longer than 16 KiB."),
    ("415", "The body is no plain JSON."),
    ("429", "Too many requests; `Retry-After` says how long to wait."),
    ("503", "Something that this needs is not to be had; `Retry-After` says when to try again, where that is known."),
];
