//! nftables and ipset, where they are installed, with the same list as the gate.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Result;
use tempfile::NamedTempFile;

use crate::{
    lane::{RECEIVER, run},
    lists::List,
};

/// Another way to drop the packets of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Peer {
    /// A set at the netdev ingress hook: the earliest there is.
    Nft,
    /// A set in the raw table's PREROUTING chain.
    Ipset,
}

impl Peer {
    /// Its name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nft => "nft",
            Self::Ipset => "ipset",
        }
    }

    /// The peers that are installed; of the others, says how to get them.
    pub(crate) fn installed() -> Vec<Self> {
        let mut missing = Vec::new();
        let mut has = |program: &'static str, package: &'static str| {
            let found = Command::new(program).arg("--version").output().is_ok();
            if !found {
                missing.push(package);
            }
            found
        };
        let ethtool = has("ethtool", "ethtool");
        let nft = has("nft", "nftables") && ethtool;
        let ipset = has("ipset", "ipset") & has("iptables", "iptables") && ethtool;
        if !missing.is_empty() {
            println!(
                "without some peers; to measure them: apt-get install {}",
                missing.join(" ")
            );
        }
        let peers = [(Self::Nft, nft), (Self::Ipset, ipset)];
        peers
            .into_iter()
            .filter(|(_, is)| *is)
            .map(|(peer, _)| peer)
            .collect()
    }

    /// Fills its set and puts it before the receiver; the time it took to fill.
    pub(crate) fn start(self, list: &List) -> Result<Duration> {
        // Without an XDP program, only this makes the receiver take frames from a redirect.
        run("ethtool", &["-K", RECEIVER, "gro", "on"])?;
        let mut file = NamedTempFile::new()?;
        file.write_all(self.script(list).as_bytes())?;
        file.flush()?;
        let path = file.path().display().to_string();
        let begun = Instant::now();
        match self {
            Self::Nft => run("nft", &["-f", &path])?,
            Self::Ipset => run("ipset", &["-file", &path, "restore"])?,
        };
        let time = begun.elapsed();
        if self == Self::Ipset {
            run("iptables", &ipset_rule("-A"))?;
        }
        Ok(time)
    }

    /// Takes it away.
    pub(crate) fn stop(self) -> Result<()> {
        match self {
            Self::Nft => run("nft", &["delete", "table", "netdev", "bench"])?,
            Self::Ipset => {
                run("iptables", &ipset_rule("-D"))?;
                run("ipset", &["destroy", "bench"])?
            }
        };
        Ok(())
    }

    fn script(self, list: &List) -> String {
        let mut script = String::new();
        match self {
            Self::Nft => {
                script.push_str("table netdev bench {\n set bench { type ipv4_addr; ");
                if list
                    .networks
                    .iter()
                    .any(|network| network.prefix_len() < 32)
                {
                    script.push_str("flags interval; auto-merge; ");
                }
                script.push_str("elements = {\n");
                for network in &list.networks {
                    let _ = writeln!(script, "{},", bare(network));
                }
                let _ = write!(
                    script,
                    "}} }}\n chain in {{ type filter hook ingress device {RECEIVER} priority 0; \
                     ip saddr @bench tcp dport 25 drop; }}\n}}\n"
                );
            }
            Self::Ipset => {
                let networks = &list.networks;
                let kind = if networks.iter().all(|network| network.prefix_len() == 32) {
                    "hash:ip"
                } else {
                    "hash:net"
                };
                let size = networks.len().next_power_of_two();
                let _ = writeln!(script, "create bench {kind} maxelem {size} hashsize {size}");
                for network in networks {
                    let _ = writeln!(script, "add bench {}", bare(network));
                }
            }
        }
        script
    }
}

/// An address without its length, as both peers take it.
fn bare(network: &gate_user::network::Network) -> String {
    if network.prefix_len() == 32 {
        network.address().to_string()
    } else {
        network.to_string()
    }
}

fn ipset_rule(action: &str) -> [&str; 15] {
    [
        "-t",
        "raw",
        action,
        "PREROUTING",
        "-p",
        "tcp",
        "--dport",
        "25",
        "-m",
        "set",
        "--match-set",
        "bench",
        "src",
        "-j",
        "DROP",
    ]
}
