//! Lines of the documents, as somebody types them at a shell.
//!
//! In: a line, word for word. Out: what it said. None of it needs the Internet.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

/// Has `command` run with what a shell has around it: without what cargo tells a test about itself,
/// which build scripts take for a change; with the programs in `first` before those in `PATH`; and
/// with those in cargo's own directory, which sudo leaves out of it.
///
/// # Errors
/// A directory's name cannot be in `PATH`.
pub fn surround<'a>(command: &'a mut Command, first: Option<&Path>) -> Result<&'a mut Command> {
    for (name, _) in env::vars_os() {
        let about = name.to_string_lossy();
        let of_package = ["CARGO_MANIFEST_", "CARGO_PKG_", "OUT_DIR"];
        // As root, where it is, by sudo already.
        let runs = about.starts_with("CARGO_TARGET_") && about.ends_with("_RUNNER");
        if runs || of_package.iter().any(|start| about.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map(|home| Path::new(&home).join("bin"));
    let first = first.map(Path::to_owned).into_iter();
    let path = env::join_paths(first.chain(cargo).chain(env::split_paths(&path)))?;
    // Whatever is missing then is said, instead of being waited for.
    command.env("PATH", path).env("CARGO_NET_OFFLINE", "true");
    Ok(command)
}

/// Runs a line in the workspace; what it prints.
///
/// # Errors
/// It fails: the error shows what it said.
pub fn in_workspace(line: &str) -> Result<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let workspace = workspace.context("the tests lie in the workspace")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(workspace);
    output(surround(&mut shell, None)?)
}

/// Runs `command` to its end, with nobody at a terminal; what it prints.
///
/// # Errors
/// As [`in_workspace`].
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{said}{error}",
        output.status
    );
    Ok(said)
}
