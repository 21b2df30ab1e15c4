//! The object that `gated` embeds: the XDP program `gate`, the `sock_ops` program `conns`, and
//! `correct`, which userspace runs.

#![no_std]
#![no_main]

use aya_ebpf::{
    macros::{sock_ops, xdp},
    programs::{SockOpsContext, XdpContext},
};

/// Attached to every configured interface.
#[xdp(frags)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro's entry point passes it so"
)]
fn gate(ctx: XdpContext) -> u32 {
    gate_ebpf::verdict::gate(&ctx)
}

/// Attached to nothing.
#[xdp]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro's entry point passes it so"
)]
fn correct(ctx: XdpContext) -> u32 {
    gate_ebpf::correct::correct(&ctx)
}

/// Attached to the root of the cgroups.
#[sock_ops]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro's entry point passes it so"
)]
fn conns(ctx: SockOpsContext) -> u32 {
    gate_ebpf::conns::conns(&ctx)
}

// On the host, where lints read this file beside crates that use std, std's own handler serves.
#[cfg(not(target_arch = "bpf"))]
extern crate std;

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Helpers such as `bpf_ringbuf_output` are for GPL-compatible programs.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
