//! What a decision of the policy service costs, asked as a mail server asks: over many connections,
//! on each of them one request after the other. Beside it postfwd, Debian's policy server, with one
//! rule and the same requests.
//!
//! Out: [`Asked`]. A debug build measures nothing that is worth telling.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    lab::{Gate, Lab},
    senders::{self, Senders},
};

/// Whose clients are refused.
pub(crate) const LISTED: &str = "192.0.2.0/24";
/// Connections of mail servers.
const CONNECTIONS: u32 = 100;
/// The clock of `/proc/PID/stat` (proc(5)): `USER_HZ` is 100 on every architecture that Debian has.
const TICKS: f64 = 100.0;
/// Where postfwd listens.
const POSTFWD: &str = "127.0.0.1:10045";

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Decisions in a second of the server's processor time: what one core would do.
    pub per_core: f64,
    /// 99 of 100 answers came within this time, while all connections asked at once.
    pub p99: Duration,
}

/// A connection of a mail server.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A gate that lists [`LISTED`] and decides without a word from DNS but on senders, who are asked of
/// [`Senders`].
pub(crate) fn start(lab: &Lab) -> Result<Gate<'_>> {
    let config = format!(
        "[enforcement]\nmanual = 'reject'\n[dns]\nservers = ['{}']\n[lookup]\nenabled = false\n[policy]\nchecks.reverse_dns = 'off'\n[log]\nlevel = 'warn'\n",
        senders::SERVER
    );
    let gate = lab.gate().with(&config).start()?;
    gate.block(LISTED)?;
    Ok(gate)
}

/// Asks the gate `rounds` times on each connection; half of the clients are listed.
///
/// # Errors
/// The lab cannot be made, or an answer is not what it should be.
pub fn gate(rounds: u32) -> Result<Asked> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let gate = start(&lab)?;
    let socket = gate.socket().with_file_name("policy.sock");
    let connect = || Ok(Box::new(UnixStream::connect(&socket)?) as Box<dyn Stream>);
    measure(connect, gate.pid(), rounds)
}

/// Asks postfwd the same.
///
/// # Errors
/// It is not installed (Debian: postfwd), or an answer is not what it should be.
pub fn postfwd(rounds: u32) -> Result<Asked> {
    let lab = Lab::new()?;
    let rules = lab.file(
        "postfwd.cf",
        "id=LISTED; client_address=192.0.2.0/24; action=554 5.7.1 listed\n",
    )?;
    let (address, port) = POSTFWD.split_once(':').context("an address and a port")?;
    let pid = lab.dir("postfwd")?.join("pid");
    let mut command = lab.server_command("postfwd1");
    command
        .args(["--daemon", "--perfmon", "--pidfile"])
        .arg(&pid);
    command.arg("--file").arg(rules);
    command.args(["--interface", address, "--port", port]);
    command.args(["--user", "nobody", "--group", "nogroup"]);
    // It goes on in the background, and ends with the lab.
    let status = command.stdin(Stdio::null()).status();
    let status = status.context("running postfwd1 (Debian: postfwd)")?;
    ensure!(status.success(), "postfwd1: {status}");
    let connect = || {
        let stream = lab.on_server(|| Ok(TcpStream::connect(POSTFWD)?))?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream) as Box<dyn Stream>)
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while connect().is_err() {
        ensure!(Instant::now() < deadline, "postfwd does not listen");
        thread::sleep(Duration::from_millis(100));
    }
    measure(connect, fs::read_to_string(pid)?.trim().parse()?, rounds)
}

fn measure(
    connect: impl Fn() -> Result<Box<dyn Stream>>,
    server: u32,
    rounds: u32,
) -> Result<Asked> {
    let streams: Result<Vec<_>> = (0..CONNECTIONS).map(|_| connect()).collect();
    let mut streams = streams?;
    // The first round fills caches.
    round(&mut streams, 0)?;
    let before = processor_time(server)?;
    let mut latencies = Vec::new();
    for turn in 1..=rounds {
        latencies.extend(round(&mut streams, turn)?);
    }
    let spent = processor_time(server)? - before;
    ensure!(spent > 0.0, "too few rounds for the clock: {rounds}");
    latencies.sort_unstable();
    let p99 = latencies.len() * 99 / 100;
    Ok(Asked {
        per_core: f64::from(rounds * CONNECTIONS) / spent,
        p99: *latencies.get(p99).context("no answers")?,
    })
}

/// Every connection asks, and then each answer is read; how long each took.
fn round(streams: &mut [Box<dyn Stream>], turn: u32) -> Result<Vec<Duration>> {
    let mut sent = Vec::with_capacity(streams.len());
    for (number, stream) in (0..).zip(streams.iter_mut()) {
        stream.write_all(request(number, turn).as_bytes())?;
        sent.push(Instant::now());
    }
    let mut took = Vec::with_capacity(streams.len());
    for ((number, stream), sent) in (0..).zip(streams.iter_mut()).zip(sent) {
        let answer = answer(stream)?;
        took.push(sent.elapsed());
        // postfwd has letters of its own.
        let expected = expected(number).to_uppercase();
        let is_right = answer.to_uppercase().starts_with(&expected);
        ensure!(is_right, "client {number}: {answer}");
    }
    Ok(took)
}

fn is_listed(number: u32) -> bool {
    number.is_multiple_of(2)
}

/// The address of the client of that number, below 250; every other one is in [`LISTED`].
pub(crate) fn client(number: u32) -> String {
    let network = if is_listed(number) {
        "192.0.2"
    } else {
        "198.51.100"
    };
    format!("{network}.{number}")
}

/// What the answer about that client begins with.
pub(crate) fn expected(number: u32) -> &'static str {
    if is_listed(number) {
        "action=554 5.7.1"
    } else {
        "action=DUNNO"
    }
}

/// A request as Postfix sends it, attributes that nobody looks at included.
fn request(number: u32, turn: u32) -> String {
    let client = client(number);
    format!(
        "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n\
         client_address={client}\nclient_name=unknown\nclient_port={}\n\
         reverse_client_name=unknown\nserver_address=198.51.100.25\nserver_port=25\n\
         helo_name=client.example\nsender=joe@example.org\nrecipient=b{turn}@example.net\n\
         recipient_count=0\nqueue_id=\ninstance={number}.{turn}\nsize=4711\netrn_domain=\n\
         stress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\n\
         ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=\n\
         encryption_cipher=\nencryption_keysize=0\npolicy_context=\n\n",
        // A mail server's clients send a handful of messages in a connection.
        1024 + turn / 5 % 50_000
    )
}

/// One answer: up to the empty line.
pub(crate) fn answer(stream: &mut impl Read) -> Result<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 512];
    while !text.ends_with(b"\n\n") {
        match stream.read(&mut buffer)? {
            0 => bail!("closed after {}", String::from_utf8_lossy(&text)),
            length => text.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Seconds of processor time that a process and its threads have used (proc(5), `utime`, `stime`).
fn processor_time(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name before may hold anything but ends with a bracket.
    let (_, fields) = stat.rsplit_once(')').context("a name in brackets")?;
    let mut times = fields.split_whitespace().skip(11).take(2);
    let mut time = || -> Result<f64> { Ok(times.next().context("a time")?.parse()?) };
    Ok((time()? + time()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_goes_up() {
        let own = std::process::id();
        let before = processor_time(own).unwrap();
        let start = Instant::now();
        while processor_time(own).unwrap() <= before {
            assert!(start.elapsed() < Duration::from_secs(10));
        }
    }
}
