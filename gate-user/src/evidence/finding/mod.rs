//! What DNS said of sources, as evidence: stored, scored, and the listings that follow.
//!
//! In: [`Finding`]s of the [`dns::inquiry`](crate::dns::inquiry), in the transaction of the one
//! writer. Out: listings of the origins `dnsbl` and `ptr`, begun, renewed and ended; a part of the
//! score; and for a rollup the names of a [`Sample`]. An answer that cannot be had changes nothing:
//! the former one stays until it is too old, and then lapses (invariant 7).

mod judge;
mod model;
pub(super) mod store;
mod take;
#[cfg(test)]
mod tests;

pub(super) use take::oldest;
pub use {
    model::{Finding, ListAnswer, Occasion, Reverse, Sample, Standing},
    take::{
        Ground, ask_all_again, due, findings_of, heard_of, judge_again, pardon, rests_on_dns,
        take_findings, take_samples, withdraw,
    },
};
