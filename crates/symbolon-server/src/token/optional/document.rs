//! These routes as the document of the routes has them, whether they are switched on or not.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathsBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ComponentsBuilder, PathItem, Required};

use super::super::document::{BODY_REFUSALS, JSON, LINE, REFUSALS, get_token_example, segments, text, texts};
use crate::openapi::{TAG_OPTIONAL, bearer_or_none, body, refusals, reply};

/// Adds the routes.
pub(crate) fn paths(paths: PathsBuilder) -> PathsBuilder {
    let paths = POSTS.iter().fold(paths, |paths, post| paths.path(post.path, post.item()));
    let paths = NODE.iter().fold(paths, |paths, (path, id, answer)| paths.path(*path, node(path, id, answer)));
    paths.path("/access_token", access_token())
}

/// Adds the types that the routes speak of.
pub(crate) fn schemas(components: ComponentsBuilder) -> ComponentsBuilder {
    let integer = || ObjectBuilder::new().schema_type(Type::Integer);
    let service = |fields: &[&'static str]| {
        fields.iter().fold(ObjectBuilder::new(), |object, field| {
            object.property(*field, if matches!(*field, "userUuid" | "role") { text() } else { flag() })
        })
    };
    let data = ObjectBuilder::new().property("token", text());
    components
        .schema(
            "Fetched",
            texts(&["code", "token"])
                .description(Some("`code` is the status, and `token` the token or what is wrong.")),
        )
        .schema(
            "Generated",
            ObjectBuilder::new()
                .property("code", integer().description(Some("0; -1 for a wrong request, -2 where no token is given.")))
                .property("data", data.description(Some("Null where there is no token.")))
                .property("message", text())
                .required("code")
                .required("data")
                .required("message"),
        )
        .schema("Problematic", texts(&["error"]))
        .schema("FetchRtcRequest", fetch_rtc())
        .schema("FetchRtmRequest", texts(&["uid"]))
        .schema(
            "GenerateRequest",
            ObjectBuilder::new()
                .property("channelName", text())
                .property(
                    "uid",
                    text().description(Some("Digits are a number, 0 any user; other texts are an account.")),
                )
                .property("tokenExpireTs", integer().description(Some("The token's life in seconds.")))
                .property("privilegeExpireTs", integer().description(Some("The life of its privileges in seconds.")))
                .property("serviceRtc", service(&["enable", "role"]))
                .property("serviceRtm", service(&["enable"]))
                .property("serviceFpa", service(&["enable"]))
                .property("serviceChat", service(&["enableUser", "enableApp", "userUuid"])),
        )
}

/// A POST route.
struct Post {
    path: &'static str,
    id: &'static str,
    switch: &'static str,
    request: &'static str,
    answer: &'static str,
    refusal: &'static str,
    example: fn() -> Value,
}

impl Post {
    fn item(&self) -> PathItem {
        let is_line = self.refusal == "Line";
        let operation = operation(self.id, self.switch)
            .request_body(Some(body("application/json", self.request, (self.example)())))
            .response("200", reply("The token.", if is_line { "application/json" } else { JSON }, self.answer));
        let content_type = if is_line { LINE } else { JSON };
        let operation = refusals(operation, REFUSALS, content_type, self.refusal);
        PathItem::new(HttpMethod::Post, bearer_or_none(refusals(operation, BODY_REFUSALS, content_type, self.refusal)))
    }
}

fn node(path: &str, id: &str, answer: &str) -> PathItem {
    let operation = operation(id, "node").response("200", reply("The token, of the 006 format.", JSON, answer));
    let operation = segments(operation, path);
    PathItem::new(HttpMethod::Get, bearer_or_none(refusals(operation, REFUSALS, JSON, "Problematic")))
}

fn access_token() -> PathItem {
    let answer = reply("The token, of the 006 format; to join only.", JSON, "AnyToken");
    let operation = [
        ("channel", "The channel.", "room-1"),
        ("uid", "The user: a number or an account; none is for any user.", "1001"),
    ]
    .into_iter()
    .map(|(name, description, example)| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(text()))
            .example(Some(json!(example)))
    })
    .fold(operation("accessToken", "access_token"), OperationBuilder::parameter)
    .response("200", answer)
    .response("500", reply("The channel is missing.", JSON, "Problematic"));
    PathItem::new(HttpMethod::Get, bearer_or_none(refusals(operation, REFUSALS, JSON, "Problematic")))
}

fn operation(id: &str, switch: &str) -> OperationBuilder {
    let description = format!("Off unless `tokens.routes` names `{switch}`.");
    OperationBuilder::new()
        .tag(TAG_OPTIONAL)
        .operation_id(Some(id))
        .summary(Some(format!("Switched on by `{switch}`")))
        .description(Some(description))
}

fn fetch_rtc() -> ObjectBuilder {
    let number =
        |description| ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).description(Some(description));
    ObjectBuilder::new()
        .property("uid", number("The user; 0 is for any."))
        .property("ChannelName", text())
        .property("role", number("1 is the publisher, 2 the subscriber."))
        .required("uid")
        .required("ChannelName")
}

fn flag() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

const POSTS: &[Post] = &[
    Post {
        path: "/fetch_rtc_token",
        id: "fetchRtcToken",
        switch: "fetch",
        request: "FetchRtcRequest",
        answer: "Fetched",
        refusal: "Fetched",
        example: || json!({ "uid": 1234, "ChannelName": "room-1", "role": 1 }),
    },
    Post {
        path: "/fetch_rtm_token",
        id: "fetchRtmToken",
        switch: "fetch",
        request: "FetchRtmRequest",
        answer: "Fetched",
        refusal: "Fetched",
        example: || json!({ "uid": "ann" }),
    },
    Post {
        path: "/token/generate",
        id: "generateToken",
        switch: "generate",
        request: "GenerateRequest",
        answer: "Generated",
        refusal: "Generated",
        example: || json!({ "channelName": "room-1", "uid": "1001", "serviceRtc": { "enable": true, "role": "1" } }),
    },
    Post {
        path: "/token/getNew",
        id: "getNewToken",
        switch: "middleware",
        request: "GetTokenRequest",
        answer: "AnyToken",
        refusal: "Line",
        example: get_token_example,
    },
];

/// Path, name of the operation, type of the answer.
const NODE: &[(&str, &str, &str)] = &[
    ("/rtc/{channel}/{role}/{tokenType}/{uid}", "nodeRtcToken", "RtcToken"),
    ("/rtm/{uid}", "nodeRtmToken", "RtmToken"),
    ("/rte/{channel}/{role}/{tokenType}/{uid}", "nodeRteToken", "RtcAndRtmToken"),
    ("/rte/{channel}/{role}/{tokenType}/{uid}/{rtmUid}", "nodeRteTokenForTwoUsers", "RtcAndRtmToken"),
];
