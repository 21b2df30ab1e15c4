//! What the kernel counted over the last hour, a point every few seconds. In: the counters. Out:
//! [`Point`]s in bounded memory.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::time::{self, MissedTickBehavior};

use super::{answer, view::View};
use crate::{
    clock::second_down,
    control::api::{Point, Series, Stats},
};

/// How long the time of a point is.
const EVERY: Duration = Duration::from_secs(5);
/// How many points are kept: an hour.
const POINTS: usize = 720;

/// The points, shared by whoever samples and whoever asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples(Arc<Mutex<VecDeque<Point>>>);

impl Samples {
    /// What is known now.
    pub(super) fn series(&self) -> Series {
        let points = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Series {
            every: EVERY,
            points: points.iter().cloned().collect(),
        }
    }

    fn push(&self, point: Point) {
        let mut points = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if points.len() == POINTS {
            points.pop_front();
        }
        points.push_back(point);
    }

    /// Looks at the counters for ever. Where they cannot be read there is no point.
    pub(super) async fn go_on(self, view: Arc<ArcSwap<View>>) {
        let mut tick = time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before: Option<Stats> = None;
        loop {
            tick.tick().await;
            let now = answer::stats(&view.load()).ok();
            if let (Some(before), Some(now)) = (&before, &now) {
                self.push(Point::between(before, now, second_down(Timestamp::now())));
            }
            before = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::{api::route, examples::answer};

    #[test]
    fn a_point_is_what_was_counted_since_and_the_oldest_gives_way() {
        let before: Stats = answer(&Method::GET, route::STATS);
        let mut now = before.clone();
        now.passed += 3;
        now.courtesy += 1;
        now.limited.rate += 2;
        let at = Timestamp::UNIX_EPOCH;
        let point = Point::between(&before, &now, at);
        assert_eq!(
            (point.passed, point.limited, point.dropped.sum()),
            (4, 2, 0)
        );
        // The maps were made anew.
        assert_eq!(Point::between(&now, &before, at).passed, 0);

        let samples = Samples::default();
        for _ in 0..=POINTS {
            samples.push(point.clone());
        }
        assert_eq!(samples.series().points.len(), POINTS);
    }
}
