//! The pages for whoever runs a gate, word for word: installing, operations, who may command the gate
//! and see it. What each says comes of its commands is looked at behind them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
    },
    machine::{Machine, Operator, Step, Version, steps},
};

/// Listed by the tests.
const LISTED: &str = "192.0.2.7";
/// In the same network: the address that docs/operations.md lets in.
const LET_IN: &str = "192.0.2.25";

/// The steps of `page`, each with the heading above it, under the headings for which `wanted` holds.
fn steps_under(page: &str, wanted: impl Fn(&str) -> bool) -> Vec<(String, Step)> {
    let mut heading = String::new();
    let mut under = Vec::new();
    for step in steps(page) {
        match step {
            Step::Section(section) => heading = section,
            step if wanted(&heading) => under.push((heading.clone(), step)),
            _ => {}
        }
    }
    under
}

#[test]
fn installing() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    let mut operator = Operator::new(&machine)?;
    let page = include_str!("../../docs/install.md");
    // These two are of what `cargo xtask test --full` makes.
    let elsewhere = ["The tarball", "Building them"];
    let mut typed = 0;
    for (heading, step) in steps_under(page, |heading| !elsewhere.contains(&heading)) {
        let Step::Command(command) = step else {
            continue;
        };
        let at = || format!("{heading}: {command}");
        let said = operator.types(&command).with_context(at)?;
        typed += 1;
        match (heading.as_str(), command.as_str()) {
            (_, "gatectl status") => assert!(said.contains("eth0"), "{said}"),
            ("The policy socket in systemd's hands", "systemctl start gated") => {
                let socket = machine.run("stat", &["-c", "%A %U:%G", "/run/gate/policy.sock"])?;
                assert_eq!(socket.trim(), "srw-rw---- root:postfix");
                machine.run("gatectl", &["block", LISTED])?;
                assert_eq!(lab.connect(LISTED)?, TimedOut);
            }
            ("The policy socket in systemd's hands", "gatectl detach") => {
                assert_eq!(lab.connect(LISTED)?, Connected);
                assert!(!machine.succeeds("systemctl", &["is-active", "gated"])?);
            }
            ("The page in systemd's hands", "systemctl start gated") => {
                let page = get(&lab, &["http://10.25.0.1/"])?;
                assert!(page.contains("id=\"directspam\""), "{page}");
                assert_eq!(lab.connect(LISTED)?, TimedOut, "it is back on the wire");
            }
            _ => {}
        }
    }
    ensure!(typed == 11, "{typed} commands");
    Ok(())
}

#[test]
fn operations() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    let mut operator = Operator::new(&machine)?;
    let mut typed = 0;
    for (heading, step) in steps_under(include_str!("../../docs/operations.md"), |_| true) {
        let Step::Command(command) = step else {
            continue;
        };
        let at = || format!("{heading}: {command}");
        before(&lab, &machine, &command).with_context(at)?;
        operator.types(&command).with_context(at)?;
        after(&lab, &machine, &heading, &command).with_context(at)?;
        typed += 1;
    }
    ensure!(typed == 20, "{typed} commands");
    Ok(())
}

/// Brings about what each command of docs/operations.md is for.
fn before(lab: &Lab, machine: &Machine<'_>, command: &str) -> Result<()> {
    match command {
        "gatectl check 192.0.2.25" => {
            machine.run("gatectl", &["block", "192.0.2.0/24"])?;
            assert_eq!(lab.connect(LET_IN)?, TimedOut);
        }
        // "If gated does not run, the kernel still enforces".
        "gated --config /etc/gate/gate.toml --detach" | "rm -r /sys/fs/bpf/gate" => {
            machine.shell("systemctl start gated; gatectl mode enforce; systemctl stop gated")?;
            assert_eq!(lab.connect(LISTED)?, TimedOut);
        }
        // Of the next section.
        "gatectl mode monitor" => drop(machine.run("systemctl", &["start", "gated"])?),
        "systemctl stop gated" => {
            machine.shell("gatectl mode enforce; gatectl block 192.0.2.7")?;
        }
        _ => {}
    }
    Ok(())
}

/// Whether what docs/operations.md says has come of a command.
fn after(lab: &Lab, machine: &Machine<'_>, heading: &str, command: &str) -> Result<()> {
    let is_active = || machine.succeeds("systemctl", &["is-active", "gated"]);
    match command {
        "gatectl allow 192.0.2.25" => {
            assert_eq!(lab.connect(LET_IN)?, Connected);
            assert_eq!(lab.connect(LISTED)?, TimedOut);
        }
        "gatectl mode monitor" | "rm -r /sys/fs/bpf/gate" => {
            assert_eq!(lab.connect(LISTED)?, Connected);
        }
        "gatectl detach" | "gated --config /etc/gate/gate.toml --detach" => {
            assert_eq!(lab.connect(LISTED)?, Connected);
            assert!(!is_active()?);
            assert!(!machine.succeeds("test", &["-e", "/sys/fs/bpf/gate"])?);
        }
        "gatectl flush --all" => {
            assert!(machine.succeeds("gatectl", &["check", LISTED])?);
            let allowed = machine.run("gatectl", &["list", "--allow"])?;
            assert!(allowed.contains(LET_IN), "allow entries stay: {allowed}");
        }
        "systemctl stop gated" => assert_eq!(lab.connect(LISTED)?, TimedOut, "while it copies"),
        "cp -a /var/lib/gate /var/backups/gate" => {
            drop(machine.run("test", &["-s", "/var/backups/gate/gate.db"])?);
        }
        "gatectl export --format json >listings.json" => {
            let listings = machine.shell("cat /packages/listings.json")?;
            assert!(listings.contains("192.0.2.7/32"), "{listings}");
        }
        "rm -r /var/lib/gate" => {
            assert_eq!(heading, "Take it off");
            machine.run("systemctl", &["start", "gated"])?;
            let forgotten = machine.succeeds("gatectl", &["check", LISTED])?;
            assert!(forgotten, "what was listed is forgotten");
        }
        _ => {}
    }
    Ok(())
}

#[test]
fn who_may_command_the_gate() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    let mut operator = Operator::new(&machine)?;
    machine.shell("useradd alice; useradd bob; mkdir /etc/gate")?;
    let page = include_str!("../../docs/gatectl.md");
    let mut typed = 0;
    for (_, step) in steps_under(page, |heading| heading == "Who may use it") {
        match step {
            Step::Configuration(text) => machine.write("/etc/gate/gate.toml", &text)?,
            // Those of gatectl have no gate yet; the documents' test runs them.
            Step::Command(command) if !command.starts_with("gatectl ") => {
                operator.types(&command)?;
                typed += 1;
            }
            _ => {}
        }
    }
    ensure!(typed == 2, "{typed} commands");
    machine.shell(
        "apt-get --yes -o Dpkg::Options::=--force-confold install /packages/gate_0.1*.deb",
    )?;
    machine.run("runuser", &["-u", "alice", "gatectl", "block", LISTED])?;
    assert!(!machine.succeeds("runuser", &["-u", "bob", "gatectl", "status"])?);
    Ok(())
}

#[test]
fn who_may_see_the_operators_page() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    let mut operator = Operator::new(&machine)?;
    let status = "http://127.0.0.1:9025/v1/status";
    let mut configuration = String::new();
    let mut typed = 0;
    let sections = ["The operators' page, and the API over TCP", "Who may"];
    let page = include_str!("../../docs/operators-page.md");
    for (_, step) in steps_under(page, |heading| sections.contains(&heading)) {
        match step {
            Step::Configuration(text) => {
                configuration.push_str(&text);
                machine.write("/etc/gate/gate.toml", &configuration)?;
            }
            // From a desk, which is not this machine.
            Step::Command(command) if command.starts_with("ssh ") => {}
            Step::Command(command) => {
                operator.types(&command)?;
                typed += 1;
                if command == "systemctl restart gated" {
                    assert!(
                        get(&lab, &[status])?.starts_with('{'),
                        "from the machine itself"
                    );
                }
            }
            Step::Section(_) => {}
        }
    }
    ensure!(typed == 4, "{typed} commands");
    let answer = get(&lab, &[status])
        .err()
        .context("who has no token sees it")?;
    assert!(answer.to_string().contains("401"), "{answer}");
    let secret = machine.shell("cat /etc/gate/desk.token")?;
    let token = format!("Authorization: Bearer {}", secret.trim());
    assert!(get(&lab, &["-H", &token, status])?.starts_with('{'));
    Ok(())
}

/// What the machine answers to curl on it.
fn get(lab: &Lab, arguments: &[&str]) -> Result<String> {
    let mut curl = lab.server_command("curl");
    curl.args(["--silent", "--show-error", "--fail"]);
    let patience = Duration::from_secs(30).as_secs().to_string();
    let output = curl
        .args(["--max-time", &patience])
        .args(arguments)
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "curl {arguments:?}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}
