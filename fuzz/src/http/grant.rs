//! What a token grants, in a form that can be held against what was asked.

use std::time::{SystemTime, UNIX_EPOCH};

use symbolon_token::legacy::LegacyUnverified;
use symbolon_token::{AppCertificate, Claims, Limits, Service, UidRequest, Unverified};

use crate::{APP_ID, CERTIFICATE};

/// One service: its kind, for where, for whom, and which privileges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) kind: u16,
    pub(super) channel: String,
    /// Empty for any user.
    pub(super) user: String,
    pub(super) privileges: Vec<u16>,
}

impl Grant {
    pub(super) fn new(kind: u16, channel: impl Into<String>, user: impl Into<String>, privileges: &[u16]) -> Self {
        Self { kind, channel: channel.into(), user: user.into(), privileges: privileges.to_vec() }
    }

    pub(super) fn rtc(channel: impl Into<String>, user: impl Into<String>, role: &str) -> Self {
        let publishes = matches!(role, "publisher" | "1");
        Self::new(1, channel, user, if publishes { &[1, 2, 3, 4] } else { &[1] })
    }

    fn of(service: &Service) -> Self {
        let (channel, user) = match service {
            Service::Rtc { channel, uid: user, .. }
            | Service::Streaming { channel, account: user, .. }
            | Service::Fcdn { channel, account: user, .. } => (&**channel, &**user),
            Service::Rtm { user_id, .. } | Service::Chat { user_id, .. } | Service::Rtm2 { user_id, .. } => {
                ("", &**user_id)
            }
            Service::Apaas { room_uuid, user_uuid, .. } => (&**room_uuid, &**user_uuid),
            Service::Fpa { .. } | Service::ConvoAi { .. } | Service::Stt { .. } => ("", ""),
        };
        let privileges: Vec<u16> = service.privileges().keys().copied().collect();
        Self::new(service.kind().number(), channel, user, &privileges)
    }
}

/// Panics unless the token is of our app, signed, grants exactly this, and ends within a day. Returns its claims.
pub(super) fn check_007(token: &str, mut expected: Vec<Grant>) -> Claims {
    let unverified = Unverified::decode(token, Limits::default()).expect("a token that was made can be read");
    let claims = unverified.verify(&[certificate()]).expect("a token that was made is signed");
    assert_eq!(claims.app_id().as_str(), APP_ID);
    assert!((1..=DAY).contains(&claims.expire()), "{claims:?}");
    let services = claims.services();
    for service in &services {
        assert!(service.privileges().values().all(|life| (1..=claims.expire()).contains(life)), "{services:?}");
    }
    let mut granted: Vec<Grant> = services.iter().map(Grant::of).collect();
    granted.sort();
    expected.sort();
    assert_eq!(granted, expected);
    claims
}

/// The same for a token of the older format, which holds one service.
pub(super) fn check_006(token: &str, expected: &Grant) {
    let unverified = LegacyUnverified::decode(token, Limits::default()).expect("a token that was made can be read");
    assert_eq!(unverified.app_id().as_str(), APP_ID);
    let (channel, user) =
        if expected.kind == 1 { (&*expected.channel, &*expected.user) } else { (&*expected.user, "") };
    let uid = if user.is_empty() { UidRequest::Any } else { UidRequest::Text(user) };
    let claims = unverified.verify(&[certificate()], channel, uid).expect("it is signed for whom it was asked");
    assert_eq!(claims.uid(), user);
    let privileges = claims.privileges();
    let legacy_login = 1000;
    let ids: Vec<u16> = if expected.kind == 1 { expected.privileges.clone() } else { vec![legacy_login] };
    assert_eq!(privileges.keys().copied().collect::<Vec<_>>(), ids);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    assert!(privileges.values().all(|end| u64::from(*end) <= now + u64::from(DAY)), "{privileges:?}");
}

fn certificate() -> AppCertificate {
    AppCertificate::parse(CERTIFICATE).expect("a certificate")
}

const DAY: u32 = 86_400;
