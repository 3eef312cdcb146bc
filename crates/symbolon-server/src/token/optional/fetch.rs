//! `POST /fetch_rtc_token` and `POST /fetch_rtm_token`.

use super::super::Desk;
use super::super::go;
use super::super::mint::{DEFAULT_LIFE, Refusal};
use super::super::wanted::Wanted;
use super::fields::Fields;

impl Desk<'_> {
    pub(super) fn fetch_rtc(&self, body: &[u8]) -> Result<String, Refusal> {
        let fields = Fields::decode(body)?;
        let role = self.role(&fields.role()?)?;
        let wanted = Wanted::rtc(fields.text("ChannelName")?, fields.user(false)?, role, DEFAULT_LIFE);
        self.mint(&wanted).map(|minted| fetched(&minted.token))
    }

    pub(super) fn fetch_rtm(&self, body: &[u8]) -> Result<String, Refusal> {
        let user = Fields::decode(body)?.text("uid")?;
        self.mint(&Wanted::signalling(user, DEFAULT_LIFE)).map(|minted| fetched(&minted.token))
    }
}

fn fetched(token: &str) -> String {
    format!(r#"{{"code":"200","token":"{token}"}}"#)
}

/// The text stands where the token would.
pub(super) fn refused(refusal: &Refusal) -> String {
    format!(r#"{{"code":"{}","token":{}}}"#, refusal.status.as_u16(), go::json_string(&refusal.text))
}
