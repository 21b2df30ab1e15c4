//! What a gate exports is published by Debian's rbldnsd, and looked up again as a DNSBL.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use gate_tests::lab::Lab;
use hickory_resolver::{
    Resolver,
    config::{NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RecordType,
};

const ZONE: &str = "bl.example.net";
const FILE: &str = "list";

/// A running rbldnsd. Ended on drop.
struct Rbldnsd(Child);

impl Rbldnsd {
    /// Serves `FILE` of `dir`, on the server's loopback. It does not run as root, and a lab's
    /// directories are root's alone: so its root is where the file is.
    fn start(lab: &Lab, dir: &Path) -> Result<Self> {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
        fs::set_permissions(dir.join(FILE), fs::Permissions::from_mode(0o644))?;
        let mut rbldnsd = lab.server_command("rbldnsd");
        rbldnsd.args(["-n", "-u", "rbldns", "-b", "127.0.0.1/53", "-c", "1", "-r"]);
        rbldnsd.arg(dir).arg(format!("{ZONE}:combined:{FILE}"));
        rbldnsd.stdin(Stdio::null());
        let log = fs::File::create(dir.join("log"))?;
        rbldnsd.stdout(log.try_clone()?).stderr(log);
        let child = rbldnsd
            .spawn()
            .context("running rbldnsd (Debian: rbldnsd)")?;
        let mut rbldnsd = Self(child);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !matches!(ask(lab, ZONE, RecordType::SOA), Ok(Some(_))) {
            let log = || fs::read_to_string(dir.join("log")).unwrap_or_default();
            if let Some(status) = rbldnsd.0.try_wait()? {
                bail!("rbldnsd ended ({status}): {}", log());
            }
            ensure!(
                Instant::now() < deadline,
                "rbldnsd does not serve: {}",
                log()
            );
            thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(dir.join("log"))?;
        ensure!(!log.contains("invalid"), "a line is not understood: {log}");
        Ok(rbldnsd)
    }
}

impl Drop for Rbldnsd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first answer for `name`; `None` if there is no such name.
fn ask(lab: &Lab, name: &str, kind: RecordType) -> Result<Option<String>> {
    lab.on_server(|| {
        let server = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let resolver =
                Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build()?;
            match resolver.lookup(format!("{name}."), kind).await {
                Ok(found) => Ok(found.answers().first().map(|is| is.data.to_string())),
                Err(error) if error.is_nx_domain() => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    })
}

/// The name that a DNSBL is asked for (RFC 5782 sections 2.1 and 2.4).
fn listed_as(address: &str) -> Result<String> {
    let labels: Vec<String> = match address.parse()? {
        IpAddr::V4(v4) => v4.octets().iter().map(u8::to_string).collect(),
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().flat_map(|it| [it >> 4, it & 15]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect()
        }
    };
    let reversed: Vec<_> = labels.into_iter().rev().collect();
    Ok(format!("{}.{ZONE}", reversed.join(".")))
}

/// A value and text of an address; `None` if it is not listed.
fn look_up(lab: &Lab, address: &str) -> Result<Option<(String, String)>> {
    let name = listed_as(address)?;
    let value = ask(lab, &name, RecordType::A)?;
    let text = ask(lab, &name, RecordType::TXT)?;
    ensure!(value.is_some() == text.is_some(), "{value:?} {text:?}");
    Ok(value.zip(text))
}

#[test]
fn a_gates_list_is_a_dnsbl() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    for arguments in [
        &["block", "192.0.2.0/24"][..],
        &["block", "192.0.2.128/25", "--reason", "feed"],
        &["block", "192.0.2.200", "--reason", "directspam"],
        // What the mail server refuses is no packet that is dropped, but listed all the same.
        &["block", "198.51.100.7", "--reason", "dynamic"],
        &["block", "198.51.100.8", "--reason", "nordns"],
        &["block", "2001:db8::/32"],
        &["block", "2001:db8:7::7", "--reason", "connlimit"],
        &["block", "::7:0:0:0:0/64", "--reason", "highspam"],
        &["allow", "192.0.2.7"],
        &["allow", "192.0.2.192/28"],
        &["allow", "2001:db8:1::/48"],
        // Shorter than what it lets pass.
        &["block", "203.0.113.128/25", "--reason", "feed"],
        &["block", "203.0.113.9", "--reason", "generic"],
        &["allow", "203.0.113.0/24"],
    ] {
        gate.must(arguments)?;
    }
    let export = [
        "export",
        "--format",
        "rbldnsd",
        "--name-server",
        "ns1.example.net",
        "--contact",
        "hostmaster@example.net",
        "--url",
        "https://mx.example.net/$?ip={ip}&why={reason}",
    ];
    let dir = lab.dir("rbldnsd")?;
    fs::write(dir.join(FILE), gate.must(&export)?)?;
    let _rbldnsd = Rbldnsd::start(&lab, &dir)?;

    for (address, expected) in [
        ("192.0.2.1", Some((13, "manual"))),
        ("192.0.2.129", Some((11, "feed"))),
        ("192.0.2.208", Some((11, "feed"))),
        ("192.0.2.7", None),
        ("192.0.2.193", None),
        // Allowed, though listed for itself.
        ("192.0.2.200", None),
        ("198.51.100.7", Some((6, "dynamic"))),
        ("198.51.100.8", Some((8, "nordns"))),
        ("198.51.100.9", None),
        ("203.0.113.129", None),
        ("203.0.113.9", None),
        ("2001:db8::1", Some((13, "manual"))),
        ("2001:db8:7::7", Some((12, "connlimit"))),
        ("2001:db8:1::1", None),
        ("2001:db9::1", None),
        ("::7:0:0:0:8", Some((3, "highspam"))),
        // The server's own.
        ("10.25.0.1", None),
        // RFC 5782 section 5.
        ("127.0.0.2", Some((2, "test"))),
        ("127.0.0.1", None),
        ("::ffff:127.0.0.2", Some((2, "test"))),
        ("::ffff:127.0.0.1", None),
    ] {
        let found = look_up(&lab, address)?;
        let expected = expected.map(|(number, why)| {
            let value = format!("127.0.0.{number}");
            // rbldnsd writes a mapped address as the IPv4 address that it is.
            let shown = address.trim_start_matches("::ffff:");
            let more = match why {
                "test" => String::new(),
                why => format!(": https://mx.example.net/$?ip={shown}&why={why}"),
            };
            let text = format!("{shown} is listed: {why}{more}");
            (value, text)
        });
        assert_eq!(found, expected, "{address}");
    }
    let soa = ask(&lab, ZONE, RecordType::SOA)?.context("a zone has one")?;
    let (servers, times) = (
        "ns1.example.net. hostmaster.example.net.",
        "3600 600 604800 600",
    );
    assert!(soa.starts_with(servers) && soa.ends_with(times), "{soa}");
    let ns = ask(&lab, ZONE, RecordType::NS)?;
    assert_eq!(ns.as_deref(), Some("ns1.example.net."));

    // A new export takes the place of the old one while it is served.
    gate.unblock("192.0.2.0/24")?;
    fs::write(dir.join("next"), gate.must(&export)?)?;
    fs::set_permissions(dir.join("next"), fs::Permissions::from_mode(0o644))?;
    fs::rename(dir.join("next"), dir.join(FILE))?;
    let deadline = Instant::now() + Duration::from_secs(10);
    // One question: between two it may read the new list.
    while ask(&lab, &listed_as("192.0.2.1")?, RecordType::A)?.is_some() {
        ensure!(Instant::now() < deadline, "the old list is still served");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(look_up(&lab, "192.0.2.129")?.is_some());
    Ok(())
}
