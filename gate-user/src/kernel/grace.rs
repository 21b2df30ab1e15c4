//! Waiting until every program that runs now has ended.
//!
//! XDP programs run inside an RCU read-side critical section (bottom halves off), so an RCU grace
//! period is enough.

use std::io;

use super::sys;

/// Returns once every program that ran when this was called has ended: a few to some tens of
/// milliseconds.
///
/// # Errors
///
/// What the kernel says if it offers neither way.
pub(super) fn wait() -> io::Result<()> {
    // Refused where CPUs run without a tick (`nohz_full`), or membarrier is not built in.
    sys::membarrier_global().or_else(|_| sys::replace_inner_map())
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
