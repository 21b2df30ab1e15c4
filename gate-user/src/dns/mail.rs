//! Whether a domain takes mail: its mail exchangers, or its own addresses, and whether they lead
//! anywhere.

use std::net::IpAddr;

use super::{
    name::Name,
    ptr::Unknown,
    resolver::{Answer, Lane, Nothing, Resolver},
};
use crate::plan::Rules;

/// How many mail exchangers are asked for their addresses: the preferred ones.
pub const MOST_EXCHANGERS: usize = 8;

/// What DNS says of a domain of mail addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MailDomain {
    /// It takes mail: a mail exchanger has an address; or, where it has none, the domain itself
    /// (RFC 5321 section 5.1).
    Takes,
    /// It does not exist.
    Missing,
    /// It takes no mail: it says so (null MX, RFC 7505), or nothing that it names has an address that
    /// can be reached from elsewhere.
    Nowhere,
    /// Nobody could say, for now.
    Unknown(Unknown),
}

/// Asks whether `domain` takes mail.
pub async fn mail_domain(resolver: &Resolver, lane: &Lane, domain: &Name) -> MailDomain {
    let exchangers = match resolver.mx(domain, lane).await {
        Answer::Found { records, .. } => records,
        Answer::Nothing {
            what: Nothing::NxDomain,
            ..
        } => return MailDomain::Missing,
        Answer::Nothing { .. } => return reach(resolver, lane, domain).await,
        Answer::Failed(failure) => return MailDomain::Unknown(Unknown::Failed(failure)),
        Answer::NotAsked(shed) => return MailDomain::Unknown(Unknown::NotAsked(shed)),
    };
    let mut found = MailDomain::Nowhere;
    // The root stands for "no mail", and has no address.
    let named = exchangers.iter().filter(|mx| !mx.exchange.is_root());
    for exchanger in named.take(MOST_EXCHANGERS) {
        match reach(resolver, lane, &exchanger.exchange).await {
            MailDomain::Takes => return MailDomain::Takes,
            unknown @ MailDomain::Unknown(_) => found = unknown,
            MailDomain::Missing | MailDomain::Nowhere => {}
        }
    }
    found
}

/// Whether `host` has an address that can be reached.
async fn reach(resolver: &Resolver, lane: &Lane, host: &Name) -> MailDomain {
    let v4 = leads(resolver.a(host, lane).await);
    if v4 == MailDomain::Takes {
        return v4;
    }
    match leads(resolver.aaaa(host, lane).await) {
        MailDomain::Nowhere => v4,
        v6 => v6,
    }
}

fn leads<T: Into<IpAddr>>(answer: Answer<T>) -> MailDomain {
    match answer {
        Answer::Found { records, .. } => {
            let unreachable = Rules::always_protected();
            let somewhere = |address: T| {
                let address = address.into();
                !unreachable.iter().any(|network| network.contains(address))
            };
            if records.into_iter().any(somewhere) {
                MailDomain::Takes
            } else {
                MailDomain::Nowhere
            }
        }
        Answer::Nothing { .. } => MailDomain::Nowhere,
        Answer::Failed(failure) => MailDomain::Unknown(Unknown::Failed(failure)),
        Answer::NotAsked(shed) => MailDomain::Unknown(Unknown::NotAsked(shed)),
    }
}

#[cfg(test)]
mod tests {
    use hickory_server::proto::op::ResponseCode;

    use super::*;
    use crate::dns::testing::{Behaviour, TestDns};

    async fn told(dns: &TestDns) -> String {
        let resolver = Resolver::new(&dns.config()).unwrap();
        let lane = resolver.lane("mail", None);
        let domain = "example.org".parse().unwrap();
        match mail_domain(&resolver, &lane, &domain).await {
            MailDomain::Takes => "takes".to_owned(),
            MailDomain::Missing => "missing".to_owned(),
            MailDomain::Nowhere => "nowhere".to_owned(),
            MailDomain::Unknown(Unknown::Failed(failure)) => format!("unknown: {failure}"),
            MailDomain::Unknown(Unknown::NotAsked(shed)) => format!("not asked: {shed}"),
        }
    }

    /// Exchangers, and the addresses of `a.example` and `b.example`.
    async fn with(exchangers: &[(u16, &str)], a: &[&str], b: &[&str]) -> TestDns {
        let dns = TestDns::start().await;
        for (preference, exchange) in exchangers {
            dns.mx("example.org", *preference, exchange);
        }
        for (name, addresses) in [("a.example", a), ("b.example", b)] {
            if !addresses.is_empty() {
                dns.address_of(name, addresses);
            }
        }
        dns
    }

    #[tokio::test]
    async fn exchangers_that_lead_somewhere_or_nowhere() {
        let two = [(10, "a.example"), (20, "b.example")];
        for (exchangers, a, b, expected) in [
            (&two[..1], &["192.0.2.25"][..], &[][..], "takes"),
            (&two[..1], &["2001:db8::25"], &[], "takes"),
            (&two, &[], &["192.0.2.25"], "takes"),
            (&two, &["127.0.0.1"], &["192.0.2.25"], "takes"),
            (&two, &["127.0.0.1", "192.0.2.25"], &[], "takes"),
            (&two, &[], &[], "nowhere"),
            (&two, &["127.0.0.1"], &["0.0.0.0", "::1"], "nowhere"),
            (&[(0, ".")], &[], &[], "nowhere"),
            // Against RFC 7505 section 3, and told all the same.
            (
                &[(0, "."), (10, "a.example")],
                &["192.0.2.25"],
                &[],
                "takes",
            ),
        ] {
            let dns = with(exchangers, a, b).await;
            assert_eq!(told(&dns).await, expected, "{exchangers:?} {a:?} {b:?}");
        }
    }

    #[tokio::test]
    async fn without_exchangers_the_domain_itself_counts() {
        let dns = TestDns::start().await;
        assert_eq!(told(&dns).await, "missing");
        dns.txt("example.org", &[b"no mail here"]);
        assert_eq!(told(&dns).await, "nowhere");
        let dns = TestDns::start().await;
        dns.address_of("example.org", &["2001:db8::25"]);
        assert_eq!(told(&dns).await, "takes");
    }

    #[tokio::test]
    async fn a_failure_is_no_answer() {
        let failing = Behaviour::Code(ResponseCode::ServFail);
        let expected = "unknown: the server failed (SERVFAIL)";
        let dns = TestDns::start().await;
        dns.always("example.org", failing);
        assert_eq!(told(&dns).await, expected);
        // One exchanger leads nowhere, of the other nobody knows.
        let two = [(10, "a.example"), (20, "b.example")];
        let dns = with(&two, &["127.0.0.1"], &[]).await;
        dns.always("b.example", failing);
        assert_eq!(told(&dns).await, expected);
        // One is enough.
        let dns = with(&two, &[], &["192.0.2.25"]).await;
        dns.always("a.example", failing);
        assert_eq!(told(&dns).await, "takes");
    }
}
