//! `[policy.reply]`: what a refused client is told.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::policy::{Case, reply::Template};

/// The reply of every case.
///
/// In TOML one key a case: a code, an enhanced code of the same class, and text, in which
/// `{ip} {network} {ptr} {reason} {date} {url} {list} {list_url} {sender} {limit} {ref}` are filled
/// in. Default: see docs/policy.md. Example: `listed = "554 5.7.1 Refused, see {url}#{reason}"`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "BTreeMap<Case, Template>", into = "BTreeMap<Case, Template>")]
pub struct Replies([Template; Case::ALL.len()]);

static DEFAULT: LazyLock<[Template; Case::ALL.len()]> = LazyLock::new(|| {
    Case::ALL.map(|case| {
        let reply = case.default_reply().parse();
        reply.expect("a test reads every default")
    })
});

impl Replies {
    /// The reply of `case`.
    pub fn of(&self, case: Case) -> &Template {
        &self.0[case as usize]
    }
}

impl Default for Replies {
    fn default() -> Self {
        Self(DEFAULT.clone())
    }
}

/// Cases that the map leaves out have their default.
impl From<BTreeMap<Case, Template>> for Replies {
    fn from(given: BTreeMap<Case, Template>) -> Self {
        given
            .into_iter()
            .fold(Self::default(), |mut all, (case, reply)| {
                all.0[case as usize] = reply;
                all
            })
    }
}

impl From<Replies> for BTreeMap<Case, Template> {
    fn from(all: Replies) -> Self {
        Case::ALL.into_iter().zip(all.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_legal_reply() {
        for case in Case::ALL {
            let reply: Template = case.default_reply().parse().unwrap();
            assert_eq!(*Replies::default().of(case), reply, "{case:?}");
        }
    }
}
