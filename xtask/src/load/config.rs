//! What `gated` is configured with: its defaults, or a file that says what the command line says.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::json;

use crate::run::{as_root, line};

/// Where `gated` keeps its sockets if nothing else is said.
const RUN: &str = "/run/gate";

/// The control socket if nothing else is said.
pub(super) fn default_socket() -> PathBuf {
    Path::new(RUN).join("control.sock")
}

/// Another gate's directories, for one beside that of the host.
#[derive(Args)]
#[group(multiple = true)]
pub(super) struct Paths {
    /// Directory for what must survive a reboot. Without it: /var/lib/gate
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Directory for sockets and the log. Without it: /run/gate
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Directory in a BPF file system for pins. Without it: /sys/fs/bpf/gate
    #[arg(long, value_name = "DIR")]
    pins: Option<PathBuf>,
}

/// Writes a configuration file with these `lists`, `interfaces` and `paths`; `None` where all of it
/// is as by default.
///
/// # Errors
/// A list or an interface is not there, or the file cannot be written.
pub(super) fn generate(
    lists: &[PathBuf],
    interfaces: &[String],
    paths: &Paths,
) -> Result<Option<PathBuf>> {
    let lists = lists.iter().map(|list| {
        list.canonicalize()
            .with_context(|| format!("the block list {}", list.display()))
    });
    let lists: Vec<PathBuf> = lists.collect::<Result<_>>()?;
    // Before the gate that stands is upgraded to one that does not.
    for name in interfaces {
        ensure!(
            Path::new("/sys/class/net").join(name).exists(),
            "there is no interface `{name}`: `ip link` shows which there are"
        );
    }
    let toml = toml(&lists, interfaces, paths)?;
    if toml.is_empty() {
        return Ok(None);
    }
    let run = paths.run.as_deref().unwrap_or(Path::new(RUN));
    let file = std::path::absolute(run)?.join("build-and-load.toml");
    let script = "mkdir -p \"$(dirname \"$0\")\" && cat >\"$0\"";
    let mut write = as_root("sh", "cargo xtask build-and-load")?;
    write.args(["-c", script]).arg(&file).stdin(Stdio::piped());
    let mut child = write.spawn()?;
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(toml.as_bytes())?;
    drop(stdin);
    ensure!(child.wait()?.success(), "writing {} failed", file.display());
    Ok(Some(file))
}

/// The configuration as TOML, which takes strings and lists as JSON writes them.
fn toml(lists: &[PathBuf], interfaces: &[String], paths: &Paths) -> Result<String> {
    let mut tables = Vec::new();
    if !interfaces.is_empty() {
        tables.push(format!("[gate]\ninterfaces = {}\n", json!(interfaces)));
    }
    let mut directories = String::new();
    let Paths { state, run, pins } = paths;
    for (key, path) in [("state", state), ("run", run), ("pins", pins)] {
        if let Some(path) = path {
            let path = std::path::absolute(path)?;
            writeln!(directories, "{key} = {}", json!(path))?;
        }
    }
    if !directories.is_empty() {
        tables.push(format!("[paths]\n{directories}"));
    }
    for list in lists {
        let is_json = list
            .extension()
            .is_some_and(|extension| extension == "json");
        let format = if is_json { "drop-json" } else { "plain" };
        let (name, path) = (feed_name(list), json!(list));
        tables.push(format!(
            "[[feed]]\nname = \"{name}\"\npath = {path}\nformat = \"{format}\"\n"
        ));
    }
    Ok(tables.join("\n"))
}

/// The file's name as a feed's name: 1 to 32 of a-z, 0-9, `_` and `-`.
fn feed_name(list: &Path) -> String {
    let stem = list.file_stem().unwrap_or_default().to_string_lossy();
    let letters = stem
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9' | '_' | '-') => letter,
            _ => '-',
        });
    letters.take(32).collect()
}

/// Has `gated` check the configuration; the control socket's path.
///
/// # Errors
/// The configuration is wrong: `gated` has said how.
pub(super) fn check(gated: &Path, config: Option<&Path>) -> Result<PathBuf> {
    let Some(config) = config else {
        return Ok(default_socket());
    };
    let mut check = Command::new(gated);
    check.arg("--check-config").arg("--config").arg(config);
    let output = check.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "`{}` failed", line(&check));
    let output = String::from_utf8_lossy(&output.stdout);
    let socket = output
        .lines()
        .find_map(|line| line.strip_prefix("control socket: "));
    socket
        .map(PathBuf::from)
        .context("gated tells no control socket")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(state: Option<&str>, run: Option<&str>, pins: Option<&str>) -> Paths {
        let [state, run, pins] = [state, run, pins].map(|path| path.map(PathBuf::from));
        Paths { state, run, pins }
    }

    #[test]
    fn nothing_said_is_nothing_configured() {
        assert_eq!(toml(&[], &[], &paths(None, None, None)).unwrap(), "");
    }

    #[test]
    fn what_is_said_is_configured() {
        let lists = ["/lists/drop_v4.json", "/lists/Firehol Level1.netset"].map(PathBuf::from);
        let interfaces = ["eth0", "eth1"].map(str::to_owned);
        let toml = toml(&lists, &interfaces, &paths(None, Some("/run/other"), None)).unwrap();
        let expected = r#"[gate]
interfaces = ["eth0","eth1"]

[paths]
run = "/run/other"

[[feed]]
name = "drop_v4"
path = "/lists/drop_v4.json"
format = "drop-json"

[[feed]]
name = "firehol-level1"
path = "/lists/Firehol Level1.netset"
format = "plain"
"#;
        assert_eq!(toml, expected);
    }
}
