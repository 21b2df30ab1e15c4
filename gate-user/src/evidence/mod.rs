//! Evidence: who complained of a source, what the filter said of its mail, and what follows.
//!
//! In: [`Evidence`], one record a report or a count of mail. It says what was seen, never what
//! is to be done about it. Out: listings, through [`take`] and [`roll_up`], in the transaction
//! that stores the evidence, and the [`Score`] that explains them.

mod engine;
mod fold;
pub mod intake;
mod model;
mod replay;
mod score;
mod store;
mod view;

pub use {
    engine::{Fate, NO_NAMES, Taken, Unfit, roll_up, roll_up_all, take},
    model::{Digest, Evidence, Kind, MAX_FROM},
    replay::{Event, EventKind, Replayed, replay},
    score::{
        Complaint, Component, DnsblAnswer, Milli, Part, PtrClass, Score, SourceEvidence, Sum, score,
    },
    store::Recorded,
    view::{complaints, mail_of, of_source},
};

use jiff::Timestamp;

use crate::{
    book::{BookError, Work},
    config::ScoreConfig,
};

/// Makes one step in folding what is too old to be told apart; returns whether there is more to
/// fold.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn fold(work: &mut Work<'_>, config: &ScoreConfig) -> Result<bool, BookError> {
    let now: Timestamp = work.now();
    let folded = fold::fold(work.connection(), now, config).await;
    folded.map_err(|source| work.failed("folding evidence", source))
}
