//! The familiar builders, under the names and with the arguments that they have in other languages.
//!
//! Each takes one more argument in front: when the token is made. A plain [`Issue`](crate::Issue) builds strictly, that
//! is, it holds the documented limits; `issue.compatible()` builds whatever the format can hold. The same arguments give
//! the same payload bytes as in the other languages.
//!
//! All lives are in seconds from the issue time. `token_expire` is the token's, the others are those of privileges, for
//! which 0 means that only the token's own end counts.

#![expect(clippy::too_many_arguments, reason = "the arguments are those that people know from other languages")]

use md5::{Digest, Md5};

use crate::access_token::{AccessToken, Issuing};
use crate::error::BuildError;
use crate::id::{AppCertificate, AppId};
use crate::service::{
    ApaasPrivilege, ChatPrivilege, LoginPrivilege, Privileges, Role, Service, rtc_privileges, uid_text,
};

pub use rtc::{
    build_token_with_rtm, build_token_with_rtm2, build_token_with_uid, build_token_with_uid_and_privilege,
    build_token_with_user_account, build_token_with_user_account_and_privilege,
};

/// Real-time audio and video, alone or with signalling.
pub mod rtc {
    use super::*;

    /// An RTC token for a numeric uid; 0 means any user. `privilege_expire` may be 0.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::build_token_with_uid};
    ///
    /// let token = build_token_with_uid(Issue::now(), app_id, &certificate, "room-1", 1001, Role::Publisher, 3600, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_uid(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        uid: u32,
        role: Role,
        token_expire: u32,
        privilege_expire: u32,
    ) -> Result<String, BuildError> {
        build_token_with_user_account(
            issue,
            app_id,
            certificate,
            channel,
            &uid_text(uid),
            role,
            token_expire,
            privilege_expire,
        )
    }

    /// An RTC token for a user account; the empty account means any user.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::build_token_with_user_account};
    ///
    /// let token = build_token_with_user_account(Issue::now(), app_id, &certificate, "room-1", "ann", Role::Subscriber, 3600, 0)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_user_account(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        account: &str,
        role: Role,
        token_expire: u32,
        privilege_expire: u32,
    ) -> Result<String, BuildError> {
        let rtc = Service::rtc(channel, account, role.privileges(privilege_expire));
        AccessToken::new(app_id, issue, token_expire).with(rtc).build(certificate)
    }

    /// An RTC token for a numeric uid with a life for each privilege. All four are granted, whatever their lives.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::build_token_with_uid_and_privilege;
    ///
    /// let token = build_token_with_uid_and_privilege(Issue::now(), app_id, &certificate, "room-1", 1001, 3600, 3600, 600, 600, 600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_uid_and_privilege(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        uid: u32,
        token_expire: u32,
        join_expire: u32,
        audio_expire: u32,
        video_expire: u32,
        data_expire: u32,
    ) -> Result<String, BuildError> {
        let privileges = rtc_privileges(join_expire, audio_expire, video_expire, data_expire);
        let rtc = Service::rtc(channel, uid_text(uid), privileges);
        AccessToken::new(app_id, issue, token_expire).with(rtc).build(certificate)
    }

    /// An RTC token for a user account with a life for each privilege. All four are granted, whatever their lives.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::build_token_with_user_account_and_privilege;
    ///
    /// let token = build_token_with_user_account_and_privilege(Issue::now(), app_id, &certificate, "room-1", "ann", 3600, 3600, 0, 0, 0)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_user_account_and_privilege(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        account: &str,
        token_expire: u32,
        join_expire: u32,
        audio_expire: u32,
        video_expire: u32,
        data_expire: u32,
    ) -> Result<String, BuildError> {
        let privileges = rtc_privileges(join_expire, audio_expire, video_expire, data_expire);
        let rtc = Service::rtc(channel, account, privileges);
        AccessToken::new(app_id, issue, token_expire).with(rtc).build(certificate)
    }

    /// A token for RTC and RTM with one account. The RTM login lives as long as the token.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::build_token_with_rtm};
    ///
    /// let token = build_token_with_rtm(Issue::now(), app_id, &certificate, "room-1", "ann", Role::Publisher, 3600, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_rtm(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        account: &str,
        role: Role,
        token_expire: u32,
        privilege_expire: u32,
    ) -> Result<String, BuildError> {
        AccessToken::new(app_id, issue, token_expire)
            .with(Service::rtc(channel, account, role.privileges(privilege_expire)))
            .with(Service::rtm(account, token_expire))
            .build(certificate)
    }

    /// A token for RTC and RTM with an account for each and a life for each privilege. The token lives for
    /// `rtc_token_expire`.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::build_token_with_rtm2};
    ///
    /// let token = build_token_with_rtm2(
    ///     Issue::now(), app_id, &certificate, "room-1", "ann", Role::Publisher, 3600, 3600, 600, 600, 600, "ann-rtm", 3600,
    /// )?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_rtm2(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        rtc_account: &str,
        role: Role,
        rtc_token_expire: u32,
        join_expire: u32,
        audio_expire: u32,
        video_expire: u32,
        data_expire: u32,
        rtm_user_id: &str,
        rtm_token_expire: u32,
    ) -> Result<String, BuildError> {
        let privileges = role.single_privileges(join_expire, audio_expire, video_expire, data_expire);
        AccessToken::new(app_id, issue, rtc_token_expire)
            .with(Service::rtc(channel, rtc_account, privileges))
            .with(Service::rtm(rtm_user_id, rtm_token_expire))
            .build(certificate)
    }
}

/// Signalling.
pub mod rtm {
    use super::*;
    use crate::service::Permissions;

    /// A token that lets one user log in to RTM.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::rtm;
    ///
    /// let token = rtm::build_token(Issue::now(), app_id, &certificate, "ann", 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        user_id: &str,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        AccessToken::new(app_id, issue, token_expire).with(Service::rtm(user_id, token_expire)).build(certificate)
    }

    /// A token that lets one user log in to RTM2 and lists what they may read and write there.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{PermissionType, Permissions, ResourceType, builder::rtm};
    ///
    /// let news = vec!["news".to_owned()];
    /// let readable = [(PermissionType::Read.id(), news)].into();
    /// let permissions = Permissions::from([(ResourceType::MessageChannels.id(), readable)]);
    /// let token = rtm::build_token_with_permissions(Issue::now(), app_id, &certificate, "ann", permissions, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_permissions(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        user_id: &str,
        permissions: Permissions,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        let privileges = Privileges::from([(LoginPrivilege::Login.id(), token_expire)]);
        let rtm2 = Service::Rtm2 { user_id: user_id.to_owned(), permissions, privileges };
        AccessToken::new(app_id, issue, token_expire).with(rtm2).build(certificate)
    }
}

/// Chat.
pub mod chat {
    use super::*;

    /// A token for one chat user.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::chat;
    ///
    /// let token = chat::build_user_token(Issue::now(), app_id, &certificate, "ann", 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_user_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        user_id: &str,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        AccessToken::new(app_id, issue, token_expire)
            .with(chat(user_id, ChatPrivilege::User, token_expire))
            .build(certificate)
    }

    /// A token for the app's own server.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::chat;
    ///
    /// let token = chat::build_app_token(Issue::now(), app_id, &certificate, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_app_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        AccessToken::new(app_id, issue, token_expire)
            .with(chat("", ChatPrivilege::App, token_expire))
            .build(certificate)
    }
}

/// Flexible classroom under its older name.
pub mod education {
    use super::*;

    /// A token for one user in one room, with the signalling and chat that a room needs. The chat user id is the MD5 of
    /// the user id, in lower-case hex.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::education;
    ///
    /// let token = education::build_room_user_token(Issue::now(), app_id, &certificate, "room-1", "ann", 2, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_room_user_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        room_uuid: &str,
        user_uuid: &str,
        role: i16,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        room_user(app_id, issue, room_uuid, user_uuid, role, token_expire).build(certificate)
    }

    /// A token for one user in no particular room.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::education;
    ///
    /// let token = education::build_user_token(Issue::now(), app_id, &certificate, "ann", 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_user_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        user_uuid: &str,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        let service = apaas("", user_uuid, NO_ROLE, ApaasPrivilege::User, token_expire);
        AccessToken::new(app_id, issue, token_expire).with(service).build(certificate)
    }

    /// A token for the app's own server.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::education;
    ///
    /// let token = education::build_app_token(Issue::now(), app_id, &certificate, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_app_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        let service = apaas("", "", NO_ROLE, ApaasPrivilege::App, token_expire);
        AccessToken::new(app_id, issue, token_expire).with(service).build(certificate)
    }
}

/// Flexible classroom under its newer name: the same tokens as [`education`].
pub mod apaas {
    use super::*;

    /// A token for one user in one room, with the signalling and chat that a room needs. The chat user id is the MD5 of
    /// the user id, in lower-case hex.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::apaas;
    ///
    /// let token = apaas::build_room_user_token(Issue::now(), app_id, &certificate, "room-1", "ann", 2, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_room_user_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        room_uuid: &str,
        user_uuid: &str,
        role: i16,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        room_user(app_id, issue, room_uuid, user_uuid, role, token_expire).build(certificate)
    }

    /// A token for one user in no particular room.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::apaas;
    ///
    /// let token = apaas::build_user_token(Issue::now(), app_id, &certificate, "ann", 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_user_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        user_uuid: &str,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        let service = apaas("", user_uuid, NO_ROLE, ApaasPrivilege::User, token_expire);
        AccessToken::new(app_id, issue, token_expire).with(service).build(certificate)
    }

    /// A token for the app's own server.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::apaas;
    ///
    /// let token = apaas::build_app_token(Issue::now(), app_id, &certificate, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_app_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        token_expire: u32,
    ) -> Result<String, BuildError> {
        let service = apaas("", "", NO_ROLE, ApaasPrivilege::App, token_expire);
        AccessToken::new(app_id, issue, token_expire).with(service).build(certificate)
    }
}

/// Full-path acceleration.
pub mod fpa {
    use super::*;

    /// A token that logs in for one day.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::fpa;
    ///
    /// let token = fpa::build_token(Issue::now(), app_id, &certificate)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
    ) -> Result<String, BuildError> {
        let privileges = Privileges::from([(LoginPrivilege::Login.id(), 0)]);
        AccessToken::new(app_id, issue, FPA_LIFE).with(Service::Fpa { privileges }).build(certificate)
    }
}

/// Conversational agents.
pub mod convoai {
    use super::*;

    /// A token as from [`build_token_with_rtm2`] that also names this service.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::convoai};
    ///
    /// let token = convoai::build_token(
    ///     Issue::now(), app_id, &certificate, "room-1", "bot", Role::Publisher, 3600, 3600, 3600, 3600, 3600, "bot", 3600,
    /// )?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        rtc_account: &str,
        role: Role,
        rtc_token_expire: u32,
        join_expire: u32,
        audio_expire: u32,
        video_expire: u32,
        data_expire: u32,
        rtm_user_id: &str,
        rtm_token_expire: u32,
    ) -> Result<String, BuildError> {
        let privileges = role.single_privileges(join_expire, audio_expire, video_expire, data_expire);
        AccessToken::new(app_id, issue, rtc_token_expire)
            .with(Service::rtc(channel, rtc_account, privileges))
            .with(Service::rtm(rtm_user_id, rtm_token_expire))
            .with(Service::ConvoAi { privileges: Privileges::new() })
            .build(certificate)
    }
}

/// Speech to text.
pub mod stt {
    use super::*;

    /// A token as from [`build_token_with_rtm2`] that also names this service.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::stt};
    ///
    /// let token = stt::build_token(
    ///     Issue::now(), app_id, &certificate, "room-1", "bot", Role::Publisher, 3600, 3600, 3600, 3600, 3600, "bot", 3600,
    /// )?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        rtc_account: &str,
        role: Role,
        rtc_token_expire: u32,
        join_expire: u32,
        audio_expire: u32,
        video_expire: u32,
        data_expire: u32,
        rtm_user_id: &str,
        rtm_token_expire: u32,
    ) -> Result<String, BuildError> {
        let privileges = role.single_privileges(join_expire, audio_expire, video_expire, data_expire);
        AccessToken::new(app_id, issue, rtc_token_expire)
            .with(Service::rtc(channel, rtc_account, privileges))
            .with(Service::rtm(rtm_user_id, rtm_token_expire))
            .with(Service::Stt { privileges: Privileges::new() })
            .build(certificate)
    }
}

/// The shapes of the community builder that the usual token server uses: one life for the token and its privileges.
pub mod community {
    use super::*;
    use crate::service::RtcPrivilege;

    /// An RTC token for a numeric uid; 0 means any user.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::community};
    ///
    /// let token = community::build_token_with_uid(Issue::now(), app_id, &certificate, "room-1", 1001, Role::Publisher, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_uid(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        uid: u32,
        role: Role,
        expire: u32,
    ) -> Result<String, BuildError> {
        super::build_token_with_uid(issue, app_id, certificate, channel, uid, role, expire, expire)
    }

    /// An RTC token for a user account; the empty account means any user.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::{Role, builder::community};
    ///
    /// let token = community::build_token_with_user_account(Issue::now(), app_id, &certificate, "room-1", "ann", Role::Publisher, 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_token_with_user_account(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        channel: &str,
        account: &str,
        role: Role,
        expire: u32,
    ) -> Result<String, BuildError> {
        super::build_token_with_user_account(issue, app_id, certificate, channel, account, role, expire, expire)
    }

    /// An RTM token. With a channel it also joins that RTC channel and publishes data there.
    ///
    /// ```
    /// # use symbolon_token::{AppCertificate, AppId, Issue};
    /// # let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33")?;
    /// # let certificate = AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b")?;
    /// use symbolon_token::builder::community;
    ///
    /// let token = community::build_rtm_token(Issue::now(), app_id, &certificate, "ann", Some("room-1"), 3600)?;
    /// assert!(token.starts_with("007"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`AccessToken::build`](crate::AccessToken::build).
    pub fn build_rtm_token(
        issue: impl Into<Issuing>,
        app_id: AppId,
        certificate: &AppCertificate,
        user_id: &str,
        channel: Option<&str>,
        expire: u32,
    ) -> Result<String, BuildError> {
        let mut token = AccessToken::new(app_id, issue, expire);
        if let Some(channel) = channel {
            let privileges =
                [RtcPrivilege::JoinChannel, RtcPrivilege::PublishData].map(|privilege| (privilege.id(), expire));
            token = token.with(Service::rtc(channel, user_id, privileges.into()));
        }
        token.with(Service::rtm(user_id, expire)).build(certificate)
    }
}

fn chat(user_id: &str, privilege: ChatPrivilege, expire: u32) -> Service {
    Service::Chat { user_id: user_id.to_owned(), privileges: Privileges::from([(privilege.id(), expire)]) }
}

fn apaas(room_uuid: &str, user_uuid: &str, role: i16, privilege: ApaasPrivilege, expire: u32) -> Service {
    let privileges = Privileges::from([(privilege.id(), expire)]);
    Service::Apaas { room_uuid: room_uuid.to_owned(), user_uuid: user_uuid.to_owned(), role, privileges }
}

fn room_user(
    app_id: AppId,
    issue: impl Into<Issuing>,
    room_uuid: &str,
    user_uuid: &str,
    role: i16,
    expire: u32,
) -> AccessToken {
    AccessToken::new(app_id, issue, expire)
        .with(apaas(room_uuid, user_uuid, role, ApaasPrivilege::RoomUser, expire))
        .with(Service::rtm(user_uuid, expire))
        .with(chat(&md5_hex(user_uuid), ChatPrivilege::User, expire))
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The role written where an APaaS token is for no room.
const NO_ROLE: i16 = -1;

/// The life of every FPA token, in seconds.
const FPA_LIFE: u32 = 86_400;
