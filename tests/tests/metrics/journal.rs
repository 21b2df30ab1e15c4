//! The log under systemd, and as JSON.

use std::{fs, os::unix::fs::PermissionsExt as _};

use anyhow::{Context as _, Result};
use gate_tests::lab::{Lab, program};
use serde_json::Value;

/// What systemd sets for a service whose standard error is the journal, for one whose standard error
/// is this log (systemd.exec(5), `JOURNAL_STREAM`: device and inode).
const WRAPPER: &str = "#!/bin/sh
JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/self/fd/2)
export JOURNAL_STREAM
exec GATED \"$@\"
";

#[test]
fn the_journal_gets_a_priority_for_each_line() -> Result<()> {
    let lab = Lab::new()?;
    let gated = program("gated")?;
    let wrapper = WRAPPER.replace("GATED", &gated.to_string_lossy());
    let wrapper = lab.file("gated", &wrapper)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let missing = "[lookup]\nenabled = false\n[[feed]]\nname = \"local\"\npath = \"/no/such/list\"\nformat = \"plain\"\n";
    let gate = lab.gate().set("attach", "generic").with(missing);
    let gate = gate.program(&wrapper).start()?;
    gate.must(&["mode", "monitor"])?;
    gate.must(&["feeds"])?;
    let log = gate.log();
    let line = |text: &str| {
        let line = log.lines().find(|line| line.contains(text));
        line.with_context(|| format!("no {text} in {log}"))
    };
    // The journal has the time and the level itself.
    let set = line("set mode")?;
    assert!(set.starts_with("<6>set mode "), "{set}");
    let refused = line("feed=local")?;
    assert!(refused.starts_with("<3>"), "{refused}");
    assert!(log.lines().all(|line| line.starts_with('<')), "{log}");
    Ok(())
}

#[test]
fn no_other_log_is_taken_for_the_journal() -> Result<()> {
    let lab = Lab::new()?;
    let gated = program("gated")?;
    let elsewhere = WRAPPER.replace("GATED", &gated.to_string_lossy());
    let elsewhere = elsewhere.replace("fd/2", "fd/0");
    let wrapper = lab.file("gated", &elsewhere)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let gate = lab.gate().set("attach", "generic");
    let gate = gate.program(&wrapper).start()?;
    assert!(!gate.log().contains("<6>"), "{}", gate.log());
    Ok(())
}

#[test]
fn json_is_one_object_a_line() -> Result<()> {
    let lab = Lab::new()?;
    let config = "[lookup]\nenabled = false\n[log]\nformat = \"json\"\n";
    let gate = lab.gate().set("attach", "generic").with(config).start()?;
    gate.must(&["mode", "monitor"])?;
    let log = gate.log();
    let lines: Result<Vec<Value>, _> = log.lines().map(serde_json::from_str).collect();
    let lines = lines.with_context(|| log.clone())?;
    let set = lines.iter().find(|line| line["message"] == "set mode");
    let set = set.with_context(|| log.clone())?;
    assert_eq!(
        (&set["level"], &set["mode"]),
        (&"INFO".into(), &"monitor".into())
    );
    assert!(
        set["timestamp"].is_string() && set["by"].is_string(),
        "{set}"
    );
    Ok(())
}
