//! What a user feels, told twice: a log line and a count.

use symbolon_edge::{Happening, What};

use crate::metrics::Metrics;

/// Tells what happened.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    metrics: Metrics,
    /// Whether log lines name channels and uids.
    names: bool,
}

impl Story {
    pub(crate) fn new(metrics: Metrics, names: bool) -> Self {
        Self { metrics, names }
    }

    pub(crate) fn datagrams_not_sent(&self, count: usize) {
        self.metrics.datagrams_not_sent(count);
    }

    pub(crate) fn tell(&self, happening: &Happening) {
        let conn = happening.conn.0;
        let member = happening.member.as_ref().filter(|_| self.names);
        let channel = member.map(|member| member.channel.as_str());
        let uid = member.map(|member| member.uid.get());
        // The macro wants its fields spelled out at each place; this spells the three that every line has.
        macro_rules! line {
            ($text:literal $(, $name:ident = $value:expr)*) => {
                tracing::info!(conn, channel, uid, $($name = $value,)* $text)
            };
        }
        match &happening.what {
            What::Joined { resumed, token } => {
                self.metrics.join(if *resumed { "resumed" } else { "joined" }, "ok");
                line!("joined", resumed = *resumed, token = format_args!("{token}"));
            }
            What::JoinRefused { code, slug } => {
                self.metrics.join("refused", slug);
                line!("join refused", code = code.number(), reason = slug.as_str());
            }
            What::Ended { code, slug } => {
                self.metrics.event("ended", slug);
                line!("left", code = code.number(), reason = slug.as_str());
            }
            What::ConnectionLost => {
                self.metrics.event("connection_lost", "");
                line!("connection lost");
            }
            What::Forgotten => line!("forgotten"),
            What::Warned { privileges, expires_in_ms } => {
                self.metrics.event("warned", "");
                let count = privileges.len();
                line!("warned of the end of privileges", privileges = count, expires_in_ms = *expires_in_ms);
            }
            What::Renewed { code } => {
                let reason = if code.number() == 0 { "ok" } else { "refused" };
                self.metrics.event("renewed", reason);
                line!("token renewal answered", code = code.number());
            }
            What::PublicationStarted { publication, kind } => {
                self.metrics.event("published", "");
                line!("published", publication = publication.0, kind = format_args!("{kind:?}"));
            }
            What::PublicationStopped { publication } => line!("unpublished", publication = publication.0),
            What::MediaConnected => {
                self.metrics.event("media_connected", "");
                line!("media connected");
            }
            What::MediaLost { cause } => {
                self.metrics.event("media_lost", cause.name());
                line!("media lost", reason = cause.name());
            }
            What::OfferRefused { slug } => {
                self.metrics.event("offer_refused", slug);
                line!("offer refused", reason = *slug);
            }
            other => line!("something else happened", what = format_args!("{other:?}")),
        }
    }
}
