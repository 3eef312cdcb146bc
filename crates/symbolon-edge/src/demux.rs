//! From a datagram to the peer that it is for.
//!
//! An address is bound to a peer by STUN whose user name fragment is the peer's and whose integrity holds, and by
//! nothing else. DTLS, RTP and RTCP are taken from bound addresses only. What fits nobody is dropped without an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::crypto::Sha1HmacProvider;
use str0m::ice::StunMessage;
use symbolon_proto::id::ConnId;

use crate::entropy::{IceSecrets, parse_fragment};
use crate::stats::DropCause;

/// The addresses of all peers.
pub(crate) struct Demux {
    hmac: &'static dyn Sha1HmacProvider,
    fragments: BTreeMap<u64, ConnId>,
    paths: BTreeMap<Path, Binding>,
    peers: BTreeMap<ConnId, Claim>,
}

/// Two ends of a UDP flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    source: SocketAddr,
    destination: SocketAddr,
}

#[derive(Debug)]
struct Binding {
    conn: ConnId,
    checked_at: Instant,
}

/// What one peer may claim, and has claimed.
struct Claim {
    secrets: IceSecrets,
    remote_fragment: String,
    paths: BTreeSet<Path>,
    /// Addresses bound so far in this ICE generation.
    bound: u32,
    checks: Rate,
    handshakes: Rate,
}

/// Largest datagram that is looked at. WebRTC keeps below the Ethernet MTU.
const MAX_DATAGRAM: usize = 1_500;
/// Addresses of one peer at a time: a few interfaces, each behind a NAT that may have moved.
const MAX_PATHS: usize = 8;
/// Addresses of one peer in one ICE generation, since the media library remembers each of them. A client that roams
/// more than this negotiates an ICE restart.
const MAX_BOUND: u32 = 256;
/// A binding that has not been checked for this long may be taken over by another peer.
const BINDING_LASTS: Duration = Duration::from_secs(15);
/// Authenticated checks of one peer that are answered in a second. Browsers send about 20 at the start, then one in
/// two seconds.
const CHECKS_PER_SECOND: u32 = 200;
/// DTLS datagrams of one peer that are looked at in a second. A handshake takes about ten.
const HANDSHAKES_PER_SECOND: u32 = 100;

impl Demux {
    pub(crate) fn new(hmac: &'static dyn Sha1HmacProvider) -> Self {
        Self { hmac, fragments: BTreeMap::new(), paths: BTreeMap::new(), peers: BTreeMap::new() }
    }

    /// A fragment number that no peer has, near to the one wished for.
    pub(crate) fn free_fragment(&self, wish: u64) -> u64 {
        let mut fragment = wish;
        while self.fragments.contains_key(&fragment) {
            fragment = fragment.wrapping_add(1);
        }
        fragment
    }

    /// Begins a peer's ICE generation. Addresses that it had stay bound until they are checked no more.
    pub(crate) fn register(&mut self, conn: ConnId, secrets: IceSecrets, remote_fragment: String) {
        self.fragments.insert(secrets.fragment, conn);
        let claim = Claim {
            secrets,
            remote_fragment,
            paths: BTreeSet::new(),
            bound: 0,
            checks: Rate::default(),
            handshakes: Rate::default(),
        };
        if let Some(before) = self.peers.insert(conn, claim) {
            self.forget_fragment(conn, before.secrets.fragment);
            if let Some(claim) = self.peers.get_mut(&conn) {
                claim.paths = before.paths;
            }
        }
    }

    /// Forgets a peer and every address of it.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        let Some(claim) = self.peers.remove(&conn) else { return };
        self.forget_fragment(conn, claim.secrets.fragment);
        for path in claim.paths {
            self.paths.remove(&path);
        }
    }

    fn forget_fragment(&mut self, conn: ConnId, fragment: u64) {
        let in_use = self.peers.get(&conn).is_some_and(|claim| claim.secrets.fragment == fragment);
        if !in_use {
            self.fragments.remove(&fragment);
        }
    }

    /// Whose datagram this is.
    ///
    /// # Errors
    /// Why it is to be dropped.
    pub(crate) fn route(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
    ) -> Result<ConnId, DropCause> {
        if bytes.is_empty() || bytes.len() > MAX_DATAGRAM {
            return Err(DropCause::Size);
        }
        let path = Path { source, destination };
        // RFC 7983, section 7. The values between are ZRTP, TURN channels, QUIC and nothing at all.
        match bytes[0] {
            0..=3 => self.check(now, path, bytes),
            first @ (20..=63 | 128..=191) => self.bound(now, path, first < 128),
            _ => Err(DropCause::UnknownProtocol),
        }
    }

    /// DTLS or media from a bound address.
    fn bound(&mut self, now: Instant, path: Path, is_dtls: bool) -> Result<ConnId, DropCause> {
        let conn = self.paths.get(&path).map(|binding| binding.conn).ok_or(DropCause::UnknownSource)?;
        let claim = self.peers.get_mut(&conn).ok_or(DropCause::UnknownSource)?;
        if is_dtls && !claim.handshakes.admit(now, HANDSHAKES_PER_SECOND) {
            return Err(DropCause::RateLimited);
        }
        Ok(conn)
    }

    /// An ICE connectivity check: whose it is, if it is genuine. Its address is bound.
    fn check(&mut self, now: Instant, path: Path, bytes: &[u8]) -> Result<ConnId, DropCause> {
        let message = StunMessage::parse(bytes).map_err(|_| DropCause::MalformedStun)?;
        if !message.is_binding_request() {
            return Err(DropCause::MalformedStun);
        }
        let (local, remote) = message.split_username().ok_or(DropCause::MalformedStun)?;
        let conn = parse_fragment(local).and_then(|fragment| self.fragments.get(&fragment).copied());
        let conn = conn.ok_or(DropCause::UnknownUser)?;
        let claim = self.peers.get_mut(&conn).ok_or(DropCause::UnknownUser)?;
        let hmac = |key: &[u8], parts: &[&[u8]]| self.hmac.sha1_hmac(key, parts);
        if remote != claim.remote_fragment || !message.verify(claim.secrets.password().as_bytes(), hmac) {
            return Err(DropCause::BadIntegrity);
        }
        if !claim.checks.admit(now, CHECKS_PER_SECOND) {
            return Err(DropCause::RateLimited);
        }
        self.bind(now, conn, path)?;
        Ok(conn)
    }

    fn bind(&mut self, now: Instant, conn: ConnId, path: Path) -> Result<(), DropCause> {
        let held = self.paths.get(&path).map(|binding| (binding.conn, binding.checked_at));
        match held {
            Some((holder, _)) if holder == conn => {}
            Some((_, checked_at)) if now < checked_at + BINDING_LASTS => return Err(DropCause::AddressTaken),
            Some((holder, _)) => {
                if let Some(claim) = self.peers.get_mut(&holder) {
                    claim.paths.remove(&path);
                }
                self.claim(conn, path)?;
            }
            None => self.claim(conn, path)?,
        }
        self.paths.insert(path, Binding { conn, checked_at: now });
        Ok(())
    }

    /// One more address for a peer; its least recently checked one gives way.
    fn claim(&mut self, conn: ConnId, path: Path) -> Result<(), DropCause> {
        let claim = self.peers.get_mut(&conn).ok_or(DropCause::UnknownUser)?;
        if claim.bound >= MAX_BOUND {
            return Err(DropCause::TooManyAddresses);
        }
        claim.bound += 1;
        if claim.paths.len() >= MAX_PATHS {
            let stalest = claim.paths.iter().min_by_key(|path| self.paths.get(path).map(|bound| bound.checked_at));
            if let Some(stalest) = stalest.copied() {
                claim.paths.remove(&stalest);
                self.paths.remove(&stalest);
            }
        }
        claim.paths.insert(path);
        Ok(())
    }
}

/// A counter that starts anew each second.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    since: Option<Instant>,
    count: u32,
}

impl Rate {
    /// Counts one more, unless there have been `limit` in this second.
    pub(crate) fn admit(&mut self, now: Instant, limit: u32) -> bool {
        if self.since.is_none_or(|since| now >= since + Duration::from_secs(1)) {
            *self = Self { since: Some(now), count: 0 };
        }
        let admitted = self.count < limit;
        self.count += u32::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use str0m::ice::TransId;

    use super::*;
    use crate::entropy::Entropy;

    struct Side {
        demux: Demux,
        now: Instant,
    }

    fn hmac() -> &'static dyn Sha1HmacProvider {
        str0m::crypto::from_feature_flags().sha1_hmac_provider
    }

    fn secrets(seed: u8) -> IceSecrets {
        let entropy = Entropy::new([seed; 64]);
        IceSecrets::new(entropy.fragment(), &entropy)
    }

    fn check(secrets: &IceSecrets, password: &str, remote: &str) -> Vec<u8> {
        let user = format!("{}:{remote}", secrets.to_creds().ufrag);
        let message = StunMessage::binding_request(&user, TransId::new(), true, 1, 1, true);
        let mut buffer = vec![0; 500];
        let hmac = |key: &[u8], parts: &[&[u8]]| hmac().sha1_hmac(key, parts);
        let length = message.to_bytes(Some(password.as_bytes()), &mut buffer, hmac).unwrap();
        buffer.truncate(length);
        buffer
    }

    impl Side {
        fn with_peers(count: u8) -> Self {
            let mut demux = Demux::new(hmac());
            for seed in 1..=count {
                demux.register(ConnId(seed.into()), secrets(seed), "them".to_owned());
            }
            Self { demux, now: Instant::now() }
        }

        fn receive(&mut self, port: u16, bytes: &[u8]) -> Result<ConnId, DropCause> {
            let source = SocketAddr::from(([10, 0, 0, 1], port));
            self.demux.route(self.now, source, SocketAddr::from(([10, 0, 0, 9], 7000)), bytes)
        }

        fn check(&mut self, seed: u8, port: u16) -> Result<ConnId, DropCause> {
            let secrets = secrets(seed);
            self.receive(port, &check(&secrets, secrets.password(), "them"))
        }
    }

    #[test]
    fn only_genuine_checks_bind_an_address() {
        let mut side = Side::with_peers(2);
        let (one, two) = (secrets(1), secrets(2));
        let rtp = [0x80, 96, 0, 1];
        assert_eq!(side.receive(1, &rtp), Err(DropCause::UnknownSource));
        assert_eq!(side.receive(1, &check(&one, two.password(), "them")), Err(DropCause::BadIntegrity));
        assert_eq!(side.receive(1, &check(&one, one.password(), "other")), Err(DropCause::BadIntegrity));
        assert_eq!(side.receive(1, &check(&secrets(9), one.password(), "them")), Err(DropCause::UnknownUser));
        assert_eq!(side.receive(1, &rtp), Err(DropCause::UnknownSource));
        assert_eq!(side.check(1, 1), Ok(ConnId(1)));
        assert_eq!(side.receive(1, &rtp), Ok(ConnId(1)));
        assert_eq!(side.receive(2, &rtp), Err(DropCause::UnknownSource));
        side.demux.forget(ConnId(1));
        assert_eq!(side.receive(1, &rtp), Err(DropCause::UnknownSource));
        assert_eq!(side.check(1, 1), Err(DropCause::UnknownUser));
        assert_eq!(side.demux.paths.len(), 0);
    }

    #[test]
    fn a_member_cannot_take_the_address_of_another() {
        let mut side = Side::with_peers(2);
        assert_eq!(side.check(1, 1), Ok(ConnId(1)));
        assert_eq!(side.check(2, 1), Err(DropCause::AddressTaken));
        side.now += BINDING_LASTS;
        assert_eq!(side.check(2, 1), Ok(ConnId(2)));
        assert_eq!(side.receive(1, &[0x80, 96]), Ok(ConnId(2)));
    }

    #[test]
    fn addresses_of_a_peer_are_bounded() {
        let mut side = Side::with_peers(1);
        for port in 1..=300 {
            side.now += Duration::from_millis(50);
            let expected = if port <= 256 { Ok(ConnId(1)) } else { Err(DropCause::TooManyAddresses) };
            assert_eq!(side.check(1, port), expected, "{port}");
        }
        assert_eq!(side.demux.paths.len(), MAX_PATHS);
        // A new ICE generation may bind again.
        side.demux.register(ConnId(1), secrets(5), "them".to_owned());
        assert_eq!(side.check(5, 999), Ok(ConnId(1)));
        assert_eq!(side.check(1, 999), Err(DropCause::UnknownUser));
    }

    #[test]
    fn floods_of_genuine_checks_are_cut() {
        let mut side = Side::with_peers(1);
        let answers = (0..1_000).filter(|_| side.check(1, 1).is_ok()).count();
        assert_eq!(answers, CHECKS_PER_SECOND as usize);
        side.now += Duration::from_secs(1);
        assert_eq!(side.check(1, 1), Ok(ConnId(1)));
    }

    #[test]
    fn garbage_is_dropped_by_cause() {
        let mut side = Side::with_peers(1);
        assert_eq!(side.receive(1, &[]), Err(DropCause::Size));
        assert_eq!(side.receive(1, &[0x80; 1_501]), Err(DropCause::Size));
        for first in (4..20).chain(64..128).chain(192..=255) {
            assert_eq!(side.receive(1, &[first; 40]), Err(DropCause::UnknownProtocol), "{first}");
        }
        assert_eq!(side.receive(1, &[0; 20]), Err(DropCause::MalformedStun));
        let secrets = secrets(1);
        let good = check(&secrets, secrets.password(), "them");
        for cut in 1..good.len() {
            assert!(side.receive(1, &good[..cut]).is_err());
            let mut bent = good.clone();
            bent[cut] ^= 0x55;
            if bent[cut..].len() > 8 {
                assert!(side.receive(1, &bent).is_err(), "byte {cut}");
            }
        }
    }
}
