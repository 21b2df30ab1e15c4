//! What the daemon does for the API: the seam between the transport and the one writer.

use std::{future::Future, net::IpAddr};

use gate_common::Mode;

use super::{
    Caller,
    api::{
        Allow, AllowEntries, AllowName, Allowed, Block, BlockName, Blocked, Check, Complained,
        ComplaintQuery, Complaints, ComplaintsQuery, Connections, ConnectionsQuery, DecideRemoval,
        Detached, Disallow, Disallowed, DnsblLists, DnsblTest, EndName, EndOverride, ErrorKind,
        Evidence, EvidenceTaken, Explanation, Export, Feed, Feeds, Filter, Flood, Flushed, History,
        Import, Imported, Judged, Latest, LatestQuery, Listings, LookedUp, ModeState, NameCheck,
        NameHistory, NameHistoryQuery, NameSet, Names, NamesEnded, OverrideHistory,
        OverrideHistoryQuery, OverrideSet, Overrides, OverridesEnded, PolicyState, Reloaded,
        Removal, RemovalRequest, Removals, RemovalsQuery, ReplayQuery, Replayed, RollUp, RolledUp,
        Series, SetOverride, Stats, Status, Top, Unblock, Unblocked, Verdict, VerdictQuery,
        Verdicts, VerdictsQuery,
    },
};
use crate::{config::FloodMode, network::Network};

/// Why a request was not carried out. The message is one sentence for the operator: what went
/// wrong and what would be right.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ServiceError {
    /// The request cannot be right, whatever the state.
    #[error("{0}")]
    BadRequest(String),
    /// There is no such listing, entry or feed.
    #[error("{0}")]
    NotFound(String),
    /// The state, or a guard that `force` overrides, is against it.
    #[error("{0}")]
    Conflict(String),
    /// Not now: starting, stopping, or a part is not there.
    #[error("{0}")]
    Unavailable(String),
    /// The daemon failed: its store, the kernel.
    #[error("{0}")]
    Internal(String),
}

impl ServiceError {
    /// The kind, as the wire names it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadRequest(_) => ErrorKind::BadRequest,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }
}

/// What a method answers, some time.
macro_rules! answer {
    ($answer:ty) => {
        impl Future<Output = Result<$answer, ServiceError>> + Send
    };
}

/// What the daemon does for the API. Implemented by the handle on its one writer; what changes
/// something has been committed when it answers (invariant 10), and says who asked. When the peer
/// goes away, the future is dropped: what it began must be completed, or not be begun.
pub trait Service: Send + Sync + 'static {
    /// How the gate stands.
    fn status(&self) -> answer!(Status);

    /// Everything that is known of `address`, and who wins.
    fn check(&self, address: IpAddr) -> answer!(Check);

    /// Lists a network. `Conflict` if it is too wide and not forced.
    fn block(&self, request: Block, by: &Caller) -> answer!(Blocked);

    /// Ends the listings of exactly that network but those of feeds. `NotFound` if nothing lists
    /// it, at it or around it.
    fn unblock(&self, request: Unblock, by: &Caller) -> answer!(Unblocked);

    /// Lets a network pass. `Conflict` if it is all there is and not forced.
    fn allow(&self, request: Allow, by: &Caller) -> answer!(Allowed);

    /// Ends the operator's allow entry of exactly that network. `NotFound` if nothing allows it.
    fn disallow(&self, request: Disallow, by: &Caller) -> answer!(Disallowed);

    /// The listings in force that meet `filter`.
    fn list(&self, filter: Filter) -> answer!(Listings);

    /// The allow entries in force that meet `filter`, whose reason is never set.
    fn allow_list(&self, filter: Filter) -> answer!(AllowEntries);

    /// Listings and allow entries of `network`, around it and in it, past and present, the latest
    /// `limit` of them (0 for all), the latest first.
    fn history(&self, network: Network, limit: usize) -> answer!(History);

    /// What the kernel counted.
    fn stats(&self) -> answer!(Stats);

    /// What the kernel counted over the last hour.
    fn series(&self) -> answer!(Series);

    /// The entries of the book that began last.
    fn latest(&self, query: LatestQuery) -> answer!(Latest);

    /// What there is to measure, in Prometheus's text format.
    fn metrics(&self) -> answer!(String);

    /// The `limit` sources with the most sampled drops.
    fn top(&self, limit: usize) -> answer!(Top);

    /// The sources with connections that meet the query, the most open ones first.
    fn connections(&self, query: ConnectionsQuery) -> answer!(Connections);

    /// The mode in force.
    fn mode(&self) -> answer!(ModeState);

    /// Changes the mode; it outlives the daemon (invariant 10).
    fn set_mode(&self, mode: Mode, by: &Caller) -> answer!(ModeState);

    /// Calm or flood, and who decides.
    fn flood(&self) -> answer!(Flood);

    /// Changes who decides whether there is a flood; it outlives the daemon (invariant 10).
    fn set_flood(&self, mode: FloodMode, by: &Caller) -> answer!(Flood);

    /// How each feed stands.
    fn feeds(&self) -> answer!(Feeds);

    /// Reads a feed now, changed or not. `NotFound` if there is none of that name; a file that was
    /// refused is no error but told in the answer.
    fn reload_feed(&self, name: &str, by: &Caller) -> answer!(Feed);

    /// How each DNS block list stands.
    fn dnsbl(&self) -> answer!(DnsblLists);

    /// What each DNS block list says of `address` now; nothing follows from it.
    fn test_dnsbl(&self, address: IpAddr) -> answer!(DnsblTest);

    /// Lists many networks in one transaction: all or none. `Conflict` if one is too wide and not
    /// forced.
    fn import(&self, request: Import, by: &Caller) -> answer!(Imported);

    /// Takes the complaint `mail` in. `BadRequest` with the reason if it is refused: it is kept in
    /// the quarantine then, and to hand it in again changes nothing.
    fn complaint(&self, mail: Vec<u8>, query: ComplaintQuery, by: &Caller) -> answer!(Complained);

    /// Takes verdicts in, a record of JSON a line: each good line, whatever the others are.
    /// `BadRequest` if none is good and one is bad. Filters that post them by TCP are nobody.
    fn verdicts(&self, lines: Vec<u8>, by: Option<&Caller>) -> answer!(Judged);

    /// The plan.
    fn export(&self) -> answer!(Export);

    /// Reads the configuration again. `BadRequest` with the error if it is refused: the old one
    /// stays in force.
    fn reload(&self, by: &Caller) -> answer!(Reloaded);

    /// Takes the gate off the wire and unpins it.
    fn detach(&self, by: &Caller) -> answer!(Detached);

    /// Ends every listing; allow entries stay.
    fn flush(&self, by: &Caller) -> answer!(Flushed);

    /// How it came that `address` is listed, or is not, and what would change that.
    fn explain(&self, address: IpAddr) -> answer!(Explanation);

    /// Asks DNS about `address` now, and lists or ends what follows. `Conflict` if DNS is not asked
    /// at all.
    fn lookup(&self, address: IpAddr, by: &Caller) -> answer!(LookedUp);

    /// The complaints on record that meet the query.
    fn complaints(&self, query: ComplaintsQuery) -> answer!(Complaints);

    /// Takes evidence in, and lists what is to be listed for it. A bad record loses no other.
    fn take_evidence(&self, request: Evidence, by: &Caller) -> answer!(EvidenceTaken);

    /// Looks at every network that may be rolled up, and does what is to be done.
    fn roll_up(&self, request: RollUp, by: &Caller) -> answer!(RolledUp);

    /// The removal requests that meet the query.
    fn removals(&self, query: RemovalsQuery) -> answer!(Removals);

    /// Decides a removal request by the rules. `NotFound` if nothing lists the address, `Conflict`
    /// if there were too many for its network or from the same contact.
    fn request_removal(&self, request: RemovalRequest, by: &Caller) -> answer!(Removal);

    /// What the mail server is told about a client, or would be.
    fn verdict(&self, query: VerdictQuery) -> answer!(Verdict);

    /// The same about many. `BadRequest` if there are too many.
    fn verdicts_of(&self, query: VerdictsQuery) -> answer!(Verdicts);

    /// What would have been over the limits. `BadRequest` if there are too many steps.
    fn replay_policy(&self, query: ReplayQuery) -> answer!(Replayed);

    /// What mail servers were told.
    fn policy(&self) -> answer!(PolicyState);

    /// Decides a removal request by the postmaster's word. `NotFound` if there is none of that
    /// number, `Conflict` if it is decided so already.
    fn decide_removal(&self, request: DecideRemoval, by: &Caller) -> answer!(Removal);

    /// The rules of the name-based list in force.
    fn names(&self) -> answer!(Names);

    /// Lists sources by their PTR name. `BadRequest` for a reason that no name gives, `Conflict`
    /// if the pattern is too wide and not forced.
    fn block_name(&self, request: BlockName, by: &Caller) -> answer!(NameSet);

    /// Lets sources be by their PTR name. `Conflict` as for [`Service::block_name`].
    fn allow_name(&self, request: AllowName, by: &Caller) -> answer!(NameSet);

    /// Ends the block entries of exactly that pattern. `NotFound` if there is none.
    fn unblock_name(&self, request: EndName, by: &Caller) -> answer!(NamesEnded);

    /// Ends the allow entry of exactly that pattern. `NotFound` if there is none.
    fn disallow_name(&self, request: EndName, by: &Caller) -> answer!(NamesEnded);

    /// What the name-based list says of `name`.
    fn check_name(&self, name: String) -> answer!(NameCheck);

    /// The rules of the name-based list, past and present.
    fn name_history(&self, query: NameHistoryQuery) -> answer!(NameHistory);

    /// The overrides of DNSBLs in force.
    fn overrides(&self) -> answer!(Overrides);

    /// Overrides what DNSBLs say of a network. `Conflict` if it is too wide and not forced.
    fn set_override(&self, request: SetOverride, by: &Caller) -> answer!(OverrideSet);

    /// Ends overrides of exactly that network. `NotFound` if there is none.
    fn end_override(&self, request: EndOverride, by: &Caller) -> answer!(OverridesEnded);

    /// Overrides of DNSBLs, past and present.
    fn override_history(&self, query: OverrideHistoryQuery) -> answer!(OverrideHistory);
}
