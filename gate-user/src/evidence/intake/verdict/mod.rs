//! What a filter said of mail, and bounces: lines of JSON in, evidence and bad lines out.
//!
//! A line is a record of ours ([`record`]) or of rspamd's metadata_exporter ([`rspamd`]).

mod record;
mod rspamd;

use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};

use super::{Intake, complaint::timely, trust::Standing};
use crate::evidence::Evidence;

/// The longest line, in bytes.
const MAX_LINE: usize = 256 << 10;

/// What came of a batch of lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// What counts.
    pub evidence: Vec<Evidence>,
    /// Lines that are no evidence, and no error: on mail of own relays, forwarders and users who
    /// had logged in, and on mail that is to come again.
    pub skipped: usize,
    /// Lines that are refused.
    pub bad: Vec<Bad>,
}

/// A line that is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bad {
    /// Which line, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// What is needed to know whose record a line is.
#[derive(Deserialize)]
struct Probe {
    verdict: Option<IgnoredAny>,
    action: Option<IgnoredAny>,
}

impl Intake {
    /// What these lines say. One bad line does not lose the others; empty ones are left out.
    pub fn verdicts(&self, lines: &[u8], now: Timestamp) -> Batch {
        let mut batch = Batch::default();
        for (number, line) in (1..).zip(lines.split(|&byte| byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match self.verdict(line, now) {
                Ok(Some(evidence)) => batch.evidence.push(evidence),
                Ok(None) => batch.skipped += 1,
                Err(why) => batch.bad.push(Bad { line: number, why }),
            }
        }
        batch
    }

    fn verdict(&self, line: &[u8], now: Timestamp) -> Result<Option<Evidence>, String> {
        if line.len() > MAX_LINE {
            return Err(format!(
                "{} bytes long: at most {MAX_LINE} are taken",
                line.len()
            ));
        }
        let probe: Probe = serde_json::from_slice(line).map_err(|error| said(&error))?;
        let evidence = if probe.verdict.is_none() && probe.action.is_some() {
            rspamd::read(line, now).map_err(|error| said(&error))?
        } else {
            let record = record::read(line).map_err(|error| said(&error))?;
            let at = timely(record.at, now, self.verdict_age);
            Some(record.evidence(at.map_err(|error| error.to_string())?)?)
        };
        Ok(
            evidence
                .filter(|evidence| self.trust.standing(evidence.address()) == Standing::Outside),
        )
    }
}

/// serde's words without the place, which is always line 1.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
