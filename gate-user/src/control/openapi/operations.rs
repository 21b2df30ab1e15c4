//! Every operation of the API, once: what it is for, what it takes and what it answers.

use hyper::Method;
use schemars::JsonSchema;

use super::schemas::{Of, inline, of};
use crate::control::{
    Rights,
    api::{
        Allow, AllowEntries, AllowName, Allowed, Block, BlockName, Blocked, Check, CheckQuery,
        Complained, ComplaintQuery, Complaints, ComplaintsQuery, Connections, ConnectionsQuery,
        DecideRemoval, Detached, Disallow, Disallowed, DnsblLists, DnsblTest, EndName, EndOverride,
        Evidence, EvidenceTaken, Explanation, ExportLine, Feed, Feeds, Filter, Flood, Flushed,
        History, HistoryQuery, Import, Imported, Judged, Latest, LatestQuery, Listings, LookedUp,
        Lookup, ModeState, NameCheck, NameHistory, NameHistoryQuery, NameQuery, NameSet, Names,
        NamesEnded, OverrideHistory, OverrideHistoryQuery, OverrideSet, Overrides, OverridesEnded,
        PolicyState, Reloaded, Removal, RemovalRequest, Removals, RemovalsQuery, ReplayQuery,
        Replayed, RollUp, RolledUp, Series, SetFlood, SetMode, SetOverride, Stats, Status, Top,
        TopQuery, Unblock, Unblocked, Verdict, VerdictQuery, Verdicts, VerdictsQuery, route,
    },
    needed,
};

/// What is in a body.
pub(super) enum Body {
    /// A value.
    Json(Of),
    /// Values, one a line.
    Lines(Of),
    /// Lines of JSON of several kinds.
    AnyLines,
    /// A mail.
    Mail,
    /// Prometheus's text format.
    Metrics,
}

/// An operation.
pub(super) struct Operation {
    /// Its name.
    pub(super) id: &'static str,
    /// The method.
    pub(super) method: Method,
    /// The path.
    pub(super) path: &'static str,
    /// What it is for, in one line.
    pub(super) summary: &'static str,
    /// The query it takes.
    pub(super) query: Option<Of>,
    /// The body it takes.
    pub(super) body: Option<Body>,
    /// What it answers.
    pub(super) answer: Body,
}

impl Operation {
    /// What a token must grant for it.
    pub(super) fn rights(&self) -> Rights {
        needed(&self.method, self.path)
    }

    fn new<A: JsonSchema>(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            id,
            method,
            path,
            summary,
            query: None,
            body: None,
            answer: Body::Json(of::<A>),
        }
    }

    fn query<Q: JsonSchema>(mut self) -> Self {
        self.query = Some(inline::<Q>);
        self
    }

    fn body<B: JsonSchema>(mut self) -> Self {
        self.body = Some(Body::Json(of::<B>));
        self
    }
}

/// A look, which answers an `A`.
fn get<A: JsonSchema>(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new::<A>(Method::GET, path, id, summary)
}

/// A change, which answers an `A`.
fn post<A: JsonSchema>(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new::<A>(Method::POST, path, id, summary)
}

/// A setting, whose state `A` is answered.
fn put<A: JsonSchema>(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new::<A>(Method::PUT, path, id, summary)
}

/// All of them.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = of_the_gate();
    all.extend(of_the_book());
    all.extend(of_the_desk());
    all.extend(of_others_lists());
    all.extend(of_names());
    all.extend(of_the_mail_server());
    all
}

fn of_the_gate() -> Vec<Operation> {
    vec![
        get::<Status>(route::STATUS, "status", "How the gate stands"),
        get::<Stats>(route::STATS, "stats", "What the kernel counted"),
        Operation {
            answer: Body::Metrics,
            ..get::<String>(
                route::METRICS,
                "metrics",
                "What there is to measure, for Prometheus",
            )
        },
        get::<Series>(
            route::SERIES,
            "series",
            "What the kernel counted over the last hour",
        ),
        get::<Top>(
            route::TOP,
            "top",
            "The sources seen most often in sampled drops",
        )
        .query::<TopQuery>(),
        get::<Connections>(
            route::CONNECTIONS,
            "connections",
            "Who has how many connections",
        )
        .query::<ConnectionsQuery>(),
        get::<ModeState>(route::MODE, "mode", "The mode in force"),
        put::<ModeState>(route::MODE, "setMode", "Change the mode").body::<SetMode>(),
        get::<Flood>(route::FLOOD, "flood", "Calm or flood, and who decides"),
        put::<Flood>(
            route::FLOOD,
            "setFlood",
            "Change who decides whether there is a flood",
        )
        .body::<SetFlood>(),
        post::<Reloaded>(route::RELOAD, "reload", "Read the configuration again"),
        post::<Detached>(
            route::DETACH,
            "detach",
            "Take the gate off the wire and unpin it",
        ),
    ]
}

fn of_the_book() -> Vec<Operation> {
    vec![
        get::<Check>(
            route::CHECK,
            "check",
            "All that is known of an address, and who wins",
        )
        .query::<CheckQuery>(),
        get::<Explanation>(
            route::EXPLAIN,
            "explain",
            "How it came that an address is listed or not, and what would change that",
        )
        .query::<CheckQuery>(),
        get::<Listings>(route::LISTINGS, "listings", "The listings in force").query::<Filter>(),
        get::<AllowEntries>(route::ALLOWED, "allowed", "The allow entries in force")
            .query::<Filter>(),
        get::<History>(
            route::HISTORY,
            "history",
            "What a network was listed or allowed for",
        )
        .query::<HistoryQuery>(),
        get::<Latest>(route::LATEST, "latest", "What began last in the book")
            .query::<LatestQuery>(),
        Operation {
            answer: Body::Lines(of::<ExportLine>),
            ..get::<ExportLine>(route::EXPORT, "export", "The plan, one network a line")
        },
        post::<Blocked>(route::BLOCK, "block", "List a network").body::<Block>(),
        post::<Unblocked>(route::UNBLOCK, "unblock", "End the listings of a network")
            .body::<Unblock>(),
        post::<Allowed>(route::ALLOW, "allow", "Let a network pass").body::<Allow>(),
        post::<Disallowed>(route::DISALLOW, "disallow", "End an allow entry").body::<Disallow>(),
        post::<Imported>(route::IMPORT, "import", "List many networks, all or none")
            .body::<Import>(),
        post::<Flushed>(route::FLUSH, "flush", "End every listing"),
    ]
}

fn of_the_desk() -> Vec<Operation> {
    vec![
        get::<Complaints>(route::COMPLAINTS, "complaints", "The complaints on record")
            .query::<ComplaintsQuery>(),
        Operation {
            body: Some(Body::Mail),
            ..post::<Complained>(route::COMPLAINTS, "complain", "Take a complaint in")
                .query::<ComplaintQuery>()
        },
        Operation {
            body: Some(Body::AnyLines),
            ..post::<Judged>(route::VERDICTS, "judge", "Take a filter's verdicts in")
        },
        post::<EvidenceTaken>(route::EVIDENCE, "takeEvidence", "Take evidence in")
            .body::<Evidence>(),
        post::<RolledUp>(
            route::ROLLUP,
            "rollUp",
            "Look at every network that may be rolled up",
        )
        .body::<RollUp>(),
        get::<Removals>(route::REMOVALS, "removals", "The removal requests")
            .query::<RemovalsQuery>(),
        post::<Removal>(
            route::REMOVALS,
            "requestRemoval",
            "Ask that an address be let in",
        )
        .body::<RemovalRequest>(),
        post::<Removal>(
            route::DECIDE_REMOVAL,
            "decideRemoval",
            "Grant or deny a removal request",
        )
        .body::<DecideRemoval>(),
    ]
}

fn of_others_lists() -> Vec<Operation> {
    vec![
        get::<Feeds>(route::FEEDS, "feeds", "How each feed stands"),
        post::<Feed>(route::FEED_RELOAD, "reloadFeed", "Read or fetch a feed now"),
        get::<DnsblLists>(route::DNSBL, "dnsbl", "How each DNSBL stands"),
        get::<DnsblTest>(
            route::DNSBL_TEST,
            "testDnsbl",
            "What each DNSBL says of an address now",
        )
        .query::<CheckQuery>(),
        post::<LookedUp>(route::LOOKUP, "lookup", "Ask DNS about an address now").body::<Lookup>(),
        get::<Overrides>(
            route::OVERRIDES,
            "overrides",
            "The overrides of DNSBLs in force",
        ),
        post::<OverrideSet>(route::OVERRIDES, "setOverride", "Override what DNSBLs say")
            .body::<SetOverride>(),
        post::<OverridesEnded>(route::END_OVERRIDE, "endOverride", "End overrides")
            .body::<EndOverride>(),
        get::<OverrideHistory>(
            route::OVERRIDE_HISTORY,
            "overrideHistory",
            "Overrides, past and present",
        )
        .query::<OverrideHistoryQuery>(),
    ]
}

fn of_names() -> Vec<Operation> {
    vec![
        get::<Names>(route::NAMES, "names", "The rules by PTR name in force"),
        get::<NameCheck>(
            route::CHECK_NAME,
            "checkName",
            "What the rules say of a name",
        )
        .query::<NameQuery>(),
        get::<NameHistory>(
            route::NAME_HISTORY,
            "nameHistory",
            "Rules by name, past and present",
        )
        .query::<NameHistoryQuery>(),
        post::<NameSet>(
            route::BLOCK_NAME,
            "blockName",
            "List sources by their PTR name",
        )
        .body::<BlockName>(),
        post::<NameSet>(
            route::ALLOW_NAME,
            "allowName",
            "Let sources be by their PTR name",
        )
        .body::<AllowName>(),
        post::<NamesEnded>(
            route::UNBLOCK_NAME,
            "unblockName",
            "End the listing of a name",
        )
        .body::<EndName>(),
        post::<NamesEnded>(
            route::DISALLOW_NAME,
            "disallowName",
            "End the allow entry of a name",
        )
        .body::<EndName>(),
    ]
}

fn of_the_mail_server() -> Vec<Operation> {
    vec![
        get::<Verdict>(
            route::VERDICT,
            "verdict",
            "What the mail server is told about a client",
        )
        .query::<VerdictQuery>(),
        post::<Verdicts>(route::VERDICT, "verdicts", "The same about many").body::<VerdictsQuery>(),
        get::<PolicyState>(route::POLICY, "policy", "What mail servers were told"),
        post::<Replayed>(
            route::POLICY_REPLAY,
            "replayPolicy",
            "What of the past would have been over the limits",
        )
        .body::<ReplayQuery>(),
    ]
}
