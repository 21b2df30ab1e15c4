//! What standard output is fit for: the one place that decides whether there is a screen to draw
//! on, and whether colours are shown.
//!
//! In: `--color`, the terminal, and what the environment says of both (`NO_COLOR`, `CLICOLOR`,
//! `CLICOLOR_FORCE`, `TERM`; `CI`: its logs show colours, whatever its terminal is called).

use std::{
    env,
    io::{self, IsTerminal as _, Write},
};

use anstream::{AutoStream, ColorChoice};
use crossterm::{
    cursor::MoveTo,
    execute,
    terminal::{Clear, ClearType},
};

/// Whether standard output is a terminal whose cursor can be moved.
pub(super) fn is_screen() -> bool {
    io::stdout().is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// Whether it is, and there is a keyboard.
pub(super) fn is_interactive() -> bool {
    is_screen() && io::stdin().is_terminal()
}

/// Whether colours are shown.
pub(super) fn has_colours() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Standard output; the colours of what is written go no further where none are shown.
pub(super) fn output() -> impl Write {
    AutoStream::auto(io::stdout())
}

/// Makes an empty screen, its cursor at the top.
pub(super) fn clear() -> io::Result<()> {
    execute!(io::stdout(), MoveTo(0, 0), Clear(ClearType::FromCursorDown))
}
