//! All that is on record of sources, from every table: what [`score`](super::score()) needs.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{
    finding,
    score::{PtrClass, SourceEvidence},
    store::{self, Result},
};
use crate::{config::Config, network::Network, rollup};

/// All that is on record of these sources.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    sources: &[i64],
    now: Timestamp,
    config: &Config,
) -> Result<HashMap<i64, SourceEvidence>> {
    let mut found = store::load(connection, sources).await?;
    let findings = finding::store::load(connection, sources).await?;
    finding::store::add_to(
        &mut found,
        findings,
        finding::oldest(now, config),
        &config.dnsbl.lists,
    );
    Ok(found)
}

/// All that is on record of the sources in `network`.
pub(super) async fn within(
    connection: &mut SqliteConnection,
    network: Network,
    now: Timestamp,
    config: &Config,
) -> Result<HashMap<i64, SourceEvidence>> {
    let mut found = store::load_within(connection, network).await?;
    let findings = finding::store::load_within(connection, network).await?;
    finding::store::add_to(
        &mut found,
        findings,
        finding::oldest(now, config),
        &config.dnsbl.lists,
    );
    Ok(found)
}

/// The PTR names of a sample of a network about which they can decide; none if none is on record.
/// Samples are taken of IPv4 /24s alone.
pub(super) async fn names(
    connection: &mut SqliteConnection,
    state: &rollup::State,
) -> Result<Vec<PtrClass>> {
    let network = state.candidate.network;
    let sampled = network.is_v4() && network.prefix_len() == 24;
    if !sampled || (state.listed == 0 && !state.rolled_up) {
        return Ok(Vec::new());
    }
    let sample = finding::store::sample(connection, network).await?;
    Ok(sample.unwrap_or_default())
}
