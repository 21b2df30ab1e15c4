//! A DNS server on the lab's server that knows a handful of senders' domains (RFC 1035).

use std::{
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::lab::Lab;
use anyhow::{Context as _, Result};

/// Where it listens, as `dns.servers` has it.
pub const SERVER: &str = "127.0.0.1:5353";

/// Types of records (RFC 1035 section 3.2.2).
const A: u16 = 1;
const MX: u16 = 15;

/// Response codes (RFC 1035 section 4.1.1).
const NOERROR: u8 = 0;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;

/// A running server. Ended on drop.
#[derive(Debug)]
pub struct Senders {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Senders {
    /// Starts it.
    ///
    /// # Errors
    /// Somebody else listens there.
    pub fn start(lab: &Lab) -> Result<Self> {
        let socket = lab.on_server(|| Ok(UdpSocket::bind(SERVER)?))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut query = [0; 512];
            while !stopped.load(Relaxed) {
                if let Ok((length, peer)) = socket.recv_from(&mut query)
                    && let Ok(answer) = answer(&query[..length])
                {
                    // Who asked may have gone.
                    let _ = socket.send_to(&answer, peer);
                }
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Senders {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only panics if the test is broken, which says so itself.
            let _ = thread.join();
        }
    }
}

/// What is known of a name: a response code, and the data of records of that type.
fn known(name: &str, kind: u16) -> (u8, Vec<Vec<u8>>) {
    match (name, kind) {
        ("example.org", A) => (NOERROR, vec![vec![192, 0, 2, 25]]),
        // Preference 0, and the root: no mail (RFC 7505).
        ("nomail.example", MX) => (NOERROR, vec![vec![0, 0, 0]]),
        ("example.org" | "nomail.example", _) => (NOERROR, Vec::new()),
        ("broken.example", _) => (SERVFAIL, Vec::new()),
        _ => (NXDOMAIN, Vec::new()),
    }
}

/// The answer to a query of one question, such as every resolver sends.
fn answer(query: &[u8]) -> Result<Vec<u8>> {
    const HEADER: usize = 12;
    let mut at = HEADER;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at).context("a label")?);
        let label = query.get(at + 1..at + 1 + length).context("its octets")?;
        at += 1 + length;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(label).to_lowercase());
    }
    let question = query.get(HEADER..at + 4).context("type and class")?;
    let kind = u16::from_be_bytes([query[at], query[at + 1]]);
    let (code, records) = known(&labels.join("."), kind);
    // A response, recursion desired and available.
    let mut answer = vec![query[0], query[1], 0x81, 0x80 | code];
    let count = u16::try_from(records.len())?;
    for number in [1, count, 0, 0] {
        answer.extend(number.to_be_bytes());
    }
    answer.extend(question);
    for data in records {
        // The name of the question, by a pointer to it.
        answer.extend([0xc0, 12]);
        for number in [kind, 1, 0, 60, u16::try_from(data.len())?] {
            answer.extend(number.to_be_bytes());
        }
        answer.extend(data);
    }
    Ok(answer)
}
