//! `symbolon token build`.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use symbolon_token::builder::{
    self, build_token_with_rtm, build_token_with_rtm2, build_token_with_uid, build_token_with_uid_and_privilege,
    build_token_with_user_account, build_token_with_user_account_and_privilege,
};
use symbolon_token::legacy::{self, LegacyAccessToken};
use symbolon_token::{AppCertificate, AppId, BuildError, Issue, Issuing, Permissions, Role, uid_text};

use super::{CertificateSource, lines};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The App ID.
    #[arg(long, env = "APP_ID", value_name = "ID", required_unless_present = "json_lines")]
    app_id: Option<String>,
    #[command(flatten)]
    certificate: CertificateSource,
    /// The channel that the token opens.
    #[arg(long, value_name = "NAME", required_unless_present = "json_lines")]
    channel: Option<String>,
    /// The uid (a number) or user account that it is for; without it, any user.
    #[arg(long, default_value = "", value_name = "UID")]
    uid: String,
    /// What the user may do.
    #[arg(long, value_enum, default_value_t = RoleName::Subscriber)]
    role: RoleName,
    /// How long the token and its privileges live, in seconds, 1 to 86400.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    life: u32,
    /// Read one JSON object a line from standard input, with the secrets in it, and answer each with a line.
    #[arg(long, conflicts_with_all = ["channel", "certificate_file"])]
    json_lines: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    Publisher,
    Subscriber,
}

#[expect(clippy::print_stdout, reason = "the token is what was asked for")]
pub(super) fn run(args: Args) -> Result<ExitCode> {
    if args.json_lines {
        return lines::answer_each(answer);
    }
    let app_id = AppId::parse(&args.app_id.unwrap_or_default()).map_err(|error| anyhow!("App ID: {error}"))?;
    let certificate = args.certificate.read()?;
    let role = match args.role {
        RoleName::Publisher => Role::Publisher,
        RoleName::Subscriber => Role::Subscriber,
    };
    let (channel, life) = (args.channel.unwrap_or_default(), args.life);
    let token =
        build_token_with_user_account(Issue::now(), app_id, &certificate, &channel, &args.uid, role, life, life)?;
    println!("{token}");
    Ok(ExitCode::SUCCESS)
}

/// One question of `--json-lines`: the builder's neutral name and its arguments.
#[derive(Deserialize)]
struct Question {
    id: Value,
    kind: String,
    builder: String,
    inputs: Map<String, Value>,
    #[serde(default)]
    issue_ts: Option<u32>,
    #[serde(default)]
    salt: Option<u32>,
    #[serde(default)]
    ts: Option<u32>,
}

fn answer(question: Question) -> Result<Value, String> {
    let inputs = Inputs(&question.inputs);
    let salt = question.salt.ok_or("salt is missing")?;
    let token = match question.kind.as_str() {
        "007" => {
            let ts = question.issue_ts.ok_or("issue_ts is missing")?;
            build_007(&question.builder, &inputs, Issue { ts, salt }.compatible())?
        }
        "006" => {
            let ts = question.ts.ok_or("ts is missing")?;
            build_006(&question.builder, &inputs, ts, salt)?
        }
        other => return Err(format!("kind {other:?} is neither 007 nor 006")),
    };
    let token = token.map_err(|error| error.to_string())?;
    let payload = payload(&token)?;
    let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({ "id": question.id, "token": token, "payload_hex": hex }))
}

fn build_007(name: &str, inputs: &Inputs<'_>, issue: Issuing) -> Result<Result<String, BuildError>, String> {
    let (app_id, certificate) = (inputs.app_id()?, &inputs.certificate()?);
    let text = |name| inputs.text(name);
    let seconds = |name| inputs.seconds(name);
    let expire = || seconds("token_expire");
    Ok(match name {
        "rtc_uid" => build_token_with_uid(
            issue,
            app_id,
            certificate,
            text("channel")?,
            seconds("uid")?,
            inputs.role()?,
            expire()?,
            seconds("privilege_expire")?,
        ),
        "rtc_account" => build_token_with_user_account(
            issue,
            app_id,
            certificate,
            text("channel")?,
            text("account")?,
            inputs.role()?,
            expire()?,
            seconds("privilege_expire")?,
        ),
        "rtc_uid_priv" => {
            let [join, audio, video, data] = inputs.rtc_privileges()?;
            build_token_with_uid_and_privilege(
                issue,
                app_id,
                certificate,
                text("channel")?,
                seconds("uid")?,
                expire()?,
                join,
                audio,
                video,
                data,
            )
        }
        "rtc_account_priv" => {
            let [join, audio, video, data] = inputs.rtc_privileges()?;
            build_token_with_user_account_and_privilege(
                issue,
                app_id,
                certificate,
                text("channel")?,
                text("account")?,
                expire()?,
                join,
                audio,
                video,
                data,
            )
        }
        "rtc_rtm" => build_token_with_rtm(
            issue,
            app_id,
            certificate,
            text("channel")?,
            text("account")?,
            inputs.role()?,
            expire()?,
            seconds("privilege_expire")?,
        ),
        "rtc_rtm2" | "convoai" | "stt" => {
            let build = match name {
                "convoai" => builder::convoai::build_token,
                "stt" => builder::stt::build_token,
                _ => build_token_with_rtm2,
            };
            let [join, audio, video, data] = inputs.rtc_privileges()?;
            build(
                issue,
                app_id,
                certificate,
                text("channel")?,
                text("account")?,
                inputs.role()?,
                expire()?,
                join,
                audio,
                video,
                data,
                text("rtm_user_id")?,
                seconds("rtm_expire")?,
            )
        }
        "rtm" => builder::rtm::build_token(issue, app_id, certificate, text("user_id")?, expire()?),
        "rtm2" => {
            let permissions = inputs.permissions()?;
            builder::rtm::build_token_with_permissions(
                issue,
                app_id,
                certificate,
                text("user_id")?,
                permissions,
                expire()?,
            )
        }
        "chat_user" => builder::chat::build_user_token(issue, app_id, certificate, text("user_id")?, expire()?),
        "chat_app" => builder::chat::build_app_token(issue, app_id, certificate, expire()?),
        "edu_room_user" | "apaas_room_user" => builder::apaas::build_room_user_token(
            issue,
            app_id,
            certificate,
            text("room_uuid")?,
            text("user_uuid")?,
            inputs.apaas_role()?,
            expire()?,
        ),
        "edu_user" | "apaas_user" => {
            builder::apaas::build_user_token(issue, app_id, certificate, text("user_uuid")?, expire()?)
        }
        "edu_app" | "apaas_app" => builder::apaas::build_app_token(issue, app_id, certificate, expire()?),
        "fpa" => builder::fpa::build_token(issue, app_id, certificate),
        other => return Err(format!("there is no 007 builder {other:?}")),
    })
}

fn build_006(name: &str, inputs: &Inputs<'_>, ts: u32, salt: u32) -> Result<Result<String, BuildError>, String> {
    let expire = inputs.seconds("privilege_expire_ts")?;
    let rtc = |uid: String| -> Result<_, String> {
        let role = legacy::role_from_number(inputs.integer("role")?);
        Ok((inputs.text("channel")?.to_owned(), uid, role.privileges(expire)))
    };
    let (channel, uid, privileges) = match name {
        "rtc006_uid" => rtc(uid_text(inputs.seconds("uid")?))?,
        "rtc006_account" => rtc(inputs.text("account")?.to_owned())?,
        "rtm006" => (inputs.text("user_id")?.to_owned(), String::new(), [(legacy::RTM_LOGIN, expire)].into()),
        other => return Err(format!("there is no 006 builder {other:?}")),
    };
    let token = LegacyAccessToken { app_id: inputs.app_id()?, channel, uid, ends_ts: ts, salt, privileges };
    Ok(token.build(&inputs.certificate()?))
}

/// What a token holds inside its compression and encoding.
fn payload(token: &str) -> Result<Vec<u8>, String> {
    let decode = |text: &str| STANDARD.decode(text).map_err(|error| format!("the token built is no base64: {error}"));
    match token.strip_prefix("006") {
        Some(rest) => decode(rest.get(APP_ID_LEN..).unwrap_or_default()),
        None => {
            let compressed = decode(token.strip_prefix("007").unwrap_or_default())?;
            let mut payload = Vec::new();
            let mut inflater = flate2::read::ZlibDecoder::new(compressed.as_slice());
            inflater
                .read_to_end(&mut payload)
                .map_err(|error| format!("the token built is no zlib stream: {error}"))?;
            Ok(payload)
        }
    }
}

const APP_ID_LEN: usize = 32;

/// A builder's arguments, by their names.
struct Inputs<'a>(&'a Map<String, Value>);

impl Inputs<'_> {
    fn text(&self, name: &str) -> Result<&str, String> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| format!("inputs.{name} must be a text"))
    }

    fn integer(&self, name: &str) -> Result<i64, String> {
        self.0.get(name).and_then(Value::as_i64).ok_or_else(|| format!("inputs.{name} must be a whole number"))
    }

    fn seconds(&self, name: &str) -> Result<u32, String> {
        let number = self.integer(name)?;
        u32::try_from(number).map_err(|_| format!("inputs.{name} must be from 0 to 4294967295"))
    }

    fn app_id(&self) -> Result<AppId, String> {
        AppId::parse(self.text("app_id")?).map_err(|error| format!("inputs.app_id: {error}"))
    }

    fn certificate(&self) -> Result<AppCertificate, String> {
        AppCertificate::parse(self.text("app_cert")?).map_err(|error| format!("inputs.app_cert: {error}"))
    }

    fn role(&self) -> Result<Role, String> {
        self.integer("role").map(Role::from_number)
    }

    fn apaas_role(&self) -> Result<i16, String> {
        let role = self.integer("apaas_role")?;
        i16::try_from(role).map_err(|_| "inputs.apaas_role must be from -32768 to 32767".to_owned())
    }

    /// The lives of the join, audio, video and data privileges.
    fn rtc_privileges(&self) -> Result<[u32; 4], String> {
        Ok([
            self.seconds("join_expire")?,
            self.seconds("audio_expire")?,
            self.seconds("video_expire")?,
            self.seconds("data_expire")?,
        ])
    }

    /// RTM2 permissions: numbers of resource types, of permission types, names.
    fn permissions(&self) -> Result<Permissions, String> {
        let value = self.0.get("permissions").cloned().unwrap_or_else(|| json!({}));
        let wrong = "inputs.permissions must be {resource type: {permission type: [names]}}";
        let map: BTreeMap<u16, BTreeMap<u16, Vec<String>>> =
            serde_json::from_value(value).map_err(|_| wrong.to_owned())?;
        Ok(map)
    }
}
