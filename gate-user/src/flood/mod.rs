//! Calm or flood: how many SYNs come to the guarded ports, and whether the mail server keeps up.
//!
//! In: the program's counters and the kernel's count of connections that a listener had no room
//! for ([`Gauge`]). Out: whether this is a flood, with hysteresis ([`Detector`], pure). What follows
//! from a flood is the daemon's part; docs/flood.md tells it to operators.

mod detector;
mod gauge;
mod netstat;

pub use {
    detector::{Cause, Detector, Rates, Tick, WINDOW},
    gauge::{FloodError, Gauge, Gauged},
    netstat::listen_drops,
};
