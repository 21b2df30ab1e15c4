//! What counts as a complaint, and against whom.

use proptest::prelude::*;

use super::*;
use crate::{config::Config, evidence::intake::trust};

const NOW: &str = "2026-10-12T12:00:00Z";

fn intake() -> Intake {
    let mut evidence = trust::tests::config();
    evidence.traps = vec![
        "trap@example.org".to_owned().try_into().unwrap(),
        "@trap.example".to_owned().try_into().unwrap(),
    ];
    let config = Config {
        evidence,
        ..Config::default()
    };
    Intake::new(&config, ["7.7.7.7".parse().unwrap()])
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn received(address: &str) -> String {
    format!(
        "Received: from x (y [{address}])\r\n\tby z (Postfix) with ESMTP id 1;\r\n\tMon, 12 Oct 2026 10:00:00 +0000\r\n"
    )
}

/// A spam from `address`, which has another mail attached.
fn spam(address: &str) -> String {
    format!(
        "{}{}Message-ID: <1@spam>\r\nFrom: s@spam.example\r\nContent-Type: message/rfc822\r\n\r\n{}From: a@b\r\n\r\nx\r\n",
        received(address),
        received("9.9.9.9"),
        received("9.9.9.8"),
    )
}

/// An ARF report with these fields besides the type, on this mail.
fn arf(fields: &str, original: &str) -> String {
    format!(
        "From: <fbl@example.net>\r\nSubject: FW: spam\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report;\r\n boundary=\"part\"\r\n\r\n\
         --part\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n\
         --part\r\nContent-Type: message/feedback-report\r\n\r\n\
         Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\n{fields}\r\n\
         --part\r\n{original}\r\n--part--\r\n"
    )
}

fn attached(mail: &str) -> String {
    format!("Content-Type: message/rfc822\r\n\r\n{mail}")
}

fn forwarded(parts: &[String]) -> String {
    let parts = parts.join("\r\n--b\r\n");
    format!(
        "From: User <user@example.org>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nplease look\r\n--b\r\n{parts}\r\n--b--\r\n"
    )
}

/// `ADDRESS kind count by`, one for each; ` dropped N`, ` refused N`; or the error.
fn told(mail: &str, handed: Handed) -> String {
    let complaint = match intake().complaint(mail.as_bytes(), handed, now()) {
        Ok(complaint) => complaint,
        Err(error) => return error.to_string(),
    };
    let mut words: Vec<String> = complaint
        .evidence
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {}",
                one.address(),
                one.kind().name(),
                one.kind().count(),
                one.from()
            )
        })
        .collect();
    if !complaint.dropped.is_empty() {
        words.push(format!("dropped {}", complaint.dropped.len()));
    }
    if !complaint.refused.is_empty() {
        words.push(format!("refused {}", complaint.refused.len()));
    }
    words.join(", ")
}

fn auto(mail: &str) -> String {
    told(mail, Handed::default())
}

const FBL: &str = "fbl@example.net via local";
const USER: &str = "user@example.org via local";

#[test]
fn whom_a_report_blames() {
    let mail = attached(&spam("1.2.3.4"));
    let headers = format!(
        "Content-Type: text/rfc822-headers\r\n\r\n{}",
        received("1.2.3.4")
    );
    for (fields, original, expected) in [
        ("Source-IP: 1.2.3.5\r\n", &mail, "1.2.3.5 complaint 1"),
        (
            "Source-IP: 2a00:7::1\r\nIncidents: 7\r\n",
            &mail,
            "2a00:7::1 complaint 7",
        ),
        ("", &mail, "1.2.3.4 complaint 1"),
        ("", &headers, "1.2.3.4 complaint 1"),
        // Ours, a forwarder's or nobody's: the hop behind.
        (
            "Source-IP: 5.5.5.5\r\n",
            &attached(&format!("{}{}", received("5.5.5.5"), spam("1.2.3.4"))),
            "1.2.3.4 complaint 1",
        ),
        (
            "Source-IP: 6.6.1.1\r\n",
            &attached(&format!("{}{}", received("6.6.1.1"), spam("1.2.3.4"))),
            "1.2.3.4 complaint 1",
        ),
        ("Source-IP: 192.168.1.1\r\n", &mail, "1.2.3.4 complaint 1"),
        ("Source-IP: [redacted]\r\n", &mail, "1.2.3.4 complaint 1"),
    ] {
        assert_eq!(
            auto(&arf(fields, original)),
            format!("{expected} {FBL}"),
            "{fields}"
        );
    }
}

#[test]
fn what_report_blames_nobody() {
    let mail = attached(&spam("1.2.3.4"));
    let nothing = "Content-Type: text/plain\r\n\r\nx".to_owned();
    for (fields, original, expected) in [
        ("", &nothing, "names no source"),
        ("Source-IP: 5.5.5.5\r\n", &nothing, "names no source"),
        (
            "Source-IP: 5.5.5.5\r\n",
            &attached(&received("5.5.5.5")),
            "never was outside",
        ),
        ("Source-IP: 6.6.6.1\r\n", &mail, "dropped 1"),
        ("", &attached(&spam("6.6.6.1")), "dropped 1"),
        ("", &attached("Subject: x\r\n\r\n"), "no Received header"),
    ] {
        let told = auto(&arf(fields, original));
        assert!(told.contains(expected), "{fields}: {told}");
    }
    let praise = arf("", &mail).replace("Feedback-Type: abuse", "Feedback-Type: not-spam");
    assert!(auto(&praise).contains("not-spam"));
}

#[test]
fn whom_a_forwarded_mail_blames() {
    let eml = "Content-Type: application/octet-stream; name=spam.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        UmVjZWl2ZWQ6IGZyb20geCAoeSBbMS4yLjMuNF0pIGJ5IHogd2l0aCBTTVRQIGlkIDE7IGRhdGUN\r\nCg==";
    for (parts, expected) in [
        (
            vec![attached(&spam("1.2.3.4"))],
            format!("1.2.3.4 complaint 1 {USER}"),
        ),
        (vec![eml.to_owned()], format!("1.2.3.4 complaint 1 {USER}")),
        (
            vec![
                attached(&spam("1.2.3.4")),
                attached("Subject: x\r\n\r\n"),
                attached(&spam("1.2.3.5")),
                attached(&spam("6.6.6.1")),
            ],
            format!("1.2.3.4 complaint 1 {USER}, 1.2.3.5 complaint 1 {USER}, dropped 1, refused 1"),
        ),
    ] {
        assert_eq!(auto(&forwarded(&parts)), expected);
    }
}

#[test]
fn what_is_no_complaint() {
    let bounce = arf("", &attached(&spam("1.2.3.4"))).replace("feedback-report", "delivery-status");
    for (mail, expected) in [
        (String::new(), "not a mail"),
        ("\u{0}\u{1}".to_owned(), "not a mail"),
        (
            "Subject: spam\r\n\r\nThey spam me".to_owned(),
            "forward spam as an attachment",
        ),
        (
            spam("1.2.3.4").replace("message/rfc822", "text/plain"),
            "forward spam as an attachment",
        ),
        (bounce, "report of type `delivery-status`"),
        (
            format!("Subject: x\r\n\r\n{}", "x".repeat(10 << 20)),
            "at most 10485760",
        ),
    ] {
        let told = auto(&mail);
        assert!(told.contains(expected), "{told}");
    }
    let arf_alone = Handed {
        format: Format::Arf,
        trap: false,
    };
    let told = told(&forwarded(&[attached(&spam("1.2.3.4"))]), arf_alone);
    assert!(told.contains("no ARF report"), "{told}");
}

#[test]
fn mail_to_a_trap_blames_its_own_sender() {
    let delivered = |to: &str| {
        format!(
            "Return-Path: <s@x>\r\nX-Original-To: <{to}>\r\n{}",
            spam("1.2.3.4")
        )
    };
    assert_eq!(
        auto(&delivered("Trap@example.org")),
        "1.2.3.4 trap 1 trap@example.org"
    );
    assert_eq!(
        auto(&delivered("any@trap.example")),
        "1.2.3.4 trap 1 any@trap.example"
    );
    // Not the attached mail's sender, whatever it is.
    let report = arf("Source-IP: 9.9.9.9\r\n", &attached(&spam("9.9.9.9")));
    let report = format!(
        "Delivered-To: trap@example.org\r\n{}{report}",
        received("1.2.3.4")
    );
    assert_eq!(auto(&report), "1.2.3.4 trap 1 trap@example.org");
    let trap = Handed {
        trap: true,
        ..Handed::default()
    };
    assert_eq!(told(&spam("1.2.3.4"), trap), "1.2.3.4 trap 1 trap");
}

#[test]
fn who_only_says_that_it_was_a_trap_is_a_reporter() {
    let to_trap = format!("Delivered-To: trap@example.org\r\n{}", spam("1.2.3.4"));
    for report in [
        arf(
            "Original-Rcpt-To: trap@example.org\r\n",
            &attached(&to_trap),
        ),
        format!(
            "{}Delivered-To: trap@example.org\r\n{}",
            received("5.5.5.5"),
            arf("", &attached(&to_trap))
        ),
        format!(
            "Delivered-To: trap@example.org\r\n{}",
            arf("", &attached(&to_trap))
        ),
    ] {
        assert_eq!(auto(&report), format!("1.2.3.4 complaint 1 {FBL}"));
    }
    let from_trap = Handed {
        format: Format::Arf,
        trap: true,
    };
    let report = arf("Source-IP: 1.2.3.5\r\n", &attached(&to_trap));
    assert_eq!(told(&report, from_trap), "1.2.3.5 trap 1 trap");
}

#[test]
fn the_time_of_a_complaint() {
    let at = |fields: &str| {
        let report = arf(&format!("Source-IP: 1.2.3.4\r\n{fields}"), "\r\nx");
        intake()
            .complaint(report.as_bytes(), Handed::default(), now())
            .map(|complaint| complaint.evidence[0].at().to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(at(""), Ok(NOW.to_owned()));
    assert_eq!(at("Arrival-Date: x\r\n"), Ok(NOW.to_owned()));
    let arrival = |date: &str| at(&format!("Arrival-Date: {date}\r\n"));
    assert_eq!(
        arrival("Mon, 12 Oct 2026 10:00:00 +0200"),
        Ok("2026-10-12T08:00:00Z".to_owned())
    );
    assert_eq!(arrival("12 Oct 2026 12:09:00 +0000"), Ok(NOW.to_owned()));
    assert!(
        arrival("12 Oct 2026 12:11:00 +0000")
            .unwrap_err()
            .contains("in the future")
    );
    assert!(
        arrival("5 Oct 2026 11:59:00 +0000")
            .unwrap_err()
            .contains("longer ago than 7days")
    );
    // Without one, that of the server that wrote the sender down.
    let mail = arf("", &attached(&spam("1.2.3.4")));
    let complaint = intake().complaint(mail.as_bytes(), Handed::default(), now());
    assert_eq!(
        complaint.unwrap().evidence[0].at().to_string(),
        "2026-10-12T10:00:00Z"
    );
}

#[test]
fn the_same_complaint_twice_is_one() {
    let digest = |mail: &str| {
        let complaint = intake().complaint(mail.as_bytes(), Handed::default(), now());
        complaint.unwrap().evidence[0].digest().unwrap()
    };
    let mail = arf("", &attached(&spam("1.2.3.4")));
    // The report itself may have come another way, with other line ends, in another form.
    assert_eq!(
        digest(&mail),
        digest(&format!("{}{mail}", received("5.5.5.5")))
    );
    assert_eq!(digest(&mail), digest(&mail.replace("\r\n", "\n")));
    let by_hand = forwarded(&[attached(&spam("1.2.3.4"))]);
    assert_eq!(
        digest(&mail),
        digest(&by_hand.replace("user@example.org", "FBL@example.net"))
    );
    // Another reporter, another mail.
    assert_ne!(digest(&mail), digest(&by_hand));
    assert_ne!(digest(&mail), digest(&mail.replace("1@spam", "2@spam")));
    let bare = arf("Source-IP: 1.2.3.4\r\n", "\r\nx");
    assert_ne!(
        digest(&bare),
        digest(&bare.replace("1.2.3.4\r\n", "1.2.3.4\r\nOriginal-Envelope-Id: 2\r\n"))
    );
}

#[test]
fn a_report_of_ten_mebibytes() {
    let mut mail = spam("1.2.3.4");
    let room = (10 << 20) - arf("", &attached(&mail)).len();
    mail.push_str(&"x".repeat(room));
    assert_eq!(
        auto(&arf("", &attached(&mail))),
        format!("1.2.3.4 complaint 1 {FBL}")
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = intake().complaint(&bytes, Handed::default(), now());
    }

    /// Whatever becomes of a report on the way, nobody of ours is blamed.
    #[test]
    fn a_damaged_report_blames_nobody_of_ours(at in 0..2000_usize, byte in any::<u8>(), cut in 0..2000_usize) {
        let mut mail = arf("Source-IP: 5.5.5.5\r\n", &attached(&format!("{}{}", received("5.5.5.5"), spam("1.2.3.4")))).into_bytes();
        if let Some(place) = mail.get_mut(at) {
            *place = byte;
        }
        mail.truncate(mail.len().saturating_sub(cut / 4));
        if let Ok(complaint) = intake().complaint(&mail, Handed::default(), now()) {
            for one in complaint.evidence {
                prop_assert_eq!(intake().trust.standing(one.address()), Standing::Outside);
            }
        }
    }
}
