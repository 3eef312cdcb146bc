//! A client's media offer: read, checked, and cut down to what it may do.
//!
//! The media library believes what an offer says. So before it sees one, everything is taken out that the client was
//! not granted: sections without a permitted binding become inactive, and with them goes what they declare. What
//! is left is accepted as a whole.

use std::collections::BTreeSet;

use symbolon_proto::id::Mid;
use symbolon_proto::message::{
    Kind, Layer, MAX_LAYER_KBPS, MAX_LAYERS, MAX_PIXELS, MAX_PUBLICATIONS, MAX_SLOTS, MediaOffer, PublishBinding,
};

/// An offer that passed every check that does not depend on who made it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    session: Vec<String>,
    sections: Vec<Section>,
    /// The client's ICE user name fragment.
    pub(crate) remote_fragment: String,
    /// The SHA-256 fingerprint of the client's certificate, as upper-case hexadecimal pairs.
    pub(crate) fingerprint: String,
}

/// One `m=` section.
#[derive(Clone, PartialEq, Eq)]
struct Section {
    mid: Mid,
    kind: Kind,
    direction: Direction,
    /// Stopped by the client: port 0, and not merely bundled.
    stopped: bool,
    lines: Vec<String>,
}

/// Which way media may flow, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// Why an offer, or what came with it, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The stable word for it.
    pub(crate) slug: &'static str,
    /// What was wrong and what to do.
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(slug: &'static str, message: impl Into<String>) -> Self {
        Self { slug, message: message.into() }
    }
}

impl Offer {
    /// Reads and checks the session description.
    pub(crate) fn parse(sdp: &str) -> Result<Self, Refusal> {
        let mut blocks = vec![Vec::new()];
        for line in sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.as_bytes().get(1) != Some(&b'=') {
                return Err(invalid("a line of the offer is not of the form x=value"));
            }
            if line.starts_with("m=") {
                blocks.push(Vec::new());
            }
            if let Some(block) = blocks.last_mut() {
                block.push(line);
            }
        }
        let (session, media) = blocks.split_first().expect("there is always the session's block");
        check_count(media.len())?;
        check_transport(&blocks)?;
        let fingerprint = fingerprint(&blocks)?;
        let sections = media.iter().map(|lines| Section::parse(lines, session)).collect::<Result<Vec<_>, _>>()?;
        let mids: BTreeSet<_> = sections.iter().map(|section| &section.mid).collect();
        if mids.len() != sections.len() {
            return Err(invalid("two sections of the offer have the same a=mid"));
        }
        let mut session: Vec<String> = keep(session);
        session.push(format!("a=fingerprint:sha-256 {fingerprint}"));
        let remote_fragment = first(&blocks, "a=ice-ufrag:").unwrap_or_default().to_owned();
        Ok(Self { session, sections, remote_fragment, fingerprint })
    }

    /// Compares the bindings with the sections that they name.
    pub(crate) fn check_bindings(&self, media: &MediaOffer) -> Result<(), Refusal> {
        if media.publish.len() > MAX_PUBLICATIONS {
            return Err(limit(format!("at most {MAX_PUBLICATIONS} tracks can be published")));
        }
        if media.slots.len() > MAX_SLOTS {
            return Err(limit(format!("at most {MAX_SLOTS} slots can be declared")));
        }
        let publish = media.publish.iter().map(|binding| (&binding.mid, binding.kind, true));
        let slots = media.slots.iter().map(|slot| (&slot.mid, slot.kind, false));
        let mut seen = BTreeSet::new();
        for (mid, kind, sends) in publish.chain(slots) {
            if !seen.insert(mid) {
                return Err(binding(mid, "is bound twice; bind each section to one track or one slot"));
            }
            self.check_binding(mid, kind, sends)?;
        }
        media.publish.iter().try_for_each(|binding| self.check_layers(binding))
    }

    /// The layers of a track are those that its section declares, and as large as pictures are.
    fn check_layers(&self, track: &PublishBinding) -> Result<(), Refusal> {
        let PublishBinding { mid, kind, layers, .. } = track;
        if layers.is_empty() {
            return Ok(());
        }
        if *kind == Kind::Audio {
            return Err(binding(mid, "has layers; only video can be sent in several"));
        }
        if layers.len() > MAX_LAYERS {
            return Err(limit(format!("a track has at most {MAX_LAYERS} layers")));
        }
        let fits = |layer: &Layer| {
            let pixels = 1..=MAX_PIXELS;
            let kbps = (1..=MAX_LAYER_KBPS).contains(&layer.max_kbps);
            pixels.contains(&layer.width) && pixels.contains(&layer.height) && kbps
        };
        if !layers.iter().all(fits) {
            return Err(binding(mid, "has a layer without pixels or bitrate, or with more than there can be"));
        }
        let bound: BTreeSet<_> = layers.iter().map(|layer| layer.rid.as_str()).collect();
        let section = self.sections.iter().find(|section| section.mid == *mid);
        let declared = section.map(|section| simulcast(&section.lines)).unwrap_or_default();
        if bound.len() != layers.len() || bound != declared {
            return Err(binding(mid, "has other layers than its section declares with a=rid and a=simulcast:send"));
        }
        Ok(())
    }

    fn check_binding(&self, mid: &Mid, kind: Kind, sends: bool) -> Result<(), Refusal> {
        let Some(section) = self.sections.iter().find(|section| section.mid == *mid) else {
            return Err(binding(mid, "is bound, but the offer has no section of that name"));
        };
        if section.stopped {
            return Err(binding(mid, "is bound, but its section is stopped"));
        }
        if section.kind != kind {
            return Err(binding(mid, "is bound as another kind than its section has"));
        }
        match (sends, section.direction) {
            (_, Direction::SendRecv) | (true, Direction::SendOnly) | (false, Direction::RecvOnly) => Ok(()),
            (true, _) => Err(binding(mid, "is bound to a track, but its section does not send")),
            (false, _) => Err(binding(mid, "is bound to a slot, but its section does not receive")),
        }
    }

    /// The session description in which nothing sends but permitted tracks, nothing receives but slots.
    pub(crate) fn restrict(&self, media: &MediaOffer, may_publish: impl Fn(Kind) -> bool) -> String {
        let publishes = |section: &Section| {
            may_publish(section.kind) && media.publish.iter().any(|binding| binding.mid == section.mid)
        };
        let has_layers = |section: &Section| {
            media.publish.iter().any(|binding| binding.mid == section.mid && !binding.layers.is_empty())
        };
        let mut sdp = String::new();
        let mut push = |line: &str| {
            sdp.push_str(line);
            sdp.push_str("\r\n");
        };
        self.session.iter().for_each(|line| push(line));
        for section in &self.sections {
            let sends = publishes(section);
            let layered = sends && has_layers(section);
            let receives = media.slots.iter().any(|slot| slot.mid == section.mid);
            let lines = section.lines.iter().filter(|line| sends || !is_about_sending(line));
            let lines = lines.filter(|line| layered || !is_about_layers(line));
            let measured = sends || section.kind == Kind::Video;
            let lines = lines.filter(|line| measured || !line.ends_with(TRANSPORT_WIDE));
            lines.for_each(|line| push(line));
            push(match (sends, receives) {
                (true, _) => "a=sendonly",
                (false, true) => "a=recvonly",
                (false, false) => "a=inactive",
            });
        }
        sdp
    }
}

impl Section {
    fn parse(lines: &[&str], session: &[&str]) -> Result<Self, Refusal> {
        let head = lines.first().copied().unwrap_or_default();
        let mut words = head.trim_start_matches("m=").split(' ');
        let kind = match words.next() {
            Some("audio") => Kind::Audio,
            Some("video") => Kind::Video,
            Some("application") => {
                return Err(invalid("data channels are not served here; offer without an m=application section"));
            }
            _ => return Err(invalid("the offer has a section that is neither audio nor video")),
        };
        let bundled = lines.contains(&"a=bundle-only");
        let mid = lines.iter().find_map(|line| line.strip_prefix("a=mid:")).unwrap_or_default();
        let mid = Mid::parse(mid)
            .ok()
            .filter(|mid| mid.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .ok_or_else(|| invalid("every section needs an a=mid of 1 to 16 letters and digits"))?;
        let ssrcs: BTreeSet<_> =
            lines.iter().filter_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next()).collect();
        if ssrcs.len() > MAX_SSRCS {
            return Err(limit(format!("a section can declare at most {MAX_SSRCS} SSRCs")));
        }
        let direction = direction(lines).or_else(|| direction(session)).unwrap_or(Direction::SendRecv);
        let stopped = words.next() == Some("0") && !bundled;
        Ok(Self { mid, kind, direction, stopped, lines: keep(lines) })
    }
}

/// Most SSRCs of one section: a stream and its repair for each of three simulcast layers, and some slack.
const MAX_SSRCS: usize = 8;

fn check_count(sections: usize) -> Result<(), Refusal> {
    match sections {
        0 => Err(invalid("the offer has no media sections")),
        count if count > MAX_PUBLICATIONS + MAX_SLOTS => {
            Err(limit(format!("an offer can have at most {} sections", MAX_PUBLICATIONS + MAX_SLOTS)))
        }
        _ => Ok(()),
    }
}

/// ICE secrets that are some, and the client willing to begin the DTLS handshake.
fn check_transport(blocks: &[Vec<&str>]) -> Result<(), Refusal> {
    let length = |prefix| first(blocks, prefix).map_or(0, str::len);
    if !(4..=256).contains(&length("a=ice-ufrag:")) || !(22..=256).contains(&length("a=ice-pwd:")) {
        return Err(invalid("the offer needs an a=ice-ufrag of 4 to 256 and an a=ice-pwd of 22 to 256 characters"));
    }
    if all(blocks).any(|line| line == "a=ice-lite") {
        return Err(invalid("the offer says a=ice-lite, and so does this server; one side must do the checks"));
    }
    // The client must be the one to begin: the server's choice among the SRTP profiles prefers AES-GCM.
    let setup = |line: &&str| line.starts_with("a=setup:") && !matches!(*line, "a=setup:actpass" | "a=setup:active");
    if all(blocks).any(|line| setup(&line)) {
        return Err(invalid("the offer must say a=setup:actpass or a=setup:active; the client begins the handshake"));
    }
    Ok(())
}

/// The one SHA-256 fingerprint. Weaker ones beside it are left out.
fn fingerprint(blocks: &[Vec<&str>]) -> Result<String, Refusal> {
    let mut found = BTreeSet::new();
    for value in all(blocks).filter_map(|line| line.strip_prefix("a=fingerprint:")) {
        let (hash, hex) = value.split_once(' ').unwrap_or((value, ""));
        if hash.eq_ignore_ascii_case("sha-256") {
            found.insert(hex.trim().to_ascii_uppercase());
        }
    }
    let is_whole = |hex: &String| {
        let pairs: Vec<_> = hex.split(':').collect();
        pairs.len() == 32 && pairs.iter().all(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    match found.pop_first() {
        Some(hex) if found.is_empty() && is_whole(&hex) => Ok(hex),
        Some(_) if !found.is_empty() => Err(invalid("the offer names two different certificates")),
        _ => Err(invalid("the offer needs an a=fingerprint:sha-256 of 32 bytes; weaker hashes are not accepted")),
    }
}

/// The lines that the media library gets to see. It needs no remote candidates: this side never checks any.
fn keep(lines: &[&str]) -> Vec<String> {
    let dropped = |line: &str| {
        let prefixes = ["a=candidate:", "a=remote-candidates", "a=end-of-candidates", "a=fingerprint:"];
        prefixes.iter().any(|prefix| line.starts_with(prefix)) || parse_direction(line).is_some()
    };
    lines.iter().filter(|line| !dropped(line)).map(|line| (*line).to_owned()).collect()
}

/// The names of the layers that a section sends (RFC 8853, section 5.1): without alternatives, and each with an `a=rid`.
fn simulcast(lines: &[String]) -> BTreeSet<&str> {
    let list = lines.iter().find_map(|line| {
        let mut words = line.strip_prefix("a=simulcast:")?.split(' ');
        words.find(|word| *word == "send")?;
        words.next()
    });
    let has_rid = |rid: &&str| lines.iter().any(|line| line.starts_with(&format!("a=rid:{rid} send")));
    // A `~` marks a layer that begins paused.
    list.into_iter().flat_map(|list| list.split(';')).map(|rid| rid.trim_start_matches('~')).filter(has_rid).collect()
}

fn is_about_sending(line: &str) -> bool {
    line.starts_with("a=ssrc:") || line.starts_with("a=ssrc-group:") || line.starts_with("a=msid:")
}

/// What counts packets for the estimate of a line. Sound towards a client is little, is never held back, and would keep the
/// estimation going where there is nothing to estimate for.
const TRANSPORT_WIDE: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

fn is_about_layers(line: &str) -> bool {
    line.starts_with("a=simulcast") || line.starts_with("a=rid:")
}

fn direction(lines: &[&str]) -> Option<Direction> {
    lines.iter().find_map(|line| parse_direction(line))
}

fn parse_direction(line: &str) -> Option<Direction> {
    match line {
        "a=sendrecv" => Some(Direction::SendRecv),
        "a=sendonly" => Some(Direction::SendOnly),
        "a=recvonly" => Some(Direction::RecvOnly),
        "a=inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

fn all<'a>(blocks: &'a [Vec<&'a str>]) -> impl Iterator<Item = &'a str> {
    blocks.iter().flatten().copied()
}

fn first<'a>(blocks: &'a [Vec<&'a str>], prefix: &str) -> Option<&'a str> {
    all(blocks).find_map(|line| line.strip_prefix(prefix))
}

pub(crate) fn invalid(message: &str) -> Refusal {
    Refusal::new("invalid_sdp", message)
}

fn limit(message: String) -> Refusal {
    Refusal::new("limit_exceeded", message)
}

fn binding(mid: &Mid, message: &str) -> Refusal {
    Refusal::new("invalid_binding", format!("mid {mid} {message}"))
}

#[cfg(test)]
mod tests {
    use symbolon_proto::id::Rid;
    use symbolon_proto::message::{SlotBinding, Source};

    use super::*;

    const FINGERPRINT: &str =
        "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

    fn section(kind: &str, mid: &str, direction: &str) -> String {
        let ssrc = if direction.contains("send") { "a=ssrc:1 cname:x\r\n" } else { "" };
        format!("m={kind} 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n{direction}{ssrc}")
    }

    fn sdp(sections: &[String]) -> String {
        let head = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\n\
                    a=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\n";
        format!("{head}a=fingerprint:SHA-256 {FINGERPRINT}\r\n{}", sections.concat())
    }

    fn slug(sdp: &str) -> &'static str {
        Offer::parse(sdp).map_or_else(|refusal| refusal.slug, |_| "accepted")
    }

    fn mid(text: &str) -> Mid {
        Mid::parse(text).unwrap()
    }

    fn publish(text: &str, kind: Kind) -> PublishBinding {
        PublishBinding { mid: mid(text), kind, source: Source::Custom, muted: false, layers: vec![] }
    }

    fn media(publish: Vec<PublishBinding>, slots: &[(&str, Kind)]) -> MediaOffer {
        let slots = slots.iter().map(|(text, kind)| SlotBinding { mid: mid(text), kind: *kind }).collect();
        MediaOffer { sdp: String::new(), publish, slots }
    }

    #[test]
    fn weak_or_missing_fingerprints_are_refused() {
        let good = sdp(&[section("audio", "0", "a=sendrecv\r\n")]);
        assert_eq!(slug(&good), "accepted");
        let with = |line: &str| good.replace(&format!("a=fingerprint:SHA-256 {FINGERPRINT}"), line);
        for line in [
            "a=x",
            "a=fingerprint:md5 00:11",
            "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33",
            &format!("a=fingerprint:sha-256 {}", &FINGERPRINT[3..]),
            &format!("a=fingerprint:sha-256 {}", FINGERPRINT.replace("ff", "fg")),
            &format!(
                "a=fingerprint:sha-256 {FINGERPRINT}\r\na=fingerprint:sha-256 {}",
                FINGERPRINT.replace("00", "01")
            ),
        ] {
            assert_eq!(slug(&with(line)), "invalid_sdp", "{line}");
        }
        let beside = with(&format!("a=fingerprint:sha-1 00:11\r\na=fingerprint:sha-256 {FINGERPRINT}"));
        let offer = Offer::parse(&beside).map_err(|refusal| refusal.slug).unwrap();
        assert_eq!(offer.fingerprint, FINGERPRINT.to_ascii_uppercase());
        assert!(!offer.restrict(&media(vec![], &[]), |_| true).contains("sha-1"));
    }

    #[test]
    fn transport_rules_hold() {
        let good = sdp(&[section("audio", "0", "a=sendrecv\r\n")]);
        for (from, to) in [
            ("a=setup:actpass", "a=setup:passive"),
            ("a=setup:actpass", "a=setup:holdconn"),
            ("a=setup:actpass", "a=ice-lite"),
            ("a=ice-ufrag:abcd", "a=ice-ufrag:abc"),
            ("a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:short"),
            ("a=mid:0", "a=mid:a-b"),
            ("a=mid:0", "a=nothing"),
            ("m=audio", "m=application"),
            ("m=audio", "m=text"),
            ("a=mid:0", "nonsense"),
        ] {
            assert_eq!(slug(&good.replace(from, to)), "invalid_sdp", "{to}");
        }
        assert_eq!(slug(&sdp(&[])), "invalid_sdp");
        assert_eq!(slug(&sdp(&vec![section("audio", "0", ""); 2])), "invalid_sdp");
        let many: Vec<_> = (0..273).map(|n| section("audio", &n.to_string(), "")).collect();
        assert_eq!(slug(&sdp(&many)), "limit_exceeded");
    }

    #[test]
    fn bindings_must_fit_their_sections() {
        let offer = Offer::parse(&sdp(&[
            section("audio", "a", "a=sendonly\r\n"),
            section("video", "v", "a=recvonly\r\n"),
            section("video", "w", ""),
            section("audio", "x", "a=sendonly\r\n").replace("audio 9", "audio 0"),
        ]))
        .map_err(|refusal| refusal.message)
        .unwrap();
        let check = |publish, slots: &[_]| offer.check_bindings(&media(publish, slots)).map_err(|refusal| refusal.slug);
        use Kind::{Audio, Video};
        assert_eq!(check(vec![publish("a", Audio), publish("w", Video)], &[("v", Video)]), Ok(()));
        for (publishes, slots) in [
            (vec![publish("q", Audio)], &[][..]),
            (vec![publish("a", Video)], &[]),
            (vec![publish("v", Video)], &[]),
            (vec![publish("x", Audio)], &[]),
            (vec![publish("a", Audio), publish("a", Audio)], &[]),
            (vec![publish("w", Video)], &[("w", Video)]),
            (vec![], &[("a", Audio)]),
        ] {
            assert_eq!(check(publishes, slots), Err("invalid_binding"));
        }
        assert_eq!(check(vec![publish("a", Audio); 17], &[]), Err("limit_exceeded"));
    }

    #[test]
    fn layers_are_those_of_their_section() {
        let send = "a=sendonly\r\na=rid:l send\r\na=rid:h send max-width=1280\r\na=rid:x send\r\n";
        let offer = Offer::parse(&sdp(&[
            section("video", "two", &format!("{send}a=simulcast:send l;~h\r\n")),
            section("video", "all", &format!("{send}a=simulcast:recv r send l;h;x\r\n")),
            section("video", "one", "a=sendonly\r\n"),
            section("video", "bad", "a=sendonly\r\na=simulcast:send l;h\r\n"),
            section("audio", "a", "a=sendonly\r\n"),
        ]))
        .map_err(|refusal| refusal.message)
        .unwrap();
        let layer =
            |rid: &str| Layer { rid: Rid::parse(rid).unwrap(), width: 320, height: 180, max_kbps: 150, fps: None };
        let check = |text: &str, kind, layers: Vec<Layer>| {
            let track = PublishBinding { layers, ..publish(text, kind) };
            offer.check_bindings(&media(vec![track], &[])).map_err(|refusal| refusal.slug)
        };
        use Kind::{Audio, Video};
        assert_eq!(check("two", Video, vec![layer("l"), layer("h")]), Ok(()));
        assert_eq!(check("all", Video, vec![layer("h"), layer("l"), layer("x")]), Ok(()));
        assert_eq!(check("two", Video, vec![]), Ok(()));
        for (text, kind, layers) in [
            ("two", Video, vec![layer("l")]),
            ("two", Video, vec![layer("l"), layer("l")]),
            ("two", Video, vec![layer("l"), layer("h"), layer("x")]),
            ("one", Video, vec![layer("l"), layer("h")]),
            ("bad", Video, vec![layer("l"), layer("h")]),
            ("a", Audio, vec![layer("l")]),
            ("two", Video, vec![layer("l"), Layer { width: 0, ..layer("h") }]),
            ("two", Video, vec![layer("l"), Layer { height: MAX_PIXELS + 1, ..layer("h") }]),
            ("two", Video, vec![layer("l"), Layer { max_kbps: 0, ..layer("h") }]),
            ("two", Video, vec![layer("l"), Layer { max_kbps: MAX_LAYER_KBPS + 1, ..layer("h") }]),
        ] {
            assert_eq!(check(text, kind, layers), Err("invalid_binding"), "{text}");
        }
        assert_eq!(check("all", Video, vec![layer("l"); 4]), Err("limit_exceeded"));
    }

    #[test]
    fn nothing_sends_without_permission() {
        let offer = Offer::parse(&sdp(&[
            section("audio", "a", "a=sendrecv\r\n"),
            section("video", "v", "a=sendonly\r\na=candidate:1 1 udp 1 10.0.0.5 6379 typ host\r\n"),
            section("video", "s", ""),
            section("video", "extra", "a=sendrecv\r\n"),
        ]))
        .map_err(|refusal| refusal.message)
        .unwrap();
        let media = media(vec![publish("a", Kind::Audio), publish("v", Kind::Video)], &[("s", Kind::Video)]);
        let edited = offer.restrict(&media, |kind| kind == Kind::Audio);
        let blocks: Vec<_> = edited.split("m=").skip(1).collect();
        let flow: Vec<_> = blocks.iter().map(|block| block.lines().last().unwrap()).collect();
        assert_eq!(flow, ["a=sendonly", "a=inactive", "a=recvonly", "a=inactive"]);
        assert!(blocks[0].contains("a=ssrc:1"));
        assert!(blocks[1..].iter().all(|block| !block.contains("a=ssrc")));
        assert!(!edited.contains("a=candidate") && !edited.contains("sendrecv"));
    }
}
