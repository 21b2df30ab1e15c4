//! The policy service behind a socket that systemd holds.

use anyhow::Result;
use gate_tests::{
    lab::Lab,
    machine::{Machine, Version},
};

/// Asks once, and prints the answer.
const ASK: &str = r#"perl -MIO::Socket::UNIX -e '
    my $s = IO::Socket::UNIX->new(Peer => "/run/gate/policy.sock") or die "$!";
    print $s "verdict client_address=192.0.2.7 protocol_state=RCPT\n"; print <$s>'"#;

#[test]
fn a_mail_server_that_asks_during_a_restart_waits_and_is_answered() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    machine.run("gatectl", &["block", "192.0.2.7"])?;
    let own = machine.shell(ASK)?;
    assert!(own.starts_with("554 "), "{own}");

    machine.shell(
        "systemctl stop gated
         systemctl enable --now gate-policy.socket
         systemctl start gated",
    )?;
    let socket = machine.run("stat", &["-c", "%A %U:%G", "/run/gate/policy.sock"])?;
    assert_eq!(socket.trim(), "srw-rw---- root:postfix");
    assert_eq!(machine.shell(ASK)?, own);
    let answers = machine.shell(&format!(
        "systemctl --no-block restart gated; for i in $(seq 20); do {ASK}; done"
    ))?;
    assert_eq!(answers.lines().count(), 20, "{answers}");
    assert!(
        answers.lines().all(|answer| answer == own.trim_end()),
        "{answers}"
    );
    Ok(())
}
