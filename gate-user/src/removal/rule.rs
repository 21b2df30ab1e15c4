//! The rules: pure, by reason and by the score.

use std::fmt;

use gate_common::Reason;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    book::{Listing, Origin},
    config::ScoreConfig,
    evidence::{Score, SourceEvidence, score},
};

/// What became of a request, or of one listing in it.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The listing is ended.
    Granted,
    /// The listing stays; the ruling says what would have to change.
    Refused,
    /// The postmaster decides.
    Queued,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Granted, Self::Refused, Self::Queued];

    /// The name, as in the store and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Queued => "queued",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is decided about one listing, and why, in one sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ruling {
    /// The listing.
    pub listing: Listing,
    /// What is decided.
    pub decision: Decision,
    /// Why, and what would have to change.
    pub why: String,
}

/// When a score will be no longer below the minimum, if nothing more comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outlook {
    /// It is not below the minimum now.
    Now,
    /// From then on, to the hour.
    From(Timestamp),
    /// Not within the time that complaints are remembered.
    Never,
}

/// How long `evidence` alone keeps a score below the minimum.
pub fn outlook(evidence: &SourceEvidence, now: Timestamp, config: &ScoreConfig) -> Outlook {
    let longest = config
        .complaint_window
        .max(config.filter_window)
        .max(config.bounce_window);
    let hours = i64::try_from(longest.as_secs() / 3600).unwrap_or(0) + 2;
    for hour in 0..=hours {
        let Ok(then) = now.checked_add(SignedDuration::from_hours(hour)) else {
            break;
        };
        if score(evidence, then, config).value >= config.minimum {
            return if hour == 0 {
                Outlook::Now
            } else {
                Outlook::From(then)
            };
        }
    }
    Outlook::Never
}

/// What is decided about each of `listings`, and about the request: refused if any is refused,
/// queued if any is queued, else granted.
pub fn decide(
    listings: Vec<Listing>,
    score: &Score,
    outlook: Outlook,
    minimum: u8,
) -> (Decision, Vec<Ruling>) {
    let rulings: Vec<_> = listings
        .into_iter()
        .map(|listing| {
            let (decision, why) = rule(&listing, score, outlook, minimum);
            Ruling {
                listing,
                decision,
                why,
            }
        })
        .collect();
    let any = |decision| rulings.iter().any(|ruling| ruling.decision == decision);
    let decision = if any(Decision::Refused) {
        Decision::Refused
    } else if any(Decision::Queued) {
        Decision::Queued
    } else {
        Decision::Granted
    };
    (decision, rulings)
}

fn rule(listing: &Listing, score: &Score, outlook: Outlook, minimum: u8) -> (Decision, String) {
    let end = match listing.expires {
        Some(expires) => format!("it ends by itself at {expires}"),
        None => "it has no end of its own".to_owned(),
    };
    let refused = |why: String| (Decision::Refused, why);
    let queued = |why: &str| (Decision::Queued, why.to_owned());
    if listing.origin == Origin::Operator {
        return queued("an operator listed it: the postmaster decides");
    }
    match listing.reason {
        Reason::DirectSpam if score.value >= minimum => (
            Decision::Granted,
            format!("the score is {}, not below {minimum}", score.value),
        ),
        Reason::DirectSpam => refused(match outlook {
            Outlook::From(then) => format!(
                "the score is {}, below {minimum}: without a further complaint it will be granted \
                 from {then} on, and {end}",
                score.value
            ),
            Outlook::Now | Outlook::Never => format!(
                "the score is {}, below {minimum}: the complaints must end, and {end}",
                score.value
            ),
        }),
        Reason::HighSpam => refused(format!("{end}; it is never ended on request")),
        Reason::NoBounce => queued("only the postmaster ends it"),
        Reason::Rollup => queued(
            "it ends by itself when fewer sources of the network are listed; the postmaster may \
             let the address pass before",
        ),
        Reason::Manual => queued("an operator listed it: the postmaster decides"),
        Reason::Feed | Reason::Dnsbl => refused(match &listing.origin {
            Origin::Feed(name) => {
                format!("it is on the list {name}: ask there, it ends here when it ends there")
            }
            _ => "it is on the lists named: ask there, it ends here when it ends there".to_owned(),
        }),
        Reason::Dynamic | Reason::Generic => {
            refused("it ends by itself once the PTR name is that of a mail server".to_owned())
        }
        Reason::NoRdns => refused("it ends by itself once there is a PTR name".to_owned()),
        Reason::Forged => {
            refused("it ends by itself once the PTR name resolves back to the address".to_owned())
        }
        Reason::ConnLimit => refused(end),
    }
}

/// What a request for removal can bring about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recourse {
    /// The score decides at once.
    Score,
    /// DNS is asked again at once.
    Dns,
    /// The postmaster decides.
    Postmaster,
    /// Nothing: the listing ends by itself.
    None,
}

/// What a request can bring about for what is listed by `origin` for `reason`.
pub fn recourse(reason: Reason, origin: &Origin) -> Recourse {
    match (origin, reason) {
        (Origin::Operator, _) | (_, Reason::NoBounce | Reason::Rollup | Reason::Manual) => {
            Recourse::Postmaster
        }
        (Origin::Dnsbl | Origin::Ptr, _) => Recourse::Dns,
        (_, Reason::DirectSpam) => Recourse::Score,
        _ => Recourse::None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        book::ListingId,
        evidence::{Complaint, DnsblAnswer},
    };

    fn listing(reason: Reason, origin: Origin) -> Listing {
        Listing {
            id: ListingId(1),
            network: "192.0.2.1".parse().unwrap(),
            reason,
            origin,
            comment: None,
            evidence: None,
            since: Timestamp::UNIX_EPOCH,
            expires: Some(Timestamp::from_second(86_400).unwrap()),
        }
    }

    fn with_score(value: u8) -> Score {
        Score {
            value,
            reason: None,
            components: Vec::new(),
        }
    }

    #[test]
    fn the_recourse_tells_what_the_rule_would_say() {
        let score = with_score(100);
        for reason in Reason::ALL {
            for origin in [
                Origin::Operator,
                Origin::Complaints,
                Origin::Rollup,
                Origin::Feed("drop".into()),
                Origin::Limits,
            ] {
                let recourse = recourse(reason, &origin);
                let (decision, _) = rule(&listing(reason, origin), &score, Outlook::Now, 25);
                let expected = match recourse {
                    Recourse::Score => Decision::Granted,
                    Recourse::Postmaster => Decision::Queued,
                    Recourse::None | Recourse::Dns => Decision::Refused,
                };
                assert_eq!(decision, expected, "{reason:?} {recourse:?}");
            }
        }
        assert_eq!(recourse(Reason::Dnsbl, &Origin::Dnsbl), Recourse::Dns);
        assert_eq!(recourse(Reason::NoRdns, &Origin::Ptr), Recourse::Dns);
    }

    #[test]
    fn the_reason_and_the_score_decide() {
        use Decision::{Granted, Queued, Refused};
        let feed = || Origin::Feed("drop".into());
        for (reason, origin, score, decision, part) in [
            (Reason::DirectSpam, Origin::Complaints, 25, Granted, "25"),
            (
                Reason::DirectSpam,
                Origin::Complaints,
                24,
                Refused,
                "granted from",
            ),
            (
                Reason::DirectSpam,
                Origin::Operator,
                50,
                Queued,
                "postmaster",
            ),
            (
                Reason::HighSpam,
                Origin::Complaints,
                90,
                Refused,
                "1970-01-02",
            ),
            (
                Reason::NoBounce,
                Origin::Complaints,
                90,
                Queued,
                "postmaster",
            ),
            (Reason::Rollup, Origin::Rollup, 90, Queued, "fewer sources"),
            (Reason::Manual, Origin::Operator, 90, Queued, "operator"),
            (Reason::Feed, feed(), 90, Refused, "drop"),
            (Reason::Dnsbl, Origin::Dnsbl, 90, Refused, "lists"),
            (Reason::NoRdns, Origin::Ptr, 90, Refused, "PTR"),
            (Reason::ConnLimit, Origin::Limits, 90, Refused, "1970-01-02"),
        ] {
            let outlook = Outlook::From(Timestamp::UNIX_EPOCH);
            let listings = vec![listing(reason, origin)];
            let (all, rulings) = decide(listings, &with_score(score), outlook, 25);
            assert_eq!(
                (all, rulings[0].decision),
                (decision, decision),
                "{reason:?}"
            );
            assert!(rulings[0].why.contains(part), "{}", rulings[0].why);
        }
    }

    #[test]
    fn the_worst_ruling_is_the_answer() {
        let one = |reason| listing(reason, Origin::Complaints);
        let answer = |listings| decide(listings, &with_score(50), Outlook::Now, 25).0;
        let (granted, queued, refused) = (
            one(Reason::DirectSpam),
            one(Reason::NoBounce),
            one(Reason::HighSpam),
        );
        assert_eq!(
            answer(vec![granted.clone(), queued.clone()]),
            Decision::Queued
        );
        assert_eq!(answer(vec![granted, queued, refused]), Decision::Refused);
    }

    #[test]
    fn the_outlook_is_when_the_evidence_is_light_enough() {
        let config = ScoreConfig::default();
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let report = |reporter: &str| Complaint {
            at: now,
            reporter: reporter.into(),
            incidents: 1,
            trap: false,
        };
        let trap = Complaint {
            trap: true,
            ..report("trap")
        };
        let mut evidence = SourceEvidence::default();
        assert_eq!(outlook(&evidence, now, &config), Outlook::Now);
        evidence.complaints = vec![report("one"), report("two")];
        // 8 units of weight fall to 6.25 when each report has lost 0.875 of the 3 it loses in 48 h.
        let then = now + Duration::from_hours(14);
        assert_eq!(outlook(&evidence, now, &config), Outlook::From(then));
        // A window that evidence does not leave.
        let config = ScoreConfig {
            complaint_fresh: Duration::from_hours(24 * 365),
            complaint_points: 50,
            ..config
        };
        evidence.complaints = vec![trap.clone(); 3];
        let late = now + Duration::from_hours(7 * 24 + 1);
        assert_eq!(outlook(&evidence, now, &config), Outlook::From(late));
        let config = ScoreConfig {
            dnsbl_points: 50,
            ..config
        };
        let listed = DnsblAnswer {
            zone: "bl.example".into(),
            points: 50,
        };
        evidence.dnsbl = vec![listed];
        assert_eq!(outlook(&evidence, now, &config), Outlook::Never);
    }
}
