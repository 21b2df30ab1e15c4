//! What a packet costs, measured by test-run with another source in every packet.

use anyhow::{Result, ensure};

use crate::{
    bed::{Bed, SOURCES_V4, SOURCES_V6},
    frames,
    lists::List,
    rows::{Goal, Row},
};

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// Sources whose costs one row compares.
struct Case<'a> {
    sources: &'a [u128],
    /// What the gate must answer.
    action: u32,
}

/// Nanoseconds a packet: of the program that only parses, of the gate, of the tries alone.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Costs {
    pub(crate) parse: f64,
    pub(crate) gate: f64,
    pub(crate) trie: f64,
}

fn costs(bed: &mut Bed, v4: bool, case: &Case<'_>, rounds: usize) -> Result<Costs> {
    let measured = if v4 {
        bed.sources_v4(case.sources)?;
        let frame = frames::v4(([0; 6], [0; 6]), [192, 0, 2, 1], 25);
        bed.compare(&["parse_v4", "gate_v4", "trie_v4"], &frame, rounds)?
    } else {
        bed.sources_v6(case.sources)?;
        bed.compare(&["parse_v6", "gate_v6", "trie_v6"], &frames::v6(25), rounds)?
    };
    let [(parse, _), (gate, by_gate), (trie, by_trie)] = measured[..] else {
        anyhow::bail!("three programs were compared");
    };
    ensure!(
        by_gate == case.action && by_trie == case.action,
        "the gate returned {by_gate} and the tries {by_trie} where {} is right",
        case.action
    );
    Ok(Costs { parse, gate, trie })
}

/// A list's costs for listed and for clean sources.
pub(crate) fn both(bed: &mut Bed, list: &List, rounds: usize) -> Result<(Costs, Costs)> {
    let v4 = list.networks.first().is_none_or(|network| network.is_v4());
    let count = if v4 { SOURCES_V4 } else { SOURCES_V6 };
    bed.gate.apply(&list.diff())?;
    let listed = Case {
        sources: &list.listed(count),
        action: XDP_DROP,
    };
    let clean = Case {
        sources: &list.clean(count),
        action: XDP_PASS,
    };
    let costs = (
        costs(bed, v4, &listed, rounds)?,
        costs(bed, v4, &clean, rounds)?,
    );
    bed.gate.apply(&list.undo())?;
    Ok(costs)
}

/// The rows about IPv4, with `size` mixed networks.
pub(crate) fn v4(bed: &mut Bed, size: usize, rounds: usize) -> Result<Vec<Row>> {
    let (listed, clean) = both(bed, &List::mixed(size), rounds)?;
    let frame = frames::v4(([0; 6], [0; 6]), [192, 0, 2, 1], 26);
    let others = bed.compare(&["parse_v4", "gate_v4"], &frame, rounds)?;
    let name = |what: &str| format!("{what}, {size} mixed networks, test-run");
    Ok(vec![
        Row::new(
            name("listed"),
            (listed.gate, "ns"),
            ("plain trie", listed.trie),
            Goal::AtMost(0.25),
        ),
        Row::new(
            name("clean"),
            (clean.gate, "ns"),
            ("parse only", clean.parse),
            Goal::AtMost(1.3),
        ),
        Row::new(
            name("port not guarded"),
            (others[1].0, "ns"),
            ("parse only", others[0].0),
            Goal::AtMost(1.05),
        ),
    ])
}

/// The rows about IPv6, with `size` networks.
pub(crate) fn v6(bed: &mut Bed, size: usize, rounds: usize) -> Result<Vec<Row>> {
    let (listed, clean) = both(bed, &List::v6(size), rounds)?;
    let name = |what: &str| format!("{what}, {size} IPv6 networks, test-run");
    Ok(vec![
        Row::new(
            name("listed"),
            (listed.gate, "ns"),
            ("plain trie", listed.trie),
            Goal::AtMost(0.334),
        ),
        Row::new(
            name("clean"),
            (clean.gate, "ns"),
            ("parse only", clean.parse),
            Goal::AtMost(1.5),
        ),
    ])
}
