//! Where what is asked for: the paths of version 1.

/// `POST` of [`Lookup`](super::Lookup): [`LookedUp`](super::LookedUp).
pub const LOOKUP: &str = "/v1/lookup";
/// `GET`: [`Status`](super::Status).
pub const STATUS: &str = "/v1/status";
/// `GET` with [`CheckQuery`](super::CheckQuery): [`Check`](super::Check).
pub const CHECK: &str = "/v1/check";
/// `POST` of [`Block`](super::Block): [`Blocked`](super::Blocked).
pub const BLOCK: &str = "/v1/block";
/// `POST` of [`Unblock`](super::Unblock): [`Unblocked`](super::Unblocked).
pub const UNBLOCK: &str = "/v1/unblock";
/// `POST` of [`Allow`](super::Allow): [`Allowed`](super::Allowed).
pub const ALLOW: &str = "/v1/allow";
/// `POST` of [`Disallow`](super::Disallow): [`Disallowed`](super::Disallowed).
pub const DISALLOW: &str = "/v1/disallow";
/// `GET` with [`Filter`](super::Filter): [`Listings`](super::Listings).
pub const LISTINGS: &str = "/v1/listings";
/// `GET` with [`Filter`](super::Filter): [`AllowEntries`](super::AllowEntries).
pub const ALLOWED: &str = "/v1/allowed";
/// `GET` with [`HistoryQuery`](super::HistoryQuery): [`History`](super::History).
pub const HISTORY: &str = "/v1/history";
/// `GET` with [`LatestQuery`](super::LatestQuery): [`Latest`](super::Latest).
pub const LATEST: &str = "/v1/history/latest";
/// `GET`: [`Series`](super::Series).
pub const SERIES: &str = "/v1/series";
/// `GET`: [`Stats`](super::Stats).
pub const STATS: &str = "/v1/stats";
/// `GET`: metrics, in Prometheus's text format.
pub const METRICS: &str = "/metrics";
/// `GET` with [`TopQuery`](super::TopQuery): [`Top`](super::Top).
pub const TOP: &str = "/v1/top";
/// `GET` with [`ConnectionsQuery`](super::ConnectionsQuery): [`Connections`](super::Connections).
pub const CONNECTIONS: &str = "/v1/connections";
/// `GET`, and `PUT` of [`SetMode`](super::SetMode): [`ModeState`](super::ModeState).
pub const MODE: &str = "/v1/mode";
/// `GET`, and `PUT` of [`SetFlood`](super::SetFlood): [`Flood`](super::Flood).
pub const FLOOD: &str = "/v1/flood";
/// `GET`: [`Feeds`](super::Feeds).
pub const FEEDS: &str = "/v1/feeds";
/// `POST`, the feed's name in the path: [`Feed`](super::Feed).
pub const FEED_RELOAD: &str = "/v1/feeds/{name}/reload";
/// `GET`: [`DnsblLists`](super::DnsblLists).
pub const DNSBL: &str = "/v1/dnsbl";
/// `GET` with [`CheckQuery`](super::CheckQuery): [`DnsblTest`](super::DnsblTest).
pub const DNSBL_TEST: &str = "/v1/dnsbl/test";
/// `POST` of [`Import`](super::Import): [`Imported`](super::Imported).
pub const IMPORT: &str = "/v1/import";
/// `GET`: [`ExportLine`](super::ExportLine)s, one a line.
pub const EXPORT: &str = "/v1/export";
/// `POST` of lines of JSON: [`Judged`](super::Judged).
pub const VERDICTS: &str = "/v1/verdicts";
/// `POST`: [`Reloaded`](super::Reloaded).
pub const RELOAD: &str = "/v1/reload";
/// `POST`: [`Detached`](super::Detached).
pub const DETACH: &str = "/v1/detach";
/// `POST`: [`Flushed`](super::Flushed).
pub const FLUSH: &str = "/v1/flush";
/// `GET` with [`CheckQuery`](super::CheckQuery): [`Explanation`](super::Explanation).
pub const EXPLAIN: &str = "/v1/explain";
/// `GET` with [`ComplaintsQuery`](super::ComplaintsQuery): [`Complaints`](super::Complaints).
/// `POST` of a mail, with [`ComplaintQuery`](super::ComplaintQuery):
/// [`Complained`](super::Complained).
pub const COMPLAINTS: &str = "/v1/complaints";
/// `POST` of [`Evidence`](super::Evidence): [`EvidenceTaken`](super::EvidenceTaken).
pub const EVIDENCE: &str = "/v1/evidence";
/// `POST` of [`RollUp`](super::RollUp): [`RolledUp`](super::RolledUp).
pub const ROLLUP: &str = "/v1/rollup";
/// `GET` with [`RemovalsQuery`](super::RemovalsQuery): [`Removals`](super::Removals), and `POST` of
/// [`RemovalRequest`](super::RemovalRequest): [`Removal`](super::Removal).
pub const REMOVALS: &str = "/v1/removals";
/// `POST` of [`DecideRemoval`](super::DecideRemoval): [`Removal`](super::Removal).
pub const DECIDE_REMOVAL: &str = "/v1/removals/decide";
/// `GET`: [`Names`](super::Names).
pub const NAMES: &str = "/v1/names";
/// `POST` of [`BlockName`](super::BlockName): [`NameSet`](super::NameSet).
pub const BLOCK_NAME: &str = "/v1/names/block";
/// `POST` of [`AllowName`](super::AllowName): [`NameSet`](super::NameSet).
pub const ALLOW_NAME: &str = "/v1/names/allow";
/// `POST` of [`EndName`](super::EndName): [`NamesEnded`](super::NamesEnded).
pub const UNBLOCK_NAME: &str = "/v1/names/unblock";
/// `POST` of [`EndName`](super::EndName): [`NamesEnded`](super::NamesEnded).
pub const DISALLOW_NAME: &str = "/v1/names/disallow";
/// `GET` with [`NameQuery`](super::NameQuery): [`NameCheck`](super::NameCheck).
pub const CHECK_NAME: &str = "/v1/names/check";
/// `GET` with [`NameHistoryQuery`](super::NameHistoryQuery): [`NameHistory`](super::NameHistory).
pub const NAME_HISTORY: &str = "/v1/names/history";
/// `GET`: [`Overrides`](super::Overrides), and `POST` of [`SetOverride`](super::SetOverride):
/// [`OverrideSet`](super::OverrideSet).
pub const OVERRIDES: &str = "/v1/dnsbl/overrides";
/// `POST` of [`EndOverride`](super::EndOverride): [`OverridesEnded`](super::OverridesEnded).
pub const END_OVERRIDE: &str = "/v1/dnsbl/overrides/end";
/// `GET` with [`OverrideHistoryQuery`](super::OverrideHistoryQuery):
/// [`OverrideHistory`](super::OverrideHistory).
pub const OVERRIDE_HISTORY: &str = "/v1/dnsbl/overrides/history";
/// `GET` with [`VerdictQuery`](super::VerdictQuery): [`Verdict`](super::Verdict).
/// `POST` of [`VerdictsQuery`](super::VerdictsQuery): [`Verdicts`](super::Verdicts).
pub const VERDICT: &str = "/v1/verdict";
/// `GET`: [`PolicyState`](super::PolicyState).
pub const POLICY: &str = "/v1/policy";
/// `POST` of [`ReplayQuery`](super::ReplayQuery): [`Replayed`](super::Replayed).
pub const POLICY_REPLAY: &str = "/v1/policy/replay";

/// `GET`: this API as OpenAPI describes it.
pub const OPENAPI: &str = "/v1/openapi.json";

/// The path of [`FEED_RELOAD`] for the feed `name`, which needs no escaping: see
/// [`FeedName`](crate::config::FeedName).
pub fn feed_reload(name: &crate::config::FeedName) -> String {
    FEED_RELOAD.replace("{name}", name.as_str())
}
