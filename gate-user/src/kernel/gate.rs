//! The gate in the kernel, as its one writer holds it.

use std::{os::fd::OwnedFd, path::Path, sync::Arc};

use aya::{Ebpf, maps::RingBuf};
use aya_log::EbpfLogger;
use gate_common::{Config, Limits, MAX_PORTS, Mode, Rate, Reason, names};

use super::{
    KernelError,
    attach::{self, Attachment},
    conns,
    events::Events,
    grace,
    index::{Fill, Index},
    load::{self, Capacity},
    maps::Maps,
    netlink::Netlink,
    pins::{self, Found, Pins},
    sys,
};
use crate::{
    config::Attach,
    network::Network,
    plan::{Diff, Table},
};

/// What the program is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// What it does with the SYN of a listed source.
    pub mode: Mode,
    /// Guarded ports; at most [`MAX_PORTS`], the rest is left out.
    pub ports: Vec<u16>,
    /// One report in this many drops, for each CPU; 0 for none.
    pub sample: u32,
    /// The limits of a source that nothing makes an exception for.
    pub limits: Limits,
    /// SYNs of a source that nothing lists, in [`SYN_UNIT`](gate_common::SYN_UNIT)s.
    pub syn_rate: Rate,
    /// SYNs of a listed source that pass, by [`Reason::slot`], in
    /// [`COURTESY_UNIT`](gate_common::COURTESY_UNIT)s.
    pub courtesy: [Rate; Reason::SLOTS],
    /// Whether there is a flood: no courtesy then.
    pub flood: bool,
}

/// The gate in the kernel. Dropping it leaves everything on the wire, enforcing.
pub struct Gate {
    pins: Pins,
    netlink: Netlink,
    ebpf: Ebpf,
    maps: Arc<Maps>,
    index: Index,
    found: Found,
    staged: bool,
    attachments: Vec<Attachment>,
    /// The root of the cgroups, where the kernel counts connections, or why it does not.
    counting: Result<OwnedFd, String>,
    netns: u64,
}

impl Gate {
    /// Loads the programs, adopting what is pinned under `pins` where it is of this version. The
    /// one step that takes the right to load programs and to make maps.
    ///
    /// Nothing on the wire changes yet: fill the table with [`Gate::apply`], give the settings
    /// with [`Gate::configure`], then [`Gate::enforce`].
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where the pin directory is not usable, [`KernelError::Load`] where
    /// the kernel refuses the programs.
    pub fn open(pins: &Path, capacity: Capacity, netlink: Netlink) -> Result<Self, KernelError> {
        let pins = Pins::open(pins)?;
        let load::Loaded { mut ebpf, found } = load::load(&pins, capacity)?;
        // The logger must have its map before the program is loaded, and aya keeps none of it.
        let logger = EbpfLogger::init(&mut ebpf);
        load::program(&mut ebpf)?
            .load()
            .map_err(|source| KernelError::Program {
                name: names::PROGRAM,
                what: "loading it",
                source,
            })?;
        // Whatever keeps connections from being counted keeps no listed source from being dropped.
        let netns = sys::netns_cookie();
        let counting = conns::load(&mut ebpf)
            .map_err(|error| error.to_string())
            .and_then(|root| match &netns {
                Ok(_) => Ok(root),
                Err(error) => Err(error.to_string()),
            });
        grace::prepare();
        match logger {
            Ok(logger) => spawn_logger(logger),
            Err(error) => tracing::warn!(%error, "cannot read the program's log"),
        }
        let corrector = load::corrector(&mut ebpf)?;
        let maps = Arc::new(Maps::new(&ebpf, corrector)?);
        let index = Index::new(&ebpf, found != Found::Same)?;
        Ok(Self {
            pins,
            netlink,
            ebpf,
            maps,
            index,
            found,
            staged: found == Found::Other,
            attachments: Vec::new(),
            counting,
            netns: netns.unwrap_or_default(),
        })
    }

    /// What was pinned before.
    pub fn found(&self) -> Found {
        self.found
    }

    /// The maps, for reading; shared.
    pub fn maps(&self) -> &Arc<Maps> {
        &self.maps
    }

    /// Where the gate is on the wire.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Whether the kernel counts connections, or why it does not.
    ///
    /// # Errors
    ///
    /// What keeps it from that, in words.
    pub fn counting(&self) -> Result<(), &str> {
        self.counting.as_ref().map(drop).map_err(String::as_str)
    }

    /// Tells the programs their settings, at once and for all interfaces.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn configure(&mut self, settings: &Settings) -> Result<(), KernelError> {
        let former = self.maps.config()?;
        let ports = assign_slots(former.ports, &settings.ports);
        let config = Config {
            buckets: self.maps.buckets(),
            netns: self.netns,
            limits: settings.limits,
            syn_rate: settings.syn_rate,
            courtesy: settings.courtesy,
            flood: settings.flood.into(),
            ..Config::new(settings.mode, settings.sample, ports)
        };
        self.maps
            .config
            .update(&0u32, &config)
            .map_err(|source| KernelError::Map {
                map: names::CONFIG,
                what: "writing",
                source,
            })
    }

    /// Makes `exceptions` all the networks that have other limits than everybody.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn except(&mut self, exceptions: &[(Network, Limits)]) -> Result<(), KernelError> {
        self.maps.exceptions.set(exceptions)
    }

    /// Carries out a difference of plans: in the index first, so that it is in force at once, then
    /// in the tries. [`Gate::reconcile`] comes before the first one, or else the tries are read
    /// back for it.
    ///
    /// Each address is decided by the index or by the tries, and either takes it from the former
    /// table to the next without a third decision between: which one is ahead does not matter.
    ///
    /// # Errors
    ///
    /// [`KernelError::Full`] when a trie has no room: everything else is done.
    /// [`KernelError::Map`] when the kernel refuses something: what is left shows as drift.
    pub fn apply(&mut self, diff: &Diff) -> Result<(), KernelError> {
        if !self.index.is_known() {
            let mut plan = self.maps.read_back()?;
            diff.apply(&mut plan);
            return self.reconcile(&plan, diff);
        }
        self.index.apply(diff)?;
        self.maps.tables.apply(diff)
    }

    /// Puts what was pinned in order: the index says what `plan` does, and the tries, which differ
    /// from it by `diff`, too.
    ///
    /// # Errors
    ///
    /// As [`Gate::apply`].
    pub fn reconcile(&mut self, plan: &Table, diff: &Diff) -> Result<(), KernelError> {
        if self.index.is_known() {
            return self.apply(diff);
        }
        self.index.adopt(plan)?;
        self.maps.tables.apply(diff)
    }

    /// How full the index is.
    pub fn fill(&self) -> Fill {
        self.index.fill()
    }

    /// Puts the gate on `interfaces`, moves the links that are there to this program, and takes
    /// it off the interfaces that are no longer named.
    ///
    /// Every interface is tried; those that fail are returned with their error. While any does,
    /// the gate stays on those that are no longer named: a slip in the configuration must not
    /// open it.
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where the pins cannot be put in order.
    pub async fn enforce(
        &mut self,
        interfaces: &[String],
        mode: Attach,
    ) -> Result<Vec<(String, KernelError)>, KernelError> {
        let mut failed = Vec::new();
        let mut attachments = Vec::new();
        for interface in interfaces {
            let program = load::program(&mut self.ebpf)?;
            match attach::attach(program, &self.pins, &self.netlink, interface, mode).await {
                Ok(attachment) => attachments.push(attachment),
                Err(error) => failed.push((interface.clone(), error)),
            }
        }
        for former in self.pins.linked()? {
            if interfaces.contains(&former) {
                continue;
            }
            if failed.is_empty() {
                self.pins.unlink(&former)?;
            } else {
                match attach::keep(load::program(&mut self.ebpf)?, &self.pins, &former) {
                    Ok(()) => tracing::warn!(
                        interface = former,
                        "kept an interface guarded, because not all that are to be guarded can be"
                    ),
                    // What is on it stays on it.
                    Err(error) => {
                        tracing::error!(interface = former, %error, "cannot upgrade an interface");
                    }
                }
            }
        }
        self.attachments = attachments;
        let program = load::program(&mut self.ebpf)?;
        attach::pin_program(&self.pins, names::PROGRAM, |pin| program.pin(pin))?;
        if let Ok(root) = &self.counting
            && let Err(error) = conns::attach(&mut self.ebpf, &self.pins, root)
        {
            tracing::warn!(%error, "cannot have the kernel count connections");
            self.counting = Err(error.to_string());
        }
        if self.staged {
            self.pins.promote()?;
            self.staged = false;
        }
        Ok(failed)
    }

    /// Whether the gate is on all of `interfaces` still: one may have gone, or have been made anew.
    pub fn stands_on(&self, interfaces: &[String]) -> bool {
        self.attachments.len() == interfaces.len()
            && self.attachments.iter().all(|attachment| {
                let link = pins::link_info(&self.pins.link(&attachment.interface));
                interfaces.contains(&attachment.interface)
                    && link.is_ok_and(|link| link.ifindex == attachment.index)
            })
    }

    /// The reading end of the ring buffer; there is one.
    ///
    /// # Errors
    ///
    /// [`KernelError::Missing`] the second time, [`KernelError::Map`] where it cannot be mapped.
    pub fn events(&mut self) -> Result<Events, KernelError> {
        let map = self
            .ebpf
            .take_map(names::EVENTS)
            .ok_or(KernelError::Missing(names::EVENTS))?;
        let failed = |source| KernelError::Map {
            map: names::EVENTS,
            what: "mapping",
            source,
        };
        let ring = RingBuf::try_from(map).map_err(|error| failed(std::io::Error::other(error)))?;
        Events::new(ring).map_err(failed)
    }

    /// Takes the gate off the wire and removes its pins.
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`].
    pub fn detach(self) -> Result<(), KernelError> {
        self.pins.remove()
    }
}

/// Gives each guarded port a slot: the one it has, or else a free one (see [`Config::ports`]).
fn assign_slots(former: [u16; MAX_PORTS], wanted: &[u16]) -> [u16; MAX_PORTS] {
    let mut slots = former.map(|port| if wanted.contains(&port) { port } else { 0 });
    for &port in wanted {
        if !slots.contains(&port)
            && let Some(free) = slots.iter_mut().find(|slot| **slot == 0)
        {
            *free = port;
        }
    }
    slots
}

/// Forwards what the program logs, which is what should never happen.
fn spawn_logger(logger: EbpfLogger<&'static dyn log::Log>) {
    let logger = match sys::watch(logger) {
        Ok(logger) => logger,
        Err(error) => {
            tracing::warn!(%error, "cannot read the program's log");
            return;
        }
    };
    tokio::spawn(async move {
        let mut logger = logger;
        while let Ok(mut guard) = logger.readable_mut().await {
            guard.get_inner_mut().flush();
            guard.clear_ready();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_keeps_its_slot() {
        for (former, wanted, expected) in [
            ([0; 8], &[25][..], [25, 0, 0, 0, 0, 0, 0, 0]),
            (
                [25, 465, 0, 0, 0, 0, 0, 0],
                &[465],
                [0, 465, 0, 0, 0, 0, 0, 0],
            ),
            (
                [0, 465, 0, 0, 0, 0, 0, 0],
                &[587, 465],
                [587, 465, 0, 0, 0, 0, 0, 0],
            ),
            (
                [25, 0, 0, 0, 0, 0, 0, 0],
                &[587, 25],
                [25, 587, 0, 0, 0, 0, 0, 0],
            ),
            ([1, 2, 3, 4, 5, 6, 7, 8], &[9, 8], [9, 0, 0, 0, 0, 0, 0, 8]),
        ] {
            assert_eq!(
                assign_slots(former, wanted),
                expected,
                "{former:?} {wanted:?}"
            );
        }
    }
}
