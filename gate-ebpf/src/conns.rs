//! Counting connections: the `sock_ops` program.
//!
//! In: what the kernel says of a socket whose handshake was completed by the other side, and of
//! its end. Out: the source's [`Count`] in `SOURCES`, and a report when a source opens its first.
//!
//! A connection counts from the last ACK of its handshake until the kernel sets its socket's state
//! to CLOSE; a socket that waits in TIME-WAIT is another one, and counts no more. Whoever is
//! counted has a mark on the socket that says for whom, and only who has one is counted off: so a
//! connection older than this program, or one that found no room, is counted off by nobody, and a
//! port that is guarded no more leaves nothing behind.

use core::ptr;

use aya_ebpf::{
    EbpfContext as _,
    bindings::{
        BPF_ANY, BPF_SK_STORAGE_GET_F_CREATE, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB,
        BPF_SOCK_OPS_STATE_CB, BPF_SOCK_OPS_STATE_CB_FLAG, BPF_TCP_CLOSE,
    },
    helpers::generated::{bpf_get_netns_cookie, bpf_sk_storage_get},
    programs::SockOpsContext,
};
use gate_common::{ABI_VERSION, Config, Event, EventKind, Limit, Source};

use crate::{events, limits, maps, sources};

/// `AF_INET` and `AF_INET6` (`include/linux/socket.h`).
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;

/// What a `sock_ops` program returns where it has nothing to say.
const NO_REPLY: u32 = 1;

/// Takes notice of what happened to the socket in `ctx`.
#[inline(always)]
pub fn conns(ctx: &SockOpsContext) -> u32 {
    match ctx.op() {
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => opened(ctx),
        BPF_SOCK_OPS_STATE_CB if ctx.arg(1) == BPF_TCP_CLOSE => closed(ctx),
        _ => {}
    }
    NO_REPLY
}

#[inline(always)]
fn opened(ctx: &SockOpsContext) {
    let Some(config) = maps::CONFIG.get(0) else {
        return;
    };
    if config.abi != ABI_VERSION || config.buckets == 0 || !is_guarded(config, ctx.local_port()) {
        return;
    }
    // SAFETY: the helper reads the context.
    if unsafe { bpf_get_netns_cookie(ctx.as_ptr().cast()) } != config.netns {
        return;
    }
    let source = source(ctx);
    if source == Source::NOBODY {
        return;
    }
    let Some(mark) = mark(ctx, true) else {
        sources::uncounted(config, source);
        return;
    };
    let limits = limits::of(config, source);
    let Some(opened) = sources::opened(config, limits, source, limits::now()) else {
        return;
    };
    // SAFETY: the mark lives as long as the socket, which this program was called for.
    unsafe { *mark = source };
    // Fails where the socket is no full one, which one with a completed handshake is.
    let _: Result<(), i32> =
        ctx.set_cb_flags((ctx.cb_flags() | BPF_SOCK_OPS_STATE_CB_FLAG).cast_signed());
    if opened.is_first {
        report(ctx, config, source, EventKind::Opened, 0, opened.open);
    }
    if opened.reached.connections {
        let limit = Limit::Connections as u8;
        report(ctx, config, source, EventKind::Reached, limit, opened.open);
    } else if opened.reached.rate {
        let limit = Limit::Rate as u8;
        report(
            ctx,
            config,
            source,
            EventKind::Reached,
            limit,
            opened.opened,
        );
    }
}

#[inline(always)]
fn closed(ctx: &SockOpsContext) {
    let Some(mark) = mark(ctx, false) else {
        return;
    };
    // SAFETY: as in `opened`.
    let source = unsafe { mark.replace(Source::NOBODY) };
    if source == Source::NOBODY {
        return;
    }
    if let Some(config) = maps::CONFIG.get(0) {
        sources::closed(config, source);
    }
}

/// The mark on the socket, if it has one, or can be given one where `create` says so.
#[inline(always)]
fn mark(ctx: &SockOpsContext, create: bool) -> Option<*mut Source> {
    let flags = if create {
        BPF_SK_STORAGE_GET_F_CREATE
    } else {
        BPF_ANY
    };
    // SAFETY: the verifier has the context's socket be looked at before it is used; the helper
    // gives a place for the map's value, or null.
    unsafe {
        let socket = (*ctx.ops).__bindgen_anon_2.sk;
        if socket.is_null() {
            return None;
        }
        let map = (&raw const maps::COUNTED).cast_mut();
        let mark = bpf_sk_storage_get(map.cast(), socket.cast(), ptr::null_mut(), flags.into());
        let mark: *mut Source = mark.cast();
        (!mark.is_null()).then_some(mark)
    }
}

/// Who is at the other end.
#[inline(always)]
fn source(ctx: &SockOpsContext) -> Source {
    match ctx.family() {
        AF_INET => Source::v4(u32::from_be(ctx.remote_ip4())),
        AF_INET6 => {
            let [first, second, third, last] = remote_ip6(ctx);
            if first == 0 && second == 0 && third == 0xffff {
                Source::v4(last)
            } else {
                Source::v6(u64::from(first) << 32 | u64::from(second))
            }
        }
        _ => Source::NOBODY,
    }
}

/// The other end's IPv6 address, in host order. Word by word: the verifier takes no wider read.
#[inline(always)]
fn remote_ip6(ctx: &SockOpsContext) -> [u32; 4] {
    // SAFETY: the context is valid as long as the program runs.
    unsafe {
        let words = (&raw const (*ctx.ops).remote_ip6).cast::<u32>();
        [
            u32::from_be(words.read_volatile()),
            u32::from_be(words.add(1).read_volatile()),
            u32::from_be(words.add(2).read_volatile()),
            u32::from_be(words.add(3).read_volatile()),
        ]
    }
}

/// The other end's whole address: DNS is asked about it, not about its /64.
#[inline(always)]
fn address(ctx: &SockOpsContext, source: Source) -> [u8; 16] {
    if ctx.family() != AF_INET6 {
        return events::address(source);
    }
    let mut address = [0; 16];
    for (place, word) in address.chunks_exact_mut(4).zip(remote_ip6(ctx)) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    address
}

#[inline(always)]
fn is_guarded(config: &Config, port: u32) -> bool {
    port != 0
        && config
            .ports
            .iter()
            .any(|&guarded| u32::from(guarded) == port)
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "a port is 16 bits")]
fn report(
    ctx: &SockOpsContext,
    config: &Config,
    source: Source,
    kind: EventKind,
    what: u8,
    count: u32,
) {
    let event = Event {
        source: address(ctx, source),
        ifindex: 0,
        count,
        port: ctx.local_port() as u16,
        kind: kind as u8,
        what,
        verdict: 0,
        unused: [0; 3],
    };
    if maps::EVENTS.output(event, 0).is_err() {
        sources::lost(config, source);
    }
}
