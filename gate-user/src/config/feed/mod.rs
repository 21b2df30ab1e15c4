//! `[[feed]]`: lists that others make, where they come from, and how far they are trusted.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::value;

mod check;
mod format;
mod guards;
mod name;
mod url;

pub(super) use check::problems;
pub use format::{Column, Delimiter, FeedFormat, ListFormat};
pub use guards::Guards;
pub use name::FeedName;
pub use url::FeedUrl;
pub(crate) use url::{host_address, redacted};

/// `[[feed]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// Its name, which its listings carry as `feed:NAME`: 1 to 32 of a-z, 0-9, `_` and `-`, not
    /// given twice. No default. Example: `"drop"`.
    pub name: FeedName,
    /// The file, absolute; read again whenever it changes. A feed has a `path` or a `url`. Default:
    /// `""`, none. Example: `"/var/lib/gate/drop_v4.json"`.
    #[serde(default, with = "value::optional_absolute")]
    pub path: Option<PathBuf>,
    /// Where it is fetched from, `https://` only. A name and a password in it are sent to that host;
    /// they and the query are shown nowhere. Default: `""`, nowhere. Example:
    /// `"https://www.spamhaus.org/drop/drop_v4.json"`.
    #[serde(default, with = "url::optional")]
    pub url: Option<FeedUrl>,
    /// `url`: how long after a fetch the next one is made, and up to a tenth more; from 10 minutes,
    /// for hosts of Spamhaus from 1 hour on. Default: `"6h"`.
    #[serde(with = "value::duration", default = "default_interval")]
    pub interval: Duration,
    /// `url`: how long a fetch may take in all, 1 second to 5 minutes. Default: `"2m"`.
    #[serde(
        serialize_with = "value::duration::serialize",
        deserialize_with = "value::duration_within::<_, 1, 300>",
        default = "default_timeout"
    )]
    pub timeout: Duration,
    /// `url`: the longest list that is taken, in bytes once unpacked, 1 to 268435456. Default:
    /// `33554432`.
    #[serde(
        deserialize_with = "value::within::<_, _, 1, 268_435_456>",
        default = "default_size"
    )]
    pub max_size: u64,
    /// `url`: a file of certificates in PEM, absolute, which alone are trusted to vouch for the
    /// server. Default: `""`, those that this machine trusts. Example: `"/etc/gate/mirror.pem"`.
    #[serde(default, with = "value::optional_absolute")]
    pub ca_file: Option<PathBuf>,
    /// How the list is written. `"plain"`: an address or network a line, comments behind `#` and
    /// `;`. `"drop-json"`: the JSON lines of the Spamhaus DROP lists. `"drop-txt"`: their text.
    /// `"csv"`: see `column`. `"ip-count"`: see `min_count`. Default: `"plain"`.
    #[serde(default)]
    pub format: FeedFormat,
    /// `csv`: the column that has the address or network: its number, from 1, where no line names
    /// the columns, or its name in the first line. Default: `1`. Example: `"ip"`.
    #[serde(default)]
    pub column: Column,
    /// `csv`: what stands between two columns, one character of ASCII. Default: `","`. Example:
    /// `"\t"`.
    #[serde(default)]
    pub delimiter: Delimiter,
    /// `ip-count`: the number behind an address must be this or more, 1 to 4294967295. Default:
    /// `1`.
    #[serde(
        deserialize_with = "value::within::<_, _, 1, 4_294_967_295>",
        default = "default_count"
    )]
    pub min_count: u32,
    /// How long the last good state stays in force once the list is refused, gone or cannot be
    /// fetched; with a `url`, more than `interval`, and counted from when the list was made, where it
    /// says so: one that stands still is refused. The formats of Spamhaus may stand still for 60 days
    /// or more. Default: `"7d"`.
    #[serde(with = "value::duration", default = "default_lapse")]
    pub lapse_after: Duration,
    /// What makes a list be refused as a whole.
    #[serde(default)]
    pub guards: Guards,
}

/// Where a feed comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FeedSource<'a> {
    /// A file that somebody else writes.
    File(&'a Path),
    /// It is fetched.
    Url(&'a FeedUrl),
}

impl FeedConfig {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 1] = ["name"];

    /// The feed of that name and file, with the defaults of everything else.
    pub fn new(name: FeedName, path: PathBuf) -> Self {
        Self {
            path: Some(path),
            ..Self::bare(name)
        }
    }

    /// The feed of that name that is fetched from `url`, with the defaults of everything else.
    pub fn fetched(name: FeedName, url: FeedUrl) -> Self {
        Self {
            url: Some(url),
            ..Self::bare(name)
        }
    }

    /// Without a source.
    fn bare(name: FeedName) -> Self {
        Self {
            name,
            path: None,
            url: None,
            interval: default_interval(),
            timeout: default_timeout(),
            max_size: default_size(),
            ca_file: None,
            format: FeedFormat::default(),
            column: Column::default(),
            delimiter: Delimiter::default(),
            min_count: default_count(),
            lapse_after: default_lapse(),
            guards: Guards::default(),
        }
    }

    /// Where it comes from. Without `path` and `url`, which no configuration that was read is, from a
    /// file that is never there.
    pub fn source(&self) -> FeedSource<'_> {
        match &self.url {
            Some(url) => FeedSource::Url(url),
            None => FeedSource::File(self.path.as_deref().unwrap_or("".as_ref())),
        }
    }

    /// Its format, with what the format needs to know.
    pub fn list_format(&self) -> ListFormat {
        match self.format {
            FeedFormat::Plain => ListFormat::Plain,
            FeedFormat::DropJson => ListFormat::DropJson,
            FeedFormat::DropTxt => ListFormat::DropTxt,
            FeedFormat::Csv => ListFormat::Csv {
                column: self.column.clone(),
                delimiter: self.delimiter,
            },
            FeedFormat::IpCount => ListFormat::IpCount {
                min_count: self.min_count,
            },
        }
    }
}

const fn default_interval() -> Duration {
    Duration::from_hours(6)
}

const fn default_timeout() -> Duration {
    Duration::from_mins(2)
}

const fn default_size() -> u64 {
    32 << 20
}

const fn default_count() -> u32 {
    1
}

const fn default_lapse() -> Duration {
    Duration::from_hours(7 * 24)
}
