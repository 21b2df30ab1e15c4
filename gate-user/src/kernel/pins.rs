//! Where gate's objects are pinned, and what is pinned there already.
//!
//! `prog/NAME`, `link/INTERFACE`, `link/conns`, `map/NAME` under the configured directory; `stage/` holds the
//! maps of another layout while they are being filled beside the ones in force.

use std::{
    fs, io,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use gate_common::{ABI_VERSION, Config, names};

use super::{
    KernelError,
    sys::{self, MapInfo, RawMap},
};

/// `BPF_FS_MAGIC`, include/uapi/linux/magic.h.
const BPF_FS_MAGIC: u64 = 0xcafe_4a11;

/// The place that distributions give the BPF file system.
const DEFAULT_BPFFS: &str = "/sys/fs/bpf";

/// The pin directory of one gate.
#[derive(Clone, Debug)]
pub struct Pins {
    root: PathBuf,
}

/// What an earlier daemon left pinned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// No maps.
    Nothing,
    /// Maps that this version shares.
    Same,
    /// Maps of another layout or ABI version: their gate stays until ours is ready beside it.
    Other,
}

impl Pins {
    /// The directory `root`, made if it is missing, on a BPF file system.
    ///
    /// The BPF file system is mounted at `/sys/fs/bpf` if `root` is there and none is.
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where the directory cannot be made, or is on no BPF file system.
    pub fn open(root: &Path) -> Result<Self, KernelError> {
        mount_default(root)?;
        let pins = Self {
            root: root.to_owned(),
        };
        for directory in [pins.root.clone(), pins.links(), pins.root.join("prog")] {
            make(&directory)?;
        }
        on_bpffs(root)?;
        Ok(pins)
    }

    /// The directory `root` as somebody has left it, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where it is on no BPF file system: nothing in there is gate's.
    pub fn left(root: &Path) -> Result<Option<Self>, KernelError> {
        if !root.is_dir() {
            return Ok(None);
        }
        on_bpffs(root)?;
        Ok(Some(Self {
            root: root.to_owned(),
        }))
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn maps(&self) -> PathBuf {
        self.root.join("map")
    }

    fn stage(&self) -> PathBuf {
        self.root.join("stage")
    }

    fn links(&self) -> PathBuf {
        self.root.join("link")
    }

    /// The pin of the link of `interface`.
    ///
    /// The BPF file system takes no dot in a name (`bpf_lookup`, kernel/bpf/inode.c) and an
    /// interface no colon, so `eth0.100` is pinned as `eth0:100`.
    pub fn link(&self, interface: &str) -> PathBuf {
        self.links().join(interface.replace('.', ":"))
    }

    /// The pin of the link of the `sock_ops` program. No interface can be called so
    /// ([`InterfaceName`](crate::config::InterfaceName)).
    pub fn conns(&self) -> PathBuf {
        self.links().join(names::CONNS)
    }

    /// The pin of the program of that name.
    pub fn program(&self, name: &str) -> PathBuf {
        self.root.join("prog").join(name)
    }

    /// The pin of a map: in force, or staged.
    pub fn map(&self, name: &str, staged: bool) -> PathBuf {
        if staged { self.stage() } else { self.maps() }.join(name)
    }

    /// Interfaces that have a pinned link.
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where the directory cannot be read.
    pub fn linked(&self) -> Result<Vec<String>, KernelError> {
        let directory = self.links();
        let mut linked = Vec::new();
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(linked),
            entries => entries.map_err(|error| at(&directory, "reading", error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| at(&directory, "reading", error))?;
            let name = entry.file_name().into_string();
            linked.extend(name.map(|name| name.replace(':', ".")));
        }
        linked.retain(|name| name != names::CONNS);
        linked.sort();
        Ok(linked)
    }

    /// What is pinned, compared with the maps in `wanted` (name and layout).
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where something is pinned that cannot be opened.
    pub(super) fn found(&self, wanted: &[(&'static str, Layout)]) -> Result<Found, KernelError> {
        if !self.maps().exists() {
            return Ok(Found::Nothing);
        }
        for (name, layout) in wanted {
            let path = self.map(name, false);
            if !path.exists() {
                return Ok(Found::Other);
            }
            let map = open_map(&path)?;
            if Layout::of(&map.info) != *layout {
                return Ok(Found::Other);
            }
        }
        let config = open_map(&self.map(names::CONFIG, false))?;
        let mut value = [0; size_of::<Config>()];
        config
            .lookup(&0u32, &mut value, 1)
            .map_err(|error| at(&self.map(names::CONFIG, false), "reading", error))?;
        let config: Config = bytemuck::pod_read_unaligned(&value);
        // A daemon that died between making the maps and writing CONFIG left zero there.
        Ok(if config.abi == ABI_VERSION || config.abi == 0 {
            Found::Same
        } else {
            Found::Other
        })
    }

    /// Makes the directory for maps: the one in force, or an empty stage. What a start that was
    /// cut off left in the stage goes.
    pub(super) fn prepare(&self, staged: bool) -> Result<(), KernelError> {
        clear(&self.stage())?;
        make(&if staged { self.stage() } else { self.maps() })
    }

    /// Puts the staged maps in the place of the former ones.
    ///
    /// The programs hold their maps themselves: were we killed between the two steps, the next
    /// start would find no maps pinned, make new ones, and move the links over once more.
    pub(super) fn promote(&self) -> Result<(), KernelError> {
        clear(&self.maps())?;
        fs::rename(self.stage(), self.maps())
            .map_err(|error| at(&self.stage(), "renaming to `map`", error))
    }

    /// Takes the program off `interface`, if its link is pinned; it is off when this returns.
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where the pin cannot be removed.
    pub(super) fn unlink(&self, interface: &str) -> Result<(), KernelError> {
        let pin = self.link(interface);
        // The kernel lets go of a link some time after its pin has gone, but at once when its
        // last descriptor is closed (`bpf_link_release`, kernel/bpf/syscall.c).
        let link = sys::open_pin(&pin).ok();
        let removed = fs::remove_file(&pin);
        drop(link);
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(at(&pin, "removing the link", error))
            }
            _ => Ok(()),
        }
    }

    /// Takes away everything pinned: links first, so that the gate is off the wire before its
    /// maps go.
    ///
    /// # Errors
    ///
    /// [`KernelError::Pins`] where something cannot be removed.
    pub fn remove(&self) -> Result<(), KernelError> {
        for interface in self.linked()? {
            self.unlink(&interface)?;
        }
        self.unlink(names::CONNS)?;
        for directory in [
            self.links(),
            self.root.join("prog"),
            self.maps(),
            self.stage(),
        ] {
            clear(&directory)?;
        }
        fs::remove_dir(&self.root).or_else(|error| match error.kind() {
            // Not ours alone: somebody keeps other pins there.
            io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty => Ok(()),
            _ => Err(at(&self.root, "removing", error)),
        })
    }
}

fn make(directory: &Path) -> Result<(), KernelError> {
    fs::create_dir_all(directory).map_err(|error| at(directory, "making the directory", error))
}

fn clear(directory: &Path) -> Result<(), KernelError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(at(directory, "removing", error))
        }
        _ => Ok(()),
    }
}

/// What makes two maps exchangeable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Layout {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
}

impl Layout {
    /// The layout of a map that is there.
    pub(super) fn of(info: &MapInfo) -> Self {
        Self {
            map_type: info.map_type,
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            map_flags: info.map_flags,
        }
    }

    /// The layout that the object declares, with `max_entries` where the loader sets another.
    pub(super) fn declared(map: &aya_obj::Map, max_entries: Option<u32>) -> Self {
        Self {
            map_type: map.map_type(),
            key_size: map.key_size(),
            value_size: map.value_size(),
            max_entries: max_entries.unwrap_or_else(|| map.max_entries()),
            map_flags: map.map_flags(),
        }
    }
}

fn open_map(path: &Path) -> Result<RawMap, KernelError> {
    sys::open_pin(path)
        .and_then(RawMap::new)
        .map_err(|error| at(path, "opening the pinned map", error))
}

fn at(path: &Path, what: &str, source: io::Error) -> KernelError {
    KernelError::Pins {
        path: path.to_owned(),
        what: format!("{what}: {source}"),
        source: Some(source),
    }
}

/// Mounts the BPF file system at its usual place, where a boot without systemd leaves it out.
fn mount_default(root: &Path) -> Result<(), KernelError> {
    let place = Path::new(DEFAULT_BPFFS);
    if !root.starts_with(place) {
        return Ok(());
    }
    if is_bpffs(place)? {
        return Ok(());
    }
    rustix::mount::mount(
        "bpf",
        place,
        "bpf",
        rustix::mount::MountFlags::empty(),
        None,
    )
    .map_err(|error| at(place, "mounting the BPF file system", error.into()))
}

fn is_bpffs(path: &Path) -> Result<bool, KernelError> {
    let kind = rustix::fs::statfs(path)
        .map_err(|error| at(path, "reading its file system", error.into()))?;
    #[expect(clippy::cast_sign_loss, reason = "f_type is a bit pattern")]
    let kind = kind.f_type as u64;
    Ok(kind == BPF_FS_MAGIC)
}

/// An error where `root` is on another file system: what is in there is somebody else's.
fn on_bpffs(root: &Path) -> Result<(), KernelError> {
    if is_bpffs(root)? {
        return Ok(());
    }
    Err(KernelError::Pins {
        path: root.to_owned(),
        what: "is not on a BPF file system; mount one (`mount -t bpf bpf DIRECTORY`) or choose a directory under /sys/fs/bpf for `paths.pins`".to_owned(),
        source: None,
    })
}

/// What the kernel says of the pinned link at `path`.
pub(super) fn link_info(path: &Path) -> Result<sys::XdpLinkInfo, KernelError> {
    sys::open_pin(path)
        .and_then(|link| sys::info(link.as_fd()))
        .map_err(|error| at(path, "opening the pinned link", error))
}
