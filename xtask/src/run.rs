//! Running other programs: visibly, quietly, or as root.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::IsTerminal as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

/// The workspace's root.
pub(crate) fn root_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
}

/// Names to cargo all packages but those of programs for the kernel, which no program of this
/// machine's userspace could be linked from. Always all of them: fewer packages would mean other
/// features of their dependencies, and building those again.
pub(crate) const HOST_PACKAGES: [&str; 7] = [
    "--workspace",
    "--exclude",
    "gate-ebpf",
    "--exclude",
    "gate-lab-ebpf",
    "--exclude",
    "gate-bench-ebpf",
];

/// Tells what comes next.
pub(crate) fn say(step: &str) {
    println!("==> {step}");
}

/// The cargo that runs this xtask, as if it were called from a shell.
///
/// What the first cargo told xtask about xtask is kept from it: a build script that reads such a
/// variable (ring's) would run again, and all that depends on it be built again, whenever `cargo
/// xtask` comes after `cargo build` or the other way round.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root_dir());
    for (name, _) in env::vars_os() {
        let about = name.to_string_lossy();
        if about.starts_with("CARGO_MANIFEST_") || about.starts_with("CARGO_PKG_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs `command` with its output in the terminal.
///
/// # Errors
/// It cannot be started, or fails; the error shows the command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("running `{}`", line(command)))?;
    ensure!(status.success(), "`{}` failed: {status}", line(command));
    Ok(())
}

/// What `command` prints, or `None` if it cannot be started or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command as one would type it, without its environment.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| {
            let word = word.to_string_lossy();
            if word.contains(char::is_whitespace) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect();
    words.join(" ")
}

/// Where the program `name` is: in `PATH`, or where root's programs are.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|program| program.is_file())
}

/// How this process gets root's rights.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Root {
    /// It has them.
    Already,
    /// `sudo` grants them.
    Sudo,
}

/// How to do `what` as root.
///
/// # Errors
/// This is not root, and sudo is not there or refuses; the error asks the operator to do `what`.
pub(crate) fn root(what: &str) -> Result<Root> {
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return Ok(Root::Already);
    }
    let refused = match find("sudo") {
        Some(_) if sudo_works() => return Ok(Root::Sudo),
        Some(_) => "sudo refuses",
        None => "there is no sudo",
    };
    bail!("`{what}` needs root, and {refused}: run it as root, then this again")
}

/// Whether sudo grants a command, after it may have asked for the password.
fn sudo_works() -> bool {
    let mut sudo = Command::new("sudo");
    if !std::io::stdin().is_terminal() {
        sudo.arg("--non-interactive");
    }
    sudo.arg("true")
        .status()
        .is_ok_and(|status| status.success())
}

/// `program` as a command that runs as root, to do `what`.
///
/// # Errors
/// As [`root`].
pub(crate) fn as_root(program: impl AsRef<OsStr>, what: &str) -> Result<Command> {
    Ok(match root(what)? {
        Root::Already => Command::new(program),
        Root::Sudo => {
            let mut sudo = Command::new("sudo");
            sudo.arg(program);
            sudo
        }
    })
}
