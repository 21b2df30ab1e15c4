//! What the zones' answers make of a source: pure.
//!
//! In: what each zone says, and the configuration. Out: the lists that count, the sum of their
//! weights, and whether that lists the source.

use std::{collections::BTreeSet, fmt, net::IpAddr, net::Ipv4Addr};

use super::{health::Why, says::Says};
use crate::{
    config::{DnsblConfig, Family, ListName, Zone},
    dns::resolver::{Failure, Shed},
    evidence::DnsblAnswer,
};

/// A zone, and the lists that are made of its answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ZoneLists {
    pub(super) zone: Zone,
    pub(super) families: Vec<Family>,
    pub(super) test_points: bool,
    /// Where its lists are in the configuration; at least one.
    pub(super) lists: Vec<usize>,
}

impl ZoneLists {
    /// The zones of `config`, in the order in which they come first.
    pub(super) fn of(config: &DnsblConfig) -> Vec<Self> {
        let mut zones: Vec<Self> = Vec::new();
        for (at, list) in config.lists.iter().enumerate() {
            match zones.iter_mut().find(|zone| zone.zone == list.site.zone) {
                Some(zone) => zone.lists.push(at),
                None => zones.push(Self {
                    zone: list.site.zone.clone(),
                    families: list.families.clone(),
                    test_points: list.test_points,
                    lists: vec![at],
                }),
            }
        }
        zones
    }

    /// Whether it is a list of good sources: nothing that it says speaks against anybody.
    pub(super) fn speaks_for(&self, config: &DnsblConfig) -> bool {
        let lists = &config.lists;
        self.lists.iter().all(|&at| lists[at].site.weight < 0)
    }

    /// Whether `says` moves the sum the way that is the zone's: against the source, or for it if
    /// that is all it can do.
    pub(super) fn speaks(&self, says: &Says, config: &DnsblConfig) -> bool {
        let Says::Listed(codes) = says else {
            return false;
        };
        let met = self.met(codes, config);
        let weight: i32 = met.map(|at| i32::from(config.lists[at].site.weight)).sum();
        if self.speaks_for(config) {
            weight < 0
        } else {
            weight > 0
        }
    }

    /// Its lists that `codes` meet.
    pub(super) fn met<'a>(
        &'a self,
        codes: &'a [Ipv4Addr],
        config: &'a DnsblConfig,
    ) -> impl Iterator<Item = usize> + 'a {
        self.lists.iter().copied().filter(|&at| {
            let filter = config.lists[at].site.filter.as_ref();
            let meets = |&code| filter.is_none_or(|filter| filter.meets(code));
            codes.iter().any(meets)
        })
    }
}

/// A list that lists the source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneAnswer {
    /// Where it is in the configuration, from 0.
    pub(super) list: usize,
    /// Its public name: what [`Dnsbl::text`](super::Dnsbl::text) is asked with.
    pub name: ListName,
    /// The codes that its zone answers, those that its filter leaves out too.
    pub codes: Vec<Ipv4Addr>,
    /// What that weighs.
    pub weight: i16,
    /// The points that it costs in the score.
    pub points: u8,
    /// Whether it needs no second list.
    pub trusted: bool,
    /// Its page about the source.
    pub url: Option<String>,
}

/// A list that says nothing, and so counts nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// Its public name.
    pub name: ListName,
    /// Why it says nothing.
    pub why: NoAnswer,
}

/// Why a list says nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// It was not tested yet.
    Untested,
    /// It is on hold.
    Held(Why),
    /// It lists the source, but its test points could not be asked.
    Uncontrolled,
    /// Nobody could say.
    Failed(Failure),
    /// The budget did not allow to ask.
    NotAsked(Shed),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untested => f.write_str("not tested yet"),
            Self::Held(why) => write!(f, "on hold: {why}"),
            Self::Uncontrolled => f.write_str("its test points could not be asked"),
            Self::Failed(failure) => failure.fmt(f),
            Self::NotAsked(shed) => write!(f, "not asked: {shed}"),
        }
    }
}

/// What the lists together say of a source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// The lists that list it, in the order of the configuration.
    pub answers: Vec<ZoneAnswer>,
    /// The sum of their weights.
    pub sum: i32,
    /// Whether it is to be listed: the sum reaches the threshold, and two zones of positive weight
    /// say so, or a trusted one.
    pub listed: bool,
    /// The lists that answer and do not list it.
    pub unlisted: Vec<ListName>,
    /// The lists that say nothing.
    pub missing: Vec<Missing>,
}

impl Verdict {
    /// What the score takes: each list that costs points.
    pub fn points(&self) -> Vec<DnsblAnswer> {
        let costly = self.answers.iter().filter(|answer| answer.points > 0);
        costly
            .map(|answer| DnsblAnswer {
                zone: answer.name.to_shared(),
                points: answer.points,
            })
            .collect()
    }
}

/// As evidence of a listing: `on zen.example (127.0.0.2), bl.example (127.0.0.3): weight 3`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.answers.is_empty() {
            return f.write_str("on no list");
        }
        for (i, answer) in self.answers.iter().enumerate() {
            f.write_str(if i == 0 { "on " } else { ", " })?;
            let codes: Vec<_> = answer.codes.iter().map(ToString::to_string).collect();
            write!(f, "{} ({})", answer.name, codes.join(" "))?;
        }
        write!(f, ": weight {}", self.sum)
    }
}

/// What one zone says, or why it does not.
pub(super) type Word = Result<Says, NoAnswer>;

/// What `words`, one a zone of `zones`, make of `address`. Zones that are not asked about its family
/// have no word.
pub(super) fn judge(
    address: IpAddr,
    words: &[(&ZoneLists, Word)],
    config: &DnsblConfig,
) -> Verdict {
    let mut answers = Vec::new();
    let mut missing = Vec::new();
    let mut unlisted = Vec::new();
    for (zone, word) in words {
        let no_answer = match word {
            Ok(Says::Unlisted) => {
                unlisted.extend(zone.lists.iter().map(|&at| config.lists[at].public_name()));
                continue;
            }
            Ok(Says::Listed(codes)) => {
                let met: Vec<_> = zone.met(codes, config).collect();
                let others = zone.lists.iter().filter(|at| !met.contains(at));
                unlisted.extend(others.map(|&at| config.lists[at].public_name()));
                let answer = |list| zone_answer(list, codes, address, config);
                answers.extend(met.into_iter().map(answer));
                continue;
            }
            Ok(Says::Astray(astray)) => NoAnswer::Held(Why::Astray(*astray)),
            Ok(Says::Failed(failure)) => NoAnswer::Failed(*failure),
            Ok(Says::NotAsked(shed)) => NoAnswer::NotAsked(*shed),
            Err(no_answer) => *no_answer,
        };
        missing.extend(zone.lists.iter().map(|&list| Missing {
            name: config.lists[list].public_name(),
            why: no_answer,
        }));
    }
    answers.sort_by_key(|answer| answer.list);
    let (sum, listed) = weigh(answers.iter().map(|answer| answer.list), config);
    Verdict {
        answers,
        sum,
        listed,
        unlisted,
        missing,
    }
}

/// The sum of the weights of `lists`, by their places in the configuration, and whether that lists
/// a source which all of them list.
fn weigh(lists: impl Iterator<Item = usize>, config: &DnsblConfig) -> (i32, bool) {
    let (mut sum, mut against, mut trusted) = (0, BTreeSet::new(), false);
    for list in lists.map(|at| &config.lists[at]) {
        sum += i32::from(list.site.weight);
        if list.site.weight > 0 {
            against.insert(&list.site.zone);
            trusted |= list.trusted;
        }
    }
    (
        sum,
        sum >= config.threshold && (against.len() >= 2 || trusted),
    )
}

/// The same for the lists of these public names; those that are not configured any more count
/// nothing.
pub fn weigh_named<'n>(names: impl Iterator<Item = &'n str>, config: &DnsblConfig) -> (i32, bool) {
    let place = |name: &str| {
        let mut lists = config.lists.iter();
        lists.position(|list| list.public_name().as_str() == name)
    };
    weigh(names.filter_map(place), config)
}

fn zone_answer(
    list: usize,
    codes: &[Ipv4Addr],
    address: IpAddr,
    config: &DnsblConfig,
) -> ZoneAnswer {
    let at = &config.lists[list];
    ZoneAnswer {
        list,
        name: at.public_name(),
        codes: codes.to_vec(),
        weight: at.site.weight,
        points: at.score_points(),
        trusted: at.trusted,
        url: at.url.about(address),
    }
}

#[cfg(test)]
mod tests;
