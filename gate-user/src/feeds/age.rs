//! Whether a list that was fetched is news: when it was made, as it says itself, in, an acceptance or a
//! refusal out.

use std::time::Duration;

use jiff::Timestamp;

use super::Refusal;
use crate::config::ListFormat;

/// How much a publisher's clock may be ahead of this machine's.
const SLACK: Duration = Duration::from_hours(24);

/// The least time for which the lists of Spamhaus may rest. They change when there is something to
/// change, which may take weeks: an old one is not a bad one.
const REST: Duration = Duration::from_hours(60 * 24);

/// How long ago a list may have been made, as it says itself.
pub(super) fn stale_after(format: &ListFormat, lapse_after: Duration) -> Duration {
    match format {
        ListFormat::DropJson | ListFormat::DropTxt => lapse_after.max(REST),
        ListFormat::Plain | ListFormat::Csv { .. } | ListFormat::IpCount { .. } => lapse_after,
    }
}

/// Judges a list that was fetched by when it was `made`, as it says itself; the last good state was
/// made at `before`. A mirror that stands still, or an old list in the place of a new one, is no news.
///
/// # Errors
/// It is from the future, older than the last good state, or older than `lapse_after`; of Spamhaus's
/// lists, which may rest, than 60 days if that is more.
pub fn judge_age(
    format: &ListFormat,
    made: Option<Timestamp>,
    before: Option<Timestamp>,
    lapse_after: Duration,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(made) = made else {
        return Ok(());
    };
    if now.checked_add(SLACK).is_ok_and(|latest| made > latest) {
        return Err(Refusal::FromTheFuture { made });
    }
    if let Some(before) = before
        && made < before
    {
        return Err(Refusal::Older { made, before });
    }
    let max = stale_after(format, lapse_after);
    if made.checked_add(max).is_ok_and(|end| end <= now) {
        return Err(Refusal::Stale { made, max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_7_an_old_list_is_no_news() {
        let at = |time: &str| -> Timestamp { time.parse().unwrap() };
        let now = at("2026-03-10T12:00:00Z");
        let week = Duration::from_hours(7 * 24);
        let (drop, plain) = (ListFormat::DropJson, ListFormat::Plain);
        for (format, made, before, expected) in [
            (&drop, None, Some("2026-03-10T00:00:00Z"), "ok"),
            (&drop, Some("2026-03-10T00:00:00Z"), None, "ok"),
            (
                &drop,
                Some("2026-03-10T00:00:00Z"),
                Some("2026-03-10T00:00:00Z"),
                "ok",
            ),
            (
                &drop,
                Some("2026-03-10T00:00:00Z"),
                Some("2026-03-10T00:00:01Z"),
                "it was made at 2026-03-10T00:00:00Z, and the last good one later, at 2026-03-10T00:00:01Z",
            ),
            (
                &plain,
                Some("2026-03-09T00:00:00Z"),
                Some("2026-03-10T00:00:00Z"),
                "it was made at",
            ),
            (&drop, Some("2026-03-11T12:00:00Z"), None, "ok"),
            (
                &drop,
                Some("2026-03-11T12:00:01Z"),
                None,
                "it was made at 2026-03-11T12:00:01Z, which is to come: one of two clocks is wrong",
            ),
            (&plain, Some("2026-03-03T12:00:01Z"), None, "ok"),
            (
                &plain,
                Some("2026-03-03T12:00:00Z"),
                None,
                "it was made at 2026-03-03T12:00:00Z: nobody has made it anew for 7days (lapse_after)",
            ),
            (&drop, Some("2026-02-01T12:00:00Z"), None, "ok"),
            (&drop, Some("2026-01-09T12:00:01Z"), None, "ok"),
            (
                &drop,
                Some("2026-01-09T12:00:00Z"),
                None,
                "it was made at 2026-01-09T12:00:00Z: nobody has made it anew for 1month 29days",
            ),
        ] {
            let judged = judge_age(format, made.map(at), before.map(at), week, now);
            let told = judged.map_or_else(|refusal| refusal.to_string(), |()| "ok".to_owned());
            assert!(told.starts_with(expected), "{made:?}, {before:?}: {told}");
        }
    }
}
