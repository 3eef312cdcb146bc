//! Real sockets on loopback.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use symbolon_udp::{BatchSocket, Inbox, Outgoing, Sent};

fn socket(address: &str) -> BatchSocket {
    BatchSocket::new(UdpSocket::bind(address).unwrap()).unwrap()
}

/// A socket for both versions of IP.
fn dual() -> BatchSocket {
    socket("[::]:0")
}

fn v4_of(socket: &BatchSocket) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], socket.local_addr().unwrap().port()))
}

/// What comes in until there are so many.
fn receive(socket: &BatchSocket, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let (mut inbox, mut all) = (Inbox::default(), Vec::new());
    let until = Instant::now() + Duration::from_secs(5);
    while all.len() < count {
        match socket.receive(&mut inbox) {
            Ok(()) => all.extend(inbox.iter().map(|(source, bytes)| (source, bytes.to_vec()))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert!(Instant::now() < until, "{} of {count} came", all.len());
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
    all
}

#[test]
fn many_datagrams_of_all_lengths_arrive_whole_and_in_order() {
    let (here, there, other) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    let lengths = [1_200, 1_200, 1_200, 700, 1_200, 0, 1, 1, 1, 1_400, 1_400, 9, 9_000];
    let mut outgoing = Outgoing::default();
    for round in 0..100_u8 {
        outgoing.clear();
        let mut expected = Vec::new();
        for (number, length) in lengths.iter().enumerate() {
            let bytes = vec![round ^ number as u8; *length];
            outgoing.push(v4_of(&there), &bytes);
            expected.push((v4_of(&here), bytes));
        }
        outgoing.push(v4_of(&other), &[round]);
        assert_eq!(here.send(&outgoing), Sent { sent: 14, lost: 0 });
        assert_eq!(receive(&there, 13), expected);
        assert_eq!(receive(&other, 1), [(v4_of(&here), vec![round])]);
    }
    outgoing.clear();
    assert_eq!(here.send(&outgoing), Sent::default());
    let mut inbox = Inbox::default();
    assert_eq!(there.receive(&mut inbox).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(inbox.iter().count(), 0);
}

#[test]
fn a_socket_for_both_versions_speaks_of_addresses_as_they_are() {
    let (both, four, six) = (dual(), socket("127.0.0.1:0"), socket("[::1]:0"));
    let mut outgoing = Outgoing::default();
    for _ in 0..3 {
        outgoing.push(v4_of(&four), b"four");
        outgoing.push(six.local_addr().unwrap(), b"six");
    }
    assert_eq!(both.send(&outgoing), Sent { sent: 6, lost: 0 });
    assert_eq!(receive(&four, 3)[0], (v4_of(&both), b"four".to_vec()));
    let port = both.local_addr().unwrap().port();
    assert_eq!(receive(&six, 3)[2].0, SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)));

    outgoing.clear();
    outgoing.push(v4_of(&both), b"back");
    assert_eq!(four.send(&outgoing).sent, 1);
    assert_eq!(receive(&both, 1), [(v4_of(&four), b"back".to_vec())]);
}

#[test]
fn what_cannot_be_sent_is_lost_and_holds_up_nothing() {
    let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    let mut outgoing = Outgoing::default();
    // A datagram that is too long for UDP, an address of the other family, and good ones around them.
    outgoing.push(v4_of(&there), b"first");
    outgoing.push(v4_of(&there), &[0; 70_000]);
    outgoing.push("[2001:db8::1]:9".parse().unwrap(), b"astray");
    outgoing.push("[2001:db8::1]:9".parse().unwrap(), b"astray");
    outgoing.push(v4_of(&there), b"last");
    assert_eq!(here.send(&outgoing), Sent { sent: 2, lost: 3 });
    let came: Vec<_> = receive(&there, 2).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(came, [b"first".to_vec(), b"last".to_vec()]);
}

#[test]
fn datagrams_come_with_their_times() {
    let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    there.tell_times().unwrap();
    let mut outgoing = Outgoing::default();
    (0..5).for_each(|_| outgoing.push(v4_of(&there), b"equal"));
    let before = std::time::UNIX_EPOCH.elapsed().unwrap();
    assert_eq!(here.send(&outgoing).sent, 5);
    let mut inbox = Inbox::default();
    let mut count = 0;
    while count < 5 {
        there.receive(&mut inbox).unwrap();
        for (source, bytes, at) in inbox.iter_with_times() {
            assert_eq!((source, bytes), (v4_of(&here), &b"equal"[..]));
            let late = at.expect("a time").checked_sub(before).expect("no time before it was sent");
            assert!(late < Duration::from_secs(5), "{late:?}");
            count += 1;
        }
    }
}

#[test]
fn a_full_buffer_loses_the_rest() {
    let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    let mut outgoing = Outgoing::default();
    for _ in 0..2_000 {
        outgoing.push(v4_of(&there), &[7; 1_200]);
    }
    // The receiver's buffer holds less than this; the sender is not told, and does not wait.
    let Sent { sent, lost } = here.send(&outgoing);
    assert_eq!(sent + lost, 2_000);
    let came = receive(&there, 50);
    assert!(came.iter().all(|(_, bytes)| bytes == &[7; 1_200]));
}
