//! What becomes of a connection from a chosen source address.

use std::{
    fmt,
    io::{BufRead as _, BufReader, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketFlags, SocketType, bind, connect, ipproto, socket_with,
        sockopt::{self, Timeout},
    },
};

/// What became of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It came about.
    Connected,
    /// The server said no: nothing listens there.
    Refused,
    /// Nobody answered in time: the SYN was dropped.
    TimedOut,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Connected, Self::Refused, Self::TimedOut];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text);
        found.with_context(|| format!("`{text}` is no outcome of a connection"))
    }
}

/// How many connections had which [`Outcome`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Connections that came about.
    pub connected: u64,
    /// Connections that the server refused.
    pub refused: u64,
    /// Connections that nobody answered.
    pub timed_out: u64,
}

impl Tally {
    /// Whether a source that is allowed got in all the while (invariant 1): more than `least` times.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn assert_let_in(&self, least: u64) {
        assert!(self.connected > least, "{self:?}");
        let failed = (self.refused, self.timed_out);
        assert_eq!(failed, (0, 0), "invariant 1: {self:?}");
    }

    /// Whether a source that is listed stayed out all the while (invariant 2), although it tried more
    /// than `least` times.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn assert_kept_out(&self, least: u64) {
        assert!(self.timed_out > least, "{self:?}");
        let answered = (self.connected, self.refused);
        assert_eq!(answered, (0, 0), "invariant 2: {self:?}");
    }

    fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Connected => &mut self.connected,
            Outcome::Refused => &mut self.refused,
            Outcome::TimedOut => &mut self.timed_out,
        } += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.connected, self.refused, self.timed_out)
    }
}

impl FromStr for Tally {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: Result<Vec<u64>, _> = text.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[connected, refused, timed_out]) => Ok(Self {
                connected,
                refused,
                timed_out,
            }),
            _ => bail!("`{text}` are not three numbers"),
        }
    }
}

/// Connects from the address `from` to the greeter at `to`, hears its greeting and takes leave.
/// An unanswered connection has timed out after `patience`.
///
/// # Errors
/// Something else became of the connection, or the greeter does not speak as it should.
pub fn probe(from: IpAddr, to: SocketAddr, patience: Duration) -> Result<Outcome> {
    match open(from, to, patience)? {
        Attempted::Failed(outcome) => Ok(outcome),
        Attempted::Open(stream) => {
            converse(&stream).context("connected, but the greeter does not speak as it should")?;
            Ok(Outcome::Connected)
        }
    }
}

/// Connects from the address `from` to `to`.
///
/// # Errors
/// The connection does not come about within `patience`.
pub fn stream(from: IpAddr, to: SocketAddr, patience: Duration) -> Result<TcpStream> {
    match open(from, to, patience)? {
        Attempted::Open(stream) => Ok(stream),
        Attempted::Failed(outcome) => bail!("connecting from {from} to {to}: {outcome}"),
    }
}

/// Connects, one connection after the other, until `stop`.
///
/// # Errors
/// As [`probe`]; the greeting is not waited for.
pub fn keep_probing(
    from: IpAddr,
    to: SocketAddr,
    patience: Duration,
    stop: &AtomicBool,
) -> Result<Tally> {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        tally.count(match open(from, to, patience)? {
            Attempted::Failed(outcome) => outcome,
            Attempted::Open(stream) => {
                // Reset instead of closed: no port waits a minute for stragglers.
                sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
                Outcome::Connected
            }
        });
    }
    Ok(tally)
}

/// What became of an attempt to connect.
pub(super) enum Attempted {
    /// A connection.
    Open(TcpStream),
    /// None.
    Failed(Outcome),
}

/// Connects from the address `from` to `to`.
pub(super) fn open(from: IpAddr, to: SocketAddr, patience: Duration) -> Result<Attempted> {
    let family = match from {
        IpAddr::V4(_) => AddressFamily::INET,
        IpAddr::V6(_) => AddressFamily::INET6,
    };
    let (kind, flags) = (SocketType::STREAM, SocketFlags::CLOEXEC);
    let socket = socket_with(family, kind, flags, Some(ipproto::TCP))?;
    if from.is_ipv6() {
        // The address is no interface's: it is routed here as a whole network.
        sockopt::set_ipv6_freebind(&socket, true)?;
    }
    bind(&socket, &SocketAddr::new(from, 0)).with_context(|| format!("binding to {from}"))?;
    // It is the time that connect(2) waits, too.
    sockopt::set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    Ok(match connect(&socket, &to) {
        Ok(()) => Attempted::Open(socket.into()),
        Err(Errno::CONNREFUSED) => Attempted::Failed(Outcome::Refused),
        Err(Errno::INPROGRESS | Errno::TIMEDOUT) => Attempted::Failed(Outcome::TimedOut),
        Err(error) => bail!("connecting from {from} to {to}: {error}"),
    })
}

fn converse(mut stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut replies = BufReader::new(stream).lines();
    for (command, code) in [
        ("", "220"),
        ("EHLO client.example\r\n", "250"),
        ("QUIT\r\n", "221"),
    ] {
        stream.write_all(command.as_bytes())?;
        let reply = replies.next().context("it hung up")??;
        ensure!(reply.starts_with(code), "expected {code}, got `{reply}`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.to_string().parse::<Outcome>().unwrap(), outcome);
        }
        let tally = Tally {
            connected: 3,
            refused: 0,
            timed_out: 12,
        };
        assert_eq!(tally.to_string().parse::<Tally>().unwrap(), tally);
        assert!("lost".parse::<Outcome>().is_err());
        assert!("1 2".parse::<Tally>().is_err());
    }
}
