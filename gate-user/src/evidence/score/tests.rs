use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn now() -> Timestamp {
    "2026-10-12T12:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() - seconds).unwrap()
}

fn report(age: i64, reporter: &str) -> Complaint {
    Complaint {
        at: ago(age),
        reporter: reporter.into(),
        incidents: 1,
        trap: false,
    }
}

fn trap() -> Complaint {
    Complaint {
        trap: true,
        ..report(HOUR, "trap")
    }
}

fn sum(age: i64, spam: u64, ham: u64, bounced: u64) -> Sum {
    Sum {
        start: ago(age),
        length: 3600,
        spam,
        ham,
        bounced,
        complaints: 0,
    }
}

fn of_complaints(complaints: Vec<Complaint>) -> SourceEvidence {
    SourceEvidence {
        complaints,
        ..SourceEvidence::default()
    }
}

fn of_sums(sums: Vec<Sum>) -> SourceEvidence {
    SourceEvidence {
        sums,
        ..SourceEvidence::default()
    }
}

fn scored(evidence: &SourceEvidence) -> Score {
    score(evidence, now(), &ScoreConfig::default())
}

#[test]
fn an_unknown_source_has_50() {
    let score = scored(&SourceEvidence::default());
    assert_eq!((score.value, score.reason), (50, None));
    assert!(score.components.is_empty());
}

#[test]
fn the_published_example_weighs_13() {
    // Two trap hits and three points of reports: (2 × 5) + 3.
    let reports = ["one", "two", "three"].map(|name| report(3 * DAY, name));
    let complaints = [trap(), trap()].into_iter().chain(reports).collect();
    let score = scored(&of_complaints(complaints));
    assert_eq!(score.components[0].weight, Milli(13_000));
}

#[test]
fn a_report_weighs_less_with_time() {
    for (age, weight) in [
        (-HOUR, 4000),
        (0, 4000),
        (12 * HOUR, 3250),
        (24 * HOUR, 2500),
        (48 * HOUR, 1000),
        (7 * DAY, 1000),
        (7 * DAY + 1, 0),
    ] {
        let score = scored(&of_complaints(vec![report(age, "one")]));
        let found = score.components.first().map_or(0, |is| is.weight.0);
        assert_eq!(found, weight, "{age} s");
    }
}

#[test]
fn trap_hits_weigh_five_each_and_their_square_from_six_on() {
    for (hits, weight) in [(1, 5), (2, 10), (5, 25), (6, 36), (10, 100)] {
        let score = scored(&of_complaints(vec![trap(); hits]));
        assert_eq!(score.components[0].weight, Milli(weight * ONE), "{hits}");
    }
}

#[test]
fn one_reporter_lists_nobody() {
    let one = scored(&of_complaints(vec![report(0, "one"); 100]));
    assert_eq!((one.value, one.reason), (50, None));
    let two = scored(&of_complaints(vec![report(0, "one"), report(0, "two")]));
    assert_eq!((two.value, two.reason), (18, Some(Reason::DirectSpam)));
    let trap = scored(&of_complaints(vec![trap(), report(0, "one")]));
    assert_eq!((trap.value, trap.reason), (14, Some(Reason::DirectSpam)));
}

#[test]
fn complaints_count_against_the_mail_that_is_known() {
    let complaints: Vec<_> = ["one", "two", "three"].map(|name| report(0, name)).into();
    for (ham, listed) in [
        (0, true),
        (99, true),
        (100, true),
        (1000, true),
        (100_000, false),
    ] {
        let mut evidence = of_complaints(complaints.clone());
        evidence.sums = vec![sum(2 * DAY, 0, ham, 0)];
        let score = scored(&evidence);
        assert_eq!(score.reason.is_some(), listed, "{ham}: {score}");
    }
}

#[test]
fn verdicts_count_by_volume_and_share() {
    for (spam, ham, age, listed) in [
        (49, 0, HOUR, false),
        (50, 0, HOUR, true),
        (69, 31, HOUR, false),
        (70, 30, HOUR, true),
        (50, 0, 26 * HOUR, false),
    ] {
        let verdicts = scored(&of_sums(vec![sum(age, spam, ham, 0)]));
        let bounces = scored(&of_sums(vec![sum(age, 0, ham, spam)]));
        let reason = |reason| listed.then_some(reason);
        assert_eq!(verdicts.reason, reason(Reason::HighSpam), "{verdicts}");
        assert_eq!(bounces.reason, reason(Reason::NoBounce), "{bounces}");
    }
}

#[test]
fn the_reason_is_what_carried_the_score() {
    let reports = vec![report(0, "one"), report(0, "two")];
    let of = |complaints: &[Complaint], spam, bounced| SourceEvidence {
        complaints: complaints.to_vec(),
        sums: vec![sum(HOUR, spam, 0, bounced)],
        ..SourceEvidence::default()
    };
    for (evidence, reason) in [
        (of(&reports, 0, 0), Reason::DirectSpam),
        (of(&reports, 100, 0), Reason::DirectSpam),
        (of(&reports, 100, 100), Reason::DirectSpam),
        (of(&reports[..1], 100, 0), Reason::HighSpam),
        (of(&[], 100, 100), Reason::HighSpam),
        (of(&reports[..1], 0, 100), Reason::NoBounce),
    ] {
        let score = scored(&evidence);
        assert_eq!(score.reason, Some(reason), "{score}");
    }
}

#[test]
fn names_alone_list_nobody() {
    let evidence = SourceEvidence {
        dnsbl: vec![DnsblAnswer {
            zone: "bl.example".into(),
            points: 50,
        }],
        ptr: Some(PtrClass::Dynamic),
        ..SourceEvidence::default()
    };
    let score = scored(&evidence);
    assert_eq!((score.value, score.reason), (20, None));
}

#[test]
fn good_mail_and_good_standing_earn_credit() {
    let sums = (1..=30).map(|day| sum(day * DAY, 0, 100, 0)).collect();
    let mut evidence = of_sums(sums);
    let good = scored(&evidence);
    assert_eq!(good.points(Part::Ham), Milli(16_000));
    assert_eq!(good.points(Part::Standing), Milli(10_000));
    assert_eq!(good.value, 76);
    evidence.complaints.push(report(6 * DAY, "one"));
    assert_eq!(scored(&evidence).points(Part::Standing), Milli(2_000));
    evidence.credit = 10;
    assert_eq!(scored(&evidence).value, 78);
}

#[test]
fn a_score_reads_as_one_line() {
    let score = scored(&of_complaints(vec![report(0, "one"), report(0, "two")]));
    assert_eq!(
        score.to_string(),
        "score 18: complaints -32 (2 reports by 2 reporters)"
    );
}

fn any_complaint() -> impl Strategy<Value = Complaint> {
    (0..10 * DAY, "[a-d]", 0..9_u32, any::<bool>()).prop_map(|(age, reporter, incidents, trap)| {
        Complaint {
            incidents,
            trap,
            ..report(age, &reporter)
        }
    })
}

fn any_sum() -> impl Strategy<Value = Sum> {
    (0..100 * DAY, 0..200_u64, 0..5000_u64, 0..200_u64, 0..3_u64).prop_map(
        |(age, spam, ham, bounced, complaints)| Sum {
            complaints,
            ..sum(age, spam, ham, bounced)
        },
    )
}

fn any_evidence() -> impl Strategy<Value = SourceEvidence> {
    let complaints = prop::collection::vec(any_complaint(), 0..12);
    let sums = prop::collection::vec(any_sum(), 0..12);
    (complaints, sums, 0..=50_u8).prop_map(|(complaints, sums, credit)| SourceEvidence {
        complaints,
        sums,
        credit,
        ..SourceEvidence::default()
    })
}

proptest! {
    #[test]
    fn more_complaints_never_raise_a_score(
        evidence in any_evidence(),
        more in any_complaint(),
    ) {
        let before = scored(&evidence);
        let mut worse = evidence;
        worse.complaints.push(more);
        prop_assert!(scored(&worse).value <= before.value);
    }

    #[test]
    fn more_spam_and_bounces_never_raise_a_score(
        evidence in any_evidence(),
        age in 0..100 * DAY,
        spam in 0..500_u64,
        bounced in 0..500_u64,
    ) {
        let before = scored(&evidence);
        let mut worse = evidence;
        worse.sums.push(sum(age, spam, 0, bounced));
        prop_assert!(scored(&worse).value <= before.value);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (evidence, shuffled) in any_evidence().prop_flat_map(|evidence| {
            let complaints = Just(evidence.complaints.clone()).prop_shuffle();
            let sums = Just(evidence.sums.clone()).prop_shuffle();
            (Just(evidence.clone()), (complaints, sums).prop_map(move |(complaints, sums)| {
                SourceEvidence { complaints, sums, ..evidence.clone() }
            }))
        }),
    ) {
        prop_assert_eq!(scored(&evidence), scored(&shuffled));
    }

    #[test]
    fn whoever_is_listed_did_something(evidence in any_evidence()) {
        let score = scored(&evidence);
        if score.reason.is_some() {
            let did = [Part::Complaints, Part::Filter, Part::Bounces];
            prop_assert!(did.into_iter().any(|part| score.points(part) < Milli(0)));
        }
    }
}
