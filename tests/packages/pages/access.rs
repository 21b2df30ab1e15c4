//! Who may command the gate (docs/gatectl.md), and see it in a browser (docs/operators-page.md).

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::Lab,
    machine::{Machine, Operator, Step, Version, steps_under},
};

use super::{LISTED, get_on_server};

#[test]
fn who_may_command_the_gate() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    let mut operator = Operator::new(&machine)?;
    machine.shell("useradd alice; useradd bob; mkdir /etc/gate")?;
    let page = include_str!("../../../docs/gatectl.md");
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
    machine.install(Version::This)?;
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
    let page = include_str!("../../../docs/operators-page.md");
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
                        get_on_server(&lab, &[status])?.starts_with('{'),
                        "from the machine itself"
                    );
                }
            }
            Step::Section(_) => {}
        }
    }
    ensure!(typed == 4, "{typed} commands");
    let answer = get_on_server(&lab, &[status])
        .err()
        .context("who has no token sees it")?;
    assert!(answer.to_string().contains("401"), "{answer}");
    let secret = machine.shell("cat /etc/gate/desk.token")?;
    let token = format!("Authorization: Bearer {}", secret.trim());
    assert!(get_on_server(&lab, &["-H", &token, status])?.starts_with('{'));
    Ok(())
}
