//! A real terminal: a window of tmux, with a shell in it. Text and keys go in, what is on the
//! screen comes out.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::lab::Lab;

/// How long a screen may take to show what is waited for.
const DEADLINE: Duration = Duration::from_secs(20);

/// A window with nothing around the shell, in a server of its own. Ended on drop.
#[derive(Debug)]
pub struct Terminal {
    socket: PathBuf,
    configuration: PathBuf,
}

impl Terminal {
    /// A terminal of so many columns and lines; its files are in `lab`.
    ///
    /// # Errors
    /// tmux is missing (Debian: tmux) or fails.
    pub fn new(lab: &Lab, width: u16, height: u16) -> Result<Self> {
        let configuration = lab.file("tmux.conf", "set -g status off\n")?;
        let socket = configuration.with_extension("socket");
        let terminal = Self {
            socket,
            configuration,
        };
        let (width, height) = (width.to_string(), height.to_string());
        let size = ["-x", &width, "-y", &height];
        let shell = "exec env -u CI -u NO_COLOR -u CLICOLOR -u CLICOLOR_FORCE PS1='ready> ' sh";
        terminal.tmux(&[&["new-session", "-d"], &size[..], &[shell]].concat())?;
        terminal.wait("a prompt", |screen| screen.contains("ready>"))?;
        Ok(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Result<String> {
        let mut tmux = Command::new("tmux");
        tmux.arg("-u").arg("-f").arg(&self.configuration);
        tmux.arg("-S").arg(&self.socket).args(arguments);
        tmux.env_remove("TMUX").stdin(Stdio::null());
        let output = tmux.output().context("running tmux (Debian: tmux)")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tmux {arguments:?}: {error}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Types a line for the shell.
    ///
    /// # Errors
    /// As [`Terminal::new`]; so for all that follow.
    pub fn enter(&self, line: &str) -> Result<()> {
        self.tmux(&["send-keys", "-l", line])?;
        self.key("Enter")
    }

    /// Presses a key, by tmux's name of it.
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn key(&self, name: &str) -> Result<()> {
        self.tmux(&["send-keys", name]).map(|_| ())
    }

    /// Makes it another size.
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn resize(&self, width: u16, height: u16) -> Result<()> {
        let (width, height) = (width.to_string(), height.to_string());
        self.tmux(&["resize-window", "-x", &width, "-y", &height])
            .map(|_| ())
    }

    /// What is on the screen, line by line.
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn screen(&self) -> Result<String> {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The same with its colours, as escape sequences.
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn coloured_screen(&self) -> Result<String> {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Whether a program draws on a screen of its own, and whether the cursor is shown.
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn is_taken(&self) -> Result<(bool, bool)> {
        let flags = self.tmux(&["display-message", "-p", "#{alternate_on}#{cursor_flag}"])?;
        Ok((flags.starts_with('1'), flags.trim_end().ends_with('1')))
    }

    /// The settings of the terminal, as a text to be compared (stty(1)).
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn settings(&self) -> Result<String> {
        let file = self.socket.with_extension("stty");
        // A former one is not to be mistaken for this one.
        let _ = fs::remove_file(&file);
        let file_name = file.display();
        self.enter(&format!(
            "stty -g >{file_name}.new; mv {file_name}.new {file_name}"
        ))?;
        let deadline = Instant::now() + DEADLINE;
        loop {
            match fs::read_to_string(&file) {
                Ok(settings) => return Ok(settings),
                Err(error) => ensure!(
                    Instant::now() < deadline,
                    "the shell does not come back ({error}):\n{}",
                    self.screen()?
                ),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the screen is as `is` says.
    ///
    /// # Errors
    /// It does not come to be `what`: the error shows the screen.
    pub fn wait(&self, what: &str, is: impl Fn(&str) -> bool) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let screen = self.screen()?;
            if is(&screen) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "not {what}:\n{screen}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // With its last window, the server ends.
        let _ = self.tmux(&["kill-server"]);
    }
}
