//! Floods on a veth: how many packets a second are dropped.

use anyhow::{Result, ensure};
use aya::programs::XdpMode;
use gate_common::COURTESY_BUCKETS;

use crate::{
    bed::{Bed, Door, SOURCES_V4, median},
    lane::{Lane, RECEIVER},
    lists::List,
    peers::Peer,
    rows::{Goal, Row},
};

/// The gate with limits and courtesy on, before it knows of the flood, and when it does.
const CALM: &str = "gate, limits and courtesy";
const FLOOD: &str = "gate, limits and courtesy, in a flood";

/// Who drops the flood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dropper {
    /// One of the benchmark's XDP programs.
    Program(&'static str),
    /// The gate, so kept.
    Gate(Door),
    Peer(Peer),
}

impl Dropper {
    fn name(self) -> &'static str {
        match self {
            Self::Program("bare_drop") => "bare XDP_DROP",
            Self::Program("trie") => "plain trie",
            Self::Program(name) => name,
            Self::Gate(Door::Open) => "gate",
            Self::Gate(Door::Kept) => CALM,
            Self::Gate(Door::Flood) => FLOOD,
            Self::Peer(peer) => peer.name(),
        }
    }
}

/// One list's flood: packets a second of everybody who drops it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Flood {
    /// The list.
    pub(crate) list: String,
    /// Name and packets a second.
    pub(crate) rates: Vec<(&'static str, f64)>,
}

impl Flood {
    fn rate(&self, name: &str) -> Option<f64> {
        self.rates
            .iter()
            .find(|(of, _)| *of == name)
            .map(|(_, rate)| *rate)
    }

    /// The gate beside the others.
    pub(crate) fn rows(&self, of_bare: f64) -> Vec<Row> {
        let gate = self.rate("gate").unwrap_or(f64::NAN);
        let mut rows = Vec::new();
        for (name, when, goal) in [
            (CALM, "before it is known", 0.8),
            (FLOOD, "once it is known", 0.95),
        ] {
            if let Some(door) = self.rate(name) {
                rows.push(Row::new(
                    format!("flood from {}, limits and courtesy on, {when}", self.list),
                    (door / 1e6, "M/s"),
                    ("gate without", gate / 1e6),
                    Goal::AtLeast(goal),
                ));
            }
        }
        let goals = [("bare XDP_DROP", of_bare), ("nft", 4.0), ("ipset", 2.5)];
        rows.extend(goals.into_iter().filter_map(|(name, goal)| {
            Some(Row::new(
                format!("flood from {}", self.list),
                (gate / 1e6, "M/s"),
                (name, self.rate(name)? / 1e6),
                Goal::AtLeast(goal),
            ))
        }));
        rows
    }
}

/// Floods everybody in turn, `rounds` times, with `packets` each time.
pub(crate) fn measure(
    bed: &mut Bed,
    (name, list): (&str, &List),
    peers: &[Peer],
    packets: u32,
    rounds: usize,
) -> Result<Flood> {
    bed.gate.apply(&list.diff())?;
    bed.sources_v4(&list.listed(SOURCES_V4))?;
    let programs = ["bare_drop", "trie"].map(Dropper::Program);
    let gates = [Door::Open, Door::Kept, Door::Flood].map(Dropper::Gate);
    let droppers: Vec<Dropper> = programs
        .into_iter()
        .chain(gates)
        .chain(peers.iter().map(|&peer| Dropper::Peer(peer)))
        .collect();
    let mut rates = vec![Vec::new(); droppers.len()];
    // XDP programs are changed in a moment and measured in turn; a peer's set is not, so that each
    // peer is measured in one go, beside the bare program.
    let lane = Lane::enter()?;
    for _ in 0..rounds {
        for (index, dropper) in droppers.iter().enumerate() {
            match dropper {
                Dropper::Program(name) => {
                    rates[index].push(by_program(bed, &lane, name, packets, 0)?);
                }
                Dropper::Gate(door) => {
                    bed.set_door(*door)?;
                    rates[index].push(by_program(
                        bed,
                        &lane,
                        "gate",
                        packets,
                        most_delivered(*door),
                    )?);
                    bed.set_door(Door::Open)?;
                }
                Dropper::Peer(_) => {}
            }
        }
    }
    for (index, dropper) in droppers.iter().enumerate() {
        if let Dropper::Peer(peer) = dropper {
            peer.start(list)?;
            for _ in 0..rounds {
                let before = Lane::delivered()?;
                rates[index].push(lane.flood(bed, packets)?);
                let delivered = Lane::delivered()? - before;
                ensure!(
                    delivered == 0,
                    "{}: {delivered} packets got through",
                    peer.name()
                );
            }
            peer.stop()?;
        }
    }
    drop(lane);
    bed.gate.apply(&list.undo())?;
    Ok(Flood {
        list: name.to_owned(),
        rates: droppers
            .iter()
            .zip(&mut rates)
            .map(|(dropper, rates)| (dropper.name(), median(rates)))
            .collect(),
    })
}

/// How many packets of a flood may get through: out of courtesy, which has one for each of its places
/// in an hour, however many sources come.
fn most_delivered(door: Door) -> u64 {
    match door {
        Door::Kept => COURTESY_BUCKETS as u64,
        Door::Open | Door::Flood => 0,
    }
}

/// Floods one program; at most `may_pass` packets get through.
fn by_program(bed: &mut Bed, lane: &Lane, name: &str, packets: u32, may_pass: u64) -> Result<f64> {
    let program = bed.program(name)?;
    let link = program.attach(RECEIVER, XdpMode::Driver)?;
    let before = Lane::delivered()?;
    let rate = lane.flood(bed, packets);
    let delivered = Lane::delivered()? - before;
    bed.program(name)?.detach(link)?;
    ensure!(
        delivered <= may_pass,
        "{name}: {delivered} packets got through, {may_pass} may"
    );
    rate
}
