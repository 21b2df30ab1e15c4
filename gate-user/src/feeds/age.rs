//! Whether a list that was fetched is news: when it was made, as it says itself, in, an acceptance or a
//! refusal out.

use std::time::Duration;

use jiff::Timestamp;

use super::Refusal;
use crate::config::ListFormat;

/// How much a publisher's clock may be ahead of this machine's.
const SLACK: Duration = Duration::from_hours(24);

/// Judges a list that was fetched by when it was `made`, as it says itself; the last good state was
/// made at `before`. A mirror that stands still, or an old list in the place of a new one, is no news.
///
/// # Errors
/// It is from the future, older than the last good state, or, of a list that its publisher makes
/// anew every day, older than `lapse_after`.
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
    let daily = matches!(format, ListFormat::DropJson | ListFormat::DropTxt);
    if daily && made.checked_add(lapse_after).is_ok_and(|end| end < now) {
        return Err(Refusal::Stale { made, lapse_after });
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
            (&drop, Some("2026-03-03T12:00:00Z"), None, "ok"),
            (
                &drop,
                Some("2026-03-03T11:59:59Z"),
                None,
                "it was made at 2026-03-03T11:59:59Z, longer ago than lapse_after = 7days",
            ),
            (&plain, Some("2020-01-01T00:00:00Z"), None, "ok"),
        ] {
            let judged = judge_age(format, made.map(at), before.map(at), week, now);
            let told = judged.map_or_else(|refusal| refusal.to_string(), |()| "ok".to_owned());
            assert!(told.starts_with(expected), "{made:?}, {before:?}: {told}");
        }
    }
}
