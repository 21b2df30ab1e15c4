//! What is to be listed for what DNS said: pure.

use std::fmt::Write as _;

use gate_common::Reason;

use super::model::{Finding, Standing};
use crate::{
    config::DnsblConfig,
    dns::{
        class::{Confidence, NameClass},
        dnsbl,
    },
};

/// What an operator has said of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Word<'a> {
    /// Whoever has it is not listed for its name.
    Allow,
    /// Whoever has it is listed.
    Block {
        /// Why.
        reason: Reason,
        /// As the operator wrote it.
        pattern: &'a str,
    },
}

/// For what a source is to be listed, and what it rests on.
pub(super) type Case = (Reason, String);

/// What follows from the reverse name. `word` is the operator's on it, and goes first; what does
/// not resolve back is whatever somebody wrote, so no allow entry counts for it.
pub(super) fn by_name(finding: &Finding, word: Option<Word<'_>>) -> Option<Case> {
    let standing = &finding.reverse.as_ref()?.standing;
    let (reason, lets_off) = match standing {
        Standing::Missing => (Some(Reason::NoRdns), false),
        Standing::Forged { .. } => (Some(Reason::Forged), false),
        Standing::Confirmed {
            class, confidence, ..
        } => match class {
            _ if *confidence == Confidence::Low => (None, true),
            NameClass::Dynamic => (Some(Reason::Dynamic), true),
            NameClass::Generic => (Some(Reason::Generic), true),
            NameClass::Mail | NameClass::Static | NameClass::Unknown => (None, true),
        },
    };
    match word {
        Some(Word::Allow) if lets_off => None,
        Some(Word::Block { reason, pattern }) => Some((
            reason,
            format!("{standing}; an operator blocks the names {pattern}"),
        )),
        _ => reason.map(|reason| (reason, standing.to_string())),
    }
}

/// What follows from the answers of DNSBLs.
pub(super) fn by_lists(finding: &Finding, config: &DnsblConfig) -> Option<Case> {
    let (sum, listed) = dnsbl::weigh_named(finding.listing().map(|one| &*one.list), config);
    if !listed {
        return None;
    }
    let mut evidence = "on".to_owned();
    for (at, one) in finding.listing().enumerate() {
        let before = if at == 0 { " " } else { ", " };
        let codes: Vec<_> = one.codes.iter().map(ToString::to_string).collect();
        let _ = write!(evidence, "{before}{} ({})", one.list, codes.join(" "));
    }
    let _ = write!(evidence, ": weight {sum}");
    for one in finding.listing() {
        if let Some(text) = &one.text {
            let _ = write!(evidence, "; {}: {text}", one.list);
        }
    }
    Some((Reason::Dnsbl, evidence))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use jiff::Timestamp;

    use super::{
        super::model::{ListAnswer, Reverse},
        *,
    };
    use crate::config::DnsblList;

    fn finding(standing: Option<Standing>) -> Finding {
        Finding {
            address: [192, 0, 2, 7].into(),
            at: Timestamp::UNIX_EPOCH,
            seen: Timestamp::UNIX_EPOCH,
            reverse: standing.map(|standing| Reverse {
                at: Timestamp::UNIX_EPOCH,
                standing,
                allowed: false,
            }),
            answers: Vec::new(),
            pardoned: Vec::new(),
        }
    }

    fn named(class: NameClass) -> Standing {
        Standing::Confirmed {
            name: "a.example.net".into(),
            also: Vec::new(),
            class,
            confidence: Confidence::Medium,
            evidence: "why".into(),
        }
    }

    /// A name that only hints at it.
    fn hinted(class: NameClass) -> Standing {
        Standing::Confirmed {
            name: "a.example.net".into(),
            also: Vec::new(),
            class,
            confidence: Confidence::Low,
            evidence: "why".into(),
        }
    }

    #[test]
    fn a_name_lists_for_what_it_tells() {
        let forged = || {
            Some(Standing::Forged {
                name: "a.example.net".into(),
            })
        };
        let block = Some(Word::Block {
            reason: Reason::Manual,
            pattern: "*.example.net",
        });
        let allow = Some(Word::Allow);
        for (standing, word, expected) in [
            (None, None, None),
            (Some(Standing::Missing), None, Some(Reason::NoRdns)),
            (forged(), None, Some(Reason::Forged)),
            (Some(named(NameClass::Dynamic)), None, Some(Reason::Dynamic)),
            (Some(named(NameClass::Generic)), None, Some(Reason::Generic)),
            (Some(named(NameClass::Static)), None, None),
            (Some(named(NameClass::Mail)), None, None),
            (Some(named(NameClass::Unknown)), None, None),
            (Some(hinted(NameClass::Dynamic)), None, None),
            (Some(hinted(NameClass::Generic)), None, None),
            (
                Some(hinted(NameClass::Generic)),
                block,
                Some(Reason::Manual),
            ),
            (Some(named(NameClass::Dynamic)), allow, None),
            (Some(named(NameClass::Mail)), block, Some(Reason::Manual)),
            // Anybody can give his address an allowed name: it must resolve back.
            (forged(), allow, Some(Reason::Forged)),
            (forged(), block, Some(Reason::Manual)),
        ] {
            let case = by_name(&finding(standing.clone()), word);
            let reason = case.map(|(reason, _)| reason);
            assert_eq!(reason, expected, "{standing:?} {word:?}");
        }
    }

    #[test]
    fn lists_list_together_or_the_one_that_is_trusted() {
        let list = |site: &str, trusted| DnsblList {
            trusted,
            ..DnsblList::new(site.parse().unwrap())
        };
        let config = DnsblConfig {
            lists: vec![
                list("a.example", false),
                list("b.example", false),
                list("c.example*-1", false),
                list("d.example*2", true),
            ],
            ..DnsblConfig::default()
        };
        for (lists, expected) in [
            (&["a"][..], None),
            (
                &["a", "b"],
                Some("on a.example (127.0.0.2), b.example (127.0.0.2): weight 2"),
            ),
            (&["a", "b", "c"], None),
            (
                &["d"],
                Some("on d.example (127.0.0.2): weight 2; d.example: seen by a trap"),
            ),
            // A list that was configured once.
            (&["a", "z"], None),
        ] {
            let mut finding = finding(None);
            finding.answers = lists
                .iter()
                .map(|list| ListAnswer {
                    list: format!("{list}.example").into(),
                    at: Timestamp::UNIX_EPOCH,
                    weight: 1,
                    points: 10,
                    codes: vec![Ipv4Addr::new(127, 0, 0, 2)],
                    text: (*list == "d").then(|| "seen by a trap".into()),
                    overridden: false,
                })
                .collect();
            let listed = by_lists(&finding, &config).map(|(_, evidence)| evidence);
            assert_eq!(listed.as_deref(), expected, "{lists:?}");
            // What an operator has overridden counts nothing.
            finding.answers[0].overridden = true;
            assert_eq!(by_lists(&finding, &config), None);
        }
    }
}
