use std::time::Duration;

use super::*;

const START: Duration = Duration::from_hours(1);
const PEER: Peer = Peer(1);

fn request(state: State, instance: &str) -> Request {
    Request {
        client: "192.0.2.7".parse().unwrap(),
        port: Some(41000),
        state,
        sender: None,
        recipient: None,
        reverse_name: None,
        instance: (!instance.is_empty()).then(|| instance.to_owned()),
        recipients: None,
        authenticated: false,
    }
}

/// A step of a client, as Postfix asks about it.
fn step(text: &str) -> Request {
    let mut words = text.split(' ');
    let state = match words.next().unwrap() {
        "connect" => State::Connect,
        "mail" => State::Mail,
        "rcpt" => State::Rcpt,
        "data" => State::Data,
        "end" => State::EndOfMessage,
        other => panic!("{other}"),
    };
    let mut request = request(state, "");
    for word in words {
        let (name, value) = word.split_once('=').unwrap();
        match name {
            "of" => request.instance = Some(value.to_owned()),
            "n" => request.recipients = Some(value.parse().unwrap()),
            "to" => request.recipient = Some(value.to_owned()),
            "port" => request.port = value.parse().ok(),
            "from" => request.client = value.parse().unwrap(),
            other => panic!("{other}"),
        }
    }
    request
}

fn limits() -> PolicyLimits {
    PolicyLimits::default()
}

/// The counts after each step, all of them taken.
fn walk(steps: &[(&str, u32, u32, u32, u32)]) {
    let mut sessions = Sessions::default();
    for (text, in_message, in_connection, messages, recipients) in steps {
        let request = step(text);
        let counts = sessions.look(&request, PEER, &limits(), START);
        let expected = Counts {
            in_connection: *in_connection,
            in_message: *in_message,
            messages: *messages,
            recipients: *recipients,
        };
        assert_eq!(counts, expected, "{text}");
        sessions.take(&request, PEER, &limits(), START);
    }
}

#[test]
fn two_messages_in_a_connection() {
    walk(&[
        ("connect of=1", 0, 0, 0, 0),
        ("mail of=1 n=0", 0, 0, 0, 0),
        ("rcpt of=1 n=0 to=a", 1, 1, 1, 1),
        ("rcpt of=1 n=0 to=b", 2, 2, 1, 2),
        // The mail server refused one of them after all.
        ("data of=1 n=1", 1, 1, 1, 1),
        ("end of=1 n=1", 1, 1, 1, 1),
        ("rcpt of=2 n=0 to=a", 1, 2, 2, 2),
        ("rcpt of=2 n=0 to=a", 1, 2, 2, 2),
        ("rcpt of=2 n=0 to=c", 2, 3, 2, 3),
        // Another connection of the same source.
        ("rcpt of=3 n=0 to=a port=41001", 1, 1, 3, 4),
    ]);
}

#[test]
fn a_connection_begins_anew() {
    walk(&[
        ("rcpt of=1 n=0 to=a", 1, 1, 1, 1),
        ("end of=1 n=1", 1, 1, 1, 1),
        ("connect of=2", 0, 0, 1, 1),
        ("rcpt of=2 n=0 to=a", 1, 1, 2, 2),
    ]);
}

#[test]
fn asked_at_the_end_alone() {
    walk(&[
        ("end of=1 n=50", 50, 50, 1, 50),
        ("end of=2 n=50", 50, 100, 2, 100),
    ]);
}

#[test]
fn without_names_for_messages() {
    // As Exim asks: how many recipients were taken before this one.
    walk(&[
        ("rcpt n=0 to=a", 1, 1, 1, 1),
        ("rcpt n=1 to=b", 2, 2, 1, 2),
        ("rcpt n=2 to=c", 3, 3, 1, 3),
        ("rcpt n=0 to=a", 1, 4, 2, 4),
    ]);
}

#[test]
fn what_was_refused_does_not_count() {
    let mut sessions = Sessions::default();
    let first = step("rcpt of=1 n=0 to=a");
    sessions.take(&first, PEER, &limits(), START);
    for _ in 0..10 {
        let second = step("rcpt of=1 n=0 to=b");
        let counts = sessions.look(&second, PEER, &limits(), START);
        assert_eq!((counts.in_message, counts.recipients), (2, 2));
    }
}

#[test]
fn a_silent_connection_is_another_one() {
    let mut sessions = Sessions::default();
    let first = step("rcpt of=1 n=0 to=a");
    sessions.take(&first, PEER, &limits(), START);
    let second = step("rcpt of=2 n=0 to=a");
    let count = |sessions: &Sessions, later| {
        let counts = sessions.look(&second, PEER, &limits(), START + later);
        counts.in_connection
    };
    assert_eq!(
        count(&sessions, SILENCE.saturating_sub(Duration::from_secs(1))),
        2
    );
    assert_eq!(count(&sessions, SILENCE), 1);
}

#[test]
fn without_a_port_the_mail_servers_connection_tells() {
    let mut sessions = Sessions::default();
    let first = step("rcpt of=1 n=0 port=none");
    sessions.take(&first, Peer(1), &limits(), START);
    let second = step("rcpt of=2 n=0 port=none");
    let counts = |peer| sessions.look(&second, peer, &limits(), START).in_connection;
    assert_eq!(counts(Peer(1)), 2);
    assert_eq!(counts(Peer(2)), 1);
}

#[test]
fn a_source_is_an_address_or_a_slash_64() {
    let mut sessions = Sessions::default();
    let messages = |sessions: &mut Sessions, client: &str, port: u16| {
        let request = step(&format!("rcpt of={port} n=0 port={port} from={client}"));
        let counts = sessions.look(&request, PEER, &limits(), START);
        sessions.take(&request, PEER, &limits(), START);
        counts.messages
    };
    assert_eq!(messages(&mut sessions, "2001:db8::1", 1), 1);
    assert_eq!(messages(&mut sessions, "2001:db8::2", 2), 2);
    assert_eq!(messages(&mut sessions, "2001:db8:0:1::1", 3), 1);
    assert_eq!(messages(&mut sessions, "192.0.2.8", 4), 1);
}

#[test]
fn many_sources_take_no_more_memory() {
    let mut sessions = Sessions::default();
    let busy = step("rcpt of=1 n=0 to=a");
    for n in 0..140_000_u32 {
        let mut other = step("rcpt of=1 n=0 to=a");
        other.client = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into();
        sessions.take(&other, PEER, &limits(), START);
        if n % 1000 == 0 {
            sessions.take(&busy, PEER, &limits(), START);
        }
    }
    assert!(sessions.conversations.len() <= 2 * CONVERSATIONS);
    assert!(sessions.sources.len() <= 2 * SOURCES);
    // Who was there all the time is still known.
    let next = step("rcpt of=1 n=0 to=b");
    assert_eq!(sessions.look(&next, PEER, &limits(), START).in_message, 2);
}
