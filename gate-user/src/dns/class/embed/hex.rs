//! Hexadecimal digits of a name, read through a window that slides over it.

use std::ops::Range;

use super::super::text::{Text, is_word};

/// The last hexadecimal digits up to a byte of the name.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// The digits as a number, the last one lowest.
    pub(super) value: u128,
    /// How many digits there are since something else stood between; separators alone do not.
    pub(super) digits: u32,
    /// How many of them belong to this run of letters and digits.
    pub(super) in_run: u32,
    /// Whether those begin the run.
    pub(super) from_start: bool,
    /// Whether the run ends here.
    pub(super) to_end: bool,
    /// Where the last digit stands.
    pub(super) at: usize,
}

impl Window {
    /// The bytes that its last `digits` digits stand in, separators between them included.
    pub(super) fn span(self, text: &Text, digits: u32) -> Range<usize> {
        let before = text.bytes().get(..=self.at).unwrap_or_default();
        let places = before.iter().enumerate().rev();
        let mut digits_at = places.filter(|(_, byte)| nibble(**byte).is_some());
        let first = digits_at.nth(digits.saturating_sub(1) as usize);
        first.map_or(0, |(at, _)| at)..self.at + 1
    }
}

/// The windows of a name, one for each hexadecimal digit.
pub(super) fn windows(text: &Text) -> impl Iterator<Item = Window> + '_ {
    let bytes = text.bytes();
    let mut window = Window {
        value: 0,
        digits: 0,
        in_run: 0,
        from_start: true,
        to_end: false,
        at: 0,
    };
    bytes.iter().enumerate().filter_map(move |(at, &byte)| {
        let Some(digit) = nibble(byte) else {
            if is_word(byte) {
                window.digits = 0;
            } else if window.in_run == 0 {
                // Nothing but separators, or a run that ended in another letter.
                window.digits = 0;
            }
            window.in_run = 0;
            window.from_start = !is_word(byte);
            return None;
        };
        window.value = window.value << 4 | u128::from(digit);
        window.digits += 1;
        window.in_run += 1;
        window.at = at;
        window.to_end = bytes.get(at + 1).is_none_or(|&next| !is_word(next));
        Some(window)
    })
}

/// The value of a hexadecimal digit in lower case.
pub(super) fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
