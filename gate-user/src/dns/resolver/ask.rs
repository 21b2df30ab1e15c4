//! From a question to its answer: queries in their turn, one after the other.

use std::{sync::Arc, time::Duration};

use hickory_resolver::proto::op::Query;
use tokio::time::Instant;

use super::{
    Answer, FAILURE_TTL, Failure, Inner,
    budget::Pass,
    digest::{Chain, Step},
    flight::{End, Flight, Key, Shared, Watch},
    lane::{Share, of_all, of_lane},
    server::{Manner, Miss, Reply, Servers},
};

impl Inner {
    /// What is kept, and for how long it is still good.
    pub(super) fn kept(&self, key: &Key) -> Option<(Shared, Duration)> {
        let now = Instant::now();
        let (answer, until) = self.cache.get(key, now)?;
        Some((answer, until.saturating_duration_since(now)))
    }

    /// Counts what a question came to, and keeps it.
    fn keep(&self, key: &Key, answer: &Shared, share: &Share) {
        let (ttl, counter) = match **answer {
            Answer::Found { ttl, .. } => (ttl, &share.counters.found),
            Answer::Nothing { ttl, .. } => (ttl, &share.counters.nothing),
            Answer::Failed(_) => (FAILURE_TTL, &share.counters.failed),
            // Counted for each who asked.
            Answer::NotAsked(_) => return,
        };
        counter.count();
        self.cache
            .insert(key.clone(), Arc::clone(answer), Instant::now() + ttl);
    }

    /// Asks until there is an end.
    pub(super) async fn fly(&self, key: &Key, flight: &Arc<Flight>, share: &Share) {
        let _watch = Watch {
            flights: &self.flights,
            key,
            flight,
        };
        loop {
            let end = self.resolve(key, flight, share).await;
            if self
                .flights
                .land(key, end, |answer| self.keep(key, answer, share))
            {
                return;
            }
        }
    }

    /// Asks for the name, and for those that it leads to.
    async fn resolve(&self, key: &Key, flight: &Flight, share: &Share) -> End {
        let settings = self.settings.load_full();
        let mut chain = Chain::new(key.name.clone(), key.kind);
        loop {
            let query = Query::query(chain.name.wire().clone(), key.kind.wire());
            let reply = match self.reply(&settings.servers, &query, flight, share).await {
                Ok(reply) => reply,
                Err(end) => return end,
            };
            match chain.take(&reply, &settings.bounds) {
                Step::Done(answer) => return End::Answer(answer),
                Step::Ask(next) => chain = next,
            }
        }
    }

    /// Sends a query, once more if that fails, each time when it is its turn.
    ///
    /// Silence and what makes no sense is asked for again at the next server, or the same if there
    /// is one alone; a server that says that it cannot tell is not asked again.
    async fn reply(
        &self,
        servers: &Servers,
        query: &Query,
        flight: &Flight,
        share: &Share,
    ) -> Result<Reply, End> {
        let counters = &share.counters;
        let mut server = servers.preferred();
        let mut manner = Manner {
            tcp: false,
            edns: true,
        };
        let mut failed = None;
        loop {
            let pass = match self.turn(flight, share).await {
                Ok(pass) => pass,
                Err(end) => {
                    return Err(failed.map_or(end, |failure| End::Answer(Answer::Failed(failure))));
                }
            };
            counters.queries.count();
            if failed.is_some() {
                counters.retries.count();
            }
            if manner.tcp {
                counters.tcp.count();
            }
            let begun = Instant::now();
            let asked = servers.ask(server, query.clone(), manner).await;
            drop(pass);
            match asked {
                Ok(reply) => {
                    counters.took(begun.elapsed());
                    servers.prefer(server);
                    return Ok(reply);
                }
                Err(Miss::UseTcp) => manner.tcp = true,
                Err(Miss::NoEdns) => manner.edns = false,
                Err(Miss::Failed(failure)) => {
                    if failure == Failure::Timeout {
                        counters.timeouts.count();
                    }
                    let next = servers.after(server);
                    if failed.is_some() || (next == server && failure.is_said()) {
                        return Err(End::Answer(Answer::Failed(failure)));
                    }
                    failed = Some(failure);
                    server = next;
                }
            }
        }
    }

    /// Waits until the lane and the budget over all let one query go.
    async fn turn(&self, flight: &Flight, share: &Share) -> Result<Pass, End> {
        let mut urgencies = flight.urgency();
        loop {
            let urgency = *urgencies.borrow_and_update();
            let passes = async {
                share.line.pass(urgency).await.map_err(of_lane)?;
                self.line.pass(urgency).await.map_err(of_all)
            };
            tokio::select! {
                biased;
                pass = passes => return pass.map_err(|shed| End::Refused(shed, urgency)),
                // Somebody more urgent came in: again, before those in the background.
                Ok(()) = urgencies.changed() => {}
                () = flight.abandoned() => return Err(End::Abandoned),
            }
        }
    }
}
