//! Wrong secrets, counted by the network that they come from, so that nobody tries many or fills the log
//! with them. The table is bounded, and with it what is logged.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::network::Network;

/// How many wrong ones in [`WITHIN`] are answered one by one.
const MOST: u32 = 5;
/// How long wrong ones are remembered.
const WITHIN: Duration = Duration::from_mins(1);
/// How many networks are remembered.
const CAPACITY: usize = 128;

/// Wrong secrets by network: whoever has an IPv6 /48 has more sources than there is room for.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<Network, Wrong>);

/// Those of one network, from the first on.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    first: Instant,
    count: u32,
}

impl Attempts {
    /// Counts a wrong secret.
    ///
    /// # Errors
    /// There were too many; and for how long that stays so.
    pub(super) fn wrong(&mut self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let network = Network::around(from);
        self.0.retain(|_, wrong| now < wrong.first + WITHIN);
        let left = |first: Instant| (first + WITHIN).saturating_duration_since(now);
        if self.0.len() >= CAPACITY && !self.0.contains_key(&network) {
            // Nobody gives way: else strangers could make room for themselves again and again.
            let oldest = self.0.values().map(|wrong| wrong.first).min();
            return Err(oldest.map_or(WITHIN, left));
        }
        let wrong = self.0.entry(network).or_insert(Wrong {
            first: now,
            count: 0,
        });
        if wrong.count >= MOST {
            return Err(left(wrong.first));
        }
        wrong.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_some_wrong_ones_a_network_waits_for_a_minute() {
        for (from, neighbour, stranger) in [
            ("192.0.2.1", "192.0.2.200", "192.0.3.1"),
            ("::ffff:192.0.2.1", "192.0.2.1", "192.0.3.1"),
            ("2001:db8:1:1::1", "2001:db8:1:ffff::1", "2001:db8:2::1"),
        ] {
            let [from, neighbour, stranger] =
                [from, neighbour, stranger].map(|address| address.parse().unwrap());
            let mut attempts = Attempts::default();
            let now = Instant::now();
            for _ in 0..MOST {
                assert_eq!(attempts.wrong(from, now), Ok(()));
            }
            assert_eq!(attempts.wrong(from, now), Err(WITHIN));
            assert_eq!(attempts.wrong(neighbour, now), Err(WITHIN), "{neighbour}");
            assert_eq!(attempts.wrong(stranger, now), Ok(()), "{stranger}");
            assert_eq!(attempts.wrong(from, now + WITHIN), Ok(()));
        }
    }

    #[test]
    fn no_number_of_networks_takes_more_room_or_fills_the_log() {
        let mut attempts = Attempts::default();
        let now = Instant::now();
        let mut answered = 0;
        for i in 0..5000_u32 {
            for _ in 0..2 * MOST {
                let from = std::net::Ipv4Addr::from(i << 8);
                answered += usize::from(attempts.wrong(from.into(), now).is_ok());
            }
        }
        assert_eq!(attempts.0.len(), CAPACITY);
        assert_eq!(answered, CAPACITY * MOST as usize);
    }
}
