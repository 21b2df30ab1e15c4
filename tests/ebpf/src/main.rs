//! Puts VLAN tags into what leaves an interface, for kernels that have no VLAN devices.
//!
//! The tags carry VLAN 0, a priority and no VLAN (IEEE 802.1Q, priority-tagged frames): the
//! receiving stack takes such a frame as if it had none.

#![no_std]
#![no_main]
#![allow(
    clippy::inline_always,
    clippy::needless_pass_by_value,
    reason = "as in the gate's programs"
)]

use aya_ebpf::{
    bindings::{TC_ACT_OK, TC_ACT_SHOT},
    helpers::generated::bpf_skb_vlan_push,
    macros::classifier,
    programs::TcContext,
};

/// 802.1Q, the VLAN's own tag.
const DOT1Q: u16 = 0x8100;
/// 802.1ad, the provider's tag before it.
const DOT1AD: u16 = 0x88a8;

/// One tag.
#[classifier]
fn dot1q(ctx: TcContext) -> i32 {
    push(&ctx, &[DOT1Q])
}

/// Two of them.
#[classifier]
fn qinq(ctx: TcContext) -> i32 {
    push(&ctx, &[DOT1Q, DOT1AD])
}

/// A frame that a tag does not get into is dropped: without, it would pass for tagged.
#[inline(always)]
fn push(ctx: &TcContext, tags: &[u16]) -> i32 {
    for tag in tags {
        // SAFETY: the helper takes the context that the program was given.
        if unsafe { bpf_skb_vlan_push(ctx.skb.skb, tag.to_be(), 0) } != 0 {
            return TC_ACT_SHOT;
        }
    }
    TC_ACT_OK
}

// On the host, where lints read this file beside crates that use std, std's own handler serves.
#[cfg(not(target_arch = "bpf"))]
extern crate std;

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// As the gate's own programs.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
