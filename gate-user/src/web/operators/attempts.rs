//! Wrong secrets, counted by where they come from, so that nobody tries many. The table is bounded.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::network::Network;

/// How many wrong ones in [`WITHIN`] are too many.
const MOST: u32 = 5;
/// How long wrong ones are remembered.
const WITHIN: Duration = Duration::from_mins(1);
/// How many sources are remembered.
const CAPACITY: usize = 1024;

/// Wrong secrets by source.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<Network, Wrong>);

/// Those of one source, from the first on.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    first: Instant,
    count: u32,
}

impl Attempts {
    /// How long `from` is not listened to, if it is not.
    pub(super) fn pause(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let wrong = self.0.get(&Network::source(from))?;
        let left = (wrong.first + WITHIN).checked_duration_since(now)?;
        (wrong.count >= MOST && !left.is_zero()).then_some(left)
    }

    /// Counts a wrong secret.
    pub(super) fn wrong(&mut self, from: IpAddr, now: Instant) {
        let source = Network::source(from);
        self.0.retain(|_, wrong| now < wrong.first + WITHIN);
        if self.0.len() >= CAPACITY && !self.0.contains_key(&source) {
            let oldest = self.0.iter().min_by_key(|(_, wrong)| wrong.first);
            if let Some(oldest) = oldest.map(|(source, _)| *source) {
                self.0.remove(&oldest);
            }
        }
        let wrong = self.0.entry(source).or_insert(Wrong {
            first: now,
            count: 0,
        });
        wrong.count = wrong.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_some_wrong_ones_a_source_waits_for_a_minute() {
        let mut attempts = Attempts::default();
        let (now, from) = (Instant::now(), IpAddr::from([192, 0, 2, 1]));
        for _ in 0..MOST {
            assert_eq!(attempts.pause(from, now), None);
            attempts.wrong(from, now);
        }
        assert_eq!(attempts.pause(from, now), Some(WITHIN));
        assert_eq!(attempts.pause(IpAddr::from([192, 0, 2, 2]), now), None);
        assert_eq!(attempts.pause(from, now + WITHIN), None);
        attempts.wrong(from, now + WITHIN);
        assert_eq!(attempts.pause(from, now + WITHIN), None);
    }

    #[test]
    fn no_number_of_sources_takes_more_room() {
        let mut attempts = Attempts::default();
        let now = Instant::now();
        for i in 0..5000_u32 {
            attempts.wrong(std::net::Ipv4Addr::from(i).into(), now);
        }
        assert_eq!(attempts.0.len(), CAPACITY);
    }
}
