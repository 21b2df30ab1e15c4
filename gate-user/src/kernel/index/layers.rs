//! What the two tables say of one place.

use gate_common::{Reason, index::Decision};

/// Which of the two tables a network is in, and what for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layer {
    /// It is allowed.
    Allow,
    /// It is blocked.
    Block(Reason),
}

impl Layer {
    /// Whether it is allowed, and else the number of the reason.
    pub(super) fn parts(self) -> (bool, u8) {
        match self {
            Self::Allow => (true, 0),
            Self::Block(reason) => (false, reason as u8),
        }
    }
}

/// What the longest networks so far say of one place: the number of a reason, or 0, and a bit for
/// an allow entry.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Layers(u8);

impl Layers {
    const ALLOW: u8 = 0x10;

    /// Lays a longer network over it.
    pub(super) fn paint(&mut self, allow: bool, reason: u8) {
        if allow {
            self.0 |= Self::ALLOW;
        } else {
            self.0 = self.0 & Self::ALLOW | reason;
        }
    }

    /// Lays what longer networks say over it.
    pub(super) fn cover(&mut self, longer: Self) {
        let reason = longer.0 & !Self::ALLOW;
        if reason != 0 {
            self.paint(false, reason);
        }
        self.0 |= longer.0 & Self::ALLOW;
    }

    /// What follows: an allow entry wins over every listing.
    pub(super) fn decision(self) -> Decision {
        match (self.0 & Self::ALLOW != 0, self.0 & !Self::ALLOW) {
            (_, 0) => Decision::CLEAN,
            (true, _) => Decision::ALLOWED,
            (false, reason) => Decision::from_bits(reason),
        }
    }
}
