//! Services and privileges: what a token grants.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{BuildError, TokenError};
use crate::wire::{Reader, put_count, put_text};

/// Privilege ids of one service, each with its life in seconds from the token's issue time; 0 sets no end of its own.
pub type Privileges = BTreeMap<u16, u32>;

/// RTM2 permissions: resource type, then permission type, then the names it holds for.
///
/// The ids are those of [`ResourceType`] and [`PermissionType`]; others are kept as they are.
pub type Permissions = BTreeMap<u16, BTreeMap<u16, Vec<String>>>;

/// One service of a token, with its privileges.
///
/// Numeric uids are written as decimal text and uid 0 as the empty string: see [`uid_text`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named by the format and explained on the variants")]
pub enum Service {
    /// Real-time audio and video in `channel`. An empty `uid` means any user; the channel `*` means any channel.
    Rtc { channel: String, uid: String, privileges: Privileges },
    /// Signalling, the older kind.
    Rtm { user_id: String, privileges: Privileges },
    /// Pushing streams out of a channel.
    Streaming { channel: String, account: String, privileges: Privileges },
    /// Full-path acceleration.
    Fpa { privileges: Privileges },
    /// Chat, for one user or, with an empty user id, for the app's own server.
    Chat { user_id: String, privileges: Privileges },
    /// The content delivery network.
    Fcdn { channel: String, account: String, privileges: Privileges },
    /// Flexible classroom. `role` is -1 where none applies.
    Apaas { room_uuid: String, user_uuid: String, role: i16, privileges: Privileges },
    /// Signalling with permissions.
    Rtm2 { user_id: String, permissions: Permissions, privileges: Privileges },
    /// Conversational agents. Builders leave the privileges empty.
    ConvoAi { privileges: Privileges },
    /// Speech to text. Builders leave the privileges empty.
    Stt { privileges: Privileges },
}

impl Service {
    /// An RTC service for a uid or a user account.
    pub fn rtc(channel: impl Into<String>, uid: impl Into<String>, privileges: Privileges) -> Self {
        Self::Rtc { channel: channel.into(), uid: uid.into(), privileges }
    }

    /// An RTM service whose user may log in for `expire` seconds.
    pub fn rtm(user_id: impl Into<String>, expire: u32) -> Self {
        Self::Rtm { user_id: user_id.into(), privileges: Privileges::from([(LoginPrivilege::Login.id(), expire)]) }
    }

    /// The kind of this service, which is also its number on the wire.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Rtc { .. } => ServiceKind::Rtc,
            Self::Rtm { .. } => ServiceKind::Rtm,
            Self::Streaming { .. } => ServiceKind::Streaming,
            Self::Fpa { .. } => ServiceKind::Fpa,
            Self::Chat { .. } => ServiceKind::Chat,
            Self::Fcdn { .. } => ServiceKind::Fcdn,
            Self::Apaas { .. } => ServiceKind::Apaas,
            Self::Rtm2 { .. } => ServiceKind::Rtm2,
            Self::ConvoAi { .. } => ServiceKind::ConvoAi,
            Self::Stt { .. } => ServiceKind::Stt,
        }
    }

    /// The privileges of this service.
    pub fn privileges(&self) -> &Privileges {
        match self {
            Self::Rtc { privileges, .. }
            | Self::Rtm { privileges, .. }
            | Self::Streaming { privileges, .. }
            | Self::Fpa { privileges }
            | Self::Chat { privileges, .. }
            | Self::Fcdn { privileges, .. }
            | Self::Apaas { privileges, .. }
            | Self::Rtm2 { privileges, .. }
            | Self::ConvoAi { privileges }
            | Self::Stt { privileges } => privileges,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.extend_from_slice(&self.kind().number().to_le_bytes());
        put_privileges(out, self.privileges())?;
        match self {
            Self::Rtc { channel, uid: user, .. }
            | Self::Streaming { channel, account: user, .. }
            | Self::Fcdn { channel, account: user, .. } => {
                put_text(out, channel)?;
                put_text(out, user)
            }
            Self::Rtm { user_id, .. } | Self::Chat { user_id, .. } => put_text(out, user_id),
            Self::Apaas { room_uuid, user_uuid, role, .. } => {
                put_text(out, room_uuid)?;
                put_text(out, user_uuid)?;
                out.extend_from_slice(&role.to_le_bytes());
                Ok(())
            }
            Self::Rtm2 { user_id, permissions, .. } => {
                put_text(out, user_id)?;
                put_permissions(out, permissions)
            }
            Self::Fpa { .. } | Self::ConvoAi { .. } | Self::Stt { .. } => Ok(()),
        }
    }
}

/// The kinds of service that are known, with their numbers on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ServiceKind {
    /// Real-time audio and video.
    Rtc = 1,
    /// Signalling, the older kind.
    Rtm = 2,
    /// Pushing streams out of a channel.
    Streaming = 3,
    /// Full-path acceleration.
    Fpa = 4,
    /// Chat.
    Chat = 5,
    /// The content delivery network.
    Fcdn = 6,
    /// Flexible classroom, also called education.
    Apaas = 7,
    /// Signalling with permissions.
    Rtm2 = 8,
    /// Conversational agents.
    ConvoAi = 9,
    /// Speech to text.
    Stt = 10,
}

impl ServiceKind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 10] = [
        Self::Rtc,
        Self::Rtm,
        Self::Streaming,
        Self::Fpa,
        Self::Chat,
        Self::Fcdn,
        Self::Apaas,
        Self::Rtm2,
        Self::ConvoAi,
        Self::Stt,
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The kind with this number, if it is known.
    pub fn from_number(number: u16) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// The kind's short name, such as `rtc` or `rtm2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rtc => "rtc",
            Self::Rtm => "rtm",
            Self::Streaming => "streaming",
            Self::Fpa => "fpa",
            Self::Chat => "chat",
            Self::Fcdn => "fcdn",
            Self::Apaas => "apaas",
            Self::Rtm2 => "rtm2",
            Self::ConvoAi => "convoai",
            Self::Stt => "stt",
        }
    }

    pub(crate) fn has_place(self) -> bool {
        matches!(self, Self::Rtc | Self::Streaming | Self::Fcdn | Self::Apaas)
    }

    pub(crate) fn has_user(self) -> bool {
        !matches!(self, Self::Fpa | Self::ConvoAi | Self::Stt)
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! ids {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $id:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $id,)+
        }

        impl $name {
            /// The id on the wire.
            pub const fn id(self) -> u16 {
                self as u16
            }
        }

        impl From<$name> for u16 {
            fn from(value: $name) -> Self {
                value.id()
            }
        }
    };
}

ids! {
    /// Privileges of [`Service::Rtc`].
    RtcPrivilege {
        /// Join the channel, and receive what is published there.
        JoinChannel = 1,
        /// Publish an audio stream.
        PublishAudio = 2,
        /// Publish a video stream.
        PublishVideo = 3,
        /// Publish a data stream.
        PublishData = 4,
    }
}

ids! {
    /// The privilege of [`Service::Rtm`], [`Service::Rtm2`] and [`Service::Fpa`].
    LoginPrivilege {
        /// Log in.
        Login = 1,
    }
}

ids! {
    /// Privileges of [`Service::Streaming`].
    StreamingPrivilege {
        /// Publish a mixed stream.
        PublishMixStream = 1,
        /// Publish a raw stream.
        PublishRawStream = 2,
    }
}

ids! {
    /// Privileges of [`Service::Chat`].
    ChatPrivilege {
        /// Act as one user.
        User = 1,
        /// Act for the whole app.
        App = 2,
    }
}

ids! {
    /// Privileges of [`Service::Fcdn`].
    FcdnPrivilege {
        /// Publish.
        Publish = 1,
        /// Play.
        Play = 2,
    }
}

ids! {
    /// Privileges of [`Service::Apaas`].
    ApaasPrivilege {
        /// Act as one user in one room.
        RoomUser = 1,
        /// Act as one user.
        User = 2,
        /// Act for the whole app.
        App = 3,
    }
}

ids! {
    /// What an RTM2 permission is about.
    ResourceType {
        /// Message channels.
        MessageChannels = 0,
        /// Stream channels.
        StreamChannels = 1,
        /// Group channels.
        GroupChannels = 2,
        /// Server groups.
        ServerGroups = 3,
        /// Users.
        Users = 4,
    }
}

ids! {
    /// What an RTM2 permission allows.
    PermissionType {
        /// Read.
        Read = 0,
        /// Write.
        Write = 1,
    }
}

/// The two roles of the familiar builders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May join and publish audio, video and data.
    Publisher = 1,
    /// May join only.
    Subscriber = 2,
}

impl Role {
    /// The role with this number: 1 is the publisher, every other number the subscriber.
    pub fn from_number(number: i64) -> Self {
        if number == 1 { Self::Publisher } else { Self::Subscriber }
    }

    /// The RTC privileges of this role, all with one life in seconds.
    pub fn privileges(self, expire: u32) -> Privileges {
        self.single_privileges(expire, expire, expire, expire)
    }

    /// The RTC privileges of this role, each with its own life in seconds.
    pub fn single_privileges(self, join: u32, audio: u32, video: u32, data: u32) -> Privileges {
        let mut privileges = rtc_privileges(join, audio, video, data);
        if self == Self::Subscriber {
            privileges.retain(|&id, _| id == RtcPrivilege::JoinChannel.id());
        }
        privileges
    }
}

/// All four RTC privileges, each with its own life in seconds.
pub fn rtc_privileges(join: u32, audio: u32, video: u32, data: u32) -> Privileges {
    Privileges::from([
        (RtcPrivilege::JoinChannel.id(), join),
        (RtcPrivilege::PublishAudio.id(), audio),
        (RtcPrivilege::PublishVideo.id(), video),
        (RtcPrivilege::PublishData.id(), data),
    ])
}

/// A numeric uid as a token writes it: decimal, and the empty string for 0, which means any user.
///
/// ```
/// assert_eq!(symbolon_token::uid_text(2882341273), "2882341273");
/// assert_eq!(symbolon_token::uid_text(0), "");
/// ```
pub fn uid_text(uid: u32) -> String {
    if uid == 0 { String::new() } else { uid.to_string() }
}

/// What stands at one place of a token's list of services.
pub(crate) enum Entry<'a> {
    Known(ServiceView<'a>),
    /// A type that is not known. It has no length, so nothing behind it can be read.
    Unknown(u16),
}

impl<'a> Entry<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, TokenError> {
        let number = reader.u16()?;
        let Some(kind) = ServiceKind::from_number(number) else {
            return Ok(Self::Unknown(number));
        };
        let privileges = PrivilegesView::read(reader)?;
        let place = if kind.has_place() { reader.text()? } else { "" };
        let user = if kind.has_user() { reader.text()? } else { "" };
        let role = if kind == ServiceKind::Apaas { reader.i16()? } else { 0 };
        let permissions = if kind == ServiceKind::Rtm2 { skip_permissions(reader)? } else { &[] };
        Ok(Self::Known(ServiceView { kind, privileges, place, user, role, permissions }))
    }
}

/// A service as it stands in the bytes of a token, without a copy.
#[derive(Clone, Copy)]
pub(crate) struct ServiceView<'a> {
    pub(crate) kind: ServiceKind,
    pub(crate) privileges: PrivilegesView<'a>,
    /// The channel or room; empty where the kind has none.
    pub(crate) place: &'a str,
    /// The uid, account or user id; empty where the kind has none.
    pub(crate) user: &'a str,
    role: i16,
    permissions: &'a [u8],
}

impl ServiceView<'_> {
    pub(crate) fn to_service(self) -> Service {
        let privileges = self.privileges.iter().collect();
        let (place, user) = (self.place.to_owned(), self.user.to_owned());
        match self.kind {
            ServiceKind::Rtc => Service::Rtc { channel: place, uid: user, privileges },
            ServiceKind::Rtm => Service::Rtm { user_id: user, privileges },
            ServiceKind::Streaming => Service::Streaming { channel: place, account: user, privileges },
            ServiceKind::Fpa => Service::Fpa { privileges },
            ServiceKind::Chat => Service::Chat { user_id: user, privileges },
            ServiceKind::Fcdn => Service::Fcdn { channel: place, account: user, privileges },
            ServiceKind::Apaas => Service::Apaas { room_uuid: place, user_uuid: user, role: self.role, privileges },
            ServiceKind::Rtm2 => {
                Service::Rtm2 { user_id: user, permissions: read_permissions(self.permissions), privileges }
            }
            ServiceKind::ConvoAi => Service::ConvoAi { privileges },
            ServiceKind::Stt => Service::Stt { privileges },
        }
    }
}

/// A privilege map as it stands in the bytes of a token: no id twice, in any order.
#[derive(Clone, Copy)]
pub(crate) struct PrivilegesView<'a> {
    pairs: &'a [[u8; PAIR_LEN]],
}

impl<'a> PrivilegesView<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, TokenError> {
        let count = usize::from(reader.u16()?);
        let (pairs, _) = reader.bytes(count * PAIR_LEN)?.as_chunks();
        let view = Self { pairs };
        if let Some(privilege) = view.first_duplicate() {
            return Err(TokenError::DuplicatePrivilege { privilege });
        }
        Ok(view)
    }

    pub(crate) fn life(self, privilege: u16) -> Option<u32> {
        self.iter().find(|&(id, _)| id == privilege).map(|(_, life)| life)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (u16, u32)> + 'a {
        self.pairs.iter().map(|&[a, b, c, d, e, f]| (u16::from_le_bytes([a, b]), u32::from_le_bytes([c, d, e, f])))
    }

    /// Builders write ids in ascending order, which is checked at once. Any other order is legal and gets sorted, so
    /// that a map of ten thousand entries costs no more than its sorting.
    fn first_duplicate(self) -> Option<u16> {
        let ids = || self.iter().map(|(id, _)| id);
        if ids().zip(ids().skip(1)).all(|(left, right)| left < right) {
            return None;
        }
        let mut sorted: Vec<u16> = ids().collect();
        sorted.sort_unstable();
        sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

pub(crate) fn put_privileges(out: &mut Vec<u8>, privileges: &Privileges) -> Result<(), BuildError> {
    put_count(out, privileges.len())?;
    for (id, life) in privileges {
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&life.to_le_bytes());
    }
    Ok(())
}

fn put_permissions(out: &mut Vec<u8>, permissions: &Permissions) -> Result<(), BuildError> {
    put_count(out, permissions.len())?;
    for (resource, kinds) in permissions {
        out.extend_from_slice(&resource.to_le_bytes());
        put_count(out, kinds.len())?;
        for (permission, names) in kinds {
            out.extend_from_slice(&permission.to_le_bytes());
            put_count(out, names.len())?;
            for name in names {
                put_text(out, name)?;
            }
        }
    }
    Ok(())
}

/// Walks over permissions and hands back their bytes. Counts are believed only as far as there are bytes behind them.
fn skip_permissions<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], TokenError> {
    let before = reader.left();
    each_permission(reader, |_, _, _| ())?;
    Ok(&before[..before.len() - reader.left().len()])
}

/// Collects permissions from bytes that [`skip_permissions`] has passed.
fn read_permissions(bytes: &[u8]) -> Permissions {
    let mut permissions = Permissions::new();
    let read = each_permission(&mut Reader::new(bytes), |resource, permission, name| {
        let names = permissions.entry(resource).or_default();
        let Some(permission) = permission else { return };
        names.entry(permission).or_default().extend(name.map(str::to_owned));
    });
    debug_assert!(read.is_ok(), "these bytes were walked over before");
    permissions
}

/// Calls `found` for each resource type, again for each permission type in it, and again for each name in that.
fn each_permission(
    reader: &mut Reader<'_>,
    mut found: impl FnMut(u16, Option<u16>, Option<&str>),
) -> Result<(), TokenError> {
    for _ in 0..reader.u16()? {
        let resource = reader.u16()?;
        found(resource, None, None);
        for _ in 0..reader.u16()? {
            let permission = reader.u16()?;
            found(resource, Some(permission), None);
            for _ in 0..reader.u16()? {
                found(resource, Some(permission), Some(reader.text()?));
            }
        }
    }
    Ok(())
}

/// Bytes of one privilege: its id and its life.
const PAIR_LEN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_kinds_name_each_other() {
        for kind in ServiceKind::ALL {
            assert_eq!(ServiceKind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(ServiceKind::from_number(0), None);
        assert_eq!(ServiceKind::from_number(11), None);
    }

    #[test]
    fn a_privilege_that_stands_twice_is_found_in_any_order() {
        let map = |pairs: &[(u16, u32)]| {
            let mut bytes = (pairs.len() as u16).to_le_bytes().to_vec();
            for (id, life) in pairs {
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&life.to_le_bytes());
            }
            PrivilegesView::read(&mut Reader::new(&bytes)).map(|view| view.life(2))
        };
        assert_eq!(map(&[(1, 10), (2, 20), (3, 30)]), Ok(Some(20)));
        assert_eq!(map(&[(3, 10), (2, 20), (1, 30)]), Ok(Some(20)));
        assert_eq!(map(&[(2, 10), (1, 20), (2, 10)]), Err(TokenError::DuplicatePrivilege { privilege: 2 }));
    }

    #[test]
    fn every_role_but_the_first_subscribes() {
        assert_eq!(Role::from_number(1), Role::Publisher);
        for number in [0, 2, 3, 101, -1] {
            assert_eq!(Role::from_number(number), Role::Subscriber);
        }
        assert_eq!(Role::Subscriber.privileges(60), Privileges::from([(1, 60)]));
        assert_eq!(Role::Publisher.privileges(60).len(), 4);
    }
}
