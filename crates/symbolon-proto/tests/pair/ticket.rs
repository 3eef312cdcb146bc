//! Tokens for a story, real ones.

use symbolon_proto::Now;
use symbolon_proto::id::{AppId, Token};
use symbolon_proto::message::{Profile, Role};
use symbolon_token::{AccessToken, AppCertificate, Issue, Service};

use crate::world::{CERTIFICATE, CHANNEL};

/// A token to be made, and what its holder asks to be.
#[derive(Clone)]
pub(crate) struct Ticket {
    uid: u32,
    named: bool,
    channel: &'static str,
    life: u32,
    /// Lives of the four privileges in seconds; 0 for as long as the token.
    privileges: [Option<u32>; 4],
    age: u32,
    pub(crate) role: Role,
    pub(crate) profile: Profile,
}

/// Ten minutes, everything allowed, for the uid alone.
pub(crate) fn publisher() -> Ticket {
    Ticket {
        uid: 0,
        named: true,
        channel: CHANNEL,
        life: 600,
        privileges: [Some(0); 4],
        age: 0,
        role: Role::Broadcaster,
        profile: Profile::LiveBroadcasting,
    }
}

/// Ten minutes, to receive only.
pub(crate) fn subscriber() -> Ticket {
    Ticket { privileges: [Some(0), None, None, None], role: Role::Audience, ..publisher() }
}

impl Ticket {
    pub(crate) fn lives(mut self, life: u32) -> Self {
        self.life = life;
        self
    }

    pub(crate) fn privileges(mut self, privileges: [Option<u32>; 4]) -> Self {
        self.privileges = privileges;
        self
    }

    pub(crate) fn channel(mut self, channel: &'static str) -> Self {
        self.channel = channel;
        self
    }

    pub(crate) fn made_for(mut self, uid: u32) -> Self {
        self.uid = uid;
        self
    }

    pub(crate) fn made_for_anyone(mut self) -> Self {
        self.named = false;
        self
    }

    pub(crate) fn made_ago(mut self, seconds: u32) -> Self {
        self.age = seconds;
        self
    }

    pub(crate) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    pub(crate) fn communication(mut self) -> Self {
        self.profile = Profile::Communication;
        self
    }

    /// The token itself, for whoever joins as `uid`.
    pub(crate) fn token(&self, app: AppId, uid: u32, now: Now) -> Token {
        let ts = u32::try_from(now.unix_seconds()).unwrap() - self.age;
        let lives = (1..).zip(self.privileges);
        let privileges = lives.filter_map(|(id, life)| life.map(|life| (id, life))).collect();
        let uid = if self.uid == 0 { uid } else { self.uid };
        let user = if self.named { uid.to_string() } else { String::new() };
        let service = Service::rtc(self.channel, user, privileges);
        let token = AccessToken::new(app, Issue { ts, salt: 7 }, self.life).with(service);
        Token::new(token.build(&AppCertificate::parse(CERTIFICATE).unwrap()).unwrap())
    }
}
