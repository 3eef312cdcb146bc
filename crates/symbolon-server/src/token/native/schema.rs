//! Parts of the request's description that the Rust types do not say.

use serde_json::json;
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::service::{
    ApaasService, CdnService, PlainService, RtcService, Rtm2Service, ServiceRequest, StreamingService, UserService,
};

/// A life in seconds.
pub(super) fn life() -> Object {
    seconds().description(Some("How many seconds the token lives.")).default(Some(json!(3600))).build()
}

/// A user's number.
pub(super) fn uid() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(u32::MAX));
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(0|[1-9][0-9]{0,9})$"));
    let description = "A number from 1 to 4294967295, or its decimal text; 0 is for any user. In its place: `account`.";
    OneOfBuilder::new().item(number).item(text).description(Some(description)).into()
}

/// What its holder may do, in one word.
pub(super) fn role() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["publisher", "subscriber"]))
        .default(Some(json!("subscriber")))
        .description(Some("What the user may do. In its place: `privileges`."))
        .build()
}

/// One privilege.
pub(super) fn granted() -> Schema {
    let whole = ObjectBuilder::new().schema_type(Type::Boolean);
    let description = "Its life in seconds, no longer than the token's; `true` for the token's; `false` for none.";
    OneOfBuilder::new().item(seconds()).item(whole).description(Some(description)).into()
}

/// The word of each service, and what stands beside it.
impl PartialSchema for ServiceRequest {
    fn schema() -> RefOr<Schema> {
        let kinds = [
            of_kind("rtc", "To enter a channel.", RtcService::schema()),
            of_kind("rtm", "For signalling.", UserService::schema()),
            of_kind("rtm2", "For signalling, with what its user may read and write.", Rtm2Service::schema()),
            of_kind("chat", "For one user of chat.", UserService::schema()),
            of_kind("chat_app", "For the administration of chat.", PlainService::schema()),
            of_kind("streaming", "For pushing streams out of a channel.", StreamingService::schema()),
            of_kind("cdn", "For the content delivery network.", CdnService::schema()),
            of_kind("apaas", "For a classroom.", ApaasService::schema()),
            of_kind("fpa", "For full-path acceleration.", PlainService::schema()),
            of_kind("convoai", "For conversational agents, beside what enters their channel.", PlainService::schema()),
            of_kind("stt", "For speech to text, beside what enters its channel.", PlainService::schema()),
        ];
        let one_of = kinds.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
        one_of.description(Some("One service, by its `kind`.")).into()
    }
}

impl ToSchema for ServiceRequest {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        RtcService::schemas(schemas);
        StreamingService::schemas(schemas);
        CdnService::schemas(schemas);
        Rtm2Service::schemas(schemas);
        ApaasService::schemas(schemas);
    }
}

/// The fields of a service with its `kind` among them: they refuse unknown fields, so it cannot stand beside them.
fn of_kind(kind: &'static str, description: &'static str, fields: RefOr<Schema>) -> Schema {
    let RefOr::T(Schema::Object(fields)) = fields else { unreachable!("a service is an object") };
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind]));
    ObjectBuilder::from(fields)
        .title(Some(kind))
        .description(Some(description))
        .property("kind", word)
        .required("kind")
        .into()
}

fn seconds() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(86_400))
}
