//! `export`: what is planned to be dropped, in the form that other programs read. A new format is
//! a file here and its line in [`run`].

mod carve;
mod json;
mod nft;
mod plain;
mod postfix;
mod rbldnsd;

use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
};
use crate::{
    control::api::{Export, Filter, Listings, Status, route},
    plan::Enforcement,
};

/// What `export` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How it is written; plain if not given.
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    rbldnsd: rbldnsd::Options,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Format {
    /// A network a line; what is allowed is cut out.
    Plain,
    /// A JSON value a line; what is allowed comes first (also by --json).
    Json,
    /// For `nft -f`: sets and a chain to jump to, in the table `inet gate`.
    Nft,
    /// For `check_client_access cidr:FILE` of Postfix; what is allowed comes first, as DUNNO.
    PostfixCidr,
    /// For rbldnsd, as the dataset `combined`: also what the mail server is to refuse; what is
    /// allowed is excluded.
    Rbldnsd,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let format = match (args.format, gate.json) {
        (None | Some(Format::Json), true) => Format::Json,
        (Some(_), true) => return Err(CliError::TwoFormats),
        (given, false) => given.unwrap_or(Format::Plain),
    };
    if format != Format::Rbldnsd && args.rbldnsd.given() {
        return Err(CliError::NotForFormat);
    }
    let mut plan = gate.client.export().await?;
    if format == Format::Rbldnsd {
        add_refused(gate, &mut plan).await?;
    }
    let now = Timestamp::now();
    gate.write(|out| match format {
        Format::Plain => plain::write(&plan, out),
        Format::Json => json::write(plan, out),
        Format::Nft => nft::write(&plan, now, out),
        Format::PostfixCidr => postfix::write(&plan, now, out),
        Format::Rbldnsd => rbldnsd::write(&plan, now, &args.rbldnsd, out),
    })?;
    Ok(Exit::Done)
}

/// Adds what is listed for reasons for which the mail server refuses, and no packet is dropped.
async fn add_refused(gate: &Gate, plan: &mut Export) -> Result<(), CliError> {
    let status: Status = gate.client.get(route::STATUS).await?;
    for entry in status.not_dropped {
        if entry.enforcement != Enforcement::Reject {
            continue;
        }
        let filter = Filter {
            reason: Some(entry.reason),
            ..Filter::default()
        };
        let found: Listings = gate.client.ask(route::LISTINGS, &filter).await?;
        for listing in found.listings {
            plan.block.entry(listing.network).or_insert(listing.reason);
        }
    }
    Ok(())
}

#[cfg(test)]
mod testing {
    use gate_common::Reason;

    use crate::control::api::Export;

    /// A plan that drops and allows these.
    pub(super) fn plan(block: &[(&str, Reason)], allow: &[&str]) -> Export {
        Export {
            allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
            block: block
                .iter()
                .map(|(text, reason)| (text.parse().unwrap(), *reason))
                .collect(),
        }
    }

    /// A plan with everything that makes a difference.
    pub(super) fn mixed() -> Export {
        plan(
            &[
                ("192.0.2.0/24", Reason::Manual),
                ("192.0.2.128/25", Reason::Feed),
                ("198.51.100.0/30", Reason::Feed),
                ("2001:db8::/32", Reason::DirectSpam),
            ],
            &["198.51.100.2", "203.0.113.0/24", "203.0.113.7", "::1"],
        )
    }

    /// What `write` writes.
    pub(super) fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}
