//! The documents' calls of curl, made as they stand: to the control socket, and over TCP with a token.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{Gate, Lab},
    typed,
};

use super::{commands::commands, console::Command};

/// Where the documents have the control socket, and the secret of a token.
const SOCKET: &str = "/run/gate/control.sock";
const TOKEN: &str = "$(cat /etc/gate/desk.token)";
/// The secret.
const SECRET: &str = "desk-desk-desk-desk-desk";

#[test]
fn every_call_of_curl_is_answered() -> Result<()> {
    let lab = Lab::new()?;
    let token = lab.file("desk.token", SECRET)?;
    fs::set_permissions(&token, Permissions::from_mode(0o600))?;
    let web = format!(
        "[web.operators]\nlisten = [\"127.0.0.1:9025\"]\n\
         [[web.operators.token]]\nname = \"desk\"\nfile = \"{}\"\nrights = \"read\"\n",
        token.display()
    );
    let gate = lab
        .gate()
        .with(&format!("{}{web}", super::commands::CONFIG))
        .start()?;
    let mut called = 0;
    for (page, commands) in commands()? {
        for command in commands.iter().filter(|command| command[0] == "curl") {
            let at = format!("{}: {}", page.path.display(), command.join(" "));
            call(&lab, &gate, command).context(at)?;
            called += 1;
        }
    }
    ensure!(called > 3, "only {called} calls are found");
    Ok(())
}

fn call(lab: &Lab, gate: &Gate<'_>, command: &Command) -> Result<()> {
    let socket = gate.socket().display().to_string();
    let words = command[1..]
        .iter()
        .map(|word| word.replace(SOCKET, &socket).replace(TOKEN, SECRET));
    let mut curl = lab.server_command("curl");
    curl.args(["--silent", "--show-error", "--fail-with-body"]);
    let answer = typed::output(curl.args(words))?;
    ensure!(
        answer.starts_with('{') || answer.starts_with("# HELP "),
        "{answer}"
    );
    Ok(())
}
