//! Whether a feed's file is believed: what was parsed and what was good last in, an acceptance or
//! a refusal of the whole out (invariant 7: no single feed can list the world).

use std::{fmt, time::Duration};

use jiff::Timestamp;

use crate::{
    config::Guards,
    feeds::{BadLine, Claim, Coverage, Parsed},
    network::Network,
};

/// Lists of no more entries than this may shrink and grow as they like.
const SMALL: usize = 100;

/// Lists that cover no more than this share of the address space may spread as they like.
const MUCH: f64 = 0.001;

/// What an accepted file holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Networks.
    pub entries: usize,
    /// How much of the address space they cover.
    pub coverage: Coverage,
}

/// A number of lines or entries for a comparison with a share or a factor.
#[expect(clippy::cast_precision_loss, reason = "no file has 2^52 lines")]
const fn number(count: usize) -> f64 {
    count as f64
}

/// A kind of addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// IPv4.
    V4,
    /// Global IPv6 (2000::/3).
    V6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "global IPv6",
        })
    }
}

/// Why a file is refused, and which guard to change if it is right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The line that ends the list is not there.
    #[error(
        "the metadata at its end is missing, or tells no `records` or no `timestamp`: it was cut off, or is another list"
    )]
    CutOff,
    /// The head that the list begins with is not there.
    #[error("the comment that such a list begins with is missing: it is another list")]
    NoHead,
    /// Records are missing.
    #[error("{found} records where the list itself says {claimed}: it was cut off")]
    Incomplete {
        /// Lines that are there, good or bad.
        found: usize,
        /// Records that should be.
        claimed: u64,
    },
    /// It holds no line that is an entry or should be one.
    #[error("it is empty")]
    Empty,
    /// Too many lines are bad.
    #[error("{bad} of {lines} lines are bad, more than max_bad_share = {max}; line {}: {}: {}", .first.number, .first.text, .first.why)]
    BadLines {
        /// Bad lines.
        bad: usize,
        /// Lines that should be entries.
        lines: usize,
        /// The guard.
        max: f64,
        /// One of them.
        first: BadLine,
    },
    /// Too few entries.
    #[error("{entries} entries, fewer than min_entries = {min}")]
    TooFew {
        /// Entries.
        entries: usize,
        /// The guard.
        min: u32,
    },
    /// Too many entries.
    #[error("{entries} entries, more than max_entries = {max}")]
    TooMany {
        /// Entries.
        entries: usize,
        /// The guard.
        max: u32,
    },
    /// Too few entries against the last good state.
    #[error("{entries} entries after {before}: it shrank by more than max_shrink = {max}")]
    Shrank {
        /// Entries.
        entries: usize,
        /// Entries of the last good state.
        before: usize,
        /// The guard.
        max: f64,
    },
    /// Too many entries against the last good state.
    #[error("{entries} entries after {before}: it grew by more than max_growth = {max}")]
    Grew {
        /// Entries.
        entries: usize,
        /// Entries of the last good state.
        before: usize,
        /// The guard.
        max: f64,
    },
    /// Too much space against the last good state.
    #[error(
        "it covers {share:.6} of all {family} addresses after {before:.6}: it grew by more than max_growth = {max}"
    )]
    Spread {
        /// Of which addresses.
        family: Family,
        /// The share, 0 to 1.
        share: f64,
        /// The share of the last good state.
        before: f64,
        /// The guard.
        max: f64,
    },
    /// A network is too wide.
    #[error("{network} is wider than /{widest} ({})", if network.is_v4() { "widest_v4" } else { "widest_v6" })]
    Wide {
        /// The network.
        network: Network,
        /// The guard.
        widest: u8,
    },
    /// It says that it was made later than now.
    #[error("it was made at {made}, which is to come: one of two clocks is wrong")]
    FromTheFuture {
        /// When, as it says.
        made: Timestamp,
    },
    /// The last good state was made later.
    #[error("it was made at {made}, and the last good one later, at {before}")]
    Older {
        /// When, as it says.
        made: Timestamp,
        /// The last good state, likewise.
        before: Timestamp,
    },
    /// Nobody has made it anew for too long.
    #[error("it was made at {made}: nobody has made it anew for {} (lapse_after)", humantime::format_duration(*.max))]
    Stale {
        /// When, as it says.
        made: Timestamp,
        /// How long ago it may have been made.
        max: Duration,
    },
    /// Too much of IPv4.
    #[error("it covers {share:.4} of all IPv4 addresses, more than max_share_v4 = {max}")]
    CoversV4 {
        /// The share, 0 to 1.
        share: f64,
        /// The guard.
        max: f64,
    },
    /// Too much of IPv6.
    #[error("it covers {share:.6} of all global IPv6 addresses, more than max_share_v6 = {max}")]
    CoversV6 {
        /// The share, 0 to 1.
        share: f64,
        /// The guard.
        max: f64,
    },
}

/// Judges a file by its feed's guards, and against the last good state where there is one.
///
/// Private and reserved space is no reason to refuse: lists of bogons hold it rightly, and the
/// plan keeps the machine's own addresses out of the block table.
///
/// # Errors
/// The first guard that the file does not pass.
pub fn judge(
    parsed: &Parsed,
    last_good: Option<&Summary>,
    guards: &Guards,
) -> Result<Summary, Refusal> {
    let bad = parsed.bad_lines.count;
    let lines = parsed.good_lines + bad;
    match parsed.claim {
        Claim::Missing if lines > 0 => return Err(Refusal::CutOff),
        Claim::NoHead if lines > 0 => return Err(Refusal::NoHead),
        Claim::Records(claimed) if (lines as u64) < claimed => {
            return Err(Refusal::Incomplete {
                found: lines,
                claimed,
            });
        }
        Claim::None | Claim::Missing | Claim::NoHead | Claim::Records(_) => {}
    }
    if lines == 0 {
        return Err(Refusal::Empty);
    }
    if let Some(first) = parsed.bad_lines.first.first()
        && number(bad) > number(lines) * guards.max_bad_share
    {
        return Err(Refusal::BadLines {
            bad,
            lines,
            max: guards.max_bad_share,
            first: first.clone(),
        });
    }
    entries(parsed.entries.len() + parsed.left_out, last_good, guards)?;
    for entry in &parsed.entries {
        width(entry.network, guards)?;
    }
    let coverage = Coverage::of_sorted(parsed.entries.iter().map(|entry| entry.network));
    space(coverage, guards)?;
    if let Some(before) = last_good {
        growth(coverage, before.coverage, guards.max_growth)?;
    }
    Ok(Summary {
        entries: parsed.entries.len(),
        coverage,
    })
}

fn entries(entries: usize, last_good: Option<&Summary>, guards: &Guards) -> Result<(), Refusal> {
    let Guards {
        min_entries: min,
        max_entries: max,
        ..
    } = *guards;
    if entries < min as usize {
        return Err(Refusal::TooFew { entries, min });
    }
    if entries > max as usize {
        return Err(Refusal::TooMany { entries, max });
    }
    match last_good.map(|summary| summary.entries) {
        Some(before) if before.max(entries) > SMALL => {
            if number(entries) < number(before) / guards.max_shrink {
                let max = guards.max_shrink;
                return Err(Refusal::Shrank {
                    entries,
                    before,
                    max,
                });
            }
            if number(entries) > number(before) * guards.max_growth {
                let max = guards.max_growth;
                return Err(Refusal::Grew {
                    entries,
                    before,
                    max,
                });
            }
            Ok(())
        }
        Some(_) | None => Ok(()),
    }
}

fn width(network: Network, guards: &Guards) -> Result<(), Refusal> {
    let widest = if network.is_v4() {
        guards.widest_v4
    } else {
        guards.widest_v6
    };
    if network.prefix_len() < widest {
        Err(Refusal::Wide { network, widest })
    } else {
        Ok(())
    }
}

fn space(coverage: Coverage, guards: &Guards) -> Result<(), Refusal> {
    let Coverage { v4, v6 } = coverage;
    if v4 > guards.max_share_v4 {
        let max = guards.max_share_v4;
        return Err(Refusal::CoversV4 { share: v4, max });
    }
    if v6 > guards.max_share_v6 {
        let max = guards.max_share_v6;
        return Err(Refusal::CoversV6 { share: v6, max });
    }
    Ok(())
}

/// A few wide networks are few entries: growth counts by space too, of short lists as well.
fn growth(coverage: Coverage, before: Coverage, max: f64) -> Result<(), Refusal> {
    let families = [
        (Family::V4, coverage.v4, before.v4),
        (Family::V6, coverage.v6, before.v6),
    ];
    for (family, share, before) in families {
        if share > MUCH && share > before * max {
            return Err(Refusal::Spread {
                family,
                share,
                before,
                max,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{book::FeedEntry, feeds::BadLines};

    /// A file of these networks.
    fn file(networks: &[&str]) -> Parsed {
        Parsed {
            entries: networks.iter().map(|network| entry(network)).collect(),
            good_lines: networks.len(),
            ..Parsed::default()
        }
    }

    /// A file of so many addresses.
    fn long(entries: usize) -> Parsed {
        let addresses = (0..entries).map(|n| entry(&format!("192.0.{}.{}", n / 256, n % 256)));
        Parsed {
            entries: addresses.collect(),
            good_lines: entries,
            ..Parsed::default()
        }
    }

    fn entry(network: &str) -> FeedEntry {
        FeedEntry {
            network: network.parse().unwrap(),
            evidence: None,
        }
    }

    /// The same, and so many bad lines.
    fn with_bad(parsed: Parsed, count: usize) -> Parsed {
        let bad = BadLine {
            number: 7,
            text: "x".to_owned(),
            why: "not a network".to_owned(),
        };
        Parsed {
            bad_lines: BadLines {
                count,
                first: vec![bad; count.min(BadLines::SHOWN)],
            },
            ..parsed
        }
    }

    fn claiming(parsed: Parsed, claim: Claim) -> Parsed {
        Parsed { claim, ..parsed }
    }

    /// `ok`, or why it is refused by the default guards.
    fn verdict(parsed: &Parsed, before: Option<usize>) -> String {
        let last_good = before.map(|entries| Summary {
            entries,
            coverage: Coverage::default(),
        });
        match judge(parsed, last_good.as_ref(), &Guards::default()) {
            Ok(summary) => {
                assert_eq!(summary.entries, parsed.entries.len());
                "ok".to_owned()
            }
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn invariant_7_what_is_refused() {
        for (parsed, expected) in [
            (file(&["192.0.2.0/24"]), "ok"),
            (file(&["10.0.0.0/8", "127.0.0.0/8", "fe80::/16"]), "ok"),
            (file(&[]), "it is empty"),
            (with_bad(long(95), 5), "ok"),
            (
                with_bad(long(94), 6),
                "6 of 100 lines are bad, more than max_bad_share = 0.05; line 7: x: not a network",
            ),
            (with_bad(file(&[]), 1), "1 of 1 lines are bad"),
            (claiming(long(10), Claim::Records(10)), "ok"),
            (claiming(long(10), Claim::Records(9)), "ok"),
            (claiming(with_bad(long(99), 1), Claim::Records(100)), "ok"),
            (
                claiming(long(10), Claim::Records(11)),
                "10 records where the list itself says 11",
            ),
            (
                claiming(file(&[]), Claim::Records(u64::MAX)),
                "0 records where",
            ),
            (
                claiming(long(10), Claim::Missing),
                "the metadata at its end is missing",
            ),
            (claiming(file(&[]), Claim::Missing), "it is empty"),
            (
                claiming(long(10), Claim::NoHead),
                "the comment that such a list begins with is missing",
            ),
            (claiming(file(&[]), Claim::NoHead), "it is empty"),
            (claiming(file(&[]), Claim::Records(0)), "it is empty"),
            (
                file(&["8.0.0.0/7"]),
                "8.0.0.0/7 is wider than /8 (widest_v4)",
            ),
            (
                file(&["2000::/15"]),
                "2000::/15 is wider than /16 (widest_v6)",
            ),
            (file(&["0.0.0.0/0"]), "0.0.0.0/0 is wider than /8"),
            (file(&["::/0"]), "::/0 is wider than /16"),
        ] {
            let verdict = verdict(&parsed, None);
            assert!(verdict.starts_with(expected), "{expected}: {verdict}");
        }
    }

    #[test]
    fn invariant_7_what_shrinks_or_grows_too_fast_is_refused() {
        for (before, entries, expected) in [
            (1000, 1000, "ok"),
            (1000, 334, "ok"),
            (
                1000,
                333,
                "333 entries after 1000: it shrank by more than max_shrink = 3",
            ),
            (333, 999, "ok"),
            (
                333,
                1000,
                "1000 entries after 333: it grew by more than max_growth = 3",
            ),
            (1, 100, "ok"),
            (100, 1, "ok"),
            (1, 101, "101 entries after 1: it grew"),
            (101, 1, "1 entries after 101: it shrank"),
        ] {
            let verdict = verdict(&long(entries), Some(before));
            assert!(
                verdict.starts_with(expected),
                "{before} to {entries}: {verdict}"
            );
        }
    }

    #[test]
    fn invariant_7_no_feed_covers_much_of_the_address_space() {
        let slash_8s = |count: u8| -> Parsed {
            let names: Vec<String> = (1..=count)
                .map(|first| format!("{first}.0.0.0/8"))
                .collect();
            file(&names.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let slash_16s = |count: u16| -> Parsed {
            let names: Vec<String> = (0..count)
                .map(|n| format!("{:x}::/16", 0x2000 + n))
                .collect();
            file(&names.iter().map(String::as_str).collect::<Vec<_>>())
        };
        for (parsed, expected) in [
            (slash_8s(12), "ok"),
            (
                slash_8s(13),
                "it covers 0.0508 of all IPv4 addresses, more than max_share_v4 = 0.05",
            ),
            (slash_16s(81), "ok"),
            (
                slash_16s(82),
                "it covers 0.010010 of all global IPv6 addresses, more than max_share_v6 = 0.01",
            ),
        ] {
            assert_eq!(verdict(&parsed, None), expected);
        }
    }

    #[test]
    fn invariant_7_what_spreads_too_fast_is_refused() {
        for (before, now, expected) in [
            (
                &["192.0.2.7"][..],
                &["8.0.0.0/8", "192.0.2.7"][..],
                "it covers 0.003906 of all IPv4 addresses after 0.000000: it grew by more than max_growth = 3",
            ),
            (&["192.0.2.7"], &["10.0.0.0/10"], "ok"),
            (&["8.0.0.0/9"], &["8.0.0.0/8"], "ok"),
            (
                &["8.0.0.0/10"],
                &["8.0.0.0/8"],
                "it covers 0.003906 of all IPv4",
            ),
            (&["8.0.0.0/8"], &["192.0.2.7"], "ok"),
            (&["192.0.2.7"], &["2001::/16"], "ok"),
            (
                &["2001:db8::/32"],
                &[
                    "2001::/16",
                    "2002::/16",
                    "2003::/16",
                    "2004::/16",
                    "2005::/16",
                    "2006::/16",
                    "2007::/16",
                    "2008::/16",
                    "2009::/16",
                ],
                "it covers 0.001099 of all global IPv6 addresses after 0.000000: it grew",
            ),
        ] {
            let guards = Guards::default();
            let before = judge(&file(before), None, &guards).unwrap();
            let judged = judge(&file(now), Some(&before), &guards);
            let told = judged.map_or_else(|refusal| refusal.to_string(), |_| "ok".to_owned());
            assert!(told.starts_with(expected), "{now:?}: {told}");
        }
    }

    #[test]
    fn each_guard_can_be_set() {
        let judged = |parsed: &Parsed, guards: Guards| {
            let last_good = Summary {
                entries: 1000,
                coverage: Coverage::default(),
            };
            judge(parsed, Some(&last_good), &guards).map_err(|refusal| refusal.to_string())
        };
        let default = Guards::default();
        for (parsed, guards) in [
            (
                with_bad(long(1000), 1000),
                Guards {
                    max_bad_share: 0.5,
                    ..default
                },
            ),
            (
                long(10),
                Guards {
                    max_shrink: 100.0,
                    ..default
                },
            ),
            (
                long(4000),
                Guards {
                    max_growth: 4.0,
                    ..default
                },
            ),
        ] {
            assert!(judged(&parsed, default).is_err());
            assert!(judged(&parsed, guards).is_ok());
        }
        for (parsed, guards, expected) in [
            (
                long(999),
                Guards {
                    min_entries: 1000,
                    ..default
                },
                "999 entries, fewer than min_entries = 1000",
            ),
            (
                long(1001),
                Guards {
                    max_entries: 1000,
                    ..default
                },
                "1001 entries, more than max_entries = 1000",
            ),
            (
                long(1000),
                Guards {
                    widest_v4: 33,
                    ..default
                },
                "192.0.0.0/32 is wider than /33 (widest_v4)",
            ),
            (
                long(1000),
                Guards {
                    max_share_v4: 0.0,
                    ..default
                },
                "it covers 0.0000 of all IPv4 addresses, more than max_share_v4 = 0",
            ),
        ] {
            assert_eq!(judged(&parsed, guards).unwrap_err(), expected);
        }
    }
}
