//! Limits: whether the SYN of a source that nothing lists is one too many.
//!
//! In: the source. Out: the limit that it is at. Most sources have no connection open and are no
//! more than a look at one cache line; what the tries of exceptions and of allow entries say is
//! asked only about those that have one, or are about to be dropped.

use aya_ebpf::{
    btf_maps::lpm_trie::Key,
    helpers::generated::{bpf_ktime_get_coarse_ns, bpf_ktime_get_ns},
};
use gate_common::{
    COURTESY_BUCKETS, COURTESY_UNIT, Config, Limit, Limits, Rate, SYN_BUCKETS, SYN_UNIT, Source,
    Take, mix,
};

use crate::{maps, parse::Source as Address, sources};

/// A limit that a source is at.
pub struct Hit {
    /// Which.
    pub limit: Limit,
    /// What was counted: connections, or SYNs dropped since the last report.
    pub count: u32,
    /// Whether it is to be reported.
    pub is_told: bool,
}

/// The kernel's monotonic clock, in nanoseconds.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no more than a clock is read.
    unsafe { bpf_ktime_get_ns() }
}

/// The same, as it was at the last tick of the kernel, at most 10 ms ago (Linux 5.11): a tenth of
/// the cost, and near enough for a rate of SYNs.
#[inline(always)]
fn about_now() -> u64 {
    // SAFETY: no more than a clock is read.
    unsafe { bpf_ktime_get_coarse_ns() }
}

/// The limit that `source` is at, if any. Allow entries are not asked here.
#[inline(always)]
pub fn hit(config: &Config, source: Source) -> Option<Hit> {
    let counted = config.buckets != 0 && source != Source::NOBODY;
    if counted && let Some(hit) = connections(config, source) {
        return Some(hit);
    }
    if config.syn_rate.interval != 0 {
        return syns(config.syn_rate, source);
    }
    None
}

#[inline(always)]
fn connections(config: &Config, source: Source) -> Option<Hit> {
    let count = sources::look(config, source)?;
    // SAFETY: the count lives as long as its map. Each field is a word that is read at once; one
    // that another CPU is just changing is one more or less.
    let (open, opened, until) = unsafe {
        (
            (&raw const (*count).open).read_volatile(),
            (&raw const (*count).opened).read_volatile(),
            (&raw const (*count).until).read_volatile(),
        )
    };
    if open == 0 && opened == 0 {
        return None;
    }
    let limits = of(config, source);
    let (limit, number) = if limits.connections != 0 && open >= limits.connections {
        (Limit::Connections, open)
    } else if limits.rate != 0 && opened >= limits.rate && about_now() < until {
        (Limit::Rate, opened)
    } else {
        return None;
    };
    let second = sources::second(about_now());
    // SAFETY: as above; that two CPUs tell the same, or none does, is no harm.
    let is_told = unsafe {
        let is_told = (*count).told != second;
        (*count).told = second;
        is_told
    };
    Some(Hit {
        limit,
        count: number,
        is_told,
    })
}

/// Takes a SYN of the token bucket of `source`.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "a place in the table")]
fn syns(rate: Rate, source: Source) -> Option<Hit> {
    let hash = mix(source.word());
    let bucket = maps::SYNS.get_ptr_mut(hash as u32 & (SYN_BUCKETS as u32 - 1))?;
    let now = about_now();
    // SAFETY: the bucket lives as long as its map; its word is read and written at once.
    unsafe {
        let word = (&raw mut (*bucket).word).read_volatile();
        match rate.take(word, hash >> 40, now / SYN_UNIT) {
            // A flood of forged sources may push the buckets of others out: it costs those
            // nothing but a full bucket.
            Take::Taken(word) | Take::Others(word) => {
                (&raw mut (*bucket).word).write_volatile(word);
                None
            }
            Take::Spent => {
                let second = sources::second(now);
                (*bucket).dropped += 1;
                let count = (*bucket).dropped;
                let is_told = (*bucket).told != second;
                if is_told {
                    (*bucket).told = second;
                    (*bucket).dropped = 0;
                }
                Some(Hit {
                    limit: Limit::SynRate,
                    count,
                    is_told,
                })
            }
        }
    }
}

/// Whether the SYN of `source`, listed for a reason of that `rate`, is to pass out of courtesy.
///
/// Where the place of the source is another's that has had its share, there is none: so no more
/// than one SYN a place passes in the time of one, however many sources are listed or forged.
#[inline(never)]
#[allow(clippy::cast_possible_truncation, reason = "a place in the table")]
pub fn courtesy(rate: Rate, source: Source) -> bool {
    let hash = mix(source.word());
    let Some(word) = maps::COURTESY.get_ptr_mut(hash as u32 & (COURTESY_BUCKETS as u32 - 1)) else {
        return false;
    };
    // SAFETY: the word lives as long as its map, and is read and written at once.
    unsafe {
        match rate.take(
            word.read_volatile(),
            hash >> 40,
            about_now() / COURTESY_UNIT,
        ) {
            Take::Taken(taken) => {
                word.write_volatile(taken);
                true
            }
            Take::Spent | Take::Others(_) => false,
        }
    }
}

/// The limits of `source`: those that an exception gives it, or everybody's.
///
/// Functions of their own, this and the next: what one needs of the stack, the other uses again.
#[inline(never)]
pub fn of(config: &Config, source: Source) -> &Limits {
    let exception = match source.as_v4() {
        Some(address) => maps::LIMITS_V4.get(&Key::new(32, address.to_be_bytes())),
        None => maps::LIMITS_V6.get(&Key::new(128, first_address(source))),
    };
    exception.unwrap_or(&config.limits)
}

/// Whether an allow entry covers `address`.
#[inline(never)]
pub fn is_allowed(address: &Address) -> bool {
    match address {
        Address::V4(address) => maps::ALLOW_V4.get(&Key::new(32, *address)).is_some(),
        Address::V6(address) => maps::ALLOW_V6.get(&Key::new(128, *address)).is_some(),
    }
}

/// The source that an address is of.
#[inline(always)]
pub fn source(address: &Address) -> Source {
    match *address {
        Address::V4(address) => Source::v4(u32::from_be_bytes(address)),
        Address::V6(address) => Source::v6((u128::from_be_bytes(address) >> 64) as u64),
    }
}

#[inline(always)]
fn first_address(source: Source) -> [u8; 16] {
    (u128::from(source.word()) << 64).to_be_bytes()
}
