//! Keeps the files under `spec/` and `web/sdk/protocol.d.ts` in step with the message types.
//!
//! `UPDATE_SPEC=1 cargo test -p symbolon-proto` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use ts_rs::{Config, TS, TypeVisitor};

use crate::code::{
    ConnectionState, ErrorCode, Fallback, OfflineReason, Reason, RemoteReason, RemoteState, RenewCode,
    RoleChangeFailure, StreamType,
};
use crate::id::{Mid, PublicationId, ResumeId, Rid, Token, Uid};
use crate::message::*;

#[test]
fn the_types_for_javascript_are_up_to_date() {
    compare("web/sdk/protocol.d.ts", &typescript());
}

#[test]
fn the_samples_are_up_to_date() {
    compare("spec/messages.json", &json(&Samples { client: client_samples(), server: server_samples() }));
}

#[test]
fn the_numbers_are_up_to_date() {
    compare("spec/codes.json", &json(&numbers()));
}

#[test]
fn every_message_has_one_sample_that_reads_back() {
    assert_eq!(tags(&client_samples()), tags_of::<ClientMessage>());
    assert_eq!(tags(&server_samples()), tags_of::<ServerMessage>());
    for sample in client_samples() {
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(serde_json::from_str::<ClientMessage>(&text).unwrap(), sample);
    }
    for sample in server_samples() {
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(serde_json::from_str::<ServerMessage>(&text).unwrap(), sample);
    }
}

#[test]
fn unknown_fields_are_ignored_and_unknown_types_are_not() {
    let with = |text| serde_json::from_str::<ClientMessage>(text);
    assert_eq!(with(r#"{"type":"leave","later":{"x":[1]}}"#).unwrap(), ClientMessage::Leave {});
    assert!(with(r#"{"type":"dance"}"#).is_err());
    assert!(with(r#"{"later":1}"#).is_err());
}

#[test]
fn secrets_do_not_print() {
    let printed = format!("{:?} {:?}", client_samples(), server_samples());
    assert!(!printed.contains(TOKEN) && !printed.contains(&"ab".repeat(16)), "{printed}");
}

/// Fails when the committed file is not `wanted`; writes it instead when asked to.
fn compare(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_SPEC").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        return std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{path} is out of date: run UPDATE_SPEC=1 cargo test -p symbolon-proto, and look at it");
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

fn typescript() -> String {
    let mut types = Declarations::default();
    types.visit::<ClientMessage>();
    types.visit::<ServerMessage>();
    types.visit::<ConnectionState>();
    let declared = types.found.into_values().collect::<Vec<_>>().join("\n");
    format!(
        "// Generated from crates/symbolon-proto/src/message.rs; do not edit. See spec/protocol.md.\n// What the numbers mean is in spec/codes.json.\n\n{declared}"
    )
}

/// Every type that messages are made of, by name, as an exported declaration.
#[derive(Default)]
struct Declarations {
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        let config = Config::default();
        // Types without a place of their own (text, numbers, lists) are written out where they are used.
        if T::output_path().is_some() {
            let name = T::ident(&config);
            if self.found.contains_key(&name) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            self.found.insert(name, tidy(&format!("{docs}export {}\n", T::decl(&config))));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// Short comments on one line, no blanks at line ends, no links that only rustdoc follows, one alternative a line.
fn tidy(declaration: &str) -> String {
    let lines: Vec<_> = declaration.lines().map(str::trim_end).collect();
    let text = lines.join("\n").replace("/**\n * ", "/** ").replace("\n */", " */") + "\n";
    let text = text.replace("[`", "`").replace("`]", "`").replace("{ \"type\"", "\n  { \"type\"");
    indent(&text.replace("= \n", "=\n").replace("| \n", "|\n").replace(", }", " }"))
}

/// Moves the fields to the right of what they belong to.
fn indent(declaration: &str) -> String {
    let (docs, body) = declaration.split_at(declaration.find("export").unwrap());
    let deep = if body.contains("{ \"type\"") { "\n    " } else { "\n  " };
    docs.to_owned() + &body.trim_end().replace('\n', deep).replace("\n      {", "\n  {") + "\n"
}

type Numbers = BTreeMap<&'static str, BTreeMap<u16, String>>;

/// Every enumeration that travels as its number.
fn numbers() -> Numbers {
    macro_rules! values {
        ($($name:ident),+) => {
            [$((stringify!($name), $name::ALL.iter().map(|value| (value.number(), format!("{value:?}"))).collect())),+]
        };
    }
    values![
        ConnectionState,
        ErrorCode,
        Fallback,
        OfflineReason,
        Reason,
        RemoteReason,
        RemoteState,
        RenewCode,
        RoleChangeFailure,
        StreamType
    ]
    .into()
}

#[derive(Serialize)]
struct Samples {
    client: Vec<ClientMessage>,
    server: Vec<ServerMessage>,
}

/// The `type` of each sample; the same one twice is a mistake.
fn tags(samples: &[impl Serialize]) -> BTreeSet<String> {
    let tag = |sample| serde_json::to_value(sample).unwrap()["type"].as_str().unwrap().to_owned();
    let tags: BTreeSet<_> = samples.iter().map(tag).collect();
    assert_eq!(tags.len(), samples.len(), "two samples of one message");
    tags
}

/// Every `type` that the enum has, read from its declaration.
fn tags_of<T: TS>() -> BTreeSet<String> {
    let declaration = T::decl(&Config::default());
    let tags = declaration.split("\"type\": \"").skip(1);
    tags.map(|rest| rest[..rest.find('"').unwrap()].to_owned()).collect()
}

const TOKEN: &str = "007eJxSYExamples-are-not-tokens";

fn client_samples() -> Vec<ClientMessage> {
    vec![
        ClientMessage::Join(Box::new(Join {
            app_id: "970CA35de60c44645bbae8a215061b33".to_owned(),
            channel: "lobby".to_owned(),
            token: Some(Token::new(TOKEN)),
            uid: 1001,
            name: Some("Ann".to_owned()),
            switches: Switches { video: true, local_video: false },
            role: Role::Broadcaster,
            profile: Profile::LiveBroadcasting,
            subscribe: subscribe(),
            view: View { stream: StreamType::Low, ..View::default() },
            media: Some(offer()),
            resume: Some(ResumeId::from_entropy([0xab; 16])),
        })),
        ClientMessage::Negotiate { id: 7, media: offer() },
        ClientMessage::Subscribe(subscribe()),
        ClientMessage::View(view()),
        ClientMessage::SetMuted { mid: mid("0"), muted: true },
        ClientMessage::SetSwitches(Switches { video: false, local_video: true }),
        ClientMessage::SetRole { id: 8, role: Role::Broadcaster },
        ClientMessage::RenewToken { id: 9, token: Token::new(TOKEN) },
        ClientMessage::Ping {},
        ClientMessage::Leave {},
    ]
}

fn server_samples() -> Vec<ServerMessage> {
    let own = own(PublishState::NotAllowed);
    vec![
        ServerMessage::Joined(Box::new(Joined {
            uid: uid(1001),
            resume: ResumeId::from_entropy([0xab; 16]),
            resumed: false,
            profile: Profile::LiveBroadcasting,
            standing: standing(),
            members: vec![member()],
            media: Some(answer()),
            ping_every_ms: 3000,
        })),
        ServerMessage::Ended(Ended {
            code: ErrorCode::InvalidToken,
            reason: Reason::InvalidToken,
            slug: "channel_mismatch".to_owned(),
            message: "the token was made for another channel".to_owned(),
            retry_after_ms: Some(60_000),
        }),
        ServerMessage::Negotiated { id: 7, media: answer() },
        ServerMessage::Slots { slots: slots() },
        ServerMessage::NeedSlots { audio: 1, video: 4 },
        ServerMessage::MemberJoined { member: member() },
        ServerMessage::MemberLeft { uid: uid(2002), reason: OfflineReason::Quit },
        ServerMessage::Published { uid: uid(2002), publication: publication() },
        ServerMessage::Unpublished { uid: uid(2002), id: PublicationId(5) },
        ServerMessage::MemberSwitches { uid: uid(2002), switches: Switches { video: true, local_video: false } },
        ServerMessage::PublicationMuted { uid: uid(2002), id: PublicationId(5), muted: true },
        ServerMessage::OwnPublication(own),
        ServerMessage::Standing(standing()),
        ServerMessage::RoleChanged { id: Some(8), role: Role::Audience },
        ServerMessage::RoleRefused {
            id: Some(8),
            reason: RoleChangeFailure::NotAuthorized,
            role: Role::Audience,
            message: "the token does not allow publishing".to_owned(),
        },
        ServerMessage::TokenWillExpire {
            privileges: vec![Privilege::Join, Privilege::Audio, Privilege::Video, Privilege::Data],
            expires_in_ms: 30_000,
        },
        ServerMessage::Renewed {
            id: 9,
            code: RenewCode::Ok,
            message: "the token has been renewed".to_owned(),
            standing: Some(standing()),
        },
        ServerMessage::LayersWanted { mid: mid("1"), rids: vec![rid("l"), rid("h")] },
        ServerMessage::Receiving(Receiving {
            uid: uid(2002),
            id: PublicationId(6),
            stream: Received::Low,
            layer: Some(0),
            size: Some(Size { width: 320, height: 180 }),
            reason: ReceivingReason::Bandwidth,
        }),
        ServerMessage::Bandwidth { down_kbps: 850 },
        ServerMessage::Speakers { speakers: vec![Speaker { uid: uid(2002), volume: 93 }] },
        ServerMessage::Error {
            id: Some(7),
            code: ErrorCode::InvalidArgument,
            slug: "invalid_message".to_owned(),
            message: "the offer names a mid twice".to_owned(),
        },
        ServerMessage::Pong {},
    ]
}

fn offer() -> MediaOffer {
    MediaOffer {
        sdp: "v=0\r\n...".to_owned(),
        publish: vec![
            PublishBinding {
                mid: mid("0"),
                kind: Kind::Audio,
                source: Source::Microphone,
                muted: false,
                layers: vec![],
            },
            PublishBinding {
                mid: mid("1"),
                kind: Kind::Video,
                source: Source::Camera,
                muted: true,
                layers: vec![
                    Layer { rid: rid("l"), width: 320, height: 180, max_kbps: 150, fps: Some(15) },
                    Layer { rid: rid("h"), width: 1280, height: 720, max_kbps: 1_710, fps: None },
                ],
            },
        ],
        slots: vec![SlotBinding { mid: mid("2"), kind: Kind::Audio }, SlotBinding { mid: mid("3"), kind: Kind::Video }],
    }
}

fn answer() -> MediaAnswer {
    MediaAnswer { sdp: "v=0\r\n...".to_owned(), publish: vec![own(PublishState::Published)], slots: slots() }
}

fn slots() -> Vec<Slot> {
    vec![Slot { mid: mid("2"), publication: Some(PublicationId(5)) }, Slot { mid: mid("3"), publication: None }]
}

fn own(state: PublishState) -> OwnPublication {
    OwnPublication { mid: mid("0"), id: PublicationId(3), state }
}

fn member() -> Member {
    Member {
        uid: uid(2002),
        name: Some("Bob".to_owned()),
        role: Role::Broadcaster,
        switches: Switches::default(),
        publications: vec![publication(), video()],
    }
}

fn publication() -> Publication {
    Publication { id: PublicationId(5), kind: Kind::Audio, source: Source::Microphone, muted: false, layers: vec![] }
}

fn video() -> Publication {
    let layers = vec![Size { width: 320, height: 180 }, Size { width: 1280, height: 720 }];
    Publication { id: PublicationId(6), kind: Kind::Video, source: Source::Camera, muted: false, layers }
}

fn view() -> View {
    let tile = MemberView {
        uid: uid(2002),
        publication: None,
        stream: None,
        size: Some(Size { width: 640, height: 360 }),
        priority: Priority::Normal,
        fallback: None,
    };
    let pinned = MemberView {
        uid: uid(2003),
        publication: Some(PublicationId(9)),
        stream: Some(StreamType::Layer1),
        size: None,
        priority: Priority::Pinned,
        fallback: Some(Fallback::None),
    };
    View { stream: StreamType::High, fallback: Fallback::AudioOnly, views: vec![tile, pinned] }
}

fn standing() -> Standing {
    Standing { role: Role::Broadcaster, audio: true, video: true, data: false, expires_in_ms: Some(600_000) }
}

fn subscribe() -> Subscribe {
    let exception = SubscribeException { uid: uid(2002), kind: Kind::Video, wanted: false };
    Subscribe { audio: true, video: true, except: vec![exception] }
}

fn mid(text: &str) -> Mid {
    Mid::parse(text).unwrap()
}

fn rid(text: &str) -> Rid {
    Rid::parse(text).unwrap()
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}
