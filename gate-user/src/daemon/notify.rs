//! What systemd is told, where there is one (sd_notify(3)).

use std::time::Duration;

use sd_notify::NotifyState;

/// The gate enforces.
pub(super) fn ready(summary: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(summary)]);
}

/// The configuration is being read again.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no monotonic clock"),
    }
}

/// The daemon ends; the gate stays.
pub(super) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// The writer is alive.
pub(super) fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// How often [`alive`] is to be said: half of what systemd grants, so that one late turn does
/// no harm. `None` if nobody listens.
pub(super) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|granted| granted / 2)
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd does not take a notification");
    }
}
