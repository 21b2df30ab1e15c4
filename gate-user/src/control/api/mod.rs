//! The types on the wire, version 1: what a request holds and what an answer holds.
//!
//! Names, kinds and presence of fields are stable: scripts rely on them. A field is never absent
//! from an answer; what there is nothing to tell of is `null`. New fields may come. Times are
//! RFC 3339 in UTC and whole seconds, durations are text such as `3d` or `10m`, networks are
//! `address/length`.

mod change;
mod check;
mod connections;
pub(crate) mod convert;
mod counters;
mod dnsbl;
mod error;
mod evidence;
mod export;
mod feed;
mod flood;
mod intake;
mod listing;
mod lookup;
mod names;
mod overrides;
mod policy;
mod removal;
pub mod route;
mod rules;
mod series;
pub mod span;
mod status;
mod term;

pub use change::{
    Allow, Allowed, Block, Blocked, Detached, Disallow, Disallowed, Exception, ExceptionKind,
    Flushed, Import, ImportEntry, Imported, ModeState, Reloaded, SetMode, Unblock, Unblocked,
};
pub use check::{Check, CheckQuery, KernelAnswer, KernelVerdict, Match, MatchKind};
pub use connections::{
    ConnectionCounts, Connections, ConnectionsQuery, CountedBy, SourceConnections,
};
pub use counters::{PerLimit, PerReason, Stats, Top, TopQuery, TopSource};
pub use dnsbl::{DnsblAnswer, DnsblHealth, DnsblList, DnsblLists, DnsblTest};
pub use error::{ErrorBody, ErrorDetail, ErrorKind};
pub use evidence::{
    Age, ComplaintOnRecord, Complaints, ComplaintsQuery, Evidence, EvidenceKind, EvidenceOnRecord,
    EvidenceRecord, EvidenceRefused, EvidenceTaken, Explanation, RollUp, RolledUp, RollupState,
    Traffic, WayOut,
};
pub use export::{Export, ExportLine};
pub use feed::{BadLine, Feed, FeedFile, FeedInForce, Feeds, Fetch};
pub use flood::{Flood, SetFlood};
pub use intake::{
    BadVerdict, Complained, Complaint, ComplaintFormat, ComplaintQuery, Fate, Judged,
};
pub use listing::{
    AllowEntries, AllowEntry, Filter, History, HistoryEntry, HistoryQuery, Latest, LatestQuery,
    Listing, Listings,
};
pub use lookup::{DnsFinding, DnsblFinding, LookedUp, Lookup, LookupCounts, PtrFinding, PtrState};
pub use names::{
    AllowName, BlockName, EndName, NameCheck, NameEntry, NameHistory, NameHistoryQuery, NameQuery,
    NameSet, NameVerdict, Names, NamesEnded, PastName,
};
pub use overrides::{
    EndOverride, Override, OverrideHistory, OverrideHistoryQuery, OverrideSet, Overrides,
    OverridesEnded, PastOverride, SetOverride,
};
pub use policy::{
    CheckMade, CheckOutcome, Exempt, MAX_STEPS, MAX_VERDICTS, PolicyAction, PolicyState,
    ReplayDeed, ReplayQuery, ReplayRefusal, ReplayStep, Replayed, Verdict, VerdictQuery, Verdicts,
    VerdictsQuery,
};
pub use removal::{
    DecideRemoval, Decision, MAX_CONTACT, Removal, RemovalRequest, Removals, RemovalsQuery,
};
pub use series::{Point, Series};
pub use status::{
    Attach, Drift, EvidenceCounts, Index, Interface, ReasonEnforcement, Room, Status, TableSize,
};
pub use term::Term;

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::examples::answer;

    /// What scripts rely on: these names in this order, nothing else.
    #[test]
    fn check_and_stats_are_what_scripts_rely_on() {
        let mut check: Check = answer(&Method::GET, route::CHECK);
        check.matches.clear();
        check.overrides.clear();
        assert_eq!(
            serde_json::to_string(&check).unwrap(),
            r#"{"address":"192.0.2.7","listed":true,"verdict":"drop","network":"192.0.2.0/24","reason":"manual","origin":"operator","since":"2026-03-04T10:00:00Z","expires":"2026-03-07T10:00:00Z","comment":"ticket 4711","allowed":false,"kernel":{"verdict":"drop","network":"192.0.2.0/24","reason":"manual"},"matches":[],"overrides":[]}"#
        );
        let stats: Stats = answer(&Method::GET, route::STATS);
        assert_eq!(
            serde_json::to_string(&stats).unwrap(),
            r#"{"mode":"enforce","seen":120000,"passed":20000,"dropped":{"directspam":0,"highspam":0,"nobounce":0,"rollup":0,"dynamic":0,"generic":0,"nordns":0,"forged":0,"dnsbl":0,"feed":98000,"connlimit":0,"manual":1958},"would_drop":{"directspam":0,"highspam":0,"nobounce":0,"rollup":0,"dynamic":0,"generic":0,"nordns":0,"forged":0,"dnsbl":0,"feed":0,"connlimit":0,"manual":0},"allowed":42,"malformed":3,"limited":{"connections_hard":120,"rate":7,"syn_rate":0},"would_limit":{"connections_hard":0,"rate":0,"syn_rate":0},"courtesy":9}"#
        );
    }

    #[test]
    fn reasons_that_a_count_leaves_out_are_zero() {
        let counts: PerReason = serde_json::from_str(r#"{"manual":7}"#).unwrap();
        assert_eq!(counts.sum(), 7);
        assert_eq!(counts.iter().last(), Some((gate_common::Reason::Manual, 7)));
        assert_eq!(counts.iter().count(), 12);
    }
}
