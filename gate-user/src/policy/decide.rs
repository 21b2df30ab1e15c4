//! What the mail server is told: a request and what is known in, a [`Decision`] out. Pure.

use std::sync::Arc;

use gate_common::Mode;
use jiff::Timestamp;

use super::{
    check::{Case, Check},
    facts::{Dnsbl, Facts, Lookup, Reverse, Standing},
    finding::Finding,
    reference::Reference,
    reply::{Reply, Values},
    request::{Request, State},
};
use crate::{
    config::{PolicyConfig, UnderWay, Use},
    network::Network,
    plan::Enforcement,
};

/// What the mail server is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Go on as if nobody had been asked.
    Dunno,
    /// Refuse with this reply.
    Reply(Reply),
}

/// What is decided, and how it came about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// What the mail server is to do.
    pub action: Action,
    /// Why.
    pub by: By,
    /// The checks that it went through, in their order.
    pub steps: Vec<Step>,
}

impl Decision {
    /// Dunno, without any check.
    pub(super) fn pass(by: By) -> Self {
        Self {
            action: Action::Dunno,
            by,
            steps: Vec::new(),
        }
    }

    /// The checks that would have refused, were they not only observing.
    pub fn observed(&self) -> impl Iterator<Item = (&Step, &Reply)> {
        self.steps.iter().filter_map(|step| match &step.outcome {
            Outcome::Observed(_, reply) => Some((step, reply)),
            _ => None,
        })
    }
}

/// Why it is decided so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    /// No check objects.
    Nothing,
    /// This check objects.
    Check(Check),
    /// The client is allowed, through this network.
    Allowed(Network),
    /// The client has logged in: it is one of the mail server's own.
    Authenticated,
    /// The mail server does not know the client by an address.
    Nobody,
    /// The gate is off.
    Off,
}

/// One check, and what came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// The check.
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The configuration has it off.
    Off,
    /// It is not made in this state, or nobody knows what it needs.
    NotMade,
    /// It has no objection.
    Clear,
    /// What it needs did not come in time, and the configuration lets that pass.
    UnderWay,
    /// It would refuse with this reply, and only observes.
    Observed(Finding, Reply),
    /// It refuses; the reply is the decision's.
    Refused(Finding),
}

/// What decisions go by.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The configuration.
    pub config: &'a PolicyConfig,
    /// The mode in force: in `monitor` every check only observes.
    pub mode: Mode,
    /// The time, for replies that tell the day.
    pub now: Timestamp,
    /// What finds the decision in the log.
    pub reference: Reference,
}

/// What can be decided without asking DNS: that nobody is to be judged, that the client is allowed,
/// or that the book refuses it. `None` if more must be known.
pub fn at_once(rules: &Rules<'_>, request: &Request, standing: &Standing) -> Option<Decision> {
    if rules.mode == Mode::Off {
        return Some(Decision::pass(By::Off));
    }
    if request.authenticated {
        return Some(Decision::pass(By::Authenticated));
    }
    match standing {
        Standing::Open => None,
        Standing::Allowed(network) => Some(Decision::pass(By::Allowed(*network))),
        Standing::Listed(_) => {
            let facts = Facts {
                standing: standing.clone(),
                ..Facts::default()
            };
            let decision = Walk::new(rules, request, &facts).over(&[Check::Listed]);
            (decision.action != Action::Dunno).then_some(decision)
        }
    }
}

/// What is to be done about `request`, given `facts`. The first check that objects decides.
pub fn decide(rules: &Rules<'_>, request: &Request, facts: &Facts) -> Decision {
    at_once(rules, request, &facts.standing)
        .unwrap_or_else(|| Walk::new(rules, request, facts).over(&Check::ALL))
}

/// One walk over the checks.
struct Walk<'a> {
    rules: &'a Rules<'a>,
    request: &'a Request,
    facts: &'a Facts,
}

/// What a check says, before it is asked whether it may.
enum Word {
    NotMade,
    Made(Option<Finding>),
}

impl<'a> Walk<'a> {
    fn new(rules: &'a Rules<'a>, request: &'a Request, facts: &'a Facts) -> Self {
        Self {
            rules,
            request,
            facts,
        }
    }

    fn over(&self, checks: &[Check]) -> Decision {
        let mut steps = Vec::with_capacity(checks.len());
        for &check in checks {
            let setting = self.rules.config.checks.of(check);
            let word = match setting {
                Use::Off => None,
                Use::On | Use::Observe => Some(self.word(check)),
            };
            let outcome = match word {
                None => Outcome::Off,
                Some(Word::NotMade) => Outcome::NotMade,
                Some(Word::Made(None)) => Outcome::Clear,
                Some(Word::Made(Some(Finding::UnderWay)))
                    if self.rules.config.under_way == UnderWay::Dunno =>
                {
                    Outcome::UnderWay
                }
                Some(Word::Made(Some(finding))) => {
                    let reply = self.reply(&finding);
                    if self.only_observes(setting, &finding) {
                        Outcome::Observed(finding, reply)
                    } else {
                        let outcome = Outcome::Refused(finding);
                        steps.push(Step { check, outcome });
                        return Decision {
                            action: Action::Reply(reply),
                            by: By::Check(check),
                            steps,
                        };
                    }
                }
            };
            steps.push(Step { check, outcome });
        }
        Decision {
            action: Action::Dunno,
            by: By::Nothing,
            steps,
        }
    }

    fn only_observes(&self, setting: Use, finding: &Finding) -> bool {
        let by_reason = matches!(
            finding,
            Finding::Listed(listed) if listed.enforcement == Enforcement::Observe
        );
        setting == Use::Observe || by_reason || self.rules.mode == Mode::Monitor
    }

    fn word(&self, check: Check) -> Word {
        let (request, facts, limits) = (self.request, self.facts, &self.rules.config.limits);
        let (state, counts) = (request.state, &facts.counts);
        let naming = (State::Rcpt..=State::EndOfMessage).contains(&state);
        Word::Made(match check {
            Check::Listed => match &facts.standing {
                Standing::Listed(listed) => Some(Finding::Listed(listed.clone())),
                Standing::Open | Standing::Allowed(_) => None,
            },
            Check::ReverseDns => return asked(&facts.reverse, Finding::of_reverse),
            Check::PtrClass => return asked(&facts.reverse, Finding::of_name),
            Check::Dnsbl => {
                return asked(&facts.dnsbl, |answer| match answer {
                    Dnsbl::Below => None,
                    Dnsbl::Listed { list, url } => Some(Finding::OnList {
                        list: Arc::clone(list),
                        url: url.clone(),
                    }),
                });
            }
            Check::SenderDomain => {
                return asked(&facts.sender, |domain| Finding::of_sender(*domain));
            }
            // Once the message is on its way, refusing it would save nobody a connection.
            Check::Connections => match facts.connections {
                Some(found) if state <= State::Rcpt => {
                    Finding::over(Case::Connections, found.open, found.limit, &found.limit)
                }
                _ => return Word::NotMade,
            },
            _ if !naming => return Word::NotMade,
            Check::RecipientsPerConnection => {
                let (case, limit) = (
                    Case::RecipientsPerConnection,
                    limits.recipients_per_connection,
                );
                Finding::over(case, counts.in_connection, limit, &limit)
            }
            Check::RecipientsPerMessage => {
                let (case, limit) = (Case::RecipientsPerMessage, limits.recipients_per_message);
                Finding::over(case, counts.in_message, limit, &limit)
            }
            Check::NullSender if request.sender.is_none() => return Word::NotMade,
            Check::NullSender => (request.from_nobody() && counts.in_message > 1)
                .then_some(Finding::NullSender(counts.in_message)),
            Check::MessageRate => {
                let limit = &limits.message_rate;
                Finding::over(Case::MessageRate, counts.messages, limit.count(), limit)
            }
            Check::RecipientRate => {
                let limit = &limits.recipient_rate;
                Finding::over(Case::RecipientRate, counts.recipients, limit.count(), limit)
            }
        })
    }

    fn reply(&self, finding: &Finding) -> Reply {
        let (case, values) = finding.case(self.values(), self.name().is_some());
        self.rules.config.reply.of(case).fill(&values)
    }

    /// What every reply may tell.
    fn values(&self) -> Values<'_> {
        let values = Values::default()
            .ip(self.request.client)
            .network(self.request.source())
            .date(self.rules.now)
            .url(self.rules.config.url.as_str())
            .reference(self.rules.reference);
        let values = match self.name() {
            Some(name) => values.ptr(name),
            None => values,
        };
        match &self.request.sender {
            Some(sender) => values.sender(sender),
            None => values,
        }
    }

    /// The PTR name: as DNS told us, or else the mail server.
    fn name(&self) -> Option<&str> {
        match self.facts.reverse.known() {
            Some(Reverse::Named { name, .. }) => Some(name),
            _ => self.request.reverse_name.as_deref(),
        }
    }
}

fn asked<T>(lookup: &Lookup<T>, objection: impl Fn(&T) -> Option<Finding>) -> Word {
    match lookup {
        Lookup::NotAsked => Word::NotMade,
        Lookup::UnderWay => Word::Made(Some(Finding::UnderWay)),
        Lookup::Known(answer) => Word::Made(objection(answer)),
    }
}

#[cfg(test)]
mod tests;
