//! `stats`: what the kernel counted, once or again and again.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    terminal,
    tone::Tone,
};
use crate::control::api::{PerLimit, PerReason, Stats, route, span};

/// What `stats` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show them again and again, with rates: every second, or as given (--watch=10s).
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1s",
        value_parser = span::parse
    )]
    watch: Option<Duration>,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let Some(every) = args.watch else {
        let stats: Stats = gate.client.get(route::STATS).await?;
        gate.show(&stats, |stats, _| render(stats, None))?;
        return Ok(Exit::Done);
    };
    let screen = !gate.json && terminal::is_screen();
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<(Stats, Instant)> = None;
    while gate.has_reader() {
        ticks.tick().await;
        let stats: Stats = gate.client.get(route::STATS).await?;
        let now = Instant::now();
        if screen {
            terminal::clear().map_err(CliError::Output)?;
        }
        let since = before.as_ref().map(|(stats, at)| (stats, now - *at));
        gate.show(&stats, |stats, _| {
            let apart = if screen || since.is_none() { "" } else { "\n" };
            apart.to_owned() + &render(stats, since)
        })?;
        before = Some((stats, now));
    }
    Ok(Exit::Done)
}

/// A count by reason.
type ByReason = fn(&Stats) -> &PerReason;

/// A count by limit.
type ByLimit = fn(&Stats) -> &PerLimit;

/// The counters, and their rates where there are `earlier` ones.
fn render(stats: &Stats, earlier: Option<(&Stats, Duration)>) -> String {
    let mut table = Table::new([
        ("", Align::Left),
        ("", Align::Right),
        ("", Align::Right),
        ("", Align::Right),
    ]);
    let mut row = |name: &str, tone: Option<Tone>, share: bool, count: &dyn Fn(&Stats) -> u64| {
        let now = count(stats);
        let rate = earlier.map(|(before, time)| rate(count(before), now, time));
        table.row([
            tone.map_or_else(|| name.to_owned(), |tone| tone.paint(name)),
            now.to_string(),
            if share {
                percent(now, stats.seen)
            } else {
                String::new()
            },
            rate.map_or_else(String::new, |rate| format!("{rate:.1}/s")),
        ]);
    };
    row("seen", None, false, &|it| it.seen);
    row("passed", Some(Tone::Good), true, &|it| it.passed);
    row("allowed", Some(Tone::Good), true, &|it| it.allowed);
    for (name, tone, counts) in [
        ("dropped", Tone::Bad, (|it| &it.dropped) as ByReason),
        ("would drop", Tone::Care, |it| &it.would_drop),
    ] {
        row(name, Some(tone), true, &|it| counts(it).sum());
        for (reason, _) in counts(stats).iter().filter(|&(_, count)| count > 0) {
            row(&format!("  {}", reason.code()), None, true, &|it| {
                counts(it).of(reason)
            });
        }
    }
    for (name, tone, counts) in [
        ("limited", Tone::Bad, (|it| &it.limited) as ByLimit),
        ("would limit", Tone::Care, |it| &it.would_limit),
    ] {
        if counts(stats).sum() > 0 {
            row(name, Some(tone), true, &|it| counts(it).sum());
        }
        for (limit, _) in counts(stats).iter().filter(|&(_, count)| count > 0) {
            let of_limit = |it: &Stats| counts(it).of(limit);
            row(&format!("  {}", limit.as_str()), None, true, &of_limit);
        }
    }
    if stats.courtesy > 0 {
        row("courtesy", Some(Tone::Good), true, &|it| it.courtesy);
    }
    row("malformed", None, false, &|it| it.malformed);
    let mode = Tone::from(stats.mode).paint(stats.mode.as_str());
    format!("mode {mode}\n{}", table.render())
}

/// Events a second. Counters that went back were made anew: what they show is since then.
pub(super) fn rate(before: u64, now: u64, time: Duration) -> f64 {
    let events = now.checked_sub(before).unwrap_or(now);
    #[expect(clippy::cast_precision_loss, reason = "a rate to look at")]
    let events = events as f64;
    events / time.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// The share of `count` in `whole`; nothing of nothing.
pub(super) fn percent(count: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "a share to look at")]
    let share = count as f64 / whole as f64;
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::{cli::tone::plain, control::examples::answer};

    #[test]
    fn counters_with_their_shares() {
        assert_eq!(
            plain(&render(&answer(&Method::GET, route::STATS), None)),
            "\
mode enforce
seen                120000
passed               20000  16.7 %
allowed                 42   0.0 %
dropped              99958  83.3 %
  feed               98000  81.7 %
  manual              1958   1.6 %
would drop               0   0.0 %
limited                127   0.1 %
  connections_hard     120   0.1 %
  rate                   7   0.0 %
courtesy                 9   0.0 %
malformed                3
"
        );
    }

    #[test]
    fn counters_with_their_rates() {
        let now: Stats = answer(&Method::GET, route::STATS);
        let mut before = now.clone();
        before.seen -= 1000;
        before.dropped = PerReason::from_fn(|_| 0);
        let text = plain(&render(&now, Some((&before, Duration::from_secs(2)))));
        for line in [
            "seen                120000            500.0/s",
            "passed               20000  16.7 %      0.0/s",
            "  manual              1958   1.6 %    979.0/s",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }

    #[test]
    fn counters_that_went_back_began_anew() {
        assert!((rate(100, 30, Duration::from_secs(3)) - 10.0).abs() < 1e-9);
        assert_eq!(percent(0, 0), "");
    }
}
