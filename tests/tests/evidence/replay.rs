//! What a log of evidence would have listed, told without touching the book.

use anyhow::Result;
use gate_tests::lab::{Lab, Outcome::Connected};
use serde_json::json;

#[test]
fn a_replay_tells_listings_over_time_and_lists_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let record = |source: String, at: &str, from: &str| {
        json!({"address": source, "kind": "complaint", "from": from, "at": at}).to_string()
    };
    let mut lines = vec!["nonsense".to_owned()];
    for host in 1..=4 {
        for from in ["one@example.net", "two@example.net"] {
            let at = format!("2026-03-01T0{host}:00:00Z");
            lines.push(record(format!("20.2.0.{host}"), &at, from));
        }
    }
    lines.push(record(
        "20.2.0.9".to_owned(),
        "2026-03-09T00:00:00Z",
        "one@example.net",
    ));
    let log = lab.file("log.jsonl", &lines.join("\n"))?;
    let log = log.to_str().unwrap_or_default();
    let config = gate.config().to_str().unwrap_or_default();
    let said = gate.ctl(&["--json", "replay", log, "--config", config])?;
    assert_eq!(said.code, 2, "a line is bad: {said:?}");
    assert!(said.stderr.contains("line 1"), "{said:?}");
    let replayed: serde_json::Value = serde_json::from_str(&said.stdout)?;
    assert_eq!(
        (&replayed["records"], &replayed["bad_lines"]),
        (&json!(9), &json!(1))
    );
    let events: Vec<String> = replayed["events"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| {
            let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("at"), text("event"), text("network"))
        })
        .collect();
    assert_eq!(
        events,
        [
            "2026-03-01T01:00:00Z listed 20.2.0.1/32",
            "2026-03-01T02:00:00Z listed 20.2.0.2/32",
            "2026-03-01T03:00:00Z listed 20.2.0.3/32",
            "2026-03-01T04:00:00Z listed 20.2.0.0/24",
            "2026-03-01T04:00:00Z listed 20.2.0.4/32",
            "2026-03-04T01:00:00Z ended 20.2.0.1/32",
            "2026-03-04T02:00:00Z ended 20.2.0.0/24",
            "2026-03-04T02:00:00Z ended 20.2.0.2/32",
            "2026-03-04T03:00:00Z ended 20.2.0.3/32",
            "2026-03-04T04:00:00Z ended 20.2.0.4/32",
        ]
    );
    let shown = gate.ctl(&["replay", log, "--config", config])?.stdout;
    assert!(shown.contains("AT") && shown.contains("rollup"), "{shown}");
    assert_eq!(gate.json(&["list"])?["total"], 0);
    assert_eq!(gate.json(&["complaints"])?["complaints"], json!([]));
    assert_eq!(lab.connect("20.2.0.1")?, Connected);
    Ok(())
}
