//! The decision about one frame: parse, SYN without ACK, guarded port, and only then the tables.
//!
//! Whatever is not a SYN to a guarded port passes without a look at any map, but for CONFIG,
//! which a SYN needs, and for the counter of what cannot be parsed.

use aya_ebpf::{bindings::xdp_action, programs::XdpContext};
use gate_common::{ABI_VERSION, Config, Entry, Family, Limit, Mode, Stats, Verdict};

use crate::{
    alarm, counters, events,
    frame::{Linear, Scattered},
    limits, maps,
    parse::{self, Malformed, Parsed, Syn},
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
    let parsed = match parse::ethernet(&Linear::new(ctx)) {
        Err(Malformed(_)) => second_look(ctx),
        parsed => parsed,
    };
    match parsed {
        Ok(Some(syn)) => judge::<L>(ctx, &syn),
        Ok(None) => xdp_action::XDP_PASS,
        Err(Malformed(family)) => {
            count_malformed(family);
            xdp_action::XDP_PASS
        }
    }
}

/// What a frame is that a first look could not make out, with a look at all of it. Only a look: a
/// decision from here would need the stack of both.
#[inline(never)]
fn second_look(ctx: &XdpContext) -> Parsed {
    parse::ethernet(&Scattered::new(ctx))
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
        Standing::Unlisted if has_limits(config) => admit(ctx, config, stats, mode, syn),
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

/// Whether any limit may hold.
#[inline(always)]
const fn has_limits(config: &Config) -> bool {
    config.buckets != 0 || config.syn_rate.interval != 0
}

/// Decides about the SYN of a source that nothing lists.
///
/// A function of its own, because its stack is not needed where the tables are asked.
#[inline(never)]
fn admit(ctx: &XdpContext, config: &Config, stats: &mut Stats, mode: Mode, syn: &Syn) -> u32 {
    let hit = match limits::hit(config, limits::source(&syn.source)) {
        // Invariant 1: whoever is allowed is held to no limit.
        Some(hit) if !limits::is_allowed(&syn.source) => hit,
        _ => {
            stats.passed += 1;
            return xdp_action::XDP_PASS;
        }
    };
    let slot = hit.limit.slot() % Limit::SLOTS;
    let (counter, verdict, action) = if mode == Mode::Enforce {
        (
            &mut stats.limited[slot],
            Verdict::Drop,
            xdp_action::XDP_DROP,
        )
    } else {
        (
            &mut stats.would_limit[slot],
            Verdict::WouldDrop,
            xdp_action::XDP_PASS,
        )
    };
    *counter += 1;
    if hit.is_told {
        events::limited(ctx, stats, syn, &hit, verdict);
    }
    action
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
    if mode == Mode::Enforce && config.flood == 0 {
        let rate = config.courtesy[slot];
        if rate.interval != 0 && limits::courtesy(rate, limits::source(&syn.source)) {
            stats.courtesy += 1;
            return xdp_action::XDP_PASS;
        }
    }
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
