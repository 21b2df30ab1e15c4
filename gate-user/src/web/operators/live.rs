//! The page's data as it changes: server-sent events. What is sent is made once for all who look, and
//! only while somebody does; who reads slowly misses what is past.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::response::sse::{Event, Sse};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time,
};

use super::networks::{Busy, networks};
use crate::control::{
    Rights, Service, ServiceError,
    api::{
        Decision, DnsblLists, Feeds, Latest, LatestQuery, Point, Removals, RemovalsQuery, Stats,
        Status, Top,
    },
};

/// How often something is sent.
const EVERY: Duration = Duration::from_secs(2);
/// How soon after one another at most, however many begin to look.
const SOONEST: Duration = Duration::from_millis(250);
/// How many may look at a time.
const READERS: usize = 32;
/// How long a stream lasts: then the browser asks again, and shows again that it may.
const LASTS: Duration = Duration::from_mins(5);
/// How many of the latest points each event has: a slow reader has missed no more for long.
const POINTS: usize = 6;
/// Sources, networks, entries and decided requests that are shown.
const SHOWN: u8 = 12;
/// Removal requests that are shown of those that wait: the latest of them. One who looks after his
/// queue has fewer.
const WAITING: u32 = 200;

/// What the page shows.
#[derive(Serialize)]
struct Now {
    status: Status,
    stats: Stats,
    points: Vec<Point>,
    top: Top,
    networks: Vec<Busy>,
    feeds: Feeds,
    dnsbl: DnsblLists,
    latest: Latest,
    /// `None` for who has shown no token: whoever asked may be reached there.
    removals: Option<Removals>,
}

/// What whoever looks is sent.
#[derive(Clone, Debug, Default)]
enum Sent {
    /// Nothing yet.
    #[default]
    Nothing,
    /// This, as JSON.
    Now(Told),
    /// The daemon stops.
    Over,
}

/// How the gate stands, in two versions.
#[derive(Clone, Debug)]
struct Told {
    /// To who may read everything.
    whole: Arc<str>,
    /// To everybody else.
    less: Arc<str>,
}

/// Those who look.
#[derive(Clone, Debug)]
pub(super) struct Live {
    sent: Arc<watch::Sender<Sent>>,
    begun: Arc<Notify>,
    places: Arc<Semaphore>,
}

impl Live {
    /// Nobody looks yet.
    pub(super) fn new() -> Self {
        Self {
            sent: Arc::new(watch::Sender::default()),
            begun: Arc::default(),
            places: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Tells those who look how `service` stands, until `stop` is there.
    pub(super) async fn tell<S: Service>(
        self,
        service: Arc<S>,
        stop: impl Future<Output = ()> + Send,
    ) {
        let telling = async {
            let mut failing = false;
            loop {
                if self.sent.receiver_count() > 0 {
                    match now(&*service).await {
                        Ok(told) => {
                            failing = false;
                            drop(self.sent.send_replace(Sent::Now(told)));
                        }
                        // The page tells by itself that it hears nothing; the log is told once.
                        Err(error) if !failing => {
                            failing = true;
                            tracing::error!(%error, "cannot tell the operators' page how the gate stands");
                        }
                        Err(_) => {}
                    }
                }
                time::sleep(SOONEST).await;
                let _ = time::timeout(EVERY, self.begun.notified()).await;
            }
        };
        tokio::select! {
            () = telling => {}
            () = stop => {}
        }
        self.sent.send_replace(Sent::Over);
    }

    /// What happens from now on until `over`, for one who looks and may so much; `None` if too many
    /// do.
    pub(super) fn look<F: Future<Output = ()> + Send + 'static>(
        &self,
        rights: Rights,
        over: F,
    ) -> Option<Sse<impl Stream<Item = Result<Event, Infallible>> + Send + use<F>>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let events = events(self.sent.subscribe(), place, rights);
        self.begun.notify_one();
        let until = Box::pin(async { drop(time::timeout(LASTS, over).await) });
        Some(Sse::new(events.take_until(until)))
    }
}

fn events(
    mut sent: watch::Receiver<Sent>,
    place: OwnedSemaphorePermit,
    rights: Rights,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    // What was sent before this one looked may be old.
    sent.mark_unchanged();
    stream::unfold((sent, place), move |(mut sent, place)| async move {
        loop {
            sent.changed().await.ok()?;
            let now = sent.borrow_and_update().clone();
            match now {
                Sent::Nothing => {}
                Sent::Now(Told { whole, less }) => {
                    let json = if rights < Rights::Read { less } else { whole };
                    return Some((Ok(Event::default().data(json)), (sent, place)));
                }
                Sent::Over => return None,
            }
        }
    })
}

/// How the gate stands.
async fn now<S: Service>(service: &S) -> Result<Told, ServiceError> {
    let mut series = service.series().await?;
    let points = series
        .points
        .split_off(series.points.len().saturating_sub(POINTS));
    let mut top = service.top(usize::MAX).await?;
    let networks = networks(&top, SHOWN.into());
    top.sources.truncate(SHOWN.into());
    let shown = u32::from(SHOWN);
    let mut now = Now {
        status: service.status().await?,
        stats: service.stats().await?,
        points,
        networks,
        top,
        feeds: service.feeds().await?,
        dnsbl: service.dnsbl().await?,
        latest: service.latest(LatestQuery { limit: shown }).await?,
        removals: Some(removals(service, shown).await?),
    };
    let json = |now: &Now| match serde_json::to_string(now) {
        Ok(json) => Ok(Arc::from(json)),
        Err(error) => Err(ServiceError::Internal(format!("the page's data: {error}"))),
    };
    let whole = json(&now)?;
    now.removals = None;
    let less = json(&now)?;
    Ok(Told { whole, less })
}

/// The removal requests that wait for the postmaster, and then the latest ones.
async fn removals<S: Service>(service: &S, shown: u32) -> Result<Removals, ServiceError> {
    let of = |decision, limit| {
        service.removals(RemovalsQuery {
            decision,
            limit,
            ..RemovalsQuery::default()
        })
    };
    let mut removals = of(Some(Decision::Queued), WAITING).await?;
    let latest = of(None, shown).await?;
    for removal in latest.removals {
        if removals.removals.iter().all(|shown| shown.id != removal.id) {
            removals.removals.push(removal);
        }
    }
    Ok(removals)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn who_reads_slowly_misses_what_is_past_and_takes_no_room() {
        let live = Live::new();
        let place = Arc::clone(&live.places).try_acquire_owned().unwrap();
        let told = |text: &str| {
            let (whole, less) = (format!("all {text}").into(), format!("less {text}").into());
            Sent::Now(Told { whole, less })
        };
        live.sent.send_replace(told("before he looked"));
        let mut events = Box::pin(events(live.sent.subscribe(), place, Rights::Read));
        assert!(events.next().now_or_never().is_none());
        for i in 0..1000 {
            live.sent.send_replace(told(&i.to_string()));
        }
        let event = events.next().now_or_never().flatten().unwrap().unwrap();
        assert!(format!("{event:?}").contains("all 999"), "{event:?}");
        assert!(events.next().now_or_never().is_none());
        live.sent.send_replace(Sent::Over);
        assert!(events.next().now_or_never().unwrap().is_none());
        drop(events);
        assert_eq!(live.places.available_permits(), READERS);
    }
}
