//! The zone of a DNS block list: checked text in, a name to ask out; what may be a private key in
//! it stays hidden.

use std::{fmt, sync::Arc};

use super::dead;

/// The longest zone: the name of an IPv6 address in it (64 bytes more, RFC 5782 section 2.4) must
/// still be one (253 bytes, RFC 1035 section 2.3.4).
const MAX: usize = 253 - 64;

/// Labels of this length or more may be keys.
pub(super) const MIN_KEY: usize = 16;

/// A DNS block list's zone, in lower case, without the final dot. Its `Debug` hides what looks as
/// if it were a private key.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Zone(Arc<str>);

impl Zone {
    /// Reads a zone's name.
    ///
    /// # Errors
    /// What is wrong with it; the message does not show it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let expected = "expected a zone's name, such as zen.example";
        if name.is_empty() {
            return Err(format!("there is no zone: {expected}"));
        }
        if name.len() > MAX {
            return Err(format!(
                "the zone has {} bytes: expected {MAX} at most, so that addresses fit before it",
                name.len()
            ));
        }
        for (i, label) in name.split('.').enumerate() {
            let number = i + 1;
            if label.is_empty() || label.len() > 63 {
                return Err(format!(
                    "label {number} of the zone has {} bytes: expected 1 to 63",
                    label.len()
                ));
            }
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            if let Some(bad) = label.bytes().find(|&b| !allowed(b)) {
                return Err(format!(
                    "`{}` in label {number} of the zone: {expected}",
                    bad.escape_ascii()
                ));
            }
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        if !name.contains('.') || last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("the zone is no domain's name: {expected}"));
        }
        if let Some(why) = dead::why(&name) {
            return Err(why);
        }
        Ok(Self(name.into()))
    }

    /// The name, private key and all: for questions alone.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a label looks as if it were a private key.
    pub fn looks_private(&self) -> bool {
        self.keys().next().is_some()
    }

    /// The labels that look as if they were private keys: long, of letters and digits mixed, as
    /// those that lists give their customers (26 or 32 of them).
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|label| is_key(label))
    }
}

fn is_key(label: &str) -> bool {
    let digits = label.bytes().filter(u8::is_ascii_digit).count();
    let letters = label.bytes().filter(u8::is_ascii_alphabetic).count();
    digits + letters >= MIN_KEY && digits >= 2 && letters >= 2
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, label) in self.0.split('.').enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(if is_key(label) { "(key)" } else { label })?;
        }
        Ok(())
    }
}
