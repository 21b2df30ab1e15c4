//! Evidence: who complained of a source, what the filter said of its mail, and what follows.
//!
//! In: [`Evidence`], one record a report or a count of mail. It says what was seen, never what
//! is to be done about it. Out: listings, through [`take`] and [`roll_up`], in the transaction
//! that stores the evidence, and the [`Score`] that explains them.

mod engine;
mod finding;
mod fold;
pub mod intake;
mod model;
mod record;
mod replay;
mod score;
mod store;
mod view;

pub use {
    engine::{Fate, NO_NAMES, Taken, Unfit, roll_up, roll_up_all, take},
    finding::{
        Finding, Ground, ListAnswer, Occasion, Reverse, Sample, Standing, ask_all_again, due,
        findings_of, heard_of, judge_again, pardon, rests_on_dns, take_findings, take_samples,
        withdraw,
    },
    model::{Digest, Evidence, Kind, MAX_FROM},
    replay::{Event, EventKind, Replayed, replay},
    score::{
        Complaint, Component, DnsblAnswer, Milli, Part, PtrClass, Score, SourceEvidence, Sum, score,
    },
    store::{Recorded, key as source_key},
    view::{complaints, finding_of, mail_of, names_of, of_source},
};

use crate::{
    book::{BookError, Work},
    config::Config,
};

/// For how many seconds listings are remembered that were for a name and have ended.
const PAST: i64 = 90 * 86_400;

/// Makes one step in folding what is too old to be told apart, and forgets what DNS said long ago;
/// returns whether there is more to fold.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn fold(work: &mut Work<'_>, config: &Config) -> Result<bool, BookError> {
    let now = work.now();
    let folded = fold::fold(work.connection(), now, &config.score).await;
    let more = folded.map_err(|source| work.failed("folding evidence", source))?;
    let (before, keep) = (finding::oldest(now, config), config.lookup.remembered);
    let past = engine::after(now, -PAST);
    let forgotten = finding::store::forget(work.connection(), before, keep, past).await;
    forgotten.map_err(|source| work.failed("forgetting findings", source))?;
    Ok(more)
}
