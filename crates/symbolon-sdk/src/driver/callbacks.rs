//! The queue between the client and the application's handlers, and the thread that calls them.
//!
//! Handlers run one at a time on this thread, so one that blocks delays later callbacks and nothing else. A handler that
//! panics is caught; the next one is called as if nothing had happened.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use tokio::sync::Notify;

use crate::event::{EventHandler, MediaHandler, Notice};
use crate::media::{RemoteFrame, Track};

/// Something to tell the application.
#[derive(Debug)]
pub(crate) enum Callback {
    Event(Box<Notice>),
    Frame(Box<RemoteFrame>),
    KeyframeWanted(Track),
}

/// What waits, and who is told.
#[derive(Default)]
pub(crate) struct Callbacks {
    state: Mutex<State>,
    news: Condvar,
    room: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Callback>,
    frames: usize,
    closed: bool,
    thread: Option<ThreadId>,
    handlers: Vec<Arc<dyn EventHandler>>,
    media: Option<Arc<dyn MediaHandler>>,
}

impl Callbacks {
    /// Adds a callback at the end. Frames are dropped while too many wait; events never are.
    pub(crate) fn push(&self, callback: Callback) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if matches!(callback, Callback::Frame(_)) {
            if state.frames >= MAX_WAITING_FRAMES || state.media.is_none() {
                return;
            }
            state.frames += 1;
        }
        state.waiting.push_back(callback);
        self.news.notify_one();
    }

    /// Whether more messages may be read from the server. While the application lags this far behind, they wait in the
    /// network, which is how events stay bounded without being dropped.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.lock();
        state.waiting.len() - state.frames < MAX_WAITING_EVENTS
    }

    /// Waits until [`Callbacks::has_room`] may have become true.
    pub(crate) async fn wait_for_room(&self) {
        self.room.notified().await;
    }

    /// Adds a handler after those that are there.
    pub(crate) fn register(&self, handler: Arc<dyn EventHandler>) {
        self.lock().handlers.push(handler);
    }

    /// Removes a handler; false when it is not there.
    pub(crate) fn unregister(&self, handler: &Arc<dyn EventHandler>) -> bool {
        let mut state = self.lock();
        let before = state.handlers.len();
        state.handlers.retain(|other| !Arc::ptr_eq(other, handler));
        state.handlers.len() < before
    }

    /// Sets who gets the media.
    pub(crate) fn set_media_handler(&self, handler: Option<Arc<dyn MediaHandler>>) {
        self.lock().media = handler;
    }

    /// Ends the thread after the callback that runs now, if one does. What waits is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        state.frames = 0;
        state.handlers.clear();
        state.media = None;
        self.news.notify_one();
    }

    /// Whether this is the thread that calls the handlers.
    pub(crate) fn is_own_thread(&self) -> bool {
        self.lock().thread == Some(thread::current().id())
    }

    /// Calls handlers until [`Callbacks::close`]. `before` sees each event just before the handlers do.
    pub(crate) fn run(&self, before: impl Fn(&Notice)) {
        self.lock().thread = Some(thread::current().id());
        while let Some((callback, handlers, media)) = self.next() {
            match callback {
                Callback::Event(notice) => {
                    before(&notice);
                    for handler in &handlers {
                        guarded(|| handler.on_event(&notice));
                    }
                }
                Callback::Frame(frame) => {
                    media.iter().for_each(|media| guarded(|| media.on_remote_frame(&frame)));
                }
                Callback::KeyframeWanted(track) => {
                    media.iter().for_each(|media| guarded(|| media.on_keyframe_wanted(track)));
                }
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "taken apart at the one place that calls it")]
    fn next(&self) -> Option<(Callback, Vec<Arc<dyn EventHandler>>, Option<Arc<dyn MediaHandler>>)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(callback) = state.waiting.pop_front() {
                state.frames -= usize::from(matches!(callback, Callback::Frame(_)));
                self.room.notify_one();
                return Some((callback, state.handlers.clone(), state.media.clone()));
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn guarded(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!("an event handler panicked");
    }
}

/// About ten seconds of one audio and one video stream. Beyond it new frames are dropped.
const MAX_WAITING_FRAMES: usize = 800;
/// Beyond it no message is read from the server until the application has caught up.
const MAX_WAITING_EVENTS: usize = 1_000;
