//! Whom a walk blames.

use proptest::prelude::*;

use super::*;
use crate::evidence::intake::trust::tests::trust;

/// A header of Postfix that says that `address` connected.
fn postfix(address: &str) -> String {
    format!(
        "from x (unknown [{address}])\r\n\tby y (Postfix) with ESMTP id 1; Mon, 12 Oct 2026 00:00:00 +0000 (UTC)"
    )
}

fn walk(headers: &[&str]) -> Result<IpAddr, NoSource> {
    offender(headers.iter().copied(), &trust()).map(|found| found.address)
}

/// `ok ADDRESS`, or the kind of error.
fn blamed(addresses: &[&str]) -> String {
    let headers: Vec<String> = addresses
        .iter()
        .map(|address| match *address {
            "pickup" => "by y (Postfix, from userid 0) id 1; date".to_owned(),
            "lmtp" => "from x by y with LMTP id 1; date".to_owned(),
            "?" => "via pigeon".to_owned(),
            address => postfix(address),
        })
        .collect();
    match offender(headers.iter().map(String::as_str), &trust()) {
        Ok(found) => found.address.to_string(),
        Err(error) => match error {
            NoSource::NoHeader => "no header".to_owned(),
            NoSource::NotUnderstood { hop, .. } => format!("not understood {hop}"),
            NoSource::NotPublic { hop, .. } => format!("not public {hop}"),
            NoSource::Local { hop } => format!("local {hop}"),
            NoSource::NeverOutside => "never outside".to_owned(),
            NoSource::Dropped(network) => format!("dropped {network}"),
        },
    }
}

#[test]
fn who_is_blamed() {
    for (addresses, expected) in [
        // The first outside, whatever the sender put below.
        (&["1.2.3.4"][..], "1.2.3.4"),
        (&["1.2.3.4", "9.9.9.9"], "1.2.3.4"),
        (&["1.2.3.4", "?"], "1.2.3.4"),
        (&["IPv6:2a00:7::1", "9.9.9.9"], "2a00:7::1"),
        // Through own relays, this machine and known forwarders.
        (&["5.5.5.5", "1.2.3.4", "9.9.9.9"], "1.2.3.4"),
        (
            &["127.0.0.1", "IPv6:::1", "10.0.0.1", "7.7.7.7", "1.2.3.4"],
            "1.2.3.4",
        ),
        (&["6.6.1.1", "1.2.3.4", "9.9.9.9"], "1.2.3.4"),
        (
            &["5.5.5.5", "6.6.1.1", "IPv6:2a00:6::1", "1.2.3.4"],
            "1.2.3.4",
        ),
        (&["lmtp", "127.0.0.1", "1.2.3.4"], "1.2.3.4"),
        // Nobody.
        (&[], "no header"),
        (&["5.5.5.5"], "never outside"),
        (&["6.6.1.1"], "never outside"),
        (&["6.6.6.1", "1.2.3.4"], "dropped 6.6.6.0/24"),
        (&["5.5.5.5", "6.6.6.1", "1.2.3.4"], "dropped 6.6.6.0/24"),
        (&["192.168.1.1", "1.2.3.4"], "not public 1"),
        (&["5.5.5.5", "100.64.3.4", "9.9.9.9"], "not public 2"),
        (&["5.5.5.5", "IPv6:fe80::1", "9.9.9.9"], "not public 2"),
        (&["5.5.5.5", "192.0.2.1", "9.9.9.9"], "not public 2"),
        (&["5.5.5.5", "pickup", "9.9.9.9"], "local 2"),
        (&["5.5.5.5", "?", "9.9.9.9"], "not understood 2"),
        (&["?", "9.9.9.9"], "not understood 1"),
    ] {
        assert_eq!(blamed(addresses), expected, "{addresses:?}");
    }
}

#[test]
fn the_time_is_of_the_header_that_tells_the_sender() {
    let text = "from x (unknown [1.2.3.4]) by y (Postfix) with ESMTP id 1;\r\n\tMon, 12 Oct 2026 02:00:00\r\n +0200 (CEST)";
    let found = offender([postfix("5.5.5.5").as_str(), text], &trust()).unwrap();
    assert_eq!(found.at, "2026-10-12T00:00:00Z".parse().ok());
    let text = "from x (unknown [1.2.3.4]) by y (Postfix) with ESMTP id 1";
    assert_eq!(offender([text], &trust()).unwrap().at, None);
}

#[test]
fn an_error_tells_what_to_do() {
    let error = walk(&[&postfix("192.168.1.1")]).unwrap_err().to_string();
    assert!(error.contains("evidence.own_relays"), "{error}");
    let error = walk(&["via\r\n\tpigeon \u{7}"]).unwrap_err().to_string();
    assert!(error.ends_with("not understood: via pigeon "), "{error}");
}

#[test]
fn a_walk_has_an_end() {
    let header = postfix("5.5.5.5");
    let endless = std::iter::repeat(header.as_str());
    assert_eq!(offender(endless, &trust()), Err(NoSource::NeverOutside));
}

proptest! {
    /// What the sender puts below the first address outside changes nothing.
    #[test]
    fn forged_headers_change_nothing(
        relays in proptest::collection::vec(prop_oneof![Just("5.5.5.5"), Just("127.0.0.1"), Just("6.6.1.1"), Just("lmtp")], 0..4),
        forged in proptest::collection::vec(prop_oneof![Just("9.9.9.9"), Just("5.5.5.5"), Just("?"), Just("6.6.6.1"), Just("pickup")], 0..4),
    ) {
        let mut addresses = relays;
        addresses.push("1.2.3.4");
        addresses.extend(forged);
        prop_assert_eq!(blamed(&addresses), "1.2.3.4");
    }

    /// Nobody is blamed who is ours, or not public.
    #[test]
    fn nobody_is_blamed_who_is_ours(octets in proptest::collection::vec(any::<[u8; 4]>(), 1..5)) {
        let headers: Vec<String> = octets
            .iter()
            .map(|octets| postfix(&IpAddr::from(*octets).to_string()))
            .collect();
        if let Ok(found) = offender(headers.iter().map(String::as_str), &trust()) {
            prop_assert_eq!(trust().standing(found.address), Standing::Outside);
        }
    }
}
