//! `export`: what is planned to be dropped, in the form that other programs read. A new format is
//! a file here and its line in [`run`].

mod carve;
mod json;
mod nft;
mod plain;
mod postfix;

use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
};

/// What `export` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How it is written; plain if not given.
    #[arg(long, value_enum)]
    format: Option<Format>,
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
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let format = match (args.format, gate.json) {
        (None | Some(Format::Json), true) => Format::Json,
        (Some(_), true) => return Err(CliError::TwoFormats),
        (given, false) => given.unwrap_or(Format::Plain),
    };
    let plan = gate.client.export().await?;
    let now = Timestamp::now();
    gate.write(|out| match format {
        Format::Plain => plain::write(&plan, out),
        Format::Json => json::write(plan, out),
        Format::Nft => nft::write(&plan, now, out),
        Format::PostfixCidr => postfix::write(&plan, now, out),
    })?;
    Ok(Exit::Done)
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
