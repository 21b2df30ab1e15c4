//! docs/control-api.md as the tests use it: its examples, and a daemon that answers with them.

use std::{net::IpAddr, sync::Mutex};

use gate_common::Mode;
use hyper::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{
    Caller, Service, ServiceError,
    api::{
        Allow, AllowEntries, AllowName, Allowed, Block, BlockName, Blocked, Check, Complained,
        ComplaintQuery, Complaints, ComplaintsQuery, Connections, ConnectionsQuery, DecideRemoval,
        Detached, Disallow, Disallowed, DnsblLists, DnsblTest, EndName, EndOverride, Evidence,
        EvidenceTaken, Explanation, Export, ExportLine, Feed, Feeds, Filter, Flood, Flushed,
        History, Import, Imported, Judged, Latest, LatestQuery, Listings, LookedUp, ModeState,
        NameCheck, NameHistory, NameHistoryQuery, NameSet, Names, NamesEnded, OverrideHistory,
        OverrideHistoryQuery, OverrideSet, Overrides, OverridesEnded, PolicyState, Reloaded,
        Removal, RemovalRequest, Removals, RemovalsQuery, ReplayQuery, Replayed, RollUp, RolledUp,
        Series, SetOverride, Stats, Status, Top, Unblock, Unblocked, Verdict, VerdictQuery,
        Verdicts, VerdictsQuery, route,
    },
};
use crate::{config::FloodMode, network::Network};

/// The document.
pub(crate) const DOCUMENT: &str = include_str!("../../../docs/control-api.md");

/// The time at which the examples are looked at.
pub(crate) fn now() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().unwrap()
}

/// An example of the document: a block `http` and the block `json` behind it; or `text`, where the
/// answer is no JSON.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    /// The method.
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    /// The request's body.
    pub(crate) body: String,
    /// The answer's body.
    pub(crate) answer: String,
}

impl Example {
    /// The answer on one line: JSON as the server writes it, text with nothing but its newlines
    /// taken out.
    pub(crate) fn line(&self) -> String {
        match self.answer.chars().next() {
            Some('{') => compact(&self.answer),
            _ => self.answer.replace('\n', ""),
        }
    }

    /// Whether this is an example of the route `path`.
    pub(crate) fn is_of(&self, method: &Method, path: &str) -> bool {
        let target = self.target.split('?').next().unwrap();
        let same = |(asked, pattern): (&str, &str)| pattern == "{name}" || asked == pattern;
        self.method == *method
            && target.split('/').count() == path.split('/').count()
            && target.split('/').zip(path.split('/')).all(same)
    }
}

/// The text of the fenced block that `text` begins with.
fn block<'a>(text: &'a str, language: &str) -> Option<&'a str> {
    text.strip_prefix("```")?
        .strip_prefix(language)?
        .strip_prefix('\n')?
        .split("```\n")
        .next()
}

/// All examples of the document, in its order.
pub(crate) fn examples() -> Vec<Example> {
    let requests = DOCUMENT.match_indices("```http\n").map(|(at, _)| at);
    requests
        .map(|at| {
            let request = block(&DOCUMENT[at..], "http").unwrap();
            let (line, body) = request.split_once('\n').unwrap();
            let (method, target) = line.split_once(' ').unwrap();
            let rest = &DOCUMENT[at + "```http\n".len() + request.len() + "```\n".len()..];
            Example {
                method: method.parse().unwrap(),
                target: target.to_owned(),
                body: body.to_owned(),
                answer: block(rest, "json")
                    .or_else(|| block(rest, "text"))
                    .unwrap_or_else(|| panic!("{line}: no answer behind it"))
                    .to_owned(),
            }
        })
        .collect()
}

/// The documented answer of a route.
pub(crate) fn answer<T: DeserializeOwned>(method: &Method, path: &str) -> T {
    let examples = examples();
    let example = examples.iter().find(|example| example.is_of(method, path));
    let example = example.unwrap_or_else(|| panic!("{method} {path} has no example"));
    serde_json::from_str(&example.answer).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// `json` without space between its values: as the server writes it.
pub(crate) fn compact(json: &str) -> String {
    let mut in_text = false;
    let mut escaped = false;
    json.chars()
        .filter(|&c| {
            if in_text {
                in_text = c != '"' || escaped;
                escaped = c == '\\' && !escaped;
                return true;
            }
            in_text = c == '"';
            !c.is_whitespace()
        })
        .collect()
}

/// A daemon that answers what the document says, or an error; it notes what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Documented {
    /// Answer this error instead.
    pub(crate) error: Option<ServiceError>,
    /// Answer this when an address is checked.
    pub(crate) check: Option<Check>,
    /// What was asked.
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Documented {
    fn answer<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        asked: String,
    ) -> Result<T, ServiceError> {
        self.asked.lock().unwrap().push(asked);
        match &self.error {
            Some(error) => Err(error.clone()),
            None => Ok(answer(method, path)),
        }
    }

    fn look<T: DeserializeOwned>(&self, path: &str, asked: String) -> Result<T, ServiceError> {
        self.answer(&Method::GET, path, asked)
    }

    fn change<T: DeserializeOwned>(
        &self,
        path: &str,
        asked: &str,
        by: &Caller,
    ) -> Result<T, ServiceError> {
        self.answer(&Method::POST, path, format!("{by}: {asked}"))
    }
}

impl Service for Documented {
    async fn status(&self) -> Result<Status, ServiceError> {
        self.look(route::STATUS, "status".to_owned())
    }

    async fn check(&self, address: IpAddr) -> Result<Check, ServiceError> {
        let documented = self.look(route::CHECK, format!("check {address}"))?;
        Ok(self.check.clone().unwrap_or(documented))
    }

    async fn block(&self, request: Block, by: &Caller) -> Result<Blocked, ServiceError> {
        self.change(route::BLOCK, &format!("{request:?}"), by)
    }

    async fn unblock(&self, request: Unblock, by: &Caller) -> Result<Unblocked, ServiceError> {
        self.change(route::UNBLOCK, &format!("{request:?}"), by)
    }

    async fn allow(&self, request: Allow, by: &Caller) -> Result<Allowed, ServiceError> {
        self.change(route::ALLOW, &format!("{request:?}"), by)
    }

    async fn disallow(&self, request: Disallow, by: &Caller) -> Result<Disallowed, ServiceError> {
        self.change(route::DISALLOW, &format!("{request:?}"), by)
    }

    async fn list(&self, filter: Filter) -> Result<Listings, ServiceError> {
        self.look(route::LISTINGS, format!("{filter:?}"))
    }

    async fn allow_list(&self, filter: Filter) -> Result<AllowEntries, ServiceError> {
        self.look(route::ALLOWED, format!("{filter:?}"))
    }

    async fn history(&self, network: Network, limit: usize) -> Result<History, ServiceError> {
        self.look(route::HISTORY, format!("history {network} {limit}"))
    }

    async fn stats(&self) -> Result<Stats, ServiceError> {
        self.look(route::STATS, "stats".to_owned())
    }

    async fn series(&self) -> Result<Series, ServiceError> {
        self.look(route::SERIES, "series".to_owned())
    }

    async fn latest(&self, query: LatestQuery) -> Result<Latest, ServiceError> {
        self.look(route::LATEST, format!("{query:?}"))
    }

    async fn metrics(&self) -> Result<String, ServiceError> {
        let examples = examples();
        let example = examples
            .iter()
            .find(|example| example.is_of(&Method::GET, route::METRICS));
        Ok(example.unwrap().answer.clone())
    }

    async fn top(&self, limit: usize) -> Result<Top, ServiceError> {
        self.look(route::TOP, format!("top {limit}"))
    }

    async fn connections(&self, query: ConnectionsQuery) -> Result<Connections, ServiceError> {
        self.look(route::CONNECTIONS, format!("{query:?}"))
    }

    async fn mode(&self) -> Result<ModeState, ServiceError> {
        self.look(route::MODE, "mode".to_owned())
    }

    async fn set_mode(&self, mode: Mode, by: &Caller) -> Result<ModeState, ServiceError> {
        let asked = format!("{by}: mode {}", mode.as_str());
        self.answer(&Method::PUT, route::MODE, asked)
    }

    async fn flood(&self) -> Result<Flood, ServiceError> {
        self.look(route::FLOOD, "flood".to_owned())
    }

    async fn set_flood(&self, mode: FloodMode, by: &Caller) -> Result<Flood, ServiceError> {
        let asked = format!("{by}: flood {}", mode.as_str());
        self.answer(&Method::PUT, route::FLOOD, asked)
    }

    async fn feeds(&self) -> Result<Feeds, ServiceError> {
        self.look(route::FEEDS, "feeds".to_owned())
    }

    async fn reload_feed(&self, name: &str, by: &Caller) -> Result<Feed, ServiceError> {
        self.change(route::FEED_RELOAD, &format!("reload feed {name}"), by)
    }

    async fn dnsbl(&self) -> Result<DnsblLists, ServiceError> {
        self.look(route::DNSBL, "dnsbl".to_owned())
    }

    async fn test_dnsbl(&self, address: IpAddr) -> Result<DnsblTest, ServiceError> {
        self.look(route::DNSBL_TEST, format!("test dnsbl {address}"))
    }

    async fn import(&self, request: Import, by: &Caller) -> Result<Imported, ServiceError> {
        let asked = format!("import {}", request.networks.len());
        self.change(route::IMPORT, &asked, by)
    }

    async fn complaint(
        &self,
        mail: Vec<u8>,
        query: ComplaintQuery,
        by: &Caller,
    ) -> Result<Complained, ServiceError> {
        let asked = format!("complaint {} {query:?}", mail.len());
        self.change(route::COMPLAINTS, &asked, by)
    }

    async fn verdicts(&self, lines: Vec<u8>, by: Option<&Caller>) -> Result<Judged, ServiceError> {
        let by = by.map_or("nobody".to_owned(), ToString::to_string);
        let asked = format!("{by}: verdicts {}", lines.len());
        self.answer(&Method::POST, route::VERDICTS, asked)
    }

    async fn export(&self) -> Result<Export, ServiceError> {
        let examples = examples();
        let example = examples
            .iter()
            .find(|example| example.is_of(&Method::GET, route::EXPORT));
        let mut export = Export::default();
        for line in example.unwrap().answer.lines() {
            let line: ExportLine = serde_json::from_str(line).unwrap();
            match line.reason {
                None => drop(export.allow.insert(line.network)),
                Some(reason) => drop(export.block.insert(line.network, reason)),
            }
        }
        Ok(export)
    }

    async fn reload(&self, by: &Caller) -> Result<Reloaded, ServiceError> {
        self.change(route::RELOAD, "reload", by)
    }

    async fn detach(&self, by: &Caller) -> Result<Detached, ServiceError> {
        self.change(route::DETACH, "detach", by)
    }

    async fn flush(&self, by: &Caller) -> Result<Flushed, ServiceError> {
        self.change(route::FLUSH, "flush", by)
    }

    async fn lookup(&self, address: IpAddr, by: &Caller) -> Result<LookedUp, ServiceError> {
        self.change(route::LOOKUP, &format!("lookup {address}"), by)
    }

    async fn explain(&self, address: IpAddr) -> Result<Explanation, ServiceError> {
        self.look(route::EXPLAIN, format!("explain {address}"))
    }

    async fn complaints(&self, query: ComplaintsQuery) -> Result<Complaints, ServiceError> {
        self.look(route::COMPLAINTS, format!("{query:?}"))
    }

    async fn take_evidence(
        &self,
        request: Evidence,
        by: &Caller,
    ) -> Result<EvidenceTaken, ServiceError> {
        self.change(route::EVIDENCE, &format!("{request:?}"), by)
    }

    async fn roll_up(&self, request: RollUp, by: &Caller) -> Result<RolledUp, ServiceError> {
        self.change(route::ROLLUP, &format!("{request:?}"), by)
    }

    async fn removals(&self, query: RemovalsQuery) -> Result<Removals, ServiceError> {
        self.look(route::REMOVALS, format!("{query:?}"))
    }

    async fn request_removal(
        &self,
        request: RemovalRequest,
        by: &Caller,
    ) -> Result<Removal, ServiceError> {
        self.change(route::REMOVALS, &format!("{request:?}"), by)
    }

    async fn verdict(&self, query: VerdictQuery) -> Result<Verdict, ServiceError> {
        self.look(route::VERDICT, format!("{query:?}"))
    }

    async fn verdicts_of(&self, query: VerdictsQuery) -> Result<Verdicts, ServiceError> {
        let asked = format!("verdicts of {}", query.requests.len());
        self.answer(&Method::POST, route::VERDICT, asked)
    }

    async fn replay_policy(&self, query: ReplayQuery) -> Result<Replayed, ServiceError> {
        let asked = format!("replay of {}", query.steps.len());
        self.answer(&Method::POST, route::POLICY_REPLAY, asked)
    }

    async fn policy(&self) -> Result<PolicyState, ServiceError> {
        self.look(route::POLICY, "policy".to_owned())
    }

    async fn decide_removal(
        &self,
        request: DecideRemoval,
        by: &Caller,
    ) -> Result<Removal, ServiceError> {
        self.change(route::DECIDE_REMOVAL, &format!("{request:?}"), by)
    }

    async fn names(&self) -> Result<Names, ServiceError> {
        self.look(route::NAMES, "names".to_owned())
    }

    async fn block_name(&self, request: BlockName, by: &Caller) -> Result<NameSet, ServiceError> {
        self.change(route::BLOCK_NAME, &format!("{request:?}"), by)
    }

    async fn allow_name(&self, request: AllowName, by: &Caller) -> Result<NameSet, ServiceError> {
        self.change(route::ALLOW_NAME, &format!("{request:?}"), by)
    }

    async fn unblock_name(
        &self,
        request: EndName,
        by: &Caller,
    ) -> Result<NamesEnded, ServiceError> {
        self.change(route::UNBLOCK_NAME, &format!("{request:?}"), by)
    }

    async fn disallow_name(
        &self,
        request: EndName,
        by: &Caller,
    ) -> Result<NamesEnded, ServiceError> {
        self.change(route::DISALLOW_NAME, &format!("{request:?}"), by)
    }

    async fn check_name(&self, asked: String) -> Result<NameCheck, ServiceError> {
        self.look(route::CHECK_NAME, format!("{asked:?}"))
    }

    async fn name_history(&self, asked: NameHistoryQuery) -> Result<NameHistory, ServiceError> {
        self.look(route::NAME_HISTORY, format!("{asked:?}"))
    }

    async fn overrides(&self) -> Result<Overrides, ServiceError> {
        self.look(route::OVERRIDES, "overrides".to_owned())
    }

    async fn set_override(
        &self,
        request: SetOverride,
        by: &Caller,
    ) -> Result<OverrideSet, ServiceError> {
        self.change(route::OVERRIDES, &format!("{request:?}"), by)
    }

    async fn end_override(
        &self,
        request: EndOverride,
        by: &Caller,
    ) -> Result<OverridesEnded, ServiceError> {
        self.change(route::END_OVERRIDE, &format!("{request:?}"), by)
    }

    async fn override_history(
        &self,
        asked: OverrideHistoryQuery,
    ) -> Result<OverrideHistory, ServiceError> {
        self.look(route::OVERRIDE_HISTORY, format!("{asked:?}"))
    }
}
