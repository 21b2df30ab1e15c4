//! What is to stand for one /24: the smallest form that holds it.

use gate_common::index::{
    Decision,
    v4::{BUCKET, LEAF, address, block},
};

/// The part of a slot that tells what it names and decides, below its owner.
pub(in super::super) type Payload = u32;

/// The slots of one /24.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Slots {
    payloads: [Payload; BUCKET],
    len: usize,
}

impl Slots {
    pub(super) const EMPTY: Self = Self {
        payloads: [0; BUCKET],
        len: 0,
    };

    /// The slots, each naming what no other does.
    pub(super) fn as_slice(&self) -> &[Payload] {
        &self.payloads[..self.len]
    }

    /// Adds one; whether there was room.
    pub(super) fn push(&mut self, payload: Payload) -> bool {
        let room = self.len < BUCKET;
        if room {
            self.payloads[self.len] = payload;
            self.len += 1;
        }
        room
    }
}

/// The decisions for one /24.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Content {
    /// One decision for all of it.
    Whole(Decision),
    /// A decision for most of it, and those that differ.
    Slots { default: Decision, slots: Slots },
    /// One for every address.
    Leaf([u8; LEAF]),
}

impl Content {
    /// The smallest form of these decisions, where `default` is that of the prefixes of 24 bits
    /// and fewer.
    pub(super) fn of(default: Decision, decisions: &[u8; 256]) -> Self {
        if decisions.iter().all(|&bits| bits == decisions[0]) {
            return Self::Whole(Decision::from_bits(decisions[0]));
        }
        let mut slots = Slots::EMPTY;
        let mut room = true;
        for (low, sixteen) in (0u8..=255).step_by(16).zip(decisions.chunks_exact(16)) {
            if sixteen.iter().all(|&bits| bits == sixteen[0]) {
                if sixteen[0] != default.bits() {
                    room &= slots.push(block(low) | u32::from(sixteen[0]));
                }
                continue;
            }
            for (low, &bits) in (low..=u8::MAX).zip(sixteen) {
                if bits != default.bits() {
                    room &= slots.push(address(low) | u32::from(bits));
                }
            }
        }
        if room {
            Self::Slots { default, slots }
        } else {
            Self::Leaf(pack(decisions))
        }
    }

    /// The same as a leaf.
    pub(super) fn leaf(&self) -> [u8; LEAF] {
        match self {
            Self::Whole(decision) => pack(&[decision.bits(); 256]),
            Self::Leaf(leaf) => *leaf,
            Self::Slots { default, slots } => {
                let mut decisions = [default.bits(); 256];
                for &payload in slots.as_slice() {
                    decisions[named(payload)].fill(payload as u8 & 15);
                }
                pack(&decisions)
            }
        }
    }
}

/// The low bytes of the addresses that a slot names: one, or sixteen.
pub(super) fn named(payload: Payload) -> std::ops::Range<usize> {
    let node = (payload >> 4 & 0x1ff) as usize;
    if node >= 256 {
        node - 256..node - 255
    } else {
        let low = (node & 15) * 16;
        low..low + 16
    }
}

fn pack(decisions: &[u8; 256]) -> [u8; LEAF] {
    let mut leaf = [0; LEAF];
    for (byte, pair) in leaf.iter_mut().zip(decisions.chunks_exact(2)) {
        *byte = pair[0] | pair[1] << 4;
    }
    leaf
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(default: u8, painted: &[(std::ops::Range<usize>, u8)]) -> [u8; 256] {
        let mut decisions = [default; 256];
        for (range, bits) in painted {
            decisions[range.clone()].fill(*bits);
        }
        decisions
    }

    #[test]
    fn the_smallest_form_is_taken_and_says_the_same() {
        for (default, paint, slots) in [
            (0, vec![(0..256, 0)], None),
            (3, vec![(0..256, 5)], None),
            (0, vec![(7..8, 10)], Some(1)),
            (0, vec![(128..256, 10)], Some(8)),
            (10, vec![(16..33, 13)], Some(2)),
            (10, vec![(0..8, 13), (24..32, 4)], Some(16)),
            (0, vec![(0..17, 1), (100..116, 2)], Some(18)),
        ] {
            let decisions = painted(default, &paint);
            let content = Content::of(Decision::from_bits(default), &decisions);
            assert_eq!(content.leaf(), pack(&decisions), "{paint:?}");
            match (content, slots) {
                (Content::Whole(_), None) => {}
                (Content::Slots { slots, .. }, Some(count)) => {
                    assert_eq!(slots.as_slice().len(), count, "{paint:?}");
                }
                (Content::Leaf(_), Some(count)) => assert!(count > BUCKET, "{paint:?}"),
                other => panic!("{paint:?}: {other:?}"),
            }
        }
    }
}
