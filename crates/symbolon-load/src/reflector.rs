//! The null reflector: receives a publisher's packets, and sends each to every viewer of its room, encrypted for that
//! viewer. It does nothing else, so no server that encrypts for each viewer costs less: it is the floor.
//!
//! It uses what the kernel offers: reads many datagrams in a call, sends many in a call, and lets the kernel cut packets
//! of one size to one viewer out of one buffer (UDP_SEGMENT). Whoever says hello is sent to, so it is for measurements on
//! one's own machine only.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg, setsockopt, sockopt};

use crate::bare::{BYE, Hello, WELCOME};
use crate::batch::{Reader, socket};
use crate::srtp::{Context, HEADER, Rollover, TAG};

/// A bound reflector.
pub struct Reflector {
    socket: UdpSocket,
    reader: Reader,
    members: Vec<Member>,
    by_address: HashMap<SocketAddr, usize>,
    /// Decrypted packets of the batch: room, maker, and header with payload.
    batch: Vec<(u32, usize, Vec<u8>)>,
    sender: Sender,
}

struct Member {
    address: SocketAddr,
    room: u32,
    views: bool,
    open: Context,
    seal: Context,
    rollover: Rollover,
    sent: u32,
}

impl Reflector {
    /// Binds it.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = socket(address.ip(), address.port())?;
        let _ = setsockopt(&socket, sockopt::SndBuf, &SEND_BUFFER);
        Ok(Self {
            socket,
            reader: Reader::new(),
            members: Vec::new(),
            by_address: HashMap::new(),
            batch: Vec::new(),
            sender: Sender::new(),
        })
    }

    /// Where it is.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Reflects until told to stop, which it notices within a fraction of a second.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn run(&mut self, stop: &AtomicBool) -> io::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            let mut sockets = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            match poll(&mut sockets, PollTimeout::from(LOOK_UP_MS)) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => self.turn()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn turn(&mut self) -> io::Result<()> {
        let count = self.reader.read(&self.socket)?;
        self.batch.clear();
        for at in 0..count {
            self.take(at);
        }
        self.fan_out()
    }

    fn take(&mut self, at: usize) {
        let (got, bytes) = self.reader.datagram(at);
        if bytes.first() == Some(&b'{') {
            let hello = serde_json::from_slice::<Hello>(bytes);
            hello.into_iter().for_each(|hello| self.welcome(got.source, &hello));
            return;
        }
        let Some(&maker) = self.by_address.get(&got.source) else { return };
        let member = &mut self.members[maker];
        if bytes == BYE {
            member.views = false;
            self.by_address.remove(&got.source);
            return;
        }
        if bytes.len() < HEADER + TAG {
            return;
        }
        let (rollover, mut packet) = (member.rollover.of(bytes), bytes[..HEADER].to_vec());
        if let Some(payload) = member.open.open(bytes, rollover) {
            member.rollover.note(&packet, rollover);
            packet.extend_from_slice(payload);
            self.batch.push((member.room, maker, packet));
        }
    }

    fn welcome(&mut self, address: SocketAddr, hello: &Hello) {
        if self.members.len() < MOST_MEMBERS && !self.by_address.contains_key(&address) {
            self.by_address.insert(address, self.members.len());
            self.members.push(Member {
                address,
                room: hello.room,
                views: hello.views,
                open: Context::new(&hello.own),
                seal: Context::new(&hello.its),
                rollover: Rollover::default(),
                sent: 0,
            });
        }
        let _ = self.socket.send_to(WELCOME, address);
    }

    fn fan_out(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        for (at, member) in self.members.iter_mut().enumerate().filter(|(_, member)| member.views) {
            let theirs = self.batch.iter().filter(|(room, maker, _)| *room == member.room && *maker != at);
            for (_, _, packet) in theirs {
                member.sent += 1;
                let place = self.sender.place(&self.socket, member.address, packet.len() + TAG)?;
                let (body, tag) = place.split_at_mut(packet.len());
                body.copy_from_slice(packet);
                body[2..4].copy_from_slice(&(member.sent as u16).to_be_bytes());
                tag.copy_from_slice(&member.seal.seal(body, member.sent >> 16));
            }
        }
        self.sender.flush(&self.socket)
    }
}

/// Datagrams that wait to be sent in one call.
struct Sender {
    arena: Vec<u8>,
    groups: Vec<Group>,
    headers: MultiHeaders<SockaddrStorage>,
    /// Whether the kernel cuts.
    cuts: bool,
}

/// Packets of one size to one viewer, one behind the other in the arena.
struct Group {
    to: SocketAddr,
    from: usize,
    until: usize,
    size: usize,
    count: usize,
}

impl Sender {
    fn new() -> Self {
        let space = nix::cmsg_space!(u16);
        let headers = MultiHeaders::preallocate(MOST_GROUPS, Some(space));
        Self { arena: Vec::with_capacity(ARENA), groups: Vec::with_capacity(MOST_GROUPS), headers, cuts: true }
    }

    /// Room for a packet of this size. What waits is sent first where it does not go along with it.
    fn place(&mut self, socket: &UdpSocket, to: SocketAddr, size: usize) -> io::Result<&mut [u8]> {
        let fits = |group: &Group| group.to == to && group.size == size && group.count < MOST_CUTS;
        let goes_on = self.cuts && self.groups.last().is_some_and(fits);
        let same_size = self.groups.last().is_none_or(|group| group.size == size);
        if !goes_on && (!same_size || self.groups.len() == MOST_GROUPS) {
            self.flush(socket)?;
        }
        let from = self.arena.len();
        self.arena.resize(from + size, 0);
        match self.groups.last_mut() {
            Some(group) if goes_on => {
                group.until += size;
                group.count += 1;
            }
            _ => self.groups.push(Group { to, from, until: from + size, size, count: 1 }),
        }
        Ok(&mut self.arena[from..])
    }

    fn flush(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let mut done = 0;
        while done < self.groups.len() {
            match self.send(socket, done) {
                Ok(sent) => done += sent.max(1),
                Err(Errno::EINTR) => {}
                // The buffer is full: what does not fit is lost, as on a network.
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ECONNREFUSED) => done += 1,
                Err(Errno::EIO | Errno::EINVAL) if self.cuts => {
                    self.cuts = false;
                    done = self.groups.len();
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.groups.clear();
        self.arena.clear();
        Ok(())
    }

    fn send(&mut self, socket: &UdpSocket, from: usize) -> nix::Result<usize> {
        let groups = &self.groups[from..];
        let slices: Vec<_> = groups.iter().map(|group| [IoSlice::new(&self.arena[group.from..group.until])]).collect();
        let to: Vec<_> = groups.iter().map(|group| Some(SockaddrStorage::from(group.to))).collect();
        let size = groups.first().map_or(0, |group| group.size as u16);
        let cut = [ControlMessage::UdpGsoSegments(&size)];
        let control = if self.cuts { &cut[..] } else { &[] };
        let (fd, flags) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        Ok(sendmmsg(fd, &mut self.headers, slices.iter(), to, control, flags)?.count())
    }
}

const LOOK_UP_MS: u16 = 100;
const SEND_BUFFER: usize = 8 << 20;
const MOST_MEMBERS: usize = 10_000;
const MOST_GROUPS: usize = 128;
/// What the kernel cuts out of one buffer at most, below 64 KiB.
const MOST_CUTS: usize = 40;
const ARENA: usize = 1 << 20;
