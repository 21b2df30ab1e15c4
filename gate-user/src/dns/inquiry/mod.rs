//! Who is asked about, and when: the way from a source that came to a finding.
//!
//! In: sources that the kernel or the mail server reports, that evidence is about, or whose time
//! has come again; networks of which a sample is wanted. Out: [`Found`], to the one writer. Each
//! source is asked about once in a while, so many at a time, and so many wait; who comes besides
//! is passed over and counted. The resolver's budget stands behind that.

mod ask;
mod recent;
mod sample;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use jiff::Timestamp;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinSet,
};

use self::{ask::Asker, recent::Recent};
use crate::{
    config::Config,
    dns::{
        class::PatternError,
        dnsbl::{Dnsbl, Verdict, Weigh},
        ptr::Unknown,
        resolver::{Resolver, Urgency},
    },
    evidence::{Finding, Occasion, Sample, Standing},
    network::Network,
};

/// What was found out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// Of a source.
    Finding(Finding),
    /// Of a network.
    Sample(Sample),
}

/// Whom to ask about.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Source {
        address: IpAddr,
        occasion: Occasion,
        /// When the source last came.
        seen: Timestamp,
    },
    Network(Network),
}

/// How much was asked and how much was not, since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Sources and networks that wait for their turn.
    pub waiting: u64,
    /// Those that were asked about.
    pub asked: u64,
    /// Those that were passed over, because too many waited.
    pub skipped: u64,
    /// Those of which nothing could be told.
    pub unanswered: u64,
}

/// The hand on the inquiry; its task ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Inquiry {
    subjects: mpsc::Sender<Subject>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    asker: Asker,
    recent: Mutex<Recent>,
    /// Those that wait, or are asked about, because it is time again.
    again: Mutex<HashSet<Network>>,
    asked: AtomicU64,
    skipped: AtomicU64,
    unanswered: AtomicU64,
}

impl Inquiry {
    /// Begins to ask, by this configuration; what is found out goes to `sink`. To be called within
    /// the runtime.
    ///
    /// # Errors
    /// When the operator's table of names cannot be used.
    pub fn start(
        config: &Config,
        resolver: Resolver,
        dnsbl: Dnsbl,
        sink: mpsc::Sender<Found>,
    ) -> Result<Self, PatternError> {
        let (subjects, inbox) = mpsc::channel(config.lookup.waiting as usize);
        let shared = Arc::new(Shared {
            asker: Asker::new(config, resolver, dnsbl)?,
            recent: Mutex::new(Recent::new(Instant::now())),
            again: Mutex::new(HashSet::new()),
            asked: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
        });
        let at_once = config.lookup.at_once as usize;
        tokio::spawn(work(inbox, Arc::clone(&shared), at_once, sink));
        Ok(Self { subjects, shared })
    }

    /// Goes by this configuration from now on.
    ///
    /// # Errors
    /// As [`Inquiry::start`]; then nothing has changed.
    pub fn configure(&self, config: &Config) -> Result<(), PatternError> {
        self.shared.asker.configure(config)
    }

    /// During a flood: who comes is looked up in what is kept alone, or asked about again. A source
    /// of which that tells nothing is `unanswered`, and asked about when it comes again after the
    /// flood. Somebody who waits ([`Inquiry::ask`]) is answered as ever.
    pub fn set_shedding(&self, shedding: bool) {
        self.shared.asker.set_shedding(shedding);
    }

    /// `address` has come, or something was said of it. Never waits.
    pub fn seen(&self, address: IpAddr) {
        let lookup = self.shared.asker.lookup();
        if !lookup.enabled {
            return;
        }
        let source = Network::source(address);
        let is_new = self.recent().note(source, Instant::now(), lookup.fresh);
        if is_new {
            self.send(Subject::Source {
                address: address.to_canonical(),
                occasion: Occasion::Seen,
                seen: Timestamp::now(),
            });
        }
    }

    /// These are to be asked about again; those that find no place will be later.
    pub fn again(&self, due: &[Finding]) {
        if !self.shared.asker.lookup().enabled {
            return;
        }
        for finding in due {
            // Half of the places are kept for those that come.
            if self.subjects.capacity() * 2 < self.subjects.max_capacity() {
                return;
            }
            let source = finding.source();
            if self.shared.again().insert(source) {
                self.send(Subject::Source {
                    address: finding.address,
                    occasion: Occasion::Again,
                    seen: finding.seen,
                });
            }
        }
    }

    /// A sample of the names of `network`, an IPv4 /24, is wanted.
    pub fn sample(&self, network: Network) {
        let lookup = self.shared.asker.lookup();
        if lookup.enabled && self.recent().note(network, Instant::now(), lookup.fresh) {
            self.send(Subject::Network(network));
        }
    }

    /// Asks about `address` at once, for somebody who waits.
    pub async fn ask(&self, address: IpAddr) -> Finding {
        let (address, seen) = (address.to_canonical(), Timestamp::now());
        let (urgency, weigh) = (Urgency::Door, Weigh::Aside);
        let asker = &self.shared.asker;
        asker
            .source(address, seen, urgency, weigh, ask::LONGEST)
            .await
    }

    /// What the reverse name of `address` tells, for a mail server that waits; nothing is made of
    /// it here.
    ///
    /// # Errors
    /// Why nobody could say.
    pub async fn name(&self, address: IpAddr) -> Result<Standing, Unknown> {
        let address = address.to_canonical();
        self.shared.asker.name(address, Urgency::Door).await
    }

    /// What the DNSBLs say of `address`, for a mail server that waits; nothing is made of it here.
    pub async fn lists(&self, address: IpAddr) -> Verdict {
        let address = address.to_canonical();
        let until = Instant::now() + ask::LONGEST;
        let asker = &self.shared.asker;
        asker
            .lists(address, Urgency::Door, Weigh::Counted, until)
            .await
    }

    /// How much was asked.
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            waiting: (self.subjects.max_capacity() - self.subjects.capacity()) as u64,
            asked: count(&self.shared.asked),
            skipped: count(&self.shared.skipped),
            unanswered: count(&self.shared.unanswered),
        }
    }

    fn send(&self, subject: Subject) {
        match self.subjects.try_send(subject) {
            // Closed: the daemon is ending.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(subject)) => {
                self.shared.skipped.fetch_add(1, Ordering::Relaxed);
                self.shared.pass_over(subject);
            }
        }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.shared.recent()
    }
}

impl Shared {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn again(&self) -> MutexGuard<'_, HashSet<Network>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `subject` is not asked about: it may come again at once.
    fn pass_over(&self, subject: Subject) {
        match subject {
            Subject::Source {
                occasion: Occasion::Again,
                ..
            } => {
                self.again().remove(&subject.network());
            }
            _ => self.recent().forget(subject.network()),
        }
    }

    /// Asks about `subject`; `None` if nothing can be told of it now. When it was time again, that
    /// too is told: so that it waits for its turn like the others.
    async fn find(&self, subject: Subject) -> Option<Found> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = match subject {
            Subject::Source {
                address,
                occasion,
                seen,
            } => {
                let weigh = match occasion {
                    Occasion::Seen => Weigh::Counted,
                    Occasion::Again => Weigh::Aside,
                };
                let (urgency, within) = (Urgency::Background, ask::LONGEST);
                let finding = self.asker.source(address, seen, urgency, weigh, within);
                let mut finding = finding.await;
                match occasion {
                    Occasion::Seen => finding.seen = finding.at,
                    Occasion::Again => {
                        self.again().remove(&subject.network());
                    }
                }
                let tells = finding.tells_something();
                if !tells {
                    self.unanswered.fetch_add(1, Ordering::Relaxed);
                }
                (tells || occasion == Occasion::Again).then_some(Found::Finding(finding))
            }
            Subject::Network(network) => {
                let sample = self.asker.sample(network).await;
                if sample.is_none() {
                    self.unanswered.fetch_add(1, Ordering::Relaxed);
                }
                sample.map(Found::Sample)
            }
        };
        if found.is_none() {
            self.recent().forget(subject.network());
        }
        found
    }
}

impl Subject {
    fn network(&self) -> Network {
        match *self {
            Self::Source { address, .. } => Network::source(address),
            Self::Network(network) => network,
        }
    }
}

/// Asks about what comes in, `at_once` at a time, until nobody can send any more.
async fn work(
    mut inbox: mpsc::Receiver<Subject>,
    shared: Arc<Shared>,
    at_once: usize,
    sink: mpsc::Sender<Found>,
) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            subject = inbox.recv(), if under_way.len() < at_once => {
                let Some(subject) = subject else { return };
                let shared = Arc::clone(&shared);
                under_way.spawn(async move { shared.find(subject).await });
            }
            Some(found) = under_way.join_next() => {
                // An error means that it was cancelled with the runtime.
                if let Ok(Some(found)) = found && sink.send(found).await.is_err() {
                    return;
                }
            }
        }
    }
}
