//! `recvmmsg` and `sendmmsg`, and what they share.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use libc::{c_int, c_uint, cmsghdr, iovec, mmsghdr, sockaddr_in, sockaddr_in6, socklen_t};

use crate::inbox::{SLOT_BYTES, SLOTS, Slot};
use crate::outgoing::Run;
use crate::{BatchSocket, Inbox, Outgoing, Sent};

/// Asks for datagrams of one sender in one piece. A kernel that knows nothing of it (before 5.0) gives them one by one.
pub(crate) fn accept_large(socket: &UdpSocket) {
    let _ = set(socket, libc::SOL_UDP, libc::UDP_GRO);
}

/// Asks to be told when datagrams came.
pub(crate) fn tell_times(socket: &UdpSocket) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS)
}

/// Switches an option on.
fn set(socket: &UdpSocket, level: c_int, option: c_int) -> io::Result<()> {
    let on: c_int = 1;
    let length = size_of::<c_int>() as socklen_t;
    // SAFETY: the option's value is an int that lives during the call, and its size is given.
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether the kernel takes datagrams in one piece (since 4.18).
pub(crate) fn takes_segments(socket: &UdpSocket) -> bool {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as socklen_t;
    // SAFETY: the value and its length live during the call, and the length is right.
    let found = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, (&raw mut value).cast(), &raw mut length)
    };
    found == 0
}

pub(crate) fn receive(socket: &BatchSocket, inbox: &mut Inbox) -> io::Result<()> {
    let mut names = [Name::NONE; SLOTS];
    let mut controls = [Control::NONE; SLOTS];
    let mut pieces = [iovec { iov_base: ptr::null_mut(), iov_len: 0 }; SLOTS];
    let mut headers = [EMPTY; SLOTS];
    for (at, piece) in inbox.bytes.chunks_exact_mut(SLOT_BYTES).take(SLOTS).enumerate() {
        pieces[at] = iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: piece.len() };
        let header = &mut headers[at].msg_hdr;
        header.msg_name = (&raw mut names[at]).cast();
        header.msg_namelen = size_of::<Name>() as socklen_t;
        header.msg_iov = &raw mut pieces[at];
        header.msg_iovlen = 1;
        header.msg_control = (&raw mut controls[at]).cast();
        header.msg_controllen = size_of::<Control>() as _;
    }
    // SAFETY: each header points at a name, a control buffer and a piece of memory of the lengths it gives; all of them
    // are borrowed here mutably, by nobody else, and outlive the call.
    let taken = retried(|| unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            SLOTS as c_uint,
            libc::MSG_DONTWAIT as _,
            ptr::null_mut(),
        )
    })?;
    for at in 0..taken {
        let length = (headers[at].msg_len as usize).min(SLOT_BYTES);
        // A sender of no known family is none that could be answered.
        let Some(source) = names[at].address() else { continue };
        let (each, came_at) = controls[at].read(headers[at].msg_hdr.msg_controllen);
        inbox.slots.push(Slot { source, length, each: each.unwrap_or(length), came_at });
        let place = inbox.slots.len() - 1;
        if place != at {
            inbox.bytes.copy_within(at * SLOT_BYTES..at * SLOT_BYTES + length, place * SLOT_BYTES);
        }
    }
    Ok(())
}

pub(crate) fn send(socket: &BatchSocket, outgoing: &Outgoing) -> Sent {
    let mut sent = Sent::default();
    let mut runs = outgoing.runs(socket.takes_segments()).peekable();
    let mut batch = Batch::new();
    while runs.peek().is_some() {
        batch.fill(socket.is_v6, &mut runs);
        batch.send(socket, &mut sent);
    }
    sent
}

/// What goes to the kernel in one call.
struct Batch<'a> {
    names: [Name; BATCH],
    controls: [Control; BATCH],
    pieces: [iovec; BATCH],
    runs: [MaybeUninit<Run<'a>>; BATCH],
    count: usize,
}

/// Messages in one call. More gain nothing, and each costs memory that has to be near.
const BATCH: usize = 64;

impl<'a> Batch<'a> {
    fn new() -> Self {
        Self {
            names: [Name::NONE; BATCH],
            controls: [Control::NONE; BATCH],
            pieces: [iovec { iov_base: ptr::null_mut(), iov_len: 0 }; BATCH],
            runs: [MaybeUninit::uninit(); BATCH],
            count: 0,
        }
    }

    fn fill(&mut self, is_v6: bool, runs: &mut impl Iterator<Item = Run<'a>>) {
        self.count = 0;
        for run in runs.take(BATCH) {
            let at = self.count;
            self.names[at] = Name::of(run.destination, is_v6);
            self.controls[at] = Control::segments_of(run.each);
            self.pieces[at] = iovec { iov_base: run.bytes.as_ptr().cast_mut().cast(), iov_len: run.bytes.len() };
            self.runs[at] = MaybeUninit::new(run);
            self.count += 1;
        }
    }

    fn run(&self, at: usize) -> Run<'a> {
        assert!(at < self.count, "only what has been filled is looked at");
        // SAFETY: `fill` has written the first `count` of them.
        unsafe { self.runs[at].assume_init() }
    }

    fn send(&mut self, socket: &BatchSocket, sent: &mut Sent) {
        let mut headers = [EMPTY; BATCH];
        for (at, header) in headers.iter_mut().enumerate().take(self.count) {
            let several = self.run(at).count > 1;
            let header = &mut header.msg_hdr;
            header.msg_name = (&raw mut self.names[at]).cast();
            header.msg_namelen = self.names[at].length();
            header.msg_iov = &raw mut self.pieces[at];
            header.msg_iovlen = 1;
            if several {
                header.msg_control = (&raw mut self.controls[at]).cast();
                header.msg_controllen = Control::SEGMENTS_LENGTH as _;
            }
        }
        let mut next = 0;
        while next < self.count {
            let left = (self.count - next) as c_uint;
            // SAFETY: each header points at a name, a control message and a piece of memory of the lengths it gives, which
            // outlive the call; the kernel only reads what they point at.
            let taken = retried(|| unsafe {
                libc::sendmmsg(socket.as_raw_fd(), headers[next..].as_mut_ptr(), left, libc::MSG_DONTWAIT as _)
            });
            match taken {
                Ok(taken) => {
                    sent.sent += (next..next + taken).map(|at| self.run(at).count).sum::<usize>();
                    next += taken.max(1);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sent.lost += (next..self.count).map(|at| self.run(at).count).sum::<usize>();
                    return;
                }
                // The first of what was left is the one that was refused.
                Err(error) => {
                    self.refused(socket, next, &error, sent);
                    next += 1;
                }
            }
        }
    }

    fn refused(&self, socket: &BatchSocket, at: usize, error: &io::Error, sent: &mut Sent) {
        let run = self.run(at);
        if run.count == 1 {
            sent.lost += 1;
            return;
        }
        // EIO says that the device has no checksums for it; EINVAL and EMSGSIZE are about the MTU of this path.
        if error.raw_os_error() == Some(libc::EIO) {
            socket.refuse_segments();
        }
        for bytes in run.bytes.chunks(run.each) {
            let mut name = self.names[at];
            // SAFETY: the bytes and the address live during the call, and their lengths are given.
            let taken = retried(|| unsafe {
                libc::sendto(
                    socket.as_raw_fd(),
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    libc::MSG_DONTWAIT,
                    (&raw mut name).cast(),
                    name.length(),
                ) as c_int
            });
            match taken {
                Ok(_) => sent.sent += 1,
                Err(_) => sent.lost += 1,
            }
        }
    }
}

/// An address as the kernel writes it.
#[derive(Clone, Copy)]
#[repr(C)]
union Name {
    family: libc::sa_family_t,
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

impl Name {
    const NONE: Self = Self {
        v6: sockaddr_in6 {
            sin6_family: libc::AF_UNSPEC as _,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
    };

    fn of(address: SocketAddr, is_v6: bool) -> Self {
        let v6 = |address: Ipv6Addr, port: u16, flowinfo, scope| {
            let sin6_addr = libc::in6_addr { s6_addr: address.octets() };
            let (sin6_family, sin6_port) = (libc::AF_INET6 as _, port.to_be());
            Self {
                v6: sockaddr_in6 { sin6_family, sin6_port, sin6_flowinfo: flowinfo, sin6_addr, sin6_scope_id: scope },
            }
        };
        match address {
            SocketAddr::V4(to) if is_v6 => v6(to.ip().to_ipv6_mapped(), to.port(), 0, 0),
            SocketAddr::V6(to) => v6(*to.ip(), to.port(), to.flowinfo(), to.scope_id()),
            SocketAddr::V4(to) => {
                let mut name = Self::NONE;
                name.v4 = sockaddr_in {
                    sin_family: libc::AF_INET as _,
                    sin_port: to.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
                    sin_zero: [0; 8],
                };
                name
            }
        }
    }

    fn family(&self) -> c_int {
        // SAFETY: every variant begins with its family, and all bytes have been written.
        c_int::from(unsafe { self.family })
    }

    fn length(&self) -> socklen_t {
        let length = if self.family() == libc::AF_INET { size_of::<sockaddr_in>() } else { size_of::<sockaddr_in6>() };
        length as socklen_t
    }

    /// IPv4 as what it is.
    fn address(&self) -> Option<SocketAddr> {
        match self.family() {
            libc::AF_INET => {
                // SAFETY: the family says which variant it is, and all bytes have been written.
                let v4 = unsafe { self.v4 };
                let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
                Some(SocketAddr::new(ip.into(), u16::from_be(v4.sin_port)))
            }
            libc::AF_INET6 => {
                // SAFETY: as above.
                let v6 = unsafe { self.v6 };
                let ip = IpAddr::from(Ipv6Addr::from(v6.sin6_addr.s6_addr)).to_canonical();
                Some(SocketAddr::new(ip, u16::from_be(v6.sin6_port)))
            }
            _ => None,
        }
    }
}

/// What is said beside a message: how long each datagram of a piece is, and when it came.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 64]);

/// The parts of a control message's header, in its order: its length with the header, its level, its type.
const LENGTH: usize = size_of::<usize>();
const HEADER: usize = size_of::<cmsghdr>();

impl Control {
    const NONE: Self = Self([0; 64]);

    fn segments_of(each: usize) -> Self {
        let mut control = Self::NONE;
        let bytes = &mut control.0;
        bytes[..LENGTH].copy_from_slice(&(HEADER + size_of::<u16>()).to_ne_bytes());
        bytes[LENGTH..LENGTH + 4].copy_from_slice(&libc::SOL_UDP.to_ne_bytes());
        bytes[LENGTH + 4..LENGTH + 8].copy_from_slice(&libc::UDP_SEGMENT.to_ne_bytes());
        bytes[HEADER..HEADER + 2].copy_from_slice(&(each as u16).to_ne_bytes());
        control
    }

    /// The length of one such message, as it is laid out.
    const SEGMENTS_LENGTH: usize = HEADER + align(size_of::<u16>());

    /// What the kernel has said: level, type and value of each message.
    fn messages(&self, length: usize) -> impl Iterator<Item = (c_int, c_int, &[u8])> {
        let mut rest = &self.0[..length.min(self.0.len())];
        std::iter::from_fn(move || {
            let number = |at: usize| Some(c_int::from_ne_bytes(*rest.get(at..)?.first_chunk()?));
            let length = usize::from_ne_bytes(*rest.first_chunk()?);
            let (level, kind) = (number(LENGTH)?, number(LENGTH + 4)?);
            let value = rest.get(HEADER..length)?;
            rest = rest.get(align(length)..).unwrap_or_default();
            Some((level, kind, value))
        })
    }

    /// How long each datagram is, where the kernel has put several together; and when the first came, if it says.
    fn read(&self, length: usize) -> (Option<usize>, Option<Duration>) {
        let (mut each, mut at) = (None, None);
        for (level, kind, value) in self.messages(length) {
            let number = |at: usize| Some(i64::from_ne_bytes(*value.get(at..)?.first_chunk()?));
            match (level, kind) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let length = value.first_chunk().map(|bytes| c_int::from_ne_bytes(*bytes));
                    each = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length > 0);
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    at = number(0).zip(number(8)).map(|(s, ns)| Duration::new(s as u64, ns as u32));
                }
                _ => {}
            }
        }
        (each, at)
    }
}

const fn align(length: usize) -> usize {
    length.next_multiple_of(size_of::<usize>())
}

/// A header that points at nothing.
const EMPTY: mmsghdr = mmsghdr {
    // SAFETY: the header is plain numbers and null pointers, for which zeros are values.
    msg_hdr: unsafe { MaybeUninit::zeroed().assume_init() },
    msg_len: 0,
};

/// A call that a signal may have interrupted.
fn retried(mut call: impl FnMut() -> c_int) -> io::Result<usize> {
    loop {
        match usize::try_from(call()) {
            Ok(count) => return Ok(count),
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}
