//! What the kernel has counted of TCP, in the network namespace of the calling thread: the counters of
//! RFC 4022, as `/proc/net/snmp` has them.

use std::fs;

use anyhow::{Context as _, Result};

/// The counter of that name, such as `PassiveOpens`: connections that a server here has taken.
///
/// # Errors
/// The kernel tells none of that name.
pub fn tcp(name: &str) -> Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/net/snmp")?;
    let value = find(&text, name).with_context(|| format!("no counter {name} of TCP"))?;
    Ok(value.parse()?)
}

fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut tcp = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (tcp.next()?, tcp.next()?);
    let at = names.split(' ').position(|one| one == name)?;
    values.split(' ').nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_name() {
        let text = "Ip: InReceives\nIp: 7\nTcp: ActiveOpens PassiveOpens\nTcp: 1 2\n";
        assert_eq!(find(text, "PassiveOpens"), Some("2"));
        assert_eq!(find(text, "InReceives"), None);
        tcp("PassiveOpens").unwrap();
    }
}
