//! What a configuration can say, what it cannot, and that the example file tells it all.

use std::collections::BTreeSet;

use super::*;
use crate::control::Rights;

const EXAMPLE: &str = include_str!("../../../packaging/gate.toml");

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("gate.toml")).map_err(|error| error.to_string())
}

/// The example with every commented key in force: comments for people have a space behind `#`.
fn uncommented() -> String {
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_the_default() {
    assert_eq!(parse(EXAMPLE), Ok(Config::default()));
    assert_eq!(parse(""), Ok(Config::default()));
}

#[test]
fn the_values_that_the_example_shows_are_the_defaults() {
    let mut shown = parse(&uncommented()).unwrap();
    let [feed] = &shown.feeds[..] else {
        panic!("{:?}", shown.feeds);
    };
    let default = FeedConfig::new(feed.name.clone(), feed.path.clone().unwrap());
    assert_eq!(
        feed,
        &FeedConfig {
            format: feed.format,
            ..default
        }
    );
    shown.feeds.clear();
    let [forwarder] = shown.evidence.forwarders[..] else {
        panic!("{:?}", shown.evidence.forwarders);
    };
    assert_eq!(forwarder.blame, Blame::default());
    shown.evidence.forwarders.clear();
    let [maildir] = &shown.evidence.maildirs[..] else {
        panic!("{:?}", shown.evidence.maildirs);
    };
    assert_eq!((maildir.trap, maildir.then), (false, Then::default()));
    shown.evidence.maildirs.clear();
    let [list] = &shown.dnsbl.lists[..] else {
        panic!("{:?}", shown.dnsbl.lists);
    };
    let default = DnsblList::new(list.site.clone());
    assert_eq!(list.public_name(), default.public_name());
    assert_eq!(list.score_points(), default.score_points());
    assert_eq!(list.per_second, Some(50));
    assert_eq!(
        list,
        &DnsblList {
            name: list.name.clone(),
            points: list.points,
            per_second: list.per_second,
            url: list.url.clone(),
            ..default
        }
    );
    shown.dnsbl.lists.clear();
    let [pattern] = &shown.ptr.patterns[..] else {
        panic!("{:?}", shown.ptr.patterns);
    };
    assert_eq!(pattern.regex, NameRegex::default());
    shown.ptr.patterns.clear();
    let [network] = &shown.limits.networks[..] else {
        panic!("{:?}", shown.limits.networks);
    };
    let default = NetworkLimits::example();
    assert_eq!(
        network,
        &NetworkLimits {
            network: network.network,
            ..default
        }
    );
    shown.limits.networks.clear();
    let mut operators = shown.web.operators.take().unwrap();
    let [token] = &operators.tokens[..] else {
        panic!("{:?}", operators.tokens);
    };
    assert_eq!(token.rights, Rights::Read);
    operators.tokens.clear();
    assert_eq!(operators, OperatorsConfig::default());
    assert_eq!(shown, Config::default());
}

#[test]
fn the_example_shows_every_key() {
    fn keys(prefix: &str, value: &toml::Value, into: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    keys(&format!("{prefix}.{key}"), value, into);
                }
            }
            toml::Value::Array(elements) if elements.iter().any(toml::Value::is_table) => {
                for element in elements {
                    keys(prefix, element, into);
                }
            }
            _ => {
                into.insert(prefix.to_owned());
            }
        }
    }
    let shown = uncommented();
    let config = parse(&shown).unwrap();
    let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
    keys("", &config.to_toml().into(), &mut expected);
    keys(
        "",
        &shown.parse::<toml::Table>().unwrap().into(),
        &mut found,
    );
    assert_eq!(found, expected);
}

#[test]
fn what_is_set_is_in_force() {
    let config = parse(
        r#"
        [gate]
        interfaces = ["eth0", "eth1"]
        ports = [25, 587]
        mode = "monitor"
        attach = "generic"
        sample = 0
        max_networks = 5000000
        verify = "1h"
        [paths]
        state = "/s"
        [control]
        mode = "600"
        group = "mail"
        [allow]
        networks = ["192.0.2.7", "2001:db8::/32"]
        [enforcement]
        nordns = "observe"
        [[feed]]
        name = "a"
        path = "/a"
        [[feed]]
        name = "b"
        path = "/b"
        format = "drop-json"
        lapse_after = "1d"
        guards.max_growth = 10.0
        guards.max_shrink = 2
        [log]
        level = "debug"
        "#,
    )
    .unwrap();
    let interfaces: Vec<&str> = config
        .gate
        .interfaces
        .iter()
        .map(InterfaceName::as_str)
        .collect();
    assert_eq!(interfaces, ["eth0", "eth1"]);
    assert_eq!(config.gate.ports.as_slice(), [25, 587]);
    assert_eq!(config.paths.book(), Path::new("/s/gate.db"));
    assert_eq!(
        config.paths.control_socket(),
        Path::new("/run/gate/control.sock")
    );
    assert_eq!(config.control.mode.bits(), 0o600);
    assert_eq!(config.control.group.as_deref(), Some("mail"));
    assert_eq!(config.allow.networks.len(), 2);
    let reason = gate_common::Reason::NoRdns;
    assert_eq!(config.enforcement.of(reason), Enforcement::Observe);
    assert_eq!(
        config.enforcement.with(reason, Enforcement::Reject),
        Enforcements::default()
    );
    assert_eq!(
        config.feeds[0],
        FeedConfig::new("a".parse().unwrap(), "/a".into())
    );
    assert_eq!(config.feeds[1].format, FeedFormat::DropJson);
    assert_eq!(
        config.feeds[1].guards,
        Guards {
            max_growth: 10.0,
            max_shrink: 2.0,
            ..Guards::default()
        }
    );
    assert_eq!(config.log.level, LogLevel::Debug);
}

/// A feed, and what else it says on its fourth line.
fn feed(keys: &str) -> String {
    format!("[[feed]]\nname = 'a'\npath = '/a'\n{keys}")
}

/// What is wrong with each text is told in one line, which has this in it.
fn told(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let error = parse(text).expect_err(text);
        assert!(
            error.contains(expected),
            "{text}\nexpected: {expected}\n     got: {error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn what_is_no_toml() {
    told(&[
        ("[gate\n", "gate.toml:1:6: unclosed table, expected `]`"),
        (
            "gate.mode = off",
            "gate.toml:1:13: string values must be quoted, expected literal string",
        ),
        (
            "[gate]\nsample = 1\nsample = 2",
            "gate.toml:3:1: duplicate key `sample`: each key, and each [section], stands once",
        ),
        (
            "[gate]\n[gate]\nsample = 2",
            "gate.toml:2:2: duplicate key `gate`: each key, and each [section], stands once",
        ),
    ]);
}

#[test]
fn what_a_list_of_evidence_lacks() {
    told(&[
        (
            "[[evidence.forwarder]]\nblame = 'nobody'",
            "gate.toml:1:1: evidence.forwarder[1]: `network` is missing",
        ),
        (
            "[[evidence.maildir]]",
            "gate.toml:1:1: evidence.maildir[1]: `path` is missing",
        ),
        (
            "[[evidence.maildir]]\npath = '/a'\nthen = 'burn'",
            "evidence.maildir[1].then: `burn` is not known here",
        ),
        ("[evidence]\ntraps = ['a']", "`a` is not a recipient"),
        (
            "[evidence]\nlisten = '0.0.0.0:80'",
            "is not a loopback address",
        ),
    ]);
}

#[test]
fn what_a_pattern_of_names_lacks() {
    let pattern = |keys: &str| format!("[[ptr.pattern]]\n{keys}");
    told(&[
        (
            &pattern("glob = '*.example.net'"),
            "gate.toml:1:1: ptr.pattern[1]: `class` is missing",
        ),
        (
            &pattern("class = 'dynamic'"),
            "gate.toml:1:1: ptr.pattern[1]: neither `glob` nor `regex`: expected one of them",
        ),
        (
            &pattern("class = 'dynamic'\nglob = 'a'\nregex = 'a'"),
            "gate.toml:1:1: ptr.pattern[1]: both `glob` and `regex`: expected one of them",
        ),
        (
            &pattern("class = 'dialup'\nglob = 'a'"),
            "gate.toml:2:9: ptr.pattern[1].class: `dialup` is not known here: expected one of `mail`, `static`, `generic`, `dynamic`, `unknown`",
        ),
        (
            &pattern("class = 'mail'\nglob = 'a[b'"),
            "gate.toml:3:8: ptr.pattern[1].glob: `a[b` is no glob (unclosed character class",
        ),
        (
            &pattern("class = 'mail'\nregex = 'a(b'"),
            "gate.toml:3:9: ptr.pattern[1].regex: `a(b` is no regular expression (unclosed group): expected such as",
        ),
        (
            &pattern("class = 'mail'\nglobs = 'a'"),
            "ptr.pattern[1].globs: unknown key (did you mean `glob`?); known here: class, glob, regex",
        ),
    ]);
}

#[test]
fn an_unknown_key() {
    told(&[
        (
            "[gate]\n  prots = [25]",
            "gate.toml:2:3: gate.prots: unknown key (did you mean `ports`?); known here: attach, interfaces, max_networks, mode, ports, sample, verify",
        ),
        (
            "[gaet]",
            "gate.toml:1:2: gaet: unknown key (did you mean `gate`?); known here: allow, control, courtesy, dns, dnsbl, enforcement, evidence, feed, flood, gate, limits, listing, log, lookup, paths, policy, ptr, removal, rollup, score",
        ),
        (
            "speed = 1",
            "gate.toml:1:1: speed: unknown key; known here: allow",
        ),
        (
            "[enforcement]\nmanul = 'drop'",
            "gate.toml:2:1: enforcement.manul: unknown key (did you mean `manual`?)",
        ),
        (
            &feed("size = 1"),
            "gate.toml:4:1: feed[1].size: unknown key",
        ),
        (
            &feed("guards.max_grow = 1"),
            "gate.toml:4:8: feed[1].guards.max_grow: unknown key (did you mean `max_growth`?)",
        ),
    ]);
}

#[test]
fn a_wrong_type() {
    told(&[
        (
            "gate = 5",
            "gate.toml:1:8: gate: found integer `5`: expected a table",
        ),
        (
            "enforcement = []",
            "gate.toml:1:15: enforcement: found sequence: expected a table",
        ),
        (
            "[gate]\nsample = 'x'",
            "gate.toml:2:10: gate.sample: found string \"x\": expected a number from 0 to 4294967295; default: 100",
        ),
        (
            "[gate]\nports = 25",
            "gate.toml:2:9: gate.ports: found integer `25`: expected a list in brackets; default: [25]",
        ),
        (
            "[gate]\nports = [25, 'smtp']",
            "gate.toml:2:14: gate.ports: found string \"smtp\": expected a number from 0 to 65535",
        ),
        (
            "[gate]\nmode = 1",
            "gate.toml:2:8: gate.mode: expected text in quotes; default: \"enforce\"",
        ),
        (
            "[gate]\nverify = 10",
            "gate.toml:2:10: gate.verify: found integer `10`: expected text in quotes; default: \"10m\"",
        ),
        (
            "[paths]\nrun = 1",
            "gate.toml:2:7: paths.run: found integer `1`: expected text in quotes",
        ),
        (
            "[feed]\nname = 'a'",
            "gate.toml:1:2: feed: not a list of tables: expected `[[feed]]`",
        ),
        (
            "feed = [1]",
            "gate.toml:1:9: feed[1]: integer is not a table",
        ),
        (
            &feed("guards.max_bad_share = '5%'"),
            "gate.toml:4:24: feed[1].guards.max_bad_share: found string \"5%\": expected a number; default: 0.05",
        ),
    ]);
}

#[test]
fn an_impossible_value_of_the_gate() {
    told(&[
        (
            "[gate]\nports = []",
            "gate.toml:2:9: gate.ports: 0 ports: expected 1 to 8 of them",
        ),
        (
            "[gate]\nports = [1,2,3,4,5,6,7,8,9]",
            "gate.ports: 9 ports: expected 1 to 8 of them",
        ),
        (
            "[gate]\nports = [0]",
            "gate.ports: 0 is not a port: expected 1 to 65535",
        ),
        (
            "[gate]\nports = [25, 25]",
            "gate.ports: 25 is there twice: expected it once",
        ),
        (
            "[gate]\nports = [25, 70000]",
            "gate.toml:2:14: gate.ports: found integer `70000`: expected a number from 0 to 65535",
        ),
        (
            "[gate]\nmode = 'on'",
            "gate.toml:2:8: gate.mode: `on` is not known here: expected one of `off`, `monitor`, `enforce`",
        ),
        (
            "[gate]\nattach = 'skb'",
            "`skb` is not known here: expected one of `auto`, `native`, `generic`",
        ),
        (
            "[gate]\nsample = -1",
            "gate.sample: found integer `-1`: expected a number from 0 to 4294967295",
        ),
        (
            "[gate]\nmax_networks = 0",
            "gate.max_networks: 0 is not from 1 to 67108864",
        ),
        (
            "[gate]\ninterfaces = ['eth 0']",
            "gate.toml:2:15: gate.interfaces: `eth 0` cannot be an interface: expected a name as `ip link` shows it",
        ),
        (
            "[gate]\ninterfaces = ['a', 'a']",
            "gate.interfaces: a is there twice",
        ),
        (
            "[gate]\nverify = 'often'",
            "gate.verify: `often` is not a duration (expected number at 0): expected one such as 10m, 72h or 3d",
        ),
        (
            "[gate]\nverify = '0s'",
            "gate.verify: `0s` is out of range: expected 1s to 3650d",
        ),
    ]);
}

#[test]
fn an_impossible_value() {
    told(&[
        (
            "[paths]\nrun = 'run'",
            "paths.run: `run` is not an absolute path: expected one that begins with / and has no ..",
        ),
        (
            "[paths]\nrun = '/a/../b'",
            "paths.run: `/a/../b` is not an absolute path",
        ),
        (
            "[control]\nmode = '0666'",
            "control.mode: mode 0666 would let everybody on this host use the socket",
        ),
        (
            "[control]\nmode = 'rw'",
            "control.mode: `rw` is not a file mode: expected octal digits such as \"0660\"",
        ),
        (
            "[control]\nmode = '+660'",
            "control.mode: `+660` is not a file mode",
        ),
        (
            "[allow]\nnetworks = ['::1',\n'192.0.2.7/24']",
            "gate.toml:3:1: allow.networks: `192.0.2.7/24` has host bits set: the network is 192.0.2.0/24",
        ),
        (
            "[enforcement]\nmanual = 'block'",
            "enforcement.manual: `block` is not known here: expected one of `drop`, `reject`, `observe`",
        ),
        (
            "[flood]\nmode = 'yes'",
            "flood.mode: `yes` is not known here: expected one of `auto`, `on`, `off`",
        ),
        (
            "[flood]\nenter_syns = 1",
            "flood.enter_syns: 1 is not from 2 to 1000000000",
        ),
        (
            "[flood]\nleave_after = 60",
            "flood.leave_after: found integer `60`: expected text in quotes; default: \"1m\"",
        ),
        (
            "[log]\nlevel = 'loud'",
            "`loud` is not known here: expected one of `error`, `warn`, `info`, `debug`, `trace`",
        ),
        (
            "[[feed]]\nname = 'a'",
            "gate.toml:1:1: feed[1]: `path` or `url` is missing",
        ),
        (
            "[[feed]]\npath = '/a'",
            "gate.toml:1:1: feed[1]: `name` is missing",
        ),
        (
            "[[feed]]\npath = '/a'\nname = 'A'",
            "gate.toml:3:8: feed[1].name: `A` cannot name a feed: expected 1 to 32 of a-z, 0-9, _ and -",
        ),
        (
            &feed("format = 'xml'"),
            "feed[1].format: `xml` is not known here: expected one of `plain`, `drop-json`, `drop-txt`, `csv`, `ip-count`",
        ),
        (
            &feed("guards.max_bad_share = 5"),
            "feed[1].guards.max_bad_share: 5 is not a share: expected 0 to 1",
        ),
        (&feed("guards.max_bad_share = nan"), "NaN is not a share"),
        (
            &feed("guards.max_growth = 0.5"),
            "0.5 is not a factor of 1 or more",
        ),
        (
            &feed("guards.min_entries = 0"),
            "0 is not from 1 to 4294967295",
        ),
        (&feed("guards.widest_v4 = 33"), "33 is not from 0 to 32"),
    ]);
}

/// A feed that is fetched, and what else it says on its fourth line.
fn fetched(url: &str, keys: &str) -> String {
    format!("[[feed]]\nname = 'a'\nurl = '{url}'\n{keys}")
}

#[test]
fn what_a_feed_that_is_fetched_can_say() {
    let config = parse(&fetched(
        "https://user:secret@lists.example.org/a?key=secret",
        "interval = '1h'\ntimeout = '30s'\nmax_size = 1000\nca_file = '/etc/ca.pem'\n\
         format = 'csv'\ncolumn = 'ip'\ndelimiter = ';'\nlapse_after = '2h'",
    ))
    .unwrap();
    let [feed] = &config.feeds[..] else {
        panic!("{:?}", config.feeds);
    };
    let url: FeedUrl = "https://user:secret@lists.example.org/a?key=secret"
        .parse()
        .unwrap();
    assert_eq!(feed.source(), FeedSource::Url(&url));
    let delimiter = Delimiter::try_from(";".to_owned()).unwrap();
    let column = Column::Name("ip".to_owned());
    assert_eq!(feed.list_format(), ListFormat::Csv { column, delimiter });
    assert_eq!(feed.ca_file.as_deref(), Some(Path::new("/etc/ca.pem")));
    let spamhaus = fetched(
        "https://www.spamhaus.org/drop/drop_v4.json",
        "interval = '1h'",
    );
    assert_eq!(parse(&spamhaus).map(|config| config.feeds.len()), Ok(1));
}

#[test]
fn the_definitions_in_the_docs_can_be_copied() {
    let document = include_str!("../../../docs/feeds.md");
    let (_, definitions) = document.split_once("## Definitions to copy").unwrap();
    let mut all = String::new();
    for definition in definitions.split("\n### ").skip(1) {
        let title = definition.lines().next().unwrap();
        for said in ["\n- Terms: ", "\n- Interval: "] {
            assert!(definition.contains(said), "{title}: no {said:?}");
        }
        let (_, toml) = definition.split_once("```toml\n").expect(title);
        let (toml, _) = toml.split_once("```").expect(title);
        let config = parse(toml).expect(title);
        for feed in &config.feeds {
            assert!(matches!(feed.source(), FeedSource::Url(_)), "{title}");
            assert!(
                feed.guards.min_entries > 1 || feed.name.as_str() == "drop6",
                "{title}"
            );
        }
        all.push_str(toml);
    }
    // Each has a name of its own, and none is there unless it is copied.
    assert_eq!(parse(&all).unwrap().feeds.len(), 9);
    assert_eq!(Config::default().feeds, []);
}

#[test]
fn an_impossible_value_of_a_feed_that_is_fetched() {
    const URL: &str = "https://lists.example.org/a";
    told(&[
        (
            &fetched("http://lists.example.org/a", ""),
            "gate.toml:3:7: feed[1].url: `http` is not taken, because anybody on the way could write the list: expected one such as \"https://lists.example.org/list.netset\"",
        ),
        (&fetched("lists", ""), "feed[1].url: no address"),
        (
            &fetched(URL, "path = '/a'"),
            "gate.toml:3:7: feed[1].url: there is a `path` already: expected one of them",
        ),
        (
            &fetched(URL, "interval = '9m'"),
            "gate.toml:4:12: feed[1].interval: 9m is too often for lists.example.org: expected 10m or more",
        ),
        (
            &fetched(
                "https://www.spamhaus.org/drop/drop_v4.json",
                "interval = '59m'",
            ),
            "feed[1].interval: 59m is too often for www.spamhaus.org: expected 1h or more",
        ),
        (
            &fetched(URL, "lapse_after = '6h'"),
            "feed[1].lapse_after: 6h would lapse before the next fetch: expected more than interval = 6h",
        ),
        (
            &fetched(URL, "timeout = '6m'"),
            "feed[1].timeout: `6m` is out of range: expected 1s to 5m",
        ),
        (
            &fetched(URL, "max_size = 0"),
            "feed[1].max_size: 0 is not from 1 to 268435456",
        ),
        (
            &fetched(URL, "ca_file = 'ca.pem'"),
            "feed[1].ca_file: `ca.pem` is not an absolute path",
        ),
        (
            &feed("ca_file = '/ca.pem'"),
            "feed[1].ca_file: a file is not fetched",
        ),
        (
            &feed("format = 'csv'\ncolumn = 0"),
            "feed[1].column: 0 is not from 1 to 1000",
        ),
        (
            &feed("format = 'csv'\ncolumn = ''"),
            "feed[1].column: no column has an empty name",
        ),
        (
            &feed("format = 'csv'\ncolumn = 1.5"),
            "feed[1].column: found floating point `1.5`: expected a number from 1 to 1000 or a name in quotes; default: 1",
        ),
        (
            &feed("column = 2"),
            "feed[1].column: only lists of the format \"csv\" have it: this one is \"plain\"",
        ),
        (
            &feed("delimiter = ';'"),
            "feed[1].delimiter: only lists of the format \"csv\" have it",
        ),
        (
            &feed("format = 'csv'\ndelimiter = ', '"),
            "feed[1].delimiter: \", \" cannot stand between columns",
        ),
        (
            &feed("min_count = 2"),
            "feed[1].min_count: only lists of the format \"ip-count\" have it",
        ),
        (
            &feed("format = 'ip-count'\nmin_count = 0"),
            "feed[1].min_count: 0 is not from 1",
        ),
    ]);
}

#[test]
fn what_no_key_can_tell_alone() {
    told(&[
        (
            &(feed("") + &feed("")),
            "gate.toml:5:8: feed[2].name: there is a feed `a` already: expected another name",
        ),
        (
            &feed("guards = {min_entries = 2, max_entries = 1}"),
            "gate.toml:4:25: feed[1].guards.min_entries: 2 is more than max_entries = 1",
        ),
        (
            "[[feed]]\nname = 'a'\npath = '/var/lib/gate/feeds/a'",
            "gate.toml:3:8: feed[1].path: /var/lib/gate/feeds is for gated's own copies",
        ),
        (
            "[flood]\nleave_syns = 1000",
            "gate.toml:2:14: flood.leave_syns: 1000 is not less than enter_syns = 1000",
        ),
        (
            "[flood]\nenter_syns = 200",
            "flood.leave_syns: 250 is not less than enter_syns = 200",
        ),
        (
            &format!("[paths]\nrun = '/{}'", "r".repeat(100)),
            "gate.toml:2:7: paths.run: too long",
        ),
        (
            &format!("[policy]\nsocket = '/{}'", "r".repeat(110)),
            "gate.toml:2:10: policy.socket: too long",
        ),
        (
            "[policy]\nsocket = '/run/gate/control.sock'",
            "policy.socket: that is the control socket",
        ),
        (
            "[lookup]\nfresh = '7d'",
            "gate.toml:2:9: lookup.fresh: after 7days what DNS said would count no more: expected less than lookup.lapse_after = 7days",
        ),
        (
            "[lookup]\nlapse_after = '6h'\nrecheck = '6h'",
            "gate.toml:3:11: lookup.recheck: after 6h what DNS said would count no more: expected less than lookup.lapse_after = 6h",
        ),
        (
            "[lookup]\nlapse_after = '5h'",
            "lookup.recheck: after 6h what DNS said would count no more: expected less than lookup.lapse_after = 5h",
        ),
    ]);
}

#[test]
fn dns_may_be_asked_again_right_before_its_word_lapses() {
    let text = "[lookup]\nfresh = '59m'\nrecheck = '59m'\nlapse_after = '1h'";
    assert!(parse(text).is_ok());
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let error = parse(
        "[allow]\nnetworks = ['x',\n'::1',\n'y']\n[log]\nlevel = 1\n[gate]\nprots = []\nmode = 'x'\n[[feed]]\npath = ''\n[[feed]]\nname = 'b'\npath = 'b'\n",
    )
    .unwrap_err();
    let places: Vec<&str> = error
        .lines()
        .map(|line| line.split(':').nth(3).unwrap().trim())
        .collect();
    assert_eq!(
        places,
        [
            "allow.networks",
            "allow.networks",
            "log.level",
            "gate.prots",
            "gate.mode",
            "feed[1]",
            "feed[2].path"
        ],
        "{error}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gate.toml");
    let error = Config::load(&path).unwrap_err().to_string();
    let named = format!("{}: cannot read the configuration: ", path.display());
    assert!(error.starts_with(&named), "{error}");
    std::fs::write(&path, "gate.sample = 7").unwrap();
    assert_eq!(Config::load(&path).unwrap().gate.sample, 7);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in r#"([\[a-z.\]= "'\n0-9#{,}]{0,40}\n|[a-z]{0,8} = .{0,20}\n|\[{1,2}(gate|feed|log)\]{1,2}\n){0,8}"#) {
        let _ = parse(&text);
    }
}
