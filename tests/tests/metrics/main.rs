//! Metrics of a gate at work, as Prometheus's own tool reads them, and the rules that go with them.

mod journal;

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{
    Gate, Lab,
    Outcome::{Connected, TimedOut},
};

/// Runs promtool with `input`; what it says. It must find nothing to complain of.
fn promtool(arguments: &[&str], input: &str) -> Result<String> {
    let mut promtool = Command::new("promtool");
    promtool.args(arguments).stdin(Stdio::piped());
    promtool.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool
        .spawn()
        .context("running promtool (Debian: prometheus)")?;
    let mut stdin = child.stdin.take().context("it is piped")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(
        output.status.success(),
        "promtool {arguments:?}: {said}\n{input}"
    );
    Ok(said)
}

/// The value of the sample `name` with all its labels, as it is written.
fn value(metrics: &str, name: &str) -> Result<u64> {
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.with_context(|| format!("no {name} in\n{metrics}"))?;
    Ok(value.parse()?)
}

/// The answer to a mail server's question about `client`.
fn asked(gate: &Gate<'_>, client: &str) -> Result<String> {
    let mut stream = UnixStream::connect(gate.socket().with_file_name("policy.sock"))?;
    let question =
        format!("request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address={client}\n\n");
    stream.write_all(question.as_bytes())?;
    let mut answer = [0; 512];
    let read = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}

#[test]
fn metrics_tell_what_happened() -> Result<()> {
    let lab = Lab::new()?;
    let list = lab.file("list.txt", "203.0.113.0/24\n2001:db8:bad::/48\n")?;
    let config = format!(
        "[lookup]\nenabled = false\n[policy]\nchecks.reverse_dns = 'off'\n\
         [[feed]]\nname = \"local\"\npath = {list:?}\nformat = \"plain\"\n"
    );
    let gate = lab.gate().set("attach", "generic").with(&config).start()?;
    gate.block("192.0.2.0/24")?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while gate.json(&["list"])?["total"] != 3 {
        ensure!(Instant::now() < deadline, "{}", gate.log());
        thread::sleep(Duration::from_millis(50));
    }
    let dropped = |family: &str, reason: &str| {
        format!("gate_syns_dropped_total{{family=\"{family}\",reason=\"{reason}\"}}")
    };
    let before = gate.must(&["metrics"])?;
    assert_eq!(value(&before, &dropped("ipv4", "manual"))?, 0);

    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    assert_eq!(lab.connect("2001:db8:bad::7")?, TimedOut);
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    assert!(asked(&gate, "192.0.2.7")?.contains("554 5.7.1"));
    assert!(asked(&gate, "198.51.100.7")?.contains("DUNNO"));

    let metrics = gate.must(&["metrics"])?;
    assert_eq!(promtool(&["check", "metrics"], &metrics)?, "");
    for (name, at_least) in [
        (dropped("ipv4", "manual"), 1),
        (dropped("ipv6", "feed"), 1),
        ("gate_syns_passed_total{family=\"ipv4\"}".to_owned(), 1),
        ("gate_connections_opened_total".to_owned(), 1),
    ] {
        assert!(value(&metrics, &name)? >= at_least, "{name}\n{metrics}");
    }
    for (name, expected) in [
        ("gate_mode{mode=\"enforce\"}", 1),
        ("gate_map_entries{map=\"BLOCK_V4\"}", 2),
        ("gate_map_entries{map=\"BLOCK_V6\"}", 1),
        ("gate_listings{reason=\"manual\",origin=\"operator\"}", 1),
        ("gate_listings{reason=\"feed\",origin=\"feed:local\"}", 2),
        ("gate_feed_entries{feed=\"local\"}", 2),
        ("gate_feed_state{feed=\"local\",state=\"ok\"}", 1),
        ("gate_policy_replies_total{code=\"dunno\"}", 1),
        (
            "gate_policy_replies_total{code=\"554\",check=\"listed\"}",
            1,
        ),
        ("gate_policy_latency_seconds_count", 2),
        ("gate_reports_lost_total{at=\"ring_buffer\"}", 0),
    ] {
        assert_eq!(value(&metrics, name)?, expected, "{name}");
    }
    assert!(
        !metrics.contains("192.0.2.7"),
        "an address in a label\n{metrics}"
    );
    Ok(())
}

#[test]
fn the_control_socket_answers_a_scrape() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().set("attach", "generic").start()?;
    let mut stream = UnixStream::connect(gate.socket())?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, _) = answer.split_once("\r\n\r\n").context("no head")?;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let kind = "content-type: text/plain; version=0.0.4; charset=utf-8";
    assert!(head.contains(kind), "{head}");
    assert!(answer.contains("\ngate_build_info{version="), "{answer}");
    Ok(())
}

/// A file of this workspace.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_alert_rules_say_what_they_should() -> Result<()> {
    let rules = file("../packaging/prometheus/gate.rules.yml");
    promtool(&["check", "rules", &rules.to_string_lossy()], "")?;
    let tests = file("tests/metrics/gate.rules.test.yml");
    promtool(&["test", "rules", &tests.to_string_lossy()], "")?;
    Ok(())
}

#[test]
fn promtool_is_no_yes_man() {
    let bad = "# TYPE gate_x counter\ngate_x 1\n";
    assert!(promtool(&["check", "metrics"], bad).is_err());
}
