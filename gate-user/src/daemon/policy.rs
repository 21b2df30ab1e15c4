//! The policy service in the daemon: on the writer's snapshot, at the doors that the configuration
//! names, and in the words of the control API.

use std::{net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use futures_util::{StreamExt as _, stream};
use tokio::net::TcpListener;

use super::{
    DaemonError,
    door::AtTheDoor,
    lookup::Lookups,
    passed::{Passed, PassedSocket},
    view::View,
};
use crate::{
    config::Config,
    control::{
        ServiceError,
        api::{
            CheckMade, CheckOutcome, Exempt, MAX_VERDICTS, PolicyAction, PolicyState, Verdict,
            VerdictQuery, Verdicts, VerdictsQuery,
        },
        server::Socket,
    },
    policy::{
        self, Check, Scene,
        decide::{Action, By, Decision, Outcome},
        request::{Attributes, Request, RequestError, Subject},
        server::{Door, Limits},
    },
};

/// Verdicts of one request that are made at the same time: each may wait for DNS.
const AT_ONCE: usize = 64;

/// The service, and whom it asks for what the book does not know.
pub(super) type Policy = policy::Policy<AtTheDoor>;

/// The service on the snapshot that the writer publishes.
pub(super) fn service(view: &Arc<ArcSwap<View>>, lookups: &Lookups) -> Arc<Policy> {
    let door = AtTheDoor::new(Arc::clone(view), lookups.clone());
    let view = Arc::clone(view);
    let scene = move || {
        let view = view.load();
        Scene {
            book: view.book.clone(),
            rules: Arc::clone(&view.rules),
            config: Arc::clone(&view.config),
            mode: view.mode,
        }
    };
    Arc::new(Policy::new(scene, door))
}

/// The name of the sockets that systemd listens on for the policy service.
const PASSED: &str = "policy";

/// The doors that were passed, and for those that were not, the ones that the configuration names.
pub(super) async fn doors(config: &Config, passed: &mut Passed) -> Result<Vec<Door>, DaemonError> {
    let policy = &config.policy;
    if !policy.enabled {
        return Ok(Vec::new());
    }
    let passed = passed.take(PASSED).into_iter().map(door);
    let mut doors = passed.collect::<Result<Vec<_>, _>>()?;
    if !doors.iter().any(|door| matches!(door, Door::Unix(_))) {
        let path = config.policy_socket();
        let socket = Socket::bind(&path, policy.mode, policy.group.as_deref()).await;
        doors.push(Door::Unix(socket.map_err(DaemonError::PolicySocket)?));
    }
    if let Some(address) = policy.listen.address()
        && !doors.iter().any(|door| matches!(door, Door::Tcp(_)))
    {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| DaemonError::Listen {
            address,
            key: "policy.listen",
            source,
        })?;
        doors.push(Door::Tcp(listener));
    }
    Ok(doors)
}

fn door(socket: PassedSocket) -> Result<Door, DaemonError> {
    let door = match socket {
        PassedSocket::Unix(listener) => Socket::passed(listener).map(Door::Unix),
        PassedSocket::Tcp(listener) => TcpListener::from_std(listener).map(Door::Tcp),
    };
    door.map_err(|source| DaemonError::Passed {
        name: PASSED.to_owned(),
        source,
    })
}

/// What mail servers may cost.
pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        connections: config.policy.connections as usize,
        ..Limits::default()
    }
}

/// What a mail server would be told, or is told.
pub(super) async fn verdict(policy: &Policy, query: VerdictQuery) -> Result<Verdict, ServiceError> {
    let count = query.count;
    let request = request(query).map_err(|error| ServiceError::BadRequest(error.to_string()))?;
    let client = request.client;
    let subject = Subject::Client(request);
    let decision = if count {
        policy.answer(&subject, policy.new_peer()).await
    } else {
        policy.test(&subject).await
    };
    Ok(told(client, &decision))
}

/// The same for many.
pub(super) async fn verdicts(
    policy: &Policy,
    query: VerdictsQuery,
) -> Result<Verdicts, ServiceError> {
    let asked = query.requests.len();
    if asked > MAX_VERDICTS {
        return Err(ServiceError::BadRequest(format!(
            "{asked} requests: {MAX_VERDICTS} are the most at a time"
        )));
    }
    let asked = stream::iter(query.requests).map(|query| verdict(policy, query));
    let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
    let verdicts: Result<_, _> = answers.into_iter().collect();
    Ok(Verdicts {
        verdicts: verdicts?,
    })
}

/// What mail servers were told since the start.
pub(super) fn state(policy: &Policy) -> PolicyState {
    let counted = policy.counters().counted();
    let refused = Check::ALL.map(|check| (check, counted.refused_by(check)));
    PolicyState {
        requests: counted.requests,
        refused: refused.into(),
        observed: Check::ALL.into_iter().zip(counted.observed).collect(),
        broken: counted.broken,
        turned_away: counted.turned_away,
    }
}

/// The request as a mail server would make it.
fn request(query: VerdictQuery) -> Result<Request, RequestError> {
    let mut attributes = Attributes::default();
    let port = query.client_port.map(|port| port.to_string());
    let count = query.recipient_count.map(|count| count.to_string());
    for (name, value) in [
        ("client_address", Some(query.client_address.to_string())),
        ("client_port", port),
        ("protocol_state", query.protocol_state),
        ("sender", query.sender),
        ("recipient", query.recipient),
        ("recipient_count", count),
        ("instance", query.instance),
        ("reverse_client_name", query.reverse_client_name),
        ("sasl_username", query.sasl_username),
    ] {
        if let Some(value) = value {
            attributes.take(name.as_bytes(), value.as_bytes())?;
        }
    }
    match attributes.finish()? {
        Subject::Client(request) => Ok(request),
        // An address is never read as an unknown client.
        Subject::Nobody => Err(RequestError::NoClient),
    }
}

fn told(client: IpAddr, decision: &Decision) -> Verdict {
    let reply = match &decision.action {
        Action::Dunno => None,
        Action::Reply(reply) => Some(reply.to_string()),
    };
    let (exempt, check, allowed) = match decision.by {
        By::Nothing | By::Nobody => (None, None, None),
        By::Check(check) => (None, Some(check), None),
        By::Allowed(network) => (Some(Exempt::Allowed), None, Some(network)),
        By::Authenticated => (Some(Exempt::Authenticated), None, None),
        By::Off => (Some(Exempt::Off), None, None),
    };
    let checks = decision.steps.iter().map(|step| {
        let (outcome, finding, its_reply) = match &step.outcome {
            Outcome::Off => (CheckOutcome::Off, None, None),
            Outcome::NotMade => (CheckOutcome::NotMade, None, None),
            Outcome::Clear => (CheckOutcome::Clear, None, None),
            Outcome::UnderWay => (CheckOutcome::UnderWay, None, None),
            Outcome::Observed(finding, reply) => (
                CheckOutcome::Observed,
                Some(finding),
                Some(reply.to_string()),
            ),
            Outcome::Refused(finding) => (CheckOutcome::Refused, Some(finding), reply.clone()),
        };
        CheckMade {
            check: step.check,
            outcome,
            found: finding.map(ToString::to_string),
            reason: finding.and_then(policy::Finding::reason),
            reply: its_reply,
        }
    });
    Verdict {
        client_address: client,
        action: if reply.is_some() {
            PolicyAction::Refuse
        } else {
            PolicyAction::Dunno
        },
        checks: checks.collect(),
        reply,
        check,
        exempt,
        allowed,
    }
}
