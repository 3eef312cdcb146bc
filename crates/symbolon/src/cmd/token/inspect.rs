//! `symbolon token inspect`.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use symbolon_token::legacy::LegacyUnverified;
use symbolon_token::{Limits, Service, ServiceKind, Unproven, Unverified};

use super::{VERSION_006, token_text, unix_now};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The token; without it, or with `-`, it is read from standard input.
    token: Option<String>,
}

#[expect(clippy::print_stdout, reason = "the description is what was asked for")]
pub(super) fn run(args: Args) -> Result<ExitCode> {
    let text = token_text(args.token)?;
    if text.starts_with(VERSION_006) {
        print!("{}", describe_006(&text)?);
        return Ok(ExitCode::SUCCESS);
    }
    let unverified = Unverified::decode(&text, Limits::default())
        .map_err(|error| anyhow!("not a readable token ({}): {error}", error.reason()))?;
    print!("{}", describe(&unverified.dangerous_unverified(), unix_now()));
    Ok(ExitCode::SUCCESS)
}

const NOTHING_PROVEN: &str =
    "Nothing here is proven: anyone can write this. `symbolon token verify` checks the signature.\n";

fn describe(token: &Unproven, now: u64) -> String {
    let mut text = String::from(NOTHING_PROVEN);
    let ends = u64::from(token.issue_ts) + u64::from(token.expire);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("format", "007 (AccessToken2)".to_owned());
    line("app id", token.app_id.to_string());
    line("issued", when(token.issue_ts.into(), now));
    line("ends", when(ends, now));
    line("salt", token.salt.to_string());
    for service in &token.services {
        line("service", describe_service(service));
        for (id, life) in service.privileges() {
            let end = if *life == 0 { ends } else { ends.min(u64::from(token.issue_ts) + u64::from(*life)) };
            line("", format!("{}, until {}", privilege_name(service.kind(), *id), when(end, now)));
        }
    }
    if let Some(kind) = token.unknown_service {
        line("service", format!("type {kind}, which is not known here; nothing after it counts"));
    }
    if let Some(error) = &token.malformed {
        line("malformed", error.to_string());
    }
    text
}

fn describe_service(service: &Service) -> String {
    let user = |text: &str| if text.is_empty() { "any user".to_owned() } else { format!("user {text:?}") };
    let name = service.kind().name();
    match service {
        Service::Rtc { channel, uid, .. } => format!("{name}, channel {channel:?}, {}", user(uid)),
        Service::Rtm { user_id, .. } | Service::Chat { user_id, .. } => format!("{name}, {}", user(user_id)),
        Service::Rtm2 { user_id, permissions, .. } => {
            format!("{name}, {}, permissions on {} resource types", user(user_id), permissions.len())
        }
        Service::Streaming { channel, account, .. } | Service::Fcdn { channel, account, .. } => {
            format!("{name}, channel {channel:?}, {}", user(account))
        }
        Service::Apaas { room_uuid, user_uuid, role, .. } => {
            format!("{name}, room {room_uuid:?}, {}, role {role}", user(user_uuid))
        }
        Service::Fpa { .. } | Service::ConvoAi { .. } | Service::Stt { .. } => name.to_owned(),
    }
}

/// The common name of a privilege.
fn privilege_name(kind: ServiceKind, id: u16) -> String {
    let name = match (kind, id) {
        (ServiceKind::Rtc, 1) => "join channel",
        (ServiceKind::Rtc, 2) => "publish audio",
        (ServiceKind::Rtc, 3) => "publish video",
        (ServiceKind::Rtc, 4) => "publish data",
        (ServiceKind::Rtm | ServiceKind::Rtm2 | ServiceKind::Fpa, 1) => "log in",
        (ServiceKind::Streaming, 1) => "publish mixed stream",
        (ServiceKind::Streaming, 2) => "publish raw stream",
        (ServiceKind::Chat, 1) | (ServiceKind::Apaas, 2) => "user",
        (ServiceKind::Chat, 2) | (ServiceKind::Apaas, 3) => "app",
        (ServiceKind::Fcdn, 1) => "publish",
        (ServiceKind::Fcdn, 2) => "play",
        (ServiceKind::Apaas, 1) => "room user",
        _ => return format!("privilege {id}"),
    };
    name.to_owned()
}

fn describe_006(text: &str) -> Result<String> {
    let token = LegacyUnverified::decode(text, Limits::default())
        .map_err(|error| anyhow!("not a readable token ({}): {error}", error.reason()))?;
    Ok(format!(
        "{NOTHING_PROVEN}{:<12} 006 (AccessToken, deprecated)\n{:<12} {}\n{:<12} held as checksums only\n",
        "format",
        "app id",
        token.app_id(),
        "channel, uid",
    ))
}

/// A Unix time as a date, and how far away it is.
fn when(unix: u64, now: u64) -> String {
    let distance = match (unix.checked_sub(now), now.checked_sub(unix)) {
        (Some(0), _) => "now".to_owned(),
        (Some(ahead), _) => format!("in {}", span(ahead)),
        (None, behind) => format!("{} ago", span(behind.unwrap_or_default())),
    };
    format!("{unix} ({}, {distance})", date(unix))
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Date and time in UTC, after RFC 3339.
fn date(unix: u64) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    // Days since 1 March of the year 0, so that a leap day ends its year; 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(date(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(date(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(date(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn distances_are_told_in_fitting_units() {
        assert!(when(1_000, 1_000).ends_with("now)"));
        assert!(when(1_119, 1_000).ends_with("in 119 s)"));
        assert!(when(1_000, 8_200).ends_with("2 h ago)"));
    }
}
