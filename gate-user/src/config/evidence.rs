//! `[evidence]`: what comes in about sources, from whom, and what becomes of what is refused.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::value;
use crate::network::Network;

/// `[evidence]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceConfig {
    /// Networks of own mail relays, besides the addresses of this machine: never blamed, and
    /// what their `Received` headers say is true. Private networks only count as own if they are
    /// here. Default: none. Example: `["192.0.2.25", "10.0.0.0/8"]`.
    pub own_relays: Vec<Network>,
    /// Recipients that are spam traps: addresses, or domains as `@example.org`. Mail to them
    /// that is handed in counts as a trap hit. Default: none. Example:
    /// `["old-contact@example.org", "@unused.example"]`.
    #[serde(deserialize_with = "value::unique")]
    pub traps: Vec<Recipient>,
    /// The longest report that is taken, in bytes, 64 KiB to 64 MiB. Default: `10485760`.
    #[serde(deserialize_with = "value::within::<_, _, 65_536, 67_108_864>")]
    pub max_report: u32,
    /// Evidence of longer ago is refused. Default: `"7d"`.
    #[serde(with = "value::duration")]
    pub max_age: Duration,
    /// Where filters on this machine may post verdicts by HTTP, a loopback address with a port.
    /// Who posts is not asked: any user of this machine may. Default: `""`, nowhere. Example:
    /// `"127.0.0.1:8025"`.
    pub listen: Listen,
    /// What is kept of what was refused.
    pub quarantine: QuarantineConfig,
    /// Networks that pass on mail of others: not they are blamed for it.
    #[serde(rename = "forwarder")]
    pub forwarders: Vec<Forwarder>,
    /// Maildirs to which complaints are delivered.
    #[serde(rename = "maildir")]
    pub maildirs: Vec<MaildirConfig>,
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        Self {
            own_relays: Vec::new(),
            traps: Vec::new(),
            max_report: 10 << 20,
            max_age: Duration::from_hours(7 * 24),
            listen: Listen::default(),
            quarantine: QuarantineConfig::default(),
            forwarders: Vec::new(),
            maildirs: Vec::new(),
        }
    }
}

/// `[evidence.quarantine]`: the newest of what was refused is kept, the oldest goes first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuarantineConfig {
    /// How many files, 1 to 100,000. Default: `1000`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 100_000>")]
    pub max_files: u32,
    /// How many bytes in all, 64 KiB to 64 GiB. Default: `67108864`.
    #[serde(deserialize_with = "value::within::<_, _, 65_536, 68_719_476_736>")]
    pub max_bytes: u64,
}

impl Default for QuarantineConfig {
    fn default() -> Self {
        Self {
            max_files: 1000,
            max_bytes: 64 << 20,
        }
    }
}

/// `[[evidence.forwarder]]`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Forwarder {
    /// The network that its mail comes from. No default. Example: `"192.0.2.0/24"`.
    pub network: Network,
    /// Who is blamed for what it passes on: `"behind"`, the hop that it had the mail from, or
    /// `"nobody"`. Default: `"behind"`.
    #[serde(default)]
    pub blame: Blame,
}

impl Forwarder {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 1] = ["network"];

    /// One with the defaults.
    pub(super) fn example() -> Self {
        Self {
            network: Network::host([192, 0, 2, 1].into()),
            blame: Blame::default(),
        }
    }
}

/// Who is blamed for what a forwarder passes on.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The hop that it had the mail from, by its `Received` header.
    #[default]
    Behind,
    /// Nobody: the complaint is dropped.
    Nobody,
}

/// `[[evidence.maildir]]`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MaildirConfig {
    /// The Maildir (the directory that has `new`, `cur` and `tmp`), absolute. No default.
    /// Example: `"/var/mail/abuse"`.
    #[serde(deserialize_with = "value::absolute")]
    pub path: PathBuf,
    /// Whether it is a spam trap's mailbox: then each mail in it is a trap hit, and its own sender
    /// is blamed. Default: `false`.
    #[serde(default)]
    pub trap: bool,
    /// What becomes of a mail that was taken: `"keep"` moves it to `cur` as seen, `"delete"`
    /// removes it. Default: `"keep"`.
    #[serde(default)]
    pub then: Then,
}

impl MaildirConfig {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 1] = ["path"];

    /// One with the defaults.
    pub(super) fn example() -> Self {
        Self {
            path: "/example".into(),
            trap: false,
            then: Then::default(),
        }
    }
}

/// What becomes of a mail that was taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// It is moved to `cur`, seen; flagged as well if it was refused.
    #[default]
    Keep,
    /// It is removed.
    Delete,
}

/// A recipient, or all of a domain (`@example.org`); ASCII in lower case.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient(String);

impl Recipient {
    /// Whether the address, of any case, is this recipient or in this domain.
    pub fn is(&self, address: &str) -> bool {
        let address = address.as_bytes();
        let own = self.0.as_bytes();
        match address.len().checked_sub(own.len()) {
            Some(0) => own[0] != b'@' && address.eq_ignore_ascii_case(own),
            Some(local) => own[0] == b'@' && address[local..].eq_ignore_ascii_case(own),
            None => false,
        }
    }
}

impl TryFrom<String> for Recipient {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let good = text.is_ascii()
            && !text.contains(|c: char| c.is_ascii_whitespace() || "<>,;".contains(c))
            && text
                .rsplit_once('@')
                .is_some_and(|(_, domain)| !domain.is_empty());
        if good {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!(
                "`{text}` is not a recipient: expected an address such as trap@example.org, or a domain such as @example.org"
            ))
        }
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A loopback address and port to listen on, or none.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Listen(Option<SocketAddr>);

impl Listen {
    /// The address and port.
    pub fn address(self) -> Option<SocketAddr> {
        self.0
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self(Some(address))),
            Ok(_) => Err(format!(
                "`{text}` is not a loopback address, and whoever connects is believed: expected such as 127.0.0.1:8025 or [::1]:8025"
            )),
            Err(_) => Err(format!(
                "`{text}` is not an address with a port: expected such as 127.0.0.1:8025"
            )),
        }
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen
            .0
            .map_or_else(Self::new, |address| address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_a_trap() {
        let recipient = |text: &str| Recipient::try_from(text.to_owned()).unwrap();
        for (trap, address, is) in [
            ("trap@example.org", "Trap@Example.ORG", true),
            ("trap@example.org", "xtrap@example.org", false),
            ("@example.org", "anybody@example.org", true),
            ("@example.org", "anybody@sub.example.org", false),
            ("@example.org", "@example.org", false),
            ("@example.org", "", false),
        ] {
            assert_eq!(recipient(trap).is(address), is, "{trap} {address}");
        }
        for text in [
            "",
            "example.org",
            "a@",
            "a b@example.org",
            "<a@example.org>",
        ] {
            assert!(Recipient::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn verdicts_are_taken_from_this_machine_alone() {
        let listen = |text: &str| Listen::try_from(text.to_owned());
        assert_eq!(listen("").unwrap().address(), None);
        assert!(listen("127.0.0.1:8025").unwrap().address().is_some());
        assert!(listen("[::1]:8025").unwrap().address().is_some());
        for text in [
            "0.0.0.0:8025",
            "192.0.2.1:8025",
            "127.0.0.1",
            "localhost:8025",
        ] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_section_as_it_is_written() {
        let config = crate::config::Config::parse(
            "[evidence]\nown_relays = [\"10.0.0.0/8\"]\n\
             [[evidence.forwarder]]\nnetwork = \"192.0.2.0/24\"\nblame = \"nobody\"\n\
             [[evidence.maildir]]\npath = \"/var/mail/abuse\"\nthen = \"delete\"\n",
            std::path::Path::new("gate.toml"),
        );
        let evidence = config.unwrap().evidence;
        assert_eq!(evidence.forwarders[0].blame, Blame::Nobody);
        assert_eq!(evidence.maildirs[0].then, Then::Delete);
        assert!(!evidence.maildirs[0].trap);
    }
}
