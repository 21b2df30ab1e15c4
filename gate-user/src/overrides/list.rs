//! The list that an operator means: a name as it was typed in, the one that is configured out.

use crate::config::{DnsblList, ListName};

/// A list that is not configured: an override for it would do nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "no list is called {list}: {}; if it is yet to be configured, say so with --force",
    known_lists(.known)
)]
pub struct UnknownListError {
    /// What was given.
    pub list: ListName,
    /// The lists that are configured.
    pub known: Vec<ListName>,
}

fn known_lists(known: &[ListName]) -> String {
    if known.is_empty() {
        return "none is configured".to_owned();
    }
    let names: Vec<_> = known.iter().map(ListName::as_str).collect();
    format!("expected one of {}", names.join(", "))
}

/// Whether two names mean the same list: case does not matter, as in the names of zones.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The public name of the list among `lists` that is called `name`, in any case.
///
/// # Errors
/// If none of them is called so.
pub fn configured(name: &ListName, lists: &[DnsblList]) -> Result<ListName, UnknownListError> {
    let mut known: Vec<_> = lists.iter().map(DnsblList::public_name).collect();
    let meant = known.iter().position(|known| known == name).or_else(|| {
        let mut known = known.iter();
        known.position(|known| is_same(known.as_str(), name.as_str()))
    });
    match meant {
        Some(at) => Ok(known.swap_remove(at)),
        None => Err(UnknownListError {
            list: name.clone(),
            known,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(site: &str, name: &str) -> DnsblList {
        DnsblList {
            name: (!name.is_empty()).then(|| name.parse().unwrap()),
            ..DnsblList::new(site.parse().unwrap())
        }
    }

    #[test]
    fn a_list_is_meant_in_any_case_and_by_its_public_name() {
        let lists = [list("zen.example", "Zen"), list("bl.example", "")];
        for (name, expected) in [
            ("Zen", Ok("Zen")),
            ("zEN", Ok("Zen")),
            ("BL.example", Ok("bl.example")),
            (
                "zenn",
                Err("no list is called zenn: expected one of Zen, bl.example"),
            ),
            // The zone of a list that has a name of its own, which may hold a key.
            ("zen.example", Err("expected one of Zen, bl.example")),
        ] {
            match (configured(&name.parse().unwrap(), &lists), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.as_str(), expected, "{name}"),
                (Err(error), Err(expected)) => {
                    let error = error.to_string();
                    assert!(
                        error.contains(expected) && error.contains("--force"),
                        "{error}"
                    );
                }
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
        let error = configured(&"zen".parse().unwrap(), &[]).unwrap_err();
        assert!(error.to_string().contains("none is configured"));
    }
}
