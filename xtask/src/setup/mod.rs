//! `cargo xtask setup`: a compiler and a linker for BPF programs, for the tests their tools, and for
//! packages what makes them.
//!
//! What is there is found by looking, so that a second run installs nothing. What is missing comes
//! from Debian's packages where there is apt, and else from rustup; the rest is said.

use anyhow::Result;

use crate::run::say;

mod apt;
mod book;
mod compiler;
mod linker;
mod machine;
mod packager;
mod tools;

pub(crate) use book::book;
pub(crate) use machine::machine;
pub(crate) use packager::{Static, packager, static_programs};
pub(crate) use tools::{lints, test_tools, tools};

/// Makes it possible to build the kernel program.
///
/// # Errors
/// What is missing, and how to install it, where this cannot.
pub(crate) fn toolchain() -> Result<()> {
    if let Some(object) = std::env::var_os("GATE_BPF_OBJECT") {
        say(&format!(
            "setup: nothing to do, GATE_BPF_OBJECT={} is embedded",
            object.display()
        ));
        return Ok(());
    }
    let (compiler, installed_compiler) = compiler::provide()?;
    let (linker, installed_linker) = linker::provide(&compiler)?;
    let done = if installed_compiler || installed_linker {
        "done"
    } else {
        "nothing to install"
    };
    say(&format!("setup: {done}; {compiler}, {linker}"));
    Ok(())
}
