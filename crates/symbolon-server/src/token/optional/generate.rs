//! `POST /token/generate`: one token for several services.

use axum::http::StatusCode;
use symbolon_token::{ChatPrivilege, LoginPrivilege, Privileges, Service};

use super::super::Desk;
use super::super::go;
use super::super::mint::{DEFAULT_LIFE, EXPIRE_TOO_LONG, Refusal, check_life};
use super::super::wanted::{Wanted, chat};
use super::fields::Fields;

impl Desk<'_> {
    pub(super) fn generate(&self, body: &[u8]) -> Result<String, Refusal> {
        let fields = Fields::decode(body)?;
        let life = life(&fields, "tokenExpireTs", DEFAULT_LIFE)?;
        let privileges = life_within(&fields, life)?;
        let services = self.services(&fields, privileges)?;
        let token = self.mint(&Wanted::of(services, life))?.token;
        Ok(format!(r#"{{"code":0,"data":{{"token":"{token}"}},"message":"Success"}}"#))
    }

    /// Those that are switched on, each for `life` seconds.
    fn services(&self, fields: &Fields, life: u32) -> Result<Vec<Service>, Refusal> {
        let mut services = Vec::new();
        let rtc = fields.object("serviceRtc")?;
        if rtc.flag("enable")? {
            let role = self.role(&rtc.role()?)?;
            let user = self.generated_user(fields)?;
            services.push(Service::rtc(fields.text("channelName")?, user, role.privileges(life)));
        }
        if fields.object("serviceRtm")?.flag("enable")? {
            services.push(Service::rtm(fields.user(true)?, life));
        }
        if fields.object("serviceFpa")?.flag("enable")? {
            services.push(Service::Fpa { privileges: Privileges::from([(LoginPrivilege::Login.id(), life)]) });
        }
        services.extend(chat_service(&fields.object("serviceChat")?, life)?);
        if ["enableRoomUser", "enableUser", "enableApp", "enable"]
            .iter()
            .try_fold(false, |any, name| Ok::<_, Refusal>(any | fields.object("serviceApaas")?.flag(name)?))?
        {
            return Err(wrong_services("`serviceApaas` is not made here; leave it out"));
        }
        if services.is_empty() { Err(wrong_services(NO_SERVICE)) } else { Ok(services) }
    }

    /// A text of digits is a number.
    fn generated_user(&self, fields: &Fields) -> Result<String, Refusal> {
        let user = fields.user(true)?;
        if user.is_empty() { Ok(user) } else { self.rtc_user(user) }
    }
}

/// For one user or for the app: a token for both would carry the right to administer under a user's name.
fn chat_service(chat_fields: &Fields, life: u32) -> Result<Option<Service>, Refusal> {
    match (chat_fields.flag("enableUser")?, chat_fields.flag("enableApp")?) {
        (false, false) => Ok(None),
        (true, false) => Ok(Some(chat(chat_fields.text("userUuid")?, ChatPrivilege::User, life))),
        (false, true) => Ok(Some(chat(String::new(), ChatPrivilege::App, life))),
        (true, true) => Err(wrong_services("`serviceChat` takes `enableUser` or `enableApp`, not both in one token")),
    }
}

/// The life of the privileges: no longer than the token's, which it is unless another is given.
fn life_within(fields: &Fields, token: u32) -> Result<u32, Refusal> {
    let privileges = life(fields, "privilegeExpireTs", token)?;
    if privileges > token {
        let text =
            format!("privileges of {privileges} s would outlive their token of {token} s; raise `tokenExpireTs`");
        return Err(Refusal::bad_request(EXPIRE_TOO_LONG, text));
    }
    Ok(privileges)
}

/// A life in seconds; 0 and nothing mean the default.
fn life(fields: &Fields, name: &str, default: u32) -> Result<u32, Refusal> {
    match fields.number(name)? {
        0 => Ok(default),
        seconds => check_life(seconds),
    }
}

fn wrong_services(text: &str) -> Refusal {
    Refusal::bad_request("invalid_services", text)
}

/// -1 where the request is wrong, -2 where it is right and there is no token.
pub(super) fn refused(refusal: &Refusal) -> String {
    let code = match refusal.status {
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE => -2,
        _ => -1,
    };
    format!(r#"{{"code":{code},"data":null,"message":{}}}"#, go::json_string(&refusal.text))
}

const NO_SERVICE: &str = "no service is enabled; set `enable` in `serviceRtc`, for example";
