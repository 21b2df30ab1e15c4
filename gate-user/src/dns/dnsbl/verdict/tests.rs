//! What lists a source, and what does not.

use super::*;
use crate::config::DnsblList;

/// Lists: `site`, `site trusted`.
fn config(lists: &[&str]) -> DnsblConfig {
    let list = |text: &&str| {
        let (site, trusted) = match text.strip_suffix(" trusted") {
            Some(site) => (site, true),
            None => (*text, false),
        };
        let site: crate::config::Site = site.parse().unwrap();
        // A zone may be there twice.
        let name = site
            .filter
            .as_ref()
            .map(|_| format!("{}{}", site.zone.as_str(), site.weight));
        DnsblList {
            trusted,
            name: name.map(|name| name.parse().unwrap()),
            ..DnsblList::new(site)
        }
    };
    DnsblConfig {
        lists: lists.iter().map(list).collect(),
        ..DnsblConfig::default()
    }
}

/// The verdict where each zone answers its codes.
fn verdict(config: &DnsblConfig, codes: &[&str]) -> Verdict {
    let zones = ZoneLists::of(config);
    assert_eq!(zones.len(), codes.len());
    let words: Vec<_> = zones
        .iter()
        .zip(codes)
        .map(|(zone, codes)| {
            let codes: Vec<Ipv4Addr> = codes
                .split_whitespace()
                .map(|code| code.parse().unwrap())
                .collect();
            let says = if codes.is_empty() {
                Says::Unlisted
            } else {
                Says::Listed(codes)
            };
            (zone, Ok(says))
        })
        .collect();
    judge("192.0.2.7".parse().unwrap(), &words, config)
}

#[test]
fn weights_filters_and_who_may_list() {
    const A: &str = "127.0.0.2";
    for (lists, codes, sum, listed) in [
        // Two lists, one, and one that is trusted.
        (&["a.example", "b.example"][..], &[A, A][..], 2, true),
        (&["a.example", "b.example"], &[A, ""], 1, false),
        (&["a.example*9", "b.example"], &[A, ""], 9, false),
        (&["a.example*2 trusted", "b.example"], &[A, ""], 2, true),
        (&["a.example*1 trusted", "b.example"], &[A, ""], 1, false),
        // A trusted list that says nothing trusts nobody else.
        (&["a.example*2 trusted", "b.example*2"], &["", A], 2, false),
        // Two lists of one zone are one voice.
        (
            &["a.example=127.0.0.2*2", "a.example=127.0.0.[1..9]*3"],
            &[A],
            5,
            false,
        ),
        (
            &[
                "a.example=127.0.0.2*2",
                "a.example=127.0.0.[1..9]*3 trusted",
            ],
            &[A],
            5,
            true,
        ),
        // Filters: any code will do, and each list counts once.
        (&["a.example=127.0.0.[3..11]*2 trusted"], &[A], 0, false),
        (
            &["a.example=127.0.0.[3..11]*2 trusted"],
            &["127.0.0.2 127.0.0.10 127.0.0.11"],
            2,
            true,
        ),
        // Lists of good sources.
        (
            &["a.example", "b.example", "good.example*-1"],
            &[A, A, A],
            1,
            false,
        ),
        (
            &["a.example*2", "b.example", "good.example*-1"],
            &[A, A, A],
            2,
            true,
        ),
        // They are no second voice, and no trusted one.
        (&["a.example*5", "good.example*-1"], &[A, A], 4, false),
        (
            &["a.example*5", "good.example*-1 trusted"],
            &[A, A],
            4,
            false,
        ),
        // What weighs nothing is no voice.
        (&["a.example*5", "b.example*0"], &[A, A], 5, false),
        (&["a.example", "b.example"], &["", ""], 0, false),
    ] {
        let verdict = verdict(&config(lists), codes);
        assert_eq!(
            (verdict.sum, verdict.listed),
            (sum, listed),
            "{lists:?} {codes:?}"
        );
    }
}

#[test]
fn what_does_not_answer_counts_nothing_and_is_told() {
    let config = config(&[
        "a.example",
        "b.example",
        "c.example",
        "d.example trusted",
        "e.example",
    ]);
    let zones = ZoneLists::of(&config);
    let refused = Ipv4Addr::new(127, 255, 255, 254);
    let words = [
        Ok(Says::Astray(super::super::says::Astray::Refused(refused))),
        Ok(Says::Failed(Failure::Timeout)),
        Ok(Says::NotAsked(Shed::PerZone)),
        Err(NoAnswer::Held(Why::ListsProbe)),
        Err(NoAnswer::Untested),
    ];
    let words: Vec<_> = zones.iter().zip(words).collect();
    let verdict = judge("192.0.2.7".parse().unwrap(), &words, &config);
    assert_eq!((verdict.sum, verdict.listed), (0, false));
    assert_eq!(verdict.to_string(), "on no list");
    let missing: Vec<_> = verdict
        .missing
        .iter()
        .map(|missing| format!("{}: {}", missing.name, missing.why))
        .collect();
    assert_eq!(
        missing,
        [
            "a.example: on hold: does not answer us (127.255.255.254: asked through an open resolver)",
            "b.example: no answer in time",
            "c.example: not asked: over the queries a second of its zone",
            "d.example: on hold: lists a name that was made up: it may list everybody",
            "e.example: not tested yet",
        ]
    );
}

#[test]
fn points_follow_the_weight() {
    let mut config = config(&["a.example", "b.example*9", "good.example*-3", "c.example*2"]);
    config.lists[3].points = Some(7);
    let verdict = verdict(
        &config,
        &["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.4"],
    );
    let points: Vec<_> = verdict
        .points()
        .iter()
        .map(|answer| format!("{} {}", answer.zone, answer.points))
        .collect();
    assert_eq!(points, ["a.example 10", "b.example 50", "c.example 7"]);
    assert_eq!(
        verdict.to_string(),
        "on a.example (127.0.0.2), b.example (127.0.0.3), good.example (127.0.0.2), \
         c.example (127.0.0.4): weight 9"
    );
}

#[test]
fn what_is_remembered_by_name_weighs_the_same() {
    let config = config(&[
        "a.example*2",
        "b.example",
        "c.example*2 trusted",
        "good.example*-1",
    ]);
    for (names, expected) in [
        ("", (0, false)),
        ("a.example", (2, false)),
        ("a.example b.example", (3, true)),
        ("a.example gone.example", (2, false)),
        ("c.example", (2, true)),
        ("c.example good.example", (1, false)),
    ] {
        let weighed = weigh_named(names.split_whitespace(), &config);
        assert_eq!(weighed, expected, "{names}");
    }
    let verdict = verdict(&config, &["127.0.0.2", "", "127.0.0.2", ""]);
    let unlisted: Vec<_> = verdict.unlisted.iter().map(ListName::as_str).collect();
    assert_eq!(unlisted, ["b.example", "good.example"]);
}

#[test]
fn a_reply_has_the_lists_page() {
    let mut config = config(&["a.example"]);
    config.lists[0].url = "https://a.example/?ip={ip}".to_owned().try_into().unwrap();
    let verdict = verdict(&config, &["127.0.0.2"]);
    assert_eq!(
        verdict.answers[0].url.as_deref(),
        Some("https://a.example/?ip=192.0.2.7")
    );
}
