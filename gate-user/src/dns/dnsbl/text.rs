//! A list's reason: its TXT record, made fit for a reply.

use crate::config::{ListName, Zone};

/// The longest text that is kept, in characters: a line of a reply has 512 bytes (RFC 5321 section
/// 4.5.3.1.5), and more to tell.
const LONGEST: usize = 300;

/// The first of `records` that says anything, on one line of printable ASCII, at most 300 of it.
/// Where the zone or a private key in it shows, the list's name does instead.
pub(super) fn reason(records: &[String], zone: &Zone, name: &ListName) -> Option<String> {
    records.iter().find_map(|record| {
        let printable = record
            .chars()
            .map(|c| if c.is_ascii_graphic() { c } else { ' ' });
        let text: String = printable.collect();
        let words: Vec<_> = text.split_whitespace().collect();
        let mut text = hidden(words.join(" "), zone.as_str(), name.as_str());
        for key in zone.keys() {
            text = hidden(text, key, "(key)");
        }
        text.truncate(LONGEST);
        (!text.is_empty()).then_some(text)
    })
}

/// `text` with `shown` wherever `secret` stands in it, in whatever case.
fn hidden(mut text: String, secret: &str, shown: &str) -> String {
    let mut from = 0;
    while let Some(at) = text[from..].to_ascii_lowercase().find(secret) {
        let at = from + at;
        text.replace_range(at..at + secret.len(), shown);
        from = at + shown.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Site;

    #[test]
    fn a_reason_fits_a_reply() {
        let key = "k3yexample0private0key0abc";
        let zone = format!("{key}.zen.example").parse::<Site>().unwrap().zone;
        let name: ListName = "zen".parse().unwrap();
        let long = "x".repeat(1000);
        for (records, expected) in [
            (&[][..], None),
            (&["", "second"], Some("second")),
            (
                &["listed, see\r\n\thttps://zen.example/", "more"],
                Some("listed, see https://zen.example/"),
            ),
            (&["näh\u{fffd}"], Some("n h")),
            (
                &["7.2.0.192.K3yExample0private0key0abc.zen.example is on it"],
                Some("7.2.0.192.zen is on it"),
            ),
            (
                &["your key is k3yexample0private0key0abc"],
                Some("your key is (key)"),
            ),
            (&[&long], Some(&long[..300])),
        ] {
            let records: Vec<_> = records
                .iter()
                .map(|record: &&str| (*record).to_owned())
                .collect();
            assert_eq!(reason(&records, &zone, &name).as_deref(), expected);
        }
    }
}
