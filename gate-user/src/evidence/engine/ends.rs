//! When listings end that follow from scores.
//!
//! In: a source with its score, and the book. Out: the changes that list it, or let its listing
//! last longer.

use std::collections::{HashMap, HashSet};

use gate_common::Reason;
use jiff::Timestamp;

use super::{after, seconds};
use crate::{
    book::{Book, BookError, Change, NewListing, Origin, Work},
    config::Config,
    evidence::{Score, SourceEvidence},
    network::Network,
    removal,
};

/// A source about which there is to decide.
pub(super) struct Subject<'a> {
    pub(super) source: Network,
    /// Whether somebody complained of it just now.
    pub(super) complained: bool,
    pub(super) score: &'a Score,
    pub(super) evidence: &'a SourceEvidence,
}

/// When a listing that follows from a score is to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// `highspam`: after a fixed time.
    Fixed,
    /// `nobounce`: by the postmaster's word.
    Postmaster,
    /// `directspam`: when the source has been quiet since `last`, if that is later than `so_far`.
    Quiet {
        last: Timestamp,
        so_far: Option<Timestamp>,
    },
}

/// What follows for one source from its score.
pub(super) fn decide(book: &Book, subject: &Subject<'_>) -> Option<End> {
    let current = |reason| {
        let mut listings = book.at(subject.source);
        listings.find(|is| is.origin == Origin::Complaints && is.reason == reason)
    };
    match subject.score.reason {
        Some(Reason::HighSpam) => current(Reason::HighSpam).is_none().then_some(End::Fixed),
        Some(Reason::NoBounce) => current(Reason::NoBounce)
            .is_none()
            .then_some(End::Postmaster),
        listed => {
            let old = current(Reason::DirectSpam);
            // A source that is listed is quiet for as long as nobody complains, whatever its score.
            if listed.is_none() && !(subject.complained && old.is_some()) {
                return None;
            }
            let complaints = subject.evidence.complaints.iter();
            Some(End::Quiet {
                last: complaints.map(|one| one.at).max()?,
                so_far: old.and_then(|old| old.expires),
            })
        }
    }
}

/// The changes that list these sources, each with its score.
pub(super) async fn ends(
    work: &mut Work<'_>,
    due: Vec<(Network, End, String)>,
    config: &Config,
) -> Result<Vec<Change>, BookError> {
    let quiet: Vec<Network> = due
        .iter()
        .filter(|(_, end, _)| matches!(end, End::Quiet { .. }))
        .map(|&(source, ..)| source)
        .collect();
    let quiet = QuietTimes::of(work, &quiet, config).await?;
    let now = work.now();
    let change = |(source, end, score): (Network, End, String)| {
        let (reason, expires) = match end {
            End::Fixed => {
                let end = after(now, seconds(config.listing.highspam));
                (Reason::HighSpam, Some(end))
            }
            End::Postmaster => (Reason::NoBounce, None),
            End::Quiet { last, so_far } => {
                let end = after(last.min(now), quiet.seconds(source, config));
                if end <= so_far.unwrap_or(now) {
                    return None;
                }
                (Reason::DirectSpam, Some(end))
            }
        };
        Some(Change::List(NewListing {
            network: source,
            reason,
            origin: Origin::Complaints,
            comment: None,
            evidence: Some(score.into()),
            expires,
            force: false,
        }))
    };
    Ok(due.into_iter().filter_map(change).collect())
}

/// What makes the quiet time of sources longer.
struct QuietTimes {
    former: HashMap<Network, u32>,
    on_probation: HashSet<Network>,
}

impl QuietTimes {
    /// Of `sources`: asked for all at once, because each question takes its time.
    async fn of(
        work: &mut Work<'_>,
        sources: &[Network],
        config: &Config,
    ) -> Result<Self, BookError> {
        let now = work.now();
        let from = after(now, -seconds(config.listing.repeat_within));
        let origin = Origin::Complaints;
        let former = work.ended_listings(sources, Reason::DirectSpam, &origin, from);
        let former = former.await?;
        let probation = after(now, -seconds(config.removal.probation));
        let on_probation = removal::granted_since(work, sources, probation).await?;
        Ok(Self {
            former,
            on_probation,
        })
    }

    /// How many seconds `source` must be quiet: doubled by each former listing, and by a probation.
    fn seconds(&self, source: Network, config: &Config) -> i64 {
        let listing = &config.listing;
        let former = self.former.get(&source).copied().unwrap_or(0);
        let doublings = former.saturating_add(self.on_probation.contains(&source).into());
        let longest = seconds(listing.longest).max(seconds(listing.quiet));
        let factor = 1_i64 << doublings.min(20);
        seconds(listing.quiet).saturating_mul(factor).min(longest)
    }
}
