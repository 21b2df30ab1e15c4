//! Which answers of a list count: `127.0.0.[2..11]`, as Postfix's `postscreen_dnsbl_sites` has it.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use super::site::quoted;

/// A pattern of IPv4 addresses: four fields, each a number or `[n;n..m;...]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filter([Field; 4]);

/// What an octet may be.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Field {
    One(u8),
    /// First and last of each range; never empty.
    Of(Vec<(u8, u8)>),
}

impl Filter {
    /// Whether `code` meets the pattern.
    pub fn meets(&self, code: Ipv4Addr) -> bool {
        let fields = self.0.iter().zip(code.octets());
        fields.into_iter().all(|(field, octet)| match field {
            Field::One(one) => *one == octet,
            Field::Of(ranges) => ranges
                .iter()
                .any(|&(first, last)| (first..=last).contains(&octet)),
        })
    }
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut fields = Vec::new();
        loop {
            let (field, after) = if let Some(inside) = rest.strip_prefix('[') {
                let end = inside.find(']').ok_or_else(|| {
                    format!("{} in the filter has no end: expected a `]`", quoted(rest))
                })?;
                (ranges(&inside[..end])?, &inside[end + 1..])
            } else {
                let end = rest.find('.').unwrap_or(rest.len());
                (Field::One(octet(&rest[..end])?), &rest[end..])
            };
            fields.push(field);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => break,
                None => {
                    return Err(format!(
                        "{} in the filter: expected a `.` behind a `]`",
                        quoted(after)
                    ));
                }
            }
        }
        let found = fields.len();
        let fields: [Field; 4] = fields.try_into().map_err(|_| {
            format!("the filter has {found} fields: expected 4, such as 127.0.0.[2..11]")
        })?;
        let loopback = match &fields[0] {
            Field::One(first) => *first == 127,
            Field::Of(ranges) => ranges
                .iter()
                .any(|&(first, last)| (first..=last).contains(&127)),
        };
        if !loopback {
            return Err(
                "the filter is met by nothing in 127.0.0.0/8, where the answers of lists are"
                    .to_owned(),
            );
        }
        Ok(Self(fields))
    }
}

fn ranges(text: &str) -> Result<Field, String> {
    let range = |part: &str| match part.split_once("..") {
        None => octet(part).map(|one| (one, one)),
        Some((first, last)) => {
            let (first, last) = (octet(first)?, octet(last)?);
            if first <= last {
                Ok((first, last))
            } else {
                Err(format!(
                    "`{first}..{last}` in the filter runs backwards: expected {last}..{first}"
                ))
            }
        }
    };
    text.split(';')
        .map(range)
        .collect::<Result<_, _>>()
        .map(Field::Of)
}

fn octet(text: &str) -> Result<u8, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| {
        format!(
            "{} in the filter: expected a number from 0 to 255, or several as in [2;4..11]",
            quoted(text)
        )
    })
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            match field {
                Field::One(one) => write!(f, "{one}")?,
                Field::Of(ranges) => {
                    for (i, (first, last)) in ranges.iter().enumerate() {
                        f.write_str(if i == 0 { "[" } else { ";" })?;
                        if first == last {
                            write!(f, "{first}")?;
                        } else {
                            write!(f, "{first}..{last}")?;
                        }
                    }
                    f.write_str("]")?;
                }
            }
        }
        Ok(())
    }
}
