//! IPv4 addresses in names.
//!
//! The whole address is looked for first, then three octets that stand side by side, then two. A
//! number of few digits is found in any name: fewer than five digits for three octets, or four for
//! two, are taken for chance.

use super::super::{
    evidence::{Embedded, Form},
    text::{Text, Token, is_word},
};
use super::{Found, hex};

/// As many numbers as are looked at. More of them are no address.
const MOST: usize = 24;

/// A number of up to three digits that may be an octet.
#[derive(Clone, Copy, Default)]
struct Number {
    token: Token,
    value: u16,
    digits: u8,
    /// Whether the number before it stands next to it, with one byte between.
    follows: bool,
}

/// The most of `address` that `text` holds.
pub(super) fn find(text: &Text, octets: [u8; 4]) -> Option<Found> {
    let (numbers, count) = numbers(text);
    let numbers = &numbers[..count];
    side_by_side(numbers, octets, 4)
        .or_else(|| scattered(numbers, octets))
        .or_else(|| in_hex(text, octets, 8))
        .or_else(|| long_number(text, octets))
        .or_else(|| base_36(text, octets))
        .or_else(|| side_by_side(numbers, octets, 3))
        .or_else(|| in_hex(text, octets, 6))
        .or_else(|| side_by_side(numbers, octets, 2))
}

fn numbers(text: &Text) -> ([Number; MOST], usize) {
    let mut numbers = [Number::default(); MOST];
    let mut count = 0;
    let mut last: Option<Token> = None;
    for &token in text.tokens().iter().filter(|token| token.is_digits) {
        let digits = text.read(token);
        if count == MOST {
            break;
        }
        if let Some(value) = short(digits) {
            numbers[count] = Number {
                token,
                value,
                digits: u8::try_from(digits.len()).unwrap_or(u8::MAX),
                follows: last.is_some_and(|last| Text::gap(last, token) == 1),
            };
            count += 1;
            last = Some(token);
        } else {
            last = None;
        }
    }
    (numbers, count)
}

/// The value of up to three digits.
fn short(digits: &[u8]) -> Option<u16> {
    (digits.len() <= 3).then(|| {
        digits
            .iter()
            .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'))
    })
}

/// `wanted` octets of the address, in order or reversed, in numbers that stand side by side.
fn side_by_side(numbers: &[Number], octets: [u8; 4], wanted: usize) -> Option<Found> {
    let (least_digits, starts): (u8, &[usize]) = match wanted {
        4 => (0, &[0]),
        3 => (5, &[1, 0]),
        _ => (4, &[2, 0]),
    };
    numbers.windows(wanted).find_map(|window| {
        let digits: u8 = window.iter().map(|number| number.digits).sum();
        if !window.iter().skip(1).all(|number| number.follows) || digits < least_digits {
            return None;
        }
        starts.iter().find_map(|&start| {
            let part = octets.get(start..start + wanted)?;
            let same = |(number, octet): (&Number, &u8)| number.value == u16::from(*octet);
            let form = if window.iter().zip(part).all(same) {
                Form::Octets
            } else if window.iter().rev().zip(part).all(same) {
                Form::Reversed
            } else {
                return None;
            };
            let labels = (window.first()?.token.label, window.last()?.token.label);
            Some(embedded(form, start, wanted, labels))
        })
    })
}

/// All octets, each in a number of its own, at least two of them side by side.
fn scattered(numbers: &[Number], octets: [u8; 4]) -> Option<Found> {
    let mut taken = 0_u32;
    let mut labels = (u8::MAX, 0);
    let mut beside = false;
    let mut digits = 0;
    for octet in octets {
        let (at, number) = numbers
            .iter()
            .enumerate()
            .find(|(at, number)| number.value == u16::from(octet) && taken & (1 << at) == 0)?;
        taken |= 1 << at;
        let next = numbers.get(at + 1).is_some_and(|next| next.follows);
        let before = at > 0 && number.follows;
        beside |= before && taken & (1 << (at - 1)) != 0 || next && taken & (1 << (at + 1)) != 0;
        digits += number.digits;
        labels = (
            labels.0.min(number.token.label),
            labels.1.max(number.token.label),
        );
    }
    (beside && digits >= 6).then(|| embedded(Form::Scattered, 0, 4, labels))
}

/// The address of eight hexadecimal digits, or three octets of it, of six.
fn in_hex(text: &Text, octets: [u8; 4], digits: u32) -> Option<Found> {
    let address = u128::from(u32::from_be_bytes(octets));
    let turned = u128::from(u32::from_le_bytes(octets));
    let mask = (1 << (4 * digits)) - 1;
    hex::windows(text).find_map(|window| {
        let value = window.value & mask;
        let start = if digits == 8 {
            let found = value == address || value == turned;
            (window.digits >= 8 && found).then_some(0)?
        } else {
            let bordered = window.to_end || window.from_start && window.in_run == digits;
            if window.in_run < digits || !bordered {
                return None;
            } else if value == address & mask {
                1
            } else if value == address >> 8 {
                0
            } else {
                return None;
            }
        };
        let letters = window.span(text, digits);
        let labels = (text.label_at(letters.start), text.label_at(window.at));
        Some(Found {
            letters,
            ..embedded(Form::Hex, start, digits as usize / 2, labels)
        })
    })
}

/// A number of six digits or more: octets that are run together, or the address as one number.
fn long_number(text: &Text, octets: [u8; 4]) -> Option<Found> {
    text.tokens().iter().find_map(|&token| {
        let digits = text.read(token);
        if !token.is_digits || !(6..=12).contains(&digits.len()) {
            return None;
        }
        let labels = (token.label, token.label);
        if digits.len() >= 8 {
            let value = digits
                .iter()
                .fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
            let address = u32::from_be_bytes(octets);
            if value == u64::from(address) || value == u64::from(address.swap_bytes()) {
                return Some(embedded(Form::Number, 0, 4, labels));
            }
        }
        let [a, b, c, d] = octets;
        for (parts, start) in [
            (&[a, b, c, d][..], 0),
            (&[d, c, b, a], 0),
            (&[b, c, d], 1),
            (&[a, b, c], 0),
            (&[d, c, b], 1),
            (&[c, b, a], 0),
        ] {
            if joined(digits, parts) {
                return Some(embedded(Form::Joined, start, parts.len(), labels));
            }
        }
        None
    })
}

/// Whether `digits` are `octets` one after the other, each with zeros before it or without.
fn joined(mut digits: &[u8], octets: &[u8]) -> bool {
    let padded = digits.len() == 3 * octets.len();
    for &octet in octets {
        let length = match octet {
            _ if padded => 3,
            100.. => 3,
            10.. => 2,
            _ => 1,
        };
        let Some((head, tail)) = digits.split_at_checked(length) else {
            return false;
        };
        if short(head) != Some(octet.into()) {
            return false;
        }
        digits = tail;
    }
    digits.is_empty()
}

/// A run of six or seven letters and digits that is the address to the base of 36.
fn base_36(text: &Text, octets: [u8; 4]) -> Option<Found> {
    let address = u32::from_be_bytes(octets);
    let bytes = text.bytes();
    let mut start = 0;
    for run in bytes.split(|&byte| !is_word(byte)) {
        let at = start;
        start += run.len() + 1;
        if !(6..=7).contains(&run.len()) {
            continue;
        }
        let value = run.iter().try_fold(0_u64, |value, &byte| {
            let digit = (byte as char).to_digit(36)?;
            Some(value * 36 + u64::from(digit))
        });
        if value == Some(address.into()) || value == Some(address.swap_bytes().into()) {
            let label = text.label_at(at);
            return Some(Found {
                letters: at..at + run.len(),
                ..embedded(Form::Base36, 0, 4, (label, label))
            });
        }
    }
    None
}

#[expect(clippy::cast_possible_truncation, reason = "at most four octets")]
fn embedded(form: Form, start: usize, octets: usize, labels: (u8, u8)) -> Found {
    Found {
        embedded: Embedded {
            form,
            first_octet: start as u8 + 1,
            last_octet: (start + octets) as u8,
            first_label: labels.0.saturating_add(1),
            last_label: labels.1.saturating_add(1),
        },
        letters: 0..0,
    }
}
