//! Waiting until every program that runs now has ended.
//!
//! XDP programs run inside an RCU read-side critical section (bottom halves off), so an RCU grace
//! period is enough.

use std::io;

use crate::kernel::sys;

const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;

/// Returns once every program that ran when this was called has ended: a few to some tens of
/// milliseconds.
///
/// # Errors
///
/// What the kernel says if it offers neither way.
pub(in crate::kernel) fn wait() -> io::Result<()> {
    // SAFETY: no memory is passed. `synchronize_rcu()` in kernel/sched/membarrier.c.
    let result = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if result == 0 {
        return Ok(());
    }
    // Refused where CPUs run without a tick (`nohz_full`), or membarrier is not built in.
    sys::wait_for_programs()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_grace_period_passes() {
        super::wait().unwrap();
        super::sys::wait_for_programs().unwrap();
    }
}
