//! `metrics`: what there is to measure, as Prometheus reads it, for the textfile collector of
//! node_exporter and for a look.

use std::io::Write as _;

use super::{
    error::{CliError, Exit},
    gate::Gate,
};
use crate::control::api::route;

pub(super) async fn run(gate: &Gate) -> Result<Exit, CliError> {
    if gate.json {
        return Err(CliError::NoJson);
    }
    let metrics = gate.client.text(route::METRICS).await?;
    gate.write(|out| out.write_all(metrics.as_bytes()))?;
    Ok(Exit::Done)
}
