//! `[policy]`: what the mail server is told about a client.

mod checks;
mod rate;
mod replies;

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Listen, SocketMode, value};

pub use checks::{Checks, Use};
pub use rate::Rate;
pub use replies::Replies;

/// `[policy]`: the service that the mail server asks before it takes mail.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// Whether there is such a service. Default: `true`.
    pub enabled: bool,
    /// Its Unix socket, absolute. Default: `""`, `policy.sock` in `paths.run`. Example:
    /// `"/var/spool/postfix/private/gate"`, where a Postfix that is chrooted finds it.
    #[serde(with = "value::optional_absolute")]
    pub socket: Option<PathBuf>,
    /// File mode of the socket, octal. Default: `"0660"`.
    pub mode: SocketMode,
    /// Group of the socket. Default: `""`, the group that `gated` runs in. Example: `"postfix"`.
    #[serde(with = "value::optional_text")]
    pub group: Option<String>,
    /// Where it also answers by TCP, a loopback address with a port. Any user of this machine may
    /// ask there. Default: `""`, nowhere. Example: `"127.0.0.1:10040"`.
    pub listen: Listen,
    /// Connections of mail servers at a time, 1 to 65,536; more are closed. Default: `2000`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 65_536>")]
    pub connections: u32,
    /// Where reasons are explained to whoever was refused, for `{url}` of the replies. Default: `""`.
    /// Example: `"https://www.example.org/refused"`.
    pub url: Url,
    /// How long an answer waits for DNS when a client is first seen. Default: `"2s"`.
    #[serde(with = "value::duration")]
    pub budget: Duration,
    /// What is answered if DNS takes longer: `"dunno"` lets that check pass, `"defer"` refuses for
    /// now. Default: `"dunno"`.
    pub under_way: UnderWay,
    /// Which checks are made.
    pub checks: Checks,
    /// What the mail server's clients may do.
    pub limits: PolicyLimits,
    /// What a refused client is told.
    pub reply: Replies,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            socket: None,
            mode: SocketMode::default(),
            group: None,
            listen: Listen::default(),
            connections: 2000,
            url: Url::default(),
            budget: Duration::from_secs(2),
            under_way: UnderWay::default(),
            checks: Checks::default(),
            limits: PolicyLimits::default(),
            reply: Replies::default(),
        }
    }
}

impl PolicyConfig {
    /// What can be in force of `new` in a daemon that was started with these settings: all of it
    /// but where and to whom it listens.
    #[must_use]
    pub(super) fn reloaded(&self, new: Self) -> Self {
        Self {
            enabled: self.enabled,
            socket: self.socket.clone(),
            mode: self.mode,
            group: self.group.clone(),
            listen: self.listen,
            connections: self.connections,
            ..new
        }
    }
}

/// What an answer says that cannot wait for DNS.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UnderWay {
    /// What is not known yet is no objection.
    #[default]
    Dunno,
    /// The client is to come again.
    Defer,
}

/// `[policy.limits]`: what is allowed to one connection, one message, one source.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyLimits {
    /// Recipients in one connection. Default: `1000`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub recipients_per_connection: u32,
    /// Recipients of one message, 100 or more: less than that no server may refuse (RFC 5321
    /// section 4.5.3.1.8). Default: `100`.
    #[serde(deserialize_with = "value::within::<_, _, 100, 1_000_000>")]
    pub recipients_per_message: u32,
    /// Messages of one source, in a time. Counts if `policy.checks.message_rate` is on. Default:
    /// `"1000/1h"`.
    pub message_rate: Rate,
    /// Recipients that one source names, in a time. Counts if `policy.checks.recipient_rate` is on.
    /// Default: `"5000/1h"`.
    pub recipient_rate: Rate,
}

impl Default for PolicyLimits {
    fn default() -> Self {
        Self {
            recipients_per_connection: 1000,
            recipients_per_message: 100,
            message_rate: Rate::new(1000, Duration::from_hours(1)),
            recipient_rate: Rate::new(5000, Duration::from_hours(1)),
        }
    }
}

/// The address of a page on the Web, or none; visible ASCII, as it stands in replies.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Url(String);

/// The longest address of a page, in octets: as much as a reply has room for.
const LONGEST_URL: usize = crate::policy::reply::Slot::Url.longest();

impl Url {
    /// The address; empty for none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Url {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = text.len() <= LONGEST_URL;
        let visible = text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        let page = ["http://", "https://"].iter().any(|scheme| {
            text.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty())
        });
        if text.is_empty() || (page && fits && visible) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{text}` is no page that a reply can name: expected such as https://www.example.org/refused, without # and of {LONGEST_URL} characters at most"
            ))
        }
    }
}

impl From<Url> for String {
    fn from(url: Url) -> Self {
        url.0
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        config::Config,
        policy::{Case, Check},
    };

    fn parse(text: &str) -> Result<PolicyConfig, String> {
        Config::parse(text, Path::new("gate.toml"))
            .map(|config| config.policy)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_section_as_it_is_written() {
        let config = parse(
            "[policy]\nsocket = '/s'\nurl = 'https://www.example.org/refused'\nunder_way = 'defer'\n\
             [policy.checks]\nlisted = 'observe'\nmessage_rate = 'on'\n\
             [policy.limits]\nmessage_rate = '10 / 1m'\n\
             [policy.reply]\nlisted = '554 5.7.1 No. {url}#{reason}'\n",
        )
        .unwrap();
        assert_eq!(config.socket.as_deref(), Some(Path::new("/s")));
        assert_eq!(config.under_way, UnderWay::Defer);
        assert_eq!(config.checks.of(Check::Listed), Use::Observe);
        assert_eq!(config.checks.of(Check::MessageRate), Use::On);
        assert_eq!(config.checks.of(Check::RecipientRate), Use::Off);
        assert_eq!(config.checks.of(Check::Dnsbl), Use::On);
        assert_eq!(
            config.limits.message_rate,
            Rate::new(10, Duration::from_mins(1))
        );
        let listed = config.reply.of(Case::Listed).to_string();
        assert_eq!(listed, "554 5.7.1 No. {url}#{reason}");
        let other = config.reply.of(Case::NoPtr);
        assert_eq!(other, Replies::default().of(Case::NoPtr));
    }

    #[test]
    fn what_is_not_right_is_told() {
        for (text, expected) in [
            (
                "[policy]\nurl = 'www.example.org'",
                "gate.toml:2:7: policy.url: `www.example.org` is no page that a reply can name",
            ),
            ("[policy]\nurl = 'https://a/ b'", "is no page"),
            ("[policy]\nurl = 'https://'", "is no page"),
            ("[policy]\nurl = 'https://a/#b'", "without #"),
            (
                "[policy]\nsocket = 'policy.sock'",
                "policy.socket: `policy.sock` is not an absolute path",
            ),
            (
                "[policy]\nlisten = '192.0.2.1:10040'",
                "policy.listen: `192.0.2.1:10040` is not a loopback address",
            ),
            (
                "[policy.checks]\nlisted = 'yes'",
                "policy.checks.listed: `yes` is not known here: expected one of `on`, `off`, `observe`",
            ),
            (
                "[policy.checks]\nptr = 'on'",
                "policy.checks.ptr: unknown key",
            ),
            (
                "[policy.limits]\nrecipients_per_message = 50",
                "50 is not from 100 to 1000000",
            ),
            (
                "[policy.limits]\nmessage_rate = '10'",
                "policy.limits.message_rate: `10` is no rate: expected a number and a time, such as 60/1m",
            ),
            (
                "[policy.reply]\nlisted = '554 4.7.1 No'",
                "policy.reply.listed: 554 and 4.7.1 contradict each other: expected 554 5.7.1",
            ),
            (
                "[policy.reply]\nlisted = '554 5.7.1 {who}'",
                "policy.reply.listed: {who} is not known: expected one of {ip}",
            ),
            (
                "[policy.reply]\nlisted = \"554 5.7.1 a\\nb\"",
                "policy.reply.listed: '\\n' cannot be in a reply",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}\n{error}");
        }
    }
}
