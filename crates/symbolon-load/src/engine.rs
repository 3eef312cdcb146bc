//! The generator: one thread that owns every member's connection.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{UsageWho, getrusage};
use str0m::crypto::CryptoProvider;
use symbolon_proto::message::Kind;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use crate::access::{Desk, Door, Entry, News, OwnAnswer, Said, enter};
use crate::bare::BareLine;
use crate::batch::{BATCH, Reader, socket};
use crate::clock;
use crate::line::{Line, LineEvent, Net, RtcLine};
use crate::plan::{Plan, SeatPlan};
use crate::profile::Profiles;
use crate::report::Report;
use crate::source::Source;
use crate::srtp;
use crate::tally::{Tally, Window};
use crate::target::Target;
use crate::watch::{Usage, usage};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What is going on.
    pub phase: Phase,
    /// Members that are to be there.
    pub members: usize,
    /// Members that have what they came for.
    pub ready: usize,
    /// Packets received so far.
    pub received: u64,
}

/// The parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Members come in.
    Joining,
    /// Everybody is there; nothing counts yet.
    WarmUp,
    /// It counts.
    Window,
    /// What was sent in the window may still come in.
    Tail,
}

/// One member's place, whoever sits there after one another.
struct Seat {
    plan: SeatPlan,
    /// Counts those who have sat here.
    turn: u32,
    sitting: Option<Sitting>,
    /// Whether nobody left since the window opened.
    steady: bool,
    /// Packets of the window.
    counted: u64,
    failed: bool,
}

/// A member in its place.
struct Sitting {
    socket: UdpSocket,
    line: Line,
    /// Keeps the task of its words alive.
    asks: Option<UnboundedSender<OwnAnswer>>,
    sources: Vec<Source>,
    began: Instant,
    connected: bool,
    ready: bool,
    /// The time for which it is on the agenda.
    due: Option<Instant>,
}

pub(crate) struct Engine<'a> {
    plan: &'a Plan,
    door: Arc<Door>,
    runtime: Handle,
    own_ip: IpAddr,
    watched: Option<u32>,
    provider: Arc<CryptoProvider>,
    profiles: Profiles,
    seats: Vec<Seat>,
    to_join: VecDeque<usize>,
    next_join: Instant,
    next_churn: Option<Instant>,
    churn_at: usize,
    agenda: BinaryHeap<Reverse<(Instant, usize)>>,
    epoll: Epoll,
    bell: Arc<EventFd>,
    news: (Sender<News>, Receiver<News>),
    reader: Reader,
    events: Vec<LineEvent>,
    tally: Tally,
    report: Report,
    ready: usize,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(plan: &'a Plan, door: Door, runtime: Handle, watched: Option<u32>) -> io::Result<Self> {
        let now = Instant::now();
        let profiles = Profiles::default();
        let seats: Vec<_> = plan.seats(door.target.splits()).into_iter().map(|seat| Seat::new(seat, &door)).collect();
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let bell = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
        epoll.add(&*bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        Ok(Self {
            plan,
            own_ip: own_ip(&door.target)?,
            door: Arc::new(door),
            runtime,
            watched,
            provider: Arc::new(profiles.provider()),
            profiles,
            to_join: (0..seats.len()).collect(),
            seats,
            next_join: now,
            next_churn: None,
            churn_at: 0,
            agenda: BinaryHeap::new(),
            epoll,
            bell,
            news: channel(),
            reader: Reader::new(),
            events: Vec::new(),
            tally: Tally::new(),
            report: Report::default(),
            ready: 0,
        })
    }

    /// Joins everybody, warms up, measures.
    pub(crate) fn run(mut self, progress: &mut dyn FnMut(Progress)) -> io::Result<Report> {
        self.report.members = self.seats.len() as u64;
        let before = self.watched();
        self.phase(Phase::Joining, self.patience(), progress, |engine| engine.everybody_came())?;
        if self.plan.churn > 0.0 {
            self.next_churn = Some(Instant::now());
        }
        self.phase(Phase::WarmUp, self.plan.warm_up, progress, |_| false)?;
        let (cpu, own) = (self.watched(), own_cpu());
        self.open_window();
        self.phase(Phase::Window, self.plan.window, progress, |_| false)?;
        let (cpu_after, own_after) = (self.watched(), own_cpu());
        self.next_churn = None;
        self.phase(Phase::Tail, TAIL, progress, |_| false)?;
        self.finish();
        self.tell_usage(before, cpu, cpu_after);
        self.report.generator_busy = (own_after - own).as_secs_f64() / self.plan.window.as_secs_f64();
        self.leave_all();
        Ok(self.report)
    }

    /// Runs for so long, or until it is done.
    fn phase(
        &mut self,
        phase: Phase,
        length: Duration,
        progress: &mut dyn FnMut(Progress),
        done: impl Fn(&Self) -> bool,
    ) -> io::Result<()> {
        let end = Instant::now() + length;
        let mut next_word = Instant::now();
        loop {
            let now = Instant::now();
            if now >= next_word {
                let (members, ready, received) = (self.seats.len(), self.ready, self.tally.total);
                progress(Progress { phase, members, ready, received });
                next_word = now + WORD_EVERY;
            }
            if now >= end || done(self) {
                return Ok(());
            }
            self.turn(end.min(next_word))?;
        }
    }

    /// One round: who is due, then whatever the network and the servers say.
    fn turn(&mut self, until: Instant) -> io::Result<()> {
        let now = Instant::now();
        self.join_due(now)?;
        self.churn_due(now)?;
        self.run_due(now);
        self.wait(until)
    }

    fn wait(&mut self, until: Instant) -> io::Result<()> {
        let due = self.agenda.peek().map(|Reverse((at, _))| *at);
        let joins = self.may_join().then_some(self.next_join);
        let next = [due, joins, self.next_churn].into_iter().flatten().fold(until, Instant::min);
        let left = next.saturating_duration_since(Instant::now());
        // Rounded up: to wake too early is to spin.
        let ms = left.as_micros().div_ceil(1_000).min(LONGEST_WAIT_MS) as u16;
        let mut ready = [EpollEvent::empty(); 64];
        let count = match self.epoll.wait(&mut ready, ms) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &ready[..count] {
            match event.data() {
                BELL => self.hear_news(),
                seat => self.read(seat as usize)?,
            }
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> io::Result<()> {
        for _ in 0..READS_IN_A_ROW {
            let Some(sitting) = &self.seats[at].sitting else { return Ok(()) };
            let count = self.reader.read(&sitting.socket)?;
            for index in 0..count {
                self.receive(at, index);
            }
            if count < BATCH {
                break;
            }
        }
        Ok(())
    }

    fn receive(&mut self, at: usize, index: usize) {
        let now = Instant::now();
        let (got, bytes) = self.reader.datagram(index);
        let Some(sitting) = &mut self.seats[at].sitting else { return };
        let mut net = Net { socket: &sitting.socket, events: &mut self.events };
        sitting.line.receive(now, got.source, bytes, &mut net);
        self.settle(now, at, got.at_ns);
    }
}

/// Who comes and goes.
impl Engine<'_> {
    fn may_join(&self) -> bool {
        self.to_join.front().is_some_and(|at| self.seats[*at].plan.publishes || self.publishers_are_up())
    }

    /// Viewers come once there is something to view, or it failed.
    fn publishers_are_up(&self) -> bool {
        let up = |seat: &Seat| seat.failed || seat.sitting.as_ref().is_some_and(|sitting| sitting.connected);
        self.seats.iter().take_while(|seat| seat.plan.publishes).all(up)
    }

    fn join_due(&mut self, now: Instant) -> io::Result<()> {
        while self.next_join <= now && self.may_join() {
            if let Some(at) = self.to_join.pop_front() {
                self.sit_down(now, at)?;
            }
            self.next_join = self.next_join.max(now - MOST_BEHIND) + Duration::from_secs_f64(1.0 / self.plan.join_rate);
        }
        Ok(())
    }

    fn sit_down(&mut self, now: Instant, at: usize) -> io::Result<()> {
        let socket = socket(self.own_ip, 0)?;
        let local = socket.local_addr()?;
        self.epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, at as u64))?;
        let seat = &mut self.seats[at];
        seat.turn += 1;
        let sources = if seat.plan.publishes { Source::all(self.plan, seat.plan.uid, now) } else { Vec::new() };
        let (line, asks) = if let Target::Reflector { address } = &self.door.target {
            let line = BareLine::new(now, *address, seat.plan.channel, seat.plan.views);
            (Line::Bare(Box::new(line)), None)
        } else {
            let (line, asks) = self.set_out(now, at, local, &sources);
            (Line::Rtc(Box::new(line)), Some(asks))
        };
        let sitting = Sitting { socket, line, asks, sources, began: now, connected: false, ready: false, due: None };
        self.seats[at].sitting = Some(sitting);
        self.put_on_agenda(at);
        Ok(())
    }

    /// A connection of WebRTC, and its words to the server.
    fn set_out(
        &self,
        now: Instant,
        at: usize,
        local: SocketAddr,
        sources: &[Source],
    ) -> (RtcLine, UnboundedSender<OwnAnswer>) {
        let seat = &self.seats[at];
        let mut line = RtcLine::new(now, local, self.provider.clone());
        let offers = seat.plan.publishes || !self.door.target.offers_to_viewers();
        let offer = offers.then(|| line.offer(&kinds(sources), &seat.slots(self.plan)));
        let desk = Desk { seat: at, turn: seat.turn, news: self.news.0.clone(), bell: self.bell.clone() };
        let entry = Entry {
            channel: seat.plan.channel,
            channel_name: seat.plan.channel_name(),
            uid: seat.plan.uid,
            publishes: seat.plan.publishes,
            sources: seat.plan.sources.clone(),
            offer,
        };
        (line, enter(&self.runtime, self.door.clone(), entry, desk))
    }

    /// A viewer leaves, and the next in turn takes its place at once.
    fn churn_due(&mut self, now: Instant) -> io::Result<()> {
        while let Some(due) = self.next_churn.filter(|due| *due <= now) {
            self.next_churn = Some(due.max(now - MOST_BEHIND) + Duration::from_secs_f64(1.0 / self.plan.churn));
            let Some(at) = self.next_to_leave() else { return Ok(()) };
            self.stand_up(at);
            self.seats[at].steady = false;
            self.report.churned += 1;
            self.sit_down(now, at)?;
        }
        Ok(())
    }

    /// The next in turn of those who only view and are ready.
    fn next_to_leave(&mut self) -> Option<usize> {
        let count = self.seats.len();
        let is_ready = |seat: &Seat| seat.sitting.as_ref().is_some_and(|sitting| sitting.ready);
        let leaves = |at: &usize| !self.seats[*at].plan.publishes && is_ready(&self.seats[*at]);
        let at = (0..count).map(|step| (self.churn_at + step) % count).find(leaves)?;
        self.churn_at = at + 1;
        Some(at)
    }

    fn stand_up(&mut self, at: usize) {
        let Some(mut sitting) = self.seats[at].sitting.take() else { return };
        if sitting.ready {
            self.ready -= 1;
        }
        let net = Net { socket: &sitting.socket, events: &mut self.events };
        match &mut sitting.line {
            Line::Bare(line) => line.leave(&net),
            Line::Rtc(_) => {}
        }
        let _ = self.epoll.delete(&sitting.socket);
    }

    fn fail(&mut self, at: usize, why: &str) {
        self.stand_up(at);
        let seat = &mut self.seats[at];
        seat.steady = false;
        if !seat.failed {
            seat.failed = true;
            self.report.fail(why);
        }
    }

    fn everybody_came(&self) -> bool {
        let came = |seat: &Seat| seat.failed || seat.sitting.as_ref().is_some_and(|sitting| sitting.ready);
        self.to_join.is_empty() && self.seats.iter().all(came)
    }

    /// How long joining may take.
    fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.seats.len() as f64 / self.plan.join_rate) + PATIENCE
    }

    /// Drops every member's words, and gives their goodbyes a moment.
    fn leave_all(&mut self) {
        (0..self.seats.len()).for_each(|at| self.stand_up(at));
        let end = Instant::now() + GOODBYE;
        let mut waiting: usize = self.seats.iter().filter(|seat| seat.turn > 0 && !seat.failed).count();
        if matches!(self.door.target, Target::Reflector { .. }) {
            waiting = 0;
        }
        while waiting > 0 {
            let left = end.saturating_duration_since(Instant::now());
            match self.news.1.recv_timeout(left) {
                Ok(News { said: Said::Gone(_), .. }) => waiting -= 1,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

/// Time and news.
impl Engine<'_> {
    fn run_due(&mut self, now: Instant) {
        while let Some(Reverse((due, at))) = self.agenda.peek().copied().filter(|Reverse((due, _))| *due <= now) {
            self.agenda.pop();
            let Some(sitting) = &mut self.seats[at].sitting else { continue };
            if sitting.due != Some(due) {
                continue;
            }
            sitting.due = None;
            self.tick(at);
        }
    }

    fn tick(&mut self, at: usize) {
        let now = Instant::now();
        let Some(sitting) = &mut self.seats[at].sitting else { return };
        if sitting.line.deadline() <= now {
            let mut net = Net { socket: &sitting.socket, events: &mut self.events };
            sitting.line.tick(now, &mut net);
            self.settle(now, at, 0);
        }
        self.send_due(at);
        self.put_on_agenda(at);
    }

    fn send_due(&mut self, at: usize) {
        let channel = self.seats[at].plan.channel;
        let Some(sitting) = &mut self.seats[at].sitting else { return };
        if !sitting.connected {
            return;
        }
        for source in &mut sitting.sources {
            for _ in 0..source.due(Instant::now()) {
                let packet = source.next(clock::wall_ns());
                self.tally.sent(channel, &packet.0);
                let mut net = Net { socket: &sitting.socket, events: &mut self.events };
                sitting.line.send(Instant::now(), packet.1, &mut net);
            }
        }
        self.settle(Instant::now(), at, 0);
    }

    fn put_on_agenda(&mut self, at: usize) {
        let Some(sitting) = &mut self.seats[at].sitting else { return };
        let sources = sitting.sources.iter().map(Source::next_at).filter(|_| sitting.connected);
        let due = sources.fold(sitting.line.deadline(), Instant::min);
        if sitting.due.is_none_or(|known| due < known) {
            sitting.due = Some(due);
            self.agenda.push(Reverse((due, at)));
        }
    }

    /// Takes what a line said. `at_ns` is when the kernel had the datagram that it said it of.
    fn settle(&mut self, now: Instant, at: usize, at_ns: u64) {
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                LineEvent::Packet(payload) => {
                    let counts = self.tally.received(&payload, at_ns);
                    self.seats[at].counted += u64::from(counts);
                    self.got_media(now, at);
                }
                LineEvent::Connected => self.connected(now, at),
                LineEvent::KeyframeWanted => {
                    let sitting = self.seats[at].sitting.as_mut();
                    sitting.into_iter().flat_map(|sitting| &mut sitting.sources).for_each(Source::want_keyframe);
                }
                LineEvent::Lost(why) => self.fail(at, &why),
            }
        }
        self.events = events;
        self.put_on_agenda(at);
    }

    fn connected(&mut self, now: Instant, at: usize) {
        let waits_for_media = self.seats[at].waits_for_media();
        let Some(sitting) = &mut self.seats[at].sitting else { return };
        sitting.connected = true;
        sitting.sources.iter_mut().for_each(|source| source.begin(now));
        if matches!(sitting.line, Line::Bare(_)) {
            self.profiles.count(srtp::PROFILE);
        }
        if !waits_for_media {
            self.is_ready(now, at);
        }
    }

    fn got_media(&mut self, now: Instant, at: usize) {
        if self.seats[at].sitting.as_ref().is_some_and(|sitting| !sitting.ready) {
            self.is_ready(now, at);
        }
    }

    fn is_ready(&mut self, now: Instant, at: usize) {
        let Some(sitting) = self.seats[at].sitting.as_mut().filter(|sitting| !sitting.ready) else { return };
        sitting.ready = true;
        self.ready += 1;
        self.tally.joined(now.saturating_duration_since(sitting.began));
    }

    fn hear_news(&mut self) {
        let _ = self.bell.read();
        while let Ok(news) = self.news.1.try_recv() {
            if self.seats[news.seat].turn == news.turn {
                self.hear(news.seat, news.said);
            }
        }
    }

    fn hear(&mut self, at: usize, said: Said) {
        let now = Instant::now();
        let Some(sitting) = &mut self.seats[at].sitting else { return };
        let Line::Rtc(line) = &mut sitting.line else { return };
        let outcome = match said {
            Said::Answer(sdp) => line.accept(now, &sdp),
            Said::Offer(sdp) => line.answer(now, &sdp).map(|answer| {
                // A task that has ended says so itself.
                let _ = sitting.asks.as_ref().map(|asks| asks.send(OwnAnswer(answer)));
            }),
            Said::Gone(why) => return self.fail(at, &why),
        };
        self.tally.answered(now.saturating_duration_since(sitting.began));
        match outcome {
            Ok(()) => self.tick(at),
            Err(error) => self.fail(at, &error.to_string()),
        }
    }
}

/// Figures.
impl Engine<'_> {
    fn open_window(&mut self) {
        let from_ns = clock::wall_ns();
        let length = u64::try_from(self.plan.window.as_nanos()).unwrap_or(u64::MAX);
        self.tally.open(Window { from_ns, to_ns: from_ns.saturating_add(length) });
        for seat in &mut self.seats {
            seat.counted = 0;
            seat.steady = seat.sitting.as_ref().is_some_and(|sitting| sitting.ready);
        }
    }

    fn finish(&mut self) {
        for at in 0..self.seats.len() {
            let unready = self.seats[at].sitting.as_ref().is_none_or(|sitting| !sitting.ready);
            let came_lately = self.seats[at].turn > 1;
            if unready && !came_lately {
                self.fail(at, "never had what it came for");
            }
        }
        let steady = self.seats.iter().filter(|seat| seat.steady && seat.plan.views);
        let pair = |seat: &Seat| (self.tally.expected(seat.plan.channel, &seat.plan.sources), seat.counted);
        let pairs: Vec<_> = steady.map(pair).collect();
        self.tally.write(&mut self.report, &pairs);
        self.report.profiles = self.profiles.counts();
    }

    fn watched(&self) -> Option<Usage> {
        self.watched.and_then(usage)
    }

    fn tell_usage(&mut self, before: Option<Usage>, from: Option<Usage>, to: Option<Usage>) {
        self.report.server_rss_before_kb = before.map(|usage| usage.rss_kb);
        self.report.server_rss_kb = to.map(|usage| usage.rss_kb);
        if let (Some(from), Some(to)) = (from, to) {
            let used = to.cpu.saturating_sub(from.cpu).as_secs_f64();
            self.report.server_cpu_s = Some(used);
            self.report.cpu_s_per_million =
                (self.report.received > 0).then(|| used / (self.report.received as f64 / 1e6));
        }
    }
}

impl Seat {
    fn new(mut plan: SeatPlan, door: &Door) -> Self {
        if door.target.one_source() {
            plan.sources.truncate(1);
        }
        Self { plan, turn: 0, sitting: None, steady: false, counted: 0, failed: false }
    }

    fn waits_for_media(&self) -> bool {
        self.plan.views && !self.plan.sources.is_empty()
    }

    /// A slot for each stream of each source.
    fn slots(&self, plan: &Plan) -> Vec<Kind> {
        if !self.plan.views {
            return Vec::new();
        }
        // Whoever views nobody has a slot all the same: a connection needs a section.
        let sources = self.plan.sources.len().max(1);
        let audio = if plan.audio.is_some() || plan.video.is_none() { sources } else { 0 };
        let video = if plan.video.is_some() { sources } else { 0 };
        [Kind::Audio].repeat(audio).into_iter().chain([Kind::Video].repeat(video)).collect()
    }
}

fn kinds(sources: &[Source]) -> Vec<Kind> {
    sources.iter().map(Source::kind).collect()
}

/// The address from which the target is reached.
fn own_ip(target: &Target) -> io::Result<IpAddr> {
    let target = target.address()?;
    let any: IpAddr = if target.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(target)?;
    Ok(socket.local_addr()?.ip())
}

/// What this thread has used.
fn own_cpu() -> Duration {
    let time = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec() as u64) + Duration::from_micros(time.tv_usec() as u64)
    };
    getrusage(UsageWho::RUSAGE_THREAD)
        .map(|usage| time(usage.user_time()) + time(usage.system_time()))
        .unwrap_or_default()
}

/// The bell's place among the sockets.
const BELL: u64 = u64::MAX;
const LONGEST_WAIT_MS: u128 = 100;
/// After so many full reads others get their turn.
const READS_IN_A_ROW: usize = 4;
/// Joins that are later than this are not made up for.
const MOST_BEHIND: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);
/// What is still on its way when the window closes comes in this time, or is lost.
const TAIL: Duration = Duration::from_millis(500);
const GOODBYE: Duration = Duration::from_secs(2);
const WORD_EVERY: Duration = Duration::from_millis(500);
