//! `status`: how the gate stands.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    flood,
    gate::Gate,
    table::{Align, Table},
    tone::Tone,
    words::{ago, bytes, counted, foreign},
};
use crate::control::api::{
    Attach, ConnectionCounts, CountedBy, Drift, EvidenceCounts, Interface, LookupCounts, PerReason,
    Status, TableSize, route,
};

pub(super) async fn run(gate: &Gate) -> Result<Exit, CliError> {
    let status: Status = gate.client.get(route::STATUS).await?;
    gate.show(&status, render)?;
    Ok(Exit::Done)
}

fn render(status: &Status, now: Timestamp) -> String {
    let mut facts = Table::new([("", Align::Left), ("", Align::Left)]);
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    let mode = Tone::from(status.mode).paint(status.mode.as_str());
    fact("mode", mode);
    fact("flood", flood::state(&status.flood, now));
    for (index, interface) in status.interfaces.iter().enumerate() {
        let name = if index == 0 { "interfaces" } else { "" };
        let text = guarded(interface);
        fact(
            name,
            match interface.problem {
                Some(_) => Tone::Bad.paint(&text),
                None => text,
            },
        );
    }
    let ports: Vec<_> = status.ports.iter().map(ToString::to_string).collect();
    fact("ports", ports.join(", "));
    fact("listings", by_reason(&status.listings));
    fact("allow entries", status.allowed.to_string());
    fact("planned", size(&status.plan));
    fact(
        "in the kernel",
        match &status.kernel {
            Some(kernel) if *kernel == status.plan => "the same".to_owned(),
            Some(kernel) => size(kernel),
            None => Tone::Bad.paint("the gate is not on the wire"),
        },
    );
    fact("drift", drift(&status.drift, now));
    fact("evidence", evidence(&status.evidence));
    fact("lookups", lookups(&status.lookups));
    if let Some(counts) = &status.connections {
        fact("connections", connections(counts));
    }
    if let Some(memory) = status.kernel_memory {
        fact("kernel memory", bytes(memory));
    }
    if let Some(index) = status.index {
        let mut text = format!("{} of {} slots in use", index.used, index.capacity);
        if index.left_to_tries > 0 {
            let _ = write!(text, ", {} places left to the tries", index.left_to_tries);
        }
        fact("index", text);
    }
    let not_dropped: Vec<_> = status
        .not_dropped
        .iter()
        .map(|it| format!("{} ({})", it.reason.code(), it.enforcement.as_str()))
        .collect();
    if !not_dropped.is_empty() {
        fact("not dropped", not_dropped.join(", "));
    }
    fact(
        "configuration",
        status
            .config
            .clone()
            .unwrap_or_else(|| "defaults".to_owned()),
    );
    fact(
        "daemon",
        format!(
            "gated {} (ABI {}), process {}, started {}",
            status.version,
            status.abi,
            status.pid,
            ago(status.started, now)
        ),
    );
    let mut text = facts.render();
    for warning in &status.warnings {
        let word = Tone::Care.paint("warning");
        let _ = writeln!(text, "{word}: {}", foreign(warning));
    }
    text
}

/// An interface, and how the gate is on it.
pub(super) fn guarded(interface: &Interface) -> String {
    let attach = match interface.attach {
        Some(Attach::Native) => "native",
        Some(Attach::Generic) => "generic",
        None => "not attached",
    };
    match &interface.problem {
        Some(problem) => format!("{} {attach}: {}", interface.name, foreign(problem)),
        None => format!("{} {attach}", interface.name),
    }
}

fn by_reason(counts: &PerReason) -> String {
    let parts: Vec<_> = counts
        .iter()
        .filter(|&(_, count)| count > 0)
        .map(|(reason, count)| format!("{} {count}", reason.code()))
        .collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        format!("{}: {}", counts.sum(), parts.join(", "))
    }
}

fn evidence(counts: &EvidenceCounts) -> String {
    let mut text = format!(
        "{} taken, {} dropped, {} refused",
        counts.taken, counts.dropped, counts.refused
    );
    if counts.quarantined > 0 {
        let (files, size) = (
            counted(counts.quarantined, "file"),
            bytes(counts.quarantined_bytes),
        );
        let _ = write!(text, "; {files} in the quarantine, {size}");
    }
    text
}

fn lookups(counts: &LookupCounts) -> String {
    let LookupCounts {
        waiting,
        asked,
        skipped,
        unanswered,
        queries,
    } = counts;
    let mut text = format!(
        "{asked} by {}, {waiting} waiting",
        if *queries == 1 {
            "1 query".to_owned()
        } else {
            format!("{queries} queries")
        }
    );
    for (count, what) in [(skipped, "skipped"), (unanswered, "unanswered")] {
        if *count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

fn connections(counts: &ConnectionCounts) -> String {
    let sources = counted(counts.sources, "source");
    let mut text = format!(
        "{} open from {sources}, {} opened",
        counts.open, counts.opened
    );
    if counts.counted_by == CountedBy::Sockets {
        text.push_str("; counted in the table of sockets, from time to time");
    }
    if counts.uncounted > 0 {
        let _ = write!(text, "; {} not counted for want of room", counts.uncounted);
    }
    if counts.lost_reports > 0 {
        let _ = write!(text, "; {} lost", counted(counts.lost_reports, "report"));
    }
    text
}

fn size(table: &TableSize) -> String {
    format!(
        "{} IPv4 and {} IPv6 networks blocked, {} and {} allowed",
        table.block_v4, table.block_v6, table.allow_v4, table.allow_v6
    )
}

fn drift(drift: &Drift, now: Timestamp) -> String {
    let Some(checked) = drift.checked else {
        return "not read back yet".to_owned();
    };
    let when = format!("read back {}", ago(checked, now));
    match drift.missing + drift.extra {
        0 => format!("0 ({when})"),
        sum => format!(
            "{}: {} missing, {} extra ({when})",
            Tone::Bad.paint(&sum.to_string()),
            drift.missing,
            drift.extra
        ),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::{
        cli::tone::plain,
        control::examples::{answer, now},
    };

    #[test]
    fn a_gate_with_a_problem() {
        assert_eq!(
            plain(&render(&answer(&Method::GET, route::STATUS), now())),
            "\
mode           enforce
flood          calm since 2026-03-01T06:00:00Z (3d 6h ago)
interfaces     eth0 native
               eth1 not attached: no such interface
ports          25
listings       1237: dynamic 3, feed 1222, manual 12
allow entries  3
planned        1190 IPv4 and 44 IPv6 networks blocked, 9 and 4 allowed
in the kernel  the same
drift          0 (read back 30s ago)
evidence       5120 taken, 12 dropped, 3 refused; 3 files in the quarantine, 9.0 KiB
lookups        512 by 2210 queries, 3 waiting, 7 unanswered
connections    31 open from 12 sources, 90210 opened
kernel memory  41.3 MiB
index          1270 of 2686976 slots in use
not dropped    dynamic (reject), generic (reject), nordns (reject), forged (reject)
configuration  /etc/gate/gate.toml
daemon         gated 0.1.0 (ABI 2), process 4711, started 3d 6h ago
warning: eth1 is not guarded: no such interface
"
        );
    }

    #[test]
    fn a_gate_off_the_wire_with_defaults() {
        let mut status: Status = answer(&Method::GET, route::STATUS);
        status.config = None;
        status.kernel = None;
        status.room = None;
        status.kernel_memory = None;
        status.connections = None;
        status.index = None;
        status.listings = PerReason::from_fn(|_| 0);
        status.not_dropped.clear();
        status.warnings.clear();
        status.drift.checked = None;
        let text = plain(&render(&status, now()));
        for line in [
            "listings       none",
            "in the kernel  the gate is not on the wire",
            "drift          not read back yet",
            "configuration  defaults",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        for word in [
            "connections",
            "kernel memory",
            "index",
            "not dropped",
            "warning",
        ] {
            assert!(!text.contains(word), "{text}");
        }
    }

    #[test]
    fn what_is_amiss_with_connections_is_told() {
        let counts = ConnectionCounts {
            counted_by: CountedBy::Sockets,
            problem: Some("no cgroup v2".to_owned()),
            open: 1,
            sources: 1,
            opened: 2,
            uncounted: 3,
            lost_reports: 4,
        };
        assert_eq!(
            connections(&counts),
            "1 open from 1 source, 2 opened; counted in the table of sockets, from time to time; 3 not counted for want of room; 4 reports lost"
        );
    }

    #[test]
    fn drift_is_told_in_numbers() {
        let found = Drift {
            missing: 2,
            extra: 1,
            checked: Some(now()),
        };
        assert_eq!(
            plain(&drift(&found, now())),
            "3: 2 missing, 1 extra (read back 0s ago)"
        );
    }
}
