//! A question that is being asked: whoever asks the same meanwhile gets the same answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{Answer, Failure, Urgency, answer::Record, digest::Kind};
use crate::dns::name::Name;

/// A question.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    pub(super) name: Name,
    pub(super) kind: Kind,
}

pub(super) type Shared = Arc<Answer<Record>>;

/// A question that is being asked.
#[derive(Debug)]
pub(super) struct Flight {
    answer: watch::Sender<Option<Shared>>,
    urgency: watch::Sender<Urgency>,
}

impl Flight {
    fn new(urgency: Urgency) -> Self {
        Self {
            answer: watch::Sender::new(None),
            urgency: watch::Sender::new(urgency),
        }
    }

    /// How urgent the most urgent of those who asked is: a receiver that tells when it changes.
    pub(super) fn urgency(&self) -> watch::Receiver<Urgency> {
        self.urgency.subscribe()
    }

    /// Ends when nobody waits for the answer any more.
    pub(super) async fn abandoned(&self) {
        self.answer.closed().await;
    }
}

/// One who waits for an answer.
pub(super) struct Seat(watch::Receiver<Option<Shared>>);

impl Seat {
    /// The answer, when it is there.
    pub(super) async fn answer(mut self) -> Shared {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(answer)) => Arc::clone(answer),
            // Its task ended without an answer: the runtime goes down.
            Ok(None) | Err(_) => Arc::new(Answer::Failed(Failure::Unreachable)),
        }
    }
}

/// All questions that are being asked.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Key, Arc<Flight>>>);

/// What becomes of a question.
pub(super) enum Boarding {
    /// It was answered before; that is good for so long.
    Known(Shared, Duration),
    /// It is being asked already.
    Joined(Seat),
    /// It has to be asked.
    Begin(Seat, Arc<Flight>),
}

/// How the asking ended.
#[derive(Debug)]
pub(super) enum End {
    /// With this.
    Answer(Answer<Record>),
    /// It was not asked, being as urgent as that.
    Refused(super::Shed, Urgency),
    /// Nobody waited for it any more, before it was sent.
    Abandoned,
}

impl Flights {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes in with a question; `known` is asked for an answer if it is not under way.
    pub(super) fn board(
        &self,
        key: &Key,
        urgency: Urgency,
        known: impl FnOnce() -> Option<(Shared, Duration)>,
    ) -> Boarding {
        let mut all = self.all();
        if let Some(flight) = all.get(key) {
            let seat = Seat(flight.answer.subscribe());
            flight.urgency.send_if_modified(|before| {
                let more = urgency > *before;
                *before = urgency.max(*before);
                more
            });
            return Boarding::Joined(seat);
        }
        if let Some((answer, left)) = known() {
            return Boarding::Known(answer, left);
        }
        let flight = Arc::new(Flight::new(urgency));
        let seat = Seat(flight.answer.subscribe());
        all.insert(key.clone(), Arc::clone(&flight));
        Boarding::Begin(seat, flight)
    }

    /// Ends the asking, with `keep` for an answer first; false if it has to go on, because
    /// somebody came in meanwhile who is more urgent or has not left.
    pub(super) fn land(&self, key: &Key, end: End, keep: impl FnOnce(&Shared)) -> bool {
        let mut all = self.all();
        let Some(flight) = all.get(key) else {
            return true;
        };
        let answer = match end {
            End::Answer(answer) => answer,
            End::Refused(_, urgency) if *flight.urgency.borrow() > urgency => return false,
            End::Refused(shed, _) => Answer::NotAsked(shed),
            End::Abandoned if flight.answer.receiver_count() > 0 => return false,
            End::Abandoned => {
                all.remove(key);
                return true;
            }
        };
        let answer = Arc::new(answer);
        keep(&answer);
        flight.answer.send_replace(Some(answer));
        all.remove(key);
        true
    }

    /// Forgets a flight that did not land, if there is one.
    fn forget(&self, key: &Key, flight: &Arc<Flight>) {
        let mut all = self.all();
        if all.get(key).is_some_and(|other| Arc::ptr_eq(other, flight)) {
            all.remove(key);
        }
    }
}

/// Sees to it that nobody waits for a flight whose task has ended, however it did.
pub(super) struct Watch<'a> {
    pub(super) flights: &'a Flights,
    pub(super) key: &'a Key,
    pub(super) flight: &'a Arc<Flight>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.flights.forget(self.key, self.flight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_task_that_has_ended() {
        let flights = Flights::default();
        let key = Key {
            name: "a.example".parse().unwrap(),
            kind: Kind::A,
        };
        let Boarding::Begin(first, flight) = flights.board(&key, Urgency::Door, || None) else {
            panic!("nobody asked before");
        };
        let Boarding::Joined(second) = flights.board(&key, Urgency::Door, || None) else {
            panic!("it is being asked");
        };
        drop(Watch {
            flights: &flights,
            key: &key,
            flight: &flight,
        });
        drop(flight);
        for seat in [first, second] {
            assert_eq!(*seat.answer().await, Answer::Failed(Failure::Unreachable));
        }
    }
}
