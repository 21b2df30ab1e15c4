//! Descriptors that whoever started this process passed to it (sd_listen_fds(3)).

use std::{
    io,
    os::fd::{FromRawFd as _, OwnedFd},
    sync::atomic::{AtomicBool, Ordering},
};

/// The descriptors that were passed, each with its name. To be asked for before this process opens
/// anything; the second time there are none.
///
/// # Errors
///
/// The environment speaks of descriptors that are not there.
pub fn passed_descriptors() -> io::Result<Vec<(String, OwnedFd)>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let passed = sd_notify::listen_fds_with_names()?;
    Ok(passed
        .map(|(fd, name)| {
            // SAFETY: it is open, as `listen_fds_with_names` has just set a flag on it; it was passed
            // to this very process (LISTEN_PID), and is taken no second time.
            (name, unsafe { OwnedFd::from_raw_fd(fd) })
        })
        .collect())
}
