//! A network of its own for every test: a server and its clients, on this machine's real kernel.
//!
//! The server is one network namespace, its clients are another, veth pairs join them. Every
//! public IPv4 and IPv6 address is a client's: a test connects from where it likes. A greeter
//! answers on port 25 of the server, and [`Lab::gate`] puts a gate in front of it.
//!
//! In: root. Out: what became of a connection. All of it is gone when the [`Lab`] is dropped; what
//! a killed run left behind goes when the next one starts.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU8, Ordering},
    thread,
};

use anyhow::{Context as _, Result};

mod attempt;
mod crowd;
mod files;
pub mod forged;
mod gate;
pub mod greeter;
mod host;
pub(crate) mod namespace;
pub mod probe;
mod process;
mod tags;

pub use attempt::{Attempt, Connecting, connect_all};
pub use crowd::{End, Held, by_source, source};
use files::Workspace;
pub use gate::{Gate, GateBuilder, Said};
pub use host::Host;
use namespace::Namespace;
pub use probe::{Outcome, Tally};
use process::Running;
pub use process::program;
pub use tags::{Tagging, Tags};

/// What the lab's namespaces and directories are called, before the process and a number.
pub(crate) const PREFIX: &str = "gate-lab-";

/// The guarded port, where the greeter listens.
pub const SMTP: u16 = 25;

/// A port that nobody guards, where the greeter listens as well.
pub const SUBMISSION: u16 = 587;

/// A server and its clients. Unmade on drop.
pub struct Lab {
    // In this order: who lives in a namespace goes before it.
    greeter: Option<Running>,
    server: Namespace,
    clients: Namespace,
    workspace: Workspace,
    links: AtomicU8,
    first: Link,
}

/// One way from the clients to the server: a veth pair.
#[derive(Clone, Debug)]
pub struct Link {
    number: u8,
    device: String,
}

impl Link {
    /// The interface's name, the same on both sides.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The server's address on this link, in the family of `client`.
    pub fn server(&self, client: IpAddr) -> IpAddr {
        self.address(client, 1)
    }

    /// The clients' own address on this link, in the family of `server`.
    pub fn client(&self, server: IpAddr) -> IpAddr {
        self.address(server, 2)
    }

    fn address(&self, family: IpAddr, host: u8) -> IpAddr {
        match family {
            IpAddr::V4(_) => Ipv4Addr::new(10, 25, self.number, host).into(),
            IpAddr::V6(_) => {
                Ipv6Addr::new(0xfd25, self.number.into(), 0, 0, 0, 0, 0, host.into()).into()
            }
        }
    }
}

impl Lab {
    /// Makes the namespaces, one link between them, and starts the greeter.
    ///
    /// # Errors
    /// This is not root, or `ip` or `ethtool` is missing or fails: the error says what it said.
    pub fn new() -> Result<Self> {
        files::sweep();
        let workspace = Workspace::new()?;
        let server = Namespace::new(workspace.name(), "server")?;
        let clients = Namespace::new(workspace.name(), "clients")?;
        // Every public address is here. The rest of 10.0.0.0/8 and of fc00::/7 is not: the links'
        // networks are there.
        clients.ip(&[
            "route add local 0.0.0.0/0 dev lo table local",
            "route add throw 10.0.0.0/8 table local",
            "route add local 2000::/3 dev lo table local",
        ])?;
        let first = Link {
            number: 0,
            device: "eth0".to_owned(),
        };
        join(&server, &clients, &first)?;
        server.ip(&[
            "route add default via 10.25.0.2",
            "route add default via fd25:0::2",
        ])?;
        let mut greet = server.command(program("gate-lab")?);
        greet.args(["greet", &SMTP.to_string(), &SUBMISSION.to_string()]);
        let greeter = Running::start_ready(&mut greet).context("starting the greeter")?;
        Ok(Self {
            greeter: Some(greeter),
            server,
            clients,
            workspace,
            links: AtomicU8::new(1),
            first,
        })
    }

    /// The link that every lab has: `eth0`, where the server's default route leaves.
    pub fn link(&self) -> &Link {
        &self.first
    }

    /// Ends the greeter as `kill -9` does: the kernel resets its connections.
    pub fn kill_greeter(&mut self) {
        self.greeter = None;
    }

    /// Joins server and clients by one more veth pair.
    ///
    /// # Errors
    /// As [`Lab::new`].
    pub fn add_link(&self) -> Result<Link> {
        let number = self.links.fetch_add(1, Ordering::Relaxed);
        let device = format!("eth{number}");
        let link = Link { number, device };
        join(&self.server, &self.clients, &link)?;
        // What came over this link is answered over it.
        let device = link.device();
        let table = 100 + u32::from(number);
        self.server.ip(&[
            &format!("route add default via 10.25.{number}.2 dev {device} table {table}"),
            &format!("route add default via fd25:{number:x}::2 dev {device} table {table}"),
            &format!("rule add from 10.25.{number}.1 lookup {table}"),
        ])?;
        let (source, table) = (format!("fd25:{number:x}::1"), table.to_string());
        let rule = ["-6", "rule", "add", "from", &source, "lookup", &table];
        self.server.run("ip", &rule)?;
        Ok(link)
    }

    /// A connection to the greeter, to be made from the client address `from`.
    ///
    /// # Panics
    /// `from` is not an address.
    pub fn from(&self, from: &str) -> Attempt<'_> {
        let from = from.parse().expect("an IPv4 or IPv6 address");
        Attempt::new(&self.clients, from, &self.first)
    }

    /// Connects to the greeter from the client address `from`, and takes leave again.
    ///
    /// # Errors
    /// The connection neither comes about, nor is refused, nor times out.
    ///
    /// # Panics
    /// `from` is not an address.
    pub fn connect(&self, from: &str) -> Result<Outcome> {
        self.from(from).connect()
    }

    /// Puts VLAN tags into the clients' frames on `link`, as long as what it returns lives.
    ///
    /// # Errors
    /// `ethtool` is missing or fails, or the kernel does not take the program.
    pub fn tag(&self, link: &Link, tags: Tags) -> Result<Tagging<'_>> {
        Tagging::start(&self.clients, link.device(), tags)
    }

    /// Makes the server answer nothing to `network`: to its clients it looks as if gated, by no gate.
    ///
    /// # Errors
    /// `network` is none.
    pub fn blackhole(&self, network: &str) -> Result<()> {
        self.server.ip(&[&format!("route add blackhole {network}")])
    }

    /// Does `work` on the server: what it opens is in there.
    ///
    /// # Errors
    /// Of `work`, or the server cannot be entered.
    ///
    /// # Panics
    /// `work` does.
    pub fn on_server<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let inside = || {
            self.server.enter()?;
            work()
        };
        thread::scope(|scope| scope.spawn(inside).join()).expect("the work does not panic")
    }

    /// Does `work` among the clients: what it opens is in there.
    ///
    /// # Errors
    /// Of `work`, or the clients' side cannot be entered.
    ///
    /// # Panics
    /// `work` does.
    pub fn on_clients<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let inside = || {
            self.clients.enter()?;
            work()
        };
        thread::scope(|scope| scope.spawn(inside).join()).expect("the work does not panic")
    }

    /// Connections to the server's port `port` by source, as its own table of sockets has them.
    ///
    /// # Errors
    /// `ss` is missing (Debian: iproute2) or fails.
    pub fn sockets(&self, port: u16) -> Result<BTreeMap<IpAddr, u64>> {
        let filter = format!("sport = :{port}");
        let ss = self
            .server
            .run("ss", &["-Htano", "state", "connected", &filter])?;
        by_source(&ss)
    }

    /// `program`, to be run on the server.
    pub fn server_command(&self, program: &str) -> Command {
        self.server.command(program)
    }

    /// The directory `name` in the lab's, made if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn dir(&self, name: &str) -> Result<PathBuf> {
        self.workspace.dir(&format!("files/{name}"))
    }

    /// Writes the file `name` into the lab's directory, such as a block list; its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn file(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.workspace.dir("files")?.join(name);
        fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// The server as a host that never had a gate, where lines of the documents are typed.
    ///
    /// # Errors
    /// A file system cannot be mounted.
    pub fn host(&self) -> Result<Host<'_>> {
        Host::new(&self.server, &self.workspace)
    }

    /// A gate for this server, to be configured and started.
    pub fn gate(&self) -> GateBuilder<'_> {
        GateBuilder::new(&self.server, &self.workspace, &self.first)
    }
}

/// Makes the veth pair of `link` and gives each side its addresses.
fn join(server: &Namespace, clients: &Namespace, link: &Link) -> Result<()> {
    let Link { number, device } = link;
    let peer = clients.name();
    server.ip(&[&format!(
        "link add {device} type veth peer name {device} netns {peer}"
    )])?;
    for (side, host) in [(server, 1), (clients, 2)] {
        // Turns NAPI on, without which a veth drops what its peer's XDP program redirects.
        side.run("ethtool", &["-K", device, "gro", "on"])?;
        side.ip(&[
            &format!("address add 10.25.{number}.{host}/24 dev {device}"),
            &format!("address add fd25:{number:x}::{host}/64 dev {device} nodad"),
            &format!("link set {device} up"),
        ])?;
    }
    Ok(())
}
