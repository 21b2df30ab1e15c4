//! A gate on the lab's server: `gated` with a configuration of its own, and `gatectl` to it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{Link, files::Workspace, namespace::Namespace, process::program};

/// How long `gated` may take to stand, or to end.
const DEADLINE: Duration = Duration::from_secs(30);

/// How often is looked whether it does.
const INTERVAL: Duration = Duration::from_millis(50);

/// What a test is not about unless it says so: a client that connects again and again is to be held
/// to no limit, and a listed one is to be dropped the first time as well.
const QUIET: [&str; 2] = [
    "[limits]\nconnections = 0\nconnections_hard = 0\nrate = \"none\"\nsyn_rate = \"none\"\n\n",
    "[courtesy]\ndirectspam = \"none\"\nhighspam = \"none\"\nnobounce = \"none\"\n\
     rollup = \"none\"\ndnsbl = \"none\"\n\n",
];

/// A gate to be configured and started.
#[derive(Debug)]
pub struct GateBuilder<'a> {
    server: &'a Namespace,
    workspace: &'a Workspace,
    name: &'static str,
    interfaces: Vec<String>,
    keys: Vec<(String, Value)>,
    tables: String,
    program: Option<PathBuf>,
}

impl<'a> GateBuilder<'a> {
    pub(super) fn new(server: &'a Namespace, workspace: &'a Workspace, link: &Link) -> Self {
        Self {
            server,
            workspace,
            name: "gate",
            interfaces: vec![link.device().to_owned()],
            keys: Vec::new(),
            tables: String::new(),
            program: None,
        }
    }

    /// On `link` as well as on the lab's first.
    #[must_use]
    pub fn on(mut self, link: &Link) -> Self {
        self.interfaces.push(link.device().to_owned());
        self
    }

    /// On the interface `device` alone.
    #[must_use]
    pub fn only_on(mut self, device: &str) -> Self {
        self.interfaces = vec![device.to_owned()];
        self
    }

    /// With directories of its own, so that it lives beside another gate of the same lab.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// With that `key` of `[gate]`, such as `("attach", "generic")`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.keys.push((key.to_owned(), value.into()));
        self
    }

    /// With more tables of configuration, as TOML.
    #[must_use]
    pub fn with(mut self, tables: &str) -> Self {
        self.tables.push_str(tables);
        self.tables.push('\n');
        self
    }

    /// With that `gated`, instead of the one that was built.
    #[must_use]
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// Starts it and waits until it is on every interface.
    ///
    /// # Errors
    /// It does not come to stand: the error shows the end of its log.
    pub fn start(self) -> Result<Gate<'a>> {
        let config = self.dir("etc")?.join("gate.toml");
        fs::write(&config, self.toml()?)?;
        let mut gate = Gate {
            server: self.server,
            program: self.program.clone().map_or_else(|| program("gated"), Ok)?,
            config,
            pins: self.dir("bpf")?,
            state: self.dir("state")?,
            socket: self.dir("run")?.join("control.sock"),
            log: self.dir("log")?.join("gated.log"),
            child: None,
        };
        gate.start()?;
        Ok(gate)
    }

    /// A directory of this gate alone.
    fn dir(&self, what: &str) -> Result<PathBuf> {
        self.workspace.dir(&format!("{what}/{}", self.name))
    }

    /// The configuration. Strings, numbers and lists are written in TOML as they are in JSON.
    fn toml(&self) -> Result<String> {
        let key = |(key, value): &(String, Value)| format!("{key} = {value}\n");
        let keys: String = self.keys.iter().map(key).collect();
        let interfaces = json!(self.interfaces);
        let dir = |what: &str| self.dir(what).map(|dir| json!(dir));
        let (state, run, pins) = (dir("state")?, dir("run")?, dir("bpf")?);
        let quiet = QUIET.iter().filter(|table| {
            let (header, _) = table.split_once('\n').unwrap_or((table, ""));
            !self.tables.contains(header)
        });
        let quiet: String = quiet.copied().collect();
        let tables = format!("{quiet}{}", self.tables);
        Ok(format!(
            "[gate]\ninterfaces = {interfaces}\n{keys}\n\
             [paths]\nstate = {state}\nrun = {run}\npins = {pins}\n\n{tables}"
        ))
    }
}

/// A running gate. Killed on drop; its kernel side goes with the lab.
#[derive(Debug)]
pub struct Gate<'a> {
    server: &'a Namespace,
    program: PathBuf,
    config: PathBuf,
    pins: PathBuf,
    state: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

/// What `gatectl` said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Gate<'_> {
    /// Starts `gated` again, after [`Gate::kill`] or [`Gate::stop`], and waits until it stands.
    ///
    /// # Errors
    /// It does not come to stand: the error shows the end of its log.
    ///
    /// # Panics
    /// It runs already.
    pub fn start(&mut self) -> Result<()> {
        assert!(self.child.is_none(), "gated runs already");
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut gated = self.server.command(&self.program);
        gated.arg("--config").arg(&self.config);
        gated
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.child = Some(
            gated
                .spawn()
                .with_context(|| format!("running {gated:?}"))?,
        );
        let deadline = Instant::now() + DEADLINE;
        loop {
            let said = self.ctl(&["--json", "status"])?;
            let lack = match serde_json::from_str::<Value>(&said.stdout) {
                Ok(status) if said.code == 0 && stands(&status) => return Ok(()),
                Ok(status) => status.to_string(),
                Err(_) => said.stderr,
            };
            let child = self.child.as_mut().expect("started above");
            if let Some(status) = child.try_wait()? {
                self.child = None;
                bail!("gated ended ({status}):\n{}", self.log_tail());
            }
            if Instant::now() > deadline {
                bail!("gated does not stand: {lack}\n{}", self.log_tail());
            }
            thread::sleep(INTERVAL);
        }
    }

    /// Ends `gated` as `kill -9` does. What it put into the kernel stays.
    ///
    /// # Errors
    /// It had ended by itself.
    ///
    /// # Panics
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.end(Signal::KILL).map(|_| ())
    }

    /// Ends `gated` as an init system does (SIGTERM), and waits for it.
    ///
    /// # Errors
    /// It had ended by itself, takes too long, or fails.
    ///
    /// # Panics
    /// It does not run.
    pub fn stop(&mut self) -> Result<()> {
        let status = self.end(Signal::TERM)?;
        ensure!(
            status.success(),
            "gated failed ({status}):\n{}",
            self.log_tail()
        );
        Ok(())
    }

    /// Waits for `gated` to end by itself, as it does after `gatectl detach`.
    ///
    /// # Errors
    /// It takes too long, or fails.
    ///
    /// # Panics
    /// It does not run.
    pub fn wait(&mut self) -> Result<()> {
        let child = self.child.take().expect("gated runs");
        let status = self.end_of(child)?;
        ensure!(
            status.success(),
            "gated failed ({status}):\n{}",
            self.log_tail()
        );
        Ok(())
    }

    fn end(&mut self, signal: Signal) -> Result<ExitStatus> {
        let mut child = self.child.take().expect("gated runs");
        if let Some(status) = child.try_wait()? {
            bail!("gated ended by itself ({status}):\n{}", self.log_tail());
        }
        kill_process(Pid::from_child(&child), signal)?;
        self.end_of(child)
    }

    fn end_of(&self, mut child: Child) -> Result<ExitStatus> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                child.kill()?;
                bail!("gated does not end:\n{}", self.log_tail());
            }
            thread::sleep(INTERVAL);
        }
    }

    /// The process id of `gated`.
    ///
    /// # Panics
    /// It does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("gated runs").id()
    }

    /// What `gated` has resident, in bytes (proc(5), `VmRSS`).
    ///
    /// # Errors
    /// It has ended by itself.
    ///
    /// # Panics
    /// It does not run.
    pub fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next())
            .context("no VmRSS")?;
        Ok(kib.parse::<u64>()? << 10)
    }

    /// Runs `gatectl` with `arguments`, whatever it says.
    ///
    /// # Errors
    /// It is not built, or ends by a signal.
    pub fn ctl(&self, arguments: &[&str]) -> Result<Said> {
        self.pipe(arguments, b"")
    }

    /// Runs `gatectl` with `arguments` and `input` on its standard input, as a mail server's pipe
    /// does; whatever it says.
    ///
    /// # Errors
    /// As [`Gate::ctl`].
    pub fn pipe(&self, arguments: &[&str], input: &[u8]) -> Result<Said> {
        let mut gatectl = self.server.command(program("gatectl")?);
        gatectl.arg("--socket").arg(&self.socket).args(arguments);
        gatectl.stdin(Stdio::piped());
        let mut child = gatectl
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("it is piped")?;
        // Whoever reads none of it may have ended already.
        let written = stdin.write_all(input);
        drop(stdin);
        let output = child.wait_with_output()?;
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            return Err(error.into());
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said {
            code: output
                .status
                .code()
                .with_context(|| format!("{gatectl:?}: {}", output.status))?,
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }

    /// Runs `gatectl`, which must succeed; what it prints.
    ///
    /// # Errors
    /// It fails: the error shows what it said.
    pub fn must(&self, arguments: &[&str]) -> Result<String> {
        let said = self.ctl(arguments)?;
        ensure!(said.code == 0, "gatectl {arguments:?}: {said:?}");
        Ok(said.stdout)
    }

    /// Runs `gatectl --json`; what it prints. Exit code 1 is an answer, too.
    ///
    /// # Errors
    /// It fails, or prints no JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let said = self.ctl(&[&["--json"], arguments].concat())?;
        ensure!(said.code < 2, "gatectl --json {arguments:?}: {said:?}");
        serde_json::from_str(&said.stdout)
            .with_context(|| format!("gatectl --json {arguments:?} prints no JSON: {said:?}"))
    }

    /// `gatectl block NETWORK`.
    ///
    /// # Errors
    /// As [`Gate::must`].
    pub fn block(&self, network: &str) -> Result<()> {
        self.must(&["block", network]).map(|_| ())
    }

    /// `gatectl unblock NETWORK`.
    ///
    /// # Errors
    /// As [`Gate::must`].
    pub fn unblock(&self, network: &str) -> Result<()> {
        self.must(&["unblock", network]).map(|_| ())
    }

    /// `gatectl allow NETWORK`.
    ///
    /// # Errors
    /// As [`Gate::must`].
    pub fn allow(&self, network: &str) -> Result<()> {
        self.must(&["allow", network]).map(|_| ())
    }

    /// `gatectl disallow NETWORK`.
    ///
    /// # Errors
    /// As [`Gate::must`].
    pub fn disallow(&self, network: &str) -> Result<()> {
        self.must(&["disallow", network]).map(|_| ())
    }

    /// Where its programs, links and maps are pinned; `gatectl detach` takes it away.
    pub fn pins(&self) -> &Path {
        &self.pins
    }

    /// Its control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its directory for what survives a restart.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The configuration file: a test may change it and `gatectl reload`.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Replaces a text in the configuration file; it takes effect at a reload or a start.
    ///
    /// # Errors
    /// The text is not there.
    pub fn edit(&self, from: &str, to: &str) -> Result<()> {
        let text = fs::read_to_string(&self.config)?;
        ensure!(text.contains(from), "no `{from}` in {text}");
        Ok(fs::write(&self.config, text.replace(from, to))?)
    }

    /// What `gated` has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Whether the program is on every interface.
fn stands(status: &Value) -> bool {
    let interfaces = status["interfaces"].as_array();
    interfaces.is_some_and(|interfaces| interfaces.iter().all(|one| !one["attach"].is_null()))
}

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the end of gated's log:\n{}", self.log_tail());
        }
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
