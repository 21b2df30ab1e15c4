//! `cargo xtask demo`: builds the lab's own demo and runs it as root.

use anyhow::Result;

use crate::{
    build,
    run::{as_root, run},
    setup,
};

/// Shows the gate at work.
pub(crate) fn demo() -> Result<()> {
    let programs = build::programs(&["gated", "gatectl", "gate-lab"], false)?;
    setup::tools()?;
    run(as_root(programs.join("gate-lab"), "cargo xtask demo")?.arg("demo"))
}
