//! When a line of a log was written. Pure.
//!
//! Two forms are read: RFC 3339, and the older one of syslog, `Nov 22 10:00:00`, which tells neither
//! year nor time zone. Only how far apart lines are counts, so such a time is taken as UTC.

use jiff::{Timestamp, civil, tz::TimeZone};

/// When, as a line tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// All of it.
    At(Timestamp),
    /// The year is missing.
    InSomeYear {
        /// The month, 1 to 12.
        month: i8,
        /// The day, 1 to 31.
        day: i8,
        /// The time of day.
        time: civil::Time,
    },
}

/// The months as syslog writes them (RFC 3164 section 4.1.2).
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// The year of a log that tells none: a leap year, which has every day.
const SOME_YEAR: i16 = 2024;

/// The time at the beginning of `header`, and what stands behind it; all of it where there is none.
pub(super) fn split(header: &str) -> (Option<When>, &str) {
    if let Some((first, rest)) = header.split_once(' ')
        && let Ok(at) = first.parse()
    {
        return (Some(When::At(at)), rest.trim_start());
    }
    match in_some_year(header) {
        Some((when, rest)) => (Some(when), rest),
        None => (None, header),
    }
}

fn in_some_year(header: &str) -> Option<(When, &str)> {
    let (month, rest) = header.split_once(' ')?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let month = i8::try_from(month).ok()?;
    let (day, time) = (day.parse().ok()?, time.parse().ok()?);
    civil::Date::new(SOME_YEAR, month, day).ok()?;
    Some((When::InSomeYear { month, day, time }, rest.trim_start()))
}

/// Puts the lines of a log on one scale.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    last: Option<Timestamp>,
}

impl Calendar {
    /// Milliseconds from the beginning of 1970 to `when`. A missing year is the one that brings it
    /// nearest to the line before: logs go on over New Year, and old ones may be read after new ones.
    pub fn place(&mut self, when: When) -> u64 {
        let at = match when {
            When::At(at) => at,
            When::InSomeYear { month, day, time } => {
                let last = self
                    .last
                    .unwrap_or_else(|| in_year(SOME_YEAR, month, day, time));
                let year = last.to_zoned(TimeZone::UTC).year();
                let years = [year, year.saturating_sub(1), year.saturating_add(1)];
                let of = |year| {
                    // The 29th of February is in one year of four, and its log next to its days.
                    let last_day =
                        civil::Date::new(year, month, 1).map_or(31, civil::Date::days_in_month);
                    in_year(year, month, day.min(last_day), time)
                };
                let apart = |at: &Timestamp| at.duration_since(last).unsigned_abs();
                years.map(of).into_iter().min_by_key(apart).unwrap_or(last)
            }
        };
        self.last = Some(at);
        u64::try_from(at.as_millisecond()).unwrap_or(0)
    }
}

fn in_year(year: i16, month: i8, day: i8, time: civil::Time) -> Timestamp {
    let date = civil::Date::new(year, month, day).unwrap_or_default();
    let zoned = date.to_datetime(time).to_zoned(TimeZone::UTC);
    zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds from one to the next.
    fn apart(headers: &[&str]) -> Vec<i64> {
        let mut calendar = Calendar::default();
        let places = headers.iter().map(|header| {
            let (when, rest) = split(header);
            assert_eq!(rest, "mx1 x", "{header}");
            i64::try_from(calendar.place(when.unwrap())).unwrap()
        });
        let places: Vec<_> = places.collect();
        places
            .windows(2)
            .map(|two| (two[1] - two[0]) / 1000)
            .collect()
    }

    #[test]
    fn how_far_lines_are_apart() {
        const DAY: i64 = 24 * 3600;
        for (headers, expected) in [
            (["Nov 22 10:00:00 mx1 x", "Nov 22 10:00:07 mx1 x"], 7),
            (["Nov  2 10:00:00 mx1 x", "Nov 03 10:00:00.5 mx1 x"], DAY),
            (["Dec 31 23:59:59 mx1 x", "Jan  1 00:00:01 mx1 x"], 2),
            (["Jan  1 00:00:01 mx1 x", "Dec 31 23:59:59 mx1 x"], -2),
            (["Feb 28 00:00:00 mx1 x", "Feb 29 00:00:00 mx1 x"], DAY),
            (["2025-02-28T00:00:00Z mx1 x", "Feb 29 00:00:00 mx1 x"], 0),
            (
                [
                    "2026-11-22T10:00:00.5+01:00 mx1 x",
                    "2026-11-22T09:00:02.5Z mx1 x",
                ],
                2,
            ),
            (
                [
                    "2026-11-22T10:00:00+0100 mx1 x",
                    "2026-11-22T10:00:01+0100 mx1 x",
                ],
                1,
            ),
            (["2026-12-31T23:59:59Z mx1 x", "Jan  1 00:00:01 mx1 x"], 2),
        ] {
            assert_eq!(apart(&headers), [expected], "{headers:?}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for header in [
            "",
            "mx1 x",
            "Nov 22 mx1 x",
            "Nov 32 10:00:00 mx1",
            "Feb 30 10:00:00 mx1",
            "Nov 22 25:00:00 mx1",
            "Nov 22 10:00:00",
            "nov 22 10:00:00 mx1",
            "2026-11-22 mx1",
        ] {
            assert_eq!(split(header), (None, header));
        }
    }
}
