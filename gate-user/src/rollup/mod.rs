//! Rollup: when enough sources of a network are listed for spam of their own, all of it is.
//!
//! In: the book after a change, and what it touched. Out: whether the networks around it are to
//! be listed or not any more. Pure, and without state of its own: the book holds all there is, and
//! a network's part of it is found by its prefix, so a complaint costs a look at its /24.
//!
//! A network is entered by listings that began within the window, and left when half of the
//! sources or fewer are listed, whenever that began. The individual listings stay, so when the
//! rollup ends each stands for itself. What an allow entry lets pass does not count. A source in
//! good standing inside keeps passing: it gets an allow entry of origin `rollup`, which goes when
//! the rollup does, or when anything else lists the source, by itself or with what is around it. What
//! gate makes of its reverse name alone does not speak against it: [`speaks_against`].

mod space;

use gate_common::Reason;
use jiff::Timestamp;

pub use self::space::is_dynamic;
use crate::{
    book::{Book, Change, Listed, NewAllow, NewListing, Origin},
    config::RollupConfig,
    evidence::PtrClass,
    network::Network,
};

/// Prefix lengths that sources are rolled up to unless configured.
const V4: u8 = 24;
const V6: u8 = 48;

/// A network that may be rolled up, and the sources that it takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// The network.
    pub network: Network,
    /// Sources that must be listed for themselves.
    pub needed: usize,
}

/// How a [`Candidate`] stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct State {
    /// The candidate.
    pub candidate: Candidate,
    /// Whether it is dynamic space, where one source is enough.
    pub dynamic: bool,
    /// Sources in it that are listed for spam, up to [`State::needed`].
    pub listed: usize,
    /// Those of them whose listing began within the window.
    pub recent: usize,
    /// Whether it is rolled up now.
    pub rolled_up: bool,
}

/// What is to be done about a [`Candidate`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// List it.
    Enter,
    /// End its listing.
    Leave,
}

impl State {
    /// How many sources must be listed.
    pub fn needed(self) -> usize {
        needed(self.candidate, self.dynamic)
    }

    /// What is to be done.
    pub fn step(self, config: &RollupConfig) -> Step {
        let needed = self.needed();
        if self.rolled_up {
            if !config.enabled || self.listed <= needed / 2 {
                Step::Leave
            } else {
                Step::Stay
            }
        } else if config.enabled && self.recent >= needed {
            Step::Enter
        } else {
            Step::Stay
        }
    }
}

/// The networks around `network` that may be rolled up, that of a /24 or /48 first; none if `network` is
/// wider than a source.
pub fn candidates(
    network: Network,
    config: &RollupConfig,
) -> impl Iterator<Item = Candidate> + use<'_> {
    let source = Network::source(network.address());
    let is_source = source.covers(network);
    let length = if network.is_v4() { V4 } else { V6 };
    let first = (length, config.sources);
    let wider = config
        .wider
        .iter()
        .map(|wider| (wider.length, wider.sources));
    let wider = wider.filter(move |_| network.is_v4());
    std::iter::once(first)
        .chain(wider)
        .filter(move |_| is_source)
        .map(move |(length, sources)| Candidate {
            network: Network::containing(network.address(), length),
            needed: sources as usize,
        })
}

/// Every network of the book that is rolled up or may be: for a look at all of it. One that is
/// rolled up and may not be any more takes more sources than there are.
pub fn all_candidates(book: &Book, config: &RollupConfig) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = book
        .listed()
        .filter(|listed| matches!(listed.reason, Reason::DirectSpam | Reason::HighSpam))
        .flat_map(|listed| candidates(listed.network(), config))
        .collect();
    let rolled_up = book.listed().filter(is_rollup);
    for listed in rolled_up {
        let network = listed.network();
        let source = Network::source(network.address());
        let known = candidates(source, config).find(|one| one.network == network);
        all.push(known.unwrap_or(Candidate {
            network,
            needed: usize::MAX,
        }));
    }
    all.sort_unstable_by_key(|one| one.network);
    all.dedup();
    all
}

fn needed(candidate: Candidate, dynamic: bool) -> usize {
    match candidate.needed {
        // Of a width that is not rolled up any more.
        usize::MAX => usize::MAX,
        _ if dynamic => 1,
        needed => needed,
    }
}

/// How `candidate` stands in `book`. The count stops as soon as it decides. `names` are the PTR
/// names of a sample of it; none if they are not known.
pub fn state(
    book: &Book,
    candidate: Candidate,
    names: &[PtrClass],
    now: Timestamp,
    config: &RollupConfig,
) -> State {
    let dynamic = is_dynamic(names);
    let needed = needed(candidate, dynamic);
    let window = i64::try_from(config.window.as_secs()).unwrap_or(i64::MAX / 4);
    let from = now.as_second() - window;
    let (mut listed, mut recent) = (0, 0);
    let (mut last, mut last_recent) = (None, None);
    let spam =
        |listing: &Listed<'_>| matches!(listing.reason, Reason::DirectSpam | Reason::HighSpam);
    for listing in book.listed_within(candidate.network).filter(spam) {
        let source = Network::source(listing.network().address());
        if !source.covers(listing.network()) || book.allows_all_of(listing.network()) {
            continue;
        }
        // Sorted by network: those of one source come together.
        if last != Some(source) {
            last = Some(source);
            listed += 1;
        }
        if listing.since().as_second() >= from && last_recent != Some(source) {
            last_recent = Some(source);
            recent += 1;
        }
        if recent >= needed {
            break;
        }
    }
    State {
        candidate,
        dynamic,
        listed,
        recent,
        rolled_up: is_rolled_up(book, candidate.network),
    }
}

fn is_rolled_up(book: &Book, network: Network) -> bool {
    book.listed_at(network).any(|listed| is_rollup(&listed))
}

/// Whether anything in the book can have to do with a rollup.
pub fn concerns(book: &Book) -> bool {
    let counts = book.counts();
    [Reason::DirectSpam, Reason::HighSpam, Reason::Rollup]
        .iter()
        .any(|&reason| counts.of_reason(reason) > 0)
}

/// The mail of a network, as far as it decides about a rollup.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mail {
    /// Good messages from sources in good standing.
    pub good: u64,
    /// All messages.
    pub all: u64,
    /// The sources in good standing, and the networks that are registered clean.
    pub clean: Vec<Network>,
}

impl Mail {
    /// Why the network is not to be rolled up, if its mail speaks for it.
    pub fn objection(&self, network: Network, config: &RollupConfig) -> Option<String> {
        if let Some(registered) = self.clean.iter().find(|clean| clean.covers(network)) {
            return Some(format!("{registered} is registered clean"));
        }
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
        let share = self.good as f64 / self.all.max(1) as f64;
        (self.good >= u64::from(config.good_messages) && share >= config.good_share).then(|| {
            format!(
                "{} of its {} messages come from sources in good standing",
                self.good, self.all
            )
        })
    }
}

/// The changes that list `state`'s network, and keep open what is clean inside.
pub fn enter(book: &Book, state: State, mail: &Mail) -> Vec<Change> {
    let network = state.candidate.network;
    let mut evidence = format!("{} of its sources are listed for spam", state.listed);
    if state.dynamic {
        evidence.push_str(", and its PTR names say dynamic space");
    }
    let listing = NewListing {
        network,
        reason: Reason::Rollup,
        origin: Origin::Rollup,
        comment: None,
        evidence: Some(evidence.into()),
        expires: None,
        force: false,
    };
    let clean = mail.clean.iter().copied().filter(|&clean| {
        network.covers(clean)
            && clean != network
            && !book.listed_within(clean).any(speaks_against)
            && !listed_otherwise(book, clean)
            && !book.allows_all_of(clean)
    });
    std::iter::once(Change::List(listing))
        .chain(clean.map(|clean| Change::Allow(shelter(clean, network))))
        .collect()
}

/// The allow entry of a clean source in a network that is rolled up.
pub fn shelter(clean: Network, network: Network) -> NewAllow {
    NewAllow {
        network: clean,
        origin: Origin::Rollup,
        comment: Some(format!("in good standing inside {network}").into()),
        expires: None,
        force: false,
    }
}

/// The changes that end the rollup of `network`, and what it kept open.
pub fn leave(book: &Book, network: Network) -> Vec<Change> {
    let shelters = book
        .allow_within(network)
        .filter(|entry| entry.origin == Origin::Rollup)
        .filter(|entry| {
            // Unless another rollup needs it still.
            let still =
                |other: &Listed<'_>| other.reason == Reason::Rollup && other.network() != network;
            !book
                .listed_covering(entry.network)
                .any(|other| still(&other))
        });
    std::iter::once(Change::Unlist {
        network,
        origin: Some(Origin::Rollup),
        reason: Some(Reason::Rollup),
    })
    .chain(shelters.map(|entry| Change::Disallow {
        network: entry.network,
        origin: Some(Origin::Rollup),
    }))
    .collect()
}

/// The changes that end what a rollup kept open around `network` or in it, because something else
/// lists it now: a shelter is one from the rollup alone, but an allow entry wins over everything.
pub fn unshelter(book: &Book, network: Network) -> Vec<Change> {
    let listed = book.listed_at(network).any(speaks_against);
    let mut ended: Vec<_> = book
        .allow_covering(network)
        .chain(book.allow_within(network))
        .filter(|entry| entry.origin == Origin::Rollup)
        .filter(|entry| listed || listed_otherwise(book, entry.network))
        .map(|entry| entry.network)
        .collect();
    ended.sort_unstable();
    ended.dedup();
    ended
        .into_iter()
        .map(|network| Change::Disallow {
            network,
            origin: Some(Origin::Rollup),
        })
        .collect()
}

fn is_rollup(listed: &Listed<'_>) -> bool {
    listed.reason == Reason::Rollup && *listed.origin() == Origin::Rollup
}

/// Whether anything that speaks against it lists all of `network`: a feed, or an operator.
fn listed_otherwise(book: &Book, network: Network) -> bool {
    book.listed_covering(network).any(speaks_against)
}

/// Whether a listing says that nobody in its network is in good standing. A rollup does not: it is
/// about the others. Nor does what gate makes of a source's reverse name: good mail from a badly
/// named server is good mail. An operator who blocks names as `manual` does.
pub(crate) fn speaks_against(listed: Listed<'_>) -> bool {
    match (listed.origin(), listed.reason) {
        (Origin::Rollup, Reason::Rollup) => false,
        (Origin::Ptr, reason) => !matches!(
            reason,
            Reason::NoRdns | Reason::Forged | Reason::Dynamic | Reason::Generic
        ),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
