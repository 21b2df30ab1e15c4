//! `gatectl` on a real terminal: the live view, and colours.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{Gate, Lab, Outcome::TimedOut, program},
    terminal::Terminal,
};
use rustix::process::{Pid, Signal, kill_process};

/// `gatectl` to `gate`, as a shell takes it.
fn gatectl(gate: &Gate) -> Result<String> {
    let (program, socket) = (program("gatectl")?, gate.socket());
    Ok(format!(
        "{} --socket {}",
        program.display(),
        socket.display()
    ))
}

/// Has the shell do `line` on an empty screen, as the command of that number, and waits for its end.
fn shell(terminal: &Terminal, number: usize, line: &str) -> Result<()> {
    terminal.enter(&format!("clear; {line}; echo 'end of' {number}"))?;
    terminal.wait("done", |screen| {
        screen.contains(&format!("end of {number}"))
    })
}

/// Waits until the shell has the terminal again, as it was.
fn given_back(terminal: &Terminal, settings: &str) -> Result<()> {
    terminal.wait("given back", |screen| screen.contains("ready>"))?;
    ensure!(
        terminal.is_taken()? == (false, true),
        "another screen, or no cursor: {:?}",
        terminal.is_taken()?
    );
    assert_eq!(terminal.settings()?, settings);
    Ok(())
}

#[test]
fn top_shows_a_drop_in_every_size_and_gives_the_terminal_back() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().set("sample", 1).start()?;
    gate.block("192.0.2.0/24")?;
    let terminal = Terminal::new(&lab, 80, 24)?;
    let settings = terminal.settings()?;
    terminal.enter(&format!("{} top", gatectl(&gate)?))?;
    terminal.wait("the keys", |screen| screen.contains(" q  quit"))?;
    assert_eq!(terminal.is_taken()?, (true, false));
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    let shows_drop = |screen: &str| {
        let mut lines = screen.lines();
        let rate = lines.any(|line| line.starts_with("manual "));
        rate && lines.any(|line| line.starts_with("192.0.2.7 "))
    };
    terminal.wait("the drop", shows_drop)?;

    terminal.resize(36, 14)?;
    terminal.wait("narrow", |screen| {
        let lines: Vec<_> = screen.lines().collect();
        shows_drop(screen) && lines.len() == 14 && lines[13].starts_with(" q  quit")
    })?;
    terminal.resize(120, 40)?;
    terminal.wait("wide", |screen| {
        shows_drop(screen)
            && screen
                .lines()
                .nth(39)
                .is_some_and(|keys| keys.contains("hold"))
    })?;

    terminal.key("2")?;
    terminal.wait("networks", |screen| screen.contains("\n192.0.2.0/24 "))?;
    terminal.key("?")?;
    terminal.wait("help", |screen| screen.contains("sort by the next column"))?;
    terminal.key("q")?;
    given_back(&terminal, &settings)
}

#[test]
fn top_waits_for_a_daemon_that_is_away() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    let terminal = Terminal::new(&lab, 100, 24)?;
    let settings = terminal.settings()?;
    terminal.enter(&format!("{} top", gatectl(&gate)?))?;
    terminal.wait("the gate", |screen| screen.contains("gate enforce"))?;
    gate.stop()?;
    terminal.wait("told of", |screen| {
        screen.contains("trying again, for") && screen.contains("gate enforce")
    })?;
    gate.start()?;
    terminal.wait("there again", |screen| !screen.contains("trying again"))?;
    terminal.key("C-c")?;
    given_back(&terminal, &settings)
}

#[test]
fn a_signal_ends_top_and_gives_the_terminal_back() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let terminal = Terminal::new(&lab, 80, 24)?;
    let settings = terminal.settings()?;
    let file = lab.dir("top")?.join("pid");
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let (pid, gatectl) = (file.display(), gatectl(&gate)?);
        terminal.enter(&format!(
            "clear; sh -c 'echo $$ >{pid}; exec {gatectl} top'"
        ))?;
        terminal.wait("the gate", |screen| screen.contains("gate enforce"))?;
        let pid = fs::read_to_string(&file)?.trim().parse()?;
        kill_process(Pid::from_raw(pid).context("no process")?, signal)?;
        given_back(&terminal, &settings)?;
    }
    Ok(())
}

#[test]
fn colours_are_for_terminals_and_for_who_wants_them() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    gate.block("192.0.2.7")?;
    let red = |text: &str| text.contains("\u{1b}[31m");
    let check = ["check", "192.0.2.7"];
    assert!(!red(&gate.ctl(&check)?.stdout), "into a pipe");
    let always = gate.ctl(&[&check[..], &["--color", "always"]].concat())?;
    assert!(red(&always.stdout), "into a pipe that wants them");

    let terminal = Terminal::new(&lab, 100, 24)?;
    let gatectl = gatectl(&gate)?;
    let lines = [
        (format!("{gatectl} check 192.0.2.7"), true),
        (format!("NO_COLOR=1 {gatectl} check 192.0.2.7"), false),
        (format!("TERM=dumb {gatectl} check 192.0.2.7"), false),
        (format!("{gatectl} --color never check 192.0.2.7"), false),
        (
            format!("NO_COLOR=1 {gatectl} --color always check 192.0.2.7"),
            true,
        ),
        (format!("{gatectl} check 192.0.2.7 | cat"), false),
        (
            format!("CLICOLOR_FORCE=1 {gatectl} check 192.0.2.7 | cat"),
            true,
        ),
    ];
    for (number, (line, coloured)) in lines.into_iter().enumerate() {
        shell(&terminal, number, &line)?;
        let screen = terminal.coloured_screen()?;
        assert!(screen.contains("listed as manual"), "{line}: {screen}");
        assert_eq!(red(&screen), coloured, "{line}: {screen:?}");
    }
    for (line, coloured) in [
        (format!("NO_COLOR=1 {gatectl} top"), false),
        (format!("{gatectl} --color=never top"), false),
        (format!("{gatectl} top"), true),
    ] {
        terminal.enter(&format!("clear; {line}"))?;
        terminal.wait("the gate", |screen| screen.contains("calm for"))?;
        let screen = terminal.coloured_screen()?;
        // Green, of the eight colours or of the 256.
        let green = ["[32m", ";32m", "38;5;2m"];
        let is_green = green.iter().any(|one| screen.contains(one));
        assert_eq!(is_green, coloured, "{line}: {screen:?}");
        terminal.key("q")?;
        terminal.wait("given back", |screen| screen.contains("ready>"))?;
    }
    Ok(())
}

#[test]
fn without_a_screen_top_is_a_table() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let said = gate.must(&["top"])?;
    assert!(said.starts_with("since "), "{said}");
    let terminal = Terminal::new(&lab, 80, 24)?;
    let gatectl = gatectl(&gate)?;
    for (number, line) in [
        format!("{gatectl} top --once"),
        format!("TERM=dumb {gatectl} top"),
    ]
    .iter()
    .enumerate()
    {
        shell(&terminal, number, line)?;
        let screen = terminal.screen()?;
        assert!(screen.starts_with("since "), "{line}: {screen}");
    }
    Ok(())
}

#[test]
fn stats_are_watched_on_a_screen_and_end_with_their_reader() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let terminal = Terminal::new(&lab, 80, 24)?;
    let gatectl = gatectl(&gate)?;
    terminal.enter(&format!("{gatectl} stats --watch"))?;
    terminal.wait("rates in place of what was there", |screen| {
        screen.starts_with("mode enforce\n") && screen.contains("0.0/s")
    })?;
    terminal.key("C-c")?;
    terminal.wait("ended", |screen| screen.contains("ready>"))?;

    let mut watch = Command::new("sh");
    watch.args(["-c", &format!("{gatectl} stats --watch | head -n 1")]);
    let mut child = watch.stdout(Stdio::piped()).spawn()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
        }
        ensure!(Instant::now() < deadline, "it goes on without a reader");
        thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output()?;
    assert_eq!(output.stdout, b"mode enforce\n");
    Ok(())
}
