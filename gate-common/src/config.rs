//! What userspace tells the kernel: the one element of the `CONFIG` map.

use bytemuck::{Pod, Zeroable};

use crate::{ABI_VERSION, Limits, Rate, Reason};

/// How many guarded ports a gate can hold.
pub const MAX_PORTS: usize = 8;

/// What the gate does with the SYN of a listed source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[repr(u32)]
pub enum Mode {
    /// Everything passes; SYNs to guarded ports are counted as seen, nothing else is.
    Off = 0,
    /// Everything passes; what `Enforce` would drop is counted as would-drop.
    Monitor = 1,
    /// SYNs from listed sources are dropped.
    Enforce = 2,
}

impl Mode {
    /// Every mode, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Off, Self::Monitor, Self::Enforce];

    /// The mode of that number, or `None`.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Off),
            1 => Some(Self::Monitor),
            2 => Some(Self::Enforce),
            _ => None,
        }
    }

    /// The name used in configuration, commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Monitor => "monitor",
            Self::Enforce => "enforce",
        }
    }
}

const NO_RATE: Rate = Rate::new(0, 0);

/// The gate's settings as the programs read them.
#[derive(Clone, Copy, Debug, Eq, Pod, PartialEq, Zeroable)]
#[repr(C)]
pub struct Config {
    /// [`ABI_VERSION`] of whoever wrote this.
    pub abi: u32,
    /// A [`Mode`] by its number; any other number means `Off`.
    pub mode: u32,
    /// One SYN of a listed source in this many is reported on the ring buffer, for each CPU and
    /// address family; 0 reports none.
    pub sample: u32,
    /// Buckets of `SOURCES`, a power of two; 0 counts no connections.
    pub buckets: u32,
    /// Guarded TCP ports in host order; 0 marks an unused slot.
    ///
    /// A port keeps its slot while it stays guarded, so that an update, which the kernel copies
    /// without a lock, never hides it from a program that reads at that moment.
    pub ports: [u16; MAX_PORTS],
    /// Cookie of the network namespace whose connections are counted (`SO_NETNS_COOKIE`).
    pub netns: u64,
    /// The limits of a source that no trie makes an exception for.
    pub limits: Limits,
    /// SYNs of a source that nothing lists, by [`SYN_UNIT`](crate::SYN_UNIT).
    pub syn_rate: Rate,
    /// SYNs of a listed source that pass, by [`Reason::slot`] and
    /// [`COURTESY_UNIT`](crate::COURTESY_UNIT).
    pub courtesy: [Rate; Reason::SLOTS],
    /// Other than 0 in a flood: no courtesy then.
    pub flood: u32,
    /// Zero.
    pub unused: u32,
}

impl Config {
    /// The settings of this ABI version: `mode`, one report in `sample` drops, guarded `ports`; no
    /// connections counted, and no limits.
    pub const fn new(mode: Mode, sample: u32, ports: [u16; MAX_PORTS]) -> Self {
        Self {
            abi: ABI_VERSION,
            mode: mode as u32,
            sample,
            buckets: 0,
            ports,
            netns: 0,
            limits: Limits {
                connections: 0,
                rate: 0,
                window: 0,
                prefix_len: 0,
            },
            syn_rate: NO_RATE,
            courtesy: [NO_RATE; Reason::SLOTS],
            flood: 0,
            unused: 0,
        }
    }
}
