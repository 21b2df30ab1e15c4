//! Putting the `sock_ops` program on the root of the cgroups, and moving its link to a new one.
//!
//! One pinned `bpf_link`, as for an interface: the counts go on when the daemon goes, and no
//! connection opens or closes unseen between two versions.

use std::{
    fs,
    os::fd::{AsFd as _, OwnedFd},
};

use aya::{
    Ebpf,
    programs::{CgroupAttachMode, ProgramError, SockOps, links::FdLink},
};
use gate_common::names;

use super::{KernelError, attach::pin_program, cgroup, pins::Pins, sys};

/// The program, loaded into the kernel, and the root of the cgroups, which it is for.
pub(super) fn load(ebpf: &mut Ebpf) -> Result<OwnedFd, KernelError> {
    program(ebpf)?
        .load()
        .map_err(|source| failed("loading it", source))?;
    cgroup::root().map_err(KernelError::NoCgroup)
}

/// Puts the program on the `root` of the cgroups, or moves the pinned link to it.
pub(super) fn attach(ebpf: &mut Ebpf, pins: &Pins, root: &OwnedFd) -> Result<(), KernelError> {
    let program = program(ebpf)?;
    let pin = pins.conns();
    if pin.exists() {
        let link = sys::open_pin(&pin).map_err(|error| broken(pins, "opening the link", &error))?;
        let fresh = program.fd().map_err(|source| failed("using it", source))?;
        match sys::update_link(link.as_fd(), fresh.as_fd()) {
            Ok(()) => return pin_program(pins, names::CONNS, |pin| program.pin(pin)),
            // What was pinned is no link of such a program.
            Err(error) => tracing::warn!(%error, "cannot use the link of `conns`; it is made anew"),
        }
        fs::remove_file(&pin).map_err(|error| broken(pins, "removing the link", &error))?;
    }
    create(program, pins, root)?;
    pin_program(pins, names::CONNS, |pin| program.pin(pin))
}

fn create(program: &mut SockOps, pins: &Pins, root: &OwnedFd) -> Result<(), KernelError> {
    // The kernel lets any number of links beside one another, and takes no flag that says so
    // (`cgroup_bpf_link_attach`, kernel/bpf/cgroup.c).
    let id = program
        .attach(root, CgroupAttachMode::Single)
        .map_err(|source| failed("attaching it to the root cgroup", source))?;
    let link = program
        .take_link(id)
        .map_err(|source| failed("keeping its link", source))?;
    let link = FdLink::try_from(link).map_err(|error| broken(pins, "keeping the link", &error))?;
    link.pin(pins.conns())
        .map(drop)
        .map_err(|error| broken(pins, "pinning the link", &error))
}

fn program(ebpf: &mut Ebpf) -> Result<&mut SockOps, KernelError> {
    let program = ebpf
        .program_mut(names::CONNS)
        .ok_or(KernelError::Missing(names::CONNS))?;
    program
        .try_into()
        .map_err(|source| failed("taking it as a sock_ops program", source))
}

fn failed(what: &'static str, source: ProgramError) -> KernelError {
    KernelError::Program {
        name: names::CONNS,
        what,
        source,
    }
}

fn broken(pins: &Pins, what: &str, error: &dyn std::fmt::Display) -> KernelError {
    KernelError::Pins {
        path: pins.conns(),
        what: format!("{what}: {error}"),
        source: None,
    }
}
