//! Debian's Postfix on the lab's server, with a queue and a configuration of its own.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{Gate, Lab};
use rustix::process::{Pid, Signal, kill_process};

/// Where it listens: the greeter has the guarded port.
pub(crate) const PORT: u16 = 2525;

/// The document whose configuration is put to the test.
const DOCUMENT: &str = include_str!("../../../docs/policy.md");

/// The services that receive mail and throw it away, none of them chrooted.
const MASTER: &str = "\
2525     inet      n - n - - smtpd
cleanup  unix      n - n - 0 cleanup
qmgr     unix      n - n 300 1 qmgr
rewrite  unix      - - n - - trivial-rewrite
bounce   unix      - - n - 0 bounce
defer    unix      - - n - 0 bounce
trace    unix      - - n - 0 bounce
discard  unix      - - n - - discard
error    unix      - - n - - error
retry    unix      - - n - - error
anvil    unix      - - n - 1 anvil
proxymap unix      - - n - - proxymap
postlog  unix-dgram n - n - 1 postlogd
";

/// Its `main.cf` but for what the document says, and for where its files are.
const MAIN: &str = "\
compatibility_level = 3.6
myhostname = mx.example.net
mydestination = example.net
mynetworks =
local_recipient_maps =
alias_maps =
local_transport = discard:
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
";

/// A running Postfix. Ended on drop.
pub(crate) struct Postfix {
    master: Child,
    log: PathBuf,
}

/// The lines that `main.cf` is to hold.
fn snippet() -> Result<String> {
    let (_, rest) = DOCUMENT
        .split_once("`/etc/postfix/main.cf`:\n\n")
        .context("docs/policy.md names the file")?;
    let lines = rest.lines().take_while(|line| line.starts_with("    "));
    Ok(lines
        .filter_map(|line| line.strip_prefix("    "))
        .flat_map(|line| [line, "\n"])
        .collect())
}

/// User and group of that name (passwd(5)).
fn account(name: &str) -> Result<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    let fields = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == name && fields.len() > 3)
        .with_context(|| format!("no user {name} (Debian: postfix)"))?;
    Ok((fields[2].parse()?, fields[3].parse()?))
}

impl Postfix {
    /// Starts it as the document has it, and waits until it listens; it asks `gate`.
    pub(crate) fn start(lab: &Lab, gate: &Gate<'_>) -> Result<Self> {
        Self::start_with(lab, gate, "")
    }

    /// The same, with more lines for `main.cf`; they win over those before.
    pub(crate) fn start_with(lab: &Lab, gate: &Gate<'_>, more: &str) -> Result<Self> {
        let dir = lab.dir("postfix")?;
        let make = |name: &str| -> Result<PathBuf> {
            let path = dir.join(name);
            fs::create_dir(&path)?;
            Ok(path)
        };
        let (config, queue, data) = (make("etc")?, make("queue")?, make("data")?);
        let (user, group) = account("postfix")?;
        chown(&data, Some(user), Some(group))?;
        let log = dir.join("log");
        let socket = gate.socket().with_file_name("policy.sock");
        let asks = snippet()?;
        ensure!(asks.contains("/run/gate/policy.sock"), "{asks}");
        let asks = asks.replace("/run/gate/policy.sock", &socket.display().to_string());
        let place = |key: &str, path: &Path| format!("{key} = {}\n", path.display());
        let main = [
            MAIN.to_owned(),
            place("queue_directory", &queue),
            place("data_directory", &data),
            place("maillog_file", &log),
            place("maillog_file_prefixes", &std::env::temp_dir()),
            asks,
            more.to_owned(),
        ];
        fs::write(config.join("main.cf"), main.concat())?;
        fs::write(config.join("master.cf"), MASTER)?;
        let mut postfix = lab.server_command("postfix");
        postfix.arg("-c").arg(&config).arg("start-fg");
        postfix
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let master = postfix
            .spawn()
            .context("running postfix (Debian: postfix)")?;
        let mut postfix = Self { master, log };
        let deadline = Instant::now() + Duration::from_mins(1);
        let listens = || lab.on_server(|| Ok(TcpStream::connect(("127.0.0.1", PORT))?));
        while listens().is_err() {
            let ended = postfix.master.try_wait()?;
            ensure!(ended.is_none(), "postfix ended: {}", postfix.said());
            let late = Instant::now() > deadline;
            ensure!(!late, "postfix does not listen: {}", postfix.said());
            thread::sleep(Duration::from_millis(100));
        }
        Ok(postfix)
    }

    /// Its log.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// What is in its log.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("Postfix's log:\n{}", self.said());
        }
        // It ends its own processes first; who is left goes with the lab.
        let _ = kill_process(Pid::from_child(&self.master), Signal::TERM);
        let _ = self.master.wait();
    }
}
