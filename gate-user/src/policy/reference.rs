//! Numbers that find a decision in the log.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use jiff::Timestamp;

/// The number of a decision: when the service began, and how many came before. In text
/// `6923e5a0-1f`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reference {
    began: u32,
    number: u64,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.began, self.number)
    }
}

/// Gives numbers out, none of them twice.
#[derive(Debug)]
pub(super) struct References {
    began: u32,
    next: AtomicU64,
}

impl References {
    /// Numbers of a service that began then.
    pub(super) fn new(began: Timestamp) -> Self {
        // The lower half of the seconds is enough to tell one start from another.
        let began = began.as_second().cast_unsigned() & u64::from(u32::MAX);
        Self {
            began: u32::try_from(began).unwrap_or_default(),
            next: AtomicU64::new(1),
        }
    }

    /// The next one.
    pub(super) fn next(&self) -> Reference {
        Reference {
            began: self.began,
            number: self.next.fetch_add(1, Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::reply::{Slot, Template, Values};

    #[test]
    fn no_reference_comes_twice_and_all_fit() {
        let references = References::new("2026-11-22T10:00:00Z".parse().unwrap());
        let (one, two) = (references.next(), references.next());
        assert_ne!(one, two);
        let values = Values::default().reference(one);
        let one = one.to_string();
        assert!(one.len() < Slot::Ref.longest());
        let template: Template = "450 4.0.0 {ref}".parse().unwrap();
        assert_eq!(template.fill(&values).text(), one);
    }
}
