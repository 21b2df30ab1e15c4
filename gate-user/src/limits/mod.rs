//! Who is listed for reaching the connection limits again and again.
//!
//! In: the kernel's reports that a source reached a limit by completing a handshake, which nobody
//! can forge (invariant 6). Out: that it is to be listed, and for how long. All pure: when it is,
//! and what was before, is told from outside.

mod repeats;

use std::time::Duration;

pub use repeats::Repeats;

use crate::config::LimitsConfig;

/// How long a source is listed that was listed `former` times: each doubles it, up to the longest.
pub fn list_for(former: u32, config: &LimitsConfig) -> Duration {
    let factor = 1u32.checked_shl(former).unwrap_or(u32::MAX);
    config.list_for.saturating_mul(factor).min(config.longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listing_lasts_twice_as_long_up_to_the_longest() {
        let config = LimitsConfig::default();
        for (former, minutes) in [
            (0, 10),
            (1, 20),
            (2, 40),
            (7, 1280),
            (8, 1440),
            (31, 1440),
            (32, 1440),
            (u32::MAX, 1440),
        ] {
            let is = list_for(former, &config);
            assert_eq!(is, Duration::from_mins(minutes), "after {former}");
        }
    }
}
