//! The decision between calm and flood, from rates, with hysteresis: pure.
//!
//! Rates are means over [`WINDOW`]. A flood begins when they have been high for `enter_after`, and
//! ends when they have been low for `leave_after`: in between the state stays what it is. What a
//! burst brings leaves the window after its length, so that no burst alone makes a flood as long as
//! `enter_after` is longer than the window, however large it is.

use std::{collections::VecDeque, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::FloodConfig;

/// What a rate is the mean of. Short enough to see a flood end, long enough that a busy second does
/// not show.
pub const WINDOW: Duration = Duration::from_secs(5);

/// What happened since the last look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tick {
    /// How long ago that was.
    pub elapsed: Duration,
    /// SYNs to guarded ports that came through, or would have but for the flood.
    pub syns: u64,
    /// Connections that found no room at a listening socket; `None` if nobody tells.
    pub overflows: Option<u64>,
}

/// How much came, a second, as a mean over [`WINDOW`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rates {
    /// SYNs to guarded ports.
    pub syns: u64,
    /// Connections that found no room at a listening socket; `None` if nobody tells.
    pub overflows: Option<u64>,
}

/// What makes it a flood.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The rate of SYNs.
    Syns,
    /// The mail server does not keep up with them.
    Overflows,
    /// Somebody said so, by command or configuration.
    Forced,
}

impl Cause {
    /// The name used in JSON and the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syns => "syns",
            Self::Overflows => "overflows",
            Self::Forced => "forced",
        }
    }
}

/// Whether there is a flood, as far as the rates tell.
#[derive(Clone, Debug)]
pub struct Detector {
    /// As many as make up a window, the oldest first.
    ticks: VecDeque<Tick>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Calm; the rates have been high for so long.
    Calm { high: Duration },
    /// Flood; the rates have been low for so long.
    Flood { cause: Cause, low: Duration },
}

impl Detector {
    /// One that begins in a calm, or in a flood that was under way.
    pub fn new(under_way: Option<Cause>) -> Self {
        let state = match under_way {
            None => State::Calm {
                high: Duration::ZERO,
            },
            Some(cause) => State::Flood {
                cause,
                low: Duration::ZERO,
            },
        };
        Self {
            ticks: VecDeque::new(),
            state,
        }
    }

    /// What makes it a flood; `None` in a calm.
    pub fn cause(&self) -> Option<Cause> {
        match self.state {
            State::Calm { .. } => None,
            State::Flood { cause, .. } => Some(cause),
        }
    }

    /// The rates now. While less than a window has been seen, nothing is taken to have come before.
    pub fn rates(&self) -> Rates {
        let elapsed = self.span().max(WINDOW);
        let told: Option<u64> = self
            .ticks
            .iter()
            .filter_map(|tick| tick.overflows)
            .reduce(u64::saturating_add);
        let syns = self
            .ticks
            .iter()
            .fold(0, |sum: u64, tick| sum.saturating_add(tick.syns));
        Rates {
            syns: a_second(syns, elapsed),
            overflows: told.map(|count| a_second(count, elapsed)),
        }
    }

    /// Takes in what happened since the last look.
    pub fn step(&mut self, tick: Tick, config: &FloodConfig) {
        self.ticks.push_back(tick);
        while let Some(oldest) = self.ticks.front()
            && self.span() >= WINDOW + oldest.elapsed
        {
            self.ticks.pop_front();
        }
        let rates = self.rates();
        match &mut self.state {
            State::Calm { high } => match cause(rates, config) {
                None => *high = Duration::ZERO,
                Some(cause) => {
                    *high += tick.elapsed;
                    if *high >= config.enter_after {
                        self.state = State::Flood {
                            cause,
                            low: Duration::ZERO,
                        };
                    }
                }
            },
            State::Flood { low, .. } if rates.syns >= config.leave_syns.into() => {
                *low = Duration::ZERO;
            }
            State::Flood { low, .. } => {
                *low += tick.elapsed;
                if *low >= config.leave_after {
                    self.state = State::Calm {
                        high: Duration::ZERO,
                    };
                }
            }
        }
    }

    fn span(&self) -> Duration {
        self.ticks.iter().map(|tick| tick.elapsed).sum()
    }
}

/// What of these rates makes a flood.
///
/// Overflows count only where a flood of that rate would also go on: a listener of another service,
/// or a mail server that hangs, is no flood, and must not shut anybody out.
fn cause(rates: Rates, config: &FloodConfig) -> Option<Cause> {
    let overflows = rates.overflows.unwrap_or(0);
    if rates.syns >= config.enter_syns.into() {
        Some(Cause::Syns)
    } else if config.enter_overflows > 0
        && overflows >= config.enter_overflows.into()
        && rates.syns >= config.leave_syns.into()
    {
        Some(Cause::Overflows)
    } else {
        None
    }
}

/// How many a second, rounded down.
fn a_second(count: u64, elapsed: Duration) -> u64 {
    let rate = u128::from(count) * 1000 / elapsed.as_millis().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
