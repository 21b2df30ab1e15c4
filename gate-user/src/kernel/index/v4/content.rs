//! What is to stand for one /24: the smallest form that holds it.

use gate_common::index::{
    Decision,
    v4::{ALONE, BUCKET, LEAF, WHOLE, address, block, leaf_choice, node},
};

/// The part of a slot that tells what it speaks of and decides, below its owner.
pub(in super::super) type Payload = u32;

/// The payload that gives `node` this decision.
pub(super) fn payload(node: u32, decision: Decision) -> Payload {
    node << 4 | u32::from(decision.bits())
}

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

    /// The slots, each speaking of what no other does, but for [`WHOLE`].
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

/// The decisions for one /24 that are not the default of its /20.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Content {
    /// A decision for all of it or for parts; none where the default holds for all of it.
    Slots(Slots),
    /// One for every address.
    Leaf([u8; LEAF]),
}

impl Content {
    /// The default of the /20 holds.
    pub(super) const NOTHING: Self = Self::Slots(Slots::EMPTY);

    /// The smallest form of these decisions, where `default` is that of the /20, and `base` that
    /// of the prefixes of 24 bits and fewer.
    pub(super) fn of(default: Decision, base: Decision, decisions: &[u8; 256]) -> Self {
        let mut slots = Slots::EMPTY;
        let is_one = decisions.iter().all(|&bits| bits == decisions[0]);
        let base = if is_one {
            Decision::from_bits(decisions[0])
        } else {
            base
        };
        let mut room = true;
        if base != default {
            room &= slots.push(payload(WHOLE, base));
        }
        for (low, sixteen) in (0u8..=255).step_by(16).zip(decisions.chunks_exact(16)) {
            if sixteen.iter().all(|&bits| bits == sixteen[0]) {
                if sixteen[0] != base.bits() {
                    room &= slots.push(payload(block(low), Decision::from_bits(sixteen[0])));
                }
                continue;
            }
            for (low, &bits) in (low..=u8::MAX).zip(sixteen) {
                if bits != base.bits() {
                    room &= slots.push(payload(address(low), Decision::from_bits(bits)));
                }
            }
        }
        if room {
            if base != default && slots.len == 1 {
                slots.payloads[0] = payload(ALONE, base);
            }
            Self::Slots(slots)
        } else {
            Self::Leaf(pack(decisions))
        }
    }

    /// The same as a leaf, where `default` is that of the /20.
    #[cfg(test)]
    pub(super) fn leaf(&self, default: Decision) -> [u8; LEAF] {
        match self {
            Self::Leaf(leaf) => *leaf,
            Self::Slots(slots) => {
                let mut decisions = [default.bits(); 256];
                // The slot of the whole /24, which the others go beyond, is the first.
                for &payload in slots.as_slice() {
                    decisions[named(payload)].fill(payload as u8 & 15);
                }
                pack(&decisions)
            }
        }
    }
}

/// The low bytes of the addresses that a slot decides about.
fn named(payload: Payload) -> std::ops::Range<usize> {
    let node = node(payload) as usize;
    if node >= 256 {
        node - 256..node - 255
    } else if node < 16 || leaf_choice(node as u32).is_some() {
        0..256
    } else {
        let low = (node & 15) * 16;
        low..low + 16
    }
}

/// What turns `former` into `next`: payloads that are replaced, 0 for none.
pub(super) fn changes(former: &Slots, next: &Slots) -> Vec<(Payload, Payload)> {
    let of = |slots: &Slots, wanted: Payload| {
        let mut slots = slots.as_slice().iter().copied();
        slots.find(|&payload| node(payload) == node(wanted))
    };
    let mut changes: Vec<(Payload, Payload)> = former
        .as_slice()
        .iter()
        .map(|&payload| (payload, of(next, payload).unwrap_or(0)))
        .filter(|(from, to)| from != to)
        .collect();
    let added = next.as_slice().iter().copied();
    changes.extend(
        added
            .filter(|&payload| of(former, payload).is_none())
            .map(|payload| (0, payload)),
    );
    changes
}

/// Whether no address depends on two of these changes: no two slots of them name the same.
pub(super) fn in_place(changes: &[(Payload, Payload)]) -> bool {
    let mut seen = [false; 256];
    changes.iter().all(|&(from, to)| {
        let of = &mut seen[named(if to == 0 { from } else { to })];
        let first = of.iter().all(|seen| !seen);
        of.fill(true);
        first
    })
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

    fn painted(base: u8, painted: &[(std::ops::Range<usize>, u8)]) -> [u8; 256] {
        let mut decisions = [base; 256];
        for (range, bits) in painted {
            decisions[range.clone()].fill(*bits);
        }
        decisions
    }

    #[test]
    fn the_smallest_form_is_taken_and_says_the_same() {
        for (default, base, paint, slots) in [
            (15, 15, vec![], 0),
            (15, 3, vec![(0..256, 15)], 0),
            (15, 3, vec![(0..256, 5)], 1),
            (15, 3, vec![], 1),
            (15, 15, vec![(7..8, 10)], 1),
            (15, 15, vec![(128..256, 10)], 8),
            (15, 10, vec![(16..33, 13)], 3),
            (10, 10, vec![(0..8, 13), (24..32, 4)], 16),
            (15, 15, vec![(0..17, 1), (100..116, 2)], 18),
            (15, 10, vec![(0..8, 13), (24..32, 4)], 17),
        ] {
            let decisions = painted(base, &paint);
            let default = Decision::from_bits(default);
            let content = Content::of(default, Decision::from_bits(base), &decisions);
            assert_eq!(content.leaf(default), pack(&decisions), "{paint:?}");
            match content {
                Content::Slots(found) => assert_eq!(found.as_slice().len(), slots, "{paint:?}"),
                Content::Leaf(_) => assert!(slots > BUCKET, "{paint:?}"),
            }
        }
    }
}
