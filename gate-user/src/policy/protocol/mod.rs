//! The two protocols of the policy socket: octets in, requests out; answers in, octets out.
//!
//! - Postfix's policy delegation (`SMTPD_POLICY_README`): lines `name=value`, an empty line ends the
//!   request; the answer is `action=...` and an empty line. A connection carries one request after
//!   the other.
//! - A line for mail servers that can send one and read one, such as Exim by `${readsocket}`:
//!   `verdict client_address=192.0.2.7 sender=joe@example.org`. `sender` comes last and takes the
//!   rest of the line, so that no address can pass for another attribute. The answer is one line,
//!   `dunno` or the reply, and the end of the connection.
//!
//! A first line that begins with `verdict ` is of the second: no name of an attribute has a space.

mod parser;

pub use parser::{Asked, MAX_ATTRIBUTES, MAX_LINE, MAX_REQUEST, Malformed, Parser};

use super::decide::Action;

/// The answer in Postfix's protocol. A reply is an action of its own there (access(5): `4NN text`,
/// `5NN text`).
pub fn postfix_answer(action: &Action) -> String {
    match action {
        Action::Dunno => "action=DUNNO\n\n".to_owned(),
        Action::Reply(reply) => format!("action={reply}\n\n"),
    }
}

/// The answer in the one-line protocol.
pub fn line_answer(action: &Action) -> String {
    match action {
        Action::Dunno => "dunno\n".to_owned(),
        Action::Reply(reply) => format!("{reply}\n"),
    }
}
