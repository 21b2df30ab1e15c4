//! What rspamd's metadata_exporter posts with `formatter = "json"`: the result of one scan
//! (`get_general_metadata` in rspamd's metadata_exporter.lua). It has no time: it is posted at
//! once.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use crate::evidence::{Digest, Evidence, Kind};

/// What is used of the result. What rspamd does not know is `unknown`, or is not there.
#[derive(Debug, Deserialize)]
struct Scan {
    ip: String,
    action: String,
    user: Option<String>,
    qid: Option<String>,
    message_id: Option<String>,
    rspamd_server: Option<String>,
}

/// The evidence of a scan; `None` if it is none: of mail from no address or of a user who had
/// logged in, and of mail that was told to come again, which is scanned again then.
pub(super) fn read(line: &[u8], now: Timestamp) -> serde_json::Result<Option<Evidence>> {
    let scan: Scan = serde_json::from_slice(line)?;
    let known = |text: &Option<String>| {
        text.as_deref()
            .filter(|text| !matches!(*text, "" | "unknown" | "undef"))
            .map(str::to_owned)
    };
    let kind = match scan.action.as_str() {
        "reject" | "add header" | "rewrite subject" | "quarantine" | "discard" => {
            Kind::Spam { count: 1 }
        }
        "no action" => Kind::Ham { count: 1 },
        "greylist" | "soft reject" => return Ok(None),
        other => {
            return Err(serde::de::Error::custom(format_args!(
                "`{other}` is not an action of rspamd"
            )));
        }
    };
    if known(&scan.user).is_some() || scan.ip == "unknown" {
        return Ok(None);
    }
    let address: IpAddr = scan.ip.parse().map_err(|_| {
        serde::de::Error::custom(format_args!("ip: `{}` is not an address", scan.ip))
    })?;
    let server = known(&scan.rspamd_server);
    let from = match &server {
        Some(server) => format!("rspamd@{server}"),
        None => "rspamd".to_owned(),
    };
    let digest = known(&scan.qid)
        .zip(known(&scan.message_id))
        .map(|(queue, message)| {
            let parts = ["rspamd", &from, &queue, &message];
            Digest::of(parts.map(str::as_bytes))
        });
    Ok(Some(Evidence::new(address, now, &from, kind, digest)))
}
