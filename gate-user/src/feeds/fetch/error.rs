//! Why a list could not be fetched.

use std::{error::Error, path::PathBuf, time::Duration};

use reqwest::StatusCode;

use super::redirect::RedirectError;

/// Why a list could not be fetched. No variant shows more of an address than host and path.
#[derive(Debug, thiserror::Error)]
pub(in crate::feeds) enum FetchError {
    #[error("ca_file = {}: {why}", .path.display())]
    CaFile { path: PathBuf, why: String },
    #[error("no HTTPS client can be made: {why}")]
    Client { why: String },
    #[error("no answer: {why}")]
    NoAnswer { why: String },
    #[error("it took longer than timeout = {}", humantime::format_duration(*.total))]
    TooSlow { total: Duration },
    #[error("the server answered {status}{}", wait(*.retry_after))]
    Status {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    #[error("{0}")]
    Redirect(#[from] RedirectError),
    #[error("the server sent it elsewhere more than {max} times")]
    RedirectedTooOften { max: usize },
    #[error("the server sent it as `{encoding}`, which was not asked for")]
    Encoding { encoding: String },
    #[error("it is longer than max_size = {max} bytes")]
    TooLong { max: u64 },
    #[error("it was cut off after {received} bytes: {why}")]
    CutOff { received: u64, why: String },
    #[error("the server says that it has not changed, and the copy of it is lost")]
    CopyLost,
}

fn wait(retry_after: Option<Duration>) -> String {
    retry_after.map_or(String::new(), |after| {
        format!(
            ", to be asked again after {}",
            humantime::format_duration(after)
        )
    })
}

impl FetchError {
    /// The status of the server's answer, where that is what is wrong.
    pub(in crate::feeds) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// After how long the server wants to be asked again.
    pub(in crate::feeds) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it cost the server something: it is not to be asked again as soon as one that was
    /// not reached.
    pub(in crate::feeds) fn reached_the_server(&self) -> bool {
        match self {
            Self::CaFile { .. } | Self::Client { .. } | Self::NoAnswer { .. } => false,
            Self::TooSlow { .. }
            | Self::Status { .. }
            | Self::Redirect(_)
            | Self::RedirectedTooOften { .. }
            | Self::Encoding { .. }
            | Self::TooLong { .. }
            | Self::CutOff { .. }
            | Self::CopyLost => true,
        }
    }
}

/// How much is shown of what a server says, in characters.
const MAX_SHOWN: usize = 200;

/// The beginning of what a server says, made fit for a terminal and a log line.
pub(super) fn shown(text: &str) -> String {
    let printable = |c: char| match c {
        ' '..='~' => c,
        _ => '?',
    };
    let mut shown: String = text.chars().take(MAX_SHOWN).map(printable).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// An error with what it comes from, each said once; a server's certificate may be in it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    shown(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_cut_and_made_printable() {
        for (text, expected) in [
            ("br".to_owned(), "br".to_owned()),
            ("a\u{1b}[2J\u{202e}\n".to_owned(), "a?[2J??".to_owned()),
            ("x".repeat(200), "x".repeat(200)),
            ("x".repeat(201), "x".repeat(200) + "..."),
        ] {
            assert_eq!(shown(&text), expected);
            assert_eq!(chain(&std::io::Error::other(text)), expected);
        }
    }
}
