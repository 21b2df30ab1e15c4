//! From what comes in to evidence: complaints by mail, verdicts of filters, bounces.
//!
//! Everything that comes in is somebody's word, and much of it is hostile: it is read within
//! bounds of size, depth and number, what says whom to blame is believed only as far as its
//! writer is ([`offender`]), and what cannot be understood is refused with the reason.

mod complaint;
mod desk;
mod feedback;
mod mail;
mod maildir;
mod public;
mod quarantine;
mod received;
mod reporter;
mod trust;
mod verdict;

use std::{net::IpAddr, time::Duration};

pub use complaint::{Complaint, Format, Handed, Refused};
pub use desk::{Counts, Desk, DeskError, Sorted};
pub use feedback::NotAComplaint;
pub use mail::TooComplex;
pub use maildir::{Handling, Mail, Maildirs};
pub(crate) use public::is_public;
pub use received::{Found, NoSource, offender};
pub use reporter::distinct as distinct_reporters;
pub use trust::{Standing, Trust};
pub use verdict::{Bad, Batch};

use super::store;
use crate::config::{Config, Recipient};

/// What is needed to read what comes in. Made anew when the configuration or the machine's
/// addresses change.
#[derive(Clone, Debug)]
pub struct Intake {
    trust: Trust,
    traps: Vec<Recipient>,
    /// Bytes.
    max_report: usize,
    /// Older complaints are refused: they would count nothing.
    complaint_age: Duration,
    /// The same for verdicts.
    verdict_age: Duration,
}

impl Intake {
    /// By the configuration, on a machine with the addresses `own`.
    pub fn new(config: &Config, own: impl IntoIterator<Item = IpAddr>) -> Self {
        let Config {
            evidence, score, ..
        } = config;
        let mail = u64::try_from(store::fresh_mail(score)).unwrap_or(0);
        Self {
            trust: Trust::new(evidence, own),
            traps: evidence.traps.clone(),
            max_report: evidence.max_report as usize,
            complaint_age: evidence.max_age.min(score.complaint_window),
            verdict_age: evidence.max_age.min(Duration::from_secs(mail)),
        }
    }
}
