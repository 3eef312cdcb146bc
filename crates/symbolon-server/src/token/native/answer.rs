//! The answer of `POST /v1/tokens`.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use symbolon_token::{ChatPrivilege, Service, ServiceKind};
use utoipa::ToSchema;

use super::super::mint::Minted;
use super::super::wanted::{Wanted, privilege_name};

/// A token, and what is worth knowing about it: no client has to look inside.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenAnswer<'a> {
    token: &'a str,
    app_id: &'a str,
    /// Unix seconds.
    issued_at: u64,
    /// Unix seconds.
    expires_at: u64,
    /// Seconds.
    expires_in: u32,
    /// Unix milliseconds: what the clock that counts showed.
    server_time: u64,
    services: Vec<GrantedService<'a>>,
    request_id: &'a str,
}

/// One service of the token.
#[derive(Serialize, ToSchema)]
struct GrantedService<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    channel: Option<&'a str>,
    /// Absent for any user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    user: Option<&'a str>,
    /// When each ends, in Unix seconds.
    #[schema(value_type = BTreeMap<String, u64>)]
    privileges: BTreeMap<&'static str, u64>,
}

impl<'a> TokenAnswer<'a> {
    pub(super) fn new(app_id: &'a str, minted: &'a Minted, wanted: &'a Wanted, request_id: &'a str) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let asked = wanted.services.iter().zip(wanted.asks());
        let services = asked.map(|(service, ask)| GrantedService {
            kind: kind_name(service),
            channel: ask.channel,
            user: Some(ask.user).filter(|user| !user.is_empty()),
            privileges: ends(service, minted.issued_at),
        });
        Self {
            token: &minted.token,
            app_id,
            issued_at: minted.issued_at,
            expires_at: minted.until,
            expires_in: wanted.life,
            server_time: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            services: services.collect(),
            request_id,
        }
    }
}

fn ends(service: &Service, issued_at: u64) -> BTreeMap<&'static str, u64> {
    let end = |(id, life): (&u16, &u32)| (privilege_name(service.kind(), *id), issued_at + u64::from(*life));
    service.privileges().iter().map(end).collect()
}

/// The kind as requests name it.
fn kind_name(service: &Service) -> &'static str {
    let kind = service.kind();
    if kind == ServiceKind::Fcdn {
        "cdn"
    } else if kind == ServiceKind::Chat && service.privileges().contains_key(&ChatPrivilege::App.id()) {
        "chat_app"
    } else {
        kind.name()
    }
}
