//! What somebody who asks may have: to see how the gate stands, to look at everything, or to change
//! things as well.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::api::route;

/// What a token grants. Each one includes those before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rights {
    /// To see how the gate stands, and why it refuses an address: without a token, on the machine
    /// itself. No token grants as little.
    #[serde(skip_deserializing)]
    Look,
    /// To look at everything.
    Read,
    /// To change things.
    Write,
}

/// What tells how the gate stands. The whole book, who complained and who asked for a removal are not
/// in it, nor is anything that asks DNS.
const STANDING: [&str; 13] = [
    route::STATUS,
    route::STATS,
    route::SERIES,
    route::METRICS,
    route::TOP,
    route::MODE,
    route::FLOOD,
    route::FEEDS,
    route::DNSBL,
    route::POLICY,
    route::CHECK,
    route::EXPLAIN,
    route::OPENAPI,
];

/// What it takes to ask `method` of `path`. A route that is not known to look only is a change. A
/// verdict that counts is one too, which its route knows: [`may_count`].
pub fn needed(method: &Method, path: &str) -> Rights {
    let gets = *method == Method::GET || *method == Method::HEAD;
    let asks = *method == Method::POST && [route::VERDICT, route::POLICY_REPLAY].contains(&path);
    match () {
        () if gets && STANDING.contains(&path) => Rights::Look,
        () if gets || asks => Rights::Read,
        () => Rights::Write,
    }
}

/// Whether somebody to whom that was granted may ask for a verdict that counts: it changes what the
/// client is told later, and what is logged. On the control socket nothing is granted one by one.
pub(super) fn may_count(granted: Option<Rights>) -> bool {
    granted.is_none_or(|granted| granted >= Rights::Write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_takes_no_right_to_write() {
        for (method, path, rights) in [
            (Method::GET, route::STATUS, Rights::Look),
            (Method::HEAD, route::EXPLAIN, Rights::Look),
            (Method::PUT, route::FLOOD, Rights::Write),
            (Method::GET, route::LISTINGS, Rights::Read),
            (Method::GET, route::EXPORT, Rights::Read),
            (Method::GET, route::COMPLAINTS, Rights::Read),
            (Method::GET, route::REMOVALS, Rights::Read),
            (Method::GET, route::HISTORY, Rights::Read),
            (Method::GET, route::VERDICT, Rights::Read),
            (Method::GET, "/v1/new", Rights::Read),
            (Method::HEAD, route::LISTINGS, Rights::Read),
            (Method::POST, route::VERDICT, Rights::Read),
            (Method::POST, route::POLICY_REPLAY, Rights::Read),
            (Method::POST, route::BLOCK, Rights::Write),
            (Method::PUT, route::MODE, Rights::Write),
            (Method::DELETE, "/v1/new", Rights::Write),
        ] {
            assert_eq!(needed(&method, path), rights, "{method} {path}");
        }
        assert!(Rights::Write > Rights::Read && Rights::Read > Rights::Look);
    }

    #[test]
    fn what_counts_takes_the_right_to_write() {
        for (granted, may) in [
            (None, true),
            (Some(Rights::Look), false),
            (Some(Rights::Read), false),
            (Some(Rights::Write), true),
        ] {
            assert_eq!(may_count(granted), may, "{granted:?}");
        }
    }
}
