//! The gate's XDP program, loaded and run on frames by `BPF_PROG_TEST_RUN`, attached to nothing.
//!
//! In: settings, table entries, frames. Out: what the program did with a frame, read from the
//! action it returned and from what it counted.

use std::net::IpAddr;

use aya::{
    Ebpf,
    maps::{Array, LpmTrie, Map, MapData, PerCpuArray, PerCpuValues, RingBuf, lpm_trie::Key},
    programs::{ProgramError, TestRun as _, TestRunAttrs, TestRunOptions, Xdp, XdpMode},
};
use gate_common::{
    Config, Entry, Event, Family, Limit, Limits, MAX_PORTS, Mode, Rate, Reason, Stats, names,
};
use gate_user::{
    kernel::{OBJECT, Settings},
    network::Network,
};

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// Mode `enforce`, port 25 guarded, nobody held to a limit, nothing sampled.
pub fn enforcing() -> Settings {
    Settings {
        mode: Mode::Enforce,
        ports: vec![25],
        sample: 0,
        limits: Limits::default(),
        syn_rate: Rate::default(),
        courtesy: [Rate::default(); Reason::SLOTS],
        flood: false,
    }
}

/// What became of a frame: one of these, and nothing else was counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It passed, and nothing was counted: not a SYN to a guarded port.
    Ignored,
    /// It passed, and was counted as malformed.
    Malformed(Family),
    /// It passed and was counted as seen alone: mode `off`.
    Seen(Family),
    /// It passed: nothing lists its source.
    Passed(Family),
    /// It passed: an allow entry covers its source, which is listed.
    Allowed(Family),
    /// It was dropped.
    Dropped(Family, Reason),
    /// It passed, and would have been dropped.
    WouldDrop(Family, Reason),
    /// It was dropped: its source, which nothing lists, is at a limit.
    Limited(Family, Limit),
    /// It passed, and would have been dropped for that.
    WouldLimit(Family, Limit),
    /// It passed out of courtesy: its source is listed.
    Courtesy(Family),
}

/// A loaded XDP program with tables of its own.
pub struct Gate {
    ebpf: Ebpf,
}

impl Gate {
    /// Loads the program that the build embedded: mode `enforce`, port 25 guarded, no reports,
    /// empty tables.
    ///
    /// # Panics
    ///
    /// If the kernel does not take it: the tests that need it must not look as if they had run.
    pub fn load() -> Self {
        let mut ebpf = Ebpf::load(OBJECT).unwrap_or_else(|error| {
            panic!(
                "the kernel does not load gate's maps: {error:?}\n\
                 packet tests need root (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON) and Linux 6.1 or \
                 later with BTF"
            )
        });
        program(&mut ebpf)
            .load()
            .unwrap_or_else(|error| panic!("the kernel does not load gate's program: {error}"));
        let mut gate = Self { ebpf };
        gate.configure(Mode::Enforce, 0, &[25]);
        gate
    }

    /// Sets mode, one report in `sample` drops, and guarded ports.
    ///
    /// # Panics
    ///
    /// If there are more ports than slots.
    pub fn configure(&mut self, mode: Mode, sample: u32, ports: &[u16]) {
        let mut slots = [0; MAX_PORTS];
        slots[..ports.len()].copy_from_slice(ports);
        self.write_config(&Config::new(mode, sample, slots));
    }

    /// Writes CONFIG as it is.
    ///
    /// # Panics
    ///
    /// If the kernel refuses.
    pub fn write_config(&mut self, config: &Config) {
        let bytes: [u8; size_of::<Config>()] = bytemuck::cast(*config);
        Array::<_, [u8; size_of::<Config>()]>::try_from(self.map_mut(names::CONFIG))
            .expect("CONFIG is an array of Config")
            .set(0, bytes, 0)
            .expect("CONFIG takes an update");
    }

    /// Lists a network.
    pub fn list(&mut self, network: &str, reason: Reason) {
        let network = parse(network);
        let entry = Entry::block(reason, network.prefix_len());
        self.insert(names::BLOCK_V4, names::BLOCK_V6, network, entry);
    }

    /// Lists a network with any number as its reason.
    ///
    /// # Panics
    ///
    /// If `network` is none, or the kernel refuses.
    pub fn list_as(&mut self, network: &str, number: u8) {
        let network = parse(network);
        let entry = u32::from_le_bytes([number, network.prefix_len(), 0, 0]);
        let entry = bytemuck::cast(entry);
        self.insert(names::BLOCK_V4, names::BLOCK_V6, network, entry);
    }

    /// Allows a network.
    pub fn allow(&mut self, network: &str) {
        let network = parse(network);
        let entry = Entry::allow(network.prefix_len());
        self.insert(names::ALLOW_V4, names::ALLOW_V6, network, entry);
    }

    fn insert(&mut self, v4: &str, v6: &str, network: Network, entry: Entry) {
        let prefix_len = u32::from(network.prefix_len());
        let entry: u32 = bytemuck::cast(entry);
        let result = match network.address() {
            IpAddr::V4(address) => LpmTrie::<_, [u8; 4], u32>::try_from(self.map_mut(v4))
                .expect("an LPM trie of IPv4 keys")
                .insert(&Key::new(prefix_len, address.octets()), entry, 0),
            IpAddr::V6(address) => LpmTrie::<_, [u8; 16], u32>::try_from(self.map_mut(v6))
                .expect("an LPM trie of IPv6 keys")
                .insert(&Key::new(prefix_len, address.octets()), entry, 0),
        };
        result.expect("the trie takes an update");
    }

    /// Runs the program on `frame`, and reads what it did from its action and its counters.
    ///
    /// # Panics
    ///
    /// If the action and the counters do not tell one [`Outcome`], if a byte of the frame has
    /// changed, or if the kernel refuses the frame.
    pub fn judge(&mut self, frame: &[u8]) -> Outcome {
        let before = self.totals();
        let action = self
            .run(frame)
            .unwrap_or_else(|error| panic!("test-run of {frame:02x?}: {error:?}"));
        let after = self.totals();
        outcome(action, &changes(&before, &after))
            .unwrap_or_else(|why| panic!("{why}: action {action}, frame {frame:02x?}"))
    }

    /// Runs the program on `frame`; returns the XDP action.
    ///
    /// # Errors
    ///
    /// If the kernel refuses the frame: it runs none that is shorter than an Ethernet header.
    ///
    /// # Panics
    ///
    /// If a byte of the frame has changed.
    pub fn run(&mut self, frame: &[u8]) -> Result<u32, ProgramError> {
        let mut left = vec![0; frame.len() + 64];
        let result = program(&mut self.ebpf).test_run(TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut left),
            ..TestRunOptions::default()
        })?;
        left.truncate(result.data_size_out as usize);
        assert_eq!(left, frame, "invariant 3: the frame leaves as it came");
        Ok(result.return_value)
    }

    /// Attaches the program to `interface`, for frames to be [given](Self::give) to it: its driver
    /// makes ready for XDP then. It stays attached while `self` lives.
    ///
    /// # Panics
    ///
    /// If there is no such interface, or its driver knows no XDP.
    pub fn attach(&mut self, interface: &str) {
        program(&mut self.ebpf)
            .attach(interface, XdpMode::Driver)
            .unwrap_or_else(|error| panic!("attaching to {interface}: {error:?}"));
    }

    /// Runs the program on `frame` as if interface number `ifindex` had received it, and gives it
    /// to the network stack if it passes. The stack is done with it on return.
    ///
    /// # Panics
    ///
    /// If the kernel refuses: live frames came with Linux 5.18.
    pub fn give(&mut self, frame: &[u8], ifindex: u32) {
        // struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index,
        // egress_ifindex.
        let len = u32::try_from(frame.len()).expect("a frame");
        let context = [0, len, 0, ifindex, 0, 0];
        let result = program(&mut self.ebpf).test_run(TestRunOptions {
            data_in: Some(frame),
            ctx_in: Some(bytemuck::bytes_of(&context)),
            attrs: TestRunAttrs::new().xdp_live_frames(1),
            ..TestRunOptions::default()
        });
        result.unwrap_or_else(|error| panic!("a live frame of {len} bytes: {error:?}"));
    }

    /// The counters of each CPU.
    ///
    /// # Panics
    ///
    /// If the kernel does not give them.
    pub fn per_cpu(&mut self, family: Family) -> Vec<Stats> {
        let values: PerCpuValues<[u8; size_of::<Stats>()]> =
            PerCpuArray::try_from(&*self.map_mut(names::STATS))
                .expect("STATS is a per-CPU array of Stats")
                .get(&(family as u32), 0)
                .expect("STATS has an element for each family");
        values
            .iter()
            .map(|bytes| bytemuck::pod_read_unaligned(bytes))
            .collect()
    }

    /// Takes the reports that wait in the ring buffer.
    ///
    /// # Panics
    ///
    /// If one is not the size of a report.
    pub fn events(&mut self) -> Vec<Event> {
        self.records(names::EVENTS)
            .iter()
            .map(|record| bytemuck::pod_read_unaligned(record))
            .collect()
    }

    /// Takes what waits in that ring buffer, record by record.
    ///
    /// # Panics
    ///
    /// If there is no such ring buffer.
    pub fn records(&mut self, name: &str) -> Vec<Vec<u8>> {
        let mut ring: RingBuf<&mut MapData> = self
            .map_mut(name)
            .try_into()
            .expect("the map is a ring buffer");
        let mut records = Vec::new();
        while let Some(record) = ring.next() {
            records.push(record.to_vec());
        }
        records
    }

    fn totals(&mut self) -> [Stats; Family::COUNT] {
        [Family::V4, Family::V6].map(|family| {
            let mut sum: Stats = bytemuck::Zeroable::zeroed();
            for stats in self.per_cpu(family) {
                sum.seen += stats.seen;
                sum.passed += stats.passed;
                sum.allowed += stats.allowed;
                sum.malformed += stats.malformed;
                for slot in 0..Reason::SLOTS {
                    sum.dropped[slot] += stats.dropped[slot];
                    sum.would_drop[slot] += stats.would_drop[slot];
                }
                for slot in 0..Limit::SLOTS {
                    sum.limited[slot] += stats.limited[slot];
                    sum.would_limit[slot] += stats.would_limit[slot];
                }
                sum.courtesy += stats.courtesy;
            }
            sum
        })
    }

    fn map_mut(&mut self, name: &str) -> &mut Map {
        self.ebpf
            .map_mut(name)
            .unwrap_or_else(|| panic!("the object has the map {name}"))
    }
}

fn program(ebpf: &mut Ebpf) -> &mut Xdp {
    ebpf.program_mut(names::PROGRAM)
        .expect("the object has the program")
        .try_into()
        .expect("the program is an XDP program")
}

fn parse(network: &str) -> Network {
    network
        .parse()
        .unwrap_or_else(|error| panic!("in the test: {error}"))
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Counter {
    Seen,
    Passed,
    Allowed,
    Malformed,
    Dropped(usize),
    WouldDrop(usize),
    Limited(usize),
    WouldLimit(usize),
    Courtesy,
}

/// The counters that changed, in a fixed order, one entry for each count.
fn changes(before: &[Stats], after: &[Stats]) -> Vec<(Family, Counter)> {
    let mut counts = Vec::new();
    for (family, (before, after)) in [Family::V4, Family::V6]
        .into_iter()
        .zip(before.iter().zip(after))
    {
        let mut changed = |counter, before: u64, after: u64| {
            counts.extend((before..after).map(|_| (family, counter)));
        };
        changed(Counter::Seen, before.seen, after.seen);
        changed(Counter::Passed, before.passed, after.passed);
        changed(Counter::Allowed, before.allowed, after.allowed);
        changed(Counter::Malformed, before.malformed, after.malformed);
        for slot in 0..Reason::SLOTS {
            changed(
                Counter::Dropped(slot),
                before.dropped[slot],
                after.dropped[slot],
            );
            changed(
                Counter::WouldDrop(slot),
                before.would_drop[slot],
                after.would_drop[slot],
            );
        }
        for slot in 0..Limit::SLOTS {
            changed(
                Counter::Limited(slot),
                before.limited[slot],
                after.limited[slot],
            );
            changed(
                Counter::WouldLimit(slot),
                before.would_limit[slot],
                after.would_limit[slot],
            );
        }
        changed(Counter::Courtesy, before.courtesy, after.courtesy);
    }
    counts
}

fn outcome(action: u32, changes: &[(Family, Counter)]) -> Result<Outcome, String> {
    use Counter::{
        Allowed, Courtesy, Dropped, Limited, Malformed, Passed, Seen, WouldDrop, WouldLimit,
    };
    let reason = |slot: usize| {
        u32::try_from(slot)
            .ok()
            .and_then(Reason::from_number)
            .ok_or_else(|| format!("slot {slot} is no reason"))
    };
    let limit = |slot: usize| {
        u8::try_from(slot)
            .ok()
            .and_then(Limit::from_number)
            .ok_or_else(|| format!("slot {slot} is no limit"))
    };
    let outcome = match *changes {
        [] => Outcome::Ignored,
        [(family, Malformed)] => Outcome::Malformed(family),
        [(family, Seen)] => Outcome::Seen(family),
        [(family, Seen), (same, Passed)] if same == family => Outcome::Passed(family),
        [(family, Seen), (same, Allowed)] if same == family => Outcome::Allowed(family),
        [(family, Seen), (same, Dropped(slot))] if same == family => {
            Outcome::Dropped(family, reason(slot)?)
        }
        [(family, Seen), (same, WouldDrop(slot))] if same == family => {
            Outcome::WouldDrop(family, reason(slot)?)
        }
        [(family, Seen), (same, Limited(slot))] if same == family => {
            Outcome::Limited(family, limit(slot)?)
        }
        [(family, Seen), (same, WouldLimit(slot))] if same == family => {
            Outcome::WouldLimit(family, limit(slot)?)
        }
        [(family, Seen), (same, Courtesy)] if same == family => Outcome::Courtesy(family),
        _ => return Err(format!("these counters do not go together: {changes:?}")),
    };
    let expected = if matches!(outcome, Outcome::Dropped(..) | Outcome::Limited(..)) {
        XDP_DROP
    } else {
        XDP_PASS
    };
    if action == expected {
        Ok(outcome)
    } else {
        Err(format!("{outcome:?} does not go with the action"))
    }
}
