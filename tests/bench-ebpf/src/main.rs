//! The benchmark's programs in the kernel: the gate's own code with a source of its own in every
//! packet, what it is measured against, and the generator of the flood.

#![no_std]
#![no_main]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::inline_always,
    clippy::needless_pass_by_value,
    reason = "as in the gate's programs"
)]

use core::hint::black_box;

use aya_ebpf::{
    bindings::xdp_action,
    btf_maps::{Array, PerCpuArray},
    helpers::generated::bpf_redirect,
    macros::{btf_map, xdp},
    programs::XdpContext,
};
use gate_ebpf::{frame::Linear, parse, table::Tries, verdict};

/// IPv4 sources in network order, a page each element.
#[btf_map]
static SOURCES_V4: Array<[u32; 1024], 1024> = Array::new();

/// The first halves of IPv6 sources in network order, a page each element.
#[btf_map]
static SOURCES_V6: Array<[u64; 512], 512> = Array::new();

/// How many packets this CPU has given a source.
#[btf_map]
static NEXT: PerCpuArray<u64, 1> = PerCpuArray::new();

/// Index of the interface that the flood goes out by.
#[btf_map]
static TARGET: Array<u32, 1> = Array::new();

/// Offset of the IPv4 source address in the frames of the benchmark.
const SOURCE_V4: usize = 26;
/// Offset of the IPv6 source address.
const SOURCE_V6: usize = 22;
/// Offset of the IPv4 header checksum.
const CHECKSUM: usize = 24;
/// Bytes that every frame of the benchmark has.
const FRAME: usize = 54;

/// A place in the frame.
#[inline(always)]
fn field<T>(ctx: &XdpContext, at: usize) -> Option<*mut T> {
    let start = ctx.data();
    if start + FRAME > ctx.data_end() {
        return None;
    }
    Some((start + at) as *mut T)
}

#[inline(always)]
fn next() -> Option<u64> {
    let next = NEXT.get_ptr_mut(0)?;
    // SAFETY: this CPU's own slot, checked by the verifier.
    unsafe {
        let number = *next;
        *next = number + 1;
        Some(number)
    }
}

/// Gives the frame the next IPv4 source.
#[inline(always)]
fn readdress_v4(ctx: &XdpContext) -> Option<()> {
    let number = next()?;
    let page = SOURCES_V4.get((number >> 10) as u32 & 1023)?;
    let address = page[number as usize & 1023];
    let place = field::<u32>(ctx, SOURCE_V4)?;
    // SAFETY: `field` checked the frame's length.
    unsafe { place.write_unaligned(address) };
    Some(())
}

/// Gives the frame the next IPv6 source.
#[inline(always)]
fn readdress_v6(ctx: &XdpContext) -> Option<()> {
    let number = next()?;
    let page = SOURCES_V6.get((number >> 9) as u32 & 511)?;
    let address = page[number as usize & 511];
    let place = field::<u64>(ctx, SOURCE_V6)?;
    // SAFETY: `field` checked the frame's length.
    unsafe { place.write_unaligned(address) };
    Some(())
}

/// The program that only parses: what it has found is made use of, or the compiler would leave out
/// the finding.
#[inline(always)]
fn only_parse(ctx: &XdpContext) -> u32 {
    match parse::ethernet(&Linear::new(ctx)) {
        Ok(Some(syn)) => {
            black_box(&syn.source);
            if syn.port == Some(25) {
                xdp_action::XDP_DROP
            } else {
                xdp_action::XDP_PASS
            }
        }
        _ => xdp_action::XDP_PASS,
    }
}

/// Drops everything, and does nothing else.
#[xdp(frags)]
fn bare_drop(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_DROP
}

/// The gate.
#[xdp(frags)]
fn gate(ctx: XdpContext) -> u32 {
    verdict::gate(&ctx)
}

/// The gate without its index.
#[xdp(frags)]
fn trie(ctx: XdpContext) -> u32 {
    verdict::decide::<Tries>(&ctx)
}

#[xdp(frags)]
fn parse_v4(ctx: XdpContext) -> u32 {
    readdress_v4(&ctx).map_or(xdp_action::XDP_ABORTED, |()| only_parse(&ctx))
}

#[xdp(frags)]
fn parse_v6(ctx: XdpContext) -> u32 {
    readdress_v6(&ctx).map_or(xdp_action::XDP_ABORTED, |()| only_parse(&ctx))
}

#[xdp(frags)]
fn gate_v4(ctx: XdpContext) -> u32 {
    readdress_v4(&ctx).map_or(xdp_action::XDP_ABORTED, |()| verdict::gate(&ctx))
}

#[xdp(frags)]
fn gate_v6(ctx: XdpContext) -> u32 {
    readdress_v6(&ctx).map_or(xdp_action::XDP_ABORTED, |()| verdict::gate(&ctx))
}

#[xdp(frags)]
fn trie_v4(ctx: XdpContext) -> u32 {
    readdress_v4(&ctx).map_or(xdp_action::XDP_ABORTED, |()| verdict::decide::<Tries>(&ctx))
}

#[xdp(frags)]
fn trie_v6(ctx: XdpContext) -> u32 {
    readdress_v6(&ctx).map_or(xdp_action::XDP_ABORTED, |()| verdict::decide::<Tries>(&ctx))
}

/// Gives the frame the next IPv4 source, and sends it out.
#[xdp(frags)]
fn flood(ctx: XdpContext) -> u32 {
    send(&ctx).unwrap_or(xdp_action::XDP_ABORTED)
}

#[inline(always)]
fn send(ctx: &XdpContext) -> Option<u32> {
    readdress_v4(ctx)?;
    let target = *TARGET.get(0)?;
    let place = field::<u16>(ctx, CHECKSUM)?;
    // netfilter's hooks, unlike XDP, see only what has a good checksum.
    let mut sum = 0u32;
    let mut at = 14;
    while at < 34 {
        if at != CHECKSUM {
            // SAFETY: `field` checked the frame's length.
            sum += u32::from(unsafe { field::<u16>(ctx, at)?.read_unaligned() });
        }
        at += 2;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    // SAFETY: as above.
    unsafe { place.write_unaligned(!(sum as u16)) };
    // SAFETY: the helper takes numbers only.
    Some(unsafe { bpf_redirect(target, 0) } as u32)
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
