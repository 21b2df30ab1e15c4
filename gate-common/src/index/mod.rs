//! The index: flat arrays in front of the tries that decide most packets in two reads.
//!
//! Userspace derives them from the tries' content and writes them in place, mapped into its
//! memory; the programs only read them. An index never decides otherwise than the tries would:
//! where it has no room it says [`Decision::ASK`], and the tries are asked.
//!
//! Both sides hash, pack and unpack with the functions here. [`v4`] and [`v6`] say what lies
//! where.

#![allow(
    clippy::cast_possible_truncation,
    clippy::inline_always,
    clippy::precedence,
    reason = "bits are cut to size here, as shifts and masks say; and BPF programs want no calls"
)]

pub mod v4;
pub mod v6;

use crate::Reason;

/// What is to happen to the SYN of a source: four bits.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct Decision(u8);

impl Decision {
    /// The index does not know: the tries decide. An index that nobody has written says this.
    pub const ASK: Self = Self(0);
    /// An allow entry lets it through although a listing covers it.
    pub const ALLOWED: Self = Self(13);
    /// Nothing lists it.
    pub const CLEAN: Self = Self(15);

    /// It is listed for `reason`, and nothing allows it.
    pub const fn listed(reason: Reason) -> Self {
        Self(reason as u8)
    }

    /// The decision of that number; only the low four bits count.
    #[inline(always)]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 15)
    }

    /// Its number, below 16; a listing's is that of its reason.
    #[inline(always)]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The slot of the reason's counters in [`Stats`](crate::Stats), if it is a listing.
    #[inline(always)]
    pub const fn slot(self) -> Option<usize> {
        if self.0 >= 1 && self.0 <= Reason::ALL.len() as u8 {
            Some(self.0 as usize)
        } else {
            None
        }
    }
}

const _: () = assert!(Reason::ALL.len() < Decision::ALLOWED.0 as usize);
