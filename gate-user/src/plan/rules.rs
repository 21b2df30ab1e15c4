//! What the plan goes by: what each reason does to a connection, and what is never blocked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gate_common::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::network::Network;

/// What a listing does to a connection. The strongest comes first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// The kernel drops it.
    Drop,
    /// The mail server refuses it, with a reply that says why.
    Reject,
    /// It is counted and logged, nothing more.
    Observe,
}

impl Enforcement {
    /// What `reason` does unless configured: what a PTR name tells is answered by the mail
    /// server, everything else is dropped.
    pub const fn default_of(reason: Reason) -> Self {
        match reason {
            Reason::DirectSpam
            | Reason::HighSpam
            | Reason::NoBounce
            | Reason::Rollup
            | Reason::Dnsbl
            | Reason::Feed
            | Reason::ConnLimit
            | Reason::Manual => Self::Drop,
            Reason::Dynamic | Reason::Generic | Reason::NoRdns | Reason::Forged => Self::Reject,
        }
    }

    /// What it becomes in a flood: a refusal is a connection, of which there are too many.
    #[must_use]
    pub const fn in_flood(self) -> Self {
        match self {
            Self::Drop | Self::Reject => Self::Drop,
            Self::Observe => Self::Observe,
        }
    }

    /// The name used in configuration and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Observe => "observe",
        }
    }
}

/// What the plan goes by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rules {
    /// By the number of the reason; slot 0 belongs to none.
    enforcement: [Enforcement; Reason::SLOTS],
    /// Sorted, each once.
    protected: Vec<Network>,
}

impl Default for Rules {
    /// Default enforcement, and nothing protected but [`Rules::always_protected`].
    fn default() -> Self {
        Self::new(|_| None, [])
    }
}

impl Rules {
    /// `enforcement` tells what a reason does, `None` for its default; `own` are the machine's
    /// addresses and whatever else is never to be blocked.
    pub fn new(
        enforcement: impl Fn(Reason) -> Option<Enforcement>,
        own: impl IntoIterator<Item = Network>,
    ) -> Self {
        let mut by_slot = [Enforcement::Observe; Reason::SLOTS];
        for reason in Reason::ALL {
            by_slot[reason.slot()] = enforcement(reason).unwrap_or(Enforcement::default_of(reason));
        }
        let mut protected: Vec<_> = Self::always_protected().into_iter().chain(own).collect();
        protected.sort_unstable();
        protected.dedup();
        Self {
            enforcement: by_slot,
            protected,
        }
    }

    /// These, with another enforcement of reasons.
    #[must_use]
    pub fn with(&self, enforcement: impl Fn(Reason) -> Enforcement) -> Self {
        Self::new(|reason| Some(enforcement(reason)), self.protected.clone())
    }

    /// What `reason` does to a connection.
    pub fn enforcement(&self, reason: Reason) -> Enforcement {
        self.enforcement[reason.slot()]
    }

    /// What is never blocked: the built-in networks and the machine's own, sorted, each once.
    pub fn protected(&self) -> &[Network] {
        &self.protected
    }

    /// Whether `host` is never blocked.
    pub fn protects(&self, host: Network) -> bool {
        self.protected.iter().any(|own| own.covers(host))
    }

    /// What is never blocked on any machine. None of it is the source of a connection from
    /// elsewhere, and a gate that blocked it would cut off what runs on the machine itself.
    pub fn always_protected() -> [Network; 9] {
        let v4 =
            |a, b, c, d, length| Network::containing(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length);
        let v6 = |first, last, length| {
            let address = Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last);
            Network::containing(IpAddr::V6(address), length)
        };
        [
            // "This host on this network": RFC 1122 section 3.2.1.3.
            v4(0, 0, 0, 0, 8),
            // Loopback: RFC 1122 section 3.2.1.3.
            v4(127, 0, 0, 0, 8),
            // Link-local: RFC 3927.
            v4(169, 254, 0, 0, 16),
            // Multicast: RFC 5771.
            v4(224, 0, 0, 0, 4),
            // Limited broadcast: RFC 919 section 7. The rest of 240.0.0.0/4 is reserved, not
            // special, and may be listed.
            v4(255, 255, 255, 255, 32),
            // Unspecified: RFC 4291 section 2.5.2.
            v6(0, 0, 128),
            // Loopback: RFC 4291 section 2.5.3.
            v6(0, 1, 128),
            // Link-local: RFC 4291 section 2.5.6.
            v6(0xfe80, 0, 10),
            // Multicast: RFC 4291 section 2.7.
            v6(0xff00, 0, 8),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reasons_do_by_default() {
        for (reasons, enforcement) in [
            (
                "directspam highspam nobounce rollup dnsbl feed connlimit manual",
                Enforcement::Drop,
            ),
            ("dynamic generic nordns forged", Enforcement::Reject),
        ] {
            for code in reasons.split(' ') {
                let reason = Reason::ALL.into_iter().find(|reason| reason.code() == code);
                let found = Rules::default().enforcement(reason.unwrap());
                assert_eq!(found, enforcement, "{code}");
            }
        }
    }

    #[test]
    fn what_is_configured_counts() {
        let flood = |reason| (reason == Reason::Dynamic).then_some(Enforcement::Drop);
        let rules = Rules::new(flood, []);
        assert_eq!(rules.enforcement(Reason::Dynamic), Enforcement::Drop);
        assert_eq!(rules.enforcement(Reason::Generic), Enforcement::Reject);
    }

    #[test]
    fn a_flood_drops_what_is_refused_and_nothing_else() {
        use Enforcement::{Drop, Observe, Reject};
        let calm = |reason| match reason {
            Reason::Dynamic | Reason::Feed => Reject,
            Reason::Generic => Observe,
            _ => Drop,
        };
        let own = "192.0.2.25".parse().unwrap();
        let rules = Rules::new(|reason| Some(calm(reason)), [own]);
        let flood = rules.with(|reason| rules.enforcement(reason).in_flood());
        for (reason, expected) in [
            (Reason::Dynamic, Drop),
            (Reason::Feed, Drop),
            (Reason::Generic, Observe),
            (Reason::Manual, Drop),
        ] {
            assert_eq!(flood.enforcement(reason), expected, "{reason:?}");
        }
        assert_eq!(flood.protected(), rules.protected());
        assert_eq!(flood.with(calm), rules);
    }

    #[test]
    fn what_is_protected() {
        let own = "192.0.2.25".parse().unwrap();
        let rules = Rules::new(|_| None, [own]);
        for (address, protected) in [
            ("0.0.0.0", true),
            ("0.255.255.255", true),
            ("1.0.0.0", false),
            ("127.0.0.1", true),
            ("128.0.0.0", false),
            ("169.254.1.1", true),
            ("169.255.0.0", false),
            ("192.0.2.25", true),
            ("192.0.2.24", false),
            ("223.255.255.255", false),
            ("224.0.0.1", true),
            ("239.255.255.255", true),
            ("240.0.0.1", false),
            ("255.255.255.254", false),
            ("255.255.255.255", true),
            ("::", true),
            ("::1", true),
            ("::2", false),
            ("fe7f:ffff::", false),
            ("fe80::1", true),
            ("febf:ffff::1", true),
            ("fec0::", false),
            ("ff02::1", true),
            ("2001:db8::1", false),
        ] {
            let address = address.parse().unwrap();
            let covers = |network: &Network| network.contains(address);
            assert_eq!(rules.protected().iter().any(covers), protected, "{address}");
        }
    }
}
