//! Sets and a chain for nftables: `nft -f FILE` loads them, again and again, each time as one
//! transaction. The chain does nothing until a rule jumps to it:
//! `nft add rule inet gate input tcp dport 25 jump listed`.

use std::io::{self, Write};

use jiff::Timestamp;

use super::carve::{dropped, outermost};
use crate::{control::api::Export, network::Network};

/// Elements in one `add element`.
const BATCH: usize = 1000;

pub(super) fn write(plan: &Export, now: Timestamp, out: &mut impl Write) -> io::Result<()> {
    let allow = outermost(plan.allow.iter().copied());
    let drop = dropped(plan);
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    writeln!(out, "# What gate drops, {now}: {} networks.", drop.len())?;
    writeln!(
        out,
        "# For a base chain in this table: tcp dport 25 jump listed"
    )?;
    writeln!(out, "add table inet gate")?;
    for (name, networks) in [("allow", allow), ("drop", drop)] {
        for (family, kind, v4) in [("v4", "ipv4_addr", true), ("v6", "ipv6_addr", false)] {
            let of_family = networks.iter().filter(|network| network.is_v4() == v4);
            set(out, &format!("{name}_{family}"), kind, of_family)?;
        }
    }
    writeln!(out, "add chain inet gate listed")?;
    writeln!(out, "flush chain inet gate listed")?;
    for (name, verdict) in [("allow", "return"), ("drop", "drop")] {
        for (protocol, family) in [("ip", "v4"), ("ip6", "v6")] {
            writeln!(
                out,
                "add rule inet gate listed {protocol} saddr @{name}_{family} {verdict}"
            )?;
        }
    }
    Ok(())
}

/// A set that holds `networks`, which are disjoint, and nothing else.
fn set<'a>(
    out: &mut impl Write,
    name: &str,
    kind: &str,
    networks: impl Iterator<Item = &'a Network>,
) -> io::Result<()> {
    writeln!(
        out,
        "add set inet gate {name} {{ type {kind}; flags interval; }}"
    )?;
    writeln!(out, "flush set inet gate {name}")?;
    let mut networks = networks.peekable();
    while networks.peek().is_some() {
        writeln!(out, "add element inet gate {name} {{")?;
        for network in networks.by_ref().take(BATCH) {
            writeln!(out, "\t{network},")?;
        }
        writeln!(out, "}}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{mixed, plan, text};
    use crate::control::examples::now;

    #[test]
    fn sets_without_overlap_and_a_chain_that_lets_the_allowed_return_first() {
        assert_eq!(
            text(|out| super::write(&mixed(), now(), out)),
            "\
# What gate drops, 2026-03-04T12:00:00Z: 4 networks.
# For a base chain in this table: tcp dport 25 jump listed
add table inet gate
add set inet gate allow_v4 { type ipv4_addr; flags interval; }
flush set inet gate allow_v4
add element inet gate allow_v4 {
\t198.51.100.2/32,
\t203.0.113.0/24,
}
add set inet gate allow_v6 { type ipv6_addr; flags interval; }
flush set inet gate allow_v6
add element inet gate allow_v6 {
\t::1/128,
}
add set inet gate drop_v4 { type ipv4_addr; flags interval; }
flush set inet gate drop_v4
add element inet gate drop_v4 {
\t192.0.2.0/24,
\t198.51.100.0/31,
\t198.51.100.3/32,
}
add set inet gate drop_v6 { type ipv6_addr; flags interval; }
flush set inet gate drop_v6
add element inet gate drop_v6 {
\t2001:db8::/32,
}
add chain inet gate listed
flush chain inet gate listed
add rule inet gate listed ip saddr @allow_v4 return
add rule inet gate listed ip6 saddr @allow_v6 return
add rule inet gate listed ip saddr @drop_v4 drop
add rule inet gate listed ip6 saddr @drop_v6 drop
"
        );
    }

    #[test]
    fn an_empty_set_has_no_elements() {
        let text = text(|out| super::write(&plan(&[], &[]), now(), out));
        assert!(!text.contains("add element"), "{text}");
        assert_eq!(text.matches("add set").count(), 4);
    }
}
