//! The services that `POST /v1/tokens` knows.

use serde::Deserialize;
use serde_json::Value;
use symbolon_token::{
    ApaasPrivilege, ChatPrivilege, FcdnPrivilege, LoginPrivilege, Privileges, Role, RtcPrivilege, Service,
    StreamingPrivilege, uid_text,
};
use utoipa::ToSchema;

use super::super::go;
use super::super::mint::{EXPIRE_TOO_LONG, INVALID_CHANNEL, INVALID_UID, Refusal, parse_role};
use super::super::post::looks_like_a_number;
use super::super::wanted::chat;
use super::object::Object;
use super::permissions::{Permission, permissions};
use super::request::life;
use super::schema;

/// One service, by its `kind`.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum ServiceRequest {
    /// To enter a channel.
    Rtc(RtcService),
    /// For signalling.
    Rtm(UserService),
    /// For signalling, with what its user may read and write.
    Rtm2(Rtm2Service),
    /// For one user of chat.
    Chat(UserService),
    /// For the administration of chat.
    ChatApp(PlainService),
    /// For pushing streams out of a channel.
    Streaming(StreamingService),
    /// For the content delivery network.
    Cdn(CdnService),
    /// For a classroom.
    Apaas(ApaasService),
    /// For full-path acceleration.
    Fpa(PlainService),
    /// For conversational agents, beside what enters their channel.
    #[serde(rename = "convoai")]
    ConvoAi(PlainService),
    /// For speech to text, beside what enters its channel.
    Stt(PlainService),
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
pub(super) struct Rtm2Service {
    #[schema(value_type = String, required = true)]
    user: Option<String>,
    /// At most 64 entries. Without any, only the right to log in.
    #[schema(value_type = Option<Vec<Permission>>, max_items = 64)]
    permissions: Option<Vec<Object<Permission>>>,
}

/// A service that has no fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlainService {}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApaasService {
    /// The room, for `room_user`.
    room: Option<String>,
    /// The user, for `room_user` and `user`.
    user: Option<String>,
    /// The user's part in the room, a number of the classroom's own.
    #[schema(minimum = -32768, maximum = 32767)]
    role: Option<i16>,
    #[schema(value_type = ApaasPrivileges, required = true)]
    privileges: Option<Object<ApaasPrivileges>>,
}

/// One of them: each is for another part of a classroom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApaasPrivileges {
    #[schema(schema_with = schema::granted)]
    room_user: Option<Value>,
    #[schema(schema_with = schema::granted)]
    user: Option<Value>,
    #[schema(schema_with = schema::granted)]
    app: Option<Value>,
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
            Self::Rtm2(Rtm2Service { user, permissions: asked }) => Ok(Service::Rtm2 {
                user_id: named(user)?,
                permissions: permissions(asked.unwrap_or_default())?,
                privileges: login(life),
            }),
            Self::Chat(UserService { user }) => Ok(chat(named(user)?, ChatPrivilege::User, life)),
            Self::ChatApp(PlainService {}) => Ok(chat(String::new(), ChatPrivilege::App, life)),
            Self::Apaas(apaas) => apaas.into_service(life),
            Self::Fpa(PlainService {}) => Ok(Service::Fpa { privileges: login(life) }),
            Self::ConvoAi(PlainService {}) => Ok(Service::ConvoAi { privileges: Privileges::new() }),
            Self::Stt(PlainService {}) => Ok(Service::Stt { privileges: Privileges::new() }),
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

impl ApaasService {
    fn into_service(self, life: u32) -> Result<Service, Refusal> {
        let Self { room, user, role, privileges } = self;
        let Object(all) = privileges.ok_or_else(|| wrong_privileges(NO_PRIVILEGES))?;
        let granted = [
            (ApaasPrivilege::RoomUser.id(), all.room_user),
            (ApaasPrivilege::User.id(), all.user),
            (ApaasPrivilege::App.id(), all.app),
        ];
        let privileges = lives(granted, life)?;
        if privileges.len() > 1 {
            return Err(wrong_privileges(
                "`apaas` takes one of `room_user`, `user` and `app`; ask for a service of each",
            ));
        }
        let has = |privilege: ApaasPrivilege| privileges.contains_key(&privilege.id());
        let in_room = has(ApaasPrivilege::RoomUser);
        if !in_room && (room.is_some() || role.is_some()) || has(ApaasPrivilege::App) && user.is_some() {
            let text =
                "`room` and `role` belong to `room_user`, and `user` to `room_user` and `user`; leave out the others";
            return Err(wrong_privileges(text));
        }
        let room_uuid = if in_room { place(room)? } else { String::new() };
        let user_uuid = if has(ApaasPrivilege::App) { String::new() } else { named(user)? };
        let role = role.unwrap_or(NO_ROLE);
        Ok(Service::Apaas { room_uuid, user_uuid, role, privileges })
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

fn login(life: u32) -> Privileges {
    Privileges::from([(LoginPrivilege::Login.id(), life)])
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

/// The role of a classroom's user where none applies.
const NO_ROLE: i16 = -1;

const NO_PRIVILEGES: &str = "`privileges` names none; a token without any is of no use";
