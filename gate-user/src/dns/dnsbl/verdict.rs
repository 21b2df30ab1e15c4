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
    let mut against = BTreeSet::new();
    for (zone, word) in words {
        let no_answer = match word {
            Ok(Says::Unlisted) => continue,
            Ok(Says::Listed(codes)) => {
                for list in zone.met(codes, config) {
                    let answer = zone_answer(list, codes, address, config);
                    if answer.weight > 0 {
                        against.insert(&zone.zone);
                    }
                    answers.push(answer);
                }
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
    let sum = answers.iter().map(|answer| i32::from(answer.weight)).sum();
    let trusted = |answer: &ZoneAnswer| answer.trusted && answer.weight > 0;
    Verdict {
        listed: sum >= config.threshold && (against.len() >= 2 || answers.iter().any(trusted)),
        answers,
        sum,
        missing,
    }
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
mod tests {
    use super::*;
    use crate::config::DnsblList;

    /// Lists: `site`, `site trusted`.
    fn config(lists: &[&str]) -> DnsblConfig {
        let list = |text: &&str| {
            let (site, trusted) = match text.strip_suffix(" trusted") {
                Some(site) => (site, true),
                None => (*text, false),
            };
            let site: crate::config::Site = site.parse().unwrap();
            // A zone may be there twice.
            let name = site
                .filter
                .as_ref()
                .map(|_| format!("{}{}", site.zone.as_str(), site.weight));
            DnsblList {
                trusted,
                name: name.map(|name| name.parse().unwrap()),
                ..DnsblList::new(site)
            }
        };
        DnsblConfig {
            lists: lists.iter().map(list).collect(),
            ..DnsblConfig::default()
        }
    }

    /// The verdict where each zone answers its codes.
    fn verdict(config: &DnsblConfig, codes: &[&str]) -> Verdict {
        let zones = ZoneLists::of(config);
        assert_eq!(zones.len(), codes.len());
        let words: Vec<_> = zones
            .iter()
            .zip(codes)
            .map(|(zone, codes)| {
                let codes: Vec<Ipv4Addr> = codes
                    .split_whitespace()
                    .map(|code| code.parse().unwrap())
                    .collect();
                let says = if codes.is_empty() {
                    Says::Unlisted
                } else {
                    Says::Listed(codes)
                };
                (zone, Ok(says))
            })
            .collect();
        judge("192.0.2.7".parse().unwrap(), &words, config)
    }

    #[test]
    fn weights_filters_and_who_may_list() {
        const A: &str = "127.0.0.2";
        for (lists, codes, sum, listed) in [
            // Two lists, one, and one that is trusted.
            (&["a.example", "b.example"][..], &[A, A][..], 2, true),
            (&["a.example", "b.example"], &[A, ""], 1, false),
            (&["a.example*9", "b.example"], &[A, ""], 9, false),
            (&["a.example*2 trusted", "b.example"], &[A, ""], 2, true),
            (&["a.example*1 trusted", "b.example"], &[A, ""], 1, false),
            // A trusted list that says nothing trusts nobody else.
            (&["a.example*2 trusted", "b.example*2"], &["", A], 2, false),
            // Two lists of one zone are one voice.
            (
                &["a.example=127.0.0.2*2", "a.example=127.0.0.[1..9]*3"],
                &[A],
                5,
                false,
            ),
            (
                &[
                    "a.example=127.0.0.2*2",
                    "a.example=127.0.0.[1..9]*3 trusted",
                ],
                &[A],
                5,
                true,
            ),
            // Filters: any code will do, and each list counts once.
            (&["a.example=127.0.0.[3..11]*2 trusted"], &[A], 0, false),
            (
                &["a.example=127.0.0.[3..11]*2 trusted"],
                &["127.0.0.2 127.0.0.10 127.0.0.11"],
                2,
                true,
            ),
            // Lists of good sources.
            (
                &["a.example", "b.example", "good.example*-1"],
                &[A, A, A],
                1,
                false,
            ),
            (
                &["a.example*2", "b.example", "good.example*-1"],
                &[A, A, A],
                2,
                true,
            ),
            // They are no second voice, and no trusted one.
            (&["a.example*5", "good.example*-1"], &[A, A], 4, false),
            (
                &["a.example*5", "good.example*-1 trusted"],
                &[A, A],
                4,
                false,
            ),
            // What weighs nothing is no voice.
            (&["a.example*5", "b.example*0"], &[A, A], 5, false),
            (&["a.example", "b.example"], &["", ""], 0, false),
        ] {
            let verdict = verdict(&config(lists), codes);
            assert_eq!(
                (verdict.sum, verdict.listed),
                (sum, listed),
                "{lists:?} {codes:?}"
            );
        }
    }

    #[test]
    fn what_does_not_answer_counts_nothing_and_is_told() {
        let config = config(&[
            "a.example",
            "b.example",
            "c.example",
            "d.example trusted",
            "e.example",
        ]);
        let zones = ZoneLists::of(&config);
        let refused = Ipv4Addr::new(127, 255, 255, 254);
        let words = [
            Ok(Says::Astray(super::super::says::Astray::Refused(refused))),
            Ok(Says::Failed(Failure::Timeout)),
            Ok(Says::NotAsked(Shed::PerZone)),
            Err(NoAnswer::Held(Why::ListsProbe)),
            Err(NoAnswer::Untested),
        ];
        let words: Vec<_> = zones.iter().zip(words).collect();
        let verdict = judge("192.0.2.7".parse().unwrap(), &words, &config);
        assert_eq!((verdict.sum, verdict.listed), (0, false));
        assert_eq!(verdict.to_string(), "on no list");
        let missing: Vec<_> = verdict
            .missing
            .iter()
            .map(|missing| format!("{}: {}", missing.name, missing.why))
            .collect();
        assert_eq!(
            missing,
            [
                "a.example: on hold: does not answer us (127.255.255.254: asked through an open resolver)",
                "b.example: no answer in time",
                "c.example: not asked: over the queries a second of its zone",
                "d.example: on hold: lists a name that was made up: it may list everybody",
                "e.example: not tested yet",
            ]
        );
    }

    #[test]
    fn points_follow_the_weight() {
        let mut config = config(&["a.example", "b.example*9", "good.example*-3", "c.example*2"]);
        config.lists[3].points = Some(7);
        let verdict = verdict(
            &config,
            &["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.4"],
        );
        let points: Vec<_> = verdict
            .points()
            .iter()
            .map(|answer| format!("{} {}", answer.zone, answer.points))
            .collect();
        assert_eq!(points, ["a.example 10", "b.example 50", "c.example 7"]);
        assert_eq!(
            verdict.to_string(),
            "on a.example (127.0.0.2), b.example (127.0.0.3), good.example (127.0.0.2), \
             c.example (127.0.0.4): weight 9"
        );
    }

    #[test]
    fn a_reply_has_the_lists_page() {
        let mut config = config(&["a.example"]);
        config.lists[0].url = "https://a.example/?ip={ip}".to_owned().try_into().unwrap();
        let verdict = verdict(&config, &["127.0.0.2"]);
        assert_eq!(
            verdict.answers[0].url.as_deref(),
            Some("https://a.example/?ip=192.0.2.7")
        );
    }
}
