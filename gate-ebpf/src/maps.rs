//! The maps. Userspace sets the size of the tries and of `SOURCES` when it loads the object.

use aya_ebpf::{
    btf_maps::{Array, LpmTrie, PerCpuArray, RingBuf, SkStorage},
    macros::btf_map,
};
use gate_common::{
    Bucket, COURTESY_BUCKETS, Config, Entry, Event, Family, Limits, SYN_BUCKETS, Source, Stats,
    SynBucket,
};

/// The gate's settings.
#[btf_map]
pub static CONFIG: Array<Config, 1> = Array::new();

/// Allow entries.
#[btf_map]
pub static ALLOW_V4: LpmTrie<[u8; 4], Entry, 65_536> = LpmTrie::new();

/// Allow entries.
#[btf_map]
pub static ALLOW_V6: LpmTrie<[u8; 16], Entry, 65_536> = LpmTrie::new();

/// Every planned network.
#[btf_map]
pub static BLOCK_V4: LpmTrie<[u8; 4], Entry, 1_048_576> = LpmTrie::new();

/// Every planned network.
#[btf_map]
pub static BLOCK_V6: LpmTrie<[u8; 16], Entry, 1_048_576> = LpmTrie::new();

/// Counters, by [`Family`].
#[btf_map]
pub static STATS: PerCpuArray<Stats, { Family::COUNT }> = PerCpuArray::new();

/// Sampled drops, and reports of connections and limits.
#[btf_map]
pub static EVENTS: RingBuf<Event, 262_144> = RingBuf::new();

/// Sources with connections. Userspace sets the size.
#[btf_map]
pub static SOURCES: Array<Bucket, 16_384> = Array::new();

/// Exceptions from the limits.
#[btf_map]
pub static LIMITS_V4: LpmTrie<[u8; 4], Limits, 65_536> = LpmTrie::new();

/// Exceptions from the limits.
#[btf_map]
pub static LIMITS_V6: LpmTrie<[u8; 16], Limits, 65_536> = LpmTrie::new();

/// Token buckets for SYNs.
#[btf_map]
pub static SYNS: Array<SynBucket, SYN_BUCKETS> = Array::new();

/// Token buckets for courtesy.
#[btf_map]
pub static COURTESY: Array<u64, COURTESY_BUCKETS> = Array::new();

/// Whom a connection is counted for.
#[btf_map]
pub static COUNTED: SkStorage<Source> = SkStorage::new();
