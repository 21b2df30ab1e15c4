//! Many mail servers' processes that ask the policy service, each on a connection of its own, as
//! Postfix's smtpd does: a session's requests one after the other, from CONNECT to END-OF-MESSAGE,
//! pauses between them, and another connection after some sessions.
//!
//! Out: how much was asked, and how much was answered as it should be.

use std::{
    io::Write as _,
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{lab::Lab, policy, senders::Senders};

/// The stages of a session at which Postfix asks, in their order (its SMTPD_POLICY_README).
const STAGES: [&str; 8] = [
    "CONNECT",
    "EHLO",
    "MAIL",
    "RCPT",
    "RCPT",
    "RCPT",
    "DATA",
    "END-OF-MESSAGE",
];

/// Sessions in which a connection is used: Postfix's ends it after a while as well
/// (`smtpd_policy_service_request_limit`, `smtpd_policy_service_max_ttl`).
const SESSIONS: u32 = 5;

/// Clients that are asked about: several processes speak of the same one.
const CLIENTS: u32 = 250;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Served {
    /// Requests sent.
    pub asked: u64,
    /// Requests that were answered, and rightly.
    pub answered: u64,
}

/// So many processes ask a gate for `time`; every other one asks about clients that are listed.
///
/// # Errors
/// The lab cannot be made. What goes wrong while they ask is told by the numbers, and what it was on
/// standard error.
///
/// # Panics
/// A process panics.
pub fn ask(processes: u32, time: Duration) -> Result<Served> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let gate = policy::start(&lab)?;
    let socket = &gate.socket().with_file_name("policy.sock");
    let end = Instant::now() + time;
    thread::scope(|scope| {
        let threads: Result<Vec<_>> = (0..processes)
            .map(|client| {
                let thread = thread::Builder::new().stack_size(256 << 10);
                let run = move || serve(socket, client, end);
                thread.spawn_scoped(scope, run).context("a client")
            })
            .collect();
        let mut all = Served::default();
        for thread in threads? {
            let served = thread.join().expect("it does not panic");
            all.asked += served.asked;
            all.answered += served.answered;
        }
        Ok(all)
    })
}

/// One client, until `end`.
fn serve(socket: &Path, client: u32, end: Instant) -> Served {
    let mut served = Served::default();
    let mut connection = 0;
    while Instant::now() < end {
        if let Err(error) = connect(socket, client, connection, end, &mut served) {
            eprintln!("client {client}: {error:#}");
            break;
        }
        connection += 1;
    }
    served
}

fn connect(
    socket: &Path,
    client: u32,
    connection: u32,
    end: Instant,
    served: &mut Served,
) -> Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    // A request that never comes to an answer is an error, too (smtpd_policy_service_timeout is 100s).
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    for session in 0..SESSIONS {
        for (number, stage) in STAGES.iter().enumerate() {
            if Instant::now() >= end {
                return Ok(());
            }
            let instance = format!("{client}.{connection}.{session}");
            served.asked += 1;
            stream.write_all(request(client, stage, number, &instance).as_bytes())?;
            let answer = policy::answer(&mut stream)?;
            ensure!(
                answer.starts_with(policy::expected(client % CLIENTS)),
                "{answer}"
            );
            served.answered += 1;
            // Its own client types; no two of them in step.
            thread::sleep(Duration::from_millis(20 + u64::from(client * 7 % 60)));
        }
    }
    Ok(())
}

/// A request as Postfix sends it at this stage.
fn request(client: u32, stage: &str, number: usize, instance: &str) -> String {
    let client = policy::client(client % CLIENTS);
    let (sender, recipient) = match number {
        0 | 1 => (String::new(), String::new()),
        2 => ("joe@example.org".to_owned(), String::new()),
        _ => (
            "joe@example.org".to_owned(),
            format!("b{number}@example.net"),
        ),
    };
    format!(
        "request=smtpd_access_policy\nprotocol_state={stage}\nprotocol_name=ESMTP\n\
         helo_name=client.example\nqueue_id=\nsender={sender}\nrecipient={recipient}\n\
         recipient_count={}\nclient_address={client}\nclient_name=unknown\n\
         reverse_client_name=unknown\ninstance={instance}\nsize=4711\n\n",
        if number > 5 { 3 } else { 0 },
    )
}
