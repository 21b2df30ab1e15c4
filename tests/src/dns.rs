//! Name servers for a lab: Debian's unbound, as the resolver of the mail server, and Debian's
//! rbldnsd behind it, as the DNSBLs.
//!
//! In: names, and what the lists hold; both can be changed while they run. Out: a resolver on
//! port 53 of the server's loopback, to be named in `[dns]` of a gate ([`Dns::tables`]).

use std::{
    fmt::Write as _,
    fs,
    net::{IpAddr, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::lab::Lab;

/// How long a server may take to answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where rbldnsd listens; unbound asks it there.
const LISTS_PORT: u16 = 5353;

/// The name servers of a lab. Ended on drop.
pub struct Dns<'a> {
    lab: &'a Lab,
    dir: PathBuf,
    lists: Vec<&'static str>,
    _unbound: Server,
    _rbldnsd: Server,
}

/// A process that is ended on drop.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a zone fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failing {
    /// No answer comes.
    Silent,
    /// The answer is REFUSED.
    Refusing,
}

/// What there is of a list besides its test points: networks, a line each as rbldnsd takes them.
pub struct List {
    /// Its zone.
    pub zone: &'static str,
    /// Its lines.
    pub lines: &'static str,
}

/// The test points that every list must have (RFC 5782 section 5).
const TEST_POINT: &str = "127.0.0.2 :127.0.0.2:a test point\n";

impl<'a> Dns<'a> {
    /// Starts both. Of reverse names there are none but those that [`Dns::name`] gives: every other
    /// address has no PTR.
    ///
    /// # Errors
    /// They are not installed, or do not answer.
    pub fn start(lab: &'a Lab, lists: &[List]) -> Result<Self> {
        let dir = lab.dir("dns")?;
        // Servers that become somebody else read their files there.
        let mut zones = Vec::new();
        for list in lists {
            write_list(&dir, list.zone, list.lines)?;
            zones.push(format!("{0}:ip4set:{0}", list.zone));
        }
        // It refuses to be root, and to serve nothing.
        write_list(&dir, "none.example", "")?;
        zones.push("none.example:ip4set:none.example".to_owned());
        open(&dir)?;
        let mut rbldnsd = lab.server_command("rbldnsd");
        rbldnsd.args(["-n", "-u", "nobody", "-c", "1s", "-t", "1", "-b"]);
        rbldnsd.arg(format!("127.0.0.1/{LISTS_PORT}"));
        rbldnsd.arg("-w").arg(&dir).args(&zones);
        let rbldnsd = run(rbldnsd)?;
        let config = dir.join("unbound.conf");
        fs::write(&config, configuration(lists))?;
        let mut unbound = lab.server_command("unbound");
        unbound.arg("-d").arg("-p").arg("-c").arg(&config);
        let unbound = run(unbound)?;
        let dns = Self {
            lab,
            dir,
            lists: lists.iter().map(|list| list.zone).collect(),
            _unbound: unbound,
            _rbldnsd: rbldnsd,
        };
        dns.wait()?;
        Ok(dns)
    }

    /// The tables of a configuration that asks these servers: quickly and often.
    pub fn tables(&self) -> String {
        "[dns]\nservers = [\"127.0.0.1\"]\ntimeout = \"1s\"\n\
         [dns.cache]\nmin_ttl = \"1s\"\nmax_ttl = \"1s\"\nmax_negative_ttl = \"1s\"\n\
         [lookup]\nfresh = \"1s\"\nrecheck = \"1s\"\n"
            .to_owned()
    }

    /// Gives `address` the PTR `name`, and the name that address, unless it `resolves_back` to none.
    ///
    /// # Errors
    /// unbound does not take it.
    pub fn name(&self, address: &str, name: &str, resolves_back: bool) -> Result<()> {
        let address: IpAddr = address.parse()?;
        self.control(&[
            "local_data",
            &format!("{} 1 IN PTR {name}.", reverse(address)),
        ])?;
        let kind = if address.is_ipv4() { "A" } else { "AAAA" };
        if resolves_back {
            self.control(&["local_data", &format!("{name}. 1 IN {kind} {address}")])?;
        }
        Ok(())
    }

    /// Lets the resolver answer nothing at all about `zone` from now on, or refuse to.
    ///
    /// # Errors
    /// unbound does not take it.
    pub fn fail(&self, zone: &str, how: Failing) -> Result<()> {
        let how = match how {
            Failing::Silent => "deny",
            Failing::Refusing => "refuse",
        };
        self.control(&["local_zone", &format!("{zone}."), how])
    }

    /// Replaces what a list holds besides its test points; in force within some two seconds.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn hold(&self, zone: &'static str, lines: &str) -> Result<()> {
        ensure!(self.lists.contains(&zone), "no list {zone}");
        // It tells by the time whether a file has changed, to the second.
        thread::sleep(Duration::from_millis(1100));
        write_list(&self.dir, zone, lines)
    }

    /// Waits until `query` for an A record answers, or answers no more.
    ///
    /// # Errors
    /// It does not come about in time.
    pub fn wait_for(&self, query: &str, listed: bool) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while self.has_answer(query)? != listed {
            ensure!(Instant::now() < deadline, "{query} stays as it is");
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.lab.server_command("unbound-control");
        command.arg("-c").arg(self.dir.join("unbound.conf"));
        let output = command.args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "unbound-control {arguments:?}: {said}"
        );
        Ok(())
    }

    /// Until both answer.
    fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        let query = "2.0.0.127.none.example";
        while !self.has_answer(query).unwrap_or(false) {
            if Instant::now() > deadline {
                let log = fs::read_to_string(self.dir.join("unbound.log")).unwrap_or_default();
                bail!("the name servers do not answer: {log}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Whether the resolver answers an A record for `name`.
    fn has_answer(&self, name: &str) -> Result<bool> {
        let query = question(name);
        self.lab.on_server(|| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_read_timeout(Some(Duration::from_millis(500)))?;
            socket.send_to(&query, "127.0.0.1:53")?;
            let mut answer = [0; 512];
            let length = socket.recv(&mut answer)?;
            ensure!(length >= 12 && answer[..2] == query[..2], "another answer");
            // RCODE 0 and records in the answer section (RFC 1035 section 4.1.1).
            let code = answer[3] % 16;
            Ok(code == 0 && (answer[6], answer[7]) != (0, 0))
        })
    }
}

fn run(mut command: Command) -> Result<Server> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.stderr(Stdio::null()).spawn();
    child
        .map(Server)
        .with_context(|| format!("running {command:?}: `cargo xtask test` installs it"))
}

/// A query for the A record of `name` (RFC 1035 section 4.1).
fn question(name: &str) -> Vec<u8> {
    let mut query = vec![0x47, 0x54, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label has 63 octets at most"));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    query
}

/// The name under which the PTR of `address` stands (RFC 1035 section 3.5, RFC 3596 section 2.5).
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(v6) => {
            let nibbles = format!("{:032x}", v6.to_bits());
            let reversed = nibbles.chars().rev();
            reversed.fold(String::new(), |name, nibble| format!("{name}{nibble}.")) + "ip6.arpa."
        }
    }
}

fn write_list(dir: &std::path::Path, zone: &str, lines: &str) -> Result<()> {
    let new = dir.join(format!("{zone}.new"));
    fs::write(
        &new,
        format!("$TTL 1\n$SOA 1 ns.{zone} hostmaster.{zone} 0 1 1 1 1\n{TEST_POINT}{lines}"),
    )?;
    fs::rename(&new, dir.join(zone))?;
    Ok(())
}

/// Lets everybody read what is in `dir`, and reach it.
fn open(dir: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for dir in dir.ancestors().take(3) {
        let mode = fs::metadata(dir)?.permissions().mode() | 0o055;
        fs::set_permissions(dir, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// unbound's configuration: it resolves nothing but what is here.
fn configuration(lists: &[List]) -> String {
    let mut config = String::from(
        "server:\n\
         \x20 interface: 127.0.0.1\n  port: 53\n  do-ip6: no\n  username: \"\"\n  chroot: \"\"\n\
         \x20 directory: \".\"\n  pidfile: \"\"\n  use-syslog: no\n  verbosity: 1\n\
         \x20 do-not-query-localhost: no\n  module-config: \"iterator\"\n\
         \x20 cache-max-ttl: 1\n  cache-max-negative-ttl: 1\n  infra-host-ttl: 1\n\
         \x20 local-zone: \"in-addr.arpa.\" static\n  local-zone: \"ip6.arpa.\" static\n\
         \x20 local-zone: \".\" static\n",
    );
    let zones = lists.iter().map(|list| list.zone).chain(["none.example"]);
    for zone in zones.clone() {
        let _ = writeln!(config, "  local-zone: \"{zone}.\" transparent");
    }
    config.push_str("remote-control:\n  control-enable: yes\n  control-use-cert: no\n  control-interface: 127.0.0.1\n");
    for zone in zones {
        let _ = writeln!(
            config,
            "stub-zone:\n  name: \"{zone}.\"\n  stub-addr: 127.0.0.1@{LISTS_PORT}"
        );
    }
    config
}
