//! `[web]`: the page for whoever was refused, and the one for operators.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{Rate, TokenConfig, value};
use crate::network::Network;

/// `[web]`: the public page, which explains the reasons and tells how an address stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Addresses with ports where the public page is. Default: none, there is no page. Example:
    /// `["0.0.0.0:80", "[::]:80"]`.
    #[serde(deserialize_with = "addresses")]
    pub listen: Vec<SocketAddr>,
    /// Connections at a time, 1 to 65,536; more wait. Default: `256`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 65_536>")]
    pub connections: u32,
    /// Whose mail servers these are, as the page names them. Default: `""`.
    #[serde(deserialize_with = "organisation")]
    pub organisation: String,
    /// Where whoever was refused may turn to. Default: `""`. Example:
    /// `"postmaster@example.org"`.
    pub contact: Contact,
    /// Reverse proxies, whose `X-Forwarded-For` is believed. Default: none.
    #[serde(deserialize_with = "value::unique")]
    pub trusted_proxies: Vec<Network>,
    /// How often the page may be asked about addresses from one network (an IPv4 /24, an IPv6
    /// /48). Default: `"30/1m"`.
    pub looks_per_network: Rate,
    /// How often it may be asked about one source, whoever asks. Default: `"30/1m"`.
    pub looks_per_source: Rate,
    /// How many removals may be asked for from one network. Default: `"10/1h"`.
    pub requests_per_network: Rate,
    /// Where the operators' page and API are. Default: nowhere.
    pub operators: Option<OperatorsConfig>,
}

impl Default for WebConfig {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            listen: Vec::new(),
            connections: 256,
            organisation: String::new(),
            contact: Contact::default(),
            trusted_proxies: Vec::new(),
            looks_per_network: Rate::new(30, minute),
            looks_per_source: Rate::new(30, minute),
            requests_per_network: Rate::new(10, Duration::from_hours(1)),
            operators: None,
        }
    }
}

impl WebConfig {
    /// What can be in force of `new` in a daemon that was started with these settings: all of it
    /// but where it listens, and to how many.
    #[must_use]
    pub(super) fn reloaded(&self, new: Self) -> Self {
        let operators = self.operators.clone().map(|former| OperatorsConfig {
            // Without the section the door is shut: no token opens it.
            tokens: new.operators.map_or_else(Vec::new, |new| new.tokens),
            listen: former.listen,
        });
        Self {
            listen: self.listen.clone(),
            connections: self.connections,
            operators,
            ..new
        }
    }
}

/// `[web.operators]`: the operators' page, and the control API.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorsConfig {
    /// Addresses with ports. Default: `["127.0.0.1:9025"]`.
    #[serde(deserialize_with = "addresses")]
    pub listen: Vec<SocketAddr>,
    /// Who may use it, and for what. Default: none; whoever comes from the machine itself may see how
    /// the gate stands.
    #[serde(rename = "token")]
    pub tokens: Vec<TokenConfig>,
}

impl OperatorsConfig {
    /// What no key can tell alone: which one is wrong, and why.
    pub(super) fn across_keys(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let reached = self.listen.iter().find(|at| !at.ip().is_loopback());
        if let Some(at) = reached.filter(|_| self.tokens.is_empty()) {
            let message = format!(
                "{at} is reached from elsewhere, and nobody would be asked for a token: expected \
                 addresses of loopback alone, or a [[web.operators.token]]"
            );
            problems.push(("web.operators.listen".to_owned(), message));
        }
        for (i, token) in self.tokens.iter().enumerate() {
            let name = &token.name;
            if self.tokens[..i].iter().any(|other| other.name == *name) {
                problems.push((
                    format!("web.operators.token[{}].name", i + 1),
                    format!("there is a token `{name}` already: expected another name"),
                ));
            }
        }
        problems
    }
}

impl Default for OperatorsConfig {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 9025))],
            tokens: Vec::new(),
        }
    }
}

/// Addresses with ports, each once.
fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let texts: Vec<String> = value::unique(deserializer)?;
    let address = |text: String| {
        text.parse().map_err(|_| {
            D::Error::custom(format_args!(
                "`{text}` is not an address with a port: expected such as 0.0.0.0:80 or [::]:80"
            ))
        })
    };
    texts.into_iter().map(address).collect()
}

/// The longest name of an organisation, and the longest contact, in characters.
const LONGEST: usize = 200;

/// A name in one line.
fn organisation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        return Err(D::Error::custom(format_args!(
            "is no name: expected one line of {LONGEST} characters at most"
        )));
    }
    Ok(text)
}

/// Where whoever was refused may turn to: an address of mail, a page, or nowhere.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Contact {
    /// Nowhere.
    #[default]
    None,
    /// An address of mail.
    Mail(String),
    /// A page on the Web.
    Page(String),
}

impl TryFrom<String> for Contact {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = text.bytes().all(|b| b.is_ascii_graphic()) && text.len() <= LONGEST;
        let is_page = ["http://", "https://"].iter().any(|scheme| {
            text.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty())
        });
        // Whatever else is in it would be a header of the mail (RFC 6068).
        let is_mail = text.split_once('@').is_some_and(|(local, domain)| {
            let safe = |part: &str| {
                let odd = |b: u8| !b.is_ascii_alphanumeric() && !b"._+-".contains(&b);
                !part.is_empty() && !part.bytes().any(odd)
            };
            safe(local) && safe(domain)
        });
        match () {
            () if text.is_empty() => Ok(Self::None),
            () if fits && is_page => Ok(Self::Page(text)),
            () if fits && is_mail => Ok(Self::Mail(text)),
            () => Err(format!(
                "`{text}` is no contact: expected an address of mail such as postmaster@example.org, or a page such as https://www.example.org/contact"
            )),
        }
    }
}

impl From<Contact> for String {
    fn from(contact: Contact) -> Self {
        contact.to_string()
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "",
            Self::Mail(text) | Self::Page(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn parse(text: &str) -> Result<WebConfig, String> {
        Config::parse(text, Path::new("gate.toml"))
            .map(|config| config.web)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn one_line_turns_it_on() {
        let config = parse("[web]\nlisten = ['0.0.0.0:80', '[::]:80']").unwrap();
        let listen = config.listen.iter().map(ToString::to_string);
        assert_eq!(listen.collect::<Vec<_>>(), ["0.0.0.0:80", "[::]:80"]);
        assert_eq!(config.operators, None);
        let config = parse("[web.operators]").unwrap();
        assert!(config.listen.is_empty());
        let operators = config.operators.unwrap();
        assert!(operators.listen.iter().all(|at| at.ip().is_loopback()));
    }

    #[test]
    fn who_may_be_turned_to() {
        for (text, expected) in [
            ("", Contact::None),
            (
                "postmaster@example.org",
                Contact::Mail("postmaster@example.org".to_owned()),
            ),
            (
                "https://www.example.org/contact",
                Contact::Page("https://www.example.org/contact".to_owned()),
            ),
        ] {
            assert_eq!(Contact::try_from(text.to_owned()), Ok(expected), "{text}");
        }
        for text in [
            "postmaster",
            "@example.org",
            "a@b?bcc=c@d",
            "a@b c",
            "javascript:alert(1)",
            "https://",
        ] {
            assert!(Contact::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_right_is_told() {
        for (text, expected) in [
            (
                "[web]\nlisten = ['80']",
                "gate.toml:2:11: web.listen: `80` is not an address with a port: expected such as",
            ),
            (
                "[web]\nlisten = ['[::]:80', '[::]:80']",
                "web.listen: [::]:80 is there twice",
            ),
            ("[web]\ncontact = 'me'", "web.contact: `me` is no contact"),
            (
                "[web]\norganisation = \"a\\nb\"",
                "web.organisation: is no name: expected one line",
            ),
            (
                "[web]\ntrusted_proxies = ['proxy']",
                "web.trusted_proxies: ",
            ),
            (
                "[web]\nlooks_per_network = '10'",
                "web.looks_per_network: `10` is no rate",
            ),
            (
                "[web.operators]\nlisten = ['localhost']",
                "web.operators.listen: `localhost` is not an address",
            ),
            (
                "[web.operators]\nlisten = ['127.0.0.1:1', '0.0.0.0:9025']",
                "web.operators.listen: 0.0.0.0:9025 is reached from elsewhere",
            ),
            (
                "[[web.operators.token]]\nname = 'a b'\nfile = '/t'",
                "web.operators.token[1].name: `a b` cannot name a token",
            ),
            (
                "[[web.operators.token]]\nname = 'a'\nfile = '/t'\nrights = 'all'",
                "web.operators.token[1].rights: `all` is not known here: expected `read` or `write`",
            ),
            (
                "[[web.operators.token]]\nname = 'a'",
                "web.operators.token[1]: `file` is missing",
            ),
            (
                "[[web.operators.token]]\nname = 'a'\nfile = '/t'\n[[web.operators.token]]\nname = 'a'\nfile = '/u'",
                "web.operators.token[2].name: there is a token `a` already",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}\n{error}");
        }
    }
}
