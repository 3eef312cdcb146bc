//! Plain counters, for whoever exports them.

/// What the edge has counted since it began, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Members, those included whose connection is lost for the moment.
    pub members: u64,
    /// Channels.
    pub channels: u64,
    /// Peers: connections that negotiated media.
    pub peers: u64,
    /// Publications.
    pub publications: u64,
    /// Routes: a publication forwarded to a subscriber.
    pub routes: u64,
    /// Datagrams that came in.
    pub datagrams_in: u64,
    /// Bytes that came in.
    pub bytes_in: u64,
    /// Datagrams that went out.
    pub datagrams_out: u64,
    /// Bytes that went out.
    pub bytes_out: u64,
    /// Media packets of publications that came in.
    pub packets_in: u64,
    /// Media packets written to subscribers, each counted once for every one of them.
    pub packets_forwarded: u64,
    /// Their payload bytes.
    pub bytes_forwarded: u64,
    /// Keyframes that subscribers asked for.
    pub keyframes_wanted: u64,
    /// Keyframes that publishers were asked for.
    pub keyframes_requested: u64,
    /// Retransmissions that subscribers asked for, counted as requests.
    pub nacks_in: u64,
    /// Retransmissions that publishers were asked for, counted as requests.
    pub nacks_out: u64,
    /// What was dropped, by cause.
    pub dropped: Dropped,
}

/// Counters of what was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; DropCause::ALL.len()]);

impl Dropped {
    /// How often for this cause.
    pub fn get(&self, cause: DropCause) -> u64 {
        self.0[cause as usize]
    }

    /// Every cause and its count.
    pub fn iter(&self) -> impl Iterator<Item = (DropCause, u64)> + '_ {
        DropCause::ALL.iter().map(|cause| (*cause, self.get(*cause)))
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn count(&mut self, cause: DropCause) {
        self.0[cause as usize] += 1;
    }
}

/// Declares the causes with their stable names.
macro_rules! causes {
    ($($(#[$meta:meta])* $cause:ident = $name:literal,)+) => {
        /// Why a datagram or a media packet was dropped. Nothing is ever answered to one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DropCause {
            $($(#[$meta])* $cause,)+
        }

        impl DropCause {
            /// Every cause.
            pub const ALL: &'static [Self] = &[$(Self::$cause),+];

            /// A stable word for metrics.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$cause => $name,)+
                }
            }
        }
    };
}

causes! {
    /// Empty, or larger than any packet that WebRTC sends.
    Size = "size",
    /// Neither STUN nor DTLS nor RTP nor RTCP.
    UnknownProtocol = "unknown_protocol",
    /// STUN that does not parse, or is no binding request.
    MalformedStun = "malformed_stun",
    /// STUN for a user name fragment that nobody here has.
    UnknownUser = "unknown_user",
    /// STUN whose integrity does not hold, or for another remote user.
    BadIntegrity = "bad_integrity",
    /// STUN from an address that belongs to another live peer.
    AddressTaken = "address_taken",
    /// STUN from more new addresses than one peer may use.
    TooManyAddresses = "too_many_addresses",
    /// More of it than one peer may send.
    RateLimited = "rate_limited",
    /// DTLS, RTP or RTCP from an address that no STUN has bound.
    UnknownSource = "unknown_source",
    /// DTLS or SRTP that the peer's session refuses.
    RefusedByPeer = "refused_by_peer",
    /// A media packet of a section that carries no publication.
    NotPublished = "not_published",
    /// A media packet of another kind than its section's publication.
    MediaNotAllowed = "media_not_allowed",
    /// A media packet beyond the bitrate of its publication.
    BitrateLimit = "bitrate_limit",
    /// A packet not forwarded to a subscriber because a keyframe must come first.
    AwaitingKeyframe = "awaiting_keyframe",
    /// A packet not forwarded to a subscriber that cannot decode its codec.
    NoCodec = "no_codec",
    /// A packet not forwarded to a subscriber because it came too late or twice.
    Late = "late",
    /// A datagram to a new address that has not yet shown that it receives.
    UnprovenAddress = "unproven_address",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_count_apart() {
        let mut dropped = Dropped::default();
        dropped.count(DropCause::Late);
        dropped.count(DropCause::Late);
        dropped.count(DropCause::Size);
        assert_eq!((dropped.get(DropCause::Late), dropped.get(DropCause::Size), dropped.total()), (2, 1, 3));
        let names: std::collections::BTreeSet<_> = DropCause::ALL.iter().map(|cause| cause.name()).collect();
        assert_eq!(names.len(), DropCause::ALL.len());
    }
}
