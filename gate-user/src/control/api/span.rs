//! Durations on the wire and on the command line: `3d`, `72h`, `10m`, in whole seconds.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Reads a duration of at least a second; a fraction of a second is cut off.
///
/// # Errors
/// A text that says what would be right.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text.trim()).map_err(|error| {
        format!("`{text}` is not a duration: {error} (expected such as 3d, 72h or 10m)")
    })?;
    match duration.as_secs() {
        0 => Err(format!("`{text}` is too short: at least one second")),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

#[expect(clippy::ref_option, reason = "serde gives the field as it is")]
pub(super) fn serialize<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.collect_str(&humantime::format_duration(*duration)),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| parse(&text).map_err(D::Error::custom))
        .transpose()
}

/// The same for a duration that is always there.
pub(super) mod whole {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&humantime::format_duration(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        super::parse(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}
