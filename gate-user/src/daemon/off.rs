//! Taking the gate off the wire where no daemon is there to be told: it has ended, cannot start, or
//! is about to be removed from the machine.

use std::path::Path;

use super::{DaemonError, run::load};
use crate::{
    control::server::{Socket, SocketError},
    kernel::Pins,
};

/// Takes off the wire what a daemon with this configuration left there.
///
/// # Errors
///
/// [`DaemonError::Runs`] where one is there still; the configuration is not usable, or the kernel
/// keeps something.
pub async fn detach(config: Option<&Path>) -> Result<(), DaemonError> {
    let config = load(config)?;
    let (paths, control) = (&config.paths, config.paths.control_socket());
    // In the place of a daemon: none starts while its links are taken away.
    let socket = Socket::bind(&control, config.control.mode, None).await;
    let _held = socket.map_err(|error| match error {
        SocketError::InUse { .. } => DaemonError::Runs { control },
        other => other.into(),
    })?;
    match Pins::left(&paths.pins)? {
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
