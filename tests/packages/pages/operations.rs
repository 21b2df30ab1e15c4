//! docs/operations.md: every day, locked out, backup, and off the wire.

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
    },
    machine::{Machine, Operator, Step, Version, steps_under},
};

use super::LISTED;

/// What the page has typed to keep the gate off, and for a backup.
const NEVER_AGAIN: &str = "systemctl disable --now gated gate-policy.socket gate-web.socket";
const BACKUP_STOP: &str = "systemctl stop gate-policy.socket gate-web.socket gated";
const BACKUP: &str = "tar czf /var/backups/gate-$(date +%F).tar.gz /etc/gate /var/lib/gate";

/// In the same network: the address that the page lets in.
const LET_IN: &str = "192.0.2.25";

#[test]
fn operations() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    let mut operator = Operator::new(&machine)?;
    let mut typed = 0;
    for (heading, step) in steps_under(include_str!("../../../docs/operations.md"), |_| true) {
        let Step::Command(command) = step else {
            continue;
        };
        let at = || format!("{heading}: {command}");
        before(&lab, &machine, &command).with_context(at)?;
        operator.types(&command).with_context(at)?;
        after(&lab, &machine, &heading, &command).with_context(at)?;
        typed += 1;
    }
    ensure!(typed == 21, "{typed} commands");
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
        BACKUP_STOP => drop(machine.shell("gatectl mode enforce; gatectl block 192.0.2.7")?),
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
        NEVER_AGAIN => {
            assert!(!machine.succeeds("systemctl", &["is-enabled", "gated"])?);
            assert!(!is_active()?);
        }
        BACKUP_STOP => assert_eq!(lab.connect(LISTED)?, TimedOut, "while it copies"),
        BACKUP => {
            let copied = machine.shell("tar tzf /var/backups/gate-*.tar.gz")?;
            for file in ["etc/gate/gate.toml", "var/lib/gate/gate.db"] {
                assert!(copied.lines().any(|line| line == file), "{copied}");
            }
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
