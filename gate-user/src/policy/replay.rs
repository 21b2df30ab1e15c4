//! The limits, held against what came in the past: steps of connections in, those that are over a
//! limit out. Pure.
//!
//! It begins with nothing counted, and goes by the same counts and the same checks as the service:
//! what is refused does not count. A check that only observes refuses here as well, because what it
//! would do is what is asked.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    time::Duration,
};

use super::{
    check::Check,
    decide::{self, Action, By, Decision, Rules},
    facts::{Connections, Facts, Standing},
    reply::Reply,
    request::{Request, State},
    session::{Peer, Sessions},
};
use crate::network::Network;

/// What was done in a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Deed {
    /// It was opened.
    Connect,
    /// A message was handed in.
    Message {
        /// The envelope sender; empty for the null sender.
        sender: String,
        /// How many recipients it has.
        recipients: u32,
    },
    /// It was closed.
    Disconnect,
}

/// One step of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// When, since any one moment. The steps of a source come in the order of their times.
    pub at: Duration,
    /// The client.
    pub client: IpAddr,
    /// Which of the connections it is: a number that no other has.
    pub connection: u64,
    /// What was done.
    pub deed: Deed,
}

/// What is known of the client of a step, besides what is counted here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known {
    /// What the book says.
    pub standing: Standing,
    /// How many connections it may have open; 0 for any number.
    pub connections: u32,
}

/// A step that is over a limit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Over {
    /// The check that objects.
    pub check: Check,
    /// Recipients that are refused: 0 where the connection itself is.
    pub recipients: u32,
    /// What the client is told.
    pub reply: Reply,
}

/// What has been counted so far.
#[derive(Debug, Default)]
pub struct Replay {
    sessions: Sessions,
    connections: HashMap<u64, Place>,
    open: HashMap<Network, u32>,
    messages: u64,
}

/// How a connection stands.
#[derive(Clone, Debug)]
enum Place {
    Open(Network),
    /// Refused when it was opened: so is all that is handed in through it.
    Refused(Check, Reply),
}

impl Replay {
    /// Takes the next step; what is over a limit in it.
    pub fn step(&mut self, rules: &Rules<'_>, known: &Known, step: &Step) -> Option<Over> {
        match &step.deed {
            Deed::Connect => self.connect(rules, known, step),
            Deed::Message { sender, recipients } => {
                self.message(rules, known, step, sender, *recipients)
            }
            Deed::Disconnect => {
                self.disconnect(step.connection);
                None
            }
        }
    }

    fn connect(&mut self, rules: &Rules<'_>, known: &Known, step: &Step) -> Option<Over> {
        // Whoever opens a connection twice has closed it in between.
        self.disconnect(step.connection);
        let request = request(step, State::Connect);
        let source = request.source();
        let open = self.open.get(&source).copied().unwrap_or(0);
        let facts = Facts {
            standing: known.standing.clone(),
            connections: (known.connections > 0).then_some(Connections {
                open: open.saturating_add(1),
                limit: known.connections,
            }),
            ..Facts::default()
        };
        let refused = objection(&decide::decide(rules, &request, &facts));
        let place = match &refused {
            None => {
                self.open.insert(source, open.saturating_add(1));
                Place::Open(source)
            }
            Some((check, reply)) => Place::Refused(*check, reply.clone()),
        };
        self.connections.insert(step.connection, place);
        refused.map(|(check, reply)| Over {
            check,
            recipients: 0,
            reply,
        })
    }

    fn message(
        &mut self,
        rules: &Rules<'_>,
        known: &Known,
        step: &Step,
        sender: &str,
        recipients: u32,
    ) -> Option<Over> {
        if let Some(Place::Refused(check, reply)) = self.connections.get(&step.connection) {
            return Some(Over {
                check: *check,
                recipients,
                reply: reply.clone(),
            });
        }
        self.messages += 1;
        let peer = Peer(step.connection);
        let limits = &rules.config.limits;
        let with = |taken: u32| Request {
            sender: Some(sender.to_owned()),
            instance: Some(self.messages.to_string()),
            recipients: Some(taken),
            ..request(step, State::Data)
        };
        let refusal = |taken: u32| {
            let request = with(taken);
            let facts = Facts {
                standing: known.standing.clone(),
                counts: self.sessions.look(&request, peer, limits, step.at),
                ..Facts::default()
            };
            objection(&decide::decide(rules, &request, &facts))
        };
        // More recipients are never nearer to what is allowed, so what is taken can be halved in.
        let (mut taken, mut over) = (recipients, None);
        if let Some(refused) = refusal(recipients) {
            let mut least = (recipients, refused);
            taken = 0;
            while taken + 1 < least.0 {
                let middle = taken + (least.0 - taken) / 2;
                match refusal(middle) {
                    None => taken = middle,
                    Some(refused) => least = (middle, refused),
                }
            }
            let (check, reply) = least.1;
            over = Some(Over {
                check,
                recipients: recipients - taken,
                reply,
            });
        }
        if taken > 0 {
            let request = with(taken);
            self.sessions.take(&request, peer, limits, step.at);
        }
        over
    }

    fn disconnect(&mut self, connection: u64) {
        if let Some(Place::Open(source)) = self.connections.remove(&connection)
            && let Entry::Occupied(mut open) = self.open.entry(source)
        {
            *open.get_mut() = open.get().saturating_sub(1);
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

fn request(step: &Step, state: State) -> Request {
    Request {
        client: step.client.to_canonical(),
        port: None,
        state,
        sender: None,
        recipient: None,
        reverse_name: None,
        instance: None,
        recipients: None,
        authenticated: false,
    }
}

/// The check that refuses, or the first that would, were it not only observing.
fn objection(decision: &Decision) -> Option<(Check, Reply)> {
    if let (Action::Reply(reply), By::Check(check)) = (&decision.action, decision.by) {
        return Some((check, reply.clone()));
    }
    let observed = decision.observed().next();
    observed.map(|(step, reply)| (step.check, reply.clone()))
}

#[cfg(test)]
mod tests;
