//! The metrics as they are written, and the files that name them: docs/metrics.md, the dashboard and
//! the alert rules.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use gate_common::Reason;
use hyper::Method;
use regex::Regex;

use super::*;
use crate::{
    book::Origin,
    control::{api::route, examples},
    dns::dnsbl::ListHealth,
    evidence::intake::Sorted,
    feeds::{BadLines, FetchStatus, FileState, InForce, SourceStatus},
    latency::Latency,
    policy::Check,
};

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");
const DASHBOARD: &str = include_str!("../../../packaging/grafana/gate.json");
const RULES: &str = include_str!("../../../packaging/prometheus/gate.rules.yml");

fn metrics() -> impl Iterator<Item = &'static Metric> {
    TABLES.into_iter().flat_map(|(_, metrics)| metrics)
}

/// A gate of which everything is known.
fn reading() -> Reading {
    let now = examples::now();
    let status: Status = examples::answer(&Method::GET, route::STATUS);
    let mut dropped = [0; Reason::SLOTS];
    dropped[Reason::Feed.slot()] = 98_000;
    let counters = Counters {
        seen: 120_000,
        dropped,
        ..Counters::default()
    };
    let feed = FeedStatus {
        name: "drop".to_owned().try_into().unwrap(),
        source: SourceStatus::Url(FetchStatus {
            url: "https://example.net/drop".to_owned(),
            fetched: None,
            next: None,
            http: None,
            failures: 2,
        }),
        format: crate::config::FeedFormat::Plain,
        file: FileState::Failed {
            why: "why".to_owned(),
        },
        in_force: InForce::LastGood,
        entries: 7,
        loaded: Some(now),
        bad_lines: BadLines::default(),
        size: None,
        modified: None,
        made: Some(now),
        checked: Some(now),
        last_good: Some(now),
        lapses: None,
    };
    let list = ListStatus {
        name: "bl.example".to_owned().try_into().unwrap(),
        filter: None,
        weight: 1,
        trusted: false,
        families: Vec::new(),
        health: ListHealth::InService(now),
        tested: None,
        failed_test: None,
        next_test: now,
        per_minute: 0,
        answered: 10,
        failed: 1,
        not_asked: 2,
        listed: 3,
        latest: (0, 0),
        questions: 12,
        cached: 4,
        latency: None,
    };
    let code = "554".parse().unwrap();
    Reading {
        status,
        packets: [("ipv4", counters), ("ipv6", Counters::default())].into(),
        listings: book::Counts {
            listings: 7,
            allow_entries: 1,
            by_kind: [((Reason::Feed, Origin::Feed("drop".into())), 7)].into(),
        },
        reached: [5, 0, 0, 0],
        limited: [0, 0, 6, 0],
        lost_in_kernel: 1,
        lost_in_daemon: 2,
        evidence: intake::Counts {
            complaints: Sorted {
                taken: 3,
                dropped: 2,
                refused: 1,
            },
            ..intake::Counts::default()
        },
        feeds: Arc::new(vec![feed]),
        dnsbl: vec![list],
        dns: resolver::Counts::default(),
        policy: Counted {
            requests: 9,
            refused: [((Check::Listed, code), 4)].into(),
            latency: Latency {
                sum: Duration::from_millis(6),
                buckets: [8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            },
            ..Counted::default()
        },
    }
}

#[test]
fn metrics_are_written_as_prometheus_reads_them() {
    let text = text(reading());
    for line in [
        "# HELP gate_syns_seen_total SYNs to guarded ports",
        "# TYPE gate_syns_seen_total counter",
        "gate_syns_seen_total{family=\"ipv4\"} 120000",
        "gate_syns_dropped_total{family=\"ipv4\",reason=\"feed\"} 98000",
        "gate_syns_dropped_total{family=\"ipv6\",reason=\"manual\"} 0",
        "gate_listings{reason=\"feed\",origin=\"feed:drop\"} 7",
        "gate_map_capacity{map=\"BLOCK_V4\"} 2097152",
        "gate_map_capacity{map=\"SOURCES\"} 114688",
        "gate_connection_limit_reports_total{limit=\"connections_hard\"} 5",
        "gate_syn_limit_reports_total{limit=\"syn_rate\"} 6",
        "gate_reports_lost_total{at=\"ring_buffer\"} 1",
        "gate_complaints_total{result=\"refused\"} 1",
        "gate_feed_state{feed=\"drop\",state=\"failed\"} 1",
        "gate_feed_state{feed=\"drop\",state=\"ok\"} 0",
        "gate_feed_in_force{feed=\"drop\",what=\"last_good\"} 1",
        "gate_feed_last_good_timestamp_seconds{feed=\"drop\"} 1772625600",
        "gate_feed_fetch_failures{feed=\"drop\"} 2",
        "gate_dnsbl_health{list=\"bl.example\",health=\"in_service\"} 1",
        "gate_dnsbl_lookups_total{list=\"bl.example\",result=\"clear\"} 7",
        "gate_policy_replies_total{code=\"dunno\"} 5",
        "gate_policy_replies_total{code=\"554\",check=\"listed\"} 4",
        "gate_policy_latency_seconds_bucket{le=\"0.001\"} 8",
        "gate_policy_latency_seconds_bucket{le=\"+Inf\"} 9",
        "gate_policy_latency_seconds_sum 0.006",
        "gate_policy_latency_seconds_count 9",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
}

#[test]
fn each_sample_has_the_labels_of_its_metric() {
    let reading = reading();
    let mut names = BTreeSet::new();
    for metric in metrics() {
        let name = metric.shown();
        assert!(names.insert(name.clone()), "{name} comes twice");
        let mut labels = BTreeSet::new();
        for sample in metric.samples(&reading) {
            assert_eq!(sample.labels.len(), metric.labels.len(), "{name}");
            assert!(labels.insert(sample.labels), "{name}: a sample comes twice");
        }
    }
}

#[test]
fn off_the_wire_nothing_is_made_up() {
    let mut reading = reading();
    reading.packets.clear();
    reading.status.room = None;
    reading.status.connections = None;
    reading.status.kernel = None;
    let text = text(reading);
    for name in [
        "gate_syns_seen_total",
        "gate_map_entries",
        "gate_map_capacity",
    ] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{text}");
        assert!(!text.contains(&format!("\n{name}{{")), "{text}");
    }
}

/// The tables of docs/metrics.md.
fn tables() -> String {
    let mut text = String::new();
    for (about, metrics) in TABLES {
        write!(
            text,
            "\n## {about}\n\n| metric | type | labels | what |\n| --- | --- | --- | --- |\n"
        )
        .unwrap();
        for metric in metrics {
            let kind = metric.kind();
            let labels: Vec<_> = metric.labels.iter().map(|it| format!("`{it}`")).collect();
            let (name, labels, help) = (metric.shown(), labels.join(", "), metric.help);
            writeln!(text, "| `{name}` | {} | {labels} | {help} |", kind.as_str()).unwrap();
        }
    }
    text
}

#[test]
fn the_document_tells_every_metric() {
    let tables = tables();
    assert!(
        DOCUMENT.contains(&tables),
        "docs/metrics.md is to hold:\n{tables}"
    );
}

#[test]
fn dashboard_and_rules_name_metrics_that_there_are() {
    let known: BTreeSet<String> = metrics().map(Metric::shown).collect();
    let name = Regex::new(r"\b(gate_[a-z0-9_]+|process_[a-z_]+)\b").unwrap();
    for (file, text) in [("gate.json", DASHBOARD), ("gate.rules.yml", RULES)] {
        let named: BTreeSet<&str> = name.find_iter(text).map(|found| found.as_str()).collect();
        assert!(named.len() > 5, "{file}: {named:?}");
        for name in named {
            let of_histogram = name.strip_suffix("_bucket");
            let is_known = known.contains(of_histogram.unwrap_or(name));
            assert!(is_known, "{file}: {name} is no metric");
        }
    }
}
