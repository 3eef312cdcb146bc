//! `symbolon token verify`.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Value, json};
use symbolon_token::legacy::LegacyUnverified;
use symbolon_token::{
    AppCertificate, AppId, ChatPrivilege, JoinRequest, Limits, LoginPrivilege, Mode, Policy, Project, RtcPrivilege,
    ServiceKind, TokenError, UidRequest, Unverified, Wildcards, channel_name_is_valid, verify,
};

use super::{CertificateSource, VERSION_006, lines, token_text, unix_now};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The token; without it, or with `-`, it is read from standard input.
    token: Option<String>,
    /// The App ID that the token should be for.
    #[arg(long, env = "APP_ID", value_name = "ID", required_unless_present = "json_lines")]
    app_id: Option<String>,
    #[command(flatten)]
    certificate: CertificateSource,
    /// The channel that it should open; for other services than RTC the place, if they have one.
    #[arg(long, default_value = "")]
    channel: String,
    /// The uid or user account that it should be for; empty asks for any.
    #[arg(long, default_value = "")]
    uid: String,
    /// The service that it should hold.
    #[arg(long, value_enum, default_value_t = ServiceName::Rtc)]
    service: ServiceName,
    /// The privilege that it should grant.
    #[arg(long, value_enum, default_value_t = PrivilegeName::Join)]
    privilege: PrivilegeName,
    /// The Unix time to check at; now, unless given.
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// Take tokens of the old 006 format as well.
    #[arg(long)]
    allow_006: bool,
    /// Which channel wildcards count.
    #[arg(long, value_enum, default_value_t = WildcardsName::Off)]
    wildcards: WildcardsName,
    /// Read one JSON object a line from standard input, with the secrets in it, and answer each with a line.
    #[arg(long, conflicts_with_all = ["token", "certificate_file", "channel", "uid", "now"])]
    json_lines: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum ServiceName {
    Rtc,
    Rtm,
    Rtm2,
    Chat,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum PrivilegeName {
    Join,
    Audio,
    Video,
    Data,
    Login,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum WildcardsName {
    Off,
    #[default]
    Star,
}

/// One question of `--json-lines`.
#[derive(Deserialize)]
struct Question {
    id: Value,
    token: String,
    app_id: String,
    #[serde(default)]
    app_cert: Option<String>,
    #[serde(default)]
    certificates: Option<Vec<String>>,
    now: u64,
    service: ServiceName,
    channel: String,
    uid: Uid,
    privilege: PrivilegeName,
    #[serde(default)]
    wildcards: WildcardsName,
    #[serde(default)]
    allow_006: bool,
}

/// A uid as text or as a number; 0 asks for any.
#[derive(Deserialize)]
#[serde(untagged)]
enum Uid {
    Text(String),
    Number(u32),
}

/// What a token is held against.
struct Check<'a> {
    token: &'a str,
    app_id: AppId,
    certificates: &'a [AppCertificate],
    now: u64,
    service: ServiceName,
    channel: &'a str,
    uid: &'a str,
    privilege: PrivilegeName,
    policy: Policy,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    if args.json_lines {
        return lines::answer_each(answer);
    }
    if args.certificate.is_stdin() && args.token.as_deref().is_none_or(|token| token == "-") {
        bail!("standard input cannot hold both the token and the certificate; name a file for one of them");
    }
    let app_id = args.app_id.unwrap_or_default();
    let app_id = AppId::parse(&app_id).map_err(|error| anyhow!("App ID: {error}"))?;
    let certificates = [args.certificate.read()?];
    let token = token_text(args.token)?;
    let check = Check {
        token: &token,
        app_id,
        certificates: &certificates,
        now: args.now.unwrap_or_else(unix_now),
        service: args.service,
        channel: &args.channel,
        uid: &args.uid,
        privilege: args.privilege,
        policy: policy(args.wildcards, args.allow_006),
    };
    Ok(say(check.result()))
}

#[expect(clippy::print_stdout, reason = "the verdict is what was asked for")]
fn say(result: Result<u64, TokenError>) -> ExitCode {
    match result {
        Ok(until) => {
            println!("good until {until}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("refused ({}): {error}", error.reason());
            ExitCode::FAILURE
        }
    }
}

fn answer(question: Question) -> Result<Value, String> {
    let app_id = AppId::parse(&question.app_id).map_err(|error| format!("app_id: {error}"))?;
    let texts = question.certificates.or_else(|| question.app_cert.map(|text| vec![text])).unwrap_or_default();
    let certificates: Vec<_> = texts
        .iter()
        .map(|text| AppCertificate::parse(text))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("certificate: {error}"))?;
    let uid = match question.uid {
        Uid::Text(text) => text,
        Uid::Number(0) => String::new(),
        Uid::Number(number) => number.to_string(),
    };
    let check = Check {
        token: &question.token,
        app_id,
        certificates: &certificates,
        now: question.now,
        service: question.service,
        channel: &question.channel,
        uid: &uid,
        privilege: question.privilege,
        // A name outside the documented characters is held against the token's bytes first, so that a mismatch is
        // called one; it is never accepted.
        policy: Policy { channel_names: Mode::Compatible, ..policy(question.wildcards, question.allow_006) },
    };
    Ok(match check.result() {
        Ok(_) => json!({ "id": question.id, "verdict": "accept", "reason": null }),
        Err(error) => json!({ "id": question.id, "verdict": "reject", "reason": error.reason() }),
    })
}

fn policy(wildcards: WildcardsName, allow_006: bool) -> Policy {
    let wildcards = match wildcards {
        WildcardsName::Off => Wildcards::Off,
        WildcardsName::Star => Wildcards::Star,
    };
    Policy { wildcards, allow_006, ..Policy::default() }
}

impl Check<'_> {
    /// Until when the privilege holds.
    fn result(&self) -> Result<u64, TokenError> {
        let until = self.until()?;
        if self.service == ServiceName::Rtc && !channel_name_is_valid(self.channel) {
            return Err(TokenError::InvalidChannel);
        }
        Ok(until)
    }

    fn until(&self) -> Result<u64, TokenError> {
        if self.service == ServiceName::Rtc && self.privilege == PrivilegeName::Join {
            return self.join().map(|access| access.join_until);
        }
        if self.policy.allow_006 && self.token.starts_with(VERSION_006) {
            return self.result_006();
        }
        let unverified = Unverified::decode(self.token, Limits::default())?;
        if *unverified.app_id() != self.app_id {
            return Err(TokenError::AppIdMismatch);
        }
        let claims = unverified.verify(self.certificates)?;
        if self.service == ServiceName::Rtc {
            // A publish privilege is worth nothing to someone who may not be there.
            claims.rtc_access(self.now, self.channel, self.user(), &self.policy)?;
        }
        let (kind, privilege) = (self.service.kind(), self.privilege_id());
        let access = claims.access(self.now, kind, self.channel, self.user(), privilege, &self.policy)?;
        Ok(access.until)
    }

    fn join(&self) -> Result<symbolon_token::RtcAccess, TokenError> {
        let project = Project { certificates: self.certificates, disabled: false };
        let lookup = |id: &AppId| (*id == self.app_id).then_some(project);
        let request = JoinRequest { channel: self.channel, uid: self.user() };
        verify(self.token, lookup, request, self.now, Limits::default(), &self.policy)
    }

    fn result_006(&self) -> Result<u64, TokenError> {
        if self.service == ServiceName::Rtc {
            let access = self.join()?;
            let until = match self.privilege {
                PrivilegeName::Audio => access.audio_until,
                PrivilegeName::Video => access.video_until,
                PrivilegeName::Data => access.data_until,
                PrivilegeName::Join | PrivilegeName::Login => Some(access.join_until),
            };
            let missing = TokenError::PrivilegeMissing { service: ServiceKind::Rtc, privilege: self.privilege_id() };
            return until.ok_or(missing);
        }
        let unverified = LegacyUnverified::decode(self.token, Limits::default())?;
        if *unverified.app_id() != self.app_id {
            return Err(TokenError::AppIdMismatch);
        }
        // A 006 signalling token has its user where others have the channel.
        unverified.verify(self.certificates, self.uid, UidRequest::Any)?.rtm_until(self.now, &self.policy)
    }

    fn user(&self) -> UidRequest<'_> {
        if self.uid.is_empty() { UidRequest::Any } else { UidRequest::Text(self.uid) }
    }

    fn privilege_id(&self) -> u16 {
        match (self.service, self.privilege) {
            (ServiceName::Rtc, PrivilegeName::Audio) => RtcPrivilege::PublishAudio.into(),
            (ServiceName::Rtc, PrivilegeName::Video) => RtcPrivilege::PublishVideo.into(),
            (ServiceName::Rtc, PrivilegeName::Data) => RtcPrivilege::PublishData.into(),
            (ServiceName::Rtc, PrivilegeName::Join | PrivilegeName::Login) => RtcPrivilege::JoinChannel.into(),
            (ServiceName::Chat, _) => ChatPrivilege::User.into(),
            (ServiceName::Rtm | ServiceName::Rtm2, _) => LoginPrivilege::Login.into(),
        }
    }
}

impl ServiceName {
    fn kind(self) -> ServiceKind {
        match self {
            Self::Rtc => ServiceKind::Rtc,
            Self::Rtm => ServiceKind::Rtm,
            Self::Rtm2 => ServiceKind::Rtm2,
            Self::Chat => ServiceKind::Chat,
        }
    }
}
