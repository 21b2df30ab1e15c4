//! Waiting until every program that runs now has ended.
//!
//! XDP programs run inside an RCU read-side critical section (bottom halves off), so an RCU grace
//! period is enough.

use std::{io, sync::LazyLock};

use super::{KernelError, sys};

/// What the second way needs, made once.
static NESTED: LazyLock<io::Result<sys::NestedMap>> = LazyLock::new(sys::NestedMap::new);

/// Makes what [`wait`] may need, as long as this thread may: most threads of `gated` may not make
/// maps.
pub(super) fn prepare() {
    LazyLock::force(&NESTED);
}

/// Returns once every program that ran when this was called has ended: a few to some tens of
/// milliseconds.
///
/// # Errors
///
/// [`KernelError::Wait`], with what the kernel says if it offers neither way.
pub(super) fn wait() -> Result<(), KernelError> {
    // Refused where CPUs run without a tick (`nohz_full`), or membarrier is not built in.
    sys::membarrier_global()
        .or_else(|_| replace_inner_map())
        .map_err(KernelError::Wait)
}

fn replace_inner_map() -> io::Result<()> {
    match &*NESTED {
        Ok(nested) => nested.replace(),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
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
        replace_inner_map().unwrap();
    }
}
