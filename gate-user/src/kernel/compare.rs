//! Counts of connections, compared with the kernel's own table of sockets.
//!
//! In: both. Out: corrections. The programs count while this looks, so a difference alone means
//! nothing: a connection may have opened between two looks. A count is corrected only where it is
//! known that nothing happened to it meanwhile: it says how often it has changed, and that must be
//! the same before and after the sockets were read, and again a little later, with the same
//! difference; and the program that sets it compares once more, under the lock. So a correction
//! never undoes what is being counted, and a source that never rests is left to its next rest.
//!
//! Where no program counts, the table of sockets is all there is: then each look sets the counts.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::IpAddr,
    thread,
    time::Duration,
};

use gate_common::{Correction, Limit, Source, names};

use super::{
    KernelError,
    maps::Maps,
    sockets::{self, Connection},
    sources::{Standing, address},
};

/// How long after a first look the second one is: longer than a packet takes through the stack.
const PAUSE: Duration = Duration::from_millis(50);

/// A count that was set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Corrected {
    /// Whose: an IPv4 address, or the first address of an IPv6 /64.
    pub source: IpAddr,
    /// Open connections before.
    pub before: u32,
    /// Open connections now.
    pub open: u32,
    /// Connections that it has opened since the last look, where no program counts.
    pub opened: u32,
    /// The limit that the source reached by it.
    pub reached: Option<Limit>,
}

/// Sources and what is counted of them.
type Standings = HashMap<Source, Standing>;

/// What is to be set of a source, if its count is still the one that was seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Difference {
    /// What was seen of its count.
    standing: Option<Standing>,
    /// How many connections it has.
    open: u32,
}

/// Compares the counts that a program keeps with the table of sockets, and corrects those that
/// differ. Takes some milliseconds, or, where anything differs, some more than 50.
///
/// # Errors
///
/// [`KernelError::Map`], or [`KernelError::Sockets`].
pub(super) fn compare(maps: &Maps) -> Result<Vec<Corrected>, KernelError> {
    let first = look(maps)?;
    if first.is_empty() {
        return Ok(Vec::new());
    }
    thread::sleep(PAUSE);
    let second = look(maps)?;
    let same = second
        .into_iter()
        .filter(|(source, difference)| first.get(source) == Some(difference));
    correct(maps, same, &HashMap::new())
}

/// Sets the counts by the table of sockets, where no program counts; `known` holds the sockets of
/// the last look. At the first, `None`, nobody has opened anything: what is there may be old.
///
/// # Errors
///
/// As [`compare`].
pub(super) fn count(
    maps: &Maps,
    known: &mut Option<HashSet<u64>>,
) -> Result<Vec<Corrected>, KernelError> {
    let connections = read(maps)?;
    let standings = maps.sources.standings()?;
    let mut opened = HashMap::<Source, u32>::new();
    if let Some(known) = known {
        for fresh in connections.iter().filter(|is| !known.contains(&is.cookie)) {
            *opened.entry(fresh.source).or_default() += 1;
        }
    }
    *known = Some(connections.iter().map(|is| is.cookie).collect());
    let differences = differences(&standings, &sum(&connections), &standings);
    // Whoever opens as many as it closes differs in nothing but what it has opened.
    let churned = opened
        .keys()
        .filter(|source| !differences.contains_key(source));
    let churned = churned.filter_map(|&source| {
        let standing = standings.get(&source).copied()?;
        let open = standing.open;
        let standing = Some(standing);
        Some((source, Difference { standing, open }))
    });
    let all: Vec<_> = churned
        .chain(differences.iter().map(|(&is, &it)| (is, it)))
        .collect();
    correct(maps, all, &opened)
}

fn read(maps: &Maps) -> Result<Vec<Connection>, KernelError> {
    let ports: Vec<u16> = maps
        .config()?
        .ports
        .into_iter()
        .filter(|&port| port != 0)
        .collect();
    sockets::connections(&ports).map_err(KernelError::Sockets)
}

fn look(maps: &Maps) -> Result<HashMap<Source, Difference>, KernelError> {
    let before = maps.sources.standings()?;
    let sockets = sum(&read(maps)?);
    let after = maps.sources.standings()?;
    Ok(differences(&before, &sockets, &after))
}

fn sum(connections: &[Connection]) -> HashMap<Source, u32> {
    let mut sum = HashMap::new();
    for connection in connections {
        *sum.entry(connection.source).or_default() += 1;
    }
    sum
}

/// The sources whose count is not what the sockets say, and did not change while those were read.
fn differences(
    before: &Standings,
    sockets: &HashMap<Source, u32>,
    after: &Standings,
) -> HashMap<Source, Difference> {
    let sources = sockets.keys().chain(after.keys());
    sources
        .filter_map(|source| {
            let standing = after.get(source).copied();
            let open = sockets.get(source).copied().unwrap_or(0);
            let counted = standing.map_or(0, |standing| standing.open);
            (before.get(source).copied() == standing && counted != open)
                .then_some((*source, Difference { standing, open }))
        })
        .collect()
}

fn correct(
    maps: &Maps,
    differences: impl IntoIterator<Item = (Source, Difference)>,
    opened: &HashMap<Source, u32>,
) -> Result<Vec<Corrected>, KernelError> {
    let mut corrected = Vec::new();
    for (source, Difference { standing, open }) in differences {
        let correction = Correction {
            source,
            open,
            opened: opened.get(&source).copied().unwrap_or(0),
            changes: standing.map_or(0, |standing| standing.changes),
            absent: u32::from(standing.is_none()),
        };
        let answer = maps
            .correct(&correction)
            .map_err(|source| KernelError::Map {
                map: names::SOURCES,
                what: "correcting a count",
                source,
            })?;
        if answer & 0xff == Correction::DONE {
            corrected.push(Corrected {
                source: address(source),
                before: standing.map_or(0, |standing| standing.open),
                open,
                opened: correction.opened,
                reached: reached(answer),
            });
        }
    }
    Ok(corrected)
}

fn reached(answer: u32) -> Option<Limit> {
    if answer & Correction::CONNECTIONS != 0 {
        Some(Limit::Connections)
    } else if answer & Correction::RATE != 0 {
        Some(Limit::Rate)
    } else {
        None
    }
}

/// What the program `correct` answered, in the words of who runs programs.
pub(super) fn not_run(source: &io::Error) -> io::Error {
    io::Error::new(
        source.kind(),
        format!("running `{}`: {source}", names::CORRECT),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: Source = Source::v4(0xc000_0207);

    fn standings(of: Option<(u32, u32)>) -> Standings {
        let standing = of.map(|(open, changes)| (WHO, Standing { open, changes }));
        standing.into_iter().collect()
    }

    #[test]
    fn a_count_is_in_doubt_only_where_it_rested() {
        // Open and changes before, sockets, open and changes after; what is to be set.
        for (before, sockets, after, expected) in [
            (Some((2, 9)), 2, Some((2, 9)), None),
            (Some((2, 9)), 3, Some((2, 9)), Some(3)),
            (Some((2, 9)), 0, Some((2, 9)), Some(0)),
            (None, 3, None, Some(3)),
            (None, 0, None, None),
            // It changed while the sockets were read, if only there and back.
            (Some((2, 9)), 3, Some((3, 10)), None),
            (Some((2, 9)), 3, Some((2, 11)), None),
            (None, 1, Some((1, 1)), None),
            (Some((0, 9)), 1, None, None),
        ] {
            let sockets = (sockets != 0)
                .then_some((WHO, sockets))
                .into_iter()
                .collect();
            let found = differences(&standings(before), &sockets, &standings(after));
            let open = found.get(&WHO).map(|difference| difference.open);
            assert_eq!(open, expected, "{before:?} {sockets:?} {after:?}");
        }
    }
}
