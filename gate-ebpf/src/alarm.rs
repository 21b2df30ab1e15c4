//! What should never happen, said through aya-log.
//!
//! Each of these can only come of a writer that broke the contract of `gate-common`, and would
//! then hold for every packet. So a line is due when a counter reaches a power of two: the first
//! time at once, and never more than 64 times for a counter.

use aya_ebpf::programs::XdpContext;
use aya_log_ebpf::error;
use gate_common::{ABI_VERSION, Config};

/// Whether a line is due when this has happened `count` times.
#[inline(always)]
pub fn is_due(count: u64) -> bool {
    count & count.wrapping_sub(1) == 0
}

/// CONFIG is of another ABI version, or holds no mode of this one; the gate is `off` meanwhile.
#[inline(never)]
pub fn unknown_config(ctx: &XdpContext, config: &Config) {
    error!(
        ctx,
        "CONFIG has ABI {} and mode {}; this program knows ABI {} and is off",
        config.abi,
        config.mode,
        ABI_VERSION
    );
}

/// A trie gives a network a reason that this version does not know; it is listed all the same.
#[inline(never)]
pub fn unknown_reason(ctx: &XdpContext, number: u8) {
    error!(
        ctx,
        "a listed network carries the unknown reason {}", number
    );
}
