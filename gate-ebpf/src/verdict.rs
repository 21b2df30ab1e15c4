//! The decision about one frame: parse, SYN without ACK, guarded port, and only then the tables.
//!
//! Whatever is not a SYN to a guarded port passes without a look at any map, but for CONFIG,
//! which a SYN needs, and for the counter of what cannot be parsed.

use aya_ebpf::{bindings::xdp_action, programs::XdpContext};
use gate_common::{ABI_VERSION, Config, Entry, Family, Mode, Stats, Verdict};

use crate::{
    alarm, counters, events,
    frame::{Linear, Scattered},
    maps,
    parse::{self, Malformed, Syn},
    table::{Lookup, Standing, Table},
};

/// Decides about the frame in `ctx`; returns an XDP action.
#[inline(always)]
pub fn gate(ctx: &XdpContext) -> u32 {
    decide::<Table>(ctx)
}

/// The same, with another way of looking sources up.
#[inline(always)]
pub fn decide<L: Lookup>(ctx: &XdpContext) -> u32 {
    match parse::ethernet(&Linear::new(ctx)) {
        Ok(Some(syn)) => judge::<L>(ctx, &syn),
        Ok(None) => xdp_action::XDP_PASS,
        Err(Malformed(_)) => second_look::<L>(ctx),
    }
}

/// Decides about a frame that the first look could not make out, with a look at all of it.
#[inline(never)]
fn second_look<L: Lookup>(ctx: &XdpContext) -> u32 {
    match parse::ethernet(&Scattered::new(ctx)) {
        Ok(Some(syn)) => judge::<L>(ctx, &syn),
        Ok(None) => xdp_action::XDP_PASS,
        Err(Malformed(family)) => {
            count_malformed(family);
            xdp_action::XDP_PASS
        }
    }
}

/// Decides about a SYN.
#[inline(always)]
fn judge<L: Lookup>(ctx: &XdpContext, syn: &Syn) -> u32 {
    let Some(config) = maps::CONFIG.get(0) else {
        return xdp_action::XDP_PASS;
    };
    if !is_guarded(config, syn.port) {
        return xdp_action::XDP_PASS;
    }
    let Some(stats) = counters::of(syn.source.family()) else {
        return xdp_action::XDP_PASS;
    };
    stats.seen += 1;
    let mode = mode(config).unwrap_or_else(|| {
        if alarm::is_due(stats.seen) {
            alarm::unknown_config(ctx, config);
        }
        Mode::Off
    });
    if mode == Mode::Off {
        return xdp_action::XDP_PASS;
    }
    match L::standing(&syn.source) {
        Standing::Unlisted => {
            stats.passed += 1;
            xdp_action::XDP_PASS
        }
        Standing::Allowed => {
            stats.allowed += 1;
            xdp_action::XDP_PASS
        }
        Standing::Listed(entry) => punish(ctx, config, stats, mode, syn, entry),
    }
}

/// Deals with the SYN of a listed source.
#[inline(always)]
fn punish(
    ctx: &XdpContext,
    config: &Config,
    stats: &mut Stats,
    mode: Mode,
    syn: &Syn,
    entry: Entry,
) -> u32 {
    let slot = entry.slot();
    let (counter, verdict, action) = if mode == Mode::Enforce {
        (
            &mut stats.dropped[slot],
            Verdict::Drop,
            xdp_action::XDP_DROP,
        )
    } else {
        (
            &mut stats.would_drop[slot],
            Verdict::WouldDrop,
            xdp_action::XDP_PASS,
        )
    };
    *counter += 1;
    if entry.reason().is_none() && alarm::is_due(*counter) {
        alarm::unknown_reason(ctx, entry.reason_number());
    }
    if events::is_due(config, stats) {
        events::report(ctx, stats, syn, entry, verdict);
    }
    action
}

/// Whether `port` is guarded. One that is not known yet is, if any is.
#[inline(always)]
fn is_guarded(config: &Config, port: Option<u16>) -> bool {
    config
        .ports
        .iter()
        .any(|&guarded| guarded != 0 && port.is_none_or(|port| port == guarded))
}

/// The mode in force, or `None` if CONFIG does not hold one that this version knows.
#[inline(always)]
fn mode(config: &Config) -> Option<Mode> {
    Mode::from_number(config.mode).filter(|_| config.abi == ABI_VERSION)
}

#[inline(always)]
fn count_malformed(family: Family) {
    let off = maps::CONFIG
        .get(0)
        .and_then(mode)
        .is_none_or(|mode| mode == Mode::Off);
    if off {
        return;
    }
    if let Some(stats) = counters::of(family) {
        stats.malformed += 1;
    }
}
