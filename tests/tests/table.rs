//! The gate table on the real kernel: what the program decides, by the shipped loader and writer, is
//! what the table says, network by network; also while it is being written.

#![allow(
    clippy::unwrap_used,
    reason = "all of this file is a test; clippy takes only functions marked as one for such"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "random bits are cut to size, and prefix lengths are small"
)]

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    thread::ScopedJoinHandle,
};

use aya::{
    Ebpf, EbpfLoader,
    programs::{TestRun as _, TestRunOptions, Xdp},
};
use gate_common::{Reason, names};
use gate_tests::{
    packet::Packet,
    table::{crowd, crowded},
    xdp::enforcing,
};
use gate_user::{
    kernel::{Capacity, Gate, Netlink, OBJECT, Pins},
    network::Network,
    plan::{Diff, Table},
};

/// Room for blocked networks, and for allowed ones.
const BLOCK: u32 = 1 << 17;
const ALLOW: u32 = 1 << 12;
/// Buckets of the table of sources.
const BUCKETS: u32 = 1 << 10;

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// A gate with pins of its own, attached to nothing.
struct Subject {
    gate: Option<Gate>,
    table: Table,
    root: PathBuf,
}

impl Subject {
    /// An empty gate. The gate's sockets need a tokio runtime.
    fn open() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = PathBuf::from(format!(
            "/sys/fs/bpf/gate-test-table-{}-{number}",
            std::process::id()
        ));
        let mut subject = Self {
            gate: None,
            table: Table::default(),
            root,
        };
        subject.start();
        subject
    }

    /// Opens the gate, adopting what is pinned.
    fn start(&mut self) {
        let capacity = Capacity {
            block: BLOCK,
            allow: ALLOW,
            buckets: BUCKETS,
        };
        let netlink = Netlink::open().expect("a socket to the kernel");
        let mut gate = Gate::open(&self.root, capacity, netlink)
            .expect("the kernel takes the gate; this needs root");
        gate.configure(&enforcing())
            .expect("the gate takes its settings");
        self.gate = Some(gate);
    }

    /// The shipped program once more, on the gate's maps.
    fn program(&self) -> Ebpf {
        let pins = Pins::open(&self.root).unwrap();
        let mut loader = EbpfLoader::new();
        for name in names::MAPS {
            loader.map_pin_path(name, pins.map(name, false));
        }
        for (name, entries) in [
            (names::BLOCK_V4, BLOCK),
            (names::BLOCK_V6, BLOCK),
            (names::ALLOW_V4, ALLOW),
            (names::ALLOW_V6, ALLOW),
        ] {
            loader.map_max_entries(name, entries);
        }
        let mut ebpf = loader.load(OBJECT).unwrap();
        let program: &mut Xdp = ebpf
            .program_mut(names::PROGRAM)
            .unwrap()
            .try_into()
            .unwrap();
        program.load().unwrap();
        ebpf
    }

    fn change_to(&mut self, table: Table) {
        let diff = Diff::between(&self.table, &table);
        self.gate.as_mut().unwrap().apply(&diff).unwrap();
        self.table = table;
    }

    /// The same as `check`, for a table that is too large to look through.
    fn check_some(&self, addresses: &[IpAddr]) {
        let of = |address: IpAddr| Table {
            allow: self.table.allow.clone(),
            block: (0..=32)
                .filter_map(|len| {
                    let network = Network::containing(address, len);
                    Some((network, *self.table.block.get(&network)?))
                })
                .collect(),
        };
        self.compare(addresses, |address| expected(&of(address), address));
    }

    /// Compares the program's verdicts about `addresses` with the table's.
    fn check(&self, addresses: &[IpAddr]) {
        self.compare(addresses, |address| expected(&self.table, address));
    }

    fn compare(&self, addresses: &[IpAddr], expected: impl Fn(IpAddr) -> u32) {
        let program = self.program();
        let wrong: Vec<String> = addresses
            .iter()
            .filter_map(|&address| {
                let (found, expected) = (verdict(&program, address), expected(address));
                (found != expected).then(|| format!("{address}: {found}, expected {expected}"))
            })
            .collect();
        assert!(
            wrong.is_empty(),
            "{} wrong: {:?}",
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        );
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            // A test that fails must not hide its own failure.
            let _ = gate.detach();
        }
    }
}

fn verdict(program: &Ebpf, source: IpAddr) -> u32 {
    judge(program, &Packet::syn(&source.to_string()).frame())
}

fn judge(program: &Ebpf, frame: &[u8]) -> u32 {
    let program: &Xdp = program.program(names::PROGRAM).unwrap().try_into().unwrap();
    program
        .test_run(TestRunOptions {
            data_in: Some(frame),
            ..TestRunOptions::default()
        })
        .unwrap()
        .return_value
}

/// The table's word, by looking through all of it.
fn expected(table: &Table, address: IpAddr) -> u32 {
    let listed = table.block.keys().any(|network| network.contains(address));
    let allowed = table.allow.iter().any(|network| network.contains(address));
    if listed && !allowed {
        XDP_DROP
    } else {
        XDP_PASS
    }
}

/// Numbers that only look random (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A network of any length, in one of few places, so that networks lie in one another.
    fn network(&mut self) -> Network {
        let bits = self.next();
        if self.below(3) > 0 {
            let len = [8 + self.below(25), 24 + self.below(9), 32][self.below(3) as usize];
            let address = 0x0b00_0000 | (bits as u32 & 0x0103_07ff);
            Network::containing(Ipv4Addr::from_bits(address).into(), len as u8)
        } else {
            let len = [16 + self.below(113), 32 + self.below(33), 64][self.below(3) as usize];
            let spread = u128::from(bits & 0x3_8103_1111_0703) << 62;
            let address = 0x2001_0db8_u128 << 96 | (spread & (u128::MAX >> 32));
            Network::containing(Ipv6Addr::from_bits(address).into(), len as u8)
        }
    }

    fn reason(&mut self) -> Reason {
        Reason::ALL[self.below(12) as usize]
    }

    /// The table with about a third of it exchanged.
    fn change(&mut self, table: &Table, size: usize) -> Table {
        let mut next = Table {
            allow: table
                .allow
                .iter()
                .copied()
                .filter(|_| self.below(3) > 0)
                .collect(),
            block: table
                .block
                .iter()
                .map(|(n, r)| (*n, *r))
                .filter(|_| self.below(3) > 0)
                .collect(),
        };
        while next.block.len() < size {
            let (network, reason) = (self.network(), self.reason());
            next.block.insert(network, reason);
        }
        while next.allow.len() < size / 4 {
            // The very wide ones would allow everything.
            let network = self.network();
            if network.prefix_len() > 20 {
                next.allow.insert(network);
            }
        }
        next
    }
}

/// First and last address of every network, those beside them, and some between.
fn addresses(table: &Table, random: &mut Random) -> Vec<IpAddr> {
    let networks: BTreeSet<Network> = table
        .allow
        .iter()
        .chain(table.block.keys())
        .copied()
        .collect();
    let mut addresses = Vec::new();
    for network in networks {
        match network.address() {
            IpAddr::V4(first) => {
                let host = u32::MAX
                    .checked_shr(network.prefix_len().into())
                    .unwrap_or(0);
                let first = first.to_bits();
                let inside = first | random.next() as u32 & host;
                let last = first | host;
                addresses.extend(
                    [
                        first.wrapping_sub(1),
                        first,
                        inside,
                        last,
                        last.wrapping_add(1),
                    ]
                    .map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits))),
                );
            }
            IpAddr::V6(first) => {
                let host = u128::MAX
                    .checked_shr(network.prefix_len().into())
                    .unwrap_or(0);
                let first = first.to_bits();
                let inside =
                    first | (u128::from(random.next()) << 64 | u128::from(random.next())) & host;
                let last = first | host;
                addresses.extend(
                    [
                        first.wrapping_sub(1),
                        first,
                        inside,
                        last,
                        last.wrapping_add(1),
                    ]
                    .map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits))),
                );
            }
        }
    }
    addresses.retain(|address| !address.is_multicast() && !address.is_unspecified());
    addresses
}

#[tokio::test]
async fn the_program_decides_as_the_table_says() {
    let mut random = Random(0x5eed);
    let mut subject = Subject::open();
    let mut asked = Vec::new();
    for size in [1, 40, 300, 600, 300, 20, 0] {
        let table = random.change(&subject.table, size);
        let table = if size == 0 { Table::default() } else { table };
        asked.extend(addresses(&table, &mut random));
        subject.change_to(table);
        subject.check(&asked);
    }
}

/// From a table that needs few buckets to one that needs many, and back.
#[tokio::test]
async fn a_large_table_is_decided_as_a_small_one() {
    let mut random = Random(0x1a46e);
    let mut subject = Subject::open();
    let mut table = Table::default();
    for size in [1_000, 20_000, 100_000] {
        while table.block.len() < size {
            let address = Ipv4Addr::from_bits(random.next() as u32);
            let len = [24, 32, 32, 29, 22][random.below(5) as usize];
            let network = Network::containing(address.into(), len);
            if (1..=223).contains(&address.octets()[0]) {
                table.block.insert(network, random.reason());
            }
        }
        subject.change_to(table.clone());
        subject.check_some(&random_of(&table, &mut random));
    }
    let gone = table.block.clone();
    table.block = gone.iter().step_by(997).map(|(n, r)| (*n, *r)).collect();
    subject.change_to(table);
    subject.check_some(&random_of(
        &Table {
            block: gone,
            ..Table::default()
        },
        &mut random,
    ));
}

/// The /24s that find no room for a leaf are decided by the tries, as the others are by the index.
#[tokio::test]
async fn a_full_index_leaves_the_rest_to_the_tries() {
    let mut random = Random(0xf0011);
    let mut subject = Subject::open();
    let table = Table {
        block: crowded(&crowd())
            .map(|address| (Network::host(address.into()), random.reason()))
            .collect(),
        ..Table::default()
    };
    subject.change_to(table.clone());
    let fill = subject.gate.as_ref().unwrap().fill();
    assert!(fill.leaves > 0 && fill.fallbacks_v4 > 0, "{fill:?}");
    let asked: Vec<IpAddr> = addresses(&table, &mut random)
        .into_iter()
        .step_by(3)
        .collect();
    subject.check_some(&asked);
    subject.change_to(Table::default());
    let fill = subject.gate.as_ref().unwrap().fill();
    assert_eq!((fill.leaves, fill.fallbacks_v4), (0, 0), "{fill:?}");
}

/// Some addresses in and beside the networks of `table`.
fn random_of(table: &Table, random: &mut Random) -> Vec<IpAddr> {
    let step = (table.block.len() / 300).max(1);
    let some = Table {
        block: table
            .block
            .iter()
            .step_by(step)
            .map(|(network, reason)| (*network, *reason))
            .collect(),
        ..Table::default()
    };
    addresses(&some, random)
}

/// A flood of test-runs on other threads while what is around the sources is written over and over.
#[tokio::test]
async fn invariants_1_and_2_hold_while_the_table_is_written_under_a_flood() {
    let mut random = Random(0xf100d);
    let mut subject = Subject::open();
    let listed = ["11.0.0.77", "2001:db8:bad::7"].map(|text| text.parse::<IpAddr>().unwrap());
    let allowed = ["11.0.0.78", "2001:db8:bad:78::8"].map(|text| text.parse::<IpAddr>().unwrap());
    // What stays: both are covered in every table, by another network each time.
    let table = |random: &mut Random| {
        let mut table = random.change(&Table::default(), 40);
        table
            .allow
            .retain(|network| !listed.iter().any(|&source| network.contains(source)));
        for source in listed.iter().chain(&allowed) {
            let most = if source.is_ipv4() { 32 } else { 64 };
            let wide = Network::containing(*source, (most - 16 + random.below(17)) as u8);
            let reason = random.reason();
            table.block.insert(wide, reason);
        }
        for source in &allowed {
            let (most, fork) = if source.is_ipv4() { (32, 31) } else { (64, 58) };
            let long = Network::containing(*source, (fork + random.below(most - fork + 1)) as u8);
            table.allow.insert(long);
        }
        table
    };
    subject.change_to(table(&mut random));
    let stop = AtomicBool::new(false);
    let runs = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let floods = [(listed, XDP_DROP), (allowed, XDP_PASS)].map(|(sources, right)| {
            let program = subject.program();
            let (stop, runs) = (&stop, &runs);
            scope.spawn(move || {
                let frames = sources.map(|source| Packet::syn(&source.to_string()).frame());
                while !stop.load(Ordering::Relaxed) {
                    for (frame, source) in frames.iter().zip(sources) {
                        assert_eq!(judge(&program, frame), right, "{source}");
                        runs.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        });
        let mut updates = 0;
        while updates < 200 || runs.load(Ordering::Relaxed) < 10_000 {
            if floods.iter().any(ScopedJoinHandle::is_finished) {
                break; // It met a wrong verdict, and the scope's end says so.
            }
            let next = table(&mut random);
            subject.change_to(next);
            updates += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
}
