//! The form of a line of the log. In: an event, as somebody else writes it. Out: one line whatever is
//! in it, with its priority before it where the journal reads it.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Lines as `format` writes them, each of them one.
pub(super) struct Line<F> {
    pub(super) format: F,
    /// Whether the journal reads them.
    pub(super) journal: bool,
}

impl<S, N, F> FormatEvent<S, N> for Line<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        let into = Writer::new(&mut text);
        self.format.format_event(context, into, event)?;
        if self.journal {
            write!(writer, "<{}>", priority(*event.metadata().level()))?;
        }
        writeln!(writer, "{}", one_line(&text))
    }
}

/// The priority of a level (sd-daemon(3), syslog(3)).
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// `text` in one line: what a stranger wrote must not look like a line of its own.
fn one_line(text: &str) -> String {
    let text = text.trim_end();
    text.replace('\n', "\\n").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{fmt::layer, layer::SubscriberExt as _};

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while `log` logs.
    fn written(journal: bool, log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let lines = layer()
            .with_writer(move || writer.clone())
            .with_target(false)
            .with_ansi(false)
            .without_time()
            .with_level(!journal)
            .map_event_format(|format| Line { format, journal });
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_journal_gets_a_priority_for_each_level() {
        let log = || {
            tracing::error!("a");
            tracing::warn!("b");
            tracing::info!(by = "uid 0", "c");
            tracing::debug!("d");
        };
        let expected = "<3>a\n<4>b\n<6>c by=\"uid 0\"\n<7>d\n";
        assert_eq!(written(true, log), expected);
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let forged = "x\n<3>forged\r\n";
        let line = written(true, || tracing::info!(why = %forged, "refused"));
        assert_eq!(line, "<6>refused why=x\\n<3>forged\n");
        let line = written(false, || tracing::warn!(why = %"a\nb", "refused"));
        assert_eq!(line, " WARN refused why=a\\nb\n");
    }
}
