//! What the comments before the first entry of a list say of the whole of it.

use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};

use super::Claim;

/// What comments have said so far.
#[derive(Debug, Default)]
pub(super) struct Header {
    entries: Option<u64>,
    made: Option<Timestamp>,
}

impl Header {
    /// Takes a comment, without the sign that begins it. Those that say nothing of the list, or not
    /// as they should, are as good as none.
    pub(super) fn take(&mut self, comment: &[u8]) {
        let Ok(comment) = std::str::from_utf8(comment) else {
            return;
        };
        let comment = comment.trim();
        // Team Cymru: `last updated 1700000000 (Tue Nov 14 22:13:20 2023 GMT)`.
        if let Some(updated) = comment.strip_prefix("last updated ") {
            self.made = seconds(updated).or(self.made);
            return;
        }
        let Some((name, value)) = comment.split_once(':') else {
            return;
        };
        let value = value.trim();
        match name.trim_end() {
            // FireHOL: `Entries         : 3939 subnets, 611184833 unique IPs`, or `: 120 unique
            // IPs` where each of them has a line.
            "Entries" => self.entries = first_number(value).or(self.entries),
            // FireHOL, as date(1) writes it: `This File Date  : Tue Nov 14 22:13:20 UTC 2023`.
            "This File Date" => self.made = date(value).or(self.made),
            // Spamhaus: `Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT`.
            "Last-Modified" => self.made = mail_date(value).or(self.made),
            _ => {}
        }
    }

    /// What they say of the list's length.
    pub(super) fn claim(&self) -> Claim {
        self.entries.map_or(Claim::None, Claim::Records)
    }

    /// When the list was made; whole seconds.
    pub(super) fn made(&self) -> Option<Timestamp> {
        self.made
    }
}

fn first_number(text: &str) -> Option<u64> {
    text.split([' ', ',']).next()?.parse().ok()
}

fn seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.split(' ').next()?.parse().ok()?).ok()
}

fn date(text: &str) -> Option<Timestamp> {
    let date = DateTime::strptime("%a %b %d %H:%M:%S UTC %Y", text).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn mail_date(text: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(text).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comments_say() {
        let made = Some("2023-11-14T22:13:20Z".parse().unwrap());
        for (comment, claim, expected) in [
            (
                "Entries         : 3939 subnets, 611184833 unique IPs",
                Claim::Records(3939),
                None,
            ),
            (
                " Entries         : 120 unique IPs",
                Claim::Records(120),
                None,
            ),
            ("Entries: 7", Claim::Records(7), None),
            ("Entries         : many", Claim::None, None),
            ("Entries         : -1", Claim::None, None),
            ("Entries         :", Claim::None, None),
            (
                "This File Date  : Tue Nov 14 22:13:20 UTC 2023",
                Claim::None,
                made,
            ),
            ("This File Date  : 2023-11-14 22:13:20", Claim::None, None),
            (
                "last updated 1700000000 (Tue Nov 14 22:13:20 2023 GMT)",
                Claim::None,
                made,
            ),
            ("last updated yesterday", Claim::None, None),
            (
                "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT",
                Claim::None,
                made,
            ),
            ("Last-Modified: yesterday", Claim::None, None),
            ("Maintainer      : Example", Claim::None, None),
            ("", Claim::None, None),
        ] {
            let mut header = Header::default();
            header.take(comment.as_bytes());
            assert_eq!(
                (header.claim(), header.made()),
                (claim, expected),
                "{comment}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_comment_is_taken(
            comment in "(Entries|This File Date|Last-Modified|last updated) ?:? ?.{0,40}",
        ) {
            Header::default().take(comment.as_bytes());
        }
    }
}
