//! What it costs to judge a reverse name, beside the least that can be done to one: to read it in
//! lower case, label by label.

use std::{hint::black_box, net::IpAddr, time::Instant};

use anyhow::{Context as _, Result};
use gate_user::dns::class::classify;

use crate::{
    bed::median,
    rows::{Goal, Row},
};

/// The names that the classifier is judged by.
const NAMES: &str = include_str!("../../../gate-user/src/dns/class/corpus/names.txt");

/// A round is one pass over the names, short enough that most of them are not interrupted.
const ROUNDS: usize = 301;

/// Names a second on one core: against the goal, and against the floor in the same rounds.
pub(crate) fn rows() -> Result<[Row; 2]> {
    let names = names()?;
    let (mut judged, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        judged.push(nanoseconds(&names, |name, address| {
            black_box(classify(name, address));
        }));
        let mut lower = String::new();
        floor.push(nanoseconds(&names, |name, _| {
            lower.clear();
            lower.push_str(name);
            lower.make_ascii_lowercase();
            lower.split('.').for_each(|label| {
                black_box(label);
            });
        }));
    }
    let (judged, floor) = (median(&mut judged), median(&mut floor));
    Ok([
        Row::new(
            "reverse names judged, one core",
            (1e9 / judged, "/s"),
            ("limit", 500_000.0),
            Goal::AtLeast(1.0),
        ),
        Row::new(
            "a reverse name judged",
            (judged, "ns"),
            ("lower case, labels", floor),
            Goal::AtMost(15.0),
        ),
    ])
}

fn names() -> Result<Vec<(&'static str, IpAddr)>> {
    let lines = NAMES.lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut fields = line.split(' ').skip(1);
            let address = fields.next().context("no address")?.parse()?;
            Ok((fields.next().context("no name")?, address))
        })
        .collect()
}

/// Of one name, in the mean.
fn nanoseconds(names: &[(&str, IpAddr)], mut each: impl FnMut(&str, IpAddr)) -> f64 {
    let start = Instant::now();
    for &(name, address) in names {
        each(black_box(name), address);
    }
    start.elapsed().as_nanos() as f64 / names.len() as f64
}
