//! Where the service learns what neither the book nor it itself knows: DNS, and open connections.

use std::{future::Future, net::IpAddr};

use super::facts::{Connections, Dnsbl, Lookup, Reverse, SenderDomain};

/// Whom the service asks. What is in a cache is to be answered at once.
///
/// An answer is not waited for longer than the budget: then the future is dropped. What it began
/// should go on all the same, so that the client finds the answer in the cache when it comes again.
pub trait Lookups: Send + Sync + 'static {
    /// What reverse DNS says of `address`, and what the name tells.
    fn reverse(&self, address: IpAddr) -> impl Future<Output = Lookup<Reverse>> + Send;

    /// What third-party lists say of `address`.
    fn dnsbl(&self, address: IpAddr) -> impl Future<Output = Lookup<Dnsbl>> + Send;

    /// Whether `domain`, in lower case and without a dot at its end, takes mail.
    fn sender(&self, domain: &str) -> impl Future<Output = Lookup<SenderDomain>> + Send;

    /// How many connections the source of `address` has, and how many it may have; `None` where
    /// nobody counts them.
    fn connections(&self, address: IpAddr) -> Option<Connections>;

    /// How many connections it may have open; 0 for any number.
    fn connection_limit(&self, address: IpAddr) -> u32;
}
