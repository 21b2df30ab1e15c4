//! Who sits before the machine and types what a page says, word for word.

use std::env;

use anyhow::Result;

use super::Machine;

/// Commands that ask whoever is at a terminal whether they shall.
const ASK: [&str; 2] = ["gatectl detach", "gatectl flush"];

/// Commands whose exit code is an answer.
const ANSWER: [&str; 2] = ["gatectl check", "gatectl policy test"];

/// A shell in the directory of what was downloaded.
pub struct Operator<'a> {
    machine: &'a Machine<'a>,
    /// What packages are called after.
    architecture: String,
    directory: String,
}

impl<'a> Operator<'a> {
    /// Sits down.
    ///
    /// # Errors
    /// The machine does not tell its architecture.
    pub fn new(machine: &'a Machine<'a>) -> Result<Self> {
        let architecture = machine.run("dpkg", &["--print-architecture"])?;
        Ok(Self {
            machine,
            architecture: architecture.trim().to_owned(),
            directory: "/packages".to_owned(),
        })
    }

    /// Types a line, which must succeed; what is printed. Each line has a shell of its own, which begins
    /// where the last one has ended.
    ///
    /// # Errors
    /// It fails: what it said, and the end of gated's log.
    pub fn types(&mut self, line: &str) -> Result<String> {
        let mut line = line
            .replace("amd64", &self.architecture)
            .replace("x86_64", env::consts::ARCH);
        if ASK.iter().any(|asking| line.starts_with(asking)) {
            line.push_str(" --yes");
        }
        if ANSWER.iter().any(|asking| line.starts_with(asking)) {
            // 1 says that it is listed, or refused.
            line.push_str(" || test $? = 1");
        }
        let marked = format!("cd '{}'\n{line}\npwd", self.directory);
        let said = self.machine.shell(&marked)?;
        let (said, directory) = match said.trim_end().rsplit_once('\n') {
            Some((said, directory)) => (said.to_owned(), directory),
            None => (String::new(), said.trim_end()),
        };
        directory.clone_into(&mut self.directory);
        Ok(said)
    }
}
