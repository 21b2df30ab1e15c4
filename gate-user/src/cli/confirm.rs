//! The question before what cannot be taken back lightly.

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use super::error::CliError;

/// Says on stderr what will be done, and asks on a terminal whether it shall; `yes` answers
/// beforehand.
///
/// # Errors
/// If the operator says anything but yes, or there is no terminal to ask on.
pub(super) fn confirm(command: &'static str, what: &str, yes: bool) -> Result<(), CliError> {
    eprintln!("{what}");
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::NotConfirmed(command));
    }
    eprint!("Do it? [y/N] ");
    io::stderr().flush().map_err(CliError::Output)?;
    if is_yes(io::stdin().lock()).map_err(CliError::Output)? {
        Ok(())
    } else {
        Err(CliError::Declined)
    }
}

fn is_yes(mut input: impl BufRead) -> io::Result<bool> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(matches!(
        line.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (line, expected) in [
            ("y\n", true),
            ("Yes\n", true),
            (" yes ", true),
            ("", false),
            ("\n", false),
            ("n\n", false),
            ("yeah\n", false),
        ] {
            assert_eq!(is_yes(line.as_bytes()).unwrap(), expected, "{line:?}");
        }
    }
}
