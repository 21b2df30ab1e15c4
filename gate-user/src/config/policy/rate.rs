//! So many in a time, in text such as `60/1m`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// So many in a time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    count: u32,
    window: Duration,
}

/// The shortest and the longest time.
const WINDOWS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(7 * 24);

impl Rate {
    /// `count` in `window`.
    pub(in crate::config) const fn new(count: u32, window: Duration) -> Self {
        Self { count, window }
    }

    /// How many.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// In which time.
    pub const fn window(self) -> Duration {
        self.window
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(count, window)| {
            let count = count.trim();
            let digits = count.bytes().all(|b| b.is_ascii_digit());
            let window = humantime::parse_duration(window.trim()).ok()?;
            Some((count.parse().ok().filter(|_| digits)?, window))
        });
        match parsed {
            Some((count @ 1.., window)) if WINDOWS.contains(&window) => Ok(Self { count, window }),
            _ => Err(format!(
                "`{text}` is no rate: expected a number and a time, such as 60/1m; the time is 1s to 7d"
            )),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = humantime::format_duration(self.window).to_string();
        // Without spaces, as it stands in a reply.
        write!(f, "{}/{}", self.count, window.replace(' ', ""))
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_rate_is_written() {
        for (text, shown) in [
            ("60/1m", "60/1m"),
            ("60 / 60s", "60/1m"),
            ("1000/1h 30m", "1000/1h30m"),
            ("1/7d", "1/7days"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.to_string(), shown);
            assert_eq!(shown.parse(), Ok(rate), "{shown}");
        }
        for text in [
            "", "60", "0/1m", "+1/1m", "60/0s", "60/8d", "60/m", "/1m", "1/1m/1m",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
