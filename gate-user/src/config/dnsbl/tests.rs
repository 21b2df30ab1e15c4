//! What `[dnsbl]` can say, what it cannot, and that no private key shows.

use std::{net::Ipv4Addr, path::Path};

use proptest::prelude::*;

use super::*;
use crate::config::Config;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("gate.toml")).map_err(|error| error.to_string())
}

fn site(text: &str) -> Result<Site, String> {
    text.parse()
}

#[test]
fn sites() {
    for (text, zone, filter, weight) in [
        ("zen.example", "zen.example", "", 1),
        ("zen.example*2", "zen.example", "", 2),
        ("zen.example*+2", "zen.example", "", 2),
        ("zen.example*-4", "zen.example", "", -4),
        ("zen.example*0", "zen.example", "", 0),
        ("zen.example=127.0.0.2", "zen.example", "127.0.0.2", 1),
        (
            "zen.example=127.0.0.[2..11]*2",
            "zen.example",
            "127.0.0.[2..11]",
            2,
        ),
        (
            "l.example=127.0.[2..15].[2..3;7]*-3",
            "l.example",
            "127.0.[2..15].[2..3;7]",
            -3,
        ),
        (
            "l.example=127.[0..255].[3].02",
            "l.example",
            "127.[0..255].[3].2",
            1,
        ),
        ("l.example=[127].0.0.2", "l.example", "[127].0.0.2", 1),
        ("ZEN.Example.", "zen.example", "", 1),
        ("_a-b.c_d.example", "_a-b.c_d.example", "", 1),
    ] {
        let site = site(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(site.zone.as_str(), zone);
        let shown = site.filter.as_ref().map(ToString::to_string);
        assert_eq!(shown.unwrap_or_default(), filter, "{text}");
        assert_eq!(site.weight, weight, "{text}");
    }
}

/// What is wrong with each site is told in words that have these in them.
fn refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let error = site(text).expect_err(text);
        assert!(
            error.contains(expected),
            "{text}\nexpected: {expected}\n     got: {error}"
        );
    }
}

#[test]
fn what_is_no_zone_and_no_weight() {
    let long = format!("{}.example", "a".repeat(64));
    let longer = format!("{}example", "a1.".repeat(70));
    refused(&[
        (
            "",
            "there is no zone: expected a zone's name, such as zen.example",
        ),
        ("=127.0.0.2", "there is no zone"),
        (
            "example",
            "the zone is no domain's name: expected a zone's name, such as zen.example",
        ),
        ("192.0.2.1", "the zone is no domain's name"),
        (
            "a..example",
            "label 2 of the zone has 0 bytes: expected 1 to 63",
        ),
        (
            ".a.example",
            "label 1 of the zone has 0 bytes: expected 1 to 63",
        ),
        (
            long.as_str(),
            "label 1 of the zone has 64 bytes: expected 1 to 63",
        ),
        (
            longer.as_str(),
            "the zone has 217 bytes: expected 189 at most, so that addresses fit before it",
        ),
        (
            "a b.example",
            "` ` in label 1 of the zone: expected a zone's name",
        ),
        ("b.ex,ample", "`,` in label 2 of the zone"),
        ("b.exämple", "`\\xc3` in label 2 of the zone"),
        (
            "a.example*",
            "`` is no weight: expected a whole number from -32768 to 32767, such as 2 or -1",
        ),
        ("a.example*x", "`x` is no weight"),
        ("a.example*1.5", "`1.5` is no weight"),
        ("a.example*99999", "`99999` is no weight"),
        ("a.example*2*3", "`2*3` is no weight"),
        ("a.example* 2", "` 2` is no weight"),
        ("a.example*2=127.0.0.2", "`2=127.0.0.2` is no weight"),
    ]);
}

#[test]
fn what_is_no_filter() {
    refused(&[
        (
            "a.example=",
            "`` in the filter: expected a number from 0 to 255, or several as in [2;4..11]",
        ),
        (
            "a.example=127.0.0",
            "the filter has 3 fields: expected 4, such as 127.0.0.[2..11]",
        ),
        (
            "a.example=127.0.0.2.3",
            "the filter has 5 fields: expected 4",
        ),
        ("a.example=127.0.0.", "`` in the filter: expected a number"),
        (
            "a.example=127.0.0.256",
            "`256` in the filter: expected a number from 0 to 255",
        ),
        (
            "a.example=127.0.0.-1",
            "`-1` in the filter: expected a number",
        ),
        (
            "a.example=127.0.0.+1",
            "`+1` in the filter: expected a number",
        ),
        (
            "a.example=127.0.0.[]",
            "`` in the filter: expected a number",
        ),
        (
            "a.example=127.0.0.[2;]",
            "`` in the filter: expected a number",
        ),
        (
            "a.example=127.0.0.[2,3]",
            "`2,3` in the filter: expected a number",
        ),
        (
            "a.example=127.0.0.[2..]",
            "`` in the filter: expected a number",
        ),
        (
            "a.example=127.0.0.[2..3..4]",
            "`3..4` in the filter: expected a number",
        ),
        (
            "a.example=127.0.0.[11..2]",
            "`11..2` in the filter runs backwards: expected 2..11",
        ),
        (
            "a.example=127.0.0.[2..11",
            "`[2..11` in the filter has no end: expected a `]`",
        ),
        (
            "a.example=127.0.0.[2]3",
            "`3` in the filter: expected a `.` behind a `]`",
        ),
        (
            "a.example=127.0.0.3[2]",
            "`3[2]` in the filter: expected a number",
        ),
        (
            "a.example=127.0.[0.2]",
            "`0.2` in the filter: expected a number",
        ),
        (
            "a.example=128.0.0.2",
            "the filter is met by nothing in 127.0.0.0/8",
        ),
        (
            "a.example=127.0.0.2=127.0.0.3",
            "`2=127` in the filter: expected a number",
        ),
    ]);
}

#[test]
fn dead_zones_are_told_why() {
    for (zone, expected) in [
        (
            "dnsbl.sorbs.net",
            "SORBS is dead: sorbs.net was emptied in June 2024; expected a list that is alive",
        ),
        ("spam.dnsbl.SORBS.net.", "SORBS is dead"),
        ("sorbs.net", "SORBS is dead"),
        (
            "dnsbl.ahbl.org",
            "AHBL is dead: ahbl.org lists everybody since January 2015",
        ),
        (
            "combined.njabl.org",
            "njabl.org was shut down in March 2013",
        ),
        ("list.dsbl.org", "dsbl.org was shut down in 2008"),
        ("relays.ordb.org", "ordb.org was shut down in December 2006"),
        (
            "relays.osirusoft.com",
            "osirusoft.com was shut down in August 2003",
        ),
        (
            "bl.spamcannibal.org",
            "the domain was sold in May 2018 and lists everybody since",
        ),
        (
            "ix.dnsbl.manitu.net",
            "NiX Spam is dead: ix.dnsbl.manitu.net was emptied in January 2025",
        ),
        ("dnsbl.inps.de", "dnsbl.inps.de was shut down in May 2020"),
        ("bl.emailbasura.org", "Email Basura is dead"),
        ("rbl.megarbl.net", "MegaRBL is dead"),
        ("relays.orbs.org", "ORBS is dead"),
        ("opm.blitzed.org", "Blitzed OPM is dead"),
    ] {
        let error = site(zone).expect_err(zone);
        assert!(error.contains(expected), "{zone}: {error}");
    }
    for alive in [
        "notsorbs.net",
        "sorbs.net.example",
        "manitu.net",
        "dnsbl.manitu.net",
    ] {
        assert!(site(alive).is_ok(), "{alive}");
    }
    let error = parse("[[dnsbl.list]]\nsite = 'dnsbl.sorbs.net*2'").unwrap_err();
    assert!(
        error.starts_with("gate.toml:2:8: dnsbl.list[1].site: SORBS is dead"),
        "{error}"
    );
}

/// No customer's, but as long as theirs.
const KEY: &str = "k3yexample0private0key0abc";

#[test]
fn what_lists_cannot_be() {
    let key = |rest: &str| format!("[[dnsbl.list]]\nsite = '{KEY}.zen.example'\n{rest}");
    let two = |rest: &str| format!("[[dnsbl.list]]\nsite = 'a.example'\n[[dnsbl.list]]\n{rest}");
    for (text, expected) in [
        (
            "[[dnsbl.list]]\ntrusted = true".to_owned(),
            "1:1: dnsbl.list[1]: `site` is missing",
        ),
        (
            "[dnsbl]\nthreshold = 0".to_owned(),
            "2:13: dnsbl.threshold: 0 is not from 1 to 1000",
        ),
        (
            "[dnsbl]\nbreaker_share = 0.0".to_owned(),
            "dnsbl.breaker_share: 0 is no share here",
        ),
        (
            "[dnsbl]\nbreaker_sources = 5".to_owned(),
            "dnsbl.breaker_sources: 5 is not from 20 to 10000",
        ),
        (
            "[dnsbl]\nlists = []".to_owned(),
            "dnsbl.lists: unknown key (did you mean `list`?)",
        ),
        (
            two("site = 'b.example'\nfamilies = []"),
            "5:12: dnsbl.list[2].families: asked about nothing",
        ),
        (
            two("site = 'b.example'\nfamilies = ['ipv5']"),
            "`ipv5` is not known here: expected `ipv4` or `ipv6`",
        ),
        (
            two("site = 'b.example'\npoints = 51"),
            "dnsbl.list[2].points: 51 is not from 0 to 50",
        ),
        (
            two("site = 'b.example'\nname = 'a b'"),
            "dnsbl.list[2].name: it cannot name a list: expected 1 to 64 of letters",
        ),
        (
            two("site = 'b.example'\nname = 'a.example'"),
            "5:8: dnsbl.list[2].name: there is a list of that name already",
        ),
        (
            two("site = 'a.example=127.0.0.2'"),
            "dnsbl.list[2]: there is a list of that name already",
        ),
        (
            two("site = 'A.example.*2'\nname = 'b'"),
            "dnsbl.list[2].site: this zone with this filter is there already",
        ),
        (
            two("site = 'a.example=127.0.0.2'\nname = 'b'\nfamilies = ['ipv6']"),
            "dnsbl.list[2].families: this zone is there with others: expected the same",
        ),
        (
            two("site = 'a.example=127.0.0.2'\nname = 'b'\ntest_points = false"),
            "dnsbl.list[2].test_points: this zone is there with another",
        ),
        (
            two("site = 'b.example'\nurl = 'b.example/{ip}'"),
            "dnsbl.list[2].url: `b.example/{ip}` does not begin with https:// or http://: expected one such as https://zen.example/query?ip={ip}",
        ),
        (
            two("site = 'b.example'\nurl = 'https://b.example/{address}'"),
            "has braces around something else than ip",
        ),
        (
            two("site = 'b.example'\nurl = 'https://b.example/{ip} x'"),
            "has characters that no URL has",
        ),
        (
            two(&format!(
                "site = 'b.example'\nurl = 'https://{}'",
                "b".repeat(200)
            )),
            "it has 208 bytes: expected 200 at most",
        ),
        (
            key(""),
            "dnsbl.list[1].site: its zone looks as if it held a private key: expected a `name` beside it",
        ),
        (
            key(&format!("name = '{}'", KEY.to_uppercase())),
            "dnsbl.list[1].name: it shows the private key of the zone",
        ),
        (
            key(&format!(
                "name = 'zen'\nurl = 'https://{KEY}.zen.example/{{ip}}'"
            )),
            "dnsbl.list[1].url: it shows the private key of the zone",
        ),
    ] {
        let error = parse(&text).expect_err(&text);
        assert!(
            error.contains(expected),
            "{text}\nexpected: {expected}\n     got: {error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_list_in_full() {
    let config = parse(
        "[[dnsbl.list]]\nsite = 'zen.example=127.0.0.[2..11]*2'\nname = 'Zen'\n\
         url = 'https://zen.example/?ip={ip}'\ntrusted = true\nfamilies = ['ipv6', 'ipv4']\n\
         points = 7\ntest_points = false\n[[dnsbl.list]]\nsite = 'bl.example*9'\n\
         [[dnsbl.list]]\nsite = 'good.example*-2'",
    )
    .unwrap();
    let [zen, bl, good] = &config.dnsbl.lists[..] else {
        panic!("{:?}", config.dnsbl.lists);
    };
    assert_eq!(zen.public_name().as_str(), "Zen");
    assert_eq!(
        (zen.score_points(), zen.trusted, zen.test_points),
        (7, true, false)
    );
    assert_eq!(zen.families, [Family::Ipv6, Family::Ipv4]);
    assert_eq!(
        zen.url.about("2001:db8::7".parse().unwrap()).as_deref(),
        Some("https://zen.example/?ip=2001:db8::7")
    );
    assert_eq!(bl, &DnsblList::new("bl.example*9".parse().unwrap()));
    assert_eq!(bl.public_name().as_str(), "bl.example");
    assert_eq!((bl.score_points(), good.score_points()), (50, 0));
    assert_eq!(bl.url.about("192.0.2.7".parse().unwrap()), None);
}

#[test]
fn what_looks_like_a_key() {
    for (zone, keys) in [
        ("zen.example", 0),
        ("dnsbl-1.uceprotect.example", 0),
        ("combined.mail.blocklist.example", 0),
        ("hostkarma.junkemailfilter.example", 0),
        ("k3yexample0private0key0abc.zen.dq.example", 1),
        ("0123456789abcdef0123456789abcdef.combined.example", 1),
        ("0123-4567-89ab-cdef.combined.example", 1),
    ] {
        let zone = site(zone).unwrap().zone;
        assert_eq!(zone.keys().count(), keys, "{zone:?}");
    }
}

#[test]
fn a_private_key_is_never_shown() {
    let text = |site: &str| format!("[[dnsbl.list]]\nsite = '{site}'\nname = 'zen'\n");
    let config = parse(&text(&format!("{KEY}.zen.example*2"))).unwrap();
    let shown = format!("{config:?}");
    assert!(
        shown.contains("(key).zen.example") && !shown.contains(KEY),
        "{shown}"
    );
    // Not in what a reload tells, which tells that it changed.
    let other = parse(&text("another0k3y0of0the0operator.zen.example*2")).unwrap();
    for (before, now) in [(&config, &other), (&config, &Config::default())] {
        let told: Vec<_> = before
            .changes(now)
            .iter()
            .map(ToString::to_string)
            .collect();
        let told = told.join("\n");
        assert!(
            told.contains("dnsbl.list.zen.site: (not shown), now "),
            "{told}"
        );
        assert!(!told.contains("k3y"), "{told}");
    }
    // Not where the name is how the zone begins, either.
    let alike = text(&format!("zen.{KEY}.example"));
    let told = Config::default().changes(&parse(&alike).unwrap());
    assert!(told.len() > 3, "{told:?}");
    assert!(!format!("{told:?}").contains("k3y"), "{told:?}");
    // Not in what is told of a slip.
    for site in [
        format!("{KEY}.zen..example"),
        format!("{KEY}.zen.ex ample"),
        format!("{KEY}.zen.example*{KEY}"),
        format!("2*{KEY}.zen.example"),
        format!("127.0.0.2={KEY}.zen.example"),
        format!("zen.example=127.0.0.[{KEY}]"),
        format!("zen.example=127.0.0.[{KEY}"),
        format!("zen.example=127.0.0.[2]{KEY}"),
        format!("{KEY}.sorbs.net"),
    ] {
        let error = parse(&text(&site)).expect_err(&site);
        assert!(!error.contains("k3y"), "{error}");
    }
}

#[test]
fn lists_are_told_by_their_names_at_a_reload() {
    let before = parse("[[dnsbl.list]]\nsite = 'a.example'\n[[dnsbl.list]]\nsite = 'b.example'");
    let now = parse("[[dnsbl.list]]\nsite = 'b.example*2'\n[dnsbl]\nthreshold = 3");
    let changes = before.unwrap().changes(&now.unwrap());
    let told: Vec<_> = changes.iter().map(ToString::to_string).collect();
    for expected in [
        "dnsbl.list.a.example.site: \"a.example\", now none",
        "dnsbl.list.b.example.site: \"b.example\", now \"b.example*2\"",
        "dnsbl.threshold: 2, now 3",
    ] {
        assert!(told.iter().any(|change| change == expected), "{told:?}");
    }
    assert!(
        changes
            .iter()
            .all(|change| change.effect == crate::config::Effect::Live)
    );
}

/// A field of a filter, and what it is met by.
fn field() -> impl Strategy<Value = (String, Vec<(u8, u8)>)> {
    let range = (any::<u8>(), any::<u8>()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    prop_oneof![
        any::<u8>().prop_map(|one| (one.to_string(), vec![(one, one)])),
        prop::collection::vec(range, 1..4).prop_map(|ranges| {
            let shown: Vec<_> = ranges
                .iter()
                .map(|(first, last)| {
                    if first == last {
                        first.to_string()
                    } else {
                        format!("{first}..{last}")
                    }
                })
                .collect();
            (format!("[{}]", shown.join(";")), ranges)
        }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_or_refused(text in "\\PC{0,60}") {
        if let Ok(site) = text.parse::<Site>() {
            let again: Site = String::from(site.clone()).parse().unwrap();
            prop_assert_eq!(again, site);
        }
    }

    #[test]
    fn whatever_looks_like_a_site_is_read_or_refused(text in "[a-c]\\.[a-c]{1,3}(=[127.0\\[\\];]{0,20})?(\\*-?[0-9]{0,5})?") {
        if let Ok(site) = text.parse::<Site>() {
            let again: Site = String::from(site.clone()).parse().unwrap();
            prop_assert_eq!(again, site);
        }
    }

    #[test]
    fn a_filter_is_met_by_what_it_says(fields in prop::collection::vec(field(), 3), code in any::<[u8; 3]>()) {
        let text: Vec<_> = fields.iter().map(|(text, _)| text.as_str()).collect();
        let text = format!("127.{}", text.join("."));
        let filter: Filter = text.parse().unwrap();
        prop_assert_eq!(&filter.to_string(), &text);
        let expected = fields.iter().zip(code).all(|((_, ranges), octet)| {
            ranges.iter().any(|&(first, last)| first <= octet && octet <= last)
        });
        let [b, c, d] = code;
        prop_assert_eq!(filter.meets(Ipv4Addr::new(127, b, c, d)), expected);
        prop_assert!(!filter.meets(Ipv4Addr::new(126, b, c, d)));
    }
}
