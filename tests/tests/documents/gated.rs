//! The documents' calls of `gated`, made as they stand on a host where nobody has a gate yet.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use gate_tests::{
    lab::{
        Host, Lab,
        Outcome::{Connected, TimedOut},
        program,
    },
    typed,
};
use serde_json::Value;

use super::commands::commands;

/// Where the documents have the configuration.
const CONFIG: &str = "/etc/gate/gate.toml";

/// How long `gated` may take to stand.
const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn every_call_of_gated_does_what_is_said() -> Result<()> {
    let mut called = 0;
    for (page, commands) in commands()? {
        for command in commands.iter().filter(|command| command[0] == "gated") {
            let line = command.join(" ");
            let at = || format!("{}: {line}", page.path.display());
            let has = |option: &str| command.iter().any(|word| word == option);
            match (has("--check-config"), has("--detach")) {
                (true, false) => check(&line).with_context(at)?,
                (false, true) => detach(&line).with_context(at)?,
                _ => bail!("{}: who runs that?", at()),
            }
            called += 1;
        }
    }
    ensure!(called > 2, "only {called} calls are found");
    Ok(())
}

/// It tells whether the file is right, and line and key of what is wrong with it.
fn check(line: &str) -> Result<()> {
    let lab = Lab::new()?;
    let host = lab.host()?;
    configure(&host, "[gate]\nports = [25]\n")?;
    let said = typed::output(&mut typed_on(&host, line)?)?;
    ensure!(
        said.starts_with(&format!("{CONFIG}: no error found\n")),
        "{said}"
    );
    configure(&host, "[gate]\nports = [\"smtp\"]\n")?;
    let output = typed_on(&host, line)?.output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    ensure!(
        error.contains(&format!("{CONFIG}:2:")) && error.contains("ports"),
        "{error}"
    );
    Ok(())
}

/// It takes off the wire what a `gated` that does not run any more has left there.
fn detach(line: &str) -> Result<()> {
    let lab = Lab::new()?;
    let host = lab.host()?;
    configure(&host, "")?;
    let mut gated = typed_on(&host, &format!("exec gated --config {CONFIG}"))?;
    let mut gated = gated.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let result = wait_and_block(&host);
    gated.kill()?;
    gated.wait()?;
    result?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "invariant 5");
    typed::output(&mut typed_on(&host, line)?)?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    ensure!(!host.path("/sys/fs/bpf/gate").exists(), "pins are left");
    Ok(())
}

fn wait_and_block(host: &Host<'_>) -> Result<()> {
    let ctl = |line: &str| typed::output(&mut typed_on(host, line)?);
    let deadline = Instant::now() + DEADLINE;
    loop {
        let status = ctl("gatectl --json status");
        let attached = status.as_deref().is_ok_and(is_attached);
        if attached {
            return ctl("gatectl block 192.0.2.0/24").map(drop);
        }
        ensure!(
            Instant::now() < deadline,
            "gated does not stand: {status:?}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// Whether the gate of that status is on the wire.
fn is_attached(status: &str) -> bool {
    let status: Value = serde_json::from_str(status).unwrap_or_default();
    !status["interfaces"][0]["attach"].is_null()
}

fn configure(host: &Host<'_>, toml: &str) -> Result<()> {
    let file = host.path(CONFIG);
    fs::create_dir_all(file.parent().context("it is in a directory")?)?;
    fs::write(&file, toml).with_context(|| format!("writing {}", file.display()))
}

/// A line for the host's shell, with the programs that are tested.
fn typed_on(host: &Host<'_>, line: &str) -> Result<std::process::Command> {
    let programs: PathBuf = program("gated")?;
    let programs = programs.parent().context("it is in a directory")?;
    host.line(line, Path::new("/"), programs)
}
