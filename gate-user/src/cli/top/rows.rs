//! The table below the rates: samples in, rows out, in the order that is asked for.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use gate_common::Reason;
use jiff::Timestamp;

use super::{
    super::{stats::rate, table::Align, words::ago},
    sample::{SOURCES, Sample},
};
use crate::{control::api::TopSource, network::Network};

/// What the table shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum View {
    /// The sources with the most sampled drops.
    Sources,
    /// Their networks: as wide as what is rolled up.
    Networks,
    /// The sources with the most connections open.
    Connections,
}

/// A column: its name, and how it is aligned. The first columns are those that a narrow terminal
/// shows.
pub(super) type Column = (&'static str, Align);

impl View {
    pub(super) const ALL: [Self; 3] = [Self::Sources, Self::Networks, Self::Connections];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Networks => "networks",
            Self::Connections => "connections",
        }
    }

    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::Sources => &[
                ("SOURCE", Align::Left),
                ("DROPS", Align::Right),
                ("A SECOND", Align::Right),
                ("REASON", Align::Left),
                ("LAST", Align::Left),
            ],
            Self::Networks => &[
                ("NETWORK", Align::Left),
                ("DROPS", Align::Right),
                ("A SECOND", Align::Right),
                ("SOURCES", Align::Right),
                ("REASON", Align::Left),
                ("LAST", Align::Left),
            ],
            Self::Connections => &[
                ("SOURCE", Align::Left),
                ("OPEN", Align::Right),
                ("OPENED", Align::Right),
            ],
        }
    }

    /// The rows, as the daemon told them; those of `earlier` make rates.
    pub(super) fn rows(self, latest: &Sample, earlier: Option<&Sample>) -> Vec<Row> {
        match self {
            Self::Sources => {
                let sources = dropped(latest, earlier).into_iter();
                sources
                    .map(|it| it.row(Cell::Address(it.source.address)))
                    .collect()
            }
            Self::Networks => networks(&dropped(latest, earlier)),
            Self::Connections => {
                let sources = latest.connections.iter().flat_map(|it| &it.sources);
                let row = sources.map(|it| {
                    vec![
                        Cell::Network(it.source),
                        Cell::Count(it.open.into()),
                        Cell::Count(it.opened.into()),
                    ]
                });
                row.collect()
            }
        }
    }
}

/// A row: a cell for each column.
pub(super) type Row = Vec<Cell>;

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Address(IpAddr),
    Network(Network),
    Count(u64),
    /// A count that sampled drops stand for.
    About(u64),
    /// Events a second, if they are known.
    Rate(Option<f64>),
    Reason(Reason),
    Time(Timestamp),
}

impl Cell {
    /// What comes first in a column: the most, the latest, the lowest address.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Address(one), Self::Address(other)) => one.cmp(other),
            (Self::Network(one), Self::Network(other)) => one.cmp(other),
            (Self::Count(one) | Self::About(one), Self::Count(other) | Self::About(other)) => {
                other.cmp(one)
            }
            (Self::Rate(one), Self::Rate(other)) => {
                let known = |rate: &Option<f64>| rate.unwrap_or(-1.0);
                known(other).total_cmp(&known(one))
            }
            (Self::Reason(one), Self::Reason(other)) => one.code().cmp(other.code()),
            (Self::Time(one), Self::Time(other)) => other.cmp(one),
            // The cells of a column are of one kind.
            _ => Ordering::Equal,
        }
    }

    pub(super) fn text(&self, now: Timestamp) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Network(network) => network.to_string(),
            Self::Count(count) => count.to_string(),
            Self::About(count) => format!("~{count}"),
            Self::Rate(rate) => rate.map_or_else(|| "-".to_owned(), short),
            Self::Reason(reason) => reason.code().to_owned(),
            Self::Time(time) => ago(*time, now),
        }
    }
}

/// A number to be seen at a glance: `0.5`, `123`, `12.3k`.
pub(super) fn short(number: f64) -> String {
    let mut number = number;
    for unit in ["", "k", "M"] {
        if number < 999.5 {
            let digits = usize::from(!unit.is_empty() || number < 99.95);
            return format!("{number:.digits$}{unit}");
        }
        number /= 1000.0;
    }
    format!("{number:.1}G")
}

/// A source of sampled drops.
struct Dropped<'a> {
    source: &'a TopSource,
    /// Whether every drop is sampled.
    exact: bool,
    /// Drops a second.
    rate: Option<f64>,
}

impl Dropped<'_> {
    fn count(&self, drops: u64) -> Cell {
        if self.exact {
            Cell::Count(drops)
        } else {
            Cell::About(drops)
        }
    }

    fn row(&self, who: Cell) -> Row {
        vec![
            who,
            self.count(self.source.drops),
            Cell::Rate(self.rate),
            Cell::Reason(self.source.reason),
            Cell::Time(self.source.last),
        ]
    }
}

fn dropped<'a>(latest: &'a Sample, earlier: Option<&Sample>) -> Vec<Dropped<'a>> {
    let earlier = earlier.filter(|it| it.top.since == latest.top.since);
    let before: HashMap<IpAddr, u64> = earlier
        .iter()
        .flat_map(|it| &it.top.sources)
        .map(|it| (it.address, it.drops))
        .collect();
    let time: Option<Duration> = earlier.map(|it| latest.at - it.at);
    // Who comes into a full table has the count of who left it.
    let newcomer = (before.len() < SOURCES).then_some(0);
    let rate_of = |source: &TopSource| {
        let before = before.get(&source.address).copied().or(newcomer)?;
        Some(rate(before, source.drops, time?))
    };
    let sources = latest.top.sources.iter().map(|source| Dropped {
        source,
        exact: latest.top.sample == 1,
        rate: rate_of(source),
    });
    sources.collect()
}

fn networks(sources: &[Dropped]) -> Vec<Row> {
    let mut networks: BTreeMap<Network, Vec<&Dropped>> = BTreeMap::new();
    for source in sources {
        let network = Network::around(source.source.address);
        networks.entry(network).or_default().push(source);
    }
    let rows = networks.into_iter().filter_map(|(network, sources)| {
        let latest = sources.iter().max_by_key(|it| it.source.last)?;
        let drops = sources.iter().map(|it| it.source.drops).sum();
        let rates: Vec<f64> = sources.iter().filter_map(|it| it.rate).collect();
        Some(vec![
            Cell::Network(network),
            latest.count(drops),
            Cell::Rate((!rates.is_empty()).then(|| rates.iter().sum())),
            Cell::Count(sources.len() as u64),
            Cell::Reason(latest.source.reason),
            Cell::Time(latest.source.last),
        ])
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::top::testing::{sample, source},
        control::examples::now,
    };

    fn texts(rows: &[Row]) -> Vec<String> {
        let line = |row: &Row| {
            let cells: Vec<_> = row.iter().map(|cell| cell.text(now())).collect();
            cells.join(" ")
        };
        rows.iter().map(line).collect()
    }

    #[test]
    fn sources_have_the_rate_between_two_samples() {
        let mut earlier = sample();
        earlier.top.sources = vec![source("192.0.2.7", 100), source("192.0.2.8", 500)];
        let mut latest = earlier.clone();
        latest.at += Duration::from_secs(2);
        latest.top.sources = vec![
            source("192.0.2.8", 500),
            source("192.0.2.7", 300),
            source("2001:db8::1", 100),
        ];
        assert_eq!(
            texts(&View::Sources.rows(&latest, Some(&earlier))),
            [
                "192.0.2.8 ~500 0.0 manual 1m 59s ago",
                "192.0.2.7 ~300 100 manual 1m 59s ago",
                "2001:db8::1 ~100 50.0 manual 1m 59s ago",
            ]
        );
        assert_eq!(
            texts(&View::Networks.rows(&latest, Some(&earlier))),
            [
                "192.0.2.0/24 ~800 100 2 manual 1m 59s ago",
                "2001:db8::/48 ~100 50.0 1 manual 1m 59s ago",
            ]
        );
        latest.top.sample = 1;
        assert_eq!(
            texts(&View::Sources.rows(&latest, None))[0],
            "192.0.2.8 500 - manual 1m 59s ago",
            "one sample makes no rate, and of every drop the count is exact"
        );
    }

    #[test]
    fn a_restart_and_a_full_table_make_no_rates() {
        let mut earlier = sample();
        let mut latest = sample();
        latest.top.since = now();
        let rate = |latest: &Sample, earlier: &Sample| {
            View::Sources.rows(latest, Some(earlier))[0][2].clone()
        };
        assert_eq!(rate(&latest, &earlier), Cell::Rate(None), "counted anew");
        latest.top.since = earlier.top.since;
        latest.at += Duration::from_secs(1);
        latest.top.sources = vec![source("198.51.100.1", 9000)];
        let addresses = (0..1024u32).map(|n| std::net::Ipv4Addr::from(0x0a00_0000 + n));
        earlier.top.sources = addresses.map(|it| source(&it.to_string(), 1)).collect();
        assert_eq!(
            rate(&latest, &earlier),
            Cell::Rate(None),
            "came into a full table"
        );
    }

    #[test]
    fn connections_are_as_the_kernel_counts_them() {
        assert_eq!(
            texts(&View::Connections.rows(&sample(), None)),
            ["192.0.2.7/32 12 31", "2001:db8:1:2::/64 0 1"]
        );
    }

    #[test]
    fn every_view_has_a_cell_for_each_column() {
        for view in View::ALL {
            for row in view.rows(&sample(), None) {
                assert_eq!(row.len(), view.columns().len(), "{view:?}");
            }
        }
    }

    #[test]
    fn the_most_the_latest_and_the_lowest_address_come_first() {
        let now = now();
        let before = now - Duration::from_secs(1);
        let address = |text: &str| Cell::Address(text.parse().unwrap());
        for (first, second) in [
            (Cell::Count(2), Cell::Count(1)),
            (Cell::About(2), Cell::About(1)),
            (Cell::Rate(Some(2.0)), Cell::Rate(Some(1.0))),
            (Cell::Rate(Some(0.0)), Cell::Rate(None)),
            (Cell::Time(now), Cell::Time(before)),
            (address("192.0.2.9"), address("192.0.2.10")),
            (Cell::Reason(Reason::Feed), Cell::Reason(Reason::Manual)),
        ] {
            assert_eq!(first.order(&second), Ordering::Less, "{first:?}");
        }
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0.0"),
            (0.54, "0.5"),
            (99.94, "99.9"),
            (99.96, "100"),
            (999.4, "999"),
            (999.6, "1.0k"),
            (12_345.0, "12.3k"),
            (3_300_000.0, "3.3M"),
            (5e9, "5.0G"),
        ] {
            assert_eq!(short(number), text);
        }
    }
}
