//! Loading the object: its maps pinned, or those that are pinned adopted.

use std::os::fd::{AsFd as _, OwnedFd};

use aya::{Ebpf, EbpfLoader, programs::Xdp};
use gate_common::names;

use super::{
    KernelError, OBJECT,
    pins::{Found, Layout, Pins},
};

/// How much the maps can hold: tries in networks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// Of each block trie.
    pub block: u32,
    /// Of each allow trie.
    pub allow: u32,
    /// Of the table of sources with connections, in buckets: a power of two.
    pub buckets: u32,
}

impl Capacity {
    fn of(self, map: &str) -> Option<u32> {
        match map {
            names::ALLOW_V4 | names::ALLOW_V6 => Some(self.allow),
            names::BLOCK_V4 | names::BLOCK_V6 => Some(self.block),
            names::SOURCES => Some(self.buckets),
            _ => None,
        }
    }
}

/// The object in the kernel.
pub(super) struct Loaded {
    /// aya's hold of it.
    pub(super) ebpf: Ebpf,
    /// What was pinned before.
    pub(super) found: Found,
}

/// Loads the object with its maps pinned under `pins`.
///
/// Pinned maps of the same layout are adopted as they are, full as they are. Beside maps of
/// another layout, new ones are made in the stage.
pub(super) fn load(pins: &Pins, capacity: Capacity) -> Result<Loaded, KernelError> {
    let object = aya_obj::Object::parse(OBJECT).map_err(|error| KernelError::Load {
        source: error.into(),
    })?;
    let wanted = names::MAPS
        .into_iter()
        .map(|name| {
            let map = object.maps.get(name).ok_or(KernelError::Missing(name))?;
            Ok((name, Layout::declared(map, capacity.of(name))))
        })
        .collect::<Result<Vec<_>, KernelError>>()?;
    let found = pins.found(&wanted)?;
    let staged = found == Found::Other;
    pins.prepare(staged)?;

    let mut loader = EbpfLoader::new();
    for name in names::MAPS {
        loader.map_pin_path(name, pins.map(name, staged));
        if let Some(entries) = capacity.of(name) {
            loader.map_max_entries(name, entries);
        }
    }
    let ebpf = loader
        .load(OBJECT)
        .map_err(|source| KernelError::Load { source })?;
    Ok(Loaded { ebpf, found })
}

/// The XDP program of the object.
pub(super) fn program(ebpf: &mut Ebpf) -> Result<&mut Xdp, KernelError> {
    xdp(ebpf, names::PROGRAM)
}

/// The program `correct`, loaded into the kernel.
pub(super) fn corrector(ebpf: &mut Ebpf) -> Result<OwnedFd, KernelError> {
    let program = xdp(ebpf, names::CORRECT)?;
    let failed = |what| {
        move |source| KernelError::Program {
            name: names::CORRECT,
            what,
            source,
        }
    };
    program.load().map_err(failed("loading it"))?;
    let fd = program.fd().map_err(failed("using it"))?;
    let fd = fd.as_fd().try_clone_to_owned();
    fd.map_err(|error| failed("using it")(error.into()))
}

fn xdp<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut Xdp, KernelError> {
    let program = ebpf.program_mut(name).ok_or(KernelError::Missing(name))?;
    program.try_into().map_err(|source| KernelError::Program {
        name,
        what: "taking it as an XDP program",
        source,
    })
}
