//! The committed vectors: every good token is read and, where it is canonical, built again to the same bytes; every bad
//! one is refused for a reason that the format's order of checks allows.

use std::collections::BTreeMap;

use serde_json::Value;
use symbolon_token::legacy::{self, LegacyAccessToken, LegacyUnverified};
use symbolon_token::{
    AccessToken, AppCertificate, AppId, BuildError, Claims, Issue, Issuing, JoinRequest, Limits, Mode, Permissions,
    Policy, Privileges, Project, Role, Service, ServiceKind, TokenError, UidRequest, Unverified, Wildcards, builder,
    verify,
};

#[test]
fn every_good_007_token_is_read_as_it_was_meant() {
    for vector in good("007") {
        let claims = claims_of(&vector);
        let decoded = &vector["decoded"];
        assert_eq!(claims.app_id().as_str(), text(&decoded["app_id"]), "{}", id(&vector));
        assert_eq!(claims.issue_ts(), number(&decoded["issue_ts"]), "{}", id(&vector));
        assert_eq!(claims.expire(), number(&decoded["expire"]), "{}", id(&vector));
        assert_eq!(claims.salt(), number(&decoded["salt"]), "{}", id(&vector));
        assert_eq!(claims.services(), services_of(decoded), "{}", id(&vector));
        assert_eq!(claims.unknown_service(), None, "{}", id(&vector));
        assert_eq!(claims.id().as_bytes().as_slice(), unhex(&decoded["signature_hex"]), "{}", id(&vector));
    }
}

#[test]
fn every_canonical_007_token_is_built_again_from_its_fields() {
    for vector in good("007").into_iter().filter(is_canonical) {
        let token = token_of(&vector);
        let certificate = certificate_of(&vector["inputs"]);
        assert_eq!(token.payload(&certificate), Ok(unhex(&vector["payload_hex"])), "{}", id(&vector));
        let rebuilt = token.build(&certificate).unwrap();
        let claims = Unverified::decode(&rebuilt, Limits::default()).unwrap().verify(&[certificate]).unwrap();
        assert_eq!(claims.services(), services_of(&vector["decoded"]), "{}", id(&vector));
    }
}

#[test]
fn token_texts_are_those_of_stock_zlib_at_its_default_level() {
    let is_stock = |vector: &Value| vector["deflate"].as_str().is_some_and(|name| name.starts_with("zlib 1.2.13"));
    let vectors: Vec<Value> = good("007").into_iter().filter(is_stock).filter(is_canonical).collect();
    assert!(vectors.len() >= 50);
    for vector in vectors {
        let built = token_of(&vector).build(&certificate_of(&vector["inputs"]));
        assert_eq!(built.as_deref(), Ok(text(&vector["token"])), "{}", id(&vector));
    }
}

#[test]
fn the_familiar_builders_give_the_payloads_of_other_languages() {
    let mut built = BTreeMap::new();
    for vector in good("007").into_iter().filter(is_canonical) {
        let Some(token) = familiar_007(&vector) else {
            continue;
        };
        // The signature covers every byte of the body.
        let signature = claims_in(&token.unwrap(), &vector["inputs"]).id();
        let expected = unhex(&vector["decoded"]["signature_hex"]);
        assert_eq!(signature.as_bytes().as_slice(), expected, "{}", id(&vector));
        *built.entry(text(&vector["builder"]).to_owned()).or_insert(0) += 1;
    }
    assert_eq!(built.len(), 19, "every familiar builder has a vector: {built:?}");
}

#[test]
fn every_good_006_token_is_read_and_built_again() {
    for vector in good("006") {
        let claims = legacy_claims_of(&vector);
        let decoded = &vector["decoded"];
        assert_eq!(claims.salt(), number(&decoded["salt"]), "{}", id(&vector));
        assert_eq!(claims.ends_ts(), number(&decoded["ts"]), "{}", id(&vector));
        assert_eq!(claims.privileges(), privileges_of(decoded), "{}", id(&vector));
        if is_canonical(&vector) {
            let token = legacy_token_of(&vector);
            let certificate = certificate_of(&vector["inputs"]);
            assert_eq!(token.build(&certificate).as_deref(), Ok(text(&vector["token"])), "{}", id(&vector));
        }
    }
}

#[test]
fn the_familiar_006_builders_give_the_payloads_of_other_languages() {
    let mut built = 0;
    for vector in good("006").into_iter().filter(is_canonical) {
        // They make a token that ends a day from now, so the vectors' own end is a day from their issue.
        let Some(token) = familiar_006(&vector) else {
            continue;
        };
        assert_eq!(token.as_deref(), Ok(text(&vector["token"])), "{}", id(&vector));
        built += 1;
    }
    assert!(built >= 25, "only {built}");
}

#[test]
fn every_bad_token_gets_its_verdict_for_an_admissible_reason() {
    for vector in bad() {
        let expected = &vector["expected"];
        let seen = judge(&vector);
        let id = id(&vector);
        match text(&expected["verdict"]) {
            "accept" => assert_eq!(seen, Ok(()), "{id}"),
            "reject" => {
                let reason = seen.expect_err(&id).reason();
                let mut admissible = list(&expected["also_acceptable_reasons"]).to_vec();
                admissible.push(expected["reason"].clone());
                assert!(admissible.contains(&reason.into()), "{id}: {reason} is not one of {admissible:?}");
            }
            "either" => {}
            other => panic!("{id}: unknown verdict {other}"),
        }
    }
}

#[test]
fn reasons_follow_the_order_of_checks() {
    let mut elsewhere = Vec::new();
    for vector in bad().into_iter().filter(|vector| text(&vector["expected"]["verdict"]) == "reject") {
        let reason = judge(&vector).unwrap_err().reason();
        if reason != text(&vector["expected"]["reason"]) {
            elsewhere.push((id(&vector), reason));
        }
    }
    // These come earlier in the order of checks than what the vectors name first.
    let early = ["too_long", "version_unsupported", "bad_signature"];
    assert!(elsewhere.iter().all(|(_, reason)| early.contains(reason)), "{elsewhere:?}");
}

#[test]
fn tokens_made_to_exhaust_memory_are_refused_at_the_inflate_limit() {
    let generous = Limits { text: usize::MAX, ..Limits::default() };
    let bombs: Vec<Value> = bad().into_iter().filter(|vector| text(&vector["class"]) == "resource_limit").collect();
    assert!(!bombs.is_empty());
    for vector in bombs {
        let refused = Unverified::decode(text(&vector["token"]), generous).unwrap_err();
        assert_eq!(refused, TokenError::InflateLimit { limit: 65_536 }, "{}", id(&vector));
        let refused = Unverified::decode(text(&vector["token"]), Limits::default()).unwrap_err();
        assert_eq!(refused, TokenError::TooLong { limit: 4096 }, "{}", id(&vector));
    }
}

#[test]
fn nothing_printed_about_a_token_holds_the_token() {
    for vector in good("007") {
        let token = text(&vector["token"]);
        let signature = text(&vector["decoded"]["signature_hex"]);
        let unverified = Unverified::decode(token, Limits::default()).unwrap();
        let claims = claims_of(&vector);
        for printed in [format!("{unverified:?}"), format!("{claims:?}"), format!("{} {:?}", claims.id(), claims.id())]
        {
            assert!(!printed.contains(token), "{printed}");
            assert!(!printed.contains(&signature[..10]), "{printed}");
        }
    }
}

/// What a verifier with 006 on and `*` allowed says in the vector's context.
fn judge(vector: &Value) -> Result<(), TokenError> {
    let context = &vector["context"];
    let token = text(&vector["token"]);
    let (channel, uid) = (text(&context["channel"]), UidRequest::Text(text(&context["uid"])));
    let now = context["now"].as_u64().unwrap();
    let ours = AppId::parse(text(&context["app_id"])).unwrap();
    let certificates = [certificate_of(context)];
    // Some vectors ask for channels outside the 89 characters, to see them compared as bytes.
    let policy = Policy {
        wildcards: Wildcards::Star,
        allow_006: text(&vector["class"]) == "format_006",
        channel_names: Mode::Compatible,
        ..Policy::default()
    };
    if text(&context["service"]) == "rtc" {
        let lookup =
            |asked: &AppId| (*asked == ours).then_some(Project { certificates: &certificates, disabled: false });
        let request = JoinRequest { channel, uid };
        let access = verify(token, lookup, request, now, Limits::default(), &policy)?;
        let until = match text(&context["privilege"]) {
            "join" => Some(access.join_until),
            "audio" => access.audio_until,
            "video" => access.video_until,
            "data" => access.data_until,
            other => panic!("unknown privilege {other}"),
        };
        let missing = TokenError::PrivilegeMissing { service: ServiceKind::Rtc, privilege: 2 };
        return until.map(|_| ()).ok_or(missing);
    }
    assert_eq!((text(&context["service"]), text(&context["privilege"])), ("rtm", "login"));
    let unverified = Unverified::decode(token, Limits::default())?;
    if *unverified.app_id() != ours {
        return Err(TokenError::AppIdMismatch);
    }
    let claims = unverified.verify(&certificates)?;
    claims.access(now, ServiceKind::Rtm, channel, uid, 1_u16, &policy)?;
    Ok(())
}

/// The token that the familiar builder of this vector makes of its inputs.
fn familiar_007(vector: &Value) -> Option<Result<String, BuildError>> {
    let i = &vector["inputs"];
    let issue = issue_of(vector);
    let app = AppId::parse(text(&i["app_id"])).unwrap();
    let certificate = &certificate_of(i);
    let t = |name: &str| text(&i[name]);
    let n = |name: &str| number(&i[name]);
    let role = || Role::from_number(i["role"].as_i64().unwrap());
    let apaas_role = || i16::try_from(i["apaas_role"].as_i64().unwrap()).unwrap();
    Some(match text(&vector["builder"]) {
        "rtc_uid" => {
            let (expire, privilege) = (n("token_expire"), n("privilege_expire"));
            builder::build_token_with_uid(issue, app, certificate, t("channel"), n("uid"), role(), expire, privilege)
        }
        "rtc_account" => {
            let (expire, privilege) = (n("token_expire"), n("privilege_expire"));
            let account = t("account");
            builder::build_token_with_user_account(
                issue,
                app,
                certificate,
                t("channel"),
                account,
                role(),
                expire,
                privilege,
            )
        }
        "rtc_uid_priv" => {
            let [expire, join, audio, video, data] = lives(i);
            builder::build_token_with_uid_and_privilege(
                issue,
                app,
                certificate,
                t("channel"),
                n("uid"),
                expire,
                join,
                audio,
                video,
                data,
            )
        }
        "rtc_account_priv" => {
            let [expire, join, audio, video, data] = lives(i);
            builder::build_token_with_user_account_and_privilege(
                issue,
                app,
                certificate,
                t("channel"),
                t("account"),
                expire,
                join,
                audio,
                video,
                data,
            )
        }
        "rtc_rtm" => {
            let (expire, privilege) = (n("token_expire"), n("privilege_expire"));
            builder::build_token_with_rtm(
                issue,
                app,
                certificate,
                t("channel"),
                t("account"),
                role(),
                expire,
                privilege,
            )
        }
        name @ ("rtc_rtm2" | "convoai" | "stt") => {
            let build = match name {
                "rtc_rtm2" => builder::build_token_with_rtm2,
                "convoai" => builder::convoai::build_token,
                _ => builder::stt::build_token,
            };
            let [expire, join, audio, video, data] = lives(i);
            let (account, rtm_user) = (t("account"), t("rtm_user_id"));
            build(
                issue,
                app,
                certificate,
                t("channel"),
                account,
                role(),
                expire,
                join,
                audio,
                video,
                data,
                rtm_user,
                n("rtm_expire"),
            )
        }
        "rtm" => builder::rtm::build_token(issue, app, certificate, t("user_id"), n("token_expire")),
        "rtm2" => {
            let permissions = permissions_of(&i["permissions"]);
            let expire = n("token_expire");
            builder::rtm::build_token_with_permissions(issue, app, certificate, t("user_id"), permissions, expire)
        }
        "chat_user" => builder::chat::build_user_token(issue, app, certificate, t("user_id"), n("token_expire")),
        "chat_app" => builder::chat::build_app_token(issue, app, certificate, n("token_expire")),
        "edu_room_user" => {
            let (room, user, expire) = (t("room_uuid"), t("user_uuid"), n("token_expire"));
            builder::education::build_room_user_token(issue, app, certificate, room, user, apaas_role(), expire)
        }
        "apaas_room_user" => {
            let (room, user, expire) = (t("room_uuid"), t("user_uuid"), n("token_expire"));
            builder::apaas::build_room_user_token(issue, app, certificate, room, user, apaas_role(), expire)
        }
        "edu_user" => builder::education::build_user_token(issue, app, certificate, t("user_uuid"), n("token_expire")),
        "apaas_user" => builder::apaas::build_user_token(issue, app, certificate, t("user_uuid"), n("token_expire")),
        "edu_app" => builder::education::build_app_token(issue, app, certificate, n("token_expire")),
        "fpa" => builder::fpa::build_token(issue, app, certificate),
        "http" => familiar_http(vector)?,
        "unit_test" => return None,
        other => panic!("no builder for {other}"),
    })
}

/// The community builder's shapes, as far as a request says its arguments plainly.
fn familiar_http(vector: &Value) -> Option<Result<String, BuildError>> {
    let (app, certificate) =
        (AppId::parse(text(&vector["inputs"]["app_id"])).unwrap(), certificate_of(&vector["inputs"]));
    let body = &vector["inputs"]["body"];
    if body["tokenType"] != "rtm" {
        return None;
    }
    let expire = body["expire"].as_u64().unwrap_or(3600) as u32;
    let (user, channel) = (text(&body["uid"]), body["channel"].as_str());
    Some(builder::community::build_rtm_token(issue_of(vector), app, &certificate, user, channel, expire))
}

fn familiar_006(vector: &Value) -> Option<Result<String, BuildError>> {
    let i = &vector["inputs"];
    let ts = number(&vector["decoded"]["ts"]).checked_sub(86_400)?;
    let issue = Issue { ts, salt: number(&vector["salt"]) }.compatible();
    let app = AppId::parse(text(&i["app_id"])).unwrap();
    let certificate = &certificate_of(i);
    let role = || legacy::role_from_number(i["role"].as_i64().unwrap());
    let expire = || number(&i["privilege_expire_ts"]);
    let channel = i["channel"].as_str().unwrap_or_default();
    Some(match text(&vector["builder"]) {
        "rtc006_uid" => {
            legacy::build_token_with_uid(issue, app, certificate, channel, number(&i["uid"]), role(), expire())
        }
        "rtc006_account" => {
            let account = text(&i["account"]);
            legacy::build_token_with_account(issue, app, certificate, channel, account, role(), expire())
        }
        "rtm006" => legacy::build_rtm_token(issue, app, certificate, text(&i["user_id"]), expire()),
        _ => return None,
    })
}

fn lives(inputs: &Value) -> [u32; 5] {
    ["token_expire", "join_expire", "audio_expire", "video_expire", "data_expire"].map(|name| number(&inputs[name]))
}

fn token_of(vector: &Value) -> AccessToken {
    let decoded = &vector["decoded"];
    AccessToken {
        app_id: AppId::parse(text(&decoded["app_id"])).unwrap(),
        issue: issue_of(vector).issue,
        expire: number(&decoded["expire"]),
        services: services_of(decoded),
        mode: Mode::Compatible,
    }
}

fn legacy_token_of(vector: &Value) -> LegacyAccessToken {
    let decoded = &vector["decoded"];
    let (channel, uid) = legacy_names(vector);
    LegacyAccessToken {
        app_id: AppId::parse(text(&decoded["app_id"])).unwrap(),
        channel,
        uid,
        ends_ts: number(&decoded["ts"]),
        salt: number(&decoded["salt"]),
        privileges: privileges_of(decoded),
    }
}

fn legacy_names(vector: &Value) -> (String, String) {
    let i = &vector["inputs"];
    let channel = i["channel"].as_str().or_else(|| i["user_id"].as_str()).unwrap();
    let uid = match (&i["uid"], &i["account"]) {
        (Value::Number(uid), _) => symbolon_token::uid_text(uid.as_u64().unwrap() as u32),
        (Value::String(uid), _) | (_, Value::String(uid)) => uid.clone(),
        _ => String::new(),
    };
    (channel.to_owned(), uid)
}

fn legacy_claims_of(vector: &Value) -> legacy::LegacyClaims {
    let (channel, uid) = legacy_names(vector);
    let unverified = LegacyUnverified::decode(text(&vector["token"]), Limits::default()).unwrap();
    unverified.verify(&[certificate_of(&vector["inputs"])], &channel, UidRequest::Text(&uid)).unwrap()
}

fn claims_of(vector: &Value) -> Claims {
    claims_in(text(&vector["token"]), &vector["inputs"])
}

fn claims_in(token: &str, inputs: &Value) -> Claims {
    Unverified::decode(token, Limits::default()).unwrap().verify(&[certificate_of(inputs)]).unwrap()
}

fn issue_of(vector: &Value) -> Issuing {
    Issue { ts: number(&vector["issue_ts"]), salt: number(&vector["salt"]) }.compatible()
}

fn certificate_of(value: &Value) -> AppCertificate {
    AppCertificate::parse(text(&value["app_cert"])).unwrap()
}

fn services_of(decoded: &Value) -> Vec<Service> {
    list(&decoded["services"]).iter().map(service_of).collect()
}

fn service_of(value: &Value) -> Service {
    let privileges = privileges_of(value);
    let t = |name: &str| text(&value[name]).to_owned();
    match text(&value["name"]) {
        "rtc" => Service::Rtc { channel: t("channel"), uid: t("uid"), privileges },
        "rtm" => Service::Rtm { user_id: t("user_id"), privileges },
        "streaming" => Service::Streaming { channel: t("channel"), account: t("account"), privileges },
        "fpa" => Service::Fpa { privileges },
        "chat" => Service::Chat { user_id: t("user_id"), privileges },
        "fcdn" => Service::Fcdn { channel: t("channel"), account: t("account"), privileges },
        "apaas" => {
            let role = value["role"].as_i64().unwrap() as i16;
            Service::Apaas { room_uuid: t("room_uuid"), user_uuid: t("user_uuid"), role, privileges }
        }
        "rtm2" => {
            let permissions = permissions_of(&value["permissions"]);
            Service::Rtm2 { user_id: t("user_id"), permissions, privileges }
        }
        "convoai" => Service::ConvoAi { privileges },
        "stt" => Service::Stt { privileges },
        other => panic!("unknown service {other}"),
    }
}

fn privileges_of(value: &Value) -> Privileges {
    let map = value["privileges"].as_object().unwrap();
    map.iter().map(|(id, life)| (id.parse().unwrap(), number(life))).collect()
}

fn permissions_of(value: &Value) -> Permissions {
    let names = |value: &Value| list(value).iter().map(|name| text(name).to_owned()).collect();
    let kinds = |value: &Value| {
        value.as_object().unwrap().iter().map(|(id, value)| (id.parse().unwrap(), names(value))).collect()
    };
    value.as_object().unwrap().iter().map(|(id, value)| (id.parse().unwrap(), kinds(value))).collect()
}

fn good(kind: &str) -> Vec<Value> {
    let vectors: Vec<Value> = list(&file()["good"]).iter().filter(|vector| vector["kind"] == kind).cloned().collect();
    assert!(vectors.len() > 30, "the vectors were read");
    vectors
}

fn bad() -> Vec<Value> {
    let vectors = list(&file()["bad"]).to_vec();
    assert!(vectors.len() > 100, "the vectors were read");
    vectors
}

fn is_canonical(vector: &Value) -> bool {
    vector["canonical"].as_bool().unwrap()
}

fn file() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/tokens.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn id(vector: &Value) -> String {
    text(&vector["id"]).to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| number.try_into().ok()).unwrap_or_else(|| panic!("not a u32: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    let hex = text(value).as_bytes();
    hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
