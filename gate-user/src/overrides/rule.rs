//! What is overridden: a network, for one list or for every one.

use std::fmt;

use super::list::is_same;
use crate::{
    config::ListName,
    network::Network,
    roster::{Entry, Rule},
};

/// How every list is stored.
const EVERY: &str = "*";

/// What an override says: `list` does not count for sources in `network`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OverrideRule {
    /// The network.
    pub network: Network,
    /// The list; `None` for every one.
    pub list: Option<ListName>,
}

impl OverrideRule {
    /// Whether it is for the list of that name alone, in any case.
    pub fn is_for(&self, list: &str) -> bool {
        let name = self.list.as_ref();
        name.is_some_and(|name| is_same(name.as_str(), list))
    }
}

/// An override that is in force.
pub type Override = Entry<OverrideRule>;

impl fmt::Display for OverrideRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.network.fmt(f)
    }
}

impl Rule for OverrideRule {
    const TABLE: &'static str = "dnsbl_overrides";
    const COLUMNS: [&'static str; 2] = ["network", "list"];

    fn columns(&self) -> [String; 2] {
        let list = self.list.as_ref().map_or(EVERY, ListName::as_str);
        [self.network.to_string(), list.to_owned()]
    }

    fn from_columns([network, list]: [&str; 2]) -> Result<Self, String> {
        let list = (list != EVERY).then(|| list.parse()).transpose()?;
        Ok(Self {
            network: network
                .parse()
                .map_err(|error: crate::network::NetworkError| error.to_string())?,
            list,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_names_a_list_is_kept_as_it_is(text in "\\PC{0,8}|[a-z._*-]{0,3}") {
            match text.parse::<ListName>() {
                Ok(list) => {
                    prop_assert_eq!(list.as_str(), &text);
                    let network = "192.0.2.0/24".parse().unwrap();
                    let rule = OverrideRule { network, list: Some(list) };
                    let [network, list] = rule.columns();
                    prop_assert_eq!(OverrideRule::from_columns([&network, &list]), Ok(rule));
                }
                Err(error) => prop_assert!(error.contains("expected 1 to 64")),
            }
        }
    }

    #[test]
    fn case_does_not_matter_in_a_lists_name() {
        let rule = |list: Option<&str>| OverrideRule {
            network: "192.0.2.0/24".parse().unwrap(),
            list: list.map(|list| list.parse().unwrap()),
        };
        assert!(rule(Some("Zen")).is_for("zEN"));
        assert!(!rule(Some("Zen")).is_for("zenn"));
        assert!(!rule(None).is_for("zen"));
    }

    #[test]
    fn every_list_has_no_name() {
        let rule = OverrideRule {
            network: "2001:db8::/32".parse().unwrap(),
            list: None,
        };
        assert_eq!(rule.columns(), ["2001:db8::/32", "*"]);
        assert_eq!(OverrideRule::from_columns(["2001:db8::/32", "*"]), Ok(rule));
        assert!("*".parse::<ListName>().is_err());
    }
}
