use super::*;
use crate::control::api::PolicyAction;

const LOG: &str = "\
Nov 22 10:00:00 mx1 postfix/smtpd[1]: connect from dsl.example[192.0.2.7]
Nov 22 10:00:00 mx1 postfix/smtpd[1]: 4A: client=dsl.example[192.0.2.7]
Nov 22 10:00:01 mx1 postfix/qmgr[2]: 4A: from=<joe@example.org>, size=9, nrcpt=2 (queue active)
Nov 22 10:00:01 mx1 postfix/qmgr[2]: 4A: from=<joe@example.org>, size=9, nrcpt=2 (queue active)
Nov 22 10:00:02 mx1 postfix/qmgr[2]: 4A: removed
Nov 22 10:00:03 mx1 postfix/smtpd[1]: connect from dsl.example[192.0.2.7]
Nov 22 10:00:03 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from dsl.example[192.0.2.7]: 550 5.1.1 x
Nov 22 10:00:04 mx1 postfix/smtpd[1]: connect from unknown[198.51.100.7]
Nov 22 10:00:04 mx1 postfix/smtpd[1]: 4B: client=unknown[198.51.100.7]
Nov 22 10:00:05 mx1 postfix/qmgr[2]: 4B: from=<a@gone.example>, size=9, nrcpt=1 (queue active)
Nov 22 10:00:06 mx1 postfix/smtpd[1]: 4C: client=unknown[198.51.100.7]
Nov 22 10:00:06 mx1 postfix/qmgr[2]: 4C: from=<>, size=9, nrcpt=1 (queue active)
Nov 22 10:00:07 mx1 postfix/smtpd[1]: 4D: client=x[203.0.113.7], sasl_username=joe
Nov 22 10:00:07 mx1 postfix/qmgr[2]: 4D: from=<own@example.net>, size=9, nrcpt=1 (queue active)
";

fn log() -> Log {
    let mut log = Log::default();
    LOG.lines().for_each(|line| log.line(line));
    log
}

fn verdict(address: IpAddr, refused: Option<(Check, Option<Reason>)>) -> Verdict {
    let checks = refused.map(|(check, reason)| CheckMade {
        check,
        // One that only observes counts as if it refused.
        outcome: match check {
            Check::SenderDomain => CheckOutcome::Observed,
            _ => CheckOutcome::Refused,
        },
        found: Some("x".to_owned()),
        reason,
        reply: Some("554 5.7.1 x".to_owned()),
    });
    Verdict {
        client_address: address,
        action: match refused {
            Some(_) => PolicyAction::Refuse,
            None => PolicyAction::Dunno,
        },
        reply: refused.map(|_| "554 5.7.1 x".to_owned()),
        check: refused.map(|(check, _)| check),
        exempt: None,
        allowed: None,
        checks: checks.into_iter().collect(),
    }
}

#[test]
fn what_a_log_tells() {
    let log = log();
    assert_eq!((log.lines, log.authenticated, log.unfinished()), (14, 1, 0));
    let questions = log.questions();
    let asked: Vec<_> = questions.iter().map(|(_, sender)| *sender).collect();
    let expected = [
        None,
        Some("joe@example.org"),
        None,
        Some(""),
        Some("a@gone.example"),
    ];
    assert_eq!(asked, expected);
    let first = question(questions[0].0, None, questions[0].1);
    assert_eq!(first.protocol_state.as_deref(), Some("CONNECT"));
    let null = question(questions[3].0, None, questions[3].1);
    assert_eq!(
        (null.sender.as_deref(), null.protocol_state),
        (Some(""), None)
    );
}

#[test]
fn what_would_have_been_refused_and_whom_that_hits() {
    let log = log();
    let questions = log.questions();
    let verdicts: Vec<_> = questions
        .iter()
        .map(|(address, sender)| match sender {
            Some("a@gone.example") => verdict(*address, Some((Check::SenderDomain, None))),
            _ if address.to_string() == "192.0.2.7" => {
                verdict(*address, Some((Check::PtrClass, Some(Reason::Dynamic))))
            }
            _ => verdict(*address, None),
        })
        .collect();
    let simulated = simulate(&log, &questions, &verdicts, &[], &[]);
    assert_eq!(
        render(&simulated, 1),
        "\
14 lines: 2 clients, 3 connections, 3 messages taken
REFUSED BY     REASON   CLIENTS  CONNECTIONS  REFUSED ANYHOW  TAKEN MESSAGES  RECIPIENTS
ptr_class      dynamic        1            2               1               1           2
sender_domain  -              1            0               0               1           1

Mail that was taken and would have been refused:
MESSAGES  RECIPIENTS  CLIENT     NAME         SENDER           REFUSED BY  REASON
       1           2  192.0.2.7  dsl.example  joe@example.org  ptr_class   dynamic
and 1 more: see --limit
"
    );
    let none: Vec<_> = questions
        .iter()
        .map(|(address, _)| verdict(*address, None))
        .collect();
    let text = render(&simulate(&log, &questions, &none, &[], &[]), 0);
    assert!(
        text.ends_with("nothing of it would have been refused\n"),
        "{text}"
    );
}

/// Three processes of two hosts, and one connection whose beginning is not in the log.
const VISITS: &str = "\
Nov 22 10:00:00 mx1 postfix/smtpd[9]: 40: client=x[203.0.113.9]
Nov 22 10:00:00 mx1 postfix/smtpd[1]: connect from a.example[192.0.2.7]
Nov 22 10:00:01 mx2 postfix/smtpd[1]: connect from a.example[192.0.2.7]
Nov 22 10:00:01 mx1 postfix/smtpd[1]: 41: client=a.example[192.0.2.7]
Nov 22 10:00:01 mx1 postfix/qmgr[2]: 41: from=<joe@example.org>, size=9, nrcpt=2 (queue active)
Nov 22 10:00:02 mx1 postfix/smtpd[1]: disconnect from a.example[192.0.2.7] ehlo=1
Nov 22 10:00:02 mx1 postfix/smtpd[1]: connect from unknown[198.51.100.7]
Nov 22 10:00:03 mx1 postfix/smtpd[1]: 42: client=unknown[198.51.100.7], sasl_username=joe
Nov 22 10:00:03 mx1 postfix/qmgr[2]: 40: from=<>, size=9, nrcpt=1 (queue active)
Nov 22 10:00:04 mx2 postfix/smtpd[1]: 43: client=a.example[192.0.2.7]
Nov 22 10:00:05 mx1 postfix/qmgr[2]: 43: from=<gone@example.org>, size=9, nrcpt=1 (queue active)
Nov 22 10:00:06 mx1 postfix/postscreen[3]: CONNECT from [192.0.2.7]:41000 to [198.51.100.25]:25
postfix/smtpd[5]: connect from a.example[192.0.2.7]
";

/// The steps in short: seconds, the end of the address, the connection, what was done.
fn short(steps: &[ReplayStep]) -> Vec<String> {
    let begun = steps.iter().map(|step| step.at).min().unwrap_or(0);
    let step = |step: &ReplayStep| {
        let deed = match &step.deed {
            ReplayDeed::Connect => "+".to_owned(),
            ReplayDeed::Message { sender, recipients } => format!("<{sender}> {recipients}"),
            ReplayDeed::Disconnect => "-".to_owned(),
        };
        let at = (step.at - begun) / 1000;
        format!("{at} {} {} {deed}", step.client_address, step.connection)
    };
    steps.iter().map(step).collect()
}

#[test]
fn when_which_connection_was_open() {
    let mut log = Log::default();
    VISITS.lines().for_each(|line| log.line(line));
    assert_eq!(log.untimed, 1);
    let expected = [
        "0 192.0.2.7 1 +",
        "1 192.0.2.7 2 +",
        "1 192.0.2.7 1 <joe@example.org> 2",
        "2 192.0.2.7 1 -",
        "4 192.0.2.7 2 <gone@example.org> 1",
        "4 192.0.2.7 2 -",
        "0 203.0.113.9 0 +",
        "0 203.0.113.9 0 <> 1",
        "0 203.0.113.9 0 -",
    ];
    assert_eq!(short(&log.steps(|_, _| false)), expected);
    let judged = |address: IpAddr, sender: Option<&str>| {
        sender == Some("gone@example.org") || address.to_string() == "203.0.113.9"
    };
    assert_eq!(
        short(&log.steps(judged)),
        [&expected[..4], &expected[5..6]].concat()
    );
}

/// The newer log before the older one, as `mail.log*` has them, each ending in the middle of a visit.
#[test]
fn logs_are_read_in_any_order() {
    let newer = "\
Nov 22 10:00:05 mx1 postfix/smtpd[1]: disconnect from a.example[192.0.2.7] ehlo=1
Nov 22 10:00:06 mx1 postfix/smtpd[1]: connect from a.example[192.0.2.7]
Nov 22 10:00:06 mx1 postfix/smtpd[2]: connect from a.example[192.0.2.7]
Nov 22 10:00:07 mx1 postfix/smtpd[2]: NOQUEUE: reject: RCPT from a.example[192.0.2.7]: 550 5.1.1 x
";
    let older = "\
Nov 22 10:00:01 mx1 postfix/smtpd[1]: 41: client=a.example[192.0.2.7]
Nov 22 10:00:02 mx1 postfix/smtpd[2]: disconnect from a.example[192.0.2.7] ehlo=1
Nov 22 10:00:03 mx1 postfix/qmgr[2]: 41: from=<>, size=9, nrcpt=1 (queue active)
";
    let mut log = Log::default();
    let lines = newer.lines().chain(older.lines());
    lines.for_each(|line| log.line(line));
    let expected = [
        "0 192.0.2.7 2 +",
        "0 192.0.2.7 2 <> 1",
        "0 192.0.2.7 2 -",
        "5 192.0.2.7 0 +",
        "5 192.0.2.7 0 -",
        "5 192.0.2.7 1 +",
        "6 192.0.2.7 1 -",
    ];
    assert_eq!(short(&log.steps(|_, _| false)), expected);
}

#[test]
fn what_was_over_a_limit_is_in_the_same_table() {
    let log = log();
    let questions = log.questions();
    let verdicts: Vec<_> = questions
        .iter()
        .map(|(address, _)| verdict(*address, None))
        .collect();
    let steps = log.steps(|_, _| false);
    assert_eq!(
        short(&steps)[..2],
        ["0 192.0.2.7 0 +", "0 192.0.2.7 0 <joe@example.org> 2"]
    );
    let refusal = |step, check, recipients| ReplayRefusal {
        step,
        check,
        recipients,
        reply: "452 4.7.1 x".to_owned(),
    };
    let over = [
        refusal(0, Check::Connections, 0),
        refusal(1, Check::Connections, 2),
        refusal(6, Check::RecipientsPerMessage, 1),
    ];
    let text = render(&simulate(&log, &questions, &verdicts, &steps, &over), 0);
    let expected = "\
14 lines: 2 clients, 3 connections, 3 messages taken
REFUSED BY              REASON  CLIENTS  CONNECTIONS  REFUSED ANYHOW  TAKEN MESSAGES  RECIPIENTS
connections             -             1            1               1               1           2
recipients_per_message  -             1            0               0               1           1
";
    assert!(text.starts_with(expected), "{text}");
}

/// What is counted of a client now is no word on the past.
#[test]
fn a_limit_of_now_judges_nobody() {
    let address = "192.0.2.7".parse().unwrap();
    let questions = [(address, None)];
    for (check, is_judged) in [
        (Check::Connections, false),
        (Check::RecipientRate, false),
        (Check::SenderDomain, true),
        (Check::Listed, true),
    ] {
        let verdicts = [verdict(address, Some((check, None)))];
        assert_eq!(judged(&questions, &verdicts).len(), usize::from(is_judged));
    }
}

#[test]
fn sources_are_sent_whole_as_far_as_they_fit() {
    let of = |last: u8| ReplayStep {
        at: 0,
        client_address: [192, 0, 2, last].into(),
        connection: 0,
        deed: ReplayDeed::Connect,
    };
    for (sources, most, expected) in [
        (&[][..], 3, &[][..]),
        (&[1, 1, 2, 3, 3], 3, &[3, 2]),
        (&[1, 1, 2, 2], 3, &[2, 2]),
        (&[1, 1, 1, 1, 1, 2], 2, &[2, 2, 2]),
    ] {
        let steps: Vec<_> = sources.iter().map(|last| of(*last)).collect();
        assert_eq!(batches(&steps, most), expected, "{sources:?}");
    }
}
