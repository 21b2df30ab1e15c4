//! docs/first-server.md, word for word: a Debian with Postfix, the package, and what the page has typed
//! and written; and what the page says comes of it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::Lab,
    machine::{Machine, Operator, Step, steps},
};

const PAGE: &str = include_str!("../../../docs/first-server.md");

#[test]
fn the_page_makes_a_gate_of_a_fresh_debian_with_postfix() -> Result<()> {
    let mut lab = Lab::new()?;
    // Postfix is to have its port.
    lab.kill_greeter();
    let machine = Machine::boot(&lab)?;
    // No DNS is in reach, and this way Postfix and gated need not wait to find that out.
    machine.shell(
        "hostname mx.example.org
         echo 'nameserver 127.0.0.1' >/etc/resolv.conf
         systemctl enable --now postfix",
    )?;
    let mut operator = Operator::new(&machine)?;
    let mut sections: Vec<String> = Vec::new();
    for step in steps(PAGE) {
        match step {
            Step::Section(heading) => {
                after(&lab, &machine, sections.last().map(String::as_str))
                    .with_context(|| format!("before `{heading}`"))?;
                sections.push(heading);
            }
            Step::Configuration(text) => machine.write("/etc/gate/gate.toml", &text)?,
            Step::Command(command) => drop(operator.types(&command)?),
        }
    }
    assert_eq!(sections.len(), 8, "{sections:?}");
    Ok(())
}

/// What is to hold when a section has been done.
fn after(lab: &Lab, machine: &Machine<'_>, section: Option<&str>) -> Result<()> {
    match section {
        Some("1. Install") => {
            let version = machine.run("dpkg-query", &["-W", "-f", "${Version}", "gate"])?;
            assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");
        }
        Some("2. Configure") => {
            let page = get(lab, "/")?;
            for text in [
                "Example Mail",
                "postmaster@example.org",
                "id=\"directspam\"",
            ] {
                assert!(page.contains(text), "no {text} in {page}");
            }
        }
        Some("3. Have Postfix ask") => {
            machine.run("gatectl", &["block", "192.0.2.7"])?;
            machine.run("gatectl", &["block", "203.0.113.7", "--reason", "dynamic"])?;
            assert!(connects(lab, "192.0.2.7"), "it only looks");
            let refused = recipient(lab, "203.0.113.7")?;
            assert!(!refused.starts_with("554"), "it only looks: {refused}");
            // As where there is a syslog daemon.
            machine.shell("journalctl -u 'postfix*' -o short >/var/log/mail.log")?;
        }
        Some("4. Look, for a day") => {
            // As the operator goes on: what was seen is there.
            let stats = machine.run("gatectl", &["stats"])?;
            assert!(stats.contains("manual"), "{stats}");
        }
        Some("5. Enforce") => {
            assert!(!connects(lab, "192.0.2.7"));
            assert!(connects(lab, "192.0.2.25"));
            let refused = recipient(lab, "203.0.113.7")?;
            assert!(
                refused.starts_with("554 5.7.1 ")
                    && refused.contains("See http://mx.example.org/#dynamic"),
                "{refused}"
            );
            let page = get(lab, "/?address=192.0.2.7")?;
            for text in ["192.0.2.7 is listed", "connections are not answered"] {
                assert!(page.contains(text), "no {text} in {page}");
            }
        }
        Some("If anything goes wrong") => {
            assert!(connects(lab, "192.0.2.7"));
            assert!(!machine.succeeds("systemctl", &["is-active", "gated"])?);
        }
        _ => {}
    }
    Ok(())
}

/// Whether a connection to Postfix comes about; when it speaks is its own affair.
fn connects(lab: &Lab, from: &str) -> bool {
    lab.from(from).open().is_ok()
}

/// What the page at `path` answers a browser.
fn get(lab: &Lab, path: &str) -> Result<String> {
    let mut stream = lab.from("203.0.113.9").port(80).open()?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: mx.example.org\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    Ok(answer)
}

/// What Postfix says to a recipient that a client at `from` names.
fn recipient(lab: &Lab, from: &str) -> Result<String> {
    let mut stream = lab.from(from).open()?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut answer = String::new();
    for line in [
        "",
        "HELO client.example\r\n",
        "MAIL FROM:<joe@example.org>\r\n",
        "RCPT TO:<root@localhost>\r\n",
    ] {
        stream.write_all(line.as_bytes())?;
        answer.clear();
        replies.read_line(&mut answer)?;
    }
    Ok(answer)
}
