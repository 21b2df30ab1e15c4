//! Every type and constant that crosses the border between gate's kernel programs and its
//! userspace, once.
//!
//! All of it is plain data (`bytemuck::Pod`, no padding: asserted at compile time by the derive),
//! so that both sides agree on each byte. Whoever changes a layout here, or what a value means,
//! raises [`ABI_VERSION`].

#![no_std]
#![forbid(unsafe_code)]

mod config;
mod entry;
mod event;
pub mod index;
mod limit;
mod rate;
mod reason;
mod source;
mod stats;

pub use config::{Config, MAX_PORTS, Mode};
pub use entry::{Entry, KeyV4, KeyV6};
pub use event::{Event, EventKind, Verdict};
pub use limit::{COURTESY_BUCKETS, COURTESY_UNIT, Limit, Limits, SYN_BUCKETS, SYN_UNIT, SynBucket};
pub use rate::{Rate, Take};
pub use reason::Reason;
pub use source::{Bucket, Correction, Count, Source, WAYS, bpf_spin_lock, mix};
pub use stats::{Family, Stats};

/// Version of everything in this crate, pinned beside the maps.
///
/// A daemon that finds another version pinned loads its own maps beside the old ones and moves
/// the interfaces over link by link; programs and maps of two versions are never mixed.
pub const ABI_VERSION: u32 = 2;

/// Names of the programs and maps, as they stand in the object and under the pin directory.
pub mod names {
    /// The XDP program.
    pub const PROGRAM: &str = "gate";
    /// The `sock_ops` program.
    pub const CONNS: &str = "conns";
    /// The XDP program that corrects a count, run by userspace alone.
    pub const CORRECT: &str = "correct";
    /// Array of one [`Config`](crate::Config).
    pub const CONFIG: &str = "CONFIG";
    /// LPM trie [`KeyV4`](crate::KeyV4) → [`Entry`](crate::Entry): allow entries.
    pub const ALLOW_V4: &str = "ALLOW_V4";
    /// LPM trie [`KeyV6`](crate::KeyV6) → [`Entry`](crate::Entry): allow entries.
    pub const ALLOW_V6: &str = "ALLOW_V6";
    /// LPM trie [`KeyV4`](crate::KeyV4) → [`Entry`](crate::Entry): every planned network.
    pub const BLOCK_V4: &str = "BLOCK_V4";
    /// LPM trie [`KeyV6`](crate::KeyV6) → [`Entry`](crate::Entry): every planned network.
    pub const BLOCK_V6: &str = "BLOCK_V6";
    /// Array of one [`Head`](crate::index::v4::Head).
    pub const HEAD_V4: &str = "HEAD_V4";
    /// Array of two halves of [`Root`](crate::index::v4::Root) bytes.
    pub const ROOTS_V4: &str = "ROOTS_V4";
    /// Array of two halves of buckets of IPv4 slots.
    pub const SLOTS_V4: &str = "SLOTS_V4";
    /// Array of IPv4 leaves.
    pub const LEAVES_V4: &str = "LEAVES_V4";
    /// Array of one array of [`Decision`](crate::index::Decision) bytes.
    pub const INDEX_V6: &str = "INDEX_V6";
    /// Array of one array of [`filter`](crate::index::v6::filter) bytes.
    pub const FILTER_V6: &str = "FILTER_V6";
    /// Array of one array of [`Cell`](crate::index::v6::Cell)s.
    pub const CELLS_V6: &str = "CELLS_V6";
    /// Array of buckets of IPv6 slots.
    pub const SLOTS_V6: &str = "SLOTS_V6";
    /// Per-CPU array of [`Stats`](crate::Stats), indexed by [`Family`](crate::Family).
    pub const STATS: &str = "STATS";
    /// Ring buffer of [`Event`](crate::Event).
    pub const EVENTS: &str = "EVENTS";
    /// Array of [`Bucket`](crate::Bucket)s.
    pub const SOURCES: &str = "SOURCES";
    /// LPM trie [`KeyV4`](crate::KeyV4) → [`Limits`](crate::Limits): exceptions.
    pub const LIMITS_V4: &str = "LIMITS_V4";
    /// LPM trie [`KeyV6`](crate::KeyV6) → [`Limits`](crate::Limits): exceptions.
    pub const LIMITS_V6: &str = "LIMITS_V6";
    /// Array of [`SynBucket`](crate::SynBucket)s.
    pub const SYNS: &str = "SYNS";
    /// Array of [words](crate::Rate::take).
    pub const COURTESY: &str = "COURTESY";
    /// Socket storage: the [`Source`](crate::Source) that a connection was counted for, or nobody.
    pub const COUNTED: &str = "COUNTED";
    /// The maps of the index.
    pub const INDEX: [&str; 8] = [
        HEAD_V4, ROOTS_V4, SLOTS_V4, LEAVES_V4, INDEX_V6, FILTER_V6, CELLS_V6, SLOTS_V6,
    ];
    /// Every map, in the order of its declaration.
    pub const MAPS: [&str; 21] = [
        CONFIG, ALLOW_V4, ALLOW_V6, BLOCK_V4, BLOCK_V6, HEAD_V4, ROOTS_V4, SLOTS_V4, LEAVES_V4,
        INDEX_V6, FILTER_V6, CELLS_V6, SLOTS_V6, STATS, EVENTS, SOURCES, COUNTED, LIMITS_V4,
        LIMITS_V6, SYNS, COURTESY,
    ];
}
