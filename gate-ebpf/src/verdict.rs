//! The decision about one frame.

use aya_ebpf::{bindings::xdp_action, programs::XdpContext};

use crate::maps;

/// Decides about the frame in `ctx`; returns an XDP action.
#[inline(always)]
pub fn gate(_ctx: &XdpContext) -> u32 {
    if let Some(stats) = maps::STATS.get_ptr_mut(0) {
        // SAFETY: the pointer is this CPU's slot, and the verifier checked it.
        unsafe { (*stats).seen += 1 };
    }
    xdp_action::XDP_PASS
}
