//! The object that `gated` embeds: the XDP program `gate`.

#![no_std]
#![no_main]

use aya_ebpf::{macros::xdp, programs::XdpContext};

/// Attached to every configured interface.
#[xdp(frags)]
fn gate(ctx: XdpContext) -> u32 {
    gate_ebpf::verdict::gate(&ctx)
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Helpers such as `bpf_ringbuf_output` are for GPL-compatible programs.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
