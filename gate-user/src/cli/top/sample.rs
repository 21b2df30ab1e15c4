//! What the daemon says, again and again: a stream of samples, or of why there is none.

use std::time::{Duration, Instant};

use futures_util::{Stream, stream};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use super::rows::View;
use crate::control::{
    api::{Connections, ConnectionsQuery, Stats, Status, Top, TopQuery, route},
    client::{Client, ClientError},
};

/// As many sources of sampled drops as the daemon keeps.
pub(super) const SOURCES: usize = 1024;

/// How long the daemon may take before the view says so.
const PATIENCE: Duration = Duration::from_secs(5);

/// All that a picture needs, from about the same moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) status: Status,
    pub(super) stats: Stats,
    pub(super) top: Top,
    /// Only where they are looked at: the kernel's whole table is read for them.
    pub(super) connections: Option<Connections>,
}

/// A sample at once, after `every`, and so on; and whenever another view is looked at.
pub(super) fn samples(
    client: Client,
    every: Duration,
    view: watch::Receiver<View>,
) -> impl Stream<Item = Result<Sample, String>> {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold((ticks, view), move |(mut ticks, mut view)| {
        let client = client.clone();
        async move {
            tokio::select! {
                _ = ticks.tick() => {}
                Ok(()) = view.changed() => {}
            }
            let seen = *view.borrow_and_update();
            let sample = match timeout(PATIENCE, take(&client, seen)).await {
                Ok(sample) => sample.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer for {} s", PATIENCE.as_secs())),
            };
            Some((sample, (ticks, view)))
        }
    })
}

async fn take(client: &Client, view: View) -> Result<Sample, ClientError> {
    let query = TopQuery { limit: SOURCES };
    let connections = match view {
        View::Connections => {
            let query = ConnectionsQuery {
                limit: SOURCES,
                ..ConnectionsQuery::default()
            };
            Some(client.ask(route::CONNECTIONS, &query).await?)
        }
        View::Sources | View::Networks => None,
    };
    Ok(Sample {
        status: client.get(route::STATUS).await?,
        top: client.ask(route::TOP, &query).await?,
        connections,
        stats: client.get(route::STATS).await?,
        at: Instant::now(),
    })
}
