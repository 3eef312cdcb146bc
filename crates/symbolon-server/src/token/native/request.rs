//! The body of `POST /v1/tokens`.

use super::super::mint::{DEFAULT_LIFE, Refusal, check_life};
use super::super::wanted::Wanted;
use super::object::Object;
use super::schema;
use super::service::{RtcPrivileges, RtcService, ServiceRequest};
use crate::json;
use serde::Deserialize;
use serde_json::Number;
use utoipa::ToSchema;

/// What a token shall grant. Either `services` lists it, or the fields of one `rtc` service stand here directly.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// The app that the token is for: 32 hexadecimal digits. Default: the server's own app.
    app_id: Option<String>,
    /// How many seconds the token lives.
    #[schema(schema_with = schema::life)]
    expires_in: Option<Number>,
    /// What the token grants, when it is more than entering one channel: at most ten services.
    #[schema(value_type = Option<Vec<ServiceRequest>>, min_items = 1, max_items = 10)]
    services: Option<Vec<Object<ServiceRequest>>>,
    channel: Option<String>,
    /// As in the service `rtc`.
    #[schema(schema_with = schema::uid)]
    uid: Option<serde_json::Value>,
    /// As in the service `rtc`.
    account: Option<String>,
    /// As in the service `rtc`.
    #[schema(schema_with = schema::role)]
    role: Option<String>,
    /// As in the service `rtc`.
    #[schema(value_type = Option<RtcPrivileges>)]
    privileges: Option<Object<RtcPrivileges>>,
}

impl TokenRequest {
    /// Reads one JSON object, exactly.
    pub(super) fn decode(body: &[u8]) -> Result<Self, Refusal> {
        if !json::depth_is_bounded(body) {
            let text = format!("the body is JSON nested deeper than {} levels", json::MAX_DEPTH);
            return Err(Refusal::bad_request("invalid_json", text));
        }
        serde_json::from_slice(body).map(|Object(request)| request).map_err(|error| wrong_json(body, &error))
    }

    pub(super) fn app_id(&self) -> Option<&str> {
        self.app_id.as_deref()
    }

    /// The token that this asks for, checked as far as it can be without knowing who asks.
    pub(super) fn into_wanted(self) -> Result<Wanted, Refusal> {
        let life = self.expires_in.as_ref().map_or(Ok(DEFAULT_LIFE), life)?;
        let services = self.into_services()?.into_iter().map(|service| service.into_service(life));
        Ok(Wanted::of(services.collect::<Result<_, _>>()?, life))
    }

    fn into_services(self) -> Result<Vec<ServiceRequest>, Refusal> {
        let Self { services, channel, uid, account, role, privileges, .. } = self;
        let short = channel.is_some() || uid.is_some() || account.is_some() || role.is_some() || privileges.is_some();
        match services {
            Some(_) if short => Err(wrong_services("give `services`, or the fields of one rtc service, not both")),
            Some(services) if (1..=MAX_SERVICES).contains(&services.len()) => {
                Ok(services.into_iter().map(|Object(service)| service).collect())
            }
            Some(services) => {
                Err(wrong_services(format!("a token holds 1 to {MAX_SERVICES} services, not {}", services.len())))
            }
            None if short => Ok(vec![ServiceRequest::Rtc(RtcService { channel, uid, account, role, privileges })]),
            None => Err(wrong_services("say what the token is for: `channel` and `uid`, or `services`")),
        }
    }
}

/// A number of seconds.
pub(super) fn life(number: &Number) -> Result<u32, Refusal> {
    match number.as_u64() {
        Some(seconds) => check_life(seconds),
        None => {
            let text = format!("a life is a whole number of seconds from 1 to 86400, not {number}");
            Err(Refusal::bad_request("invalid_expire", text))
        }
    }
}

fn wrong_services(text: impl Into<String>) -> Refusal {
    Refusal::bad_request("invalid_services", text)
}

fn wrong_json(body: &[u8], error: &serde_json::Error) -> Refusal {
    let text: String = error.to_string().chars().take(MAX_ERROR).collect();
    let code = if text.starts_with("unknown field") {
        "unknown_field"
    } else if text.starts_with("unknown variant") || text.starts_with("missing field `kind`") {
        "invalid_services"
    } else if text.starts_with("number out of range") {
        match last_key(body, error) {
            Some(b"expiresIn") => "invalid_expire",
            Some(b"uid") => "invalid_uid",
            _ => "invalid_json",
        }
    } else {
        "invalid_json"
    };
    Refusal::bad_request(code, format!("the body is not as it should be: {text}"))
}

/// The last text in quotes before the place of an error: the key, where its value is a number that is too large.
fn last_key<'a>(body: &'a [u8], error: &serde_json::Error) -> Option<&'a [u8]> {
    let line = body.split(|byte| *byte == b'\n').nth(error.line().checked_sub(1)?)?;
    line.get(..error.column())?.rsplit(|byte| *byte == b'"').nth(1)
}

/// The most services of one token: every kind once.
const MAX_SERVICES: usize = 10;

/// The most characters of a parser's words that are repeated.
const MAX_ERROR: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> &'static str {
        let wanted = TokenRequest::decode(body.as_bytes()).and_then(TokenRequest::into_wanted);
        wanted.map(|wanted| panic!("{body}: {wanted:?}")).unwrap_err().reason
    }

    #[test]
    fn anything_but_one_plain_object_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            r#"["0","60"]"#,
            "{}{}",
            "{} x",
            r#"{"channel":"a","channel":"b","uid":1}"#,
            r#"{"channel":1,"uid":1}"#,
            r#"{"channel":"\ud800","uid":1}"#,
            r#"{"channel":"c","uid":1,"privileges":[60]}"#,
            r#"{"services":[["rtc","c",1]]}"#,
            r#"{"services":[{"kind":"rtc","kind":"rtc","channel":"c","uid":1}]}"#,
            r#"{"services":[{"kind":"rtc","channel":"c","uid":1,"uid":2}]}"#,
            r#"{"services":{"kind":"rtm","user":"ann"}}"#,
            "\u{feff}{}",
        ] {
            assert_eq!(refused(body), "invalid_json", "{body}");
        }
        assert_eq!(refused(&"[".repeat(100_000)), "invalid_json");
    }

    #[test]
    fn every_mistake_has_its_own_word() {
        for (body, code) in [
            (r#"{"channel":"c","uid":1,"isAdmin":true}"#, "unknown_field"),
            (r#"{"Channel":"c","uid":1}"#, "unknown_field"),
            (r#"{"services":[{"kind":"rtm","user":"ann","uid":1}]}"#, "unknown_field"),
            (r#"{"channel":"c","uid":1,"privileges":{"fly":60}}"#, "unknown_field"),
            (r#"{}"#, "invalid_services"),
            (r#"{"services":[]}"#, "invalid_services"),
            (r#"{"services":[{"kind":"telepathy"}]}"#, "invalid_services"),
            (r#"{"services":[{"channel":"c","uid":1}]}"#, "invalid_services"),
            (r#"{"services":[{"kind":"rtm","user":"ann"}],"uid":1}"#, "invalid_services"),
            (r#"{"uid":1}"#, "invalid_channel"),
            (r#"{"channel":"c"}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":1,"account":"ann"}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":4294967296}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":-1}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":1.0}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":1e309}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":true}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":"ann"}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":" 1001"}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":"01001"}"#, "invalid_uid"),
            (r#"{"channel":"c","account":"0"}"#, "invalid_uid"),
            (r#"{"channel":"c","account":"+1001"}"#, "invalid_uid"),
            (r#"{"channel":"c","account":"01001"}"#, "invalid_uid"),
            (r#"{"channel":"c","uid":1,"role":"admin"}"#, "invalid_role"),
            (r#"{"channel":"c","uid":1,"role":"Publisher"}"#, "invalid_role"),
            (r#"{"channel":"c","uid":1,"expiresIn":0}"#, "invalid_expire"),
            (r#"{"channel":"c","uid":1,"expiresIn":-1}"#, "invalid_expire"),
            (r#"{"channel":"c","uid":1,"expiresIn":60.5}"#, "invalid_expire"),
            (r#"{"channel":"c","uid":1,"expiresIn":1e309}"#, "invalid_expire"),
            (r#"{"channel":"c","uid":1,"expiresIn":9223372036854775808}"#, "expire_too_long"),
            (r#"{"channel":"c","uid":1,"expiresIn":86401}"#, "expire_too_long"),
            (r#"{"channel":"c","uid":1,"privileges":{"join":3601}}"#, "expire_too_long"),
            (r#"{"channel":"c","uid":1,"privileges":{"join":0}}"#, "invalid_expire"),
            (r#"{"channel":"c","uid":1,"privileges":{"join":"60"}}"#, "invalid_privileges"),
            (r#"{"channel":"c","uid":1,"privileges":{"publish_audio":60}}"#, "invalid_privileges"),
            (r#"{"channel":"c","uid":1,"privileges":{"join":true},"role":"publisher"}"#, "invalid_privileges"),
        ] {
            assert_eq!(refused(body), code, "{body}");
        }
    }
}
