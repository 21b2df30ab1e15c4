//! What a zone's answer means: records in, "listed", "not listed" or "does not answer us" out.

use std::{fmt, net::Ipv4Addr};

use crate::dns::resolver::{Answer, Failure, Shed};

/// What a zone says of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Says {
    /// It lists it, with these codes, all in 127.0.0.0/8; at least one.
    Listed(Vec<Ipv4Addr>),
    /// It does not.
    Unlisted,
    /// It answers, but not this question: never a listing.
    Astray(Astray),
    /// Nobody could say.
    Failed(Failure),
    /// It was not asked: the budget did not allow it.
    NotAsked(Shed),
}

/// An answer that says that this zone does not answer us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Astray {
    /// A code in 127.255.255.0/24.
    Refused(Ipv4Addr),
    /// An address outside of 127.0.0.0/8: a web server's, where the domain is for sale.
    Foreign(Ipv4Addr),
}

impl fmt::Display for Astray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => {
                let meaning = match code.octets()[3] {
                    252 => ": a typing error in the zone",
                    254 => ": asked through an open resolver",
                    255 => ": too many questions",
                    _ => "",
                };
                write!(f, "does not answer us ({code}{meaning})")
            }
            Self::Foreign(address) => write!(
                f,
                "answers {address}, outside of 127.0.0.0/8: the domain may have been sold"
            ),
        }
    }
}

impl Says {
    /// What `answer` says. One record that is astray makes all of them so.
    pub(super) fn of(answer: &Answer<Ipv4Addr>) -> Self {
        match answer {
            Answer::Found { records, .. } => Self::of_codes(records),
            Answer::Nothing { .. } => Self::Unlisted,
            Answer::Failed(failure) => Self::Failed(*failure),
            Answer::NotAsked(shed) => Self::NotAsked(*shed),
        }
    }

    fn of_codes(codes: &[Ipv4Addr]) -> Self {
        let foreign = codes.iter().find(|code| !code.is_loopback());
        let refused = codes
            .iter()
            .find(|code| code.octets().starts_with(&[127, 255, 255]));
        match (foreign, refused) {
            (Some(&foreign), _) => Self::Astray(Astray::Foreign(foreign)),
            (None, Some(&refused)) => Self::Astray(Astray::Refused(refused)),
            (None, None) if codes.is_empty() => Self::Unlisted,
            (None, None) => Self::Listed(codes.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_127_counts_and_not_all_of_it() {
        for (codes, expected) in [
            ("", "Unlisted"),
            ("127.0.0.2", "Listed([127.0.0.2])"),
            ("127.0.0.2 127.0.0.10", "Listed([127.0.0.2, 127.0.0.10])"),
            ("127.255.254.1", "Listed([127.255.254.1])"),
            ("127.255.255.252", "Astray(Refused(127.255.255.252))"),
            ("127.255.255.254", "Astray(Refused(127.255.255.254))"),
            ("127.255.255.0", "Astray(Refused(127.255.255.0))"),
            (
                "127.0.0.2 127.255.255.255",
                "Astray(Refused(127.255.255.255))",
            ),
            ("192.0.2.1", "Astray(Foreign(192.0.2.1))"),
            ("127.0.0.2 192.0.2.1", "Astray(Foreign(192.0.2.1))"),
            ("127.255.255.254 192.0.2.1", "Astray(Foreign(192.0.2.1))"),
            ("128.0.0.2", "Astray(Foreign(128.0.0.2))"),
            ("0.0.0.0", "Astray(Foreign(0.0.0.0))"),
        ] {
            let codes: Vec<Ipv4Addr> = codes
                .split_whitespace()
                .map(|c| c.parse().unwrap())
                .collect();
            assert_eq!(format!("{:?}", Says::of_codes(&codes)), expected);
        }
    }

    #[test]
    fn what_is_astray_says_why() {
        for (code, expected) in [
            (
                252,
                "does not answer us (127.255.255.252: a typing error in the zone)",
            ),
            (
                254,
                "does not answer us (127.255.255.254: asked through an open resolver)",
            ),
            (
                255,
                "does not answer us (127.255.255.255: too many questions)",
            ),
            (7, "does not answer us (127.255.255.7)"),
        ] {
            let astray = Astray::Refused(Ipv4Addr::new(127, 255, 255, code));
            assert_eq!(astray.to_string(), expected);
        }
    }
}
