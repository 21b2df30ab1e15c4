//! What is on record of a source, for whoever asks: read by itself, without waiting for the
//! writer.

use jiff::Timestamp;

use super::{
    engine,
    finding::{self, Finding},
    record,
    score::{PtrClass, Score, SourceEvidence, score},
    store::{self, Recorded},
};
use crate::{
    book::{Book, BookError, History},
    config::Config,
    network::Network,
    rollup,
};

/// The evidence of `source`, and the score that it makes now.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_source(
    history: &History,
    source: Network,
    now: Timestamp,
    config: &Config,
) -> Result<(SourceEvidence, Score), BookError> {
    let mut evidence = match store::key(source) {
        None => SourceEvidence::default(),
        Some(key) => {
            let mut connection = history.connection().await?;
            let found = record::of(&mut connection, &[key], now, config).await;
            let found = found.map_err(|source| history.failed("reading evidence", source));
            found?.remove(&key).unwrap_or_default()
        }
    };
    evidence.credit = engine::credit(source, config);
    let score = score(&evidence, now, &config.score);
    Ok((evidence, score))
}

/// The mail of `network`, as far as it decides about a rollup.
///
/// # Errors
/// If the database cannot be read.
pub async fn mail_of(
    history: &History,
    book: &Book,
    network: Network,
    now: Timestamp,
    config: &Config,
) -> Result<rollup::Mail, BookError> {
    let mut connection = history.connection().await?;
    let found = record::within(&mut connection, network, now, config).await;
    let found = found.map_err(|source| history.failed("reading evidence", source))?;
    let evidence = found.into_iter().map(|(key, is)| (store::source(key), is));
    Ok(engine::mail(book, network, evidence, now, config))
}

/// The PTR names of a sample of a network about which they can decide; none if none is on record.
///
/// # Errors
/// If the database cannot be read.
pub async fn names_of(
    history: &History,
    state: &rollup::State,
) -> Result<Vec<PtrClass>, BookError> {
    let mut connection = history.connection().await?;
    let found = record::names(&mut connection, state).await;
    found.map_err(|source| history.failed("reading a sample", source))
}

/// What DNS said of `source` when it was last asked.
///
/// # Errors
/// If the database cannot be read.
pub async fn finding_of(history: &History, source: Network) -> Result<Option<Finding>, BookError> {
    let Some(key) = store::key(source) else {
        return Ok(None);
    };
    let mut connection = history.connection().await?;
    let found = finding::store::load(&mut connection, &[key]).await;
    let found = found.map_err(|source| history.failed("reading a finding", source));
    Ok(found?.remove(&key))
}

/// Complaints on record, of `network` and since `since` where given, those that came last first,
/// at most `limit`.
///
/// # Errors
/// If the database cannot be read.
pub async fn complaints(
    history: &History,
    network: Option<Network>,
    since: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<Recorded>, BookError> {
    let mut connection = history.connection().await?;
    let found = store::complaints(&mut connection, network, since, limit).await;
    found.map_err(|source| history.failed("reading complaints", source))
}
