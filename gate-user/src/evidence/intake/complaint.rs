//! A mail that complains: whom it blames, and of what.
//!
//! What is complained of is, in this order: for mail to a spam trap, the mail itself; the mail
//! that an ARF report (RFC 5965) is about; the mails that are attached. What such a mail has
//! attached itself is never looked into: its sender could put another's mail there.
//!
//! A trap hit counts as much as many complaints, so it is one only where we know ourselves that
//! the mail came to a trap: from the way it was handed in, or from what our own mail server wrote
//! above its own `Received` header. What a report says of recipients is its writer's word.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    Intake,
    feedback::{Feedback, NotAComplaint},
    mail::{Fields, Part, TooComplex, parts},
    received::{NoSource, offender},
    reporter::Reporter,
    trust::Standing,
};
use crate::{
    evidence::{Digest, Evidence, Kind},
    network::Network,
};

/// How far ahead of ours another clock may be.
pub(super) const TOLERANCE: Duration = Duration::from_mins(10);
/// The most bytes that are decoded of a part: headers are at its beginning.
const MAX_DECODED: usize = 512 << 10;

/// The fields that tell to whom our own mail server delivered a mail.
const RECIPIENT: [&[u8]; 4] = [
    b"Delivered-To",
    b"X-Original-To",
    b"Envelope-To",
    b"X-Envelope-To",
];

/// How a mail was handed in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Handed {
    /// What it must be.
    pub format: Format,
    /// Whether it came from a spam trap: with [`Format::Auto`] the mail that it received, with
    /// [`Format::Arf`] a report on one.
    pub trap: bool,
}

/// What a mail that is handed in must be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// Anything that is understood.
    #[default]
    Auto,
    /// An ARF report.
    Arf,
}

/// What came of a mail that complains; of one or several of the mails that it complains of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Complaint {
    /// What counts.
    pub evidence: Vec<Evidence>,
    /// What came through forwarders, complaints of which are dropped.
    pub dropped: Vec<Network>,
    /// What else was complained of, and why it does not count.
    pub refused: Vec<Refused>,
    /// The domains that a report says it is about; they decide nothing.
    pub domains: Vec<String>,
}

/// Why a mail, or a verdict, is not evidence.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Longer than is taken.
    #[error("it is {size} bytes long; at most {max} are taken (evidence.max_report)")]
    TooLarge {
        /// Bytes.
        size: usize,
        /// Bytes.
        max: usize,
    },
    /// Not a mail.
    #[error("it is not a mail: it does not begin with a header")]
    NotMail,
    /// Made to be hard to read.
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
    /// Not the report that it was said to be.
    #[error("it is no ARF report: it has no part message/feedback-report")]
    NotArf,
    /// A report, but not of spam.
    #[error(transparent)]
    NotAComplaint(#[from] NotAComplaint),
    /// A bounce or receipt.
    #[error("it is a report of type `{0}`, not a complaint")]
    OtherReport(String),
    /// Nothing that it could be about.
    #[error(
        "it has no mail attached that it complains of; forward spam as an attachment (message/rfc822), with its full header"
    )]
    NothingAttached,
    /// Nobody to blame.
    #[error(transparent)]
    NoSource(#[from] NoSource),
    /// A report that names nobody, and has no mail attached.
    #[error("the report names no source outside of our own relays, and has no mail attached")]
    NothingNamed,
    /// The time of it cannot be.
    #[error("it is of {at}, which is in the future")]
    Future {
        /// The time it gives.
        at: Timestamp,
    },
    /// Too long ago.
    #[error("it is of {at}, longer ago than {}: it counts nothing any more", humantime::format_duration(*max_age))]
    TooOld {
        /// The time it gives.
        at: Timestamp,
        /// How long evidence of its kind is taken.
        max_age: Duration,
    },
}

impl Intake {
    /// What the mail `raw` complains of. `now` is when it was handed in.
    ///
    /// # Errors
    /// Why it does not count, if nothing in it does.
    pub fn complaint(
        &self,
        raw: &[u8],
        handed: Handed,
        now: Timestamp,
    ) -> Result<Complaint, Refused> {
        if raw.len() > self.max_report {
            return Err(Refused::TooLarge {
                size: raw.len(),
                max: self.max_report,
            });
        }
        let (fields, body) = Fields::split(raw);
        if fields.is_empty() {
            return Err(Refused::NotMail);
        }
        let trap = match self.trap_of(&fields) {
            None if handed.trap => Some("trap".to_owned()),
            found => found,
        };
        if let (Some(trap), Format::Auto) = (&trap, handed.format) {
            return self.one(&By::Trap(trap.clone()), raw, &Feedback::none(), now);
        }
        let parts = parts(&fields, body)?;
        let by = match trap {
            Some(trap) if handed.trap => By::Trap(trap),
            _ => By::Reporter(Reporter::of(&fields, &self.trust)),
        };
        let report = parts
            .iter()
            .find(|part| part.media.name == "message/feedback-report");
        if let Some(report) = report {
            let text = report.decoded(MAX_DECODED);
            let (feedback, _) = Fields::split(&text);
            let original = parts.iter().find(|part| part.is_mail());
            return self.arf(&by, &feedback, original, now);
        }
        if handed.format == Format::Arf {
            return Err(Refused::NotArf);
        }
        let media = fields.media().unwrap_or_default();
        if media.name == "multipart/report" {
            let kind = media.report_type.unwrap_or_default();
            return Err(Refused::OtherReport(kind.chars().take(40).collect()));
        }
        let attached: Vec<_> = parts.iter().filter(|part| part.is_mail()).collect();
        let mut complaint = Complaint::default();
        for part in attached {
            let mail = part.decoded(MAX_DECODED);
            match self.one(&by, &mail, &Feedback::none(), now) {
                Ok(one) => {
                    complaint.evidence.extend(one.evidence);
                    complaint.dropped.extend(one.dropped);
                }
                Err(error) => complaint.refused.push(error),
            }
        }
        if complaint.evidence.is_empty() && complaint.dropped.is_empty() {
            return Err(match complaint.refused.into_iter().next() {
                Some(error) => error,
                None => Refused::NothingAttached,
            });
        }
        Ok(complaint)
    }

    /// The trap that this mail came to, by what our own mail server wrote on top of it.
    fn trap_of(&self, mail: &Fields<'_>) -> Option<String> {
        if self.traps.is_empty() {
            return None;
        }
        mail.above("Received")
            .filter(|(name, _)| RECIPIENT.iter().any(|to| to.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.trim_matches(['<', '>']).to_ascii_lowercase())
            .find(|address| self.traps.iter().any(|trap| trap.is(address)))
    }

    /// What an ARF report is about.
    fn arf(
        &self,
        by: &By,
        fields: &Fields<'_>,
        original: Option<&Part<'_>>,
        now: Timestamp,
    ) -> Result<Complaint, Refused> {
        let feedback = Feedback::of(fields)?;
        let original = original.map(|part| part.decoded(MAX_DECODED));
        let mail = original.as_deref().map(|mail| Fields::split(mail).0);
        let mail = mail.filter(|mail| !mail.is_empty());
        let named = feedback
            .source
            .map(|address| (address, self.trust.standing(address)));
        match named {
            Some((address, Standing::Outside)) => {
                let same = mail.as_ref().unwrap_or(fields);
                self.found(by, address, None, same, &feedback, now)
            }
            Some((_, Standing::Dropped(network))) => Ok(Complaint {
                dropped: vec![network],
                ..Complaint::default()
            }),
            // Ours, or of a forwarder, or nobody's: who gave it the mail?
            _ => match original {
                Some(mail) => self.one(by, &mail, &feedback, now),
                None => Err(Refused::NothingNamed),
            },
        }
    }

    /// Blames the sender of `mail`.
    fn one(
        &self,
        by: &By,
        mail: &[u8],
        feedback: &Feedback,
        now: Timestamp,
    ) -> Result<Complaint, Refused> {
        let (fields, _) = Fields::split(mail);
        let received: Vec<Cow<'_, str>> = fields.all("Received").collect();
        match offender(received.iter().map(AsRef::as_ref), &self.trust) {
            Ok(found) => self.found(by, found.address, found.at, &fields, feedback, now),
            Err(NoSource::Dropped(network)) => Ok(Complaint {
                dropped: vec![network],
                ..Complaint::default()
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// The evidence against `address`. `same` is what a repetition of the complaint has as well.
    fn found(
        &self,
        by: &By,
        address: IpAddr,
        at: Option<Timestamp>,
        same: &Fields<'_>,
        feedback: &Feedback,
        now: Timestamp,
    ) -> Result<Complaint, Refused> {
        let at = timely(feedback.arrived.or(at), now, self.complaint_age)?;
        let kind = Kind::Complaint {
            incidents: feedback.incidents,
            trap: matches!(by, By::Trap(_)),
        };
        let evidence = Evidence::new(address, at, &by.to_string(), kind, Some(by.digest(same)));
        Ok(Complaint {
            evidence: vec![evidence],
            domains: feedback.domains.clone(),
            ..Complaint::default()
        })
    }
}

/// The time of evidence, which is now if none is given, and not longer ago than `max_age`.
pub(super) fn timely(
    at: Option<Timestamp>,
    now: Timestamp,
    max_age: Duration,
) -> Result<Timestamp, Refused> {
    let Some(at) = at else { return Ok(now) };
    let age = now.duration_since(at);
    if age > SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX) {
        Err(Refused::TooOld { at, max_age })
    } else if age.is_negative() && age.unsigned_abs() > TOLERANCE {
        Err(Refused::Future { at })
    } else {
        Ok(at.min(now))
    }
}

/// Who complains.
enum By {
    Reporter(Reporter),
    /// A trap, by its address if that is known.
    Trap(String),
}

impl By {
    /// What makes a complaint the same as its repetition: who complains, and the header of the
    /// mail complained of (its `Message-ID` in it; alone that is the sender's choice, and one for
    /// all its mails would count once), line ends aside. The network that a report came from is
    /// left out: the second try may have taken another way.
    fn digest(&self, same: &Fields<'_>) -> Digest {
        let who = match self {
            Self::Reporter(reporter) => reporter.address.as_str(),
            Self::Trap(trap) => trap.as_str(),
        };
        let header: Vec<u8> = same
            .bytes()
            .trim_ascii()
            .iter()
            .copied()
            .filter(|&byte| byte != b'\r')
            .collect();
        Digest::of([b"complaint".as_slice(), who.as_bytes(), &header])
    }
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reporter(reporter) => reporter.fmt(f),
            Self::Trap(trap) => f.write_str(trap),
        }
    }
}

#[cfg(test)]
mod tests;
