//! What docs/evidence.md and docs/policy.md do with mails and logs.

use anyhow::{Result, bail, ensure};
use gate_tests::{
    lab::Lab,
    machine::{Machine, Operator, Step, Version, steps_under},
    mails::report,
};

use super::LISTED;

#[test]
fn a_mail_that_was_refused_is_handed_in_again() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    machine.write("/root/report.eml", &report("20.2.0.7", "one@example.org"))?;
    let refused = "systemctl reload gated; gatectl complaint /root/report.eml || test $? = 65
                   cd /var/lib/gate/quarantine; mv * 20261012T120000Z-0000000000";
    machine.write(
        "/etc/gate/gate.toml",
        "[evidence]\nown_relays = [\"20.0.0.0/8\"]\n",
    )?;
    machine.shell(refused)?;
    // Those were no relays of ours.
    machine.write("/etc/gate/gate.toml", "")?;
    machine.run("systemctl", &["reload", "gated"])?;
    let mut operator = Operator::new(&machine)?;
    let page = include_str!("../../../docs/evidence.md");
    let mut typed = 0;
    for (_, step) in steps_under(page, |heading| heading == "What is refused") {
        if let Step::Command(command) = step {
            operator.types(&command)?;
            typed += 1;
        }
    }
    ensure!(typed == 1, "{typed} commands");
    let complaints = machine.run("gatectl", &["complaints"])?;
    assert!(complaints.contains("20.2.0.7"), "{complaints}");
    Ok(())
}

#[test]
fn the_policy_service_is_tried_out() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    machine.run("gatectl", &["block", LISTED, "--reason", "dynamic"])?;
    // As logrotate leaves them.
    machine.shell(
        "log() { echo \"Nov $1 12:00:00 mx postfix/smtpd[1]: connect from unknown[$2]\"; }
         log 26 192.0.2.7 >/var/log/mail.log
         log 25 192.0.2.7 | gzip >/var/log/mail.log.2.gz",
    )?;
    let mut operator = Operator::new(&machine)?;
    let page = include_str!("../../../docs/policy.md");
    let mut said = Vec::new();
    for (_, step) in steps_under(page, |heading| heading == "Trying it out") {
        if let Step::Command(command) = step {
            said.push(operator.types(&command)?);
        }
    }
    let [verdict, _, simulated] = said.as_slice() else {
        bail!("{said:?}");
    };
    assert!(verdict.contains("554 5.7.1 "), "{verdict}");
    assert!(simulated.contains("2 connections"), "{simulated}");
    Ok(())
}
