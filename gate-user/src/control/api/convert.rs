//! From what the daemon knows to what it says.

use jiff::Timestamp;

use super::{
    AllowEntry, BadLine, Check, EvidenceKind, EvidenceRecord, EvidenceRefused, EvidenceTaken,
    Exception, ExceptionKind, Feed, FeedFile, FeedInForce, Fetch, HistoryEntry, KernelAnswer,
    Listing, Match, MatchKind, Override, Term,
};
use crate::{
    book::{self, Standing},
    evidence,
    feeds::{self, FeedStatus, FetchStatus, FileState, InForce, SourceStatus},
    plan::{self, Answer, Shelter},
};

impl From<book::Listing> for Listing {
    fn from(listing: book::Listing) -> Self {
        Self {
            id: listing.id.0,
            network: listing.network,
            reason: listing.reason,
            origin: listing.origin,
            since: listing.since,
            expires: listing.expires,
            comment: listing.comment.map(|text| text.as_ref().to_owned()),
            evidence: listing.evidence.map(|text| text.as_ref().to_owned()),
        }
    }
}

impl From<book::AllowEntry> for AllowEntry {
    fn from(entry: book::AllowEntry) -> Self {
        Self {
            network: entry.network,
            origin: entry.origin,
            since: entry.since,
            expires: entry.expires,
            comment: entry.comment.map(|text| text.as_ref().to_owned()),
        }
    }
}

impl From<book::HistoryEntry> for HistoryEntry {
    fn from(entry: book::HistoryEntry) -> Self {
        let reason = match entry.standing {
            Standing::Listed(reason) => Some(reason),
            Standing::Allowed => None,
        };
        let times = (entry.since, entry.expires);
        Self {
            network: entry.network,
            allow: reason.is_none(),
            reason,
            origin: entry.origin,
            term: Term::new(times, entry.added_by, entry.renewed, entry.end),
            comment: entry.comment,
            evidence: entry.evidence,
        }
    }
}

impl Check {
    /// The plan's answer, the kernel's (`None`: the gate is not on the wire), and the overrides of
    /// DNSBLs that cover the address.
    pub fn new(answer: Answer, kernel: Option<KernelAnswer>, overrides: Vec<Override>) -> Self {
        let (listed, allowed) = (answer.listed(), answer.allowed());
        let winner = answer.winner().map(|winner| winner.listing.clone());
        let winner = winner.map(Listing::from);
        let matches = answer.matches.into_iter().map(Match::from);
        Self {
            address: answer.address,
            listed,
            verdict: answer.verdict,
            network: winner.as_ref().map(|it| it.network),
            reason: winner.as_ref().map(|it| it.reason),
            origin: winner.as_ref().map(|it| it.origin.clone()),
            since: winner.as_ref().map(|it| it.since),
            expires: winner.as_ref().and_then(|it| it.expires),
            comment: winner.and_then(|it| it.comment),
            allowed,
            kernel,
            matches: answer
                .shelters
                .into_iter()
                .map(Match::from)
                .chain(matches)
                .collect(),
            overrides,
        }
    }
}

impl From<plan::Match> for Match {
    fn from(found: plan::Match) -> Self {
        let listing = Listing::from(found.listing);
        Self {
            kind: MatchKind::Listing,
            network: listing.network,
            reason: Some(listing.reason),
            enforcement: Some(found.enforcement),
            origin: Some(listing.origin),
            since: Some(listing.since),
            expires: listing.expires,
            comment: listing.comment,
            evidence: listing.evidence,
        }
    }
}

impl From<Shelter> for Match {
    fn from(shelter: Shelter) -> Self {
        let network = shelter.network();
        let (kind, entry) = match shelter {
            Shelter::Protected(_) => (MatchKind::Own, None),
            Shelter::Allowed(entry) => (MatchKind::Allow, Some(AllowEntry::from(entry))),
        };
        Self {
            kind,
            network,
            reason: None,
            enforcement: None,
            origin: entry.as_ref().map(|it| it.origin.clone()),
            since: entry.as_ref().map(|it| it.since),
            expires: entry.as_ref().and_then(|it| it.expires),
            comment: entry.and_then(|it| it.comment),
            evidence: None,
        }
    }
}

impl From<Shelter> for Exception {
    fn from(shelter: Shelter) -> Self {
        Self {
            kind: match shelter {
                Shelter::Protected(_) => ExceptionKind::Own,
                Shelter::Allowed(_) => ExceptionKind::Allow,
            },
            network: shelter.network(),
        }
    }
}

impl From<FeedStatus> for Feed {
    fn from(status: FeedStatus) -> Self {
        let (file, error) = match status.file {
            FileState::Unread => (FeedFile::Unread, None),
            FileState::Ok => (FeedFile::Ok, None),
            FileState::Refused { why } => (FeedFile::Refused, Some(why)),
            FileState::Missing => (FeedFile::Missing, None),
            FileState::Unreadable { why } => (FeedFile::Unreadable, Some(why)),
            FileState::Failed { why } => (FeedFile::Failed, Some(why)),
        };
        let (path, fetch) = match status.source {
            SourceStatus::File(path) => (Some(path.display().to_string()), None),
            SourceStatus::Url(fetch) => (None, Some(fetch.into())),
        };
        Self {
            name: status.name.to_string(),
            path,
            fetch,
            format: status.format.as_str().to_owned(),
            file,
            error,
            in_force: match status.in_force {
                InForce::File => FeedInForce::File,
                InForce::LastGood => FeedInForce::LastGood,
                InForce::Nothing => FeedInForce::Nothing,
            },
            networks: status.entries as u64,
            loaded: status.loaded,
            made: status.made,
            checked: status.checked,
            lapses: status.lapses,
            bad_lines: status.bad_lines.count as u64,
            bad: status.bad_lines.first.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<FetchStatus> for Fetch {
    fn from(fetch: FetchStatus) -> Self {
        Self {
            url: fetch.url,
            fetched: fetch.fetched,
            next: fetch.next,
            http: fetch.http,
            failures: fetch.failures,
        }
    }
}

impl From<feeds::BadLine> for BadLine {
    fn from(bad: feeds::BadLine) -> Self {
        Self {
            line: bad.number as u64,
            text: bad.text,
            error: bad.why,
        }
    }
}

/// A record of evidence; `now` is its time if it has none.
pub(crate) fn record(record: &EvidenceRecord, now: Timestamp) -> evidence::Evidence {
    let count = record.count.max(1);
    let complaint = |trap| evidence::Kind::Complaint {
        incidents: count,
        trap,
    };
    let kind = match record.kind {
        EvidenceKind::Complaint => complaint(false),
        EvidenceKind::Trap => complaint(true),
        EvidenceKind::Spam => evidence::Kind::Spam { count },
        EvidenceKind::Ham => evidence::Kind::Ham { count },
        EvidenceKind::Bounce => evidence::Kind::Bounce { count },
    };
    let digest = record.id.as_ref().map(|id| {
        let parts = [record.kind.as_str(), &record.from, id];
        evidence::Digest::of(parts.map(str::as_bytes))
    });
    evidence::Evidence::new(
        record.address,
        record.at.unwrap_or(now),
        &record.from,
        kind,
        digest,
    )
}

/// What became of records.
pub(crate) fn taken(taken: evidence::Taken) -> EvidenceTaken {
    let mut answer = EvidenceTaken::default();
    for (record, fate) in taken.fates.into_iter().enumerate() {
        match fate {
            evidence::Fate::Taken => answer.taken += 1,
            evidence::Fate::Repeated => answer.repeated += 1,
            evidence::Fate::Refused(why) => answer.refused.push(EvidenceRefused {
                record,
                why: why.to_string(),
            }),
        }
    }
    answer.listed = taken.listed.into_iter().map(Into::into).collect();
    answer
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::plan::{Enforcement, Verdict};

    fn listing(network: &str, id: i64) -> book::Listing {
        book::Listing {
            id: book::ListingId(id),
            network: network.parse().unwrap(),
            reason: gate_common::Reason::Manual,
            origin: book::Origin::Operator,
            comment: Some("why".into()),
            evidence: None,
            since: Timestamp::from_second(1).unwrap(),
            expires: Timestamp::from_second(2).ok(),
        }
    }

    fn check(listed: &[&str], shelters: Vec<Shelter>) -> Check {
        let verdict = match (listed, shelters.as_slice()) {
            ([_, ..], []) => Verdict::Drop,
            _ => Verdict::Pass,
        };
        let found = |(id, network): (i64, &&str)| plan::Match {
            listing: listing(network, id),
            enforcement: Enforcement::Drop,
            verdict,
        };
        let answer = Answer {
            address: "192.0.2.7".parse().unwrap(),
            verdict,
            matches: (0..).zip(listed).map(found).collect(),
            shelters,
        };
        Check::new(answer, None, Vec::new())
    }

    #[test]
    fn a_check_shows_the_listing_that_counts_and_all_matches_the_winner_first() {
        let own = || Shelter::Protected("192.0.2.7/32".parse().unwrap());
        for (listed, shelters, verdict, network, kinds) in [
            (&[][..], vec![], Verdict::Pass, None, &[][..]),
            (
                &["192.0.2.0/24", "192.0.0.0/16"],
                vec![],
                Verdict::Drop,
                Some("192.0.2.0/24"),
                &[MatchKind::Listing, MatchKind::Listing],
            ),
            (&[], vec![own()], Verdict::Pass, None, &[MatchKind::Own]),
            (
                &["192.0.2.0/24"],
                vec![own()],
                Verdict::Pass,
                Some("192.0.2.0/24"),
                &[MatchKind::Own, MatchKind::Listing],
            ),
        ] {
            let allowed = !shelters.is_empty();
            let check = check(listed, shelters);
            assert_eq!(check.listed, !listed.is_empty());
            assert_eq!(check.allowed, allowed);
            assert_eq!(check.verdict, verdict);
            assert_eq!(check.network, network.map(|text| text.parse().unwrap()));
            assert_eq!(check.comment, network.map(|_| "why".to_owned()));
            let found: Vec<_> = check.matches.iter().map(|it| it.kind).collect();
            assert_eq!(found, kinds);
        }
    }
}
