//! Our own record: `{"address": "192.0.2.7", "verdict": "spam", "at": "2026-10-12T00:00:00Z",
//! "count": 3, "source": "filter", "id": "…"}`.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use crate::evidence::{Digest, Evidence, Kind};

/// The most messages that one record is believed to count.
const MAX_COUNT: u32 = 1_000_000;
/// The longest name of a source, in bytes.
const MAX_SOURCE: usize = 64;
/// The longest id, in bytes.
const MAX_ID: usize = 256;

/// A record as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    address: IpAddr,
    verdict: Verdict,
    /// When the mail arrived; now if absent.
    pub(super) at: Option<Timestamp>,
    /// Messages; 1 if absent.
    count: Option<u32>,
    /// Who says so; `filter` if absent.
    source: Option<String>,
    /// What a repetition of the record has as well; without it each record counts.
    id: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Spam,
    Ham,
    BounceUndeliverable,
}

pub(super) fn read(line: &[u8]) -> serde_json::Result<Record> {
    serde_json::from_slice(line)
}

impl Record {
    /// The evidence, of the time `at`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn evidence(self, at: Timestamp) -> Result<Evidence, String> {
        let count = self.count.unwrap_or(1);
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(format!("count {count} is not from 1 to {MAX_COUNT}"));
        }
        let source = self.source.as_deref().unwrap_or("filter");
        if !(1..=MAX_SOURCE).contains(&source.len())
            || !source.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(format!(
                "source must be 1 to {MAX_SOURCE} printable ASCII characters without spaces"
            ));
        }
        if self.id.as_ref().is_some_and(|id| id.len() > MAX_ID) {
            return Err(format!("id is longer than {MAX_ID} bytes"));
        }
        let digest = self
            .id
            .as_deref()
            .map(|id| Digest::of([b"verdict".as_slice(), source.as_bytes(), id.as_bytes()]));
        let kind = match self.verdict {
            Verdict::Spam => Kind::Spam { count },
            Verdict::Ham => Kind::Ham { count },
            Verdict::BounceUndeliverable => Kind::Bounce { count },
        };
        Ok(Evidence::new(self.address, at, source, kind, digest))
    }
}
