//! Operators who are not root: the group of the control socket, and whoever shows a token over TCP.

use std::{
    fs::{self, Permissions},
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context as _, Result};
use gate_tests::lab::{Gate, Lab, program};

/// A group that Debian has from the start (base-passwd), and that is nobody's own.
const GROUP: &str = "operator";

/// `nobody`, as `gatectl` names the user.
const NOBODY: &str = "uid 65534";

/// A `gatectl` that every user can run, wherever the workspace lies.
fn gatectl(lab: &Lab) -> Result<PathBuf> {
    let copy = lab.dir("bin")?.join("gatectl");
    fs::copy(program("gatectl")?, &copy)?;
    Ok(copy)
}

/// What `gatectl` says to the user nobody, with those groups besides its own.
fn as_nobody(gatectl: &Path, gate: &Gate, groups: &str, arguments: &[&str]) -> Result<Output> {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=nobody", "--regid=nogroup", groups]);
    setpriv.arg(gatectl).arg("--socket").arg(gate.socket());
    let output = setpriv.args(arguments).output();
    output.context("running setpriv (Debian: util-linux)")
}

#[test]
fn who_is_in_the_group_commands_and_who_is_not_is_told_so() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab
        .gate()
        .with(&format!("[control]\ngroup = '{GROUP}'"))
        .start()?;
    let gatectl = gatectl(&lab)?;
    let block = ["block", "192.0.2.0/24"];

    let refused = as_nobody(&gatectl, &gate, "--clear-groups", &block)?;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let says = String::from_utf8(refused.stderr)?;
    let expected = format!(
        "gatectl: {}: permission denied; be root, or in the group of the socket\n",
        gate.socket().display()
    );
    assert_eq!(says, expected);
    assert_eq!(gate.json(&["list"])?["total"], 0, "nothing was done");

    let member = format!("--groups={GROUP}");
    let done = as_nobody(&gatectl, &gate, &member, &block)?;
    assert!(done.status.success(), "{done:?}");
    let allow = ["allow", "192.0.2.25"];
    assert!(
        as_nobody(&gatectl, &gate, &member, &allow)?
            .status
            .success()
    );
    gate.unblock("192.0.2.0/24")?;
    assert!(
        as_nobody(&gatectl, &gate, &member, &["disallow", "192.0.2.25"])?
            .status
            .success()
    );

    let history = gate.json(&["history", "192.0.2.0/24"])?;
    let entries = history["entries"].as_array().context("entries")?;
    let told = |network: &str| {
        let mut found = entries.iter().filter(|it| it["network"] == network);
        let entry = found
            .next()
            .with_context(|| format!("no {network}: {history}"))?;
        anyhow::Ok((entry["added_by"].clone(), entry["ended_by"].clone()))
    };
    assert_eq!(told("192.0.2.0/24")?, (NOBODY.into(), "uid 0".into()));
    assert_eq!(told("192.0.2.25/32")?, (NOBODY.into(), NOBODY.into()));
    Ok(())
}

#[test]
fn a_group_that_does_not_exist_is_named() -> Result<()> {
    let lab = Lab::new()?;
    let started = lab
        .gate()
        .with("[control]\ngroup = 'no-such-group'")
        .start();
    let error = started.expect_err("there is no such group").to_string();
    assert!(
        error.contains("control socket: no group `no-such-group` in /etc/group"),
        "{error}"
    );
    Ok(())
}

/// Status and answer of the API over TCP to a program on the server that shows `secret`, or nothing.
fn api(lab: &Lab, begin: &str, secret: Option<&str>, body: &str) -> Result<(u16, String)> {
    let shown = secret.map(|secret| format!("Authorization: Bearer {secret}\r\n"));
    let request = format!(
        "{begin} HTTP/1.1\r\nHost: 127.0.0.1:9025\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{body}",
        shown.unwrap_or_default(),
        body.len()
    );
    let mut answer = String::new();
    lab.on_server(|| {
        let mut stream = TcpStream::connect("127.0.0.1:9025")?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(request.as_bytes())?;
        stream.read_to_string(&mut answer)?;
        Ok(())
    })?;
    let status = answer.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, answer))
}

#[test]
fn a_token_commands_over_tcp_until_its_secret_or_its_section_is_taken_away() -> Result<()> {
    const FIRST: &str = "first-first-first-first";
    const SECOND: &str = "second-second-second-second";
    let lab = Lab::new()?;
    let file = lab.file("desk.token", FIRST)?;
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    let table = |name: &str| {
        let file = file.display();
        format!(
            "[[web.operators.token]]\nname = \"{name}\"\nfile = \"{file}\"\nrights = \"write\"\n"
        )
    };
    let desk = table("desk");
    let gate = lab.gate().with(&desk).start()?;
    let status = |secret| anyhow::Ok(api(&lab, "GET /v1/status", secret, "")?.0);
    assert_eq!(status(Some(FIRST))?, 200);
    assert_eq!(status(None)?, 401);
    let body = r#"{"network":"192.0.2.0/24","reason":"manual"}"#;
    let (done, answer) = api(&lab, "POST /v1/block", Some(FIRST), body)?;
    assert_eq!(done, 200, "{answer}");
    let history = gate.json(&["history", "192.0.2.0/24"])?;
    assert_eq!(history["entries"][0]["added_by"], "token desk", "{history}");

    fs::write(&file, SECOND)?;
    gate.must(&["reload"])?;
    assert_eq!(status(Some(FIRST))?, 401);
    assert_eq!(status(Some(SECOND))?, 200);

    gate.edit(&desk, &format!("{desk}{}", table("other")))?;
    let said = gate.ctl(&["reload"])?;
    let expected = "the tokens `desk` and `other` have the same secret";
    assert!(said.stderr.contains(expected), "{}", said.stderr);
    assert_eq!(status(Some(SECOND))?, 200, "the former configuration stays");

    gate.edit(&format!("{desk}{}", table("other")), "# nobody\n")?;
    gate.must(&["reload"])?;
    for secret in [Some(FIRST), Some(SECOND), None] {
        let (refused, answer) = api(&lab, "GET /v1/status", secret, "")?;
        assert_eq!(refused, 403, "{secret:?}: {answer}");
        assert!(answer.contains("expected [web.operators]"), "{answer}");
    }
    gate.edit("# nobody\n", &desk)?;
    gate.must(&["reload"])?;
    assert_eq!(status(Some(SECOND))?, 200);
    Ok(())
}
