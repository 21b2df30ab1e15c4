//! What somebody who asks may have: to look, or to change things as well.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::api::route;

/// What a token grants. Each one includes those before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rights {
    /// To look at everything.
    Read,
    /// To change things.
    Write,
}

/// What it takes to ask `method` of `path`. A route that is not known to look only is a change.
pub fn needed(method: &Method, path: &str) -> Rights {
    let looks = *method == Method::GET
        || *method == Method::HEAD
        || (*method == Method::POST && [route::VERDICT, route::POLICY_REPLAY].contains(&path));
    if looks { Rights::Read } else { Rights::Write }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_takes_no_right_to_write() {
        for (method, path, rights) in [
            (Method::GET, route::LISTINGS, Rights::Read),
            (Method::HEAD, route::LISTINGS, Rights::Read),
            (Method::POST, route::VERDICT, Rights::Read),
            (Method::POST, route::POLICY_REPLAY, Rights::Read),
            (Method::POST, route::BLOCK, Rights::Write),
            (Method::PUT, route::MODE, Rights::Write),
            (Method::DELETE, "/v1/new", Rights::Write),
        ] {
            assert_eq!(needed(&method, path), rights, "{method} {path}");
        }
        assert!(Rights::Write > Rights::Read);
    }
}
