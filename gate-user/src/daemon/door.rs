//! What DNS says, for a mail server that waits for the answer: in the words of the policy service,
//! and as far as the operators' rules let it count.

use std::{net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;

use super::{
    lookup::{Lookups, worth_asking},
    view::View,
};
use crate::{
    book,
    config::DnsblConfig,
    dns::{
        class::{Confidence, NameClass},
        dnsbl::{self, NoAnswer, Verdict},
        mail::{MailDomain, mail_domain},
        ptr::Unknown,
        resolver::{Lane, Urgency},
    },
    evidence::Standing,
    names::Names,
    network::Network,
    overrides::Overrides,
    policy::{
        self,
        facts::{Connections, Dnsbl, Lookup, PtrClass, Reverse, SenderDomain},
    },
};

/// The share of DNS's budget for senders' domains.
const LANE: &str = "senders";

/// Whom the policy service asks.
#[derive(Debug)]
pub(super) struct AtTheDoor {
    view: Arc<ArcSwap<View>>,
    lookups: Lookups,
    senders: Lane,
}

impl AtTheDoor {
    pub(super) fn new(view: Arc<ArcSwap<View>>, lookups: Lookups) -> Self {
        let senders = lookups.resolver().lane(LANE, None).at(Urgency::Door);
        Self {
            view,
            lookups,
            senders,
        }
    }
}

impl policy::Lookups for AtTheDoor {
    async fn reverse(&self, address: IpAddr) -> Lookup<Reverse> {
        let view = self.view.load_full();
        if worth_asking(&view.book, &view.rules, address) {
            self.lookups.inquiry.seen(address);
        }
        let told = self.lookups.inquiry.name(address).await;
        reverse(told, &self.view.load().names)
    }

    async fn dnsbl(&self, address: IpAddr) -> Lookup<Dnsbl> {
        if !self.lookups.dnsbl.is_configured() {
            return Lookup::NotAsked;
        }
        let verdict = self.lookups.inquiry.lists(address).await;
        let view = self.view.load();
        lists(&verdict, address, &view.overrides, &view.config.dnsbl)
    }

    async fn sender(&self, domain: &str) -> Lookup<SenderDomain> {
        // What is no name in DNS, an IDN in its own letters for example, nobody can ask for.
        let Ok(domain) = domain.parse() else {
            return Lookup::NotAsked;
        };
        match mail_domain(self.lookups.resolver(), &self.senders, &domain).await {
            MailDomain::Takes => Lookup::Known(SenderDomain::Good),
            MailDomain::Missing => Lookup::Known(SenderDomain::Nxdomain),
            MailDomain::Nowhere => Lookup::Known(SenderDomain::NoMail),
            MailDomain::Unknown(Unknown::Failed(_)) => Lookup::Known(SenderDomain::Temporary),
            MailDomain::Unknown(Unknown::NotAsked(_)) => Lookup::UnderWay,
        }
    }

    fn connections(&self, address: IpAddr) -> Option<Connections> {
        let view = self.view.load();
        let limits = &view.config.limits;
        let source = Network::source(address);
        let limit = limits.connections(source, view.classes.of(source));
        let counted = view.maps.as_ref()?.connections(address);
        let counted = counted.inspect_err(
            |error| tracing::error!(%error, "cannot read the connections of a client"),
        );
        (limit > 0).then_some(Connections {
            open: counted.ok()?.open,
            limit,
        })
    }
}

/// What a reverse name says against a client. A hint alone says nothing, and neither does the name
/// of whom an operator allows by it.
fn reverse(told: Result<Standing, Unknown>, names: &Names) -> Lookup<Reverse> {
    Lookup::Known(match told {
        Ok(Standing::Missing) => Reverse::None,
        Ok(Standing::Forged { name }) => Reverse::Named {
            name,
            confirmed: false,
            class: PtrClass::Own,
        },
        Ok(Standing::Confirmed {
            name,
            class,
            confidence,
            also,
            ..
        }) => {
            let all = std::iter::once(&name).chain(&also).map(AsRef::as_ref);
            let rule = names.of_any(all).map(|entry| entry.rule.standing);
            let class = match class {
                _ if rule == Some(book::Standing::Allowed) => PtrClass::Own,
                _ if confidence == Confidence::Low => PtrClass::Own,
                NameClass::Dynamic => PtrClass::Dynamic,
                NameClass::Generic => PtrClass::Generic,
                NameClass::Mail | NameClass::Static | NameClass::Unknown => PtrClass::Own,
            };
            Reverse::Named {
                name,
                confirmed: true,
                class,
            }
        }
        Err(Unknown::Failed(_)) => Reverse::Temporary,
        Err(Unknown::NotAsked(_)) => return Lookup::UnderWay,
    })
}

/// What the lists say against a client, without what an operator has overridden. The reply names the
/// list that weighs most, of those that have a page about the client if there is one.
fn lists(
    verdict: &Verdict,
    address: IpAddr,
    overrides: &Overrides,
    config: &DnsblConfig,
) -> Lookup<Dnsbl> {
    let counts = |name: &str| overrides.covers(address, name).is_none();
    let listing = verdict.answers.iter();
    let listing: Vec<_> = listing.filter(|one| counts(one.name.as_str())).collect();
    let (_, listed) = dnsbl::weigh_named(listing.iter().map(|one| one.name.as_str()), config);
    let heaviest = listing
        .into_iter()
        .max_by_key(|one| (one.url.is_some(), one.weight));
    match heaviest {
        Some(heaviest) if listed => Lookup::Known(Dnsbl::Listed {
            list: heaviest.name.to_shared(),
            url: heaviest.url.as_deref().map(Into::into),
        }),
        _ => {
            let waiting = |why: &NoAnswer| matches!(why, NoAnswer::NotAsked(_));
            if verdict.missing.iter().any(|missing| waiting(&missing.why)) {
                Lookup::UnderWay
            } else {
                Lookup::Known(Dnsbl::Below)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        book::Origin,
        dns::resolver::{Failure, Shed},
        names::NameRule,
        roster::{Entry, Roster},
    };

    #[test]
    fn what_a_reverse_name_says_against_a_client() {
        let named = |class, confidence| {
            Ok(Standing::Confirmed {
                also: Vec::new(),
                name: "a.example".into(),
                class,
                confidence,
                evidence: "why".into(),
            })
        };
        let confirmed = |class| {
            Lookup::Known(Reverse::Named {
                name: "a.example".into(),
                confirmed: true,
                class,
            })
        };
        let forged = Standing::Forged {
            name: "a.example".into(),
        };
        for (told, expected) in [
            (Ok(Standing::Missing), Lookup::Known(Reverse::None)),
            (
                Ok(forged),
                Lookup::Known(Reverse::Named {
                    name: "a.example".into(),
                    confirmed: false,
                    class: PtrClass::Own,
                }),
            ),
            (
                named(NameClass::Dynamic, Confidence::Medium),
                confirmed(PtrClass::Dynamic),
            ),
            (
                named(NameClass::Generic, Confidence::High),
                confirmed(PtrClass::Generic),
            ),
            (
                named(NameClass::Dynamic, Confidence::Low),
                confirmed(PtrClass::Own),
            ),
            (
                named(NameClass::Mail, Confidence::High),
                confirmed(PtrClass::Own),
            ),
            (
                Err(Unknown::Failed(Failure::Timeout)),
                Lookup::Known(Reverse::Temporary),
            ),
            (Err(Unknown::NotAsked(Shed::PerSecond)), Lookup::UnderWay),
        ] {
            let shown = format!("{told:?}");
            assert_eq!(reverse(told, &Names::default()), expected, "{shown}");
        }
    }

    #[test]
    fn invariant_1_whom_an_operator_allows_by_any_confirmed_name_is_not_refused_for_another() {
        let entry = Entry {
            id: 1,
            rule: NameRule {
                pattern: "mail.example".parse().unwrap(),
                standing: book::Standing::Allowed,
            },
            origin: Origin::Operator,
            comment: None,
            since: Timestamp::UNIX_EPOCH,
            expires: None,
        };
        let names = Names::new(Roster::of([entry]));
        for (also, expected) in [
            ("mail.example", PtrClass::Own),
            ("b.example", PtrClass::Dynamic),
        ] {
            let told = Ok(Standing::Confirmed {
                name: "a.example".into(),
                also: vec![also.into()],
                class: NameClass::Dynamic,
                confidence: Confidence::High,
                evidence: "why".into(),
            });
            let Lookup::Known(Reverse::Named { class, .. }) = reverse(told, &names) else {
                panic!("no name");
            };
            assert_eq!(class, expected, "{also}");
        }
    }
}
