//! Linux's own network stack as a judge of frames: does it answer them as a connection request?
//!
//! In: frames. Out: whether a listening socket took them for a SYN. The stack is one of a network
//! namespace of its own, and gets the frames as if an interface there had received them.

use std::{
    collections::BTreeSet,
    fs, io, mem,
    net::{Ipv6Addr, TcpListener},
    process, thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use gate_common::Mode;
use rustix::net::{AddressFamily, SocketType, netdevice::name_to_index, socket};

use crate::{
    lab::{PREFIX, namespace::Namespace},
    xdp::Gate,
};

/// The interface that receives. It has the addresses that [`crate::packet`] sends to.
const INTERFACE: &str = "gate0";

/// A network namespace with an address for each family, seen from a thread inside it.
pub struct Stack {
    /// The program that hands frames to the stack, as it is `off`.
    through: Gate,
    ifindex: u32,
    /// The other ends of half-open connections when it was last asked.
    half_open: BTreeSet<String>,
}

impl Stack {
    /// Runs `test` with a stack.
    ///
    /// # Panics
    ///
    /// If `test` does, or if there can be no stack: that needs root, and `ip` (Debian: iproute2).
    pub fn with(name: &str, test: impl FnOnce(&mut Self) + Send) {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                // A child of a namespace can have a small table of connections, which is read
                // sooner than the machine's.
                let parent = enter(&format!("{name}-parent"));
                set("tcp_child_ehash_entries", "64");
                let child = enter(name);
                drop(parent);
                let stack = Self::new(&child);
                test(&mut stack.unwrap_or_else(|error| panic!("making a stack: {error:#}")));
            });
            if let Err(panic) = inside.join() {
                std::panic::resume_unwind(panic);
            }
        });
    }

    fn new(namespace: &Namespace) -> Result<Self> {
        let link =
            format!("link add {INTERFACE} address 02:00:00:00:00:02 type veth peer name gate1");
        namespace.ip(&[
            &link,
            "link set gate1 up",
            &format!("link set {INTERFACE} up"),
            &format!("addr add 198.18.0.25/16 dev {INTERFACE}"),
            &format!("addr add 2001:db8:25::25/64 dev {INTERFACE} nodad"),
            &format!("route add 0.0.0.0/0 dev {INTERFACE}"),
            &format!("route add 2000::/3 dev {INTERFACE}"),
        ])?;
        // A connection that stays half open is given up after a second.
        set("tcp_synack_retries", "0");
        let mut through = Gate::load();
        through.configure(Mode::Off, 0, &[]);
        through.attach(INTERFACE);
        let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
        Ok(Self {
            through,
            ifindex: name_to_index(socket, INTERFACE)?,
            half_open: BTreeSet::new(),
        })
    }

    /// Whether the stack answers these frames as one SYN to port 25: a socket that listens there
    /// then knows a connection that is half open. No two calls may be for the same source port.
    ///
    /// # Panics
    ///
    /// If nobody can listen, or what the kernel tells of its connections cannot be read.
    pub fn answers(&mut self, frames: &[Vec<u8>]) -> bool {
        let listener = listen();
        for frame in frames {
            self.through.give(frame, self.ifindex);
        }
        drop(listener);
        let before = mem::replace(&mut self.half_open, settled(half_open));
        self.half_open.difference(&before).next().is_some()
    }
}

/// Listens on port 25. A program that another thread starts has the last listener, too, from fork to
/// exec (fcntl(2), `FD_CLOEXEC`): that is waited out.
fn listen() -> TcpListener {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 25)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            listener => return listener.expect("listening"),
        }
    }
}

/// Makes a network namespace as a child of the one that this thread is in, and moves it there.
fn enter(name: &str) -> Namespace {
    let namespace = Namespace::new(&format!("{PREFIX}{}", process::id()), name);
    let namespace = namespace.unwrap_or_else(|error| panic!("a network namespace: {error:#}"));
    namespace
        .enter()
        .unwrap_or_else(|error| panic!("{error:#}"));
    namespace
}

fn set(key: &str, value: &str) {
    fs::write(format!("/proc/sys/net/ipv4/{key}"), value)
        .unwrap_or_else(|error| panic!("net.ipv4.{key}: {error}"));
}

/// What two looks in a row agree on. The kernel gives out its table page by page, and what ends in
/// between makes it pass over a line.
fn settled<T: PartialEq>(look: impl Fn() -> T) -> T {
    let mut last = look();
    loop {
        let now = look();
        if now == last {
            return now;
        }
        last = now;
    }
}

/// The other ends of connections that this thread's network stack has half open.
fn half_open() -> BTreeSet<String> {
    let tables = ["tcp", "tcp6"].map(|table| {
        fs::read_to_string(format!("/proc/thread-self/net/{table}")).expect("the connections")
    });
    let connections = tables.iter().flat_map(|table| table.lines());
    connections
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        // Column 2 is the other end, column 3 the state; 3 is SYN_RECV, include/net/tcp_states.h.
        .filter(|columns| columns.get(3) == Some(&"03"))
        .map(|columns| columns[2].to_owned())
        .collect()
}
