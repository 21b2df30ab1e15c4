//! IPv6 addresses in names: digits that are run together or stand alone, and groups.

use std::net::Ipv6Addr;

use super::super::{
    evidence::{Embedded, Form},
    text::{Text, is_word},
};
use super::{Found, hex};

/// Fewer digits than that are taken for chance, as in IPv4: `1-1-1` is a rack as well.
const LEAST_DIGITS: u8 = 5;

/// As many groups as are looked at.
const MOST: usize = 40;

/// The most of `address` that `text` holds.
pub(super) fn find(text: &Text, address: Ipv6Addr) -> Option<Found> {
    digits(text, address.to_bits()).or_else(|| groups(text, address.segments()))
}

/// Hexadecimal digits: all 32, in order or reversed, or those of one half; or the last eight, where
/// those are not mostly zeros.
fn digits(text: &Text, address: u128) -> Option<Found> {
    let turned = turned(address);
    let half = |value: u128| value & u128::from(u64::MAX);
    let quarter = |value: u128| value & u128::from(u32::MAX);
    let mut best: Option<Found> = None;
    for window in hex::windows(text) {
        let value = window.value;
        let (first, last) = if window.digits >= 32 && (value == address || value == turned) {
            (1, 16)
        } else if window.digits >= 16 && half(value) == half(address) && half(address) >> 16 != 0 {
            (9, 16)
        } else if window.digits >= 16
            && (half(value) == address >> 64 || half(value) == half(turned))
        {
            (1, 8)
        } else if window.in_run >= 8
            && window.to_end
            && quarter(value) == quarter(address)
            && quarter(address) >> 16 != 0
        {
            (13, 16)
        } else {
            continue;
        };
        let letters = window.span(text, 2 * u32::from(last + 1 - first));
        let embedded = Embedded {
            form: Form::Hex,
            first_octet: first,
            last_octet: last,
            first_label: text.label_at(letters.start).saturating_add(1),
            last_label: text.label_at(window.at).saturating_add(1),
        };
        let known = best.as_ref().map_or(0, |best| best.embedded.octets());
        if embedded.octets() > known {
            best = Some(Found { embedded, letters });
        }
    }
    best
}

/// The address with its last hexadecimal digit first.
fn turned(address: u128) -> u128 {
    let bytes = address.swap_bytes();
    let low = 0x0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_u128;
    (bytes & low) << 4 | (bytes >> 4) & low
}

/// A run of up to four hexadecimal digits.
#[derive(Clone, Copy, Default)]
struct Group {
    value: u16,
    digits: u8,
    /// Bytes between it and the one before; more than two where something else is between.
    gap: u8,
    label: u8,
}

/// Groups that stand side by side: four of the address with two that are not zero, or three that are
/// none of them zero. Two separators stand for any zeros, as in `2001-db8--7`.
fn groups(text: &Text, address: [u16; 8]) -> Option<Found> {
    let (found, count) = runs(text);
    let found = &found[..count];
    let mut best: Option<(usize, usize, u8, u8)> = None;
    for at in 0..found.len() {
        for start in 0..8 {
            let Followed {
                end,
                nonzero,
                digits,
                last,
            } = follow(&found[at..], &address, start);
            let covered = end - start;
            let enough = digits >= LEAST_DIGITS
                && (covered >= 4 && nonzero >= 2 || covered == 3 && nonzero == 3);
            if enough && best.is_none_or(|(start, end, ..)| end - start < covered) {
                best = Some((start, end, found[at].label, last));
            }
        }
    }
    let (start, end, first_label, last_label) = best?;
    #[expect(clippy::cast_possible_truncation, reason = "at most eight groups")]
    let embedded = Embedded {
        form: Form::Groups,
        first_octet: 2 * start as u8 + 1,
        last_octet: 2 * end as u8,
        first_label: first_label.saturating_add(1),
        last_label: last_label.saturating_add(1),
    };
    // A run is a group only as a whole: no word begins before it and ends in it.
    Some(Found {
        embedded,
        letters: 0..0,
    })
}

/// How far groups of a name go along with those of an address.
struct Followed {
    /// The group of the address behind the last one.
    end: usize,
    /// How many in the name are not zero.
    nonzero: usize,
    /// How many digits they have in the name.
    digits: u8,
    /// The label of the last one.
    last: u8,
}

/// How far `found` goes along with the groups of `address` from `start` on.
fn follow(found: &[Group], address: &[u16; 8], start: usize) -> Followed {
    let mut followed = Followed {
        end: start,
        nonzero: 0,
        digits: 0,
        last: 0,
    };
    for (i, group) in found.iter().enumerate() {
        let mut here = followed.end;
        match group.gap {
            _ if i == 0 => {}
            1 => {}
            2 => {
                while here < 7 && address[here] == 0 && group.value != 0 {
                    here += 1;
                }
            }
            _ => break,
        }
        if address.get(here) != Some(&group.value) {
            break;
        }
        followed.end = here + 1;
        followed.nonzero += usize::from(group.value != 0);
        followed.digits += group.digits;
        followed.last = group.label;
    }
    followed
}

fn runs(text: &Text) -> ([Group; MOST], usize) {
    let mut groups = [Group::default(); MOST];
    let mut count = 0;
    let mut gap = 0_u8;
    let mut label = 0_u8;
    for run in text.bytes().split_inclusive(|&byte| !is_word(byte)) {
        let (word, separator) = match run.split_last() {
            Some((&last, word)) if !is_word(last) => (word, Some(last)),
            _ => (run, None),
        };
        let value = word
            .iter()
            .try_fold(0, |value, &byte| {
                Some(value << 4 | u16::from(hex::nibble(byte)?))
            })
            .filter(|_| (1..=4).contains(&word.len()));
        match value {
            Some(value) if count < MOST => {
                groups[count] = Group {
                    value,
                    // Four at most.
                    digits: u8::try_from(word.len()).unwrap_or(u8::MAX),
                    gap,
                    label,
                };
                count += 1;
                gap = 0;
            }
            _ if word.is_empty() => {}
            _ => gap = 3,
        }
        gap = gap.saturating_add(u8::from(separator.is_some()));
        label = label.saturating_add(u8::from(separator == Some(b'.')));
    }
    (groups, count)
}
