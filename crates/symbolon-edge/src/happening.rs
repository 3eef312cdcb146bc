//! What happened that a user feels: one value for each log line and metric.

use symbolon_proto::code::{ErrorCode, RenewCode};
use symbolon_proto::id::{AppId, ChannelName, ConnId, PublicationId, Uid};
use symbolon_proto::message::{Kind, Privilege};
use symbolon_token::TokenId;

/// Something that a user feels, with identifiers only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The connection.
    pub conn: ConnId,
    /// Who and where, as far as it is known.
    pub member: Option<MemberId>,
    /// What.
    pub what: What,
}

/// One member of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberId {
    /// The tenant.
    pub app: AppId,
    /// The channel.
    pub channel: ChannelName,
    /// The member.
    pub uid: Uid,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A member came in.
    Joined {
        /// Whether it took up an earlier session.
        resumed: bool,
        /// With which token, as the audit of the token server names it.
        token: TokenId,
    },
    /// A join was refused.
    JoinRefused {
        /// The code that the application sees.
        code: ErrorCode,
        /// The stable word for it.
        slug: String,
    },
    /// A session ended: left, expired, banned, replaced.
    Ended {
        /// The code that the application sees.
        code: ErrorCode,
        /// The stable word for it, `expired` when the token's join privilege ended.
        slug: String,
    },
    /// A connection is gone without a goodbye; its member may come back.
    ConnectionLost,
    /// A connection that was lost, or whose member came back by another one, has been forgotten.
    Forgotten,
    /// A member was told that privileges end soon.
    Warned {
        /// Which.
        privileges: Vec<Privilege>,
        /// When, in milliseconds from now.
        expires_in_ms: u32,
    },
    /// A renewal was answered.
    Renewed {
        /// How.
        code: RenewCode,
    },
    /// A publication began.
    PublicationStarted {
        /// Which.
        publication: PublicationId,
        /// Audio or video.
        kind: Kind,
    },
    /// A publication ended.
    PublicationStopped {
        /// Which.
        publication: PublicationId,
    },
    /// ICE and DTLS are done: media can flow.
    MediaConnected,
    /// The media path never came up, or broke; the connection was closed so that the client comes back.
    MediaLost {
        /// Why.
        cause: MediaLoss,
    },
    /// A media offer was refused.
    OfferRefused {
        /// The stable word for why.
        slug: &'static str,
    },
}

/// Why a media path is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaLoss {
    /// ICE and DTLS were not done in time.
    NeverConnected,
    /// The client stopped checking the path.
    ConsentLost,
    /// The client closed it, or the DTLS session failed.
    SessionFailed,
    /// A defect in the media library, contained to this peer.
    Defect,
}

impl MediaLoss {
    /// A stable word for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeverConnected => "never_connected",
            Self::ConsentLost => "consent_lost",
            Self::SessionFailed => "session_failed",
            Self::Defect => "defect",
        }
    }
}
