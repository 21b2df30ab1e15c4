//! What can go wrong between gate and the kernel.

use std::{io, path::PathBuf};

use crate::{config::Attach, network::Network};

/// What can go wrong between gate and the kernel.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The object could not be loaded.
    #[error(
        "the kernel does not take gate's programs ({}); gate needs Linux 6.1 or later with BTF, and CAP_BPF and CAP_NET_ADMIN",
        root(source)
    )]
    Load {
        /// What aya or the verifier said.
        source: aya::EbpfError,
    },
    /// The program was refused.
    #[error("program `{name}`: {what}: {source}")]
    Program {
        /// Its name.
        name: &'static str,
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: aya::programs::ProgramError,
    },
    /// The embedded object lacks a map or program.
    #[error("the embedded object has no {0}: it was built for another version of gate")]
    Missing(&'static str),
    /// An operation on a map failed.
    #[error("map {map}: {what}: {source}")]
    Map {
        /// The map's name.
        map: &'static str,
        /// What was being done.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel does not tell when the programs that run have ended.
    #[error("waiting for the programs that run: {0}")]
    Wait(io::Error),
    /// A trie is full.
    #[error(
        "{map} is full: its {capacity} entries are in use, {missing} networks are left out, {first} first; raise `gate.max_networks`"
    )]
    Full {
        /// The map's name.
        map: &'static str,
        /// How many entries it can hold.
        capacity: u32,
        /// How many networks are not in it.
        missing: usize,
        /// The first of them.
        first: Network,
    },
    /// The pin directory is not usable.
    #[error("{}: {what}", path.display())]
    Pins {
        /// The file or directory.
        path: PathBuf,
        /// What was being done, or what is wrong.
        what: String,
        /// The kernel's answer, where there is one.
        source: Option<io::Error>,
    },
    /// An interface does not exist.
    #[error("interface `{0}` does not exist")]
    NoInterface(String),
    /// No interface is configured and there is no default route to take one from.
    #[error("there is no default route to take the interface from: name it in `gate.interfaces`")]
    NoDefaultRoute,
    /// Another program is on the interface.
    #[error(
        "interface `{interface}` already carries another XDP program (`bpftool prog show id {id}`); gate replaces nothing: take it off (`ip link set dev {interface} xdp off`) or leave the interface out"
    )]
    Occupied {
        /// The interface.
        interface: String,
        /// The other program's id. Its name takes a right that gated has given up (`CAP_SYS_ADMIN`).
        id: u32,
    },
    /// The interface does not take the program in the mode asked for.
    #[error("interface `{interface}` does not take XDP in mode {}: {source}{hint}", mode.as_str())]
    Attach {
        /// The interface.
        interface: String,
        /// The mode that was tried.
        mode: Attach,
        /// The kernel's answer.
        source: io::Error,
        /// What to do about it.
        hint: &'static str,
    },
    /// A netlink request failed.
    #[error("netlink: {what}: {source}")]
    Netlink {
        /// What was asked.
        what: &'static str,
        /// The kernel's answer.
        source: rtnetlink::Error,
    },
    /// There is no root of the cgroups to attach the `sock_ops` program to.
    #[error("no cgroup v2: {0}")]
    NoCgroup(io::Error),
    /// The table of sockets could not be read.
    #[error("reading the table of sockets (sock_diag): {0}")]
    Sockets(io::Error),
    /// A netlink socket could not be had.
    #[error("netlink socket: {0}")]
    NetlinkSocket(io::Error),
}

/// The innermost cause, where the useful word usually is.
fn root(error: &aya::EbpfError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
