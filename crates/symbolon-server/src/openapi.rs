//! The description of the token routes at `/v1/openapi.json`, made from the types that they read and write.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::path::{OperationBuilder, PathsBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, Required,
    ResponseBuilder,
};

use crate::token::{self, document, native, optional};

/// The handler of `/v1/openapi.json`.
pub(crate) async fn answer() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(text);
    token::json(StatusCode::OK, TEXT.clone())
}

/// A successful answer of this type.
pub(crate) fn reply(description: &str, content_type: &str, schema: &str) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    ResponseBuilder::new().description(description).content(content_type, content)
}

/// A body of this type, which has to be there.
pub(crate) fn body(content_type: &str, schema: &str, example: Value) -> RequestBody {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(Some(example)).build();
    RequestBodyBuilder::new().required(Some(Required::True)).content(content_type, content).build()
}

/// Adds refusals, which all look alike.
pub(crate) fn refusals(
    operation: OperationBuilder,
    statuses: &[(&str, &str)],
    content_type: &str,
    schema: &str,
) -> OperationBuilder {
    let add = |operation: OperationBuilder, (status, description): &(&str, &str)| {
        operation.response(*status, reply(description, content_type, schema))
    };
    statuses.iter().fold(operation, add)
}

/// For callers with credentials; for all where the server is open.
pub(crate) fn bearer_or_none(operation: OperationBuilder) -> OperationBuilder {
    let bearer = SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, []);
    operation.security(bearer).security(SecurityRequirement::default())
}

fn text() -> String {
    document().to_pretty_json().expect("a description is JSON") + "\n"
}

fn document() -> OpenApi {
    let license = LicenseBuilder::new().name("MIT or Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Symbolon")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Asking for tokens over HTTP."))
        .license(Some(license))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(BEARER_TEXT)).build();
    let components = ComponentsBuilder::new().security_scheme(BEARER, SecurityScheme::Http(bearer));
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(info)
        .tags(Some([
            tag(TAG_NATIVE, "For new applications."),
            tag(TAG_COMPATIBLE, "The routes of the community token server, for applications that use them already."),
            tag(
                TAG_OPTIONAL,
                "The routes of samples and of older servers. They are off unless `tokens.routes` names them.",
            ),
        ]))
        .paths(optional::document::paths(document::paths(native::document::paths(PathsBuilder::new()))))
        .components(Some(optional::document::schemas(document::schemas(native::document::schemas(components))).build()))
        .build()
}

pub(crate) const TAG_NATIVE: &str = "Tokens";
pub(crate) const TAG_COMPATIBLE: &str = "Compatible routes";

pub(crate) const TAG_OPTIONAL: &str = "Routes of samples and older servers";

const BEARER: &str = "bearer";
const BEARER_TEXT: &str = "An API key of this server, or a JWT of the app's own login. None where the server is open.";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_document_is_up_to_date() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/openapi.json");
        if std::env::var_os("UPDATE_SPEC").is_some() {
            return std::fs::write(&file, text()).unwrap();
        }
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            found == text(),
            "spec/openapi.json is out of date: run UPDATE_SPEC=1 cargo test -p symbolon-server openapi, and look at it"
        );
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_type_is_used() {
        let document: Value = serde_json::from_str(&text()).unwrap();
        let mut references = std::collections::BTreeSet::new();
        collect(&document, &mut references);
        let types = document["components"]["schemas"].as_object().unwrap();
        let known = types.keys().map(|name| format!("#/components/schemas/{name}")).collect();
        assert_eq!(references, known);
    }

    fn collect(value: &Value, references: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| collect(field, references));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
