//! `POST /getToken`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use symbolon_token::Role;

use super::mint::{DEFAULT_LIFE, INVALID_CHANNEL, INVALID_EXPIRE, INVALID_UID, Refusal, check_life, parse_role};
use super::request::TokenRequest;
use super::wanted::Wanted;
use super::{Desk, Reason, go};
use crate::guard::NO_CACHE;

impl Desk<'_> {
    pub(super) fn post(&self, body: &[u8]) -> Response {
        let request = TokenRequest::decode(body).map_err(|text| Refusal::bad_request("invalid_json", text));
        match request.and_then(|request| self.token(request)) {
            Ok(token) => {
                let body = format!("{{\"token\":\"{token}\"}}\n");
                (NO_CACHE, [(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(refusal) => line(&refusal),
        }
    }

    fn token(&self, request: TokenRequest) -> Result<String, Refusal> {
        let life = life(request.expire)?;
        let wanted = match &*request.token_type {
            "rtc" => self.wanted_rtc(request, life)?,
            "rtm" => self.wanted_rtm(request, life)?,
            "chat" if request.uid.is_empty() => Wanted::chat_app(life),
            "chat" => Wanted::chat_user(request.uid, life),
            _ => return Err(Refusal::bad_request("invalid_token_type", "Unsupported tokenType")),
        };
        self.mint(&wanted).map(|minted| minted.token)
    }

    fn wanted_rtc(&self, request: TokenRequest, life: u32) -> Result<Wanted, Refusal> {
        if request.channel.is_empty() {
            return Err(Refusal::bad_request(INVALID_CHANNEL, "invalid: missing channel name"));
        }
        let role = self.role(&request.role)?;
        let user = self.rtc_user(required_uid(request.uid)?)?;
        Ok(Wanted::rtc(request.channel, user, role, life))
    }

    fn wanted_rtm(&self, request: TokenRequest, life: u32) -> Result<Wanted, Refusal> {
        let channel = Some(request.channel).filter(|channel| !channel.is_empty());
        let role = self.role(&request.role)?;
        Ok(Wanted::rtm(required_uid(request.uid)?, channel, role, self.strict(), life))
    }

    /// An absent role is the lesser one.
    pub(super) fn role(&self, text: &str) -> Result<Role, Refusal> {
        if text.is_empty() { Ok(Role::Subscriber) } else { parse_role(text, self.strict()) }
    }

    /// Digits are a number, and 0 means any user; any other text is an account. Strictly an account does not look like a
    /// number, or a slip of the keyboard would make one user of two.
    pub(super) fn rtc_user(&self, text: String) -> Result<String, Refusal> {
        match go::parse_uint(&text, u32::MAX.into()) {
            Ok(0) => Ok(String::new()),
            Ok(uid) => Ok(uid.to_string()),
            Err(go::NumberError::Range) => {
                Err(Refusal::bad_request(INVALID_UID, format!("invalid uid: {text} is over 4294967295")))
            }
            Err(go::NumberError::Syntax) if self.strict() && looks_like_a_number(&text) => Err(Refusal::bad_request(
                INVALID_UID,
                format!("invalid uid: {} is neither digits nor an account", go::quote(&text)),
            )),
            Err(go::NumberError::Syntax) => Ok(text),
        }
    }
}

fn required_uid(uid: String) -> Result<String, Refusal> {
    if uid.is_empty() { Err(Refusal::bad_request(INVALID_UID, "invalid: missing user ID or account")) } else { Ok(uid) }
}

pub(super) fn looks_like_a_number(text: &str) -> bool {
    let bare = text.trim();
    let digits = bare.strip_prefix(['+', '-']).unwrap_or(bare);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn life(expire: i64) -> Result<u32, Refusal> {
    match u64::try_from(expire) {
        Ok(0) => Ok(DEFAULT_LIFE),
        Ok(seconds) => check_life(seconds),
        Err(_) => Err(Refusal::bad_request(INVALID_EXPIRE, format!("invalid expire: {expire} is negative"))),
    }
}

/// A refusal as one line of text.
pub(super) fn line(refusal: &Refusal) -> Response {
    let Refusal { status, reason, text, retry_after } = refusal;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    let one_line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let mut response = (*status, NO_CACHE, headers, format!("{one_line}\n")).into_response();
    mark(*status, reason, *retry_after, &mut response);
    response
}

/// Tells clients what would help, a 401 the scheme and others the time, and the audit the reason.
pub(super) fn mark(status: StatusCode, reason: &'static str, retry_after: Option<u64>, response: &mut Response) {
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response.extensions_mut().insert(Reason(reason));
}
