//! The services that `POST /v1/tokens` knows.

use serde::Deserialize;
use serde_json::Value;
use symbolon_token::{
    ChatPrivilege, FcdnPrivilege, Privileges, Role, RtcPrivilege, Service, StreamingPrivilege, uid_text,
};
use utoipa::ToSchema;

use super::super::go;
use super::super::mint::{EXPIRE_TOO_LONG, INVALID_CHANNEL, INVALID_UID, Refusal, parse_role};
use super::super::post::looks_like_a_number;
use super::super::wanted::chat;
use super::object::Object;
use super::request::life;
use super::schema;

/// One service, by its `kind`.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum ServiceRequest {
    /// To enter a channel.
    Rtc(RtcService),
    /// For signalling.
    Rtm(UserService),
    /// For one user of chat.
    Chat(UserService),
    /// For pushing streams out of a channel.
    Streaming(StreamingService),
    /// For the content delivery network.
    Cdn(CdnService),
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RtcService {
    #[schema(value_type = String, required = true)]
    pub(super) channel: Option<String>,
    /// A number from 1 to 4294967295, also as a text; 0 is for any user.
    #[schema(schema_with = schema::uid)]
    pub(super) uid: Option<Value>,
    /// The user by a name, in place of `uid`.
    pub(super) account: Option<String>,
    /// `publisher` or `subscriber`, which is the default.
    #[schema(schema_with = schema::role)]
    pub(super) role: Option<String>,
    /// In place of `role`: each privilege with its life in seconds, or `true` for the token's.
    #[schema(value_type = Option<RtcPrivileges>)]
    pub(super) privileges: Option<Object<RtcPrivileges>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserService {
    #[schema(value_type = String, required = true)]
    user: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamingService {
    #[schema(value_type = String, required = true)]
    channel: Option<String>,
    #[schema(schema_with = schema::uid)]
    uid: Option<Value>,
    account: Option<String>,
    #[schema(value_type = StreamingPrivileges, required = true)]
    privileges: Option<Object<StreamingPrivileges>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CdnService {
    #[schema(value_type = String, required = true)]
    channel: Option<String>,
    #[schema(schema_with = schema::uid)]
    uid: Option<Value>,
    account: Option<String>,
    #[schema(value_type = CdnPrivileges, required = true)]
    privileges: Option<Object<CdnPrivileges>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RtcPrivileges {
    #[schema(schema_with = schema::granted)]
    join: Option<Value>,
    #[schema(schema_with = schema::granted)]
    publish_audio: Option<Value>,
    #[schema(schema_with = schema::granted)]
    publish_video: Option<Value>,
    #[schema(schema_with = schema::granted)]
    publish_data: Option<Value>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamingPrivileges {
    #[schema(schema_with = schema::granted)]
    publish_mix_stream: Option<Value>,
    #[schema(schema_with = schema::granted)]
    publish_raw_stream: Option<Value>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CdnPrivileges {
    #[schema(schema_with = schema::granted)]
    publish: Option<Value>,
    #[schema(schema_with = schema::granted)]
    play: Option<Value>,
}

impl ServiceRequest {
    /// The service as a token that lives for `life` seconds has it.
    pub(super) fn into_service(self, life: u32) -> Result<Service, Refusal> {
        match self {
            Self::Rtc(rtc) => rtc.into_service(life),
            Self::Rtm(UserService { user }) => Ok(Service::rtm(named(user)?, life)),
            Self::Chat(UserService { user }) => Ok(chat(named(user)?, ChatPrivilege::User, life)),
            Self::Streaming(StreamingService { channel, uid, account, privileges }) => {
                let Object(all) = privileges.ok_or_else(|| wrong_privileges(NO_PRIVILEGES))?;
                let granted = [
                    (StreamingPrivilege::PublishMixStream.id(), all.publish_mix_stream),
                    (StreamingPrivilege::PublishRawStream.id(), all.publish_raw_stream),
                ];
                let (channel, account) = (place(channel)?, user(uid, account)?);
                Ok(Service::Streaming { channel, account, privileges: lives(granted, life)? })
            }
            Self::Cdn(CdnService { channel, uid, account, privileges }) => {
                let Object(all) = privileges.ok_or_else(|| wrong_privileges(NO_PRIVILEGES))?;
                let granted = [(FcdnPrivilege::Publish.id(), all.publish), (FcdnPrivilege::Play.id(), all.play)];
                let (channel, account) = (place(channel)?, user(uid, account)?);
                Ok(Service::Fcdn { channel, account, privileges: lives(granted, life)? })
            }
        }
    }
}

impl RtcService {
    fn into_service(self, life: u32) -> Result<Service, Refusal> {
        let Self { channel, uid, account, role, privileges } = self;
        let privileges = match (role, privileges) {
            (Some(_), Some(_)) => return Err(wrong_privileges("give `role` or `privileges`, not both")),
            (role, None) => role.map_or(Ok(Role::Subscriber), |role| parse_role(&role, true))?.privileges(life),
            (None, Some(Object(privileges))) => privileges.lives(life)?,
        };
        Ok(Service::rtc(place(channel)?, user(uid, account)?, privileges))
    }
}

impl RtcPrivileges {
    fn lives(self, life: u32) -> Result<Privileges, Refusal> {
        let lives = lives(
            [
                (RtcPrivilege::JoinChannel.id(), self.join),
                (RtcPrivilege::PublishAudio.id(), self.publish_audio),
                (RtcPrivilege::PublishVideo.id(), self.publish_video),
                (RtcPrivilege::PublishData.id(), self.publish_data),
            ],
            life,
        )?;
        if lives.contains_key(&RtcPrivilege::JoinChannel.id()) {
            Ok(lives)
        } else {
            Err(wrong_privileges("`privileges` needs `join`; without it nobody gets into the channel"))
        }
    }
}

/// The privileges that are asked for, each with its life. None outlives the token.
fn lives(asked: impl IntoIterator<Item = (u16, Option<Value>)>, token: u32) -> Result<Privileges, Refusal> {
    let mut lives = Privileges::new();
    for (id, value) in asked {
        let seconds = match value {
            None | Some(Value::Bool(false)) => continue,
            Some(Value::Bool(true)) => token,
            Some(Value::Number(number)) => life(&number)?,
            Some(Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(wrong_privileges("a privilege is true, or its life in seconds"));
            }
        };
        if seconds > token {
            let text = format!("a privilege of {seconds} s would outlive its token of {token} s; raise `expiresIn`");
            return Err(Refusal::bad_request(EXPIRE_TOO_LONG, text));
        }
        lives.insert(id, seconds);
    }
    if lives.is_empty() { Err(wrong_privileges(NO_PRIVILEGES)) } else { Ok(lives) }
}

fn place(channel: Option<String>) -> Result<String, Refusal> {
    channel.ok_or_else(|| Refusal::bad_request(INVALID_CHANNEL, "`channel` is missing"))
}

fn named(user: Option<String>) -> Result<String, Refusal> {
    user.ok_or_else(|| wrong_uid("`user` is missing"))
}

/// The user as tokens write it; empty for any.
fn user(uid: Option<Value>, account: Option<String>) -> Result<String, Refusal> {
    match (uid, account) {
        (Some(_), Some(_)) => Err(wrong_uid("give `uid` or `account`, not both")),
        (None, None) => Err(wrong_uid("`uid` or `account` is missing; uid 0 is for any user")),
        (Some(uid), None) => numeric(&uid).map(uid_text).ok_or_else(|| {
            wrong_uid("`uid` is a whole number from 0 to 4294967295; names of other kinds go into `account`")
        }),
        (None, Some(account)) => checked_account(account),
    }
}

fn numeric(uid: &Value) -> Option<u32> {
    match uid {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok(),
        Value::String(text) => {
            let number = go::parse_uint(text, u32::MAX.into()).ok()?;
            u32::try_from(number).ok().filter(|number| number.to_string() == *text)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An account does not look like a number, unless it is one that is written as numbers are: a slip of the keyboard would
/// make one user of two.
fn checked_account(account: String) -> Result<String, Refusal> {
    let is_uid = numeric(&Value::from(account.as_str())).is_some_and(|uid| uid != 0);
    if is_uid || !looks_like_a_number(&account) {
        if account.is_empty() { Err(wrong_uid("`account` is empty")) } else { Ok(account) }
    } else {
        Err(wrong_uid("`account` looks like a number and is none from 1 to 4294967295; give `uid`"))
    }
}

fn wrong_uid(text: &str) -> Refusal {
    Refusal::bad_request(INVALID_UID, text)
}

fn wrong_privileges(text: &str) -> Refusal {
    Refusal::bad_request("invalid_privileges", text)
}

const NO_PRIVILEGES: &str = "`privileges` names none; a token without any is of no use";
