//! How times, sizes and foreign text read.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;

use crate::{book::EndCause, control::api::Term};

/// The two largest units of a duration: `3d 2h`, `10m 5s`, `0s`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, 'd'),
        (seconds / 3600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let first = units.iter().position(|&(count, _)| count > 0);
    let Some(first) = first else {
        return "0s".to_owned();
    };
    let largest: Vec<String> = units[first..]
        .iter()
        .take(2)
        .filter(|&&(count, _)| count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    largest.join(" ")
}

/// How long it is from `earlier` to `later`; nothing if it is the other way round.
fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// How long something lasts that began at `since`: `2h 5m`.
pub(super) fn lasting(since: Timestamp, now: Timestamp) -> String {
    span(between(since, now))
}

/// `2h 5m ago`.
pub(super) fn ago(time: Timestamp, now: Timestamp) -> String {
    format!("{} ago", lasting(time, now))
}

/// `until 2026-03-07T10:00:00Z (in 2d 22h)`, or `for good`.
pub(super) fn until(expires: Option<Timestamp>, now: Timestamp) -> String {
    match expires {
        Some(time) => format!("until {time} (in {})", span(between(now, time))),
        None => "for good".to_owned(),
    }
}

/// A time that may not be: `-`.
pub(super) fn maybe(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// The end of an entry: `never`.
pub(super) fn expiry(expires: Option<Timestamp>) -> String {
    expires.map_or_else(|| "never".to_owned(), |time| time.to_string())
}

/// Of an entry past or present: who asked for it, since when, until when, and how it ended.
pub(super) fn term(term: &Term) -> [String; 4] {
    let until = term.ended.map(|time| time.to_string());
    [
        foreign(&term.added_by).into_owned(),
        term.since.to_string(),
        until.unwrap_or_else(|| expiry(term.expires)),
        ending(term.cause, term.ended_by.as_deref()),
    ]
}

/// How an entry ended: `removed by uid 0`, or `in force`.
fn ending(cause: Option<EndCause>, by: Option<&str>) -> String {
    match (cause, by) {
        (Some(cause), Some(by)) => format!("{cause} by {}", foreign(by)),
        (Some(cause), None) => cause.to_string(),
        (None, _) => "in force".to_owned(),
    }
}

/// `3.0 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut unit = "B";
    #[expect(clippy::cast_precision_loss, reason = "a size to look at")]
    let mut size = bytes as f64;
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{size:.1} {unit}")
    }
}

/// `1 listing`, `2 listings`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Text that others wrote, fit for a terminal: what would move the cursor, or turn the order of
/// writing, is shown by its number.
pub(super) fn foreign(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harmful) {
        return text.into();
    }
    text.chars()
        .fold(String::new(), |mut out, c| {
            if harmful(c) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
            out
        })
        .into()
}

/// What there is to say of an entry: comment and evidence.
pub(super) fn note(comment: Option<&str>, evidence: Option<&str>) -> String {
    let parts: Vec<_> = [comment, evidence].into_iter().flatten().collect();
    foreign(&parts.join("; ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (605, "10m 5s"),
            (3600, "1h"),
            (3605, "1h"),
            (93_784, "1d 2h"),
            (86_400 * 400, "400d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn times_are_told_from_now() {
        let now: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        let soon: Timestamp = "2026-03-07T10:00:00Z".parse().unwrap();
        assert_eq!(
            until(Some(soon), now),
            "until 2026-03-07T10:00:00Z (in 2d 22h)"
        );
        assert_eq!(until(None, now), "for good");
        assert_eq!(ago(now, soon), "2d 22h ago");
        assert_eq!(ago(soon, now), "0s ago");
    }

    #[test]
    fn sizes_have_a_unit() {
        for (size, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (3 << 20, "3.0 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn foreign_text_cannot_command_the_terminal() {
        assert_eq!(foreign("ticket 4711, Größe"), "ticket 4711, Größe");
        assert_eq!(foreign("\u{1b}[2Jx\ny"), "\\u{1b}[2Jx\\ny");
        assert_eq!(foreign("a\u{202e}b"), "a\\u{202e}b");
    }
}
