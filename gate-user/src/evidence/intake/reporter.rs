//! Who complains: what tells one reporter from another.
//!
//! Two reporters are needed to list anyone, so whoever can appear as two can list anyone. `From`
//! alone tells nothing: everybody can write any. `User-Agent` and `Reporting-MTA` of a report are
//! as free. What a reporter cannot choose is the network that its report comes from, as our own
//! relays wrote it down; but one reporter at a large provider comes from many networks. So a
//! reporter is both, `ADDRESS via NETWORK`, and of many reports as many count as there are
//! different addresses, or different networks, whichever are fewer ([`distinct`]). Of what comes
//! through a known forwarder that network is the forwarder's. A report that never was outside of
//! our own relays is `via local`: our users have logged in, and each is one. A report whose way in
//! is not understood is `via unknown`: all of those are one.

use std::{collections::BTreeSet, fmt};

use super::{
    mail::Fields,
    received::{NoSource, offender},
    trust::Trust,
};
use crate::network::Network;

/// The longest address that a reporter is named by, in bytes: what is behind it must not be cut
/// off by [`MAX_FROM`](crate::evidence::MAX_FROM).
const MAX_ADDRESS: usize = 72;
const VIA: &str = " via ";
const LOCAL: &str = "local";

/// Who complains.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reporter {
    /// The address in `From`, or `unknown`; in lower case, without what a terminal would act on.
    pub(super) address: String,
    way: Way,
}

/// Where a report comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// This machine, or own relays.
    Local,
    /// A /24, or an IPv6 /48.
    Network(Network),
    Unknown,
}

impl Reporter {
    /// Who sent the report with this header.
    pub(super) fn of(report: &Fields<'_>, trust: &Trust) -> Self {
        let received: Vec<_> = report.all("Received").collect();
        // What a forwarder wrote is believed of the mails complained of, not of who complains: one
        // machine in its network could write down two networks, and list anyone.
        let way = match offender(received.iter().map(AsRef::as_ref), &trust.own_alone()) {
            Ok(found) => Way::Network(Network::around(found.address)),
            Err(NoSource::NoHeader | NoSource::NeverOutside | NoSource::Local { .. }) => Way::Local,
            Err(_) => Way::Unknown,
        };
        Self {
            address: clean(&report.address("From").unwrap_or_default()),
            way,
        }
    }
}

/// The address in a form that is compared and shown.
fn clean(address: &str) -> String {
    let clean: String = address
        .chars()
        .filter(char::is_ascii_graphic)
        .take(MAX_ADDRESS)
        .collect::<String>()
        .to_ascii_lowercase();
    if clean.is_empty() {
        "unknown".to_owned()
    } else {
        clean
    }
}

impl fmt::Display for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{VIA}", self.address)?;
        match self.way {
            Way::Local => f.write_str(LOCAL),
            Way::Network(network) => network.fmt(f),
            Way::Unknown => f.write_str("unknown"),
        }
    }
}

/// How many reporters have given complaints, by what [`Evidence::from`] says of each.
///
/// [`Evidence::from`]: crate::evidence::Evidence::from
pub fn distinct<'a>(complaints: impl IntoIterator<Item = &'a str>) -> usize {
    let mut addresses = BTreeSet::new();
    let mut ways = BTreeSet::new();
    for from in complaints {
        let (address, way) = from.rsplit_once(VIA).unwrap_or((from, from));
        addresses.insert(address);
        ways.insert(if way == LOCAL { from } else { way });
    }
    addresses.len().min(ways.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{MAX_FROM, intake::trust::tests::trust};

    fn reporter(header: &str) -> String {
        let (fields, _) = Fields::split(header.as_bytes());
        Reporter::of(&fields, &trust()).to_string()
    }

    #[test]
    fn who_complains() {
        let received = |address: &str| {
            format!("Received: from x (y [{address}]) by z (Postfix) with ESMTP id 1; date\n")
        };
        for (header, expected) in [
            (
                "From: Abuse <FBL@Example.net>\n".to_owned(),
                "fbl@example.net via local",
            ),
            (
                format!("{}From: a@b\n", received("1.2.3.4")),
                "a@b via 1.2.3.0/24",
            ),
            (
                format!(
                    "{}{}From: a@b\n",
                    received("5.5.5.5"),
                    received("IPv6:2a00:7:8:9::1")
                ),
                "a@b via 2a00:7:8::/48",
            ),
            (
                format!("{}From: a@b\n", received("5.5.5.5")),
                "a@b via local",
            ),
            // From a forwarder, whose users are not ours: whatever is below.
            (
                format!("{}From: a@b\n", received("6.6.7.1")),
                "a@b via 6.6.7.0/24",
            ),
            (
                format!(
                    "{}{}Received: by f.example (Postfix, from userid 33) id 1; date\nFrom: a@b\n",
                    received("5.5.5.5"),
                    received("6.6.7.1")
                ),
                "a@b via 6.6.7.0/24",
            ),
            (
                format!("{}{}From: a@b\n", received("6.6.7.1"), received("1.2.3.4")),
                "a@b via 6.6.7.0/24",
            ),
            (
                format!("{}From: a@b\n", received("192.168.1.1")),
                "a@b via unknown",
            ),
            ("Received: x\nFrom: a@b\n".to_owned(), "a@b via unknown"),
            ("From: <\u{1b}[31m@x>\n".to_owned(), "[31m@x via local"),
            ("Subject: x\n".to_owned(), "unknown via local"),
        ] {
            assert_eq!(reporter(&header), expected, "{header}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_network() {
        let header = format!(
            "Received: from x (y [2a00:7:ffff::1]) by z (Postfix) with ESMTP id 1; date\nFrom: <{}@example.org>\n",
            "x".repeat(300)
        );
        let reporter = reporter(&header);
        assert!(reporter.len() <= MAX_FROM, "{reporter}");
        assert!(reporter.ends_with("x via 2a00:7:ffff::/48"), "{reporter}");
    }

    #[test]
    fn who_can_appear_as_two_is_one() {
        for (complaints, expected) in [
            (&[][..], 0),
            (&["a@x via 1.2.3.0/24", "a@x via 1.2.3.0/24"], 1),
            // From is free.
            (&["a@x via 1.2.3.0/24", "b@y via 1.2.3.0/24"], 1),
            // One reporter of a large provider.
            (&["a@x via 1.2.3.0/24", "a@x via 1.2.4.0/24"], 1),
            (&["a@x via 1.2.3.0/24", "b@y via 1.2.4.0/24"], 2),
            (&["a@x via local", "b@x via local"], 2),
            (&["a@x via local", "a@x via 1.2.3.0/24"], 1),
            (&["a@x via unknown", "b@x via unknown"], 1),
            (&["a via b via local", "c via b via local"], 2),
            (&["operator", "a@x via local"], 2),
        ] {
            assert_eq!(
                distinct(complaints.iter().copied()),
                expected,
                "{complaints:?}"
            );
        }
    }
}
