//! A domain name: text or what a server sent in, lower-case text that is safe to print out.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use hickory_resolver::proto::rr;

/// The longest name on the wire, with its length bytes (RFC 1035 section 2.3.4).
const LONGEST: usize = 255;

/// The longest label (RFC 1035 section 2.3.4).
const LONGEST_LABEL: usize = 63;

/// A whole domain name. Case is not kept: names that differ in it alone are one (RFC 4343).
///
/// As text it has no dot at its end, and what is not printable or has a meaning in zone files is
/// written as `\DDD` or `\X` (RFC 1035 section 5.1): whatever octets a server sends, the text is
/// printable ASCII without spaces.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Arc<rr::Name>);

/// Why a text is no domain name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// A label is empty.
    #[error("`{0}` is no domain name: it has an empty label")]
    EmptyLabel(String),
    /// A label is too long.
    #[error("`{0}` is no domain name: a label is longer than {LONGEST_LABEL} bytes")]
    LongLabel(String),
    /// It is too long as a whole.
    #[error("`{0}` is no domain name: it is longer than {LONGEST} bytes")]
    Long(String),
    /// Something is not ASCII.
    #[error("`{0}` is no domain name: expected ASCII (IDNs as xn--...)")]
    NotAscii(String),
    /// A backslash has nothing behind it that it could escape.
    #[error(
        "`{0}` is no domain name: expected three digits, 000 to 255, or another character behind \\"
    )]
    Escape(String),
}

impl Name {
    /// The name of what a server sent.
    pub(super) fn from_wire(name: &rr::Name) -> Self {
        let mut name = name.to_lowercase();
        name.set_fqdn(true);
        Self(Arc::new(name))
    }

    /// As hickory takes it.
    pub(super) fn wire(&self) -> &rr::Name {
        &self.0
    }

    /// Where PTR records of an address are: `7.2.0.192.in-addr.arpa` (RFC 1035 section 3.5), in
    /// nibbles under `ip6.arpa` for IPv6 (RFC 3596 section 2.5). A mapped IPv4 address
    /// (`::ffff:192.0.2.7`) is the IPv4 address.
    pub fn reverse_of(address: IpAddr) -> Self {
        Self::from_wire(&rr::Name::from(address.to_canonical()))
    }

    /// The labels, the leftmost first; any octets.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.iter()
    }

    /// Whether it is the root, the name without labels.
    pub fn is_root(&self) -> bool {
        self.0.is_root()
    }
}

/// `mail.example.com`, `mail.example.com.`, `a\.b.example`, `a\032b.example`.
impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let told = || text.chars().take(LONGEST).collect();
        if !text.is_ascii() {
            return Err(NameError::NotAscii(told()));
        }
        let mut labels = Vec::new();
        let mut label = Vec::new();
        let mut rest = if text == "." { "" } else { text }.bytes().peekable();
        while let Some(byte) = rest.next() {
            match byte {
                b'.' if label.is_empty() => return Err(NameError::EmptyLabel(told())),
                b'.' => labels.push(std::mem::take(&mut label)),
                b'\\' => {
                    let escaped = escaped(&mut rest).ok_or_else(|| NameError::Escape(told()))?;
                    label.push(escaped);
                }
                byte => label.push(byte.to_ascii_lowercase()),
            }
        }
        if !label.is_empty() {
            labels.push(label);
        }
        if labels.iter().any(|label| label.len() > LONGEST_LABEL) {
            return Err(NameError::LongLabel(told()));
        }
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() >= LONGEST {
            return Err(NameError::Long(told()));
        }
        match rr::Name::from_labels(labels.iter().map(Vec::as_slice)) {
            Ok(name) => Ok(Self::from_wire(&name)),
            Err(_) => Err(NameError::Long(told())),
        }
    }
}

/// What follows a backslash: three digits are an octet's number, anything else is itself.
fn escaped(rest: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = rest.next()?;
    if !first.is_ascii_digit() {
        return Some(first.to_ascii_lowercase());
    }
    let mut number = u32::from(first - b'0');
    for _ in 0..2 {
        let digit = rest.next().filter(u8::is_ascii_digit)?;
        number = number * 10 + u32::from(digit - b'0');
    }
    let octet = u8::try_from(number).ok()?;
    Some(octet.to_ascii_lowercase())
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (i, label) in self.labels().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            for &octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                        write!(f, "\\{}", char::from(octet))?;
                    }
                    0x21..=0x7e => write!(f, "{}", char::from(octet))?,
                    octet => write!(f, "\\{octet:03}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
