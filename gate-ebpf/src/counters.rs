//! This CPU's counters.

use gate_common::{Family, Stats};

use crate::{maps, parse::Source};

/// The counters of this CPU for `family`.
///
/// They are this program's alone while it runs: XDP programs do not interrupt one another on a
/// CPU, and userspace only reads.
#[inline(always)]
pub fn of(family: Family) -> Option<&'static mut Stats> {
    let stats = maps::STATS.get_ptr_mut(family as u32)?;
    // SAFETY: the element lives as long as the map, which outlives the program; nobody else
    // writes it meanwhile.
    Some(unsafe { &mut *stats })
}

impl Source {
    /// The address family.
    #[inline(always)]
    pub fn family(&self) -> Family {
        match self {
            Self::V4(_) => Family::V4,
            Self::V6(_) => Family::V6,
        }
    }
}
