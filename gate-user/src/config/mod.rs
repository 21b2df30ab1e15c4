//! The configuration: TOML text in, a checked [`Config`] out, or an error that names file, line,
//! column and key and says what would be right.
//!
//! Every key has a default; `packaging/gate.toml` shows them all. Every other module may depend
//! on these types.

mod check;
mod dns;
mod dnsbl;
mod enforcement;
mod error;
mod evidence;
mod feed;
mod flood;
mod gate;
mod limits;
mod log;
mod lookup;
mod message;
mod paths;
mod policy;
mod ptr;
mod read;
mod reload;
mod rollup;
mod score;
mod token;
mod value;
mod web;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::network::Network;

pub use crate::plan::Enforcement;
pub use dns::{DnsCacheConfig, DnsConfig, DnsServer};
pub use dnsbl::{DnsblConfig, DnsblList, Family, Filter, ListName, Site, UrlTemplate, Zone};
pub use enforcement::Enforcements;
pub use error::{ConfigError, Problem};
pub use evidence::{
    Blame, EvidenceConfig, Forwarder, Listen, MaildirConfig, QuarantineConfig, Recipient, Then,
};
pub use feed::{
    Column, Delimiter, FeedConfig, FeedFormat, FeedName, FeedSource, FeedUrl, Guards, ListFormat,
};
pub(crate) use feed::{host_address, redacted};
pub use flood::{FloodConfig, FloodMode};
pub use gate::{Attach, GateConfig, InterfaceName, Ports};
pub use limits::{Class, ClassLimits, Courtesies, LimitsConfig, NetworkLimits, PerTime};
pub use log::{LogConfig, LogFormat, LogLevel};
pub use lookup::LookupConfig;
pub use paths::{ControlConfig, Paths, SocketMode};
pub use policy::{Checks, PolicyConfig, PolicyLimits, Rate, Replies, UnderWay, Url, Use};
pub use ptr::{NameGlob, NameRegex, Pattern, PtrConfig};
pub use reload::{Effect, KeyChange};
pub use rollup::{RemovalConfig, RollupConfig, Wider};
pub use score::{ListingConfig, ScoreConfig};
pub use token::TokenConfig;
pub use web::{Contact, OperatorsConfig, WebConfig};

/// Where the configuration is looked for when nothing else is said.
pub const DEFAULT_PATH: &str = "/etc/gate/gate.toml";

/// The whole configuration of one gate.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the gate watches, and how.
    pub gate: GateConfig,
    /// Where it keeps what.
    pub paths: Paths,
    /// Who may command it.
    pub control: ControlConfig,
    /// Who always passes.
    pub allow: AllowConfig,
    /// What each reason means for a listed source.
    pub enforcement: Enforcements,
    /// How much of a source is too much.
    pub limits: LimitsConfig,
    /// When a listed source is let through, to be told why.
    pub courtesy: Courtesies,
    /// What comes in about sources.
    pub evidence: EvidenceConfig,
    /// Lists that others make, read from files or fetched.
    #[serde(rename = "feed")]
    pub feeds: Vec<FeedConfig>,
    /// DNS block lists that are asked.
    pub dnsbl: DnsblConfig,
    /// When DNS is asked about a source.
    pub lookup: LookupConfig,
    /// How evidence becomes a score.
    pub score: ScoreConfig,
    /// How long a listing lasts that follows from a score.
    pub listing: ListingConfig,
    /// When a whole network is listed.
    pub rollup: RollupConfig,
    /// When a listing is ended on request.
    pub removal: RemovalConfig,
    /// Whom to ask what DNS tells of a source, and how much.
    pub dns: DnsConfig,
    /// What reverse names tell.
    pub ptr: PtrConfig,
    /// What the mail server is told about its clients.
    pub policy: PolicyConfig,
    /// When it is a flood.
    pub flood: FloodConfig,
    /// The pages for people.
    pub web: WebConfig,
    /// What `gated` says about itself.
    pub log: LogConfig,
}

/// `[allow]`: who always passes, whatever lists them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AllowConfig {
    /// Networks that always pass, besides those that operators allow by command. Addresses or
    /// `address/length`. Default: none. Example: `["192.0.2.10", "2001:db8::/32"]`.
    pub networks: Vec<Network>,
}

impl Config {
    /// Reads the configuration file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read (one that is not there included), or as [`Config::parse`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// The socket that the mail server asks.
    pub fn policy_socket(&self) -> PathBuf {
        let configured = self.policy.socket.clone();
        configured.unwrap_or_else(|| self.paths.policy_socket())
    }

    /// Reads the configuration `text`; `path` is only for the messages.
    ///
    /// # Errors
    /// When the text is no TOML, or holds an unknown key, a wrong type or an impossible value.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        read::read(text).map_err(|problems| ConfigError::Invalid {
            path: path.to_owned(),
            problems,
        })
    }
}

#[cfg(test)]
mod tests;
