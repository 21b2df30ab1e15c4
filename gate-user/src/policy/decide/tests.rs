use std::{path::Path, sync::Arc};

use gate_common::{Mode, Reason};

use super::*;
use crate::{
    config::Config,
    plan::Enforcement,
    policy::facts::{Connections, Counts, Listed, PtrClass, SenderDomain},
};

const URL: &str = "https://www.example.org/refused";

fn config(text: &str) -> PolicyConfig {
    let text = format!("[policy]\nurl = '{URL}'\n{text}");
    Config::parse(&text, Path::new("gate.toml")).unwrap().policy
}

fn request() -> Request {
    Request {
        client: "192.0.2.7".parse().unwrap(),
        port: Some(41000),
        state: State::Rcpt,
        sender: Some("joe@example.org".to_owned()),
        recipient: None,
        reverse_name: None,
        instance: Some("1.2.3".to_owned()),
        recipients: Some(0),
        authenticated: false,
    }
}

/// A client against which nothing speaks.
fn good() -> Facts {
    Facts {
        standing: Standing::Open,
        reverse: named("mail.example.org", true, PtrClass::Own),
        dnsbl: Lookup::Known(Dnsbl::Below),
        sender: Lookup::Known(SenderDomain::Good),
        connections: Some(Connections { open: 1, limit: 20 }),
        counts: Counts {
            in_connection: 1,
            in_message: 1,
            messages: 1,
            recipients: 1,
        },
    }
}

fn named(name: &str, confirmed: bool, class: PtrClass) -> Lookup<Reverse> {
    Lookup::Known(Reverse::Named {
        name: name.into(),
        confirmed,
        class,
    })
}

fn listed(reason: Reason) -> Listed {
    Listed {
        network: "192.0.2.0/24".parse().unwrap(),
        reason,
        enforcement: Enforcement::default_of(reason),
        since: "2026-11-22T10:00:00Z".parse().unwrap(),
        evidence: None,
    }
}

fn decided_in(mode: Mode, config: &PolicyConfig, request: &Request, facts: &Facts) -> Decision {
    let rules = Rules {
        config,
        mode,
        now: "2026-11-26T10:00:00Z".parse().unwrap(),
        reference: Reference::default(),
    };
    decide(&rules, request, facts)
}

fn decided(config: &PolicyConfig, request: &Request, facts: &Facts) -> Decision {
    decided_in(Mode::Enforce, config, request, facts)
}

fn told(decision: &Decision) -> String {
    match &decision.action {
        Action::Dunno => "dunno".to_owned(),
        Action::Reply(reply) => reply.to_string(),
    }
}

/// The good client, but for what `change` makes of it.
fn but(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = good();
    change(&mut facts);
    facts
}

/// Every row of the table of replies, as it is sent.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_case_has_its_reply() {
    let config = config("[policy.checks]\nmessage_rate = 'on'\nrecipient_rate = 'on'\n");
    let dynamic = named("dsl-1-2.example.net", true, PtrClass::Dynamic);
    let forged = named("mail.example.net", false, PtrClass::Own);
    let on_list = Lookup::Known(Dnsbl::Listed {
        list: "bl.example".into(),
        url: Some("https://bl.example/?192.0.2.7".into()),
    });
    for (facts, check, reply) in [
        (
            but(|facts| facts.standing = Standing::Listed(listed(Reason::DirectSpam))),
            Check::Listed,
            "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See https://www.example.org/refused#directspam - 20261122",
        ),
        (
            but(|facts| facts.reverse = dynamic),
            Check::PtrClass,
            "554 5.7.1 - ERROR: Mail Refused - <dsl-1-2.example.net> - See https://www.example.org/refused#dynamic",
        ),
        (
            but(|facts| facts.reverse = named("a.example", true, PtrClass::Generic)),
            Check::PtrClass,
            "554 5.7.1 - ERROR: Mail Refused - <a.example> - See https://www.example.org/refused#generic",
        ),
        (
            but(|facts| facts.dnsbl = on_list),
            Check::Dnsbl,
            "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See https://bl.example/?192.0.2.7",
        ),
        (
            but(|facts| {
                facts.dnsbl = Lookup::Known(Dnsbl::Listed {
                    list: "bl.example".into(),
                    url: None,
                });
            }),
            Check::Dnsbl,
            "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See https://www.example.org/refused#dnsbl - 20261126",
        ),
        (
            but(|facts| facts.reverse = Lookup::Known(Reverse::None)),
            Check::ReverseDns,
            "554 5.7.1 - ERROR: Connection refused. IP name lookup failed for <192.0.2.7>",
        ),
        (
            but(|facts| facts.reverse = Lookup::Known(Reverse::Temporary)),
            Check::ReverseDns,
            "421 4.7.1 - ERROR: Connection refused. Cannot resolve PTR record for <192.0.2.7>",
        ),
        (
            but(|facts| facts.reverse = forged),
            Check::ReverseDns,
            "550 5.7.25 - ERROR: Reverse DNS <mail.example.net> does not resolve to <192.0.2.7> (may be forged)",
        ),
        (
            but(|facts| facts.sender = Lookup::Known(SenderDomain::Temporary)),
            Check::SenderDomain,
            "421 4.1.8 - ERROR: Domain of sender address joe@example.org does not resolve",
        ),
        (
            but(|facts| facts.sender = Lookup::Known(SenderDomain::Nxdomain)),
            Check::SenderDomain,
            "554 5.1.8 - ERROR: Domain of sender address joe@example.org does not exist",
        ),
        (
            but(|facts| facts.sender = Lookup::Known(SenderDomain::NoMail)),
            Check::SenderDomain,
            "421 4.1.8 - ERROR: Domain of sender address joe@example.org does not accept inbound mail",
        ),
        (
            but(|facts| {
                facts.connections = Some(Connections {
                    open: 21,
                    limit: 20,
                });
            }),
            Check::Connections,
            "421 4.7.1 - ERROR: Connection refused - <192.0.2.7> - Too many simultaneous connections. See https://www.example.org/refused#limits",
        ),
        (
            but(|facts| facts.counts.in_connection = 1001),
            Check::RecipientsPerConnection,
            "452 4.7.1 - ERROR: Mail refused - <192.0.2.7> - Exceeded limit for recipients per connection. See https://www.example.org/refused#limits",
        ),
        (
            but(|facts| facts.counts.in_message = 101),
            Check::RecipientsPerMessage,
            "452 4.7.1 - ERROR: Too many recipients for this message",
        ),
        (
            but(|facts| facts.counts.messages = 1001),
            Check::MessageRate,
            "452 4.7.1 - ERROR: Mail refused - <192.0.2.7> - Exceeded limit of 1000/1h messages. See https://www.example.org/refused#limits",
        ),
        (
            but(|facts| facts.counts.recipients = 5001),
            Check::RecipientRate,
            "452 4.7.1 - ERROR: Mail refused - <192.0.2.7> - Exceeded limit of 5000/1h recipients. See https://www.example.org/refused#limits",
        ),
    ] {
        let decision = decided(&config, &request(), &facts);
        assert_eq!(told(&decision), reply);
        assert_eq!(decision.by, By::Check(check));
    }
    let bounce = Request {
        sender: Some(String::new()),
        ..request()
    };
    let two = but(|facts| facts.counts.in_message = 2);
    let decision = decided(&config, &bounce, &two);
    assert_eq!(decision.by, By::Check(Check::NullSender));
    assert_eq!(
        told(&decision),
        "554 5.7.1 - ERROR: Null sender with multiple recipients not allowed here"
    );
    assert_eq!(told(&decided(&config, &request(), &two)), "dunno");
    assert_eq!(told(&decided(&config, &request(), &good())), "dunno");
    assert_eq!(told(&decided(&config, &bounce, &good())), "dunno");
}

#[test]
fn a_limit_is_what_is_allowed() {
    let config = config("[policy.checks]\nmessage_rate = 'on'\nrecipient_rate = 'on'\n");
    let full = Facts {
        connections: Some(Connections {
            open: 20,
            limit: 20,
        }),
        counts: Counts {
            in_connection: 1000,
            in_message: 100,
            messages: 1000,
            recipients: 5000,
        },
        ..good()
    };
    assert_eq!(told(&decided(&config, &request(), &full)), "dunno");
}

/// What a listing is for decides which reply names it, as far as what that tells is known.
#[test]
fn a_listing_by_its_reason() {
    let config = config("");
    let page = "https://www.example.org/refused";
    let unnamed = |reason: Reason| {
        format!(
            "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See {page}#{} - 20261122",
            reason.code()
        )
    };
    for reason in Reason::ALL {
        // Nobody has asked DNS yet; the mail server may have told the name.
        let facts = Facts {
            standing: Standing::Listed(Listed {
                evidence: Some("weight 5: see https://bl.example/?192.0.2.7 there".into()),
                ..listed(reason)
            }),
            ..Facts::default()
        };
        let with_name = Request {
            reverse_name: Some("dsl.example".to_owned()),
            ..request()
        };
        let (plain, named) = match reason {
            Reason::NoRdns => {
                let reply = "554 5.7.1 - ERROR: Connection refused. IP name lookup failed for <192.0.2.7>";
                (reply.to_owned(), reply.to_owned())
            }
            Reason::Dynamic | Reason::Generic => (
                unnamed(reason),
                format!(
                    "554 5.7.1 - ERROR: Mail Refused - <dsl.example> - See {page}#{}",
                    reason.code()
                ),
            ),
            Reason::Forged => (
                unnamed(reason),
                "550 5.7.25 - ERROR: Reverse DNS <dsl.example> does not resolve to <192.0.2.7> (may be forged)".to_owned(),
            ),
            Reason::Dnsbl => {
                let reply = "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See https://bl.example/?192.0.2.7";
                (reply.to_owned(), reply.to_owned())
            }
            _ => (unnamed(reason), unnamed(reason)),
        };
        assert_eq!(told(&decided(&config, &request(), &facts)), plain);
        assert_eq!(told(&decided(&config, &with_name, &facts)), named);
    }
    let unlinked = but(|facts| facts.standing = Standing::Listed(listed(Reason::Dnsbl)));
    let decision = decided(&config, &request(), &unlinked);
    assert_eq!(told(&decision), unnamed(Reason::Dnsbl));
}

#[test]
fn the_first_check_that_objects_decides() {
    // Everything speaks against this one.
    let bad = Facts {
        standing: Standing::Listed(listed(Reason::Manual)),
        reverse: named("dsl.example", false, PtrClass::Dynamic),
        dnsbl: Lookup::Known(Dnsbl::Listed {
            list: "bl.example".into(),
            url: Some("https://bl.example".into()),
        }),
        sender: Lookup::Known(SenderDomain::Nxdomain),
        connections: Some(Connections { open: 9, limit: 1 }),
        counts: Counts {
            in_connection: 9999,
            in_message: 9999,
            messages: 9999,
            recipients: 9999,
        },
    };
    let bounce = Request {
        sender: Some(String::new()),
        ..request()
    };
    let mut config = config("[policy.checks]\nmessage_rate = 'on'\nrecipient_rate = 'on'\n");
    for (i, check) in Check::ALL.into_iter().enumerate() {
        let decision = decided(&config, &bounce, &bad);
        assert_eq!(decision.by, By::Check(check));
        assert_eq!(decision.steps.len(), i + 1);
        // Those before it only observed, or were off.
        assert_eq!(decision.observed().count(), i.div_ceil(2));
        let what = if i % 2 == 0 { Use::Observe } else { Use::Off };
        config.checks = config.checks.with(check, what);
    }
    let decision = decided(&config, &bounce, &bad);
    assert_eq!(
        (told(&decision).as_str(), decision.by),
        ("dunno", By::Nothing)
    );
    assert_eq!(decision.observed().count(), 6);
}

#[test]
fn who_passes_whatever_is_known() {
    let bad = || but(|facts| facts.reverse = Lookup::Known(Reverse::None));
    let network = "192.0.2.0/30".parse().unwrap();
    let allowed = Facts {
        standing: Standing::Allowed(network),
        ..bad()
    };
    let own = Request {
        authenticated: true,
        ..request()
    };
    let config = config("");
    let listed = but(|facts| facts.standing = Standing::Listed(listed(Reason::Manual)));
    for (decision, by) in [
        (decided(&config, &request(), &allowed), By::Allowed(network)),
        (decided(&config, &own, &bad()), By::Authenticated),
        (decided(&config, &own, &listed), By::Authenticated),
        (decided_in(Mode::Off, &config, &request(), &listed), By::Off),
    ] {
        assert_eq!(decision, Decision::pass(by));
    }
    // In mode monitor, what would have been refused is told.
    for facts in [bad(), listed] {
        let decision = decided_in(Mode::Monitor, &config, &request(), &facts);
        assert_eq!(
            (told(&decision).as_str(), decision.by),
            ("dunno", By::Nothing)
        );
        assert_eq!(decision.observed().count(), 1);
        assert_eq!(decision.steps.len(), Check::ALL.len());
    }
}

#[test]
fn a_reason_that_is_observed_refuses_nobody() {
    let facts = but(|facts| {
        facts.standing = Standing::Listed(Listed {
            enforcement: Enforcement::Observe,
            ..listed(Reason::Feed)
        });
    });
    let decision = decided(&config(""), &request(), &facts);
    assert_eq!(told(&decision), "dunno");
    let (step, reply) = decision.observed().next().unwrap();
    assert_eq!(step.check, Check::Listed);
    assert!(reply.text().contains("#feed"));
    // And later checks still look.
    let both = Facts {
        reverse: Lookup::Known(Reverse::None),
        ..facts
    };
    let decision = decided(&config(""), &request(), &both);
    assert_eq!(decision.by, By::Check(Check::ReverseDns));
}

#[test]
fn what_is_under_way_passes_or_is_deferred() {
    let waiting = |which: u8| {
        but(|facts| match which {
            0 => facts.reverse = Lookup::UnderWay,
            1 => facts.dnsbl = Lookup::UnderWay,
            _ => facts.sender = Lookup::UnderWay,
        })
    };
    for which in 0..3 {
        let decision = decided(&config(""), &request(), &waiting(which));
        assert_eq!(told(&decision), "dunno");
        let under_way = |step: &&Step| step.outcome == Outcome::UnderWay;
        assert!(decision.steps.iter().any(|step| under_way(&step)));
        let decision = decided(&config("under_way = 'defer'"), &request(), &waiting(which));
        assert_eq!(
            told(&decision),
            "450 4.7.1 - ERROR: Mail refused - <192.0.2.7> - Not all is known of it yet, try again later"
        );
    }
}

#[test]
fn a_check_is_made_when_there_is_something_to_check() {
    let made = |state: State, sender: Option<&str>| -> String {
        let asked = Request {
            state,
            sender: sender.map(str::to_owned),
            ..request()
        };
        let mut facts = good();
        if sender.is_none() {
            facts.sender = Lookup::NotAsked;
        }
        let decision = decided(&config(""), &asked, &facts);
        let made = decision
            .steps
            .iter()
            .filter(|step| step.outcome == Outcome::Clear);
        made.map(|step| step.check.name())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let always = "listed reverse_dns ptr_class dnsbl";
    for (state, sender, checks) in [
        (State::Connect, None, "connections"),
        (State::Helo, None, "connections"),
        (
            State::Mail,
            Some("a@example.org"),
            "sender_domain connections",
        ),
        (
            State::Rcpt,
            Some("a@example.org"),
            "sender_domain connections recipients_per_connection recipients_per_message null_sender",
        ),
        (
            State::Rcpt,
            None,
            "connections recipients_per_connection recipients_per_message",
        ),
        (
            State::Data,
            Some("a@example.org"),
            "sender_domain recipients_per_connection recipients_per_message null_sender",
        ),
        (
            State::EndOfMessage,
            Some("a@example.org"),
            "sender_domain recipients_per_connection recipients_per_message null_sender",
        ),
        (State::Other, None, ""),
    ] {
        let expected = format!("{always} {checks}");
        assert_eq!(made(state, sender), expected.trim_end(), "{state:?}");
    }
    // Where nobody counts and nobody asks DNS, nothing is made of it.
    let decision = decided(&config(""), &request(), &Facts::default());
    let not_made = decision
        .steps
        .iter()
        .filter(|step| step.outcome == Outcome::NotMade);
    assert_eq!(not_made.count(), 5);
}

#[test]
fn what_is_known_at_once() {
    let config = config("");
    let rules = Rules {
        config: &config,
        mode: Mode::Enforce,
        now: Timestamp::UNIX_EPOCH,
        reference: Reference::default(),
    };
    let at_once = |standing: &Standing| at_once(&rules, &request(), standing);
    assert_eq!(at_once(&Standing::Open), None);
    let refused = at_once(&Standing::Listed(listed(Reason::Manual))).unwrap();
    assert_eq!(refused.by, By::Check(Check::Listed));
    let observed = Listed {
        enforcement: Enforcement::Observe,
        ..listed(Reason::Manual)
    };
    assert_eq!(at_once(&Standing::Listed(observed)), None);
}

#[test]
fn no_stranger_writes_a_reply() {
    let strange = "x\r\n250 2.0.0 OK";
    let facts = but(|facts| {
        facts.reverse = Lookup::Known(Reverse::Named {
            name: Arc::from(strange),
            confirmed: false,
            class: PtrClass::Own,
        });
    });
    let decision = decided(&config(""), &request(), &facts);
    assert_eq!(
        told(&decision),
        "550 5.7.25 - ERROR: Reverse DNS <x??250?2.0.0?OK> does not resolve to <192.0.2.7> (may be forged)"
    );
    let asked = Request {
        sender: Some(strange.to_owned()),
        ..request()
    };
    let facts = but(|facts| facts.sender = Lookup::Known(SenderDomain::Nxdomain));
    assert!(!told(&decided(&config(""), &asked, &facts)).contains('\n'));
}
