//! `list` and `history`: what is and was in the book.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    change::reason,
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    words::{expiry, note, term},
};
use crate::{
    book::Origin,
    control::api::{
        AllowEntries, AllowEntry, Filter, History, HistoryEntry, HistoryQuery, Listing, Listings,
        route, span,
    },
    network::Network,
};
use gate_common::Reason;

/// How many entries are shown if no limit is given.
const LIMIT: usize = 1000;

/// What `list` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show the allow entries instead.
    #[arg(long, conflicts_with = "reason")]
    allow: bool,
    /// Only listings for this reason.
    #[arg(long, value_name = "CODE", value_parser = reason)]
    reason: Option<Reason>,
    /// Only those of this origin: operator, feed:NAME, ...
    #[arg(long)]
    origin: Option<Origin>,
    /// Only those that cover this address or network.
    #[arg(long, value_name = "NETWORK")]
    contains: Option<Network>,
    /// Only those that lie in this network.
    #[arg(long, value_name = "NETWORK")]
    within: Option<Network>,
    /// Only those that began then or later: a time, a date (UTC), or how long ago (3d).
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// At most so many; 0 for all.
    #[arg(long, value_name = "N", default_value_t = LIMIT)]
    limit: usize,
}

/// What `history` is given.
#[derive(Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// An address, or a network such as 192.0.2.0/24.
    network: Network,
    /// At most so many, the latest; 0 for all.
    #[arg(long, value_name = "N", default_value_t = LIMIT)]
    limit: usize,
}

/// A time: RFC 3339, a date, or a duration before now.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<Date>() {
        return match date.to_zoned(TimeZone::UTC) {
            Ok(midnight) => Ok(midnight.timestamp()),
            Err(error) => Err(error.to_string()),
        };
    }
    let unclear = || {
        format!("`{text}` is not a time: expected such as 2026-03-04T10:00:00Z, 2026-03-04 or 3d")
    };
    let ago = span::parse(text).map_err(|_| unclear())?;
    let now = Timestamp::from_second(Timestamp::now().as_second()).map_err(|_| unclear())?;
    now.checked_sub(ago).map_err(|_| unclear())
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let filter = Filter {
        reason: args.reason,
        origin: args.origin,
        contains: args.contains,
        within: args.within,
        since: args.since,
        limit: args.limit,
    };
    let (shown, total) = if args.allow {
        let answer: AllowEntries = gate.client.ask(route::ALLOWED, &filter).await?;
        gate.show(&answer, |answer, _| allow_entries(&answer.allowed))?;
        (answer.allowed.len(), answer.total)
    } else {
        let answer: Listings = gate.client.ask(route::LISTINGS, &filter).await?;
        gate.show(&answer, |answer, _| listings(&answer.listings))?;
        (answer.listings.len(), answer.total)
    };
    if shown < total {
        eprintln!("note: {shown} of {total} are shown; --limit 0 shows all");
    }
    Ok(Exit::Done)
}

pub(super) fn listings(listings: &[Listing]) -> String {
    let mut table = Table::new([
        ("NETWORK", Align::Left),
        ("REASON", Align::Left),
        ("ORIGIN", Align::Left),
        ("SINCE", Align::Left),
        ("EXPIRES", Align::Left),
        ("NOTE", Align::Left),
    ]);
    for listing in listings {
        table.row([
            listing.network.to_string(),
            listing.reason.code().to_owned(),
            listing.origin.to_string(),
            listing.since.to_string(),
            expiry(listing.expires),
            note(listing.comment.as_deref(), listing.evidence.as_deref()),
        ]);
    }
    table.render()
}

fn allow_entries(entries: &[AllowEntry]) -> String {
    let mut table = Table::new([
        ("NETWORK", Align::Left),
        ("ORIGIN", Align::Left),
        ("SINCE", Align::Left),
        ("EXPIRES", Align::Left),
        ("NOTE", Align::Left),
    ]);
    for entry in entries {
        table.row([
            entry.network.to_string(),
            entry.origin.to_string(),
            entry.since.to_string(),
            expiry(entry.expires),
            note(entry.comment.as_deref(), None),
        ]);
    }
    table.render()
}

pub(super) async fn history(gate: &Gate, args: HistoryArgs) -> Result<Exit, CliError> {
    let query = HistoryQuery {
        network: args.network,
        limit: args.limit,
    };
    let answer: History = gate.client.ask(route::HISTORY, &query).await?;
    gate.show(&answer, |answer, _| past(&answer.entries))?;
    if args.limit > 0 && answer.entries.len() == args.limit {
        let limit = args.limit;
        eprintln!("note: the latest {limit} are shown, there may be more; --limit 0 shows all");
    }
    Ok(Exit::Done)
}

pub(super) fn past(entries: &[HistoryEntry]) -> String {
    let mut table = Table::new([
        ("NETWORK", Align::Left),
        ("REASON", Align::Left),
        ("ORIGIN", Align::Left),
        ("BY", Align::Left),
        ("SINCE", Align::Left),
        ("UNTIL", Align::Left),
        ("END", Align::Left),
        ("NOTE", Align::Left),
    ]);
    for entry in entries {
        let reason = entry.reason.map_or("allow", Reason::code);
        let [by, since, until, end] = term(&entry.term);
        table.row([
            entry.network.to_string(),
            reason.to_owned(),
            entry.origin.to_string(),
            by,
            since,
            until,
            end,
            note(entry.comment.as_deref(), entry.evidence.as_deref()),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::examples::answer;

    #[test]
    fn listings_are_a_table() {
        let mut answer: Listings = answer(&Method::GET, route::LISTINGS);
        let mut other = answer.listings[0].clone();
        other.network = "2001:db8::/32".parse().unwrap();
        other.expires = None;
        other.evidence = Some("SBL\u{7}1".to_owned());
        answer.listings.push(other);
        assert_eq!(
            listings(&answer.listings),
            "\
NETWORK        REASON  ORIGIN    SINCE                 EXPIRES               NOTE
192.0.2.0/24   manual  operator  2026-03-04T10:00:00Z  2026-03-07T10:00:00Z  ticket 4711
2001:db8::/32  manual  operator  2026-03-04T10:00:00Z  never                 ticket 4711; SBL\\u{7}1
"
        );
    }

    #[test]
    fn allow_entries_are_a_table() {
        let answer: AllowEntries = answer(&Method::GET, route::ALLOWED);
        assert_eq!(
            allow_entries(&answer.allowed),
            "\
NETWORK          ORIGIN  SINCE                 EXPIRES  NOTE
198.51.100.0/24  config  2026-03-01T06:00:00Z  never
"
        );
    }

    #[test]
    fn history_tells_how_each_ended() {
        let answer: History = answer(&Method::GET, route::HISTORY);
        assert_eq!(
            past(&answer.entries),
            "\
NETWORK       REASON  ORIGIN    BY        SINCE                 UNTIL                 END               NOTE
192.0.2.0/24  manual  operator  uid 0     2026-03-04T10:00:00Z  2026-03-07T10:00:00Z  in force          ticket 4711
192.0.2.7/32  allow   operator  uid 1000  2026-01-10T08:00:00Z  2026-01-11T09:30:00Z  removed by uid 0  new relay
"
        );
    }

    #[test]
    fn a_time_is_given_as_one_as_a_date_or_as_ago() {
        let time = |text| since(text).unwrap().to_string();
        assert_eq!(time("2026-03-04T11:00:00+01:00"), "2026-03-04T10:00:00Z");
        assert_eq!(time("2026-03-04"), "2026-03-04T00:00:00Z");
        let ago = Timestamp::now().as_second() - since("3d").unwrap().as_second();
        assert!((3 * 86_400..3 * 86_400 + 60).contains(&ago), "{ago}");
        for bad in ["", "yesterday", "2026-13-01", "99999999d"] {
            assert!(since(bad).unwrap_err().contains("is not a time"), "{bad}");
        }
    }
}
