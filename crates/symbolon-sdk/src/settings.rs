//! What the application has set, and what follows from it for the client.

use std::collections::{BTreeMap, BTreeSet};

use symbolon_proto::code::{Fallback, StreamType};
use symbolon_proto::id::Uid;
use symbolon_proto::message::{
    Kind, MAX_EXCEPTIONS, MAX_VIEWS, MemberView, Priority, Profile, Role, Subscribe, SubscribeException, Switches, View,
};

use crate::error::EngineError;
use crate::media::Track;
use crate::options::{ChannelMediaOptions, ChannelProfile, ClientRole};

/// Everything that is set by calls, and kept over joins unless it says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) profile: ChannelProfile,
    pub(crate) role: ClientRole,
    /// Of the channel that is joined, or was last.
    pub(crate) options: ChannelMediaOptions,
    pub(crate) video_enabled: bool,
    pub(crate) audio_enabled: bool,
    pub(crate) audio_muted: bool,
    pub(crate) video_muted: bool,
    /// Whether the camera may be used.
    pub(crate) local_video: bool,
    /// Forgotten with the channel.
    pub(crate) remote: RemoteMutes,
    pub(crate) views: RemoteViews,
}

impl Settings {
    pub(crate) fn new(profile: ChannelProfile) -> Self {
        Self {
            profile,
            role: ClientRole::Audience,
            options: ChannelMediaOptions::default(),
            video_enabled: false,
            audio_enabled: true,
            audio_muted: false,
            video_muted: false,
            local_video: true,
            remote: RemoteMutes::default(),
            views: RemoteViews::default(),
        }
    }

    /// The profile that the next join asks for.
    pub(crate) fn wire_profile(&self) -> Profile {
        self.options.channel_profile.unwrap_or(self.profile).into()
    }

    /// The role that the next join asks for. The communication profile knows none: everyone may publish.
    pub(crate) fn wire_role(&self) -> Role {
        match self.wire_profile() {
            Profile::Communication => Role::Broadcaster,
            Profile::LiveBroadcasting => self.role.into(),
        }
    }

    /// The tracks to publish.
    pub(crate) fn tracks(&self) -> BTreeSet<Track> {
        let audio = self.options.audio_track().filter(|_| self.audio_enabled);
        let video = self.options.video_track(self.video_enabled);
        audio.into_iter().chain(video).collect()
    }

    /// Whether the application silenced this kind.
    pub(crate) fn muted(&self, kind: Kind) -> bool {
        match kind {
            Kind::Audio => self.audio_muted,
            Kind::Video => self.video_muted,
        }
    }

    /// What the others are told is turned on. Video is where a track of it is to be published.
    pub(crate) fn switches(&self) -> Switches {
        let video = self.options.video_track(self.video_enabled).is_some();
        Switches { video, local_video: self.local_video }
    }

    /// What to receive.
    pub(crate) fn subscribe(&self) -> Subscribe {
        let auto_audio = self.options.auto_subscribe_audio.unwrap_or(true);
        let auto_video = self.options.auto_subscribe_video.unwrap_or(true);
        Subscribe {
            audio: self.remote.all_audio_muted.map_or(auto_audio, |muted| !muted),
            video: self.remote.all_video_muted.map_or(auto_video, |muted| !muted),
            except: self.remote.except.clone(),
        }
    }
}

/// Which members' media is not wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RemoteMutes {
    all_audio_muted: Option<bool>,
    all_video_muted: Option<bool>,
    except: Vec<SubscribeException>,
}

impl RemoteMutes {
    /// Everyone's, also of those who come later. What was said about single members is forgotten.
    pub(crate) fn mute_all(&mut self, kind: Kind, muted: bool) {
        self.except.retain(|exception| exception.kind != kind);
        match kind {
            Kind::Audio => self.all_audio_muted = Some(muted),
            Kind::Video => self.all_video_muted = Some(muted),
        }
    }

    /// One member's, whatever is said about everyone.
    ///
    /// # Errors
    /// When too many members are excepted already.
    pub(crate) fn mute(&mut self, uid: Uid, kind: Kind, muted: bool) -> Result<(), EngineError> {
        self.except.retain(|exception| (exception.uid, exception.kind) != (uid, kind));
        if self.except.len() >= MAX_EXCEPTIONS {
            return Err(EngineError::TooManyExceptions);
        }
        let wanted = !muted;
        self.except.push(SubscribeException { uid, kind, wanted });
        Ok(())
    }
}

/// Which streams of the others are wanted, and what gives way where the line is too narrow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RemoteViews {
    pub(crate) stream: Option<StreamType>,
    pub(crate) fallback: Option<Fallback>,
    streams: BTreeMap<Uid, StreamType>,
    high_priority: BTreeSet<Uid>,
    high_fallback: Option<Fallback>,
}

impl RemoteViews {
    /// One member's stream, whatever is said about everyone.
    ///
    /// # Errors
    /// When too many members are named already.
    pub(crate) fn set_stream(&mut self, uid: Uid, stream: StreamType) -> Result<(), EngineError> {
        self.changed(|views| {
            views.streams.insert(uid, stream);
        })
    }

    /// The members to whom all others give way, in place of those before.
    ///
    /// # Errors
    /// When too many members are named.
    pub(crate) fn set_high_priority(&mut self, uids: BTreeSet<Uid>, fallback: Fallback) -> Result<(), EngineError> {
        self.changed(|views| {
            views.high_priority = uids;
            views.high_fallback = Some(fallback);
        })
    }

    /// Forgets what was said about single members' streams.
    pub(crate) fn forget_members(&mut self) {
        self.streams.clear();
    }

    /// All of it.
    pub(crate) fn view(&self) -> View {
        let usual = View::default();
        let view = |uid: Uid| {
            let is_high = self.high_priority.contains(&uid);
            MemberView {
                uid,
                publication: None,
                stream: self.streams.get(&uid).copied(),
                size: None,
                priority: if is_high { Priority::High } else { Priority::Normal },
                fallback: self.high_fallback.filter(|_| is_high),
            }
        };
        View {
            stream: self.stream.unwrap_or(usual.stream),
            fallback: self.fallback.unwrap_or(usual.fallback),
            views: self.named().into_iter().map(view).collect(),
        }
    }

    fn named(&self) -> BTreeSet<Uid> {
        self.streams.keys().chain(&self.high_priority).copied().collect()
    }

    fn changed(&mut self, change: impl FnOnce(&mut Self)) -> Result<(), EngineError> {
        let mut changed = self.clone();
        change(&mut changed);
        if changed.named().len() > MAX_VIEWS {
            return Err(EngineError::TooManyViews);
        }
        *self = changed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use symbolon_proto::message::Source;

    use super::*;

    #[test]
    fn one_member_is_an_exception_until_everyone_is_named_again() {
        let mut settings = Settings::new(ChannelProfile::LiveBroadcasting);
        let (ann, bob) = (Uid::new(1).expect("a uid"), Uid::new(2).expect("a uid"));
        settings.remote.mute_all(Kind::Audio, true);
        settings.remote.mute(ann, Kind::Audio, false).expect("room");
        let wants = settings.subscribe();
        assert!(wants.wants(ann, Kind::Audio) && !wants.wants(bob, Kind::Audio));
        assert!(wants.wants(bob, Kind::Video));
        settings.remote.mute_all(Kind::Audio, true);
        assert!(!settings.subscribe().wants(ann, Kind::Audio));
    }

    #[test]
    fn exceptions_are_bounded() {
        let mut mutes = RemoteMutes::default();
        let uid = |number: usize| Uid::new(number as u32 + 1).expect("a uid");
        for number in 0..MAX_EXCEPTIONS {
            mutes.mute(uid(number), Kind::Video, true).expect("room");
        }
        assert_eq!(mutes.mute(uid(0), Kind::Video, false), Ok(()), "the same member again");
        assert_eq!(mutes.mute(uid(MAX_EXCEPTIONS), Kind::Video, true), Err(EngineError::TooManyExceptions));
    }

    #[test]
    fn a_view_names_whoever_differs() {
        let mut views = RemoteViews::default();
        assert!(views.view().is_usual());
        let uid = |number: u32| Uid::new(number).expect("a uid");
        views.stream = Some(StreamType::Low);
        views.set_stream(uid(2), StreamType::High).expect("room");
        views.set_high_priority(BTreeSet::from([uid(1), uid(2)]), Fallback::None).expect("room");
        views.set_high_priority(BTreeSet::from([uid(2), uid(3)]), Fallback::AudioOnly).expect("room");
        let view = views.view();
        assert_eq!((view.stream, view.fallback), (StreamType::Low, Fallback::Low));
        let named: Vec<_> =
            view.views.iter().map(|view| (view.uid, view.stream, view.priority, view.fallback)).collect();
        let audio_only = Some(Fallback::AudioOnly);
        assert_eq!(
            named,
            [(uid(2), Some(StreamType::High), Priority::High, audio_only), (uid(3), None, Priority::High, audio_only)]
        );
        views.forget_members();
        assert_eq!(views.view().views[0].stream, None);
    }

    #[test]
    fn views_are_bounded() {
        let mut views = RemoteViews::default();
        let uid = |number: usize| Uid::new(number as u32 + 1).expect("a uid");
        views.set_high_priority((0..MAX_VIEWS).map(uid).collect(), Fallback::Low).expect("room");
        assert_eq!(views.set_stream(uid(0), StreamType::Low), Ok(()), "named already");
        assert_eq!(views.set_stream(uid(MAX_VIEWS), StreamType::Low), Err(EngineError::TooManyViews));
        assert_eq!(views.view().views.len(), MAX_VIEWS);
    }

    #[test]
    fn communication_makes_everyone_a_broadcaster() {
        let mut settings = Settings::new(ChannelProfile::LiveBroadcasting);
        assert_eq!(settings.wire_role(), Role::Audience);
        settings.options.channel_profile = Some(ChannelProfile::Communication);
        assert_eq!(settings.wire_role(), Role::Broadcaster);
    }

    #[test]
    fn switching_audio_off_publishes_none() {
        let mut settings = Settings::new(ChannelProfile::LiveBroadcasting);
        assert_eq!(settings.tracks(), BTreeSet::from([Track::audio(Source::Microphone)]));
        settings.audio_enabled = false;
        assert_eq!(settings.tracks(), BTreeSet::new());
    }
}
