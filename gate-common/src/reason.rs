//! Why a network is listed.

/// Why a network is listed. The code of a reason names the paragraph of the status page that
/// explains it; the number is its slot in [`Stats`](crate::Stats) and its value in the tries.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[repr(u8)]
pub enum Reason {
    /// Complaints, and spam-filter verdicts, bring the reputation score under the minimum.
    DirectSpam = 1,
    /// Volume and share of mail that the content filter calls spam.
    HighSpam = 2,
    /// Much mail whose bounces could not be delivered.
    NoBounce = 3,
    /// Enough sources of a /24 (IPv6: of a /48) are listed for themselves.
    Rollup = 4,
    /// The PTR name, or the operator's list, says dynamic, dial-up or DSL space.
    Dynamic = 5,
    /// The PTR name is generic: it tells nothing of who uses the address.
    Generic = 6,
    /// There is no PTR.
    NoRdns = 7,
    /// The PTR's name does not resolve back to the address.
    Forged = 8,
    /// Weighted third-party DNSBL answers reach the threshold.
    Dnsbl = 9,
    /// The network is on a downloaded list.
    Feed = 10,
    /// Again and again over the connection limits, handshakes completed.
    ConnLimit = 11,
    /// An operator said so.
    Manual = 12,
}

impl Reason {
    /// Slots for counters by reason: a power of two above every number.
    pub const SLOTS: usize = 16;

    /// Every reason, in the order of its number.
    pub const ALL: [Self; 12] = [
        Self::DirectSpam,
        Self::HighSpam,
        Self::NoBounce,
        Self::Rollup,
        Self::Dynamic,
        Self::Generic,
        Self::NoRdns,
        Self::Forged,
        Self::Dnsbl,
        Self::Feed,
        Self::ConnLimit,
        Self::Manual,
    ];

    /// The code: lower case, no space, as in configuration, replies and JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DirectSpam => "directspam",
            Self::HighSpam => "highspam",
            Self::NoBounce => "nobounce",
            Self::Rollup => "rollup",
            Self::Dynamic => "dynamic",
            Self::Generic => "generic",
            Self::NoRdns => "nordns",
            Self::Forged => "forged",
            Self::Dnsbl => "dnsbl",
            Self::Feed => "feed",
            Self::ConnLimit => "connlimit",
            Self::Manual => "manual",
        }
    }

    /// The reason of that number, or `None`.
    pub const fn from_number(number: u32) -> Option<Self> {
        if number >= 1 && number as usize <= Self::ALL.len() {
            Some(Self::ALL[number as usize - 1])
        } else {
            None
        }
    }

    /// The slot of the reason's counters in [`Stats`](crate::Stats).
    pub const fn slot(self) -> usize {
        self as usize
    }
}

const _: () = {
    let mut i = 0;
    while i < Reason::ALL.len() {
        assert!(
            Reason::ALL[i] as usize == i + 1,
            "ALL is in order of numbers"
        );
        assert!((Reason::ALL[i] as usize) < Reason::SLOTS);
        i += 1;
    }
};
