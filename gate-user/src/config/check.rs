//! What no key can tell alone.

use std::os::unix::ffi::OsStrExt as _;

use super::{Config, OperatorsConfig, dnsbl, feed};
use crate::dns::class::Patterns;

/// The longest path that a Unix socket can have: `sun_path` less its final NUL (unix(7)).
const MAX_SOCKET_PATH: usize = 107;

/// What is wrong with a configuration whose keys are good each for itself: which key, and why.
pub(super) fn across_keys(config: &Config) -> Vec<(String, String)> {
    let mut problems = config.dns.across_keys();
    let policy_key = match config.policy.socket {
        Some(_) => "policy.socket",
        None => "paths.run",
    };
    for (key, socket) in [
        ("paths.run", config.paths.control_socket()),
        (policy_key, config.policy_socket()),
    ] {
        if socket.as_os_str().as_bytes().len() > MAX_SOCKET_PATH
            && problems.iter().all(|(named, _)| named != key)
        {
            problems.push((
                key.to_owned(),
                format!(
                    "too long: {} would be longer than the {MAX_SOCKET_PATH} bytes that a socket's path may have",
                    socket.display()
                ),
            ));
        }
    }
    if config.policy.enabled && config.policy_socket() == config.paths.control_socket() {
        problems.push((
            "policy.socket".to_owned(),
            "that is the control socket: expected another file".to_owned(),
        ));
    }
    let (soft, hard) = (config.limits.connections, config.limits.connections_hard);
    if hard != 0 && soft > hard {
        problems.push((
            "limits.connections".to_owned(),
            format!("{soft} is more than connections_hard = {hard}: nobody would be told"),
        ));
    }
    problems.extend(lookup_times(config));
    let flood = &config.flood;
    if flood.leave_syns >= flood.enter_syns {
        problems.push((
            "flood.leave_syns".to_owned(),
            format!(
                "{} is not less than enter_syns = {}: a flood could not end where it began",
                flood.leave_syns, flood.enter_syns
            ),
        ));
    }
    let copies = config.paths.feeds();
    for (i, feed) in config.feeds.iter().enumerate() {
        let mut problem = |key: &str, message| {
            let feed = format!("feed[{}]", i + 1);
            let place = match key {
                "" => feed,
                key => format!("{feed}.{key}"),
            };
            problems.push((place, message));
        };
        if config.feeds[..i]
            .iter()
            .any(|other| other.name == feed.name)
        {
            problem(
                "name",
                format!(
                    "there is a feed `{}` already: expected another name",
                    feed.name
                ),
            );
        }
        for (key, message) in feed::problems(feed, &copies) {
            problem(key, message);
        }
    }
    problems.extend(
        config
            .web
            .operators
            .iter()
            .flat_map(OperatorsConfig::across_keys),
    );
    problems.extend(dnsbl::across_lists(&config.dnsbl.lists));
    if let Err((at, error)) = Patterns::compile(&config.ptr.patterns) {
        let key = match at {
            Some(i) => format!("ptr.pattern[{}]", i + 1),
            None => "ptr.pattern".to_owned(),
        };
        problems.push((key, error.to_string()));
    }
    problems
}

/// What DNS said must be asked again before it counts no more.
fn lookup_times(config: &Config) -> Vec<(String, String)> {
    let lookup = &config.lookup;
    let lapse_after = humantime::format_duration(lookup.lapse_after);
    [("fresh", lookup.fresh), ("recheck", lookup.recheck)]
        .into_iter()
        .filter(|(_, time)| *time >= lookup.lapse_after)
        .map(|(key, time)| {
            let time = humantime::format_duration(time);
            let message = format!(
                "after {time} what DNS said would count no more: expected less than \
                 lookup.lapse_after = {lapse_after}"
            );
            (format!("lookup.{key}"), message)
        })
        .collect()
}
