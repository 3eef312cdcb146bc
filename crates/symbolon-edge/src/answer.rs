//! The edge's answer to an offer, in the client's order.

/// Puts the codecs of each section into the order of the offer. A client sends the first one that the answer lists
/// (RFC 8829, 5.10), and which of those that both sides have comes first is the client's choice: it encodes.
pub(crate) fn in_offered_order(offer: &str, answer: &str) -> String {
    let mut offered = offer.lines().filter_map(codecs);
    let mut ordered = String::with_capacity(answer.len());
    for line in answer.split_inclusive('\n') {
        match codecs(line).and_then(|ours| Some((ours, offered.next()?))) {
            Some((ours, theirs)) => {
                ordered.push_str(&line[..line.len() - ours.len()]);
                ordered.push_str(&sorted(ours, theirs));
            }
            None => ordered.push_str(line),
        }
    }
    ordered
}

/// The payload types of an `m=` line, with whatever ends the line.
fn codecs(line: &str) -> Option<&str> {
    line.strip_prefix("m=")?.splitn(4, ' ').nth(3)
}

fn sorted(ours: &str, theirs: &str) -> String {
    let end = &ours[ours.trim_end().len()..];
    let rank = |codec: &&str| theirs.split_whitespace().position(|other| other == *codec).unwrap_or(usize::MAX);
    let mut codecs: Vec<_> = ours.split_whitespace().collect();
    codecs.sort_by_key(rank);
    codecs.join(" ") + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_takes_the_order_of_its_offer() {
        let offer =
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 103 104 96 97\r\n";
        let answer =
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104\r\n";
        let expected =
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 103 104 96 97\r\n";
        assert_eq!(in_offered_order(offer, answer), expected);
    }

    #[test]
    fn what_the_offer_does_not_list_comes_last_and_nothing_is_lost() {
        assert_eq!(in_offered_order("m=video 9 X 5 3\n", "m=video 9 X 7 3 5\nb=1\n"), "m=video 9 X 5 3 7\nb=1\n");
        assert_eq!(in_offered_order("", "m=video 9 X 7 3\n"), "m=video 9 X 7 3\n");
        assert_eq!(in_offered_order("m=video\n", "m=video 9 X 7 3"), "m=video 9 X 7 3");
    }
}
