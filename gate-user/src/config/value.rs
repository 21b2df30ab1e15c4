//! Checks of single values, for serde's `deserialize_with`: each error says what would be right.

use std::{
    fmt::Display,
    path::{Component, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::Error};

/// An absolute path without `..`.
pub(super) fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.is_absolute() && !path.components().any(|part| part == Component::ParentDir) {
        Ok(path)
    } else {
        Err(D::Error::custom(format_args!(
            "`{}` is not an absolute path: expected one that begins with / and has no ..",
            path.display()
        )))
    }
}

/// An absolute path without `..`, where the empty one stands for none.
pub(super) mod optional_absolute {
    use std::path::PathBuf;

    use serde::{
        Deserialize as _, Deserializer, Serialize as _, Serializer, de::IntoDeserializer as _,
    };

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        let text = String::deserialize(d)?;
        if text.is_empty() {
            return Ok(None);
        }
        super::absolute(text.into_deserializer()).map(Some)
    }

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(crate) fn serialize<S: Serializer>(
        path: &Option<PathBuf>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        path.as_deref().unwrap_or("".as_ref()).serialize(s)
    }
}

/// A number from `MIN` to `MAX`.
pub(super) fn within<'de, D, T, const MIN: i64, const MAX: i64>(
    deserializer: D,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let number = i64::deserialize(deserializer)?;
    T::try_from(number)
        .ok()
        .filter(|_| (MIN..=MAX).contains(&number))
        .ok_or_else(|| D::Error::custom(format_args!("{number} is not from {MIN} to {MAX}")))
}

/// A part of a whole: 0 to 1.
pub(super) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(D::Error::custom(format_args!(
            "{share} is not a share: expected 0 to 1, such as 0.05 for 5 %"
        )))
    }
}

/// A part of a whole that is not nothing: more than 0, up to 1.
pub(super) fn positive_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = share(deserializer)?;
    if share > 0.0 {
        Ok(share)
    } else {
        Err(D::Error::custom(
            "0 is no share here: expected more than 0, such as 0.003 for 0.3 %",
        ))
    }
}

/// A factor of 1 or more.
pub(super) fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let factor = f64::deserialize(deserializer)?;
    if factor >= 1.0 {
        Ok(factor)
    } else {
        Err(D::Error::custom(format_args!(
            "{factor} is not a factor of 1 or more, such as 3.0"
        )))
    }
}

/// A list that holds nothing twice.
pub(super) fn unique<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Display + PartialEq,
{
    let list = Vec::deserialize(deserializer)?;
    no_duplicate(&list).map_err(D::Error::custom)?;
    Ok(list)
}

/// # Errors
/// The message for a list that holds something twice.
pub(super) fn no_duplicate<T: Display + PartialEq>(list: &[T]) -> Result<(), String> {
    match (1..list.len()).find(|&i| list[..i].contains(&list[i])) {
        Some(i) => Err(format!("{} is there twice: expected it once", list[i])),
        None => Ok(()),
    }
}

/// A duration from `MIN` to `MAX` seconds.
pub(super) fn duration_within<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let duration = duration::deserialize(deserializer)?;
    let (min, max) = (Duration::from_secs(MIN), Duration::from_secs(MAX));
    if (min..=max).contains(&duration) {
        Ok(duration)
    } else {
        Err(D::Error::custom(format_args!(
            "`{}` is out of range: expected {} to {}",
            humantime::format_duration(duration),
            humantime::format_duration(min),
            humantime::format_duration(max),
        )))
    }
}

/// Durations as people write them: `10m`, `3d`.
pub(super) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// The shortest and the longest that a configuration may hold.
    const RANGE: std::ops::RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_hours(3650 * 24);

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(d)?;
        match humantime::parse_duration(&text) {
            Ok(duration) if RANGE.contains(&duration) => Ok(duration),
            Ok(_) => Err(D::Error::custom(format_args!(
                "`{text}` is out of range: expected 1s to 3650d"
            ))),
            Err(error) => Err(D::Error::custom(format_args!(
                "`{text}` is not a duration ({error}): expected one such as 10m, 72h or 3d"
            ))),
        }
    }

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&humantime::format_duration(*duration))
    }
}

/// Text, where the empty one stands for none.
pub(super) mod optional_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
        let text = String::deserialize(d)?;
        Ok((!text.is_empty()).then_some(text))
    }

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(crate) fn serialize<S: Serializer>(text: &Option<String>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(text.as_deref().unwrap_or_default())
    }
}
