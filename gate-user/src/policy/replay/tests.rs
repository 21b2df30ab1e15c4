use std::path::Path;

use gate_common::Mode;
use jiff::Timestamp;

use super::*;
use crate::{config::Config, policy::Reference};

/// Walks `steps`, one a line: seconds, client, connection, and `+`, `-`, or a sender and how many
/// recipients. What is over a limit: the line's number, the check, the recipients.
fn walk(config: &str, allowed: u32, steps: &str) -> Vec<(usize, Check, u32)> {
    in_mode(Mode::Enforce, config, allowed, steps)
}

fn in_mode(mode: Mode, config: &str, allowed: u32, steps: &str) -> Vec<(usize, Check, u32)> {
    let config = Config::parse(config, Path::new("gate.toml")).unwrap();
    let rules = Rules {
        config: &config.policy,
        mode,
        now: Timestamp::UNIX_EPOCH,
        reference: Reference::default(),
    };
    let mut replay = Replay::default();
    let mut over = Vec::new();
    for (number, line) in steps.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [at, client, connection, deed @ ..] = &words[..] else {
            panic!("{line}");
        };
        let deed = match deed {
            ["+"] => Deed::Connect,
            ["-"] => Deed::Disconnect,
            [sender, recipients] => Deed::Message {
                sender: sender.trim_matches(['<', '>']).to_owned(),
                recipients: recipients.parse().unwrap(),
            },
            other => panic!("{other:?}"),
        };
        let step = Step {
            at: Duration::from_secs(at.parse().unwrap()),
            client: client.parse().unwrap(),
            connection: connection.parse().unwrap(),
            deed,
        };
        let known = Known {
            standing: Standing::Open,
            connections: allowed,
        };
        if let Some(is) = replay.step(&rules, &known, &step) {
            over.push((number, is.check, is.recipients));
        }
    }
    over
}

#[test]
fn connections_that_are_open_at_the_same_time() {
    use Check::Connections;
    let steps = "\
0 192.0.2.7 1 +
0 192.0.2.7 2 +
0 198.51.100.7 3 +
1 192.0.2.7 4 +
1 192.0.2.7 4 <a@b> 3
2 192.0.2.7 4 -
2 192.0.2.7 1 -
3 192.0.2.7 5 +
4 192.0.2.7 6 +
";
    // What was refused is not open, and what it would have handed in is refused with it.
    let expected = [
        (3, Connections, 0),
        (4, Connections, 3),
        (8, Connections, 0),
    ];
    assert_eq!(walk("", 2, steps), expected);
    assert_eq!(walk("", 0, steps), []);
    assert_eq!(walk("policy.checks.connections = 'off'", 2, steps), []);
    let observe = "policy.checks.connections = 'observe'";
    assert_eq!(walk(observe, 2, steps), expected);
    assert_eq!(in_mode(Mode::Monitor, "", 2, steps), expected);
    assert_eq!(in_mode(Mode::Off, "", 2, steps), []);
    // Two addresses of a /64 are one source.
    let six = "0 2001:db8::1 1 +\n0 2001:db8::2 2 +\n0 2001:db8:0:1::1 3 +";
    assert_eq!(walk("", 1, six), [(1, Connections, 0)]);
}

#[test]
fn recipients_of_a_message_and_in_a_connection() {
    let steps = "\
0 192.0.2.7 1 +
0 192.0.2.7 1 <a@b> 100
0 192.0.2.7 1 <a@b> 101
0 192.0.2.7 1 <> 1
0 192.0.2.7 1 <> 4
1 192.0.2.7 1 <a@b> 60
1 192.0.2.7 2 <a@b> 60
";
    let config = "policy.limits.recipients_per_connection = 250";
    let expected = [
        (2, Check::RecipientsPerMessage, 1),
        (4, Check::NullSender, 3),
        // 202 were taken before.
        (5, Check::RecipientsPerConnection, 12),
    ];
    assert_eq!(walk(config, 20, steps), expected);
}

#[test]
fn rates_of_a_source() {
    let steps = "\
3600 192.0.2.7 1 <a@b> 1
3600 192.0.2.7 2 <a@b> 1
3601 192.0.2.7 3 <a@b> 1
3601 198.51.100.7 4 <a@b> 1
3719 192.0.2.7 5 <a@b> 1
3719 192.0.2.7 6 <a@b> 4
";
    let message_rate = "[policy]\nchecks.message_rate = 'on'\nlimits.message_rate = '2/1m'";
    assert_eq!(walk(message_rate, 20, steps), [(2, Check::MessageRate, 1)]);
    let recipient_rate =
        "[policy]\nchecks.recipient_rate = 'observe'\nlimits.recipient_rate = '3/1m'";
    assert_eq!(
        walk(recipient_rate, 20, steps),
        [(5, Check::RecipientRate, 2)]
    );
    assert_eq!(walk("", 20, steps), []);
}

#[test]
fn whoever_is_allowed_is_under_no_limit() {
    let config = Config::parse("", Path::new("gate.toml")).unwrap();
    let rules = Rules {
        config: &config.policy,
        mode: Mode::Enforce,
        now: Timestamp::UNIX_EPOCH,
        reference: Reference::default(),
    };
    let step = Step {
        at: Duration::ZERO,
        client: "192.0.2.7".parse().unwrap(),
        connection: 1,
        deed: Deed::Message {
            sender: String::new(),
            recipients: 9,
        },
    };
    for (standing, over) in [
        (Standing::Open, true),
        (Standing::Allowed("192.0.2.0/24".parse().unwrap()), false),
    ] {
        let known = Known {
            standing,
            connections: 1,
        };
        let mut replay = Replay::default();
        assert_eq!(replay.step(&rules, &known, &step).is_some(), over);
    }
}
