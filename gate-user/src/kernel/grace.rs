//! Waiting until every program that runs now has ended.
//!
//! XDP programs run inside an RCU read-side critical section (bottom halves off), so an RCU grace
//! period is enough.

use super::{KernelError, sys};

/// Returns once every program that ran when this was called has ended: a few to some tens of
/// milliseconds.
///
/// # Errors
///
/// [`KernelError::Wait`], with what the kernel says if it offers neither way.
pub(super) fn wait() -> Result<(), KernelError> {
    // Refused where CPUs run without a tick (`nohz_full`), or membarrier is not built in.
    sys::membarrier_global()
        .or_else(|_| sys::replace_inner_map())
        .map_err(KernelError::Wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_period_passes() {
        wait().unwrap();
    }

    #[test]
    fn each_way_is_there() {
        sys::membarrier_global().unwrap();
        sys::replace_inner_map().unwrap();
    }
}
