//! `reload`, `detach`, `flush`: the gate as a whole.

use std::{fmt::Write as _, fs, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    confirm::confirm,
    error::{CliError, Exit},
    gate::Gate,
    words::{counted, foreign},
};
use crate::control::api::{Detached, Flushed, Reloaded, Status, route};

/// How long a daemon that was told to end is waited for, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(20);

/// What `detach` is given.
#[derive(Debug, clap::Args)]
pub(super) struct DetachArgs {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// What `flush` is given.
#[derive(Debug, clap::Args)]
pub(super) struct FlushArgs {
    /// Every listing: there is no other way to flush.
    #[arg(long, required = true)]
    all: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) async fn reload(gate: &Gate) -> Result<Exit, CliError> {
    let answer: Reloaded = gate.client.post(route::RELOAD).await?;
    gate.show(&answer, |answer, _| reloaded(answer))?;
    Ok(Exit::Done)
}

fn reloaded(answer: &Reloaded) -> String {
    let Some(path) = &answer.config else {
        return "there is no configuration file: the defaults are in force\n".to_owned();
    };
    let mut text = format!("{} was read", foreign(path));
    if answer.changes.is_empty() && answer.needs_restart.is_empty() {
        text.push_str(": nothing changed");
    }
    text.push('\n');
    for change in &answer.changes {
        let _ = writeln!(text, "  {}", foreign(change));
    }
    if !answer.needs_restart.is_empty() {
        let keys = answer.needs_restart.join(", ");
        let _ = writeln!(text, "  at the next start only: {}", foreign(&keys));
    }
    text
}

pub(super) async fn detach(gate: &Gate, args: DetachArgs) -> Result<Exit, CliError> {
    let status: Status = gate.client.get(route::STATUS).await?;
    confirm("detach", &detach_does(&status), args.yes)?;
    let answer: Detached = gate.client.post(route::DETACH).await?;
    gate.show(&answer, |answer, _| detached(answer))?;
    if answer.stopping && !ends(status.pid).await {
        eprintln!("gatectl: gated (process {}) has not ended yet", status.pid);
    }
    Ok(Exit::Done)
}

/// Waits until the daemon has ended, so that it is not met by what is done next: its state removed, or
/// another one started; whether it has. One that is not seen from here, in a container, is taken to have.
async fn ends(pid: u32) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while runs(pid) {
        if Instant::now() > deadline {
            return false;
        }
        sleep(INTERVAL).await;
    }
    true
}

/// Whether that process is a `gated` that has not ended; who has ended and is not waited for by its
/// parent is a zombie (`proc_pid_stat(5)`).
fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.contains("(gated) ") && !stat.contains("(gated) Z "))
}

fn detach_does(status: &Status) -> String {
    let interfaces: Vec<_> = status
        .interfaces
        .iter()
        .filter(|interface| interface.attach.is_some())
        .map(|interface| interface.name.as_str())
        .collect();
    let interfaces = if interfaces.is_empty() {
        "the wire (it is on no interface now)".to_owned()
    } else {
        interfaces.join(", ")
    };
    format!(
        "This takes the gate off {interfaces} and unpins its programs and maps.\n\
         {} will no longer be blocked, and the counters are lost. The book stays:\n\
         the next start of gated puts the gate back.",
        counted(status.plan.block_v4 + status.plan.block_v6, "network")
    )
}

fn detached(answer: &Detached) -> String {
    let off = if answer.interfaces.is_empty() {
        "the gate is unpinned; it was on no interface".to_owned()
    } else {
        format!("the gate is off {}", answer.interfaces.join(", "))
    };
    let daemon = if answer.stopping {
        "gated stops"
    } else {
        "gated goes on without it"
    };
    format!("{off}; {daemon}\n")
}

pub(super) async fn flush(gate: &Gate, args: FlushArgs) -> Result<Exit, CliError> {
    let status: Status = gate.client.get(route::STATUS).await?;
    confirm("flush", &flush_does(&status), args.yes)?;
    let answer: Flushed = gate.client.post(route::FLUSH).await?;
    gate.show(&answer, |answer, _| {
        format!("{} ended\n", counted(answer.ended, "listing"))
    })?;
    Ok(Exit::Done)
}

fn flush_does(status: &Status) -> String {
    format!(
        "This ends {}, whoever made them; they stay in the history. Allow entries stay.\n\
         A feed lists again what it holds when its file changes, or at `gatectl feeds reload`.",
        counted(status.listings.sum(), "listing")
    )
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::examples::answer;

    #[test]
    fn a_reload_tells_what_changed() {
        let mut answer: Reloaded = answer(&Method::POST, route::RELOAD);
        assert_eq!(
            reloaded(&answer),
            "/etc/gate/gate.toml was read\n  feed local was added\n  \
             at the next start only: paths.state\n"
        );
        answer.changes.clear();
        answer.needs_restart.clear();
        assert_eq!(
            reloaded(&answer),
            "/etc/gate/gate.toml was read: nothing changed\n"
        );
        answer.config = None;
        assert_eq!(
            reloaded(&answer),
            "there is no configuration file: the defaults are in force\n"
        );
    }

    #[test]
    fn what_detach_and_flush_do_is_said_before() {
        let status = answer(&Method::GET, route::STATUS);
        let text = detach_does(&status);
        assert!(
            text.starts_with("This takes the gate off eth0 and unpins"),
            "{text}"
        );
        assert!(
            text.contains("1234 networks will no longer be blocked"),
            "{text}"
        );
        let text = flush_does(&status);
        assert!(text.starts_with("This ends 1237 listings,"), "{text}");
    }

    #[test]
    fn a_detach_tells_what_is_off_and_what_becomes_of_the_daemon() {
        let mut answer: Detached = answer(&Method::POST, route::DETACH);
        assert_eq!(detached(&answer), "the gate is off eth0; gated stops\n");
        answer.interfaces.clear();
        answer.stopping = false;
        assert_eq!(
            detached(&answer),
            "the gate is unpinned; it was on no interface; gated goes on without it\n"
        );
    }
}
