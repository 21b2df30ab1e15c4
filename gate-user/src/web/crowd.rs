//! Who is there at the same time: connections by the network that they come from, so that no single
//! one takes all places.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::network::Network;

/// Connections by network, each up to a bound.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    there: Arc<Mutex<HashMap<Network, usize>>>,
    most: usize,
}

/// One place, and its copies; it is free when all of them are dropped.
#[derive(Clone, Debug)]
pub(super) struct Place {
    _held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    crowd: Crowd,
    network: Network,
}

impl Crowd {
    /// With room for `most` connections of a network.
    pub(super) fn new(most: usize) -> Self {
        Self {
            there: Arc::default(),
            most,
        }
    }

    /// A place for a connection from `address`, if its network has one left.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let network = Network::around(address);
        let mut there = self.there();
        let count = there.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        let crowd = self.clone();
        Some(Place {
            _held: Arc::new(Held { crowd, network }),
        })
    }

    fn there(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut there = self.crowd.there();
        if let Some(count) = there.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                there.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_so_many_places_and_gets_them_back() {
        let crowd = Crowd::new(2);
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let _second = enter("::ffff:192.0.2.2").unwrap();
        assert!(enter("192.0.2.3").is_none());
        assert!(enter("198.51.100.1").is_some());
        let copy = first.clone();
        drop(first);
        assert!(enter("192.0.2.3").is_none());
        drop(copy);
        assert!(enter("192.0.2.3").is_some());
        let of_v6 = [1, 2, 3].map(|host| enter(&format!("2001:db8:0:{host}::1")));
        assert_eq!(of_v6.iter().flatten().count(), 2);
        drop(of_v6);
        assert_eq!(crowd.there().len(), 1);
    }
}
