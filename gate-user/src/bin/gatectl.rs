//! `gatectl`, the operator's hand: see [`gate_user::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    gate_user::cli::main()
}
