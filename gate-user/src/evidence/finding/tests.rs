//! From a finding to listings: what is completed, renewed, ended and forgotten.

use gate_common::Reason;

use super::{
    model::{Finding, ListAnswer, Reverse, Sample, Standing},
    store,
    take::{
        Ground, ask_all_again, due, findings_of, heard_of, judge_again, pardon, take_findings,
        take_samples, withdraw,
    },
};
use crate::{
    book::{
        Change, Ledger, Origin,
        testing::{allowance, at, net},
    },
    config::{Config, DnsblList},
    dns::class::{Confidence, NameClass},
    evidence::{Evidence, Kind, PtrClass, finding_of, of_source, roll_up, take},
    names::Names,
    overrides::Overrides,
    plan::Rules,
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const NOW: i64 = 20_000 * DAY;

/// A daemon's book and nothing else of it.
struct Desk {
    ledger: Ledger,
    config: Config,
    rules: Rules,
    names: Names,
    overrides: Overrides,
    _place: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        let lists = ["a", "b"].map(|name| DnsblList {
            name: Some(name.parse().unwrap()),
            ..DnsblList::new(format!("{name}.example").parse().unwrap())
        });
        config.dnsbl.lists = lists.to_vec();
        Self {
            ledger: Ledger::open(&place.path().join("gate.db")).await.unwrap(),
            config,
            rules: Rules::default(),
            names: Names::default(),
            overrides: Overrides::default(),
            _place: place,
        }
    }

    async fn take(&mut self, finding: Finding) -> Vec<String> {
        let now = finding.at;
        let ground = Ground {
            config: &self.config,
            rules: &self.rules,
            names: &self.names,
            overrides: &self.overrides,
        };
        let mut work = self.ledger.begin(now).await.unwrap();
        take_findings(&mut work, vec![finding], ground)
            .await
            .unwrap();
        work.commit("test").await.unwrap();
        self.listed("192.0.2.7")
    }

    /// The listings of exactly that source: `dynamic until 7d`.
    fn listed(&self, source: &str) -> Vec<String> {
        let book = self.ledger.book();
        book.at(net(source))
            .map(|is| {
                let left = is.expires.map(|end| (end.as_second() - NOW) / DAY);
                format!("{} {}", is.reason.code(), left.unwrap_or(-1))
            })
            .collect()
    }

    async fn evidence(&mut self, records: &[Evidence], now: i64) {
        let mut work = self.ledger.begin(at(now)).await.unwrap();
        take(&mut work, records, &self.config, &self.rules)
            .await
            .unwrap();
        roll_up(&mut work, &self.config).await.unwrap();
        work.commit("test").await.unwrap();
    }
}

fn finding(now: i64, standing: Option<Standing>, answers: Vec<ListAnswer>) -> Finding {
    Finding {
        address: [192, 0, 2, 7].into(),
        at: at(now),
        seen: at(now),
        reverse: standing.map(|standing| Reverse {
            at: at(now),
            standing,
            allowed: false,
        }),
        answers,
        pardoned: Vec::new(),
    }
}

fn named(class: NameClass) -> Standing {
    Standing::Confirmed {
        name: "a.example.net".into(),
        also: Vec::new(),
        class,
        confidence: Confidence::High,
        evidence: "why".into(),
    }
}

/// What a list says: that it lists the address where that weighs anything.
fn answer(now: i64, list: &str, weight: i16) -> ListAnswer {
    ListAnswer {
        list: list.into(),
        at: at(now),
        weight,
        points: if weight > 0 { 10 } else { 0 },
        codes: vec![[127, 0, 0, 2].into(); usize::from(weight != 0)],
        text: None,
        overridden: false,
    }
}

#[tokio::test]
async fn a_name_has_one_reason_at_a_time() {
    let mut desk = Desk::new().await;
    for (hour, standing, expected) in [
        (0, Some(Standing::Missing), &["nordns 7"][..]),
        (1, Some(named(NameClass::Dynamic)), &["dynamic 7"]),
        (2, Some(named(NameClass::Generic)), &["generic 7"]),
        // Cannot be told now: what was told stays.
        (3, None, &["generic 7"]),
        (4, Some(named(NameClass::Mail)), &[]),
        (5, None, &[]),
    ] {
        let now = NOW + hour * HOUR;
        let listed = desk.take(finding(now, standing, Vec::new())).await;
        assert_eq!(listed, expected, "{hour}");
    }
}

#[tokio::test]
async fn a_list_that_is_silent_is_heard_no_more_after_a_while() {
    let mut desk = Desk::new().await;
    let both = |now| vec![answer(now, "a", 1), answer(now, "b", 1)];
    assert_eq!(desk.take(finding(NOW, None, both(NOW))).await, ["dnsbl 7"]);
    let later = NOW + 6 * DAY;
    let one = vec![answer(later, "a", 1)];
    assert_eq!(desk.take(finding(later, None, one)).await, ["dnsbl 13"]);
    let late = NOW + 8 * DAY;
    let one = vec![answer(late, "a", 1)];
    assert!(desk.take(finding(late, None, one)).await.is_empty());

    let no = vec![answer(late, "a", 0), answer(late, "b", 1)];
    assert!(desk.take(finding(late, None, no)).await.is_empty());
}

/// An address that has become the machine's own is let go, and nobody is asked about it again.
#[tokio::test]
async fn invariant_8_who_is_protected_is_not_kept_up() {
    let mut desk = Desk::new().await;
    let missing = |now| finding(now, Some(Standing::Missing), Vec::new());
    assert_eq!(desk.take(missing(NOW)).await, ["nordns 7"]);
    desk.rules = Rules::new(|_| None, [net("192.0.2.7/32")]);
    assert!(desk.take(missing(NOW + 6 * HOUR)).await.is_empty());
    let history = desk.ledger.history();
    assert_eq!(due(&history, at(NOW + DAY), 10).await.unwrap(), []);

    // Of who always was nothing is on record.
    let mut desk = Desk::new().await;
    desk.rules = Rules::new(|_| None, [net("192.0.2.7/32")]);
    assert!(desk.take(missing(NOW)).await.is_empty());
    let source = net("192.0.2.7/32");
    let found = finding_of(&desk.ledger.history(), source).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn who_does_not_come_any_more_is_let_go() {
    let mut desk = Desk::new().await;
    desk.take(finding(NOW, Some(Standing::Missing), Vec::new()))
        .await;
    let history = desk.ledger.history();
    assert!(
        due(&history, at(NOW + 5 * HOUR), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let again = due(&history, at(NOW + 6 * HOUR), 10).await.unwrap();
    assert_eq!(again.len(), 1);

    // Asked about again: it has not come since.
    let mut second = finding(NOW + DAY, Some(Standing::Missing), Vec::new());
    second.seen = again[0].seen;
    assert_eq!(desk.take(second.clone()).await, ["nordns 7"]);
    second.at = at(NOW + 7 * DAY);
    assert!(desk.take(second).await.is_empty());
    let history = desk.ledger.history();
    assert!(
        due(&history, at(NOW + 99 * DAY), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_allowed_source_and_an_own_address_are_not_listed() {
    let mut desk = Desk::new().await;
    let allow = vec![Change::Allow(allowance("192.0.2.0/28"))];
    desk.ledger.apply(allow, at(NOW), "test").await.unwrap();
    let missing = || finding(NOW, Some(Standing::Missing), Vec::new());
    assert!(desk.take(missing()).await.is_empty());

    let mut desk = Desk::new().await;
    desk.rules = Rules::new(|_| None, [net("192.0.2.7")]);
    assert!(desk.take(missing()).await.is_empty());
    let on_record = finding_of(&desk.ledger.history(), net("192.0.2.7")).await;
    assert_eq!(on_record.unwrap(), None);
}

#[tokio::test]
async fn dns_is_the_last_straw_but_lists_nobody_for_spam_by_itself() {
    let mut desk = Desk::new().await;
    let bad = |now| finding(now, Some(Standing::Missing), vec![answer(now, "a", 1)]);
    assert_eq!(desk.take(bad(NOW)).await, ["nordns 7"]);

    let mut desk = Desk::new().await;
    // Spam enough to cost 24 points: not below the minimum.
    let spam = |now| {
        let at = at(now);
        Evidence::new(
            [192, 0, 2, 7].into(),
            at,
            "filter",
            Kind::Spam { count: 70 },
            None,
        )
    };
    desk.config.score.filter_points = 24;
    let ham = Evidence::new(
        [192, 0, 2, 7].into(),
        at(NOW),
        "filter",
        Kind::Ham { count: 30 },
        None,
    );
    desk.evidence(&[spam(NOW), ham], NOW).await;
    assert!(desk.listed("192.0.2.7").is_empty());
    let listed = desk.take(bad(NOW + 60)).await;
    assert!(
        listed.iter().any(|one| one.starts_with("highspam")),
        "{listed:?}"
    );

    // What the postmaster has let go does not come back for the same answers.
    let end = Change::Unlist {
        network: net("192.0.2.7"),
        origin: Some(Origin::Complaints),
        reason: Some(Reason::HighSpam),
    };
    desk.ledger
        .apply(vec![end], at(NOW + 90), "test")
        .await
        .unwrap();
    assert_eq!(desk.take(bad(NOW + 120)).await, ["nordns 7"]);
}

#[tokio::test]
async fn what_dns_says_shows_in_the_score() {
    let mut desk = Desk::new().await;
    let two = vec![answer(NOW, "a", 1), answer(NOW, "b", -1)];
    desk.take(finding(NOW, Some(named(NameClass::Generic)), two))
        .await;
    let history = desk.ledger.history();
    let score = async |now| {
        let found = of_source(&history, net("192.0.2.7"), at(now), &desk.config);
        found.await.unwrap().1.value
    };
    assert_eq!(score(NOW + DAY).await, 50 - 5 - 10);
    assert_eq!(score(NOW + 8 * DAY).await, 50);
}

#[tokio::test]
async fn an_operators_word_is_heard_at_once() {
    let mut desk = Desk::new().await;
    let lists = vec![answer(NOW, "a", 1), answer(NOW, "b", 1)];
    let listed = desk
        .take(finding(NOW, Some(named(NameClass::Mail)), lists))
        .await;
    assert_eq!(listed, ["dnsbl 7"]);
    for (networks, patterns) in [
        (vec![net("192.0.2.0/24")], Vec::new()),
        (Vec::new(), vec!["*.example.net".parse().unwrap()]),
        (
            vec![net("198.51.100.0/24")],
            vec!["*.example.org".parse().unwrap()],
        ),
    ] {
        let ground = Ground {
            config: &desk.config,
            rules: &desk.rules,
            names: &desk.names,
            overrides: &desk.overrides,
        };
        let touches = networks.first() != Some(&net("198.51.100.0/24"));
        // As if an override had come: the stored answers are judged by it.
        let mut config = desk.config.clone();
        config.dnsbl.threshold = if desk.listed("192.0.2.7").is_empty() {
            2
        } else {
            3
        };
        let ground = Ground {
            config: &config,
            ..ground
        };
        let before = desk.ledger.book().listings().count();
        let history = desk.ledger.history();
        let mut work = desk.ledger.begin(at(NOW + 60)).await.unwrap();
        let keys = findings_of(&history, &networks, &patterns).await.unwrap();
        judge_again(&mut work, &keys, ground).await.unwrap();
        work.commit("test").await.unwrap();
        let after = desk.ledger.book().listings().count();
        assert_eq!(before != after, touches, "{networks:?} {patterns:?}");
    }
}

#[tokio::test]
async fn invariant_7_what_a_list_said_that_lists_everybody_is_taken_back() {
    let mut desk = Desk::new().await;
    let both = |now| vec![answer(now, "a", 1), answer(now, "b", 1)];
    for (number, now) in [(1, NOW), (2, NOW + 100), (3, NOW + 200)] {
        let mut one = finding(now, None, both(now));
        one.address = [192, 0, 2, number].into();
        desk.take(one).await;
    }
    let ground = Ground {
        config: &desk.config,
        rules: &desk.rules,
        names: &desk.names,
        overrides: &desk.overrides,
    };
    let heard = heard_of(&desk.ledger.history(), "b", at(NOW + 100)).await;
    let heard = heard.unwrap();
    let mut work = desk.ledger.begin(at(NOW + 300)).await.unwrap();
    let taken = withdraw(&mut work, heard, "b", at(NOW + 100), ground)
        .await
        .unwrap();
    work.commit("test").await.unwrap();
    assert_eq!(taken, 2);
    assert_eq!(desk.listed("192.0.2.1"), ["dnsbl 7"]);
    assert!(desk.listed("192.0.2.2").is_empty());
    assert!(desk.listed("192.0.2.3").is_empty());
}

#[tokio::test]
async fn a_sample_rolls_a_dynamic_network_up() {
    let mut desk = Desk::new().await;
    let trap = |from: &str| {
        let trap = Kind::Complaint {
            incidents: 3,
            trap: true,
        };
        Evidence::new([192, 0, 2, 7].into(), at(NOW), from, trap, None)
    };
    desk.evidence(&[trap("a@example.net"), trap("b@example.org")], NOW)
        .await;
    assert_eq!(desk.listed("192.0.2.0/24").len(), 0);
    for (classes, expected) in [
        (vec![PtrClass::Dynamic; 4], 0),
        (vec![PtrClass::Dynamic; 5], 1),
    ] {
        let sample = Sample {
            network: net("192.0.2.0/24"),
            at: at(NOW + 60),
            classes,
        };
        let mut work = desk.ledger.begin(at(NOW + 60)).await.unwrap();
        take_samples(&mut work, &[sample], &desk.config)
            .await
            .unwrap();
        work.commit("test").await.unwrap();
        assert_eq!(desk.listed("192.0.2.0/24").len(), expected);
    }
}

/// What is on record may be older than it may count: that must not fail what else is judged.
#[tokio::test]
async fn what_has_lapsed_ends_and_fails_nobody_else() {
    let mut desk = Desk::new().await;
    desk.take(finding(NOW, Some(Standing::Missing), Vec::new()))
        .await;
    let mut other = finding(NOW + DAY, Some(Standing::Missing), Vec::new());
    other.address = [192, 0, 2, 8].into();
    desk.take(other).await;
    let history = desk.ledger.history();
    let keys = findings_of(&history, &[net("192.0.2.0/24")], &[])
        .await
        .unwrap();
    assert_eq!(keys.len(), 2);
    let ground = Ground {
        config: &desk.config,
        rules: &desk.rules,
        names: &desk.names,
        overrides: &desk.overrides,
    };
    let mut work = desk.ledger.begin(at(NOW + 7 * DAY + 60)).await.unwrap();
    judge_again(&mut work, &keys, ground).await.unwrap();
    work.commit("test").await.unwrap();
    assert!(desk.listed("192.0.2.7").is_empty());
    assert_eq!(desk.listed("192.0.2.8"), ["nordns 8"]);
}

#[tokio::test]
async fn what_is_judged_again_is_still_asked_about_when_it_was_to_be() {
    let mut desk = Desk::new().await;
    let named = |now| finding(now, Some(named(NameClass::Dynamic)), Vec::new());
    desk.take(named(NOW)).await;
    let mut work = desk.ledger.begin(at(NOW + 60)).await.unwrap();
    let keys = ask_all_again(&mut work).await.unwrap();
    work.commit("test").await.unwrap();
    let ground = Ground {
        config: &desk.config,
        rules: &desk.rules,
        names: &desk.names,
        overrides: &desk.overrides,
    };
    let mut work = desk.ledger.begin(at(NOW + 61)).await.unwrap();
    judge_again(&mut work, &keys, ground).await.unwrap();
    work.commit("test").await.unwrap();
    let history = desk.ledger.history();
    assert_eq!(due(&history, at(NOW + 62), 10).await.unwrap().len(), 1);

    // DNS has said it again.
    desk.take(named(NOW + 70)).await;
    assert!(due(&history, at(NOW + 71), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_an_operator_has_ended_stays_ended_until_dns_says_otherwise() {
    let mut desk = Desk::new().await;
    let named = |now, class| finding(now, Some(named(class)), Vec::new());
    assert_eq!(
        desk.take(named(NOW, NameClass::Generic)).await,
        ["generic 7"]
    );
    let ended: Vec<_> = desk.ledger.book().listings().collect();
    let mut work = desk.ledger.begin(at(NOW + 60)).await.unwrap();
    work.apply(vec![Change::Unlist {
        network: net("192.0.2.7"),
        origin: None,
        reason: None,
    }])
    .unwrap();
    pardon(&mut work, &ended).await.unwrap();
    work.commit("test").await.unwrap();
    for (hour, class, expected) in [
        (1, NameClass::Generic, &[][..]),
        (2, NameClass::Generic, &[]),
        (3, NameClass::Dynamic, &["dynamic 7"]),
        // The pardon was for what it was then.
        (4, NameClass::Generic, &["generic 7"]),
    ] {
        let listed = desk.take(named(NOW + hour * HOUR, class)).await;
        assert_eq!(listed, expected, "{hour}");
    }
}

#[tokio::test]
async fn only_so_many_are_listed_for_their_names() {
    let mut desk = Desk::new().await;
    desk.config.lookup.most_listed = 3;
    for number in 1..=5 {
        let mut one = finding(NOW, Some(Standing::Missing), Vec::new());
        one.address = [192, 0, 2, number].into();
        desk.take(one).await;
    }
    let counts = desk.ledger.book().counts().listings;
    assert_eq!(counts, 3);
    // Those that are listed are renewed all the same, and a DNSBL's are not counted.
    let mut again = finding(NOW + DAY, Some(Standing::Missing), Vec::new());
    again.address = [192, 0, 2, 1].into();
    desk.take(again).await;
    assert_eq!(desk.listed("192.0.2.1"), ["nordns 8"]);
    let both = vec![answer(NOW, "a", 1), answer(NOW, "b", 1)];
    assert_eq!(desk.take(finding(NOW, None, both)).await, ["dnsbl 7"]);
}

#[tokio::test]
async fn the_newer_answer_counts_whichever_comes_first() {
    let mut desk = Desk::new().await;
    let both = vec![answer(NOW + 60, "a", 0), answer(NOW + 60, "b", 1)];
    desk.take(finding(NOW + 60, Some(named(NameClass::Mail)), both))
        .await;
    // Asked before, and told late.
    let late = vec![answer(NOW, "a", 1), answer(NOW, "b", 1)];
    assert!(
        desk.take(finding(NOW, Some(Standing::Missing), late))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn in_ipv6_a_name_is_of_one_address() {
    let mut desk = Desk::new().await;
    let of = |host: &str, now, standing| {
        let mut one = finding(now, Some(standing), Vec::new());
        one.address = host.parse().unwrap();
        one
    };
    desk.take(of("2001:db8::7", NOW, Standing::Missing)).await;
    desk.take(of("2001:db8::25", NOW + 60, named(NameClass::Mail)))
        .await;
    assert_eq!(desk.listed("2001:db8::7/128"), ["nordns 7"]);
    assert!(desk.listed("2001:db8::25/128").is_empty());
    assert!(desk.listed("2001:db8::/64").is_empty());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_as_if_it_were_not_there() {
    let mut desk = Desk::new().await;
    desk.take(finding(NOW, Some(Standing::Missing), Vec::new()))
        .await;
    let mut work = desk.ledger.begin(at(NOW)).await.unwrap();
    sqlx::query("UPDATE findings SET said = '{}'")
        .execute(work.connection())
        .await
        .unwrap();
    work.commit("test").await.unwrap();
    let history = desk.ledger.history();
    assert_eq!(due(&history, at(NOW + DAY), 10).await.unwrap(), []);
    let listed = desk.take(finding(NOW + 60, Some(named(NameClass::Mail)), Vec::new()));
    assert!(listed.await.is_empty());
}

#[tokio::test]
async fn the_sample_of_a_network_that_is_rolled_up_is_kept() {
    let mut desk = Desk::new().await;
    let trap = |from: &str| {
        let trap = Kind::Complaint {
            incidents: 3,
            trap: true,
        };
        Evidence::new([192, 0, 2, 7].into(), at(NOW), from, trap, None)
    };
    desk.evidence(&[trap("a@example.net"), trap("b@example.org")], NOW)
        .await;
    let networks = ["192.0.2.0/24", "198.51.100.0/24"].map(net);
    let sample = |network| Sample {
        network,
        at: at(NOW),
        classes: vec![PtrClass::Dynamic; 8],
    };
    let mut work = desk.ledger.begin(at(NOW)).await.unwrap();
    let samples = networks.map(sample);
    take_samples(&mut work, &samples, &desk.config)
        .await
        .unwrap();
    work.commit("test").await.unwrap();
    assert_eq!(desk.listed("192.0.2.0/24").len(), 1);
    let unlist = |network: &str| Change::Unlist {
        network: net(network),
        origin: None,
        reason: None,
    };
    for (ends, kept) in [
        (None, [true, false]),
        (Some("192.0.2.0/24"), [false, false]),
    ] {
        let end = ends.map(unlist).into_iter().collect();
        desk.ledger.apply(end, at(NOW + 60), "test").await.unwrap();
        let mut work = desk.ledger.begin(at(NOW + 60)).await.unwrap();
        store::forget(work.connection(), at(NOW + 60), 10, at(0))
            .await
            .unwrap();
        for (network, kept) in networks.into_iter().zip(kept) {
            let found = store::sample(work.connection(), network).await.unwrap();
            assert_eq!(found.is_some(), kept, "{network} after {ends:?}");
        }
        work.commit("test").await.unwrap();
    }
}

#[tokio::test]
async fn the_oldest_is_forgotten_first() {
    let mut desk = Desk::new().await;
    for number in 0..20_u8 {
        // The seventh is listed: what is known of it is needed.
        let standing = match number {
            6 => Some(Standing::Missing),
            _ => Some(named(NameClass::Mail)),
        };
        let mut one = finding(NOW + i64::from(number), standing, Vec::new());
        one.address = [192, 0, 2, number].into();
        desk.take(one).await;
    }
    let mut work = desk.ledger.begin(at(NOW + 60)).await.unwrap();
    store::forget(work.connection(), at(NOW + 5), 10, at(0))
        .await
        .unwrap();
    work.commit("test").await.unwrap();
    let history = desk.ledger.history();
    for number in 0..20_u8 {
        let source = net(&format!("192.0.2.{number}"));
        let known = finding_of(&history, source).await.unwrap().is_some();
        assert_eq!(known, number >= 10 || number == 6, "{number}");
    }
}
