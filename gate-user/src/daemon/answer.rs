//! The API's answers from the snapshot, the maps and the feeds: pure conversions, and the few
//! look-ups in the kernel.

use std::net::IpAddr;

use gate_common::{ABI_VERSION, Reason, WAYS};

use super::{lookup::Lookups, top::TopSources, view::View};
use crate::{
    book::{AllowEntry, Book, Listing, Origin},
    clock::second_down,
    config::Attach as AttachMode,
    control::{
        ServiceError,
        api::{
            self, AllowEntries, Attach, Check, ConnectionCounts, Connections, ConnectionsQuery,
            CountedBy, EvidenceCounts, Exception, Filter, Flood, Index, Interface, KernelAnswer,
            KernelVerdict, Listings, PerLimit, PerReason, ReasonEnforcement, Room,
            SourceConnections, Stats, Status, Top, TopSource,
        },
    },
    evidence::intake::Counts,
    feeds::FeedStatus,
    kernel::{Counters, KernelError, Lookup, Maps},
    network::Network,
    plan::{self, Enforcement, Exempt},
};

/// How many exceptions or overridden listings an answer names.
const NAMED: usize = 20;

fn internal(error: &KernelError) -> ServiceError {
    ServiceError::Internal(error.to_string())
}

/// How the gate stands.
pub(super) fn status(
    view: &View,
    feeds: &[FeedStatus],
    evidence: Counts,
    missed: u64,
    lookups: &Lookups,
) -> Result<Status, ServiceError> {
    let counts = view.book.counts();
    let interfaces = view.interfaces.iter().map(|guarded| Interface {
        name: guarded.name.to_string(),
        attach: guarded
            .state
            .as_ref()
            .ok()
            .map(|attachment| match attachment.mode {
                AttachMode::Generic => Attach::Generic,
                AttachMode::Native | AttachMode::Auto => Attach::Native,
            }),
        problem: guarded.state.as_ref().err().cloned(),
    });
    let handed_in = evidence.complaints + evidence.verdicts;
    let not_dropped = Reason::ALL
        .into_iter()
        .map(|reason| ReasonEnforcement {
            reason,
            enforcement: view.rules.enforcement(reason),
        })
        .filter(|entry| entry.enforcement != Enforcement::Drop);
    let connections = view.maps.as_ref();
    let connections = connections.map(|maps| connection_counts(view, maps, missed));
    let connections = connections.transpose().map_err(|error| internal(&error))?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        abi: ABI_VERSION,
        pid: std::process::id(),
        started: view.started,
        config: view
            .config_path
            .as_ref()
            .map(|path| path.display().to_string()),
        mode: view.mode,
        flood: flood(view),
        ports: view.config.gate.ports.as_slice().to_vec(),
        interfaces: interfaces.collect(),
        listings: PerReason::from_fn(|reason| counts.of_reason(reason) as u64),
        allowed: counts.allow_entries as u64,
        plan: view.planned,
        kernel: view.maps.is_some().then_some(view.held),
        room: view.maps.as_deref().map(room),
        drift: view.drift,
        evidence: EvidenceCounts {
            taken: handed_in.taken,
            dropped: handed_in.dropped,
            refused: handed_in.refused,
            quarantined: evidence.quarantined,
            quarantined_bytes: evidence.quarantined_bytes,
        },
        lookups: lookups.counts(),
        connections,
        kernel_memory: view.maps.as_ref().map(|maps| maps.memory()),
        index: view.index.map(|fill| Index {
            used: fill.slots_v4 + fill.leaves + fill.slots_v6,
            capacity: fill.capacity_v4 + fill.capacity_leaves + fill.capacity_v6,
            left_to_tries: fill.fallbacks_v4 + fill.fallbacks_v6,
        }),
        not_dropped: not_dropped.collect(),
        warnings: warnings(view, feeds, lookups),
    })
}

fn room(maps: &Maps) -> Room {
    let capacity = maps.capacity();
    Room {
        allow: capacity.allow.into(),
        block: capacity.block.into(),
        sources: u64::from(capacity.buckets) * WAYS as u64,
    }
}

/// Where counts of connections come from.
fn counted_by(view: &View) -> CountedBy {
    if view.counting.is_ok() {
        CountedBy::Kernel
    } else {
        CountedBy::Sockets
    }
}

fn connection_counts(
    view: &View,
    maps: &Maps,
    missed: u64,
) -> Result<ConnectionCounts, KernelError> {
    let counters = maps.connection_counters()?;
    let lost = maps.all_counters()?.lost;
    Ok(ConnectionCounts {
        counted_by: counted_by(view),
        problem: view.counting.clone().err(),
        open: counters.open,
        sources: counters.sources,
        opened: counters.opened,
        uncounted: counters.uncounted,
        lost_reports: counters.lost + lost + missed,
    })
}

/// The sources with connections that meet `query`.
pub(super) fn connections(
    view: &View,
    query: &ConnectionsQuery,
) -> Result<Connections, ServiceError> {
    let maps = view.maps.as_ref();
    let maps =
        maps.ok_or_else(|| ServiceError::Unavailable("the gate is not on the wire".to_owned()))?;
    let all = maps.all_connections().map_err(|error| internal(&error))?;
    let all = all.into_iter().map(|is| SourceConnections {
        source: Network::source(is.source),
        open: is.connections.open,
        opened: is.connections.opened,
    });
    let wanted = all.filter(|is| query.within.is_none_or(|within| within.covers(is.source)));
    let mut sources: Vec<_> = wanted.collect();
    sources.sort_unstable_by_key(|is| (std::cmp::Reverse((is.open, is.opened)), is.source));
    let total = sources.len();
    if query.limit != 0 {
        sources.truncate(query.limit);
    }
    Ok(Connections {
        counted_by: counted_by(view),
        total,
        sources,
    })
}

/// Whether there is a flood.
pub(super) fn flood(view: &View) -> Flood {
    let (seen, config) = (&view.flood, &view.config.flood);
    let turned = |reason: &Reason| {
        let configured = view.config.enforcement.of(*reason);
        configured != configured.in_flood()
    };
    Flood {
        mode: seen.mode,
        configured: config.mode,
        in_flood: seen.cause.is_some(),
        since: seen.since,
        cause: seen.cause,
        syns: seen.rates.syns,
        overflows: seen.rates.overflows,
        enter_syns: config.enter_syns,
        enter_overflows: config.enter_overflows,
        enter_after: config.enter_after,
        leave_syns: config.leave_syns,
        leave_after: config.leave_after,
        dropped: Reason::ALL.into_iter().filter(turned).collect(),
    }
}

fn warnings(view: &View, feeds: &[FeedStatus], lookups: &Lookups) -> Vec<String> {
    let mut warnings = Vec::new();
    if view.maps.is_none() {
        warnings.push("the gate is not on the wire".to_owned());
    }
    for guarded in &view.interfaces {
        if let Err(problem) = &guarded.state {
            warnings.push(format!("{} is not guarded: {problem}", guarded.name));
        }
    }
    warnings.extend(view.kernel_problem.clone());
    if let Err(problem) = &view.counting {
        warnings.push(format!(
            "connections are counted from the table of sockets alone: {problem}"
        ));
    }
    if view.flood.cause.is_some() {
        warnings.push(format!(
            "flood since {}: what is refused otherwise is dropped",
            view.flood.since
        ));
    }
    warnings.extend(view.flood.problem.clone());
    if let Some(maps) = &view.maps {
        let capacity = u64::from(maps.capacity().block);
        for (family, filled) in [
            ("IPv4", view.planned.block_v4),
            ("IPv6", view.planned.block_v6),
        ] {
            if filled * 10 > capacity * 9 {
                warnings.push(format!(
                    "{filled} of {capacity} {family} networks are in use: raise gate.max_networks"
                ));
            }
        }
    }
    if let Some(left) = view.index.map(|fill| fill.fallbacks_v4 + fill.fallbacks_v6)
        && left > 0
    {
        warnings.push(format!(
            "the index is full: {left} places are decided by the tries, which is slower"
        ));
    }
    warnings.extend(feeds.iter().filter_map(FeedStatus::warning));
    warnings.extend(lookups.warnings());
    let policy = &view.config.policy;
    if policy.enabled && policy.url.as_str().is_empty() {
        warnings.push(
            "policy.url is not set: replies do not say where reasons are explained".to_owned(),
        );
    }
    warnings
}

/// Everything that is known of `address`.
pub(super) fn check(view: &View, address: IpAddr) -> Result<Check, ServiceError> {
    let answer = plan::answer(&view.book, &view.rules, address);
    let kernel = view.maps.as_ref().map(|maps| maps.lookup(answer.address));
    let kernel = kernel.transpose().map_err(|error| internal(&error))?;
    let overrides = view.overrides.covering(answer.address).map(Into::into);
    let overrides = overrides.collect();
    Ok(Check::new(answer, kernel.map(kernel_answer), overrides))
}

fn kernel_answer(lookup: Lookup) -> KernelAnswer {
    match lookup {
        Lookup {
            allowed: Some(network),
            ..
        } => KernelAnswer {
            verdict: KernelVerdict::Pass,
            network: Some(network),
            reason: None,
        },
        Lookup {
            blocked: Some((network, reason)),
            ..
        } => KernelAnswer {
            verdict: KernelVerdict::Drop,
            network: Some(network),
            reason,
        },
        Lookup { .. } => KernelAnswer {
            verdict: KernelVerdict::Pass,
            network: None,
            reason: None,
        },
    }
}

/// What passes although it is listed.
pub(super) fn exceptions(exempt: Exempt) -> Vec<Exception> {
    let all = exempt.whole.into_iter().chain(exempt.parts);
    all.take(NAMED).map(Into::into).collect()
}

/// The listings that an allow entry for `network` wins over.
pub(super) fn overridden(book: &Book, network: Network) -> Vec<api::Listing> {
    let inside = book
        .within(network)
        .filter(|listing| listing.network != network);
    let all = book.covering(network).chain(inside);
    all.take(NAMED).map(Into::into).collect()
}

/// The listings that meet `filter`.
pub(super) fn listings(book: &Book, filter: &Filter) -> Listings {
    let candidates: Box<dyn Iterator<Item = Listing>> = match (filter.contains, filter.within) {
        (Some(contains), _) => Box::new(book.covering(contains)),
        (None, Some(within)) => Box::new(book.within(within)),
        (None, None) => Box::new(book.listings()),
    };
    let (total, listings) = select(candidates, filter, |listing| {
        filter.reason.is_none_or(|reason| listing.reason == reason)
            && matches(filter, listing.network, &listing.origin, listing.since)
    });
    Listings { total, listings }
}

/// The allow entries that meet `filter`.
pub(super) fn allow_entries(book: &Book, filter: &Filter) -> AllowEntries {
    let candidates: Box<dyn Iterator<Item = AllowEntry>> = match (filter.contains, filter.within) {
        (Some(contains), _) => Box::new(book.allow_covering(contains)),
        (None, Some(within)) => Box::new(book.allow_within(within)),
        (None, None) => Box::new(book.allow_entries()),
    };
    let (total, allowed) = select(candidates, filter, |entry| {
        matches(filter, entry.network, &entry.origin, entry.since)
    });
    AllowEntries { total, allowed }
}

fn matches(filter: &Filter, network: Network, origin: &Origin, since: jiff::Timestamp) -> bool {
    filter.origin.as_ref().is_none_or(|wanted| wanted == origin)
        && filter.within.is_none_or(|within| within.covers(network))
        && filter.since.is_none_or(|from| since >= from)
}

/// How many of `candidates` are wanted, and the first `filter.limit` of them.
fn select<T, A: From<T>>(
    candidates: impl Iterator<Item = T>,
    filter: &Filter,
    wanted: impl Fn(&T) -> bool,
) -> (usize, Vec<A>) {
    let limit = if filter.limit == 0 {
        usize::MAX
    } else {
        filter.limit
    };
    let mut total = 0;
    let mut selected = Vec::new();
    for candidate in candidates.filter(|candidate| wanted(candidate)) {
        total += 1;
        if total <= limit {
            selected.push(candidate.into());
        }
    }
    (total, selected)
}

/// What the kernel counted.
pub(super) fn stats(view: &View) -> Result<Stats, ServiceError> {
    let counters = match &view.maps {
        Some(maps) => maps.all_counters().map_err(|error| internal(&error))?,
        None => Counters::default(),
    };
    Ok(Stats {
        mode: view.mode,
        seen: counters.seen,
        passed: counters.passed,
        dropped: PerReason::from_fn(|reason| counters.dropped[reason.slot()]),
        would_drop: PerReason::from_fn(|reason| counters.would_drop[reason.slot()]),
        allowed: counters.allowed,
        malformed: counters.malformed,
        limited: PerLimit::from_slots(&counters.limited),
        would_limit: PerLimit::from_slots(&counters.would_limit),
        courtesy: counters.courtesy,
    })
}

/// The sources with the most sampled drops.
pub(super) fn top(top: &TopSources, sample: u32, limit: usize) -> Top {
    let sources = top
        .most(limit)
        .into_iter()
        .map(|(address, seen)| TopSource {
            address,
            drops: seen.samples * u64::from(sample.max(1)),
            reason: seen.reason,
            last: second_down(seen.last),
        });
    Top {
        sample,
        since: top.since(),
        sources: sources.collect(),
    }
}
