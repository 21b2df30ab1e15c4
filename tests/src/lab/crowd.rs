//! Many connections at once, from many addresses, made by this process.
//!
//! In: where the clients are, from which address to which. Out: connections that are held, and what
//! the server's own table of sockets says of them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::net::sockopt;

use super::probe::{Attempted, Outcome, open};

/// How a connection is ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// Closed, as by a client that is done (FIN).
    Close,
    /// Reset (RST).
    Reset,
}

/// A connection that is held.
#[derive(Debug)]
pub struct Held(TcpStream);

impl Held {
    /// Connects from the address `from` to `to`; `None` where nobody answers within `patience`.
    ///
    /// # Errors
    /// It is refused, or something else became of it.
    pub fn open(from: IpAddr, to: SocketAddr, patience: Duration) -> Result<Option<Self>> {
        match open(from, to, patience)? {
            Attempted::Open(stream) => Ok(Some(Self(stream))),
            Attempted::Failed(Outcome::TimedOut) => Ok(None),
            Attempted::Failed(outcome) => bail!("{from} to {to}: {outcome}"),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// The socket takes no option.
    pub fn end(self, how: End) -> Result<()> {
        if how == End::Reset {
            sockopt::set_socket_linger(&self.0, Some(Duration::ZERO))?;
        }
        Ok(())
    }
}

/// Connections by source, as `ss -Htano state connected` tells them: an IPv4 address, or the first
/// address of an IPv6 /64. What waits in TIME-WAIT or for the end of a handshake is left out.
///
/// # Errors
/// A line is none of `ss`.
pub fn by_source(ss: &str) -> Result<BTreeMap<IpAddr, u64>> {
    let mut sources = BTreeMap::new();
    for line in ss.lines() {
        let mut fields = line.split_whitespace();
        let state = fields.next().context("a state")?;
        // What waits in TIME-WAIT may show the state before that, and the timer alone tells.
        let waits = line.contains("timer:(timewait");
        if waits || matches!(state, "TIME-WAIT" | "SYN-RECV" | "SYN-SENT") {
            continue;
        }
        let peer = fields
            .nth(3)
            .with_context(|| format!("no peer in `{line}`"))?;
        let (address, _) = peer.rsplit_once(':').context("an address and a port")?;
        let address = address.trim_matches(['[', ']']);
        let address: IpAddr = address.parse().with_context(|| format!("`{line}`"))?;
        *sources.entry(source(address)).or_default() += 1;
    }
    Ok(sources)
}

/// The source of an address.
pub fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_sockets_is_read() {
        let ss = "ESTAB 0 0 [::ffff:10.25.0.1]:25 [::ffff:192.0.2.7]:4711\n\
                  CLOSE-WAIT 1 0 10.25.0.1:25 192.0.2.7:4712\n\
                  TIME-WAIT 0 0 10.25.0.1:25 192.0.2.8:4712\n\
                  FIN-WAIT-2 0 0 10.25.0.1:25 192.0.2.9:4712 timer:(timewait,59sec,0) ino:0\n\
                  ESTAB 0 0 [fd25::1]:25 [2001:db8:1:2::9]:4711\n";
        let sources: Vec<_> = by_source(ss).unwrap().into_iter().collect();
        let expected: Vec<(IpAddr, u64)> = vec![
            ("192.0.2.7".parse().unwrap(), 2),
            ("2001:db8:1:2::".parse().unwrap(), 1),
        ];
        assert_eq!(sources, expected);
    }
}
