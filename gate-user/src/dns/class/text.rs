//! A name in lower case, split into labels and tokens, on the stack.

use std::ops::Range;

/// The longest name in characters: 255 octets (RFC 1035 section 2.3.4).
const LONGEST: usize = 255;

/// Second-level names under which two-letter domains register: `co.uk`, `ad.jp`.
const SECOND_LEVEL: [&[u8]; 18] = [
    b"ac", b"ad", b"co", b"com", b"ed", b"edu", b"gob", b"go", b"gov", b"id", b"mil", b"ne",
    b"net", b"nom", b"or", b"org", b"plc", b"gouv",
];

/// Whether names under these two labels, in lower case, are registered by different people: `co.uk`.
pub(crate) fn is_second_level(second: &[u8], top: &[u8]) -> bool {
    top.len() == 2 && SECOND_LEVEL.contains(&second)
}

/// Letters, or digits, as many as stand together in one label.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Token {
    start: u8,
    end: u8,
    /// The label it is in, from 0 at the left.
    pub(super) label: u8,
    pub(super) is_digits: bool,
}

impl Token {
    /// Whether any of its bytes is one of `bytes`.
    pub(super) fn overlaps(self, bytes: &Range<usize>) -> bool {
        usize::from(self.start) < bytes.end && bytes.start < usize::from(self.end)
    }
}

/// What a byte is to the classifier.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Letter,
    Digit,
    Dot,
    Other,
}

/// A name, split.
pub(super) struct Text {
    bytes: [u8; LONGEST],
    length: usize,
    tokens: [Token; LONGEST],
    count: usize,
    labels: u8,
    domain: u8,
}

impl Text {
    /// Splits `name`; none if it is too long.
    pub(super) fn new(name: &str) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
        if name.len() > LONGEST {
            return None;
        }
        let mut text = Self {
            bytes: [0; LONGEST],
            length: 0,
            tokens: [Token::default(); LONGEST],
            count: 0,
            labels: 1,
            domain: 0,
        };
        // Where the last three labels began, the last one last.
        let mut starts = [0; 3];
        let mut before = Kind::Dot;
        let mut rest = name;
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            let byte = first.to_ascii_lowercase();
            let kind = match byte {
                b'a'..=b'z' | 0x80.. => Kind::Letter,
                b'0'..=b'9' => Kind::Digit,
                b'.' => Kind::Dot,
                b'\\' => {
                    let digits = after.iter().take(3).take_while(|b| b.is_ascii_digit());
                    let escaped = if digits.count() == 3 { 3 } else { 1 };
                    rest = after.get(escaped..).unwrap_or_default();
                    Kind::Other
                }
                _ => Kind::Other,
            };
            text.push(byte, kind, before, &mut starts);
            before = kind;
        }
        text.domain = text.registrable(starts);
        Some(text)
    }

    fn push(&mut self, byte: u8, kind: Kind, before: Kind, starts: &mut [usize; 3]) {
        #[expect(clippy::cast_possible_truncation, reason = "at most 255 bytes")]
        let at = self.length as u8;
        self.bytes[self.length] = byte;
        self.length += 1;
        match kind {
            Kind::Letter | Kind::Digit if kind == before => self.tokens[self.count - 1].end += 1,
            Kind::Letter | Kind::Digit => {
                self.tokens[self.count] = Token {
                    start: at,
                    end: at + 1,
                    label: self.labels - 1,
                    is_digits: kind == Kind::Digit,
                };
                self.count += 1;
            }
            Kind::Dot => {
                // 255 dots and no more than that: the name that has 256 labels is too long.
                self.labels = self.labels.saturating_add(1);
                starts.rotate_left(1);
                starts[2] = self.length;
            }
            Kind::Other => {}
        }
    }

    /// The label where the domain begins that somebody registered.
    fn registrable(&self, starts: [usize; 3]) -> u8 {
        let [_, second, last] = starts;
        let under = self.bytes.get(second..last.saturating_sub(1));
        let top = self.bytes().get(last..).unwrap_or_default();
        let is_shared = under.is_some_and(|under| is_second_level(under, top));
        let own = if self.labels >= 3 && is_shared { 3 } else { 2 };
        self.labels.saturating_sub(own)
    }

    /// The name in lower case, without the digits of escapes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// All tokens, from the left.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens[..self.count]
    }

    /// What `token` reads.
    pub(super) fn read(&self, token: Token) -> &[u8] {
        &self.bytes[usize::from(token.start)..usize::from(token.end)]
    }

    /// How many labels there are.
    pub(super) fn labels(&self) -> u8 {
        self.labels
    }

    /// The label where the domain begins that somebody registered, as far as a name alone tells:
    /// labels before it are the registrant's to name.
    pub(super) fn domain(&self) -> u8 {
        self.domain
    }

    /// Whether nothing that reads like text stands before `token` in its run of letters and digits.
    pub(super) fn begins_run(&self, token: Token) -> bool {
        let before = usize::from(token.start).checked_sub(1);
        before.is_none_or(|at| !is_word(self.bytes[at]))
    }

    /// How many bytes stand between two tokens, of which `left` is before `right`.
    pub(super) fn gap(left: Token, right: Token) -> u8 {
        right.start - left.end
    }

    /// The label that the byte at `at` is in.
    pub(super) fn label_at(&self, at: usize) -> u8 {
        let before = self.bytes().get(..at).unwrap_or_default();
        let labels = before.split(|&byte| byte == b'.').count();
        u8::try_from(labels - 1).unwrap_or(u8::MAX)
    }

    /// The tokens of one label.
    pub(super) fn label(&self, label: u8) -> impl Iterator<Item = Token> + '_ {
        let tokens = self.tokens().iter().copied();
        tokens
            .skip_while(move |token| token.label < label)
            .take_while(move |token| token.label == label)
    }

    /// How many digits the longest number of a label has.
    pub(super) fn longest_number(&self, label: u8) -> u8 {
        let numbers = self.label(label).filter(|token| token.is_digits);
        numbers
            .map(|token| token.end - token.start)
            .max()
            .unwrap_or(0)
    }

    /// Whether a label holds what may be a MAC address: twelve hexadecimal digits or more, a decimal
    /// one among them, with nothing but separators between.
    pub(super) fn has_mac(&self, label: u8) -> bool {
        let labels = &mut self.bytes().split(|&byte| byte == b'.');
        let label = labels.nth(label.into()).unwrap_or_default();
        let mut runs = label.split(|byte| is_word(*byte) && !byte.is_ascii_hexdigit());
        runs.any(|run| {
            let digits = run.iter().filter(|byte| byte.is_ascii_hexdigit());
            digits.count() >= 12 && run.iter().any(u8::is_ascii_digit)
        })
    }

    /// Whether a label is Punycode (RFC 3492): what it reads is no text.
    pub(super) fn is_punycode(&self, token: Token) -> bool {
        let bytes = self.bytes();
        let before = &bytes[..usize::from(token.start)];
        let start = before.iter().rposition(|&byte| byte == b'.');
        let label = &bytes[start.map_or(0, |dot| dot + 1)..];
        label.starts_with(b"xn--")
    }
}

/// Whether a byte is a letter or digit.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}
