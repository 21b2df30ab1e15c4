//! How often sources reached a limit.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::{config::PerTime, network::Network};

/// How many sources are remembered. Beyond that, the one that has reached nothing for the longest
/// time is forgotten: whoever is here has completed handshakes, so it takes as many hosts to make
/// this forget one, and that one comes again.
const SOURCES: usize = 1 << 16;

/// When each source reached a limit, as far as that counts.
#[derive(Debug, Default)]
pub struct Repeats {
    sources: HashMap<Network, VecDeque<Timestamp>>,
}

impl Repeats {
    /// Notes that `source` reached a limit at `now`; whether that is the one time too many that
    /// `repeat` allows. Then it begins anew.
    pub fn note(&mut self, source: Network, now: Timestamp, repeat: PerTime) -> bool {
        let Ok(window) = SignedDuration::try_from(repeat.time()) else {
            return false;
        };
        if repeat.count() == 0 {
            return false;
        }
        if self.sources.len() >= SOURCES && !self.sources.contains_key(&source) {
            self.make_room(now, window);
        }
        let times = self.sources.entry(source).or_default();
        times.push_back(now);
        while times
            .front()
            .is_some_and(|&time| now.duration_since(time) >= window)
        {
            times.pop_front();
        }
        let is_due = times.len() >= repeat.count() as usize;
        if is_due {
            self.sources.remove(&source);
        }
        is_due
    }

    /// Forgets what counts no more, or else the source whose latest time is the longest ago.
    fn make_room(&mut self, now: Timestamp, window: SignedDuration) {
        let latest = |times: &VecDeque<Timestamp>| times.back().copied();
        self.sources
            .retain(|_, times| latest(times).is_some_and(|at| now.duration_since(at) < window));
        if self.sources.len() >= SOURCES {
            let oldest = self.sources.iter().min_by_key(|(_, times)| latest(times));
            if let Some(source) = oldest.map(|(&source, _)| source) {
                self.sources.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn who(number: u32) -> Network {
        Network::host(Ipv4Addr::from(0xc000_0200 + number).into())
    }

    #[test]
    fn so_often_in_the_time_and_no_less() {
        let repeat = "3/10s".parse().unwrap();
        for (times, due) in [
            (&[0, 1, 2][..], &[2][..]),
            // The first is too long ago by then.
            (&[0, 5, 10], &[]),
            (&[0, 5, 9], &[9]),
            (&[0, 5, 10, 14], &[14]),
            // It begins anew.
            (&[0, 1, 2, 3, 4, 5], &[2, 5]),
        ] {
            let mut repeats = Repeats::default();
            let is: Vec<i64> = times
                .iter()
                .copied()
                .filter(|&second| repeats.note(who(0), at(second), repeat))
                .collect();
            assert_eq!(is, due, "{times:?}");
        }
    }

    #[test]
    fn sources_are_told_apart_and_none_means_never() {
        let mut repeats = Repeats::default();
        let repeat = "2/10s".parse().unwrap();
        assert!(!repeats.note(who(0), at(0), repeat));
        assert!(!repeats.note(who(1), at(0), repeat));
        assert!(repeats.note(who(0), at(1), repeat));
        for second in 0..100 {
            assert!(!repeats.note(who(2), at(second), PerTime::NONE));
        }
    }

    #[test]
    fn memory_is_bounded_and_the_longest_ago_goes_first() {
        let mut repeats = Repeats::default();
        let repeat = "2/1h".parse().unwrap();
        let crowd = u32::try_from(SOURCES).unwrap();
        for number in 0..crowd {
            let second = i64::from(number != 7);
            assert!(!repeats.note(who(number), at(second), repeat));
        }
        assert!(!repeats.note(who(crowd), at(2), repeat));
        assert_eq!(repeats.sources.len(), SOURCES);
        assert!(!repeats.sources.contains_key(&who(7)));
        assert!(repeats.note(who(crowd - 1), at(2), repeat), "still known");
        // What counts no more goes first, all of it.
        assert!(!repeats.note(who(crowd + 1), at(3), repeat));
        assert!(!repeats.note(who(crowd + 2), at(3602), repeat));
        assert_eq!(repeats.sources.len(), 2);
    }
}
