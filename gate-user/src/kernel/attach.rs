//! Putting the program on interfaces, moving links to a new program, and taking them off.
//!
//! One `bpf_link` an interface, pinned, so that the program stays when the daemon goes. An
//! existing link is updated in place: the kernel swaps the program between two packets.

use std::{fmt::Display, fs, io, path::Path};

use aya::programs::{
    ProgramError, Xdp, XdpMode,
    links::{FdLink, PinnedLink},
    xdp::XdpLink,
};
use gate_common::names;

use super::{
    KernelError,
    netlink::{AttachedXdp, Interface, Netlink},
    pins::{self, Pins},
};
use crate::config::Attach;

/// The gate on one interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attachment {
    /// The interface's name.
    pub interface: String,
    /// The interface's number.
    pub index: u32,
    /// The mode in force: `Native` or `Generic`.
    pub mode: Attach,
}

/// Puts `program` on `interface`, or moves the link that is pinned there to it.
///
/// With `Auto` a link that is there keeps its mode. Where the configuration now names the other
/// mode, the link is made anew: the kernel cannot change the mode of one, so that is the one case
/// in which an interface is without the program for an instant.
pub(super) async fn attach(
    program: &mut Xdp,
    pins: &Pins,
    netlink: &Netlink,
    interface: &str,
    mode: Attach,
) -> Result<Attachment, KernelError> {
    let found = netlink.interface(interface).await?;
    let pin = pins.link(interface);
    if pin.exists() {
        let link = pins::link_info(&pin)?;
        let same_mode = mode == Attach::Auto || found.xdp.map(|xdp| xdp.mode) == Some(mode);
        if link.ifindex != found.index {
            // The interface was made anew under the old name.
            pins.unlink(interface)?;
            create(program, pins, &found, mode)?;
        } else if same_mode {
            update(program, pins, interface)?;
        } else {
            change_mode(program, pins, netlink, interface, mode).await?;
        }
    } else {
        create(program, pins, &found, mode)?;
    }
    let now = netlink.interface(interface).await?;
    let Some(AttachedXdp { mode, .. }) = now.xdp else {
        return Err(KernelError::Pins {
            path: pin,
            what: "the kernel took the link, yet no program is on the interface".to_owned(),
            source: None,
        });
    };
    Ok(Attachment {
        interface: interface.to_owned(),
        index: now.index,
        mode,
    })
}

/// Makes the link of `interface` anew in `mode`, or, if that cannot be had, in the one it had.
async fn change_mode(
    program: &mut Xdp,
    pins: &Pins,
    netlink: &Netlink,
    interface: &str,
    mode: Attach,
) -> Result<(), KernelError> {
    let former = netlink.interface(interface).await?.xdp.map(|xdp| xdp.mode);
    pins.unlink(interface)?;
    let bare = netlink.interface(interface).await?;
    create(program, pins, &bare, mode).inspect_err(|_| {
        if let Some(former) = former
            && let Err(error) = create(program, pins, &bare, former)
        {
            tracing::error!(interface, %error, "cannot have the former attachment back");
        }
    })
}

/// Moves the link of an interface that is no longer to be guarded to `program`, for as long as
/// those that are to be cannot be had.
pub(super) fn keep(program: &mut Xdp, pins: &Pins, interface: &str) -> Result<(), KernelError> {
    if pins::link_info(&pins.link(interface))?.ifindex == 0 {
        // The interface has gone.
        return pins.unlink(interface);
    }
    update(program, pins, interface)
}

/// Moves the pinned link to `program` (`BPF_LINK_UPDATE`).
fn update(program: &mut Xdp, pins: &Pins, interface: &str) -> Result<(), KernelError> {
    let pin = pins.link(interface);
    let broken = |error: &dyn std::error::Error| KernelError::Pins {
        path: pins.link(interface),
        what: format!("opening the link: {error}"),
        source: None,
    };
    let link = PinnedLink::from_pin(&pin).map_err(|error| broken(&error))?;
    let link = XdpLink::try_from(FdLink::from(link)).map_err(|error| broken(&error))?;
    let id = program
        .attach_to_link(link)
        .map_err(|source| KernelError::Program {
            name: names::PROGRAM,
            what: "moving a link to it",
            source,
        })?;
    // The pin holds the link; this handle may go.
    program
        .take_link(id)
        .map(drop)
        .map_err(|source| KernelError::Program {
            name: names::PROGRAM,
            what: "keeping its link",
            source,
        })
}

fn create(
    program: &mut Xdp,
    pins: &Pins,
    interface: &Interface,
    mode: Attach,
) -> Result<(), KernelError> {
    if let Some(other) = interface.xdp {
        return Err(occupied(interface, other));
    }
    let result = match mode {
        Attach::Native => create_in(program, pins, interface, Attach::Native),
        Attach::Generic => create_in(program, pins, interface, Attach::Generic),
        Attach::Auto => create_in(program, pins, interface, Attach::Native).or_else(|error| {
            tracing::info!(interface = interface.name, %error, "took generic XDP: native is not to be had");
            create_in(program, pins, interface, Attach::Generic)
        }),
    };
    // Somebody may have come between our look and our attempt.
    match result {
        Err(KernelError::Attach { source, .. }) if source.raw_os_error() == Some(libc::EBUSY) => {
            Err(KernelError::Occupied {
                interface: interface.name.clone(),
                id: 0,
            })
        }
        other => other,
    }
}

fn create_in(
    program: &mut Xdp,
    pins: &Pins,
    interface: &Interface,
    mode: Attach,
) -> Result<(), KernelError> {
    let flags = if mode == Attach::Generic {
        XdpMode::Skb
    } else {
        XdpMode::Driver
    };
    let refused = |source: io::Error| KernelError::Attach {
        interface: interface.name.clone(),
        mode,
        hint: hint(&source, mode),
        source,
    };
    let id = program
        .attach_to_if_index(interface.index, flags)
        .map_err(|error| match error {
            ProgramError::SyscallError(error) => refused(error.io_error),
            other => refused(io::Error::other(other)),
        })?;
    let link = program
        .take_link(id)
        .map_err(|source| KernelError::Program {
            name: names::PROGRAM,
            what: "keeping its link",
            source,
        })?;
    // aya falls back to netlink where the kernel answers EINVAL; such an attachment cannot be
    // pinned, so it would end with the daemon. Dropping it takes it off again.
    let link =
        FdLink::try_from(link).map_err(|_| refused(io::Error::from_raw_os_error(libc::EINVAL)))?;
    let pin = pins.link(&interface.name);
    link.pin(&pin).map(drop).map_err(|error| KernelError::Pins {
        path: pin,
        what: format!("pinning the link: {error}"),
        source: None,
    })
}

fn hint(error: &io::Error, mode: Attach) -> &'static str {
    match (error.raw_os_error(), mode) {
        (Some(libc::EOPNOTSUPP), Attach::Native) => {
            "; its driver has no native XDP: use `attach = \"generic\"` or `\"auto\"`"
        }
        (Some(libc::ERANGE | libc::EINVAL), Attach::Native) => {
            "; a smaller MTU, or turning LRO off (`ethtool -K INTERFACE lro off`), often helps; or use `attach = \"generic\"`"
        }
        (Some(libc::EPERM), _) => "; gated needs CAP_NET_ADMIN and CAP_BPF",
        _ => "",
    }
}

fn occupied(interface: &Interface, other: AttachedXdp) -> KernelError {
    KernelError::Occupied {
        interface: interface.name.clone(),
        id: other.program,
    }
}

/// Pins the program `name`, by `pin_to`, in the place of the former one, which never leaves the place
/// empty.
pub(super) fn pin_program<E: Display>(
    pins: &Pins,
    name: &str,
    pin_to: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), KernelError> {
    let pin = pins.program(name);
    let fresh = pins.program(&format!("{name}-new"));
    let failed = |what: &str, error: &dyn Display| KernelError::Pins {
        path: pin.clone(),
        what: format!("{what}: {error}"),
        source: None,
    };
    if fresh.exists() {
        fs::remove_file(&fresh).map_err(|error| failed("clearing", &error))?;
    }
    pin_to(&fresh).map_err(|error| failed("pinning the program", &error))?;
    fs::rename(&fresh, &pin).map_err(|error| failed("pinning the program", &error))
}
