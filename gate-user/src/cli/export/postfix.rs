//! A table for Postfix (cidr_table(5), access(5)): `check_client_access cidr:FILE`.
//!
//! Postfix takes the first line that matches, so what is allowed comes first, and then the
//! longest prefixes, as the kernel would have it.

use std::{
    cmp::Reverse,
    io::{self, Write},
};

use jiff::Timestamp;

use crate::control::api::Export;

pub(super) fn write(plan: &Export, now: Timestamp, out: &mut impl Write) -> io::Result<()> {
    let count = plan.block.len();
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    writeln!(out, "# What gate drops, {now}: {count} networks.")?;
    writeln!(out, "# In main.cf: check_client_access cidr:FILE")?;
    for network in &plan.allow {
        writeln!(out, "{network} DUNNO")?;
    }
    let mut block: Vec<_> = plan.block.iter().collect();
    block.sort_by_key(|(network, _)| (Reverse(network.prefix_len()), **network));
    for (network, reason) in block {
        writeln!(out, "{network} REJECT 5.7.1 Listed here: {}", reason.code())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{mixed, text};
    use crate::control::examples::now;

    #[test]
    fn allowed_first_then_the_longest_prefix() {
        assert_eq!(
            text(|out| super::write(&mixed(), now(), out)),
            "\
# What gate drops, 2026-03-04T12:00:00Z: 4 networks.
# In main.cf: check_client_access cidr:FILE
198.51.100.2/32 DUNNO
203.0.113.0/24 DUNNO
203.0.113.7/32 DUNNO
::1/128 DUNNO
2001:db8::/32 REJECT 5.7.1 Listed here: directspam
198.51.100.0/30 REJECT 5.7.1 Listed here: feed
192.0.2.128/25 REJECT 5.7.1 Listed here: feed
192.0.2.0/24 REJECT 5.7.1 Listed here: manual
"
        );
    }
}
