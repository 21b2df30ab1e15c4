//! Where the detector's numbers come from: the gate's counters, and `/proc`.

use std::{fs, io, path::PathBuf, time::Instant};

use gate_common::Reason;

use super::{Tick, listen_drops};
use crate::{
    kernel::{Counters, KernelError, Maps},
    plan::Enforcement,
};

/// Of the network namespace that the reading process is in (proc(5)).
const NETSTAT: &str = "/proc/self/net/netstat";

/// Why a number is missing.
#[derive(Debug, thiserror::Error)]
pub enum FloodError {
    /// The gate's counters.
    #[error("SYNs cannot be counted: {0}")]
    Counters(#[from] KernelError),
    /// The kernel's.
    #[error("overflows cannot be counted: {}: {source}", path.display())]
    Netstat {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// The kernel's file is there, but says nothing of it.
    #[error("overflows cannot be counted: {} has no TcpExt ListenDrops", path.display())]
    Untold {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the counters, and keeps the last reading.
#[derive(Debug)]
pub struct Gauge {
    netstat: PathBuf,
    last: Option<(Instant, Counters)>,
    drops: Option<u64>,
}

/// What a look brought.
#[derive(Debug)]
pub struct Gauged {
    /// What happened since the last look; `None` at the first, or if SYNs cannot be counted.
    pub tick: Option<Tick>,
    /// What could not be read.
    pub problem: Option<FloodError>,
}

impl Gauge {
    /// One that has not looked yet.
    pub fn new() -> Self {
        Self {
            netstat: NETSTAT.into(),
            last: None,
            drops: None,
        }
    }

    /// Looks. `configured` tells what each reason does in a calm.
    pub fn read(&mut self, maps: &Maps, configured: impl Fn(Reason) -> Enforcement) -> Gauged {
        let now = Instant::now();
        let counters = match maps.all_counters() {
            Ok(counters) => counters,
            Err(error) => {
                return Gauged {
                    tick: None,
                    problem: Some(error.into()),
                };
            }
        };
        let (drops, problem) = match self.netstat() {
            Ok(drops) => (Some(drops), None),
            Err(error) => (None, Some(error)),
        };
        let overflows = drops
            .zip(self.drops)
            .map(|(drops, before)| drops.saturating_sub(before));
        self.drops = drops;
        let tick = self.last.map(|(at, before)| Tick {
            elapsed: now.saturating_duration_since(at),
            syns: came_through(&before, &counters, configured),
            overflows,
        });
        self.last = Some((now, counters));
        Gauged { tick, problem }
    }

    fn netstat(&self) -> Result<u64, FloodError> {
        let path = || self.netstat.clone();
        let text = fs::read_to_string(&self.netstat).map_err(|source| FloodError::Netstat {
            path: path(),
            source,
        })?;
        listen_drops(&text).ok_or_else(|| FloodError::Untold { path: path() })
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new()
    }
}

/// How many SYNs came through between two readings, or would have but for the flood.
///
/// What is dropped in a calm too costs the mail server nothing: were it counted, whoever is listed
/// and knocks on could keep the gate in flood, and a flood that the gate masters would shut others
/// out. What is dropped for the flood alone counts, or else the flood would seem over for being
/// fought.
fn came_through(
    before: &Counters,
    now: &Counters,
    configured: impl Fn(Reason) -> Enforcement,
) -> u64 {
    let seen = now.seen.saturating_sub(before.seen);
    let dropped = now.dropped_total().saturating_sub(before.dropped_total());
    let limited = limited(now).saturating_sub(limited(before));
    let fought: u64 = Reason::ALL
        .into_iter()
        .filter(|&reason| configured(reason) != Enforcement::Drop)
        .map(|reason| {
            let slot = reason.slot();
            now.dropped[slot].saturating_sub(before.dropped[slot])
        })
        .sum();
    seen.saturating_sub(dropped)
        .saturating_sub(limited)
        .saturating_add(fought)
}

/// SYNs that a limit dropped, flood or calm.
fn limited(counters: &Counters) -> u64 {
    counters.limited.iter().sum()
}

#[cfg(test)]
mod tests {
    use gate_common::Limit;

    use super::*;

    fn counters(seen: u64, dropped: &[(Reason, u64)]) -> Counters {
        let mut counters = Counters {
            seen,
            ..Counters::default()
        };
        for &(reason, count) in dropped {
            counters.dropped[reason.slot()] += count;
        }
        counters
    }

    #[test]
    fn what_the_mail_server_would_have_to_bear_counts() {
        use Reason::{Dynamic, Feed, NoRdns};
        let before = counters(1000, &[(Feed, 500), (Dynamic, 20)]);
        for (what, now, expected) in [
            ("nothing", counters(1000, &[(Feed, 500), (Dynamic, 20)]), 0),
            (
                "unlisted",
                counters(1300, &[(Feed, 500), (Dynamic, 20)]),
                300,
            ),
            (
                "listed for good",
                counters(1300, &[(Feed, 800), (Dynamic, 20)]),
                0,
            ),
            (
                "listed for the flood",
                counters(1300, &[(Feed, 500), (Dynamic, 320)]),
                300,
            ),
            (
                "some of each",
                counters(1600, &[(Feed, 700), (Dynamic, 120), (NoRdns, 50)]),
                400,
            ),
            ("counters begin anew", counters(7, &[]), 0),
        ] {
            let found = came_through(&before, &now, Enforcement::default_of);
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn what_is_configured_decides_what_a_calm_drops() {
        let (before, now) = (counters(0, &[]), counters(100, &[(Reason::Feed, 60)]));
        let reject = |_| Enforcement::Reject;
        assert_eq!(came_through(&before, &now, reject), 100);
        assert_eq!(came_through(&before, &now, Enforcement::default_of), 40);
    }

    #[test]
    fn what_a_limit_drops_makes_no_flood() {
        let before = counters(1000, &[(Reason::Feed, 500)]);
        let mut now = counters(6000, &[(Reason::Feed, 700)]);
        now.limited[Limit::SynRate.slot()] = 4000;
        now.limited[Limit::Rate.slot()] = 500;
        assert_eq!(came_through(&before, &now, Enforcement::default_of), 300);
    }

    #[test]
    fn a_file_that_does_not_tell_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("netstat");
        let mut gauge = Gauge::new();
        gauge.netstat.clone_from(&path);
        for (text, expected) in [
            (None, "No such file"),
            (Some("TcpExt: A\nTcpExt: 1\n"), "has no TcpExt ListenDrops"),
        ] {
            if let Some(text) = text {
                fs::write(&path, text).unwrap();
            }
            let error = gauge.netstat().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains("/netstat"), "{error}");
        }
        fs::write(&path, "TcpExt: ListenDrops\nTcpExt: 12\n").unwrap();
        assert_eq!(gauge.netstat().unwrap(), 12);
    }
}
