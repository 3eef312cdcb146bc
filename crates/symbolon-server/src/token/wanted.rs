//! What tokens there are to be had.

use symbolon_token::{
    ApaasPrivilege, BuildError, ChatPrivilege, FcdnPrivilege, Privileges, Role, RtcPrivilege, Service, ServiceKind,
    channel_name_is_valid, user_account_is_valid,
};

use super::mint::{INVALID_CHANNEL, INVALID_UID, Refusal};
use crate::audit::What;
use crate::caller::Ask;

/// A token that somebody wants. What it grants is all that is signed, and all that the caller's policy is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// What it grants. No privilege lives longer than the token.
    pub(super) services: Vec<Service>,
    /// How long it lives, in seconds.
    pub(super) life: u32,
    /// How it is written.
    pub(super) format: Format,
}

/// How a token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Any services.
    V007,
    /// One service, RTC by a role or RTM: the older format.
    V006,
}

impl Wanted {
    /// Of the usual format.
    pub(super) fn of(services: Vec<Service>, life: u32) -> Self {
        Self { services, life, format: Format::V007 }
    }

    /// The same in another format.
    pub(super) fn written(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// To enter a channel. The empty user means any.
    pub(super) fn rtc(channel: String, user: String, role: Role, life: u32) -> Self {
        Self::of(vec![Service::rtc(channel, user, role.privileges(life))], life)
    }

    /// For signalling, with the channel if one is named: to enter it and send data there, whatever the role. Strictly a
    /// subscriber therefore gets no channel with it.
    pub(super) fn rtm(user: String, channel: Option<String>, role: Role, strict: bool, life: u32) -> Self {
        let mut services = Vec::with_capacity(2);
        if let Some(channel) = channel.filter(|_| !strict || role == Role::Publisher) {
            let privileges = [RtcPrivilege::JoinChannel, RtcPrivilege::PublishData].map(|one| (one.id(), life));
            services.push(Service::rtc(channel, user.clone(), privileges.into()));
        }
        services.push(Service::rtm(user, life));
        Self::of(services, life)
    }

    /// For signalling alone.
    pub(super) fn signalling(user: String, life: u32) -> Self {
        Self::of(vec![Service::rtm(user, life)], life)
    }

    /// For the administration of chat.
    pub(super) fn chat_app(life: u32) -> Self {
        Self::of(vec![chat(String::new(), ChatPrivilege::App, life)], life)
    }

    /// For one user of chat.
    pub(super) fn chat_user(user: String, life: u32) -> Self {
        Self::of(vec![chat(user, ChatPrivilege::User, life)], life)
    }

    /// The word for logs and metrics.
    pub(super) fn kind(&self) -> &'static str {
        match &*self.services {
            [service] => service.kind().name(),
            [Service::Rtc { .. }, Service::Rtm { .. }] => "rtc_and_rtm",
            _ => "several",
        }
    }

    /// What the audit keeps of it.
    pub(super) fn what(&self) -> What<'_> {
        let mut all = self.services.iter().map(|service| what(service, self.life));
        let mut first = all.next().expect("a token has a service");
        first.more = all.collect();
        first
    }

    /// What a caller's policy is asked: one question for each service. Whoever publishes in one may have the others too.
    pub(super) fn asks(&self) -> impl Iterator<Item = Ask<'_>> {
        let asks = || self.services.iter().map(|service| ask(service, self.life));
        let role = if asks().any(|ask| ask.role == Role::Publisher) { Role::Publisher } else { Role::Subscriber };
        asks().map(move |ask| Ask { role, ..ask })
    }

    /// Checks the names, whoever asks.
    pub(super) fn check(&self, strict: bool) -> Result<(), Refusal> {
        self.services.iter().try_for_each(|service| check_names(service, strict))
    }
}

/// The chat service of one user, or of the app.
pub(super) fn chat(user_id: String, privilege: ChatPrivilege, life: u32) -> Service {
    Service::Chat { user_id, privileges: Privileges::from([(privilege.id(), life)]) }
}

/// The name of a privilege, as records and answers have it.
pub(super) fn privilege_name(kind: ServiceKind, id: u16) -> &'static str {
    match (kind, id) {
        (ServiceKind::Rtc, 1) => "join",
        (ServiceKind::Rtc, 2) => "publish_audio",
        (ServiceKind::Rtc, 3) => "publish_video",
        (ServiceKind::Rtc, 4) => "publish_data",
        (ServiceKind::Rtm | ServiceKind::Rtm2 | ServiceKind::Fpa, 1) => "login",
        (ServiceKind::Streaming, 1) => "publish_mix_stream",
        (ServiceKind::Streaming, 2) => "publish_raw_stream",
        (ServiceKind::Chat, 1) => "chat_user",
        (ServiceKind::Chat, 2) => "chat_app",
        (ServiceKind::Fcdn, 1) => "publish",
        (ServiceKind::Fcdn, 2) => "play",
        (ServiceKind::Apaas, 1) => "room_user",
        (ServiceKind::Apaas, 2) => "user",
        (ServiceKind::Apaas, 3) => "app",
        _ => "other",
    }
}

fn what(service: &Service, life: u32) -> What<'_> {
    let Ask { channel, user, role, .. } = ask(service, life);
    let role = channel.map(|_| match role {
        Role::Publisher => "publisher",
        Role::Subscriber => "subscriber",
    });
    let kind = service.kind();
    let privileges = service.privileges().keys().map(|id| privilege_name(kind, *id)).collect();
    let user = Some(user).filter(|user| !user.is_empty());
    What { kind: kind.name(), channel, user, role, life, privileges, more: Vec::new() }
}

/// Whatever lets its holder publish or administer is a publisher's. A service for the whole app is one for any user.
fn ask(service: &Service, life: u32) -> Ask<'_> {
    let privileges = service.privileges();
    let only = |privilege: u16| privileges.keys().all(|id| *id == privilege);
    let role = |subscribes| if subscribes { Role::Subscriber } else { Role::Publisher };
    let (channel, user, role, messaging) = match service {
        Service::Rtc { channel, uid, .. } => (Some(channel), &**uid, role(only(RtcPrivilege::JoinChannel.id())), false),
        Service::Fcdn { channel, account, .. } => {
            (Some(channel), &**account, role(only(FcdnPrivilege::Play.id())), false)
        }
        Service::Streaming { channel, account, .. } => (Some(channel), &**account, Role::Publisher, false),
        Service::Rtm { user_id, .. } => (None, &**user_id, Role::Subscriber, true),
        Service::Rtm2 { user_id, .. } => (None, &**user_id, Role::Publisher, true),
        Service::Chat { user_id, .. } => (None, &**user_id, role(only(ChatPrivilege::User.id())), true),
        Service::Apaas { room_uuid, user_uuid, .. } => {
            (Some(room_uuid).filter(|room| !room.is_empty()), &**user_uuid, Role::Publisher, true)
        }
        Service::Fpa { .. } | Service::ConvoAi { .. } | Service::Stt { .. } => (None, "", Role::Publisher, true),
    };
    Ask { channel: channel.map(String::as_str), user, role, life, messaging }
}

fn check_names(service: &Service, strict: bool) -> Result<(), Refusal> {
    let grants = |privilege: u16| service.privileges().contains_key(&privilege);
    match service {
        Service::Rtc { channel, uid: user, .. }
        | Service::Streaming { channel, account: user, .. }
        | Service::Fcdn { channel, account: user, .. } => {
            check_channel(channel, strict)?;
            // Empty means any user, and the caller's policy decides on it.
            if user.is_empty() { Ok(()) } else { check_user(user, strict) }
        }
        Service::Rtm { user_id, .. } | Service::Rtm2 { user_id, .. } => check_user(user_id, strict),
        Service::Chat { .. } if grants(ChatPrivilege::App.id()) => Ok(()),
        Service::Chat { user_id, .. } => check_user(user_id, strict),
        Service::Apaas { .. } if grants(ApaasPrivilege::App.id()) => Ok(()),
        Service::Apaas { user_uuid, .. } if grants(ApaasPrivilege::User.id()) => check_user(user_uuid, strict),
        Service::Apaas { room_uuid, user_uuid, .. } => {
            check_channel(room_uuid, strict)?;
            check_user(user_uuid, strict)
        }
        Service::Fpa { .. } | Service::ConvoAi { .. } | Service::Stt { .. } => Ok(()),
    }
}

fn check_channel(channel: &str, strict: bool) -> Result<(), Refusal> {
    match channel {
        "" => Err(Refusal::bad_request(INVALID_CHANNEL, "the channel is empty")),
        // The caller's policy decides on this one.
        "*" => Ok(()),
        _ if strict && !channel_name_is_valid(channel) => Err(BuildError::ChannelName.into()),
        _ => Ok(()),
    }
}

fn check_user(user: &str, strict: bool) -> Result<(), Refusal> {
    if user.is_empty() {
        return Err(Refusal::bad_request(INVALID_UID, "the user account is empty"));
    }
    if strict && !user_account_is_valid(user) {
        return Err(BuildError::UserAccount.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use symbolon_token::{LoginPrivilege, StreamingPrivilege};

    use super::*;

    fn asked(service: &Service) -> (Option<&str>, &str, Role, bool) {
        let Ask { channel, user, role, messaging, .. } = ask(service, 60);
        (channel, user, role, messaging)
    }

    #[test]
    fn any_privilege_beyond_joining_is_a_publishers() {
        for (ids, role) in [
            (&[1][..], Role::Subscriber),
            (&[1, 2], Role::Publisher),
            (&[1, 3], Role::Publisher),
            (&[1, 4], Role::Publisher),
            (&[2], Role::Publisher),
        ] {
            let privileges = ids.iter().map(|id| (*id, 60)).collect();
            let service = Service::rtc("c", "7", privileges);
            assert_eq!(asked(&service), (Some("c"), "7", role, false), "{ids:?}");
        }
        let privileges = Privileges::from([(FcdnPrivilege::Play.id(), 60), (FcdnPrivilege::Publish.id(), 60)]);
        let cdn = Service::Fcdn { channel: "c".into(), account: "7".into(), privileges };
        assert_eq!(asked(&cdn), (Some("c"), "7", Role::Publisher, false));
        let privileges = Privileges::from([(StreamingPrivilege::PublishRawStream.id(), 60)]);
        let streaming = Service::Streaming { channel: "c".into(), account: "7".into(), privileges };
        assert_eq!(asked(&streaming), (Some("c"), "7", Role::Publisher, false));
    }

    #[test]
    fn what_is_for_the_whole_app_is_for_any_user() {
        let wide = (None, "", Role::Publisher, true);
        assert_eq!(asked(&chat(String::new(), ChatPrivilege::App, 60)), wide);
        let privileges = Privileges::from([(LoginPrivilege::Login.id(), 0)]);
        assert_eq!(asked(&Service::Fpa { privileges }), wide);
        assert_eq!(asked(&Service::ConvoAi { privileges: Privileges::new() }), wide);
        assert_eq!(asked(&chat("ann".into(), ChatPrivilege::User, 60)), (None, "ann", Role::Subscriber, true));
    }
}
