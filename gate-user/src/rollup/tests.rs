use proptest::prelude::*;

use super::*;
use crate::book::testing::{Sandbox, allowance, at, listing, net};

const DAY: i64 = 86_400;
const NOW: i64 = 100 * DAY;

fn spam(network: &str, reason: Reason) -> Change {
    Change::List(NewListing {
        reason,
        origin: Origin::Complaints,
        ..listing(network)
    })
}

fn directspam(hosts: impl IntoIterator<Item = u32>) -> Vec<Change> {
    let one = |host| spam(&format!("192.0.2.{host}"), Reason::DirectSpam);
    hosts.into_iter().map(one).collect()
}

fn only(network: &str, config: &RollupConfig) -> Candidate {
    candidates(net(network), config).next().unwrap()
}

/// What the daemon does after a change of `host`; tells the step.
fn follow(sandbox: &mut Sandbox, host: &str, mail: &Mail, now: i64) -> Step {
    let config = RollupConfig::default();
    let ended = unshelter(&sandbox.book, net(host));
    sandbox.apply(ended, now).unwrap();
    let state = state(&sandbox.book, only(host, &config), &[], at(now), &config);
    let step = state.step(&config);
    let changes = match step {
        Step::Stay => Vec::new(),
        Step::Enter => enter(&sandbox.book, state, mail),
        Step::Leave => leave(&sandbox.book, state.candidate.network),
    };
    sandbox.apply(changes, now).unwrap();
    step
}

fn unlist(host: u32) -> Change {
    Change::Unlist {
        network: net(&format!("192.0.2.{host}")),
        origin: None,
        reason: None,
    }
}

#[test]
fn sources_roll_up_to_their_24_and_48() {
    let config = RollupConfig {
        wider: vec!["/23 6".parse().unwrap(), "/20 19".parse().unwrap()],
        ..RollupConfig::default()
    };
    for (network, expected) in [
        (
            "192.0.3.7",
            vec![
                ("192.0.3.0/24", 4),
                ("192.0.2.0/23", 6),
                ("192.0.0.0/20", 19),
            ],
        ),
        ("2001:db8:1:2::/64", vec![("2001:db8:1::/48", 4)]),
        ("2001:db8:1:2::7", vec![("2001:db8:1::/48", 4)]),
        ("192.0.2.0/24", vec![]),
        ("192.0.2.0/31", vec![]),
        ("2001:db8:1::/48", vec![]),
    ] {
        let found: Vec<_> = candidates(net(network), &config)
            .map(|one| (one.network.to_string(), one.needed))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(network, needed)| (network.to_owned(), needed))
            .collect();
        assert_eq!(found, expected, "{network}");
    }
}

#[test]
fn the_fourth_source_lists_the_24_and_the_second_ends_it() {
    let mut sandbox = Sandbox::default();
    let mail = Mail::default();
    for (host, step) in [
        (1, Step::Stay),
        (2, Step::Stay),
        (3, Step::Stay),
        (4, Step::Enter),
        (5, Step::Stay),
    ] {
        sandbox.apply(directspam([host]), NOW).unwrap();
        assert_eq!(
            follow(&mut sandbox, "192.0.2.1", &mail, NOW),
            step,
            "{host}"
        );
    }
    for (host, step) in [
        (1, Step::Stay),
        (2, Step::Stay),
        (3, Step::Leave),
        (4, Step::Stay),
    ] {
        sandbox.apply(vec![unlist(host)], NOW).unwrap();
        assert_eq!(
            follow(&mut sandbox, "192.0.2.1", &mail, NOW),
            step,
            "{host}"
        );
    }
    // The individual listing stands for itself.
    assert_eq!(sandbox.book.listings().count(), 1);
}

#[test]
fn one_source_lists_dynamic_space_and_none_ends_it() {
    let config = RollupConfig::default();
    let names = [PtrClass::Dynamic; 16];
    let mut sandbox = Sandbox::default();
    let look = |sandbox: &Sandbox| {
        let state = state(
            &sandbox.book,
            only("192.0.2.1", &config),
            &names,
            at(NOW),
            &config,
        );
        (state, state.step(&config))
    };
    assert_eq!(look(&sandbox).1, Step::Stay);
    sandbox.apply(directspam([1]), NOW).unwrap();
    let (entered, step) = look(&sandbox);
    assert_eq!(step, Step::Enter);
    let changes = enter(&sandbox.book, entered, &Mail::default());
    sandbox.apply(changes, NOW).unwrap();
    let listing = sandbox.book.at(net("192.0.2.0/24")).next().unwrap();
    assert_eq!(
        listing.evidence.as_deref(),
        Some("1 of its sources are listed for spam, and its PTR names say dynamic space")
    );
    assert_eq!(look(&sandbox).1, Step::Stay);
    sandbox.apply(vec![unlist(1)], NOW).unwrap();
    assert_eq!(look(&sandbox).1, Step::Leave);
}

#[test]
fn what_counts() {
    let config = RollupConfig::default();
    let count = |changes: Vec<Change>, since: i64| {
        let mut sandbox = Sandbox::default();
        sandbox.apply(changes, since).unwrap();
        let state = state(
            &sandbox.book,
            only("192.0.2.1", &config),
            &[],
            at(NOW),
            &config,
        );
        (state.listed, state.recent)
    };
    let host = |reason| vec![spam("192.0.2.1", reason)];
    assert_eq!(count(host(Reason::DirectSpam), NOW), (1, 1));
    assert_eq!(count(host(Reason::HighSpam), NOW), (1, 1));
    assert_eq!(count(host(Reason::NoBounce), NOW), (0, 0));
    assert_eq!(count(host(Reason::Manual), NOW), (0, 0));
    // Before the window: it keeps a rollup, it begins none.
    assert_eq!(count(host(Reason::DirectSpam), NOW - 8 * DAY), (1, 0));
    // One source, two reasons.
    let twice = [host(Reason::DirectSpam), host(Reason::HighSpam)].concat();
    assert_eq!(count(twice, NOW), (1, 1));
    // What is wider than a source.
    assert_eq!(
        count(vec![spam("192.0.2.0/31", Reason::DirectSpam)], NOW),
        (0, 0)
    );
    // What passes anyway.
    let allowed = [
        host(Reason::DirectSpam),
        vec![Change::Allow(allowance("192.0.2.1"))],
    ]
    .concat();
    assert_eq!(count(allowed, NOW), (0, 0));
}

#[test]
fn what_is_clean_passes_until_it_is_listed_for_itself() {
    let mut sandbox = Sandbox::default();
    let mail = Mail {
        clean: vec![net("192.0.2.1"), net("192.0.2.64/28"), net("192.0.2.99")],
        ..Mail::default()
    };
    sandbox.apply(directspam(1..=4), NOW).unwrap();
    assert_eq!(follow(&mut sandbox, "192.0.2.4", &mail, NOW), Step::Enter);
    let open = |sandbox: &Sandbox| -> Vec<_> {
        let entries = sandbox.book.allow_entries();
        entries.map(|entry| entry.network.to_string()).collect()
    };
    // Not the first: it is listed.
    assert_eq!(open(&sandbox), ["192.0.2.64/28", "192.0.2.99/32"]);
    sandbox.apply(directspam([99]), NOW).unwrap();
    follow(&mut sandbox, "192.0.2.99", &mail, NOW);
    assert_eq!(open(&sandbox), ["192.0.2.64/28"]);
    sandbox.apply([1, 2, 3].map(unlist).into(), NOW).unwrap();
    assert_eq!(follow(&mut sandbox, "192.0.2.1", &mail, NOW), Step::Leave);
    assert!(open(&sandbox).is_empty());
}

#[test]
fn a_rollup_opens_nothing_that_something_else_lists() {
    let mail = Mail {
        clean: vec![net("192.0.2.99")],
        ..Mail::default()
    };
    let others = [
        ("192.0.0.0/16", Origin::Operator),
        ("192.0.2.0/24", Origin::Operator),
        ("192.0.2.96/28", Origin::Feed("drop".into())),
    ];
    for (around, origin) in others {
        let other = || {
            Change::List(NewListing {
                origin: origin.clone(),
                ..listing(around)
            })
        };
        // Listed before the rollup begins.
        let mut sandbox = Sandbox::default();
        sandbox.apply(vec![other()], NOW).unwrap();
        sandbox.apply(directspam(1..=4), NOW).unwrap();
        assert_eq!(follow(&mut sandbox, "192.0.2.4", &mail, NOW), Step::Enter);
        assert_eq!(sandbox.book.allow_entries().count(), 0, "{around} before");

        // Listed while it lasts.
        let mut sandbox = Sandbox::default();
        sandbox.apply(directspam(1..=4), NOW).unwrap();
        assert_eq!(follow(&mut sandbox, "192.0.2.4", &mail, NOW), Step::Enter);
        assert!(unshelter(&sandbox.book, net("192.0.2.0/24")).is_empty());
        assert_eq!(sandbox.book.allow_entries().count(), 1);
        sandbox.apply(vec![other()], NOW).unwrap();
        let ended = unshelter(&sandbox.book, net(around));
        sandbox.apply(ended, NOW).unwrap();
        assert_eq!(sandbox.book.allow_entries().count(), 0, "{around} after");
    }
}

#[test]
fn a_bad_name_ends_no_shelter_and_prevents_none() {
    use Reason::{DirectSpam, Dnsbl, Dynamic, Forged, Generic, Manual, NoRdns};
    let mail = Mail {
        clean: vec![net("192.0.2.99")],
        ..Mail::default()
    };
    for (origin, reason, sheltered) in [
        (Origin::Ptr, Generic, true),
        (Origin::Ptr, Dynamic, true),
        (Origin::Ptr, NoRdns, true),
        (Origin::Ptr, Forged, true),
        // An operator blocks its name.
        (Origin::Ptr, Manual, false),
        (Origin::Operator, Generic, false),
        (Origin::Dnsbl, Dnsbl, false),
        (Origin::Complaints, DirectSpam, false),
    ] {
        let other = || {
            Change::List(NewListing {
                reason,
                origin: origin.clone(),
                ..listing("192.0.2.99")
            })
        };
        let shelters = |sandbox: &Sandbox| sandbox.book.allow_entries().count();
        let case = format!("{origin} {}", reason.code());

        let mut sandbox = Sandbox::default();
        sandbox.apply(directspam(1..=4), NOW).unwrap();
        sandbox.apply(vec![other()], NOW).unwrap();
        assert_eq!(follow(&mut sandbox, "192.0.2.4", &mail, NOW), Step::Enter);
        assert_eq!(shelters(&sandbox), usize::from(sheltered), "{case} before");

        let mut sandbox = Sandbox::default();
        sandbox.apply(directspam(1..=4), NOW).unwrap();
        assert_eq!(follow(&mut sandbox, "192.0.2.4", &mail, NOW), Step::Enter);
        for again in 0..2 {
            sandbox.apply(vec![other()], NOW + again).unwrap();
            follow(&mut sandbox, "192.0.2.99", &mail, NOW + again);
            assert_eq!(shelters(&sandbox), usize::from(sheltered), "{case} after");
        }
    }
}

#[test]
fn good_mail_and_credit_object() {
    let config = RollupConfig::default();
    let network = net("192.0.2.0/24");
    for (good, all, clean, objects) in [
        (0, 0, None, false),
        (99, 100, None, false),
        (100, 200, None, true),
        (100, 201, None, false),
        (0, 0, Some("192.0.2.0/28"), false),
        (0, 0, Some("192.0.0.0/16"), true),
    ] {
        let mail = Mail {
            good,
            all,
            clean: clean.map(net).into_iter().collect(),
        };
        assert_eq!(
            mail.objection(network, &config).is_some(),
            objects,
            "{mail:?}"
        );
    }
}

proptest! {
    #[test]
    fn a_rollup_always_holds_a_listed_source(
        steps in prop::collection::vec((0..8_u32, any::<bool>(), 0..3 * DAY), 1..60),
    ) {
        let mut sandbox = Sandbox::default();
        let mut now = NOW;
        for (host, list, later) in steps {
            now += later;
            let changes = if list { directspam([host]) } else { vec![unlist(host)] };
            sandbox.apply(changes, now).unwrap();
            follow(&mut sandbox, &format!("192.0.2.{host}"), &Mail::default(), now);
            let listed = sandbox.book.within(net("192.0.2.0/24"));
            let (rollups, sources): (Vec<_>, Vec<_>) = listed.partition(|is| is.reason == Reason::Rollup);
            prop_assert!(rollups.is_empty() || sources.len() > 2, "{}", sources.len());
            prop_assert!(rollups.len() <= 1);
        }
    }
}
