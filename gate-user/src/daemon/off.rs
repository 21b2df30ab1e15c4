//! Taking the gate off the wire where no daemon is there to be told: it has ended, cannot start, or
//! is about to be removed from the machine.

use std::{os::unix::net::UnixStream, path::Path};

use super::{DaemonError, run::load};
use crate::kernel::Pins;

/// Takes off the wire what a daemon with this configuration left there.
///
/// # Errors
///
/// [`DaemonError::Runs`] where one is there still; the configuration is not usable, or the kernel
/// keeps something.
pub fn detach(config: Option<&Path>) -> Result<(), DaemonError> {
    let paths = load(config)?.paths;
    let control = paths.control_socket();
    if UnixStream::connect(&control).is_ok() {
        return Err(DaemonError::Runs { control });
    }
    match Pins::left(&paths.pins) {
        Some(pins) => {
            pins.remove()?;
            println!("the gate is off the wire");
        }
        None => println!(
            "there is no gate: nothing is pinned under {}",
            paths.pins.display()
        ),
    }
    Ok(())
}
