//! The routes of the usual token server as the document of the routes has them.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathsBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ComponentsBuilder, PathItem, Required};

use crate::openapi::{TAG_COMPATIBLE, bearer_or_none, body, refusals, reply};

/// Adds the routes.
pub(crate) fn paths(paths: PathsBuilder) -> PathsBuilder {
    let ping = OperationBuilder::new()
        .tag(TAG_COMPATIBLE)
        .operation_id(Some("ping"))
        .summary(Some("Whether the server answers"))
        .response("200", reply("It does.", JSON, "Pong"));
    let paths = paths.path("/ping", PathItem::new(HttpMethod::Get, ping)).path("/getToken", get_token());
    GETS.iter().fold(paths, |paths, get| paths.path(get.path, get.item()))
}

/// Adds the types that the routes speak of.
pub(crate) fn schemas(components: ComponentsBuilder) -> ComponentsBuilder {
    let status = ObjectBuilder::new().schema_type(Type::Integer);
    let refusal = texts(&[]).property("error", text()).property("message", text()).property("status", status);
    let refusal = refusal.required("status").description(Some("What is wrong, in `error` or, for some, in `message`."));
    components
        .schema("Pong", texts(&["message"]))
        .schema("RtcToken", texts(&["rtcToken"]))
        .schema("RtmToken", texts(&["rtmToken"]))
        .schema("RtcAndRtmToken", texts(&["rtcToken", "rtmToken"]))
        .schema("ChatToken", texts(&["chatToken"]))
        .schema("AnyToken", texts(&["token"]))
        .schema("Refusal", refusal)
        .schema("Line", text().description(Some("What is wrong, in one line.")))
        .schema("GetTokenRequest", get_token_request())
}

/// One GET route.
struct Get {
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    answer: &'static str,
}

impl Get {
    fn item(&self) -> PathItem {
        let operation = OperationBuilder::new()
            .tag(TAG_COMPATIBLE)
            .operation_id(Some(self.id))
            .summary(Some(self.summary))
            .response("200", reply("The token.", JSON, self.answer));
        let operation = segments(operation, self.path);
        PathItem::new(HttpMethod::Get, bearer_or_none(refusals(operation, REFUSALS, JSON, "Refusal")))
    }
}

fn get_token() -> PathItem {
    let operation = OperationBuilder::new()
        .tag(TAG_COMPATIBLE)
        .operation_id(Some("getToken"))
        .summary(Some("A token of any kind"))
        .request_body(Some(body("application/json", "GetTokenRequest", get_token_example())))
        .response("200", reply("The token.", "application/json", "AnyToken"));
    let operation = refusals(operation, REFUSALS, LINE, "Line");
    PathItem::new(HttpMethod::Post, bearer_or_none(refusals(operation, BODY_REFUSALS, LINE, "Line")))
}

pub(super) fn get_token_example() -> Value {
    json!({ "tokenType": "rtc", "channel": "room-1", "role": "publisher", "uid": "1001", "expire": 3600 })
}

/// What a GET route is told: the segments of its path, and for how long.
pub(super) fn segments(operation: OperationBuilder, path: &str) -> OperationBuilder {
    let names = path.split(['{', '}']).skip(1).step_by(2);
    names.map(segment).fold(operation, OperationBuilder::parameter).parameter(expiry())
}

fn get_token_request() -> ObjectBuilder {
    let life = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(86_400));
    ObjectBuilder::new()
        .property("tokenType", text().enum_values(Some(["rtc", "rtm", "chat"])))
        .required("tokenType")
        .property("channel", text().description(Some("Needed for `rtc`.")))
        .property("role", text().description(Some("`publisher` or `subscriber`, which is the default.")))
        .property("uid", text().description(Some("Digits are a number, 0 any user; other texts are an account.")))
        .property("expire", life.description(Some("The token's life in seconds; 0 and none at all are 3600.")))
}

/// A segment of a path.
fn segment(name: &str) -> ParameterBuilder {
    let (schema, description, example) = match name {
        "channel" => (text(), "The channel.", "room-1"),
        "role" => (text(), "`publisher` or `subscriber`.", "publisher"),
        "tokenType" => {
            let kinds = text().enum_values(Some(["uid", "userAccount"]));
            (kinds, "What the next segment is: a number, or an account.", "uid")
        }
        "uid" => (text(), "The user: a number, where 0 is for any user, or an account.", "1001"),
        "rtmUid" => (text(), "The user of signalling, where it is another.", "ann"),
        _ => (text(), "The user.", "ann"),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(json!(example)))
}

fn expiry() -> ParameterBuilder {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(86_400));
    ParameterBuilder::new()
        .name("expiry")
        .parameter_in(ParameterIn::Query)
        .description(Some("The token's life in seconds."))
        .schema(Some(schema.default(Some(json!(3600)))))
        .example(Some(json!(600)))
}

/// An object of these texts, each of which is there.
pub(super) fn texts(names: &[&'static str]) -> ObjectBuilder {
    names.iter().fold(ObjectBuilder::new(), |object, name| object.property(*name, text()).required(*name))
}

pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) const JSON: &str = "application/json; charset=utf-8";
pub(super) const LINE: &str = "text/plain; charset=utf-8";

const GETS: &[Get] = &[
    Get {
        path: "/rtc/{channel}/{role}/{tokenType}/{uid}/",
        id: "rtcToken",
        summary: "A token to enter a channel",
        answer: "RtcToken",
    },
    Get { path: "/rtm/{uid}/", id: "rtmToken", summary: "A token for signalling", answer: "RtmToken" },
    Get {
        path: "/rte/{channel}/{role}/{tokenType}/{uid}/",
        id: "rteToken",
        summary: "A token to enter a channel, and one for signalling",
        answer: "RtcAndRtmToken",
    },
    Get {
        path: "/rte/{channel}/{role}/{tokenType}/{uid}/{rtmUid}/",
        id: "rteTokenForTwoUsers",
        summary: "The same, where the user of signalling is another",
        answer: "RtcAndRtmToken",
    },
    Get { path: "/chat/app/", id: "chatAppToken", summary: "A token for chat as the app itself", answer: "ChatToken" },
    Get {
        path: "/chat/account/{user}/",
        id: "chatUserToken",
        summary: "A token for one user of chat",
        answer: "ChatToken",
    },
];

pub(super) const REFUSALS: &[(&str, &str)] = &[
    ("400", "Something in the request is wrong."),
    ("401", "No credentials, or wrong ones."),
    ("403", "The caller's policy does not allow it."),
    ("429", "Too many requests; `Retry-After` says how long to wait."),
    ("503", "Something that this needs is not to be had."),
];

pub(super) const BODY_REFUSALS: &[(&str, &str)] = &[
    ("408", "The body did not come in time."),
    ("413", "The body is longer than 16 KiB."),
    ("415", "The body is compressed."),
];
