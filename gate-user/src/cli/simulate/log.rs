//! What a Postfix log tells: its clients, the mail that was taken of them, and when which of their
//! connections was open.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use crate::{
    control::api::{ReplayDeed, ReplayStep},
    network::Network,
    policy::maillog::{self, Calendar, Client, Event, Line},
};

/// What a log tells of one client.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) name: Option<String>,
    pub(super) connections: u64,
    pub(super) refused: u64,
    /// Messages that were taken, and their recipients, by sender.
    pub(super) mail: BTreeMap<String, (u64, u64)>,
}

/// When something was, and in which line: what a log tells in the same second has its order too.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Moment {
    /// In milliseconds since 1970.
    at: u64,
    line: u64,
}

/// A connection to smtpd(8).
#[derive(Clone, Debug)]
struct Visit {
    client: IpAddr,
    begun: Moment,
    /// When it ended, or was last told of.
    last: Moment,
    messages: Vec<(Moment, String, u32)>,
    /// Whether the client has logged in: nobody asks about it then.
    authenticated: bool,
}

impl Visit {
    /// It is told of at `moment`; whether that can be. A line from before belongs to a former visit of
    /// that process: older logs may be read after newer ones.
    fn go_on(&mut self, moment: Moment) -> bool {
        let can_be = self.last.at <= moment.at;
        if can_be {
            self.last = moment;
        }
        can_be
    }
}

/// A message whose sender has not been told yet.
#[derive(Clone, Copy, Debug)]
struct Begun {
    client: IpAddr,
    visit: Option<(usize, Moment)>,
}

/// What a log tells.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) lines: u64,
    pub(super) clients: BTreeMap<IpAddr, Seen>,
    /// Messages of clients that have logged in: nobody asks about them.
    pub(super) authenticated: u64,
    /// Lines about connections and mail that do not tell when they were written.
    pub(super) untimed: u64,
    begun: HashMap<String, Begun>,
    visits: Vec<Visit>,
    /// The visit that each process has at hand.
    at_hand: HashMap<String, usize>,
    calendar: Calendar,
}

impl Log {
    pub(super) fn line(&mut self, line: &str) {
        self.lines += 1;
        if let Some(line) = maillog::read(line) {
            self.take(&line);
        }
    }

    fn take(&mut self, line: &Line<'_>) {
        let moment = line.when.map(|when| Moment {
            at: self.calendar.place(when),
            line: self.lines,
        });
        self.untimed += u64::from(moment.is_none());
        let process = line.process;
        match line.event.clone() {
            Event::Connected(client) => {
                self.client(client).connections += 1;
                self.at_hand.remove(process);
                self.visit(process, client.address, moment);
            }
            Event::Screened(client) => self.client(client).connections += 1,
            Event::Disconnected => {
                let visit = self.at_hand.remove(process);
                if let (Some(visit), Some(moment)) = (visit, moment) {
                    self.visits[visit].go_on(moment);
                }
            }
            Event::Refused(client) => {
                self.client(client).refused += 1;
                if let (Some(visit), Some(moment)) = (self.at_hand.get(process), moment) {
                    self.visits[*visit].go_on(moment);
                }
            }
            Event::Received {
                client,
                authenticated: true,
                ..
            } => {
                self.authenticated += 1;
                if let Some(visit) = self.visit(process, client.address, moment) {
                    self.visits[visit].authenticated = true;
                }
            }
            Event::Received { id, client, .. } => {
                self.client(client);
                let visit = self.visit(process, client.address, moment);
                let begun = Begun {
                    client: client.address,
                    visit: visit.zip(moment),
                };
                self.begun.insert(id.to_owned(), begun);
            }
            // A message that is tried again is told again; the first time counts.
            Event::Queued {
                id,
                sender,
                recipients,
            } => {
                if let Some(begun) = self.begun.remove(id) {
                    let seen = self.clients.entry(begun.client).or_default();
                    let (messages, all) = seen.mail.entry(sender.to_owned()).or_default();
                    *messages += 1;
                    *all += u64::from(recipients);
                    if let Some((visit, moment)) = begun.visit {
                        let message = (moment, sender.to_owned(), recipients);
                        self.visits[visit].messages.push(message);
                    }
                }
            }
            Event::Removed { id } => {
                self.begun.remove(id);
            }
        }
    }

    fn client(&mut self, client: Client<'_>) -> &mut Seen {
        let seen = self.clients.entry(client.address).or_default();
        if seen.name.is_none() {
            seen.name = client.name.map(str::to_owned);
        }
        seen
    }

    /// The visit of `client` that `process` has at hand. One whose beginning the log does not have
    /// begins now; without a time there is none.
    fn visit(&mut self, process: &str, client: IpAddr, moment: Option<Moment>) -> Option<usize> {
        let moment = moment?;
        if let Some(&visit) = self.at_hand.get(process)
            && self.visits[visit].client == client
            && self.visits[visit].go_on(moment)
        {
            return Some(visit);
        }
        let visit = self.visits.len();
        self.visits.push(Visit {
            client,
            begun: moment,
            last: moment,
            messages: Vec::new(),
            authenticated: false,
        });
        self.at_hand.insert(process.to_owned(), visit);
        Some(visit)
    }

    /// What is to be asked: about each client, and about each of its senders.
    pub(super) fn questions(&self) -> Vec<(IpAddr, Option<&str>)> {
        let mut questions = Vec::new();
        for (address, seen) in &self.clients {
            questions.push((*address, None));
            questions.extend(
                seen.mail
                    .keys()
                    .map(|sender| (*address, Some(sender.as_str()))),
            );
        }
        questions
    }

    /// The steps of all clients but those that `judged` says of, whoever the sender is or for this
    /// one: source by source, each in the order of time. Clients that have logged in are left out.
    pub(super) fn steps(&self, judged: impl Fn(IpAddr, Option<&str>) -> bool) -> Vec<ReplayStep> {
        let mut steps = Vec::new();
        let visits = self.visits.iter().zip(0..);
        for (visit, connection) in visits.filter(|(visit, _)| !visit.authenticated) {
            let client = visit.client;
            if judged(client, None) {
                continue;
            }
            let step = |moment: Moment, deed| {
                let step = ReplayStep {
                    at: moment.at,
                    client_address: client,
                    connection,
                    deed,
                };
                (Network::source(client), moment, step)
            };
            steps.push(step(visit.begun, ReplayDeed::Connect));
            for (moment, sender, recipients) in &visit.messages {
                if !judged(client, Some(sender)) {
                    let message = ReplayDeed::Message {
                        sender: sender.clone(),
                        recipients: *recipients,
                    };
                    steps.push(step(*moment, message));
                }
            }
            steps.push(step(visit.last, ReplayDeed::Disconnect));
        }
        // Steps of one moment stay in the order in which they were put here.
        steps.sort_by_key(|(source, moment, _)| (*source, *moment));
        steps.into_iter().map(|(_, _, step)| step).collect()
    }

    /// Messages whose sender the log has not told.
    #[cfg(test)]
    pub(super) fn unfinished(&self) -> usize {
        self.begun.len()
    }
}
