//! Samples for the tests of the view: what docs/control-api.md shows.

use std::time::Instant;

use hyper::Method;

use super::sample::Sample;
use crate::control::{
    api::{TopSource, route},
    examples::answer,
};

/// The documented answers.
pub(super) fn sample() -> Sample {
    Sample {
        at: Instant::now(),
        status: answer(&Method::GET, route::STATUS),
        stats: answer(&Method::GET, route::STATS),
        top: answer(&Method::GET, route::TOP),
        connections: Some(answer(&Method::GET, route::CONNECTIONS)),
    }
}

/// A source with so many drops, otherwise like the documented one.
pub(super) fn source(address: &str, drops: u64) -> TopSource {
    let mut source = sample().top.sources.remove(0);
    source.address = address.parse().unwrap();
    source.drops = drops;
    source
}
