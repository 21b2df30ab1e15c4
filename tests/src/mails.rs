//! Mails that complain, and giving them to a gate.

use anyhow::{Result, ensure};

use crate::lab::Gate;

/// An ARF report (RFC 5965) by `reporter`, one of our own users, that `source` sent spam.
pub fn report(source: &str, reporter: &str) -> String {
    report_of(&spam(source), source, reporter)
}

/// The same, of that `mail`.
pub fn report_of(mail: &str, source: &str, reporter: &str) -> String {
    format!(
        "From: <{reporter}>\r\nSubject: FW: spam\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report;\r\n boundary=\"part\"\r\n\r\n\
         --part\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n\
         --part\r\nContent-Type: message/feedback-report\r\n\r\n\
         Feedback-Type: abuse\r\nUser-Agent: lab/1\r\nVersion: 1\r\nSource-IP: {source}\r\n\r\n\
         --part\r\nContent-Type: message/rfc822\r\n\r\n{mail}\r\n--part--\r\n"
    )
}

/// A mail that our server had from `source`, with a hop below that its sender made up.
pub fn spam(source: &str) -> String {
    let literal = if source.contains(':') { "IPv6:" } else { "" };
    format!(
        "Received: from spam.example (unknown [{literal}{source}])\r\n\
         \tby mx.example.org (Postfix) with ESMTP id 4F1\r\n\
         Received: from victim.example (victim.example [20.99.99.99])\r\n\
         \tby spam.example (Postfix) with ESMTP id 5F1\r\n\
         Message-ID: <1@spam.example>\r\nFrom: <a@spam.example>\r\n\r\nbuy\r\n"
    )
}

/// `mail` as our user `reporter` forwards it: as an attachment.
pub fn forwarded(mail: &str, reporter: &str) -> String {
    format!(
        "From: <{reporter}>\r\nSubject: Fwd: spam\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nplease stop them\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{mail}\r\n--b--\r\n"
    )
}

/// Hands a mail in, as an alias of the mail server does.
///
/// # Errors
/// It is refused.
pub fn complain(gate: &Gate<'_>, mail: &str) -> Result<()> {
    // local(8) of Postfix puts this line on top.
    let mail = format!("From bounce@example.net Mon Oct 12 10:00:00 2026\n{mail}");
    let said = gate.pipe(&["complaint", "-"], mail.as_bytes())?;
    ensure!(said.code == 0, "{said:?}\n{mail}");
    Ok(())
}

/// Complaints by two reporters: enough to list a source of which nothing good is known.
///
/// # Errors
/// As [`complain`].
pub fn list(gate: &Gate<'_>, source: &str) -> Result<()> {
    complain(gate, &report(source, "one@example.org"))?;
    complain(gate, &report(source, "two@example.org"))
}
