//! What holds for every token: it is read back as it was built, and nothing but it is taken for it.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use symbolon_token::legacy::{LegacyAccessToken, LegacyUnverified};
use symbolon_token::{
    AccessToken, AppCertificate, AppId, Compression, Issue, JoinRequest, Limits, Mode, Permissions, Policy, Privileges,
    Project, Service, TokenBuilder, UidRequest, Unverified, Verifier, Wildcards, verify,
};

proptest! {
    #[test]
    fn what_is_built_is_read_back(token in token(), certificate in certificate()) {
        let mut sorted = token.services.clone();
        sorted.sort_by_key(Service::kind);
        let text = token.build(&certificate).unwrap();
        let claims = Unverified::decode(&text, WIDE).unwrap().verify(&[certificate]).unwrap();
        prop_assert_eq!(claims.app_id(), &token.app_id);
        prop_assert_eq!((claims.issue_ts(), claims.salt()), (token.issue.ts, token.issue.salt));
        prop_assert_eq!(claims.expire(), token.expire);
        prop_assert_eq!(claims.services(), sorted);
    }

    #[test]
    fn a_builder_that_is_used_again_builds_the_same(tokens in vec(token(), 1..5), certificate in certificate()) {
        let mut small = TokenBuilder::new(certificate.clone());
        let mut stored = TokenBuilder::new(certificate.clone()).compression(Compression::Stored);
        for token in tokens {
            prop_assert_eq!(small.build(&token), token.build(&certificate));
            let unverified = Unverified::decode(&stored.build(&token).unwrap(), WIDE).unwrap();
            let claims = unverified.verify(std::slice::from_ref(&certificate)).unwrap();
            let other = Unverified::decode(&token.build(&certificate).unwrap(), WIDE).unwrap();
            prop_assert_eq!(claims.id(), other.verify(std::slice::from_ref(&certificate)).unwrap().id());
        }
    }

    #[test]
    fn no_other_certificate_verifies_it(token in token(), certificate in certificate(), other in certificate()) {
        prop_assume!(certificate != other);
        let unverified = Unverified::decode(&token.build(&certificate).unwrap(), WIDE).unwrap();
        let both = [other.clone(), certificate];
        prop_assert_eq!(unverified.verify(&[other]).unwrap_err().reason(), "bad_signature");
        prop_assert_eq!(unverified.verify(&both).unwrap().certificate_index(), 1);
    }

    #[test]
    fn a_changed_payload_never_verifies(
        token in token(),
        certificate in certificate(),
        changes in vec((any::<Index>(), 1..=255_u8), 1..4),
    ) {
        let payload = token.payload(&certificate).unwrap();
        let mut changed = payload.clone();
        for (index, flip) in changes {
            changed[index.index(payload.len())] ^= flip;
        }
        prop_assume!(changed != payload);
        if let Ok(unverified) = Unverified::decode(&text_of(&changed), WIDE) {
            prop_assert_eq!(unverified.verify(&[certificate]).unwrap_err().reason(), "bad_signature");
        }
    }

    #[test]
    fn a_changed_text_never_verifies_as_another_token(
        token in token(),
        certificate in certificate(),
        at in any::<Index>(),
        change in "[ -~]{0,3}",
    ) {
        let text = token.build(&certificate).unwrap();
        let at = at.index(text.len());
        let changed = format!("{}{change}{}", &text[..at], &text[(at + change.len().max(1)).min(text.len())..]);
        prop_assume!(changed != text);
        let certificates = [certificate];
        if let Ok(unverified) = Unverified::decode(&changed, WIDE)
            && let Ok(claims) = unverified.verify(&certificates)
        {
            let original = Unverified::decode(&text, WIDE).unwrap().verify(&certificates).unwrap();
            prop_assert_eq!(claims.id(), original.id());
            prop_assert_eq!(claims.services(), original.services());
        }
    }

    #[test]
    fn no_text_makes_anything_panic(text in prop_oneof![any::<String>(), "00[67][A-Za-z0-9+/=]{0,300}"], now: u64) {
        let policy = Policy { allow_006: true, wildcards: Wildcards::Star, ..Policy::default() };
        let certificates = [AppCertificate::parse(SECRET).unwrap()];
        let project = Project { certificates: &certificates, disabled: false };
        let request = JoinRequest { channel: "room-1", uid: UidRequest::Any };
        let once = verify(&text, |_| Some(project), request, now, Limits::default(), &policy);
        prop_assert!(once.is_err());
        let again = Verifier::new(Limits::default()).verify(&text, |_| Some(project), request, now, &policy);
        prop_assert_eq!(once, again);
    }

    #[test]
    fn no_inflated_bytes_make_anything_panic(
        mut bytes in vec(prop_oneof![0..12_u8, any::<u8>()], 0..200),
        with_header: bool,
    ) {
        if with_header {
            let token = AccessToken::new(AppId::parse(SECRET).unwrap(), ISSUE, 60).with(Service::rtm("ann", 60));
            let payload = token.payload(&AppCertificate::parse(SECRET).unwrap()).unwrap();
            bytes.splice(0..0, payload[..payload.len() - 19].iter().copied());
        }
        if let Ok(unverified) = Unverified::decode(&text_of(&bytes), WIDE) {
            let unproven = unverified.dangerous_unverified();
            prop_assert!(unproven.malformed.is_none() || unproven.unknown_service.is_none());
        }
    }

    #[test]
    fn grants_end_with_the_token_and_within_a_day(token in token(), now in 0..3_000_000_u64, channel in channel()) {
        let token = AccessToken {
            issue: Issue { ts: token.issue.ts % 3_000_000, ..token.issue },
            expire: token.expire % 100_000,
            ..token
        };
        let certificate = AppCertificate::parse(SECRET).unwrap();
        let unverified = Unverified::decode(&token.build(&certificate).unwrap(), WIDE).unwrap();
        let claims = unverified.verify(&[certificate]).unwrap();
        let policy = Policy { wildcards: Wildcards::Star, ..Policy::default() };
        if let Ok(access) = claims.rtc_access(now, &channel, UidRequest::Any, &policy) {
            prop_assert!(access.ends_at <= claims.ends_at() && access.ends_at <= now + 86_400);
            let publish = [access.audio_until, access.video_until, access.data_until];
            for until in publish.into_iter().flatten().chain([access.join_until]) {
                prop_assert!(now < until && until <= access.ends_at);
            }
            prop_assert!(!access.wildcard_channel || access.exact_uid);
        }
    }

    #[test]
    fn what_is_built_as_006_is_read_back(token in legacy_token(), certificate in certificate()) {
        let unverified = LegacyUnverified::decode(&token.build(&certificate).unwrap(), WIDE).unwrap();
        let certificates = [certificate];
        let claims = unverified.verify(&certificates, &token.channel, UidRequest::Text(&token.uid)).unwrap();
        prop_assert_eq!((claims.salt(), claims.ends_ts()), (token.salt, token.ends_ts));
        prop_assert_eq!(claims.uid(), &token.uid);
        prop_assert_eq!(claims.privileges(), token.privileges);
        let other = format!("{}x", token.channel);
        let refused = unverified.verify(&certificates, &other, UidRequest::Text(&token.uid)).unwrap_err();
        prop_assert_eq!(refused.reason(), "channel_mismatch");
    }
}

fn token() -> impl Strategy<Value = AccessToken> {
    (app_id(), any::<(u32, u32, u32)>(), vec(service(), 1..5)).prop_map(|(app_id, (ts, salt, expire), services)| {
        AccessToken { app_id, issue: Issue { ts, salt }, expire, services, mode: Mode::Compatible }
    })
}

fn service() -> impl Strategy<Value = Service> {
    let texts = || (name(), name());
    prop_oneof![
        (channel(), name(), privileges()).prop_map(|(channel, uid, privileges)| Service::rtc(channel, uid, privileges)),
        (name(), privileges()).prop_map(|(user_id, privileges)| Service::Rtm { user_id, privileges }),
        (texts(), privileges()).prop_map(|((channel, account), privileges)| Service::Streaming {
            channel,
            account,
            privileges
        }),
        privileges().prop_map(|privileges| Service::Fpa { privileges }),
        (name(), privileges()).prop_map(|(user_id, privileges)| Service::Chat { user_id, privileges }),
        (texts(), privileges()).prop_map(|((channel, account), privileges)| Service::Fcdn {
            channel,
            account,
            privileges
        }),
        (texts(), any::<i16>(), privileges()).prop_map(|((room_uuid, user_uuid), role, privileges)| Service::Apaas {
            room_uuid,
            user_uuid,
            role,
            privileges
        }),
        (name(), permissions(), privileges()).prop_map(|(user_id, permissions, privileges)| Service::Rtm2 {
            user_id,
            permissions,
            privileges
        }),
        privileges().prop_map(|privileges| Service::ConvoAi { privileges }),
        privileges().prop_map(|privileges| Service::Stt { privileges }),
    ]
}

fn permissions() -> impl Strategy<Value = Permissions> {
    btree_map(0..6_u16, btree_map(0..3_u16, vec(name(), 0..3), 0..3), 0..4)
}

fn privileges() -> impl Strategy<Value = Privileges> {
    btree_map(prop_oneof![1..5_u16, any::<u16>()], prop_oneof![Just(0), 0..4000_u32, any::<u32>()], 0..6)
}

fn channel() -> impl Strategy<Value = String> {
    prop_oneof![Just("room-1".to_owned()), Just("*".to_owned()), name()]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9-]{0,20}", "[0-9a-f]{0,80}", ".{0,20}"]
}

fn legacy_token() -> impl Strategy<Value = LegacyAccessToken> {
    (app_id(), name(), name(), any::<(u32, u32)>(), privileges()).prop_map(
        |(app_id, channel, uid, (ends_ts, salt), privileges)| LegacyAccessToken {
            app_id,
            channel,
            uid,
            ends_ts,
            salt,
            privileges,
        },
    )
}

fn app_id() -> impl Strategy<Value = AppId> {
    "[0-9a-fA-F]{32}".prop_map(|text| AppId::parse(&text).unwrap())
}

fn certificate() -> impl Strategy<Value = AppCertificate> {
    "[0-9a-fA-F]{32}".prop_map(|text| AppCertificate::parse(&text).unwrap())
}

/// The text of any payload, by another compressor.
fn text_of(payload: &[u8]) -> String {
    use base64::Engine;
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(payload).unwrap();
    format!("007{}", base64::engine::general_purpose::STANDARD.encode(encoder.finish().unwrap()))
}

const WIDE: Limits = Limits { text: 1 << 16, inflated: 1 << 16 };
const SECRET: &str = "5CFd2fd1755d40ecb72977518be15d3b";
const ISSUE: Issue = Issue { ts: 1_800_000_000, salt: 1 };
