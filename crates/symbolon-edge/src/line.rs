//! What one viewer's line carries: the library's estimate, and a check on it by what receivers report.
//!
//! The estimate lives on what the receiver says of every packet. One that says nothing of what is lost between two of its reports
//! hides a line that has become much too narrow; what its reports say of loss as a whole does not.

use std::time::Duration;

use crate::peer::Figures;

/// The line towards one viewer.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The estimate as it was last heard of.
    estimate: Option<u64>,
    /// Its average over some seconds, which the library tells of more often.
    average: Option<u64>,
    /// What came through when much was lost; more with every second in which nothing speaks against it.
    through: Option<u64>,
    shortest: Option<Duration>,
}

/// Loss of more than this on a line that takes longer than usual is not chance.
const LOSS_OF_A_QUEUE: f32 = 0.10;
/// Loss of more than this is too much, whatever the cause.
const LOSS_OF_ANY_KIND: f32 = 0.45;
/// A line with a queue takes so much longer than it may.
const QUEUE: Duration = Duration::from_millis(80);
/// Of a line on which hardly anything is sent little can be said.
const LEAST: u64 = 50_000;
/// Loss of less than this is none.
const NO_LOSS: f32 = 0.02;

impl Line {
    /// Takes the average. When it rises the estimate is above it by now, and when it falls below it.
    pub(crate) fn estimated(&mut self, average: u64) {
        let before = self.average.replace(average);
        let rises = before.is_none_or(|before| before < average);
        let known = self.estimate.unwrap_or(average);
        self.estimate = Some(if rises { known.max(average) } else { known.min(average) });
    }

    pub(crate) fn measured(&mut self, figures: &Figures) {
        self.estimate = figures.estimate.or(self.estimate);
        self.shortest = [self.shortest, figures.rtt].into_iter().flatten().min();
        let waits = figures.rtt.zip(self.shortest).is_some_and(|(rtt, shortest)| rtt > shortest + QUEUE);
        match (figures.loss, figures.sent) {
            (Some(loss), Some(sent)) if loss > LOSS_OF_ANY_KIND || (loss > LOSS_OF_A_QUEUE && waits) => {
                self.through = Some(((sent as f64 * f64::from(1.0 - loss)) as u64).max(LEAST));
            }
            (Some(loss), _) if loss <= NO_LOSS && !waits => self.trust(3, 2),
            (None, _) => self.trust(5, 4),
            (Some(_), _) => {}
        }
    }

    /// Takes the line to carry so much more than what came through.
    fn trust(&mut self, more: u64, than: u64) {
        let most = self.estimate.unwrap_or(0);
        self.through = self.through.map(|bits| bits * more / than).filter(|bits| *bits < most);
    }

    /// What it is thought to carry, in bits a second; nothing is known of a line that nothing was sent on.
    pub(crate) fn carries(&self) -> Option<u64> {
        let estimate = self.estimate?;
        Some(self.through.map_or(estimate, |through| through.min(estimate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(estimate: u64, loss: f32, rtt_ms: u64) -> Figures {
        let (rtt, sent) = (Some(Duration::from_millis(rtt_ms)), Some(1_000_000));
        Figures { estimate: Some(estimate), loss: Some(loss), rtt, sent }
    }

    #[test]
    fn the_average_shows_which_way_the_estimate_goes() {
        let mut line = Line::default();
        assert_eq!(line.carries(), None);
        let mut average = |bits| {
            line.estimated(bits);
            line.carries()
        };
        assert_eq!(average(900_000), Some(900_000));
        assert_eq!(average(950_000), Some(950_000));
        assert_eq!(average(700_000), Some(700_000));
        line.measured(&figures(300_000, 0.0, 40));
        line.estimated(500_000);
        assert_eq!(line.carries(), Some(300_000), "the average lags behind a fall");
        line.measured(&figures(2_000_000, 0.0, 40));
        line.estimated(900_000);
        assert_eq!(line.carries(), Some(2_000_000), "and behind a rise");
    }

    #[test]
    fn what_comes_through_a_full_queue_is_what_it_carries() {
        let mut line = Line::default();
        line.estimated(900_000);
        line.measured(&figures(900_000, 0.3, 40));
        assert_eq!(line.carries(), Some(900_000), "loss by chance");
        line.measured(&figures(900_000, 0.75, 300));
        assert_eq!(line.carries(), Some(250_000));
        line.measured(&figures(900_000, 0.05, 40));
        line.measured(&figures(900_000, 0.0, 300));
        assert_eq!(line.carries(), Some(250_000), "that does not speak for it");
        line.measured(&figures(900_000, 0.0, 40));
        assert_eq!(line.carries(), Some(375_000));
        line.measured(&Figures { loss: None, ..figures(900_000, 0.0, 40) });
        assert_eq!(line.carries(), Some(468_750));
        (0..2).for_each(|_| line.measured(&figures(900_000, 0.0, 40)));
        assert_eq!(line.carries(), Some(900_000));
    }
}
