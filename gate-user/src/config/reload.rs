//! What changes when the configuration is read again.

use std::{collections::BTreeMap, fmt};

use super::{
    Config, DnsblConfig, EvidenceConfig, FeedUrl, GateConfig, LimitsConfig, LogConfig, LookupConfig,
};

/// A key whose value is another one than before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyChange {
    /// The key, dotted: `gate.ports`; a feed's with its name: `feed.drop.path`; those of a DNS block
    /// list and of a token likewise: `dnsbl.list.zen.example.url`, `web.operators.token.desk.file`.
    pub key: String,
    /// The value before, as in the file; `None` if there was none.
    pub before: Option<String>,
    /// The value now; `None` if there is none.
    pub now: Option<String>,
    /// When it takes effect.
    pub effect: Effect,
}

/// When a changed key takes effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// At once.
    Live,
    /// At the next start.
    Restart,
}

impl Config {
    /// What can be in force of `new` in a daemon that was started with these settings: all of it
    /// but what only a start can set.
    #[must_use]
    pub fn reloaded(&self, new: Self) -> Self {
        Self {
            gate: GateConfig {
                attach: self.gate.attach,
                max_networks: self.gate.max_networks,
                ..new.gate
            },
            paths: self.paths.clone(),
            control: self.control.clone(),
            evidence: EvidenceConfig {
                listen: self.evidence.listen,
                ..new.evidence
            },
            limits: LimitsConfig {
                sources: self.limits.sources,
                ..new.limits
            },
            policy: self.policy.reloaded(new.policy),
            web: self.web.reloaded(new.web),
            log: LogConfig {
                format: self.log.format,
                ..new.log
            },
            lookup: LookupConfig {
                waiting: self.lookup.waiting,
                at_once: self.lookup.at_once,
                ..new.lookup
            },
            ..new
        }
    }

    /// How `new` differs from these settings, key by key, sorted.
    pub fn changes(&self, new: &Self) -> Vec<KeyChange> {
        let before = self.values();
        let now = new.values();
        let in_force = self.reloaded(new.clone()).values();
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        keys.into_iter()
            .filter(|&key| before.get(key) != now.get(key))
            .map(|key| KeyChange {
                key: key.clone(),
                before: before.get(key).map(|value| shown(key, value)),
                now: now.get(key).map(|value| shown(key, value)),
                effect: if in_force.get(key) == now.get(key) {
                    Effect::Live
                } else {
                    Effect::Restart
                },
            })
            .collect()
    }

    /// Every key with its value as in the file.
    fn values(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        let without_lists = Self {
            feeds: Vec::new(),
            dnsbl: DnsblConfig {
                lists: Vec::new(),
                ..self.dnsbl.clone()
            },
            ..self.clone()
        };
        flatten("", &without_lists.to_toml(), &mut values);
        // The lists themselves; each element stands under its name.
        values.remove("feed");
        values.remove("dnsbl.list");
        values.remove("web.operators.token");
        for feed in &self.feeds {
            let table = toml::Table::try_from(feed).expect("text, numbers and tables only");
            flatten(&format!("feed.{}", feed.name), &table, &mut values);
        }
        for list in &self.dnsbl.lists {
            let table = toml::Table::try_from(list).expect("text, numbers and lists only");
            let prefix = format!("dnsbl.list.{}", list.public_name());
            flatten(&prefix, &table, &mut values);
        }
        for token in self.web.operators.iter().flat_map(|it| &it.tokens) {
            let table = toml::Table::try_from(token).expect("text only");
            let prefix = format!("web.operators.token.{}", token.name);
            flatten(&prefix, &table, &mut values);
        }
        values
    }

    /// The configuration as TOML, every key with its value.
    pub(super) fn to_toml(&self) -> toml::Table {
        toml::Table::try_from(self).expect("text, numbers, lists and tables only")
    }
}

/// The value as it may be shown.
fn shown(key: &str, value: &str) -> String {
    let list = key.strip_prefix("dnsbl.list.");
    if let Some(name) = list.and_then(|rest| rest.strip_suffix(".site")) {
        return site_shown(name, value);
    }
    let feed = key.strip_prefix("feed.");
    if feed.and_then(|rest| rest.strip_suffix(".url")).is_some() {
        return url_shown(value);
    }
    value.to_owned()
}

/// The address of a feed: its query, a name and a password in it may be secret.
fn url_shown(value: &str) -> String {
    match value.trim_matches('"') {
        "" => value.to_owned(),
        url => url
            .parse::<FeedUrl>()
            .map_or("(not shown)".to_owned(), |url| format!("\"{url}\"")),
    }
}

/// The zone of the DNS block list called `name`: if it has another name, it may hold a private key.
fn site_shown(name: &str, value: &str) -> String {
    let behind = value
        .strip_prefix('"')
        .and_then(|site| site.strip_prefix(name));
    if behind.is_some_and(|behind| behind.starts_with(['"', '=', '*'])) {
        value.to_owned()
    } else {
        "(not shown)".to_owned()
    }
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            toml::Value::Table(table) => flatten(&key, table, into),
            value => {
                into.insert(key, value.to_string());
            }
        }
    }
}

/// `gate.ports: [25], now [25, 587]`.
impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none =
            |value: &Option<String>| value.as_deref().map_or("none".to_owned(), shortened);
        let (before, now) = (or_none(&self.before), or_none(&self.now));
        write!(f, "{}: {before}, now {now}", self.key)
    }
}

fn shortened(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(text, Path::new("gate.toml")).unwrap()
    }

    #[test]
    fn what_applies_at_once() {
        for (before, now, change) in [
            (
                "",
                "gate.ports = [25, 587]",
                "gate.ports: [25], now [25, 587]",
            ),
            (
                "",
                "gate.mode = 'off'",
                "gate.mode: \"enforce\", now \"off\"",
            ),
            ("", "gate.sample = 1", "gate.sample: 100, now 1"),
            ("", "gate.verify = '1h'", "gate.verify: \"10m\", now \"1h\""),
            (
                "",
                "gate.interfaces = ['a']",
                "gate.interfaces: [], now [\"a\"]",
            ),
            (
                "",
                "limits.rate = '5/1s'",
                "limits.rate: \"60/1m\", now \"5/1s\"",
            ),
            (
                "courtesy.feed = '1/1h'",
                "",
                "courtesy.feed: \"1/1h\", now \"none\"",
            ),
            (
                "",
                "allow.networks = ['::1']",
                "allow.networks: [], now [\"::1/128\"]",
            ),
            (
                "enforcement.feed = 'reject'",
                "",
                "enforcement.feed: \"reject\", now \"drop\"",
            ),
            ("", "flood.mode = 'on'", "flood.mode: \"auto\", now \"on\""),
            (
                "",
                "flood.enter_syns = 5000",
                "flood.enter_syns: 1000, now 5000",
            ),
            (
                "",
                "policy.checks.dnsbl = 'off'",
                "policy.checks.dnsbl: \"on\", now \"off\"",
            ),
            (
                "",
                "web.organisation = 'Example'",
                "web.organisation: \"\", now \"Example\"",
            ),
            (
                "",
                "log.level = 'debug'",
                "log.level: \"info\", now \"debug\"",
            ),
            (
                "",
                "ptr.pattern = [{glob = 'a', class = 'mail'}]",
                "ptr.pattern: [], now [{ class = \"mail\", glob = \"a\", regex = \"\" }]",
            ),
            (
                "",
                "dns.cache.min_ttl = '5s'",
                "dns.cache.min_ttl: \"1m\", now \"5s\"",
            ),
            (
                "feed = [{name = 'a', path = '/a'}]",
                "feed = [{name = 'a', path = '/b'}]",
                "feed.a.path: \"/a\", now \"/b\"",
            ),
            (
                "feed = [{name = 'a', url = 'https://example.org/a'}]",
                "feed = [{name = 'a', url = 'https://u:secret@example.org/a?key=secret'}]",
                "feed.a.url: \"https://example.org/a\", now \"https://example.org/a\"",
            ),
        ] {
            let (before, now) = (config(before), config(now));
            let changes = before.changes(&now);
            assert_eq!(changes.len(), 1, "{change}");
            assert_eq!(changes[0].to_string(), change);
            assert_eq!(changes[0].effect, Effect::Live, "{change}");
            assert_eq!(before.reloaded(now.clone()), now, "{change}");
        }
    }

    #[test]
    fn what_needs_a_restart() {
        for (now, change) in [
            (
                "gate.attach = 'native'",
                "gate.attach: \"auto\", now \"native\"",
            ),
            ("gate.max_networks = 9", "gate.max_networks: 2097152, now 9"),
            (
                "paths.state = '/s'",
                "paths.state: \"/var/lib/gate\", now \"/s\"",
            ),
            ("paths.run = '/r'", "paths.run: \"/run/gate\", now \"/r\""),
            (
                "paths.pins = '/p'",
                "paths.pins: \"/sys/fs/bpf/gate\", now \"/p\"",
            ),
            (
                "control.mode = '0600'",
                "control.mode: \"0660\", now \"0600\"",
            ),
            (
                "control.group = 'mail'",
                "control.group: \"\", now \"mail\"",
            ),
            ("limits.sources = 1024", "limits.sources: 65536, now 1024"),
            ("policy.enabled = false", "policy.enabled: true, now false"),
            ("policy.socket = '/s'", "policy.socket: \"\", now \"/s\""),
            ("policy.connections = 9", "policy.connections: 2000, now 9"),
            (
                "web.listen = ['127.0.0.1:80']",
                "web.listen: [], now [\"127.0.0.1:80\"]",
            ),
            (
                "web.operators = {}",
                "web.operators.listen: none, now [\"127.0.0.1:9025\"]",
            ),
            ("log.format = 'json'", "log.format: \"human\", now \"json\""),
        ] {
            let (before, now) = (Config::default(), config(now));
            let changes = before.changes(&now);
            assert_eq!(changes.len(), 1, "{change}");
            assert_eq!(changes[0].to_string(), change);
            assert_eq!(changes[0].effect, Effect::Restart, "{change}");
            assert_eq!(before.reloaded(now), before, "{change}");
        }
    }

    #[test]
    fn tokens_are_told_by_their_names_and_count_at_once() {
        let before = config("[web.operators]\n[[web.operators.token]]\nname = 'a'\nfile = '/a'");
        let now = config(
            "[[web.operators.token]]\nname = 'a'\nfile = '/a'\nrights = 'write'\n\
             [[web.operators.token]]\nname = 'b'\nfile = '/b'",
        );
        let changes: Vec<String> = before
            .changes(&now)
            .iter()
            .inspect(|change| assert_eq!(change.effect, Effect::Live, "{change}"))
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            changes,
            [
                "web.operators.token.a.rights: \"read\", now \"write\"",
                "web.operators.token.b.file: none, now \"/b\"",
                "web.operators.token.b.name: none, now \"b\"",
                "web.operators.token.b.rights: none, now \"read\"",
            ]
        );
    }

    #[test]
    fn without_the_section_no_token_stays() {
        let before = config("[[web.operators.token]]\nname = 'a'\nfile = '/a'");
        let now = config("");
        for change in before.changes(&now) {
            let expected = match change.key.as_str() {
                "web.operators.listen" => Effect::Restart,
                _ => Effect::Live,
            };
            assert_eq!(change.effect, expected, "{change}");
        }
        assert!(
            before
                .reloaded(now)
                .web
                .operators
                .unwrap()
                .tokens
                .is_empty()
        );
    }

    #[test]
    fn feeds_are_told_by_their_names() {
        let before = config("feed = [{name = 'a', path = '/a'}, {name = 'b', path = '/b'}]");
        let now = config("feed = [{name = 'b', path = '/b'}, {name = 'c', path = '/c'}]");
        let changes: Vec<String> = before
            .changes(&now)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            changes.contains(&"feed.a.path: \"/a\", now none".to_owned()),
            "{changes:?}"
        );
        assert!(
            changes.contains(&"feed.c.path: none, now \"/c\"".to_owned()),
            "{changes:?}"
        );
        assert!(!changes.iter().any(|change| change.starts_with("feed.b")));
        assert_eq!(now.changes(&now), []);
    }
}
