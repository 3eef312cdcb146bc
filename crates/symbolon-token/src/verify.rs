//! Everything about a joining client's token in one call.

use std::fmt;

use crate::access::{Policy, RtcAccess, UidRequest};
use crate::access_token::{ANY_CHANNEL, Mode};
use crate::claims::Claims;
use crate::error::TokenError;
use crate::id::{AppCertificate, AppId};
use crate::legacy::{self, LegacyUnverified};
use crate::name::{CHANNEL_MAX, channel_name_is_valid};
use crate::signature::{self, FirstKeys};
use crate::unverified::{Limits, Unverified};

/// An app (a project) as far as its tokens are concerned.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// The certificates that are current, each of which may have signed a token. With none, no token is good.
    pub certificates: &'a [AppCertificate],
    /// Whether the project is switched off.
    pub disabled: bool,
}

/// What a client asks for when it joins.
#[derive(Debug, Clone, Copy)]
pub struct JoinRequest<'a> {
    /// The channel, by its exact name.
    pub channel: &'a str,
    /// Who the client asks to be.
    pub uid: UidRequest<'a>,
}

/// Checks a token for a client that joins at Unix time `now`, in the order of the format's specification.
///
/// `lookup` finds the project of an app id. Where a client says which app it joins, return none for every other id.
///
/// ```
/// use symbolon_token::builder::build_token_with_uid;
/// use symbolon_token::{AppCertificate, AppId, Issue, JoinRequest, Limits, Policy, Project, Role, UidRequest, verify};
///
/// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
/// let certificates = [AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?];
/// let issue = Issue { ts: 1_800_000_000, salt: 1 };
/// let token = build_token_with_uid(issue, app_id, &certificates[0], "room-1", 1001, Role::Subscriber, 600, 600)?;
///
/// let project = Project { certificates: &certificates, disabled: false };
/// let request = JoinRequest { channel: "room-1", uid: UidRequest::Any };
/// let lookup = |id: &AppId| (*id == app_id).then_some(project);
/// let access = verify(&token, lookup, request, 1_800_000_010, Limits::default(), &Policy::default())?;
/// assert_eq!(access.uid, "1001");
/// assert_eq!(access.audio_until, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `invalid_channel`; then as for [`Unverified::decode`]; then `app_id_mismatch`, `project_disabled`; then as for
/// [`Unverified::verify`] and [`Claims::rtc_access`](crate::Claims::rtc_access).
pub fn verify<'p>(
    text: &str,
    lookup: impl FnOnce(&AppId) -> Option<Project<'p>>,
    request: JoinRequest<'_>,
    now: u64,
    limits: Limits,
    policy: &Policy,
) -> Result<RtcAccess, TokenError> {
    check_channel(request.channel, policy.channel_names)?;
    if is_006(text, policy) {
        return verify_006(text, lookup, request, now, limits, policy);
    }
    let unverified = Unverified::decode(text, limits)?;
    let project = find(lookup, unverified.app_id())?;
    let claims = unverified.into_claims(project.certificates, signature::first_key)?;
    claims.rtc_access(now, request.channel, request.uid, policy)
}

/// Verifies one token after another. It answers as [`verify`] does, sooner: it keeps its memory, and the part of the
/// signature that all tokens of one app and second share. It keeps no answers.
///
/// ```
/// use symbolon_token::builder::build_token_with_uid;
/// use symbolon_token::{AppCertificate, AppId, Issue, JoinRequest, Limits, Policy, Project, Role, UidRequest, Verifier};
///
/// let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
/// let certificates = [AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?];
/// let project = Project { certificates: &certificates, disabled: false };
/// let mut verifier = Verifier::new(Limits::default());
///
/// for uid in 1..=3 {
///     let issue = Issue { ts: 1_800_000_000, salt: uid };
///     let token = build_token_with_uid(issue, app_id, &certificates[0], "room-1", uid, Role::Publisher, 600, 600)?;
///     let request = JoinRequest { channel: "room-1", uid: UidRequest::Any };
///     let access = verifier.verify(&token, |_| Some(project), request, 1_800_000_010, &Policy::default())?;
///     assert_eq!(access.uid, uid.to_string());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Verifier {
    limits: Limits,
    keys: FirstKeys,
    stream: Vec<u8>,
    payload: Vec<u8>,
}

impl Verifier {
    /// A verifier that reads within these limits. Between two tokens it holds no more memory than they allow.
    pub fn new(limits: Limits) -> Self {
        Self { limits, keys: FirstKeys::new(KEPT_SECONDS), stream: Vec::new(), payload: Vec::new() }
    }

    /// Checks a token for a client that joins: see [`verify`].
    ///
    /// # Errors
    ///
    /// As for [`verify`].
    pub fn verify<'p>(
        &mut self,
        text: &str,
        lookup: impl FnOnce(&AppId) -> Option<Project<'p>>,
        request: JoinRequest<'_>,
        now: u64,
        policy: &Policy,
    ) -> Result<RtcAccess, TokenError> {
        check_channel(request.channel, policy.channel_names)?;
        if is_006(text, policy) {
            return verify_006(text, lookup, request, now, self.limits, policy);
        }
        let claims = self.claims(text, lookup)?;
        let access = claims.rtc_access(now, request.channel, request.uid, policy);
        self.payload = claims.into_payload();
        access
    }

    /// Reads a 007 token and checks its signature, whatever it is to be used for.
    ///
    /// # Errors
    ///
    /// As for [`Unverified::decode`]; then `app_id_mismatch`, `project_disabled`; then as for [`Unverified::verify`].
    pub fn claims<'p>(
        &mut self,
        text: &str,
        lookup: impl FnOnce(&AppId) -> Option<Project<'p>>,
    ) -> Result<Claims, TokenError> {
        let payload = std::mem::take(&mut self.payload);
        let unverified = Unverified::decode_into(text, self.limits, &mut self.stream, payload)?;
        let project = find(lookup, unverified.app_id())?;
        unverified.into_claims(project.certificates, |certificate, ts| self.keys.first_key(certificate, ts))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn is_006(text: &str, policy: &Policy) -> bool {
    policy.allow_006 && text.starts_with(legacy::VERSION)
}

fn verify_006<'p>(
    text: &str,
    lookup: impl FnOnce(&AppId) -> Option<Project<'p>>,
    request: JoinRequest<'_>,
    now: u64,
    limits: Limits,
    policy: &Policy,
) -> Result<RtcAccess, TokenError> {
    let unverified = LegacyUnverified::decode(text, limits)?;
    let project = find(lookup, unverified.app_id())?;
    let claims = unverified.verify(project.certificates, request.channel, request.uid)?;
    claims.rtc_access(now, policy)
}

fn find<'p>(lookup: impl FnOnce(&AppId) -> Option<Project<'p>>, app_id: &AppId) -> Result<Project<'p>, TokenError> {
    let project = lookup(app_id).ok_or(TokenError::AppIdMismatch)?;
    if project.disabled {
        return Err(TokenError::ProjectDisabled);
    }
    Ok(project)
}

fn check_channel(name: &str, names: Mode) -> Result<(), TokenError> {
    let valid = match names {
        Mode::Strict => channel_name_is_valid(name),
        Mode::Compatible => (1..=CHANNEL_MAX).contains(&name.len()) && name != ANY_CHANNEL,
    };
    if !valid {
        return Err(TokenError::InvalidChannel);
    }
    Ok(())
}

/// A verifier keeps the first key of so many neighbouring seconds, since tokens are mostly used soon after they are made.
const KEPT_SECONDS: usize = 1024;
