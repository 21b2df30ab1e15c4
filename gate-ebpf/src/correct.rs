//! Correcting counts: what userspace runs where its look at the kernel's table of sockets tells
//! another number.
//!
//! In: a [`Correction`] for a frame. Out: what came of it. A program, because userspace cannot
//! compare and set a count at once; an XDP program, because those can be run by
//! `BPF_PROG_TEST_RUN` on what userspace hands in. It is attached to nothing.

use aya_ebpf::{bindings::xdp_action, programs::XdpContext};
use gate_common::{Correction, Source};

use crate::{limits, maps, sources};

/// Carries out the correction in `ctx`.
#[inline(always)]
pub fn correct(ctx: &XdpContext) -> u32 {
    let start = ctx.data();
    if start + size_of::<Correction>() > ctx.data_end() {
        return xdp_action::XDP_ABORTED;
    }
    // SAFETY: the frame holds a correction, as the line above made sure; any bytes are one.
    let correction = unsafe { (start as *const Correction).read_unaligned() };
    let Some(config) = maps::CONFIG.get(0) else {
        return xdp_action::XDP_ABORTED;
    };
    if config.buckets == 0 || correction.source == Source::NOBODY {
        return Correction::NO_ROOM;
    }
    let limits = limits::of(config, correction.source);
    sources::correct(config, limits, &correction, limits::now())
}
