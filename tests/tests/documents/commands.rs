//! Every command of the documents is parsed by the program that it calls, and those of `gatectl` are
//! run against a gate. The others that run have modules of their own: `curl`, `gated`, `xtask`.

use anyhow::{Context as _, Result, ensure};
use clap::{Command as Program, CommandFactory as _};
use gate_tests::{
    lab::{Gate, Lab},
    typed,
};
use gate_user::{cli, daemon};

use super::{
    console::{self, Command},
    page::{self, Page},
    programs,
};

/// What stands in the files that the documents name, by the end of their names, and on standard
/// input, by the command that reads it.
const MATERIAL: [(&str, &str); 4] = [
    (".eml", MAIL),
    ("complaint", MAIL),
    (".log", LOG),
    ("simulate", LOG),
];

/// A report of a feedback loop (RFC 5965), which is a trap's mail as well.
const MAIL: &str = "\
Received: from fbl.example.net (fbl.example.net [20.25.1.7])
\tby mx.example.org (Postfix) with ESMTP id 4F1
From: fbl@example.net
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: example/1
Version: 1
Source-IP: 20.25.0.7

--b
Content-Type: message/rfc822

Received: from spam.example (unknown [20.25.0.7])
\tby mx.example.net (Postfix) with ESMTP id 5F1
Message-ID: <1@spam.example>
From: <a@spam.example>

buy
--b--
";

/// Lines of a Postfix.
const LOG: &str = "\
Nov 26 12:00:00 mx postfix/smtpd[1]: connect from unknown[192.0.2.7]
Nov 26 12:00:01 mx postfix/smtpd[1]: disconnect from unknown[192.0.2.7] ehlo=1 quit=1 commands=2
";

/// What the gate is like that the documents speak to: nobody answers its questions to DNS.
pub(crate) const CONFIG: &str = "[dns]\nservers = [\"127.0.0.1\"]\ntimeout = \"1s\"\n\
                      [[dnsbl.list]]\nsite = \"zen.example\"\n";

/// Of each page, its commands.
pub(crate) fn commands() -> Result<Vec<(Page, Vec<Command>)>> {
    let with_commands = |page: Page| {
        let mut commands = Vec::new();
        for block in &page.blocks {
            let of_block = console::commands(block);
            commands.extend(of_block.with_context(|| page.path.display().to_string())?);
        }
        Ok((page, commands))
    };
    page::all()?.into_iter().map(with_commands).collect()
}

#[test]
fn every_command_line_is_parsed() -> Result<()> {
    let mut parsed = 0;
    for (page, commands) in commands()? {
        for command in commands {
            let at = || format!("{}: {}", page.path.display(), command.join(" "));
            match (command[0].as_str(), command.get(1).map(String::as_str)) {
                ("gatectl", _) => drop(
                    cli::command()
                        .try_get_matches_from(&command)
                        .with_context(at)?,
                ),
                ("gated", _) => {
                    let gated = daemon::Arguments::command();
                    drop(gated.try_get_matches_from(&command).with_context(at)?);
                }
                ("cargo", Some("xtask")) => {
                    // Help is shown only if all before it can be parsed.
                    let help = format!("{} --help", command.join(" "));
                    drop(typed::in_workspace(&help).with_context(at)?);
                }
                // Below, and in the module xtask.
                _ => continue,
            }
            parsed += 1;
        }
    }
    ensure!(parsed > 50, "only {parsed} commands are found");
    Ok(())
}

#[test]
fn what_calls_another_program_is_typed_by_a_test() -> Result<()> {
    for page in page::all()? {
        for block in &page.blocks {
            for command in console::commands(block)? {
                let program = command[0].as_str();
                ensure!(
                    matches!(program, "gatectl" | "gated" | "cargo")
                        || programs::is_tested(&page.path, &block.heading, program),
                    "{}, {}: {}: who runs that?",
                    page.path.display(),
                    block.heading,
                    command.join(" ")
                );
            }
        }
    }
    Ok(())
}

/// Within sentences commands are shortened; their names and options are there all the same.
#[test]
fn commands_in_sentences_are_there() -> Result<()> {
    let mut found = 0;
    for page in page::all()? {
        for code in &page.code {
            let mut words = code.split_whitespace().peekable();
            let mut program = match words.next() {
                Some("gatectl") => cli::command(),
                Some("gated") => daemon::Arguments::command(),
                _ => continue,
            };
            let at = format!("{}: `{code}`", page.path.display());
            program.build();
            while let Some(next) = words.peek().and_then(|word| program.find_subcommand(word)) {
                program = next.clone();
                words.next();
            }
            let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
            let takes_more = program.get_positionals().next().is_some();
            let unknown = words.peek().filter(|word| is_word(word) && !takes_more);
            ensure!(unknown.is_none(), "{at}: there is no {unknown:?}");
            for option in words.filter_map(|word| word.strip_prefix("--")) {
                let option = option.split('=').next().unwrap_or(option);
                ensure!(has_option(&program, option), "{at}: there is no --{option}");
            }
            found += 1;
        }
    }
    ensure!(found > 50, "only {found} commands are found");
    Ok(())
}

fn has_option(program: &Program, option: &str) -> bool {
    let mut options = program
        .get_arguments()
        .filter_map(|argument| argument.get_long());
    options.any(|known| known == option)
}

#[test]
fn every_command_of_gatectl_runs() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().with(CONFIG).start()?;
    for (page, commands) in commands()? {
        gate.ctl(&["block", "192.0.2.7"])?;
        for command in commands.iter().filter(|command| programs::is_run(command)) {
            let at = format!("{}: {}", page.path.display(), command.join(" "));
            run(&lab, &gate, command).context(at)?;
            if command[1] == "detach" {
                gate.wait()?;
                gate.start()?;
            }
        }
    }
    Ok(())
}

/// Runs the command with what it reads. Exit code 1 is an answer, too.
fn run(lab: &Lab, gate: &Gate<'_>, command: &[String]) -> Result<()> {
    let material = |of: &str| {
        let mut material = MATERIAL.iter();
        let (_, content) = material.find(|(name, _)| of.ends_with(name))?;
        Some(*content)
    };
    let mut arguments = vec![command[1].clone()];
    for word in &command[2..] {
        arguments.push(match material(word) {
            Some(content) => {
                let name = word.rsplit('/').next().unwrap_or(word);
                lab.file(name, content)?.display().to_string()
            }
            None => word.clone(),
        });
    }
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if programs::ASKS.contains(&arguments[0]) {
        arguments.push("--yes");
    }
    let input = material(&command[1]).unwrap_or_default();
    let said = gate.pipe(&arguments, input.as_bytes())?;
    ensure!(said.code <= 1, "exit code {}: {}", said.code, said.stderr);
    Ok(())
}
