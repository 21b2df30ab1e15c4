//! The pages for whoever runs a gate, word for word: what they have typed and written is, in a Debian that
//! boots, and what they say comes of it is looked at behind each command.

use std::time::Duration;

use anyhow::Result;
use gate_tests::{lab::Lab, typed};

mod access;
mod first_server;
mod installing;
mod mail;
mod operations;

/// Listed by the tests.
const LISTED: &str = "192.0.2.7";

/// What the machine answers to curl on it.
fn get_on_server(lab: &Lab, arguments: &[&str]) -> Result<String> {
    let mut curl = lab.server_command("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    let patience = Duration::from_secs(30).as_secs().to_string();
    typed::output(curl.args(["--max-time", &patience]).args(arguments))
}
