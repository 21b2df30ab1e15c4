//! Who asks at once, and how much.

use super::*;

#[tokio::test]
async fn who_asks_the_same_at_once_shares_one_query() {
    let dns = TestDns::start().await;
    // Nobody asks twice because this machine was slow.
    let (resolver, lane) = with(&DnsConfig {
        timeout: Duration::from_secs(5),
        ..dns.config()
    });
    dns.address_of("a.example", &["192.0.2.1"]);
    dns.always("a.example", Behaviour::Late(Duration::from_millis(100)));
    let asking = (0..1000).map(|_| {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        tokio::spawn(async move { told(&resolver.a(&name("a.example"), &lane).await) })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap(), "[192.0.2.1]");
    }
    assert_eq!(dns.count(), 1);
    let counts = resolver.stats().total;
    assert_eq!(
        (counts.questions, counts.joined, counts.found),
        (1000, 999, 1)
    );
}

#[tokio::test]
async fn who_leaves_takes_nobody_along() {
    let dns = TestDns::start().await;
    let (resolver, lane) = with(&DnsConfig {
        timeout: Duration::from_secs(5),
        ..dns.config()
    });
    dns.address_of("a.example", &["192.0.2.1"]);
    dns.always("a.example", Behaviour::Late(Duration::from_millis(500)));
    let patient = {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        async move { told(&resolver.a(&name("a.example"), &lane).await) }
    };
    let of = name("a.example");
    let hurried = time::timeout(Duration::from_millis(50), resolver.a(&of, &lane));
    let (hurried, patient) = tokio::join!(hurried, patient);
    assert!(hurried.is_err());
    assert_eq!(patient, "[192.0.2.1]");
    assert_eq!(dns.count(), 1);

    // And if nobody stays, the answer to what was sent is kept.
    dns.address_of("b.example", &["192.0.2.2"]);
    dns.always("b.example", Behaviour::Late(Duration::from_millis(500)));
    let of = name("b.example");
    let hurried = time::timeout(Duration::from_millis(50), resolver.a(&of, &lane));
    assert!(hurried.await.is_err());
    time::sleep(Duration::from_millis(700)).await;
    assert_eq!(told(&resolver.a(&of, &lane).await), "[192.0.2.2]");
    assert_eq!(dns.count_of("b.example"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_budget_holds_under_ten_thousand_new_sources_a_second() {
    const SECONDS: u32 = 2;
    let dns = TestDns::start().await;
    let (resolver, _) = with(&DnsConfig {
        per_second: 200,
        per_zone: 150,
        wait: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        concurrency: 1000,
        ..dns.config()
    });
    let lane = resolver.lane("ptr", None);
    let begun = Instant::now();
    let mut most_waiting = 0;
    let mut asking = tokio::task::JoinSet::new();
    for round in 0..SECONDS * 100 {
        time::sleep_until(begun + Duration::from_millis(10) * round).await;
        for n in 0..100 {
            let (resolver, lane) = (resolver.clone(), lane.clone());
            let number = round * 100 + n;
            asking.spawn(async move { resolver.ptr(source(number), &lane).await });
        }
        let stats = resolver.stats();
        most_waiting = most_waiting.max(stats.waiting + stats.lanes[0].waiting);
    }
    let (mut answered, mut skipped) = (0, 0);
    for answer in asking.join_all().await {
        match answer {
            Answer::Nothing { .. } => answered += 1,
            Answer::NotAsked(Shed::PerZone) => skipped += 1,
            other => panic!("{other:?}"),
        }
    }
    let counts = resolver.stats().total;
    assert_eq!(counts.questions, u64::from(SECONDS) * 10_000);
    assert_eq!((counts.nothing, counts.shed_per_zone), (answered, skipped));
    assert!(most_waiting <= 150 + 200, "{most_waiting}");
    // Over any second it is told more sharply where the budget is; what was sent evenly may come
    // in bunched.
    let sent = dns.count() as u64;
    let elapsed = dns.asked().last().unwrap().at - begun;
    let most = 150 * (elapsed.as_secs() + 2);
    assert!(sent <= most, "{sent} queries in {elapsed:?}");
    assert_eq!(sent, counts.queries);
    assert!(answered >= 150, "{answered} answered");
}

#[tokio::test]
async fn dead_servers_hold_up_no_more_than_the_budget() {
    let dns = TestDns::start().await;
    dns.otherwise(Behaviour::Silent);
    let (resolver, lane) = with(&DnsConfig {
        per_second: 1000,
        concurrency: 10,
        wait: Duration::from_secs(1),
        timeout: Duration::from_millis(200),
        ..dns.config()
    });
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..5000 {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        asking.spawn(async move { resolver.ptr(source_v6(number), &lane).await });
    }
    let mut most = (0, 0);
    while resolver.stats().total.questions < 5000 || most.0 == 0 {
        time::sleep(Duration::from_millis(1)).await;
        let stats = resolver.stats();
        most = (most.0.max(stats.under_way), most.1.max(stats.waiting));
    }
    assert_eq!(most.0, 10);
    assert!(most.1 <= 1000, "{} waiting", most.1);
    let mut shed = 0;
    for answer in asking.join_all().await {
        match answer {
            Answer::NotAsked(Shed::Concurrency | Shed::PerSecond) => shed += 1,
            Answer::Failed(Failure::Timeout) => {}
            other => panic!("{other:?}"),
        }
    }
    // Ten at once, each 200 ms: at most 60 in the first second, and what is under way then.
    assert!((4900..5000).contains(&shed), "{shed}");
    assert_eq!(resolver.stats().under_way, 0);
}

#[tokio::test]
async fn each_lane_has_a_share_of_its_own() {
    let dns = TestDns::start().await;
    let (resolver, _) = resolver(&dns);
    let (small, other) = (
        resolver.lane("small", Some(1)),
        resolver.lane("other", None),
    );
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (resolver, small) = (resolver.clone(), small.clone());
        asking.spawn(async move { resolver.ptr(source(number), &small).await });
    }
    time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    for number in 100..104 {
        resolver.ptr(source(number), &other).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(other.stats().counts.nothing, 4);
    // One a second: a slow machine may be past the first second.
    let stats = small.stats();
    let begun = stats.counts.queries;
    assert!((1..=2).contains(&begun), "{stats:?}");
    assert!((4..=5).contains(&stats.waiting), "five seconds: {stats:?}");
    assert_eq!(stats.counts.shed_per_zone, 14);
    let same = resolver.lane("small", Some(7));
    assert_eq!(same.stats().per_second, 7);
    assert_eq!(same.stats().counts.questions, 20);
}

#[tokio::test]
async fn the_door_goes_first_and_takes_what_it_asks_for_along() {
    let dns = TestDns::start().await;
    let (resolver, _) = with(&DnsConfig {
        per_second: 10,
        ..dns.config()
    });
    let lane = resolver.lane("ptr", Some(10_000));
    let mut background = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        background.spawn(async move { resolver.ptr(source(number), &lane).await });
    }
    time::sleep(Duration::from_millis(50)).await;
    let door = lane.at(Urgency::Door);
    let begun = Instant::now();
    let new = resolver.ptr(source(1000), &door).await;
    assert_eq!(told(&new), "NxDomain");
    // This one is the last of those in the background, four seconds away.
    let joined = resolver.ptr(source(39), &door).await;
    assert_eq!(told(&joined), "NxDomain");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(dns.count_of("39.0.18.198.in-addr.arpa"), 1);
}

#[tokio::test]
async fn during_a_flood_nothing_is_asked_in_the_background() {
    let dns = TestDns::start().await;
    let (resolver, lane) = with(&DnsConfig {
        per_second: 1,
        ..dns.config()
    });
    resolver.ptr(source(0), &lane).await;
    let waiting = {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        tokio::spawn(async move { resolver.ptr(source(1), &lane).await })
    };
    time::sleep(Duration::from_millis(20)).await;
    resolver.set_shedding(true);
    assert_eq!(told(&waiting.await.unwrap()), "not asked: Flood");
    assert_eq!(
        told(&resolver.ptr(source(2), &lane).await),
        "not asked: Flood"
    );
    let new = resolver.lane("new", None);
    assert_eq!(
        told(&resolver.ptr(source(2), &new).await),
        "not asked: Flood"
    );
    assert_eq!(
        told(&resolver.ptr(source(0), &lane).await),
        "NxDomain",
        "it is kept"
    );
    let door = lane.at(Urgency::Door);
    assert_eq!(told(&resolver.ptr(source(3), &door).await), "NxDomain");
    assert_eq!(resolver.stats().total.shed_flood, 3);
    assert!(resolver.stats().shedding);
    resolver.set_shedding(false);
    assert_eq!(told(&resolver.ptr(source(2), &lane).await), "NxDomain");
}

#[tokio::test]
async fn a_reload_keeps_what_is_kept() {
    let (old, new) = (TestDns::start().await, TestDns::start().await);
    let (resolver, _) = resolver(&old);
    let lane = resolver.lane("zone", None);
    let fixed = resolver.lane("fixed", Some(3));
    resolver.ptr(source(0), &lane).await;
    resolver
        .reload(&DnsConfig {
            per_zone: 20,
            ..new.config()
        })
        .unwrap();
    resolver.ptr(source(0), &lane).await;
    resolver.ptr(source(1), &lane).await;
    assert_eq!((old.count(), new.count()), (1, 1));
    assert_eq!(lane.stats().per_second, 20);
    assert_eq!(fixed.stats().per_second, 3);
}
