//! A data file for rbldnsd(8), so that other mail servers can ask this gate's list as a DNSBL
//! (RFC 5782): `rbldnsd ... ZONE:combined:FILE`. It holds a dataset for each family.
//!
//! In: what the gate drops and what the mail server is to refuse. Out: for each reason an A value
//! and a text. rbldnsd lets the longest prefix decide, exclusions among the others; where an allow
//! entry wins whatever its length, what lies in it is left out.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use gate_common::Reason;
use jiff::Timestamp;

use super::carve::outermost;
use crate::{
    control::api::{Export, span},
    network::Network,
};

/// How long a URL may be, in bytes: rbldnsd cuts a text at 255, of which an IPv6 address may take
/// 39 in front of it and as many in it.
const MAX_URL: usize = 150;

/// Where a URL has the address, and where the reason.
const ADDRESS: &str = "{ip}";
const REASON: &str = "{reason}";

/// What `export --format rbldnsd` is given beside the format.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "With --format rbldnsd")]
pub(super) struct Options {
    /// A name server of the zone, in $NS; the first is the origin in $SOA. localhost if not given.
    #[arg(long, value_name = "NAME", value_parser = name)]
    name_server: Vec<String>,
    /// Who answers for the zone, in $SOA: an address of mail. root@localhost if not given.
    #[arg(long, value_name = "ADDRESS", value_parser = contact)]
    contact: Option<String>,
    /// How long an answer may be kept; 10m if not given.
    #[arg(long, value_name = "DURATION", value_parser = span::parse)]
    ttl: Option<Duration>,
    /// How long rbldnsd serves the file if no newer one comes; 7d if not given.
    #[arg(long, value_name = "DURATION", value_parser = span::parse)]
    valid: Option<Duration>,
    /// What the text of a listing points to; {ip} and {reason} in it are replaced.
    #[arg(long, value_name = "TEMPLATE", value_parser = url)]
    url: Option<String>,
}

impl Options {
    /// Whether any of them is given.
    pub(super) fn given(&self) -> bool {
        let Self {
            name_server,
            contact,
            ttl,
            valid,
            url,
        } = self;
        !name_server.is_empty()
            || contact.is_some()
            || ttl.is_some()
            || valid.is_some()
            || url.is_some()
    }
}

/// A domain name as rbldnsd writes it: absolute, the dot at its end does not matter.
fn name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() <= 253 && name.split('.').all(fits) {
        Ok(name.to_owned())
    } else {
        Err("expected a name such as ns1.example.net".to_owned())
    }
}

/// An address of mail as SOA has it (RFC 1035 section 8: the first dot stands for the @).
fn contact(text: &str) -> Result<String, String> {
    let unclear = || "expected an address such as hostmaster@example.net".to_owned();
    let (local, domain) = text.split_once('@').ok_or_else(unclear)?;
    if local.contains('.') {
        return Err("a dot before the @ cannot be told in SOA: take another address".to_owned());
    }
    name(&format!("{local}.{domain}")).map_err(|_| unclear())
}

fn url(text: &str) -> Result<String, String> {
    if text.len() > MAX_URL {
        return Err(format!("it may be {MAX_URL} bytes long"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("expected a URL, such as https://mx.example.net/listed?ip={ip}".to_owned());
    }
    match text.split(ADDRESS).skip(1).find_map(misread) {
        Some(behind) => Err(misreads(behind)),
        None if text.contains(&ADDRESS.repeat(2)) => Err(misreads(ADDRESS)),
        None => Ok(text.to_owned()),
    }
}

/// What `behind` begins with, if rbldnsd would not take a `$` in front of it for the address: `$=`
/// is the base template, `$0` to `$9` are variables, and `$$` is a `$` (rbldnsd(8)). A reason begins
/// with a letter.
fn misread(behind: &str) -> Option<&str> {
    let first = behind.get(..1)?;
    first
        .starts_with(|c: char| matches!(c, '=' | '$') || c.is_ascii_digit())
        .then_some(first)
}

fn misreads(behind: &str) -> String {
    format!(
        "rbldnsd puts no address where {behind} stands right behind {{ip}}: write another sign between them"
    )
}

/// What is answered for a reason: 127.0.0.2 for the first, and so on. 127.0.0.1 is none of them:
/// RFC 5782 section 2.1 has lists answer 127.0.0.2 and what follows.
fn value(reason: Reason) -> Ipv4Addr {
    let number = u8::try_from(reason.slot()).expect("there are less than 16 reasons");
    Ipv4Addr::new(127, 0, 0, 1 + number)
}

pub(super) fn write(
    plan: &Export,
    now: Timestamp,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<()> {
    let holes = outermost(plan.allow.iter().copied());
    let listed: Vec<(Network, Reason)> = plan
        .block
        .iter()
        .map(|(&network, &reason)| (network, reason))
        .filter(|&(network, _)| !lies_in(network, &holes))
        .collect();
    let around = outermost(listed.iter().map(|&(network, _)| network));
    let holes: Vec<Network> = holes
        .into_iter()
        .filter(|&hole| lies_in(hole, &around))
        .collect();
    head(out, now, listed.len(), options)?;
    for family in [&V4, &V6] {
        family.write(&listed, &holes, options, out)?;
    }
    Ok(())
}

/// Whether `network` lies in one of `networks`, which are sorted and disjoint.
fn lies_in(network: Network, networks: &[Network]) -> bool {
    let before = networks.partition_point(|one| *one <= network);
    before > 0 && networks[before - 1].covers(network)
}

/// What concerns both datasets.
fn head(out: &mut impl Write, now: Timestamp, count: usize, options: &Options) -> io::Result<()> {
    let seconds = |given: Option<Duration>, default: Duration| given.unwrap_or(default).as_secs();
    let ttl = seconds(options.ttl, Duration::from_mins(10));
    let valid = seconds(options.valid, Duration::from_hours(7 * 24));
    let contact = options.contact.as_deref().unwrap_or("root.localhost");
    let servers = match options.name_server.as_slice() {
        [] => "localhost".to_owned(),
        servers => servers.join(" "),
    };
    let origin = servers.split(' ').next().unwrap_or_default();
    let (serial, time) = (now.as_second(), now.strftime("%Y-%m-%dT%H:%M:%SZ"));
    writeln!(out, "# What gate lists, {time}: {count} networks.")?;
    writeln!(out, "# For rbldnsd: ZONE:combined:FILE")?;
    writeln!(
        out,
        "$SOA {ttl} {origin} {contact} {serial} 1h 10m {valid} {ttl}"
    )?;
    writeln!(out, "$NS {ttl} {servers}")?;
    writeln!(out, "$TTL {ttl}")?;
    let time = now.strftime("%Y:%m:%d:%H:%M:%S");
    writeln!(out, "$TIMESTAMP {time} +{valid}")
}

/// A dataset.
struct Family {
    kind: &'static str,
    is_v4: bool,
    /// RFC 5782 section 5: what every list has, and what none has.
    listed: &'static str,
    unlisted: &'static str,
}

const V4: Family = Family {
    kind: "ip4trie",
    is_v4: true,
    listed: "127.0.0.2",
    unlisted: "127.0.0.1",
};

const V6: Family = Family {
    kind: "ip6trie",
    is_v4: false,
    listed: "0:0:0:0:0:ffff:7f00:2",
    unlisted: "0:0:0:0:0:ffff:7f00:1",
};

impl Family {
    fn write(
        &self,
        listed: &[(Network, Reason)],
        holes: &[Network],
        options: &Options,
        out: &mut impl Write,
    ) -> io::Result<()> {
        writeln!(out, "$DATASET {} @", self.kind)?;
        writeln!(out, ":127.0.0.2:$ is listed: test")?;
        writeln!(out, "{}\n!{}", self.listed, self.unlisted)?;
        for hole in holes.iter().filter(|hole| hole.is_v4() == self.is_v4) {
            writeln!(out, "!{}", written(*hole))?;
        }
        for reason in Reason::ALL {
            let mut networks = listed
                .iter()
                .filter(|&&(network, why)| why == reason && network.is_v4() == self.is_v4)
                .peekable();
            if networks.peek().is_some() {
                writeln!(out, ":{}:{}", value(reason), text(reason, options))?;
            }
            for (network, _) in networks {
                writeln!(out, "{}", written(*network))?;
            }
        }
        Ok(())
    }
}

/// A network as an entry. A line that begins with a colon has values, so the zeros that an address
/// begins with are not left out.
fn written(network: Network) -> String {
    match network.address() {
        IpAddr::V6(v6) if v6.segments()[0] == 0 => {
            let segments = v6.segments().map(|segment| format!("{segment:x}"));
            format!("{}/{}", segments.join(":"), network.prefix_len())
        }
        _ => network.to_string(),
    }
}

/// The text of a reason, in which rbldnsd puts the address for each `$`.
fn text(reason: Reason, options: &Options) -> String {
    let code = reason.code();
    match &options.url {
        None => format!("$ is listed: {code}"),
        Some(url) => {
            let url = url.replace('$', "$$").replace(REASON, code);
            format!("$ is listed: {code}: {}", url.replace(ADDRESS, "$"))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::{
        super::testing::{mixed, plan, text},
        *,
    };
    use crate::control::examples::now;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(line: &str) -> Result<Options, String> {
        let words = std::iter::once("export").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(line.options)
    }

    #[test]
    fn a_dataset_for_each_family_and_a_value_for_each_reason() {
        assert_eq!(
            text(|out| write(&mixed(), now(), &Options::default(), out)),
            "\
# What gate lists, 2026-03-04T12:00:00Z: 4 networks.
# For rbldnsd: ZONE:combined:FILE
$SOA 600 localhost root.localhost 1772625600 1h 10m 604800 600
$NS 600 localhost
$TTL 600
$TIMESTAMP 2026:03:04:12:00:00 +604800
$DATASET ip4trie @
:127.0.0.2:$ is listed: test
127.0.0.2
!127.0.0.1
!198.51.100.2/32
:127.0.0.11:$ is listed: feed
192.0.2.128/25
198.51.100.0/30
:127.0.0.13:$ is listed: manual
192.0.2.0/24
$DATASET ip6trie @
:127.0.0.2:$ is listed: test
0:0:0:0:0:ffff:7f00:2
!0:0:0:0:0:ffff:7f00:1
:127.0.0.2:$ is listed: directspam
2001:db8::/32
"
        );
    }

    #[test]
    fn what_is_given_stands_in_the_head_and_in_the_texts() {
        let line = "--name-server ns1.example.net. --name-server ns2.example.net \
                    --contact hostmaster@example.net --ttl 1h --valid 1d \
                    --url https://example.net/$?ip={ip}&why={reason}";
        let options = options(line).unwrap();
        assert!(options.given());
        let plan = plan(&[("192.0.2.7", Reason::Dynamic)], &[]);
        let text = text(|out| write(&plan, now(), &options, out));
        for line in [
            "$SOA 3600 ns1.example.net hostmaster.example.net 1772625600 1h 10m 86400 3600",
            "$NS 3600 ns1.example.net ns2.example.net",
            "$TTL 3600",
            "$TIMESTAMP 2026:03:04:12:00:00 +86400",
            ":127.0.0.6:$ is listed: dynamic: https://example.net/$$?ip=$&why=dynamic",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_is_no_name_and_no_url_is_refused() {
        assert!(!options("").unwrap().given());
        for (line, words) in [
            ("--name-server ns..example", "such as ns1.example.net"),
            ("--contact example.net", "such as hostmaster@"),
            ("--contact a.b@example.net", "take another address"),
            ("--url https://größe.example/", "expected a URL"),
            ("--ttl 0s", "too short"),
            (
                "--url https://example.net/{ip}=",
                "= stands right behind {ip}",
            ),
            (
                "--url https://example.net/{ip}&q={ip}0",
                "0 stands right behind {ip}",
            ),
            (
                "--url https://example.net/{ip}9/",
                "9 stands right behind {ip}",
            ),
            (
                "--url https://example.net/{ip}$",
                "$ stands right behind {ip}",
            ),
            (
                "--url https://example.net/{ip}{ip}",
                "{ip} stands right behind {ip}",
            ),
        ] {
            let error = options(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
        let long = format!("--url https://example.net/{}", "a".repeat(MAX_URL));
        assert!(options(&long).unwrap_err().contains("150 bytes"));
    }

    #[test]
    fn an_allow_entry_wins_whatever_its_length() {
        let plan = plan(
            &[
                ("192.0.0.0/16", Reason::Manual),
                ("192.0.2.128/25", Reason::Feed),
                ("198.51.100.0/24", Reason::Feed),
            ],
            &[
                "192.0.2.0/24",
                "192.0.2.7",
                "198.51.0.0/16",
                "203.0.113.0/24",
            ],
        );
        let text = text(|out| write(&plan, now(), &Options::default(), out));
        let has = |line: &str| text.lines().any(|found| found == line);
        assert!(has("192.0.0.0/16") && has("!192.0.2.0/24"), "{text}");
        for line in [
            "192.0.2.128/25",
            "!192.0.2.7/32",
            "198.51.100.0/24",
            "!198.51.0.0/16",
            "!203.0.113.0/24",
        ] {
            assert!(!has(line), "{line}\n{text}");
        }
    }

    /// What rbldnsd answers for `address` from a dataset: the longest prefix decides, exclusions
    /// among the others.
    fn answered(text: &str, address: IpAddr) -> Option<Ipv4Addr> {
        let mut value = None;
        let mut best = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix(':') {
                value = Some(rest.split(':').next().unwrap().parse().unwrap());
                continue;
            }
            let (entry, value) = match line.strip_prefix('!') {
                Some(excluded) => (excluded, None),
                None => (line, value),
            };
            let Ok(network) = entry.parse::<Network>() else {
                continue;
            };
            let length = network.prefix_len();
            if network.contains(address) && best.is_none_or(|(longest, _)| length >= longest) {
                best = Some((length, value));
            }
        }
        best.and_then(|(_, value)| value)
    }

    /// A network in 192.0.2.0/24.
    fn small() -> impl Strategy<Value = Network> {
        (any::<u8>(), 24_u8..=32)
            .prop_map(|(last, length)| Network::containing([192, 0, 2, last].into(), length))
    }

    proptest! {
        /// What is taken cannot begin a line of its own, or another field.
        #[test]
        fn whatever_is_taken_stays_in_its_place(text in "\\PC{0,20}|[a.@\\-$\n ]{0,8}") {
            for taken in [name(&text), contact(&text), url(&text)].into_iter().flatten() {
                prop_assert!(!taken.contains(|c: char| c.is_whitespace() || c.is_control()));
            }
            for taken in [name(&text), contact(&text)].into_iter().flatten() {
                prop_assert!(!taken.is_empty() && !taken.contains(['$', '@', ':']));
            }
        }

        /// An allow entry wins, and of what is listed the longest prefix.
        #[test]
        fn what_is_answered_is_what_the_plan_says(
            block in proptest::collection::btree_map(
                small(), prop::sample::select(&Reason::ALL[..]), 0..8,
            ),
            allow in proptest::collection::btree_set(small(), 0..8),
        ) {
            let plan = Export { allow, block };
            let text = text(|out| write(&plan, now(), &Options::default(), out));
            for last in 0..=255 {
                let address = [192, 0, 2, last].into();
                let allowed = plan.allow.iter().any(|network| network.contains(address));
                let listed = plan.block.iter().filter(|(network, _)| network.contains(address));
                let longest = listed.max_by_key(|(network, _)| network.prefix_len());
                let expected = longest.filter(|_| !allowed).map(|(_, &reason)| value(reason));
                prop_assert_eq!(answered(&text, address), expected, "{}\n{}", address, text);
            }
        }
    }

    #[test]
    fn no_entry_begins_like_a_value() {
        for (network, expected) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::7:0:0:0:0/64", "0:0:0:7:0:0:0:0/64"),
            ("::/3", "0:0:0:0:0:0:0:0/3"),
        ] {
            assert_eq!(written(network.parse().unwrap()), expected);
        }
    }

    #[test]
    fn no_reason_answers_what_means_not_listed() {
        let values = Reason::ALL.map(value);
        assert_eq!(values[0], Ipv4Addr::new(127, 0, 0, 2));
        assert_eq!(values[11], Ipv4Addr::new(127, 0, 0, 13));
    }
}
