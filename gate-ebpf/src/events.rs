//! Reports of sampled drops, for `gatectl top`.

use aya_ebpf::programs::XdpContext;
use gate_common::{Config, Entry, Event, EventKind, Source as Word, Stats, Verdict};

use crate::{
    limits::Hit,
    maps,
    parse::{Source, Syn},
};

/// Whether this drop is the one in `config.sample` that is reported. The first one is.
#[inline(always)]
pub fn is_due(config: &Config, stats: &mut Stats) -> bool {
    if config.sample == 0 {
        return false;
    }
    let wait = u64::from(config.sample) - 1;
    let due = stats.until_sample == 0;
    // A rate lowered meanwhile does not wait for what the old one had left.
    stats.until_sample = if due || stats.until_sample > wait {
        wait
    } else {
        stats.until_sample - 1
    };
    due
}

/// Reports that `syn` met `verdict`, as `entry` lists its source. A report that finds the ring
/// buffer full is lost, and counted: the counters hold the truth.
#[inline(always)]
pub fn report(ctx: &XdpContext, stats: &mut Stats, syn: &Syn, entry: Entry, verdict: Verdict) {
    let what = entry.reason_number();
    send(ctx, stats, syn, About(EventKind::Drop, what, verdict), 1);
}

/// Reports that the source of `syn` is at a limit, and what became of the SYN.
#[inline(always)]
pub fn limited(ctx: &XdpContext, stats: &mut Stats, syn: &Syn, hit: &Hit, verdict: Verdict) {
    let about = About(EventKind::Limited, hit.limit as u8, verdict);
    send(ctx, stats, syn, about, hit.count);
}

/// What a report is about: kind, reason or limit, verdict.
#[derive(Clone, Copy)]
struct About(EventKind, u8, Verdict);

/// A function of its own, because its stack is needed by few packets.
#[inline(never)]
fn send(ctx: &XdpContext, stats: &mut Stats, syn: &Syn, about: About, count: u32) {
    let About(kind, what, verdict) = about;
    let event = Event {
        source: mapped(&syn.source),
        ifindex: interface(ctx),
        count,
        port: syn.port.unwrap_or(0),
        kind: kind as u8,
        what,
        verdict: verdict as u8,
        unused: [0; 3],
    };
    if maps::EVENTS.output(event, 0).is_err() {
        stats.lost += 1;
    }
}

/// Index of the interface that the frame came in by.
#[inline(always)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the context holds it in 32 bits"
)]
fn interface(ctx: &XdpContext) -> u32 {
    ctx.ingress_ifindex() as u32
}

/// The address as IPv6 writes it.
#[inline(always)]
fn mapped(source: &Source) -> [u8; 16] {
    match *source {
        Source::V4([a, b, c, d]) => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d],
        Source::V6(address) => address,
    }
}

/// The same of a source in one word; of an IPv6 network its first address.
#[inline(always)]
pub fn address(source: Word) -> [u8; 16] {
    let address = if let Some(v4) = source.as_v4() {
        0xffff_0000_0000 | u128::from(v4)
    } else {
        u128::from(source.word()) << 64
    };
    address.to_be_bytes()
}
