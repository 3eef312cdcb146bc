//! What people are told when a token is refused, and what the other services allow.

use symbolon_token::builder::{apaas, build_token_with_uid, chat, rtm};
use symbolon_token::{
    ApaasPrivilege, AppCertificate, AppId, ChatPrivilege, Claims, Issue, Limits, LoginPrivilege, Policy, Role,
    ServiceKind, TokenError, UidRequest, Unverified,
};

#[test]
fn each_sentence_names_the_field_and_what_to_do() {
    let refused = |now, channel, uid| {
        let claims = claims(
            &build_token_with_uid(ISSUE, app(), &certificate(), "Secret", 77, Role::Subscriber, 60, 60).unwrap(),
        );
        claims.rtc_access(now, channel, uid, &Policy::default()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(NOW, "AppTest", UidRequest::Any),
        "the token was made for another channel than \"AppTest\"; names are compared exactly"
    );
    assert_eq!(
        refused(NOW, "Secret", UidRequest::Text("1001")),
        "the token was made for another user than \"1001\"; ids are compared exactly, as text"
    );
    assert_eq!(
        refused(NOW + 72, "Secret", UidRequest::Any),
        "the token expired 12 s ago (by the server's clock); ask for a new one"
    );
    assert_eq!(
        refused(NOW - 540, "Secret", UidRequest::Any),
        "the token's issue time is 540 s ahead of the server's clock; check clock skew"
    );
}

#[test]
fn a_missing_service_says_where_reading_stopped() {
    let stopped = TokenError::ServiceMissing { wanted: ServiceKind::Rtc, stopped_at: Some(999) };
    assert_eq!(stopped.to_string(), "the token holds no rtc service before service type 999, which is not known here");
    let missing = TokenError::ServiceMissing { wanted: ServiceKind::Rtm2, stopped_at: None };
    assert_eq!(missing.to_string(), "the token holds no rtm2 service");
}

#[test]
fn an_rtm_token_logs_in_its_user_only() {
    let claims = claims(&rtm::build_token(ISSUE, app(), &certificate(), "ann", 60).unwrap());
    let login = |user| claims.access(NOW, ServiceKind::Rtm, "", user, LoginPrivilege::Login, &Policy::default());
    let access = login(UidRequest::Text("ann")).unwrap();
    assert_eq!((access.user.as_str(), access.until), ("ann", NOW + 60));
    assert_eq!(login(UidRequest::Any).unwrap().user, "ann");
    assert_eq!(login(UidRequest::Text("bob")).unwrap_err().reason(), "uid_mismatch");
}

#[test]
fn a_chat_user_is_no_chat_app() {
    let token = chat::build_user_token(ISSUE, app(), &certificate(), "ann", 60).unwrap();
    let claims = claims(&token);
    let act = |privilege: ChatPrivilege| {
        claims.access(NOW, ServiceKind::Chat, "", UidRequest::Text("ann"), privilege, &Policy::default())
    };
    assert!(act(ChatPrivilege::User).is_ok());
    assert_eq!(act(ChatPrivilege::App).unwrap_err().reason(), "privilege_missing");
}

#[test]
fn a_room_user_is_bound_to_the_room_and_an_app_to_none() {
    let (room_user, whole_app) = (
        claims(&apaas::build_room_user_token(ISSUE, app(), &certificate(), "room", "ann", 2, 60).unwrap()),
        claims(&apaas::build_app_token(ISSUE, app(), &certificate(), 60).unwrap()),
    );
    let act = |claims: &Claims, room, user, privilege: ApaasPrivilege| {
        let reason = |error: TokenError| error.reason();
        let user = UidRequest::Text(user);
        claims.access(NOW, ServiceKind::Apaas, room, user, privilege, &Policy::default()).map(|_| ()).map_err(reason)
    };
    assert_eq!(act(&room_user, "room", "ann", ApaasPrivilege::RoomUser), Ok(()));
    assert_eq!(act(&room_user, "other", "ann", ApaasPrivilege::RoomUser), Err("channel_mismatch"));
    assert_eq!(act(&room_user, "room", "bob", ApaasPrivilege::RoomUser), Err("uid_mismatch"));
    assert_eq!(act(&room_user, "room", "ann", ApaasPrivilege::App), Err("privilege_missing"));
    assert_eq!(act(&whole_app, "anything", "anyone", ApaasPrivilege::App), Ok(()));
}

fn claims(token: &str) -> Claims {
    Unverified::decode(token, Limits::default()).unwrap().verify(&[certificate()]).unwrap()
}

fn app() -> AppId {
    AppId::parse("970CA35de60c44645bbae8a215061b33").unwrap()
}

fn certificate() -> AppCertificate {
    AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap()
}

const NOW: u64 = 1_800_000_000;
const ISSUE: Issue = Issue { ts: NOW as u32, salt: 1 };
