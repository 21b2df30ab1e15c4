//! docs/install.md, and what the README has of it.

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
    },
    machine::{Machine, Operator, Step, steps_under},
};

use super::{LISTED, get_on_server};

#[test]
fn installing() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    let mut operator = Operator::new(&machine)?;
    let page = include_str!("../../../docs/install.md");
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
                let page = get_on_server(&lab, &["http://10.25.0.1/"])?;
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
fn what_the_readme_has_typed_is_what_the_page_has() {
    let commands = |page, under: &str| -> Vec<String> {
        let steps = steps_under(page, |heading| heading == under).into_iter();
        let commands = steps.filter_map(|(_, step)| match step {
            Step::Command(command) => Some(command),
            _ => None,
        });
        commands
            .take_while(|command| !command.starts_with("gatectl check"))
            .collect()
    };
    let readme = commands(
        include_str!("../../../README.md"),
        "A real server in five minutes",
    );
    let page = commands(
        include_str!("../../../docs/install.md"),
        "The Debian package",
    );
    assert_eq!(readme.len(), 2, "{readme:?}");
    assert!(
        readme.iter().all(|command| page.contains(command)),
        "{readme:?}"
    );
}
