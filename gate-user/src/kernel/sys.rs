//! `bpf(2)`, for what aya does not offer: batches, exact look-ups by byte layout, link and map
//! information (`include/uapi/linux/bpf.h`, `union bpf_attr`).
//!
//! Everything here is safe to call: sizes are checked against the map's own before the kernel
//! reads or writes a buffer.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use aya::maps::MapData;
use bytemuck::{Pod, Zeroable};
use tokio::io::{Interest, unix::AsyncFd};

use super::KernelError;

const BPF_MAP_CREATE: libc::c_int = 0;
const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_OBJ_GET: libc::c_int = 7;
const BPF_PROG_TEST_RUN: libc::c_int = 10;
const BPF_OBJ_GET_INFO_BY_FD: libc::c_int = 15;
const BPF_LINK_UPDATE: libc::c_int = 29;
const BPF_MAP_LOOKUP_BATCH: libc::c_int = 24;
const BPF_MAP_UPDATE_BATCH: libc::c_int = 26;
const BPF_MAP_DELETE_BATCH: libc::c_int = 27;

const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_MAP_TYPE_ARRAY_OF_MAPS: u32 = 12;

/// `union bpf_attr`, the beginning of the part for `BPF_MAP_CREATE`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct CreateAttr {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
}

/// `union bpf_attr`, the part for one element.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct ElementAttr {
    map_fd: u32,
    _pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// `union bpf_attr`, the part for batches.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// `union bpf_attr`, the part for `BPF_OBJ_GET_INFO_BY_FD`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct InfoAttr {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// `union bpf_attr`, the part for `BPF_OBJ_GET`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct PathAttr {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// `union bpf_attr`, the part for `BPF_LINK_UPDATE`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct LinkUpdateAttr {
    link_fd: u32,
    new_prog_fd: u32,
    flags: u32,
    old_prog_fd: u32,
}

/// `union bpf_attr`, the beginning of the part for `BPF_PROG_TEST_RUN`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct TestRunAttr {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
}

/// The beginning of `struct bpf_map_info`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct MapInfo {
    /// `enum bpf_map_type`.
    pub(super) map_type: u32,
    /// The kernel's number for the map.
    pub(super) id: u32,
    /// Bytes of a key.
    pub(super) key_size: u32,
    /// Bytes of a value, of one CPU where the map is per CPU.
    pub(super) value_size: u32,
    /// How many entries it can hold.
    pub(super) max_entries: u32,
    /// `BPF_F_*`.
    pub(super) map_flags: u32,
}

/// The beginning of `struct bpf_link_info`, as it is for an XDP link.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct XdpLinkInfo {
    /// `enum bpf_link_type`.
    pub(super) link_type: u32,
    /// The kernel's number for the link.
    pub(super) id: u32,
    /// The program that runs.
    pub(super) prog_id: u32,
    _pad: u32,
    /// The interface; 0 once it is gone.
    pub(super) ifindex: u32,
    _pad_end: u32,
}

/// A map by its descriptor, with the sizes that the kernel told of it.
#[derive(Debug)]
pub(super) struct RawMap {
    fd: OwnedFd,
    /// What the kernel says of the map.
    pub(super) info: MapInfo,
}

impl RawMap {
    /// Takes the map over from its descriptor.
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        let info = info(fd.as_fd())?;
        Ok(Self { fd, info })
    }

    /// The map that aya has loaded under `name`.
    pub(super) fn of(name: &'static str, map: &MapData) -> Result<Self, KernelError> {
        let fd = map.fd().as_fd().try_clone_to_owned();
        fd.and_then(Self::new).map_err(|source| KernelError::Map {
            map: name,
            what: "reading its layout",
            source,
        })
    }

    /// Descriptor of the map.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn map_fd(&self) -> u32 {
        self.fd.as_raw_fd().unsigned_abs()
    }

    /// Fails unless keys and values have these sizes in bytes.
    fn check(&self, key_size: usize, value_size: usize) -> io::Result<()> {
        let is = (self.info.key_size as usize, self.info.value_size as usize);
        if is == (key_size, value_size) {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "keys and values of {} and {} bytes, expected {key_size} and {value_size}",
            is.0, is.1
        )))
    }

    /// Reads the value of `key` into `value`; whether there is one.
    ///
    /// `value` holds what the kernel writes: the value, or for a per-CPU map as many as there are
    /// possible CPUs, each rounded up to eight bytes.
    pub(super) fn lookup<K: Pod>(
        &self,
        key: &K,
        value: &mut [u8],
        copies: usize,
    ) -> io::Result<bool> {
        let stride = if copies == 1 {
            value.len()
        } else {
            (self.info.value_size as usize).next_multiple_of(8)
        };
        if value.len() != stride * copies {
            return Err(io::Error::other(format!(
                "{} bytes for {copies} values of {stride}",
                value.len()
            )));
        }
        self.check(
            size_of::<K>(),
            if copies == 1 {
                value.len()
            } else {
                self.info.value_size as usize
            },
        )?;
        let attr = ElementAttr {
            map_fd: self.map_fd(),
            _pad: 0,
            key: std::ptr::from_ref(key) as u64,
            value: value.as_mut_ptr() as u64,
            flags: 0,
        };
        // SAFETY: the key is of the map's size and the buffer of what the kernel writes, both
        // checked above, and both live across the call.
        match unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &attr) } {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets the value of `key`.
    pub(super) fn update<K: Pod, V: Pod>(&self, key: &K, value: &V) -> io::Result<()> {
        self.check(size_of::<K>(), size_of::<V>())?;
        let attr = ElementAttr {
            map_fd: self.map_fd(),
            _pad: 0,
            key: std::ptr::from_ref(key) as u64,
            value: std::ptr::from_ref(value) as u64,
            flags: 0,
        };
        // SAFETY: key and value are of the map's sizes, checked above, and live across the call.
        unsafe { bpf(BPF_MAP_UPDATE_ELEM, &attr) }.map(drop)
    }

    /// Sets the values of `keys`, in order; returns how many were done before an error, with it.
    pub(super) fn update_batch<K: Pod, V: Pod>(
        &self,
        keys: &[K],
        values: &[V],
    ) -> (usize, io::Result<()>) {
        if let Err(error) = self.check(size_of::<K>(), size_of::<V>()) {
            return (0, Err(error));
        }
        assert_eq!(keys.len(), values.len(), "a value for each key");
        self.batch(BPF_MAP_UPDATE_BATCH, keys, values.as_ptr() as u64)
    }

    /// Removes `keys`, in order; returns how many were done before an error, with it.
    pub(super) fn delete_batch<K: Pod>(&self, keys: &[K]) -> (usize, io::Result<()>) {
        if let Err(error) = self.check(size_of::<K>(), self.info.value_size as usize) {
            return (0, Err(error));
        }
        self.batch(BPF_MAP_DELETE_BATCH, keys, 0)
    }

    fn batch<K: Pod>(
        &self,
        command: libc::c_int,
        keys: &[K],
        values: u64,
    ) -> (usize, io::Result<()>) {
        let Ok(count) = u32::try_from(keys.len()) else {
            return (0, Err(io::Error::other("more keys than a batch can count")));
        };
        if count == 0 {
            return (0, Ok(()));
        }
        let mut attr = BatchAttr {
            keys: keys.as_ptr() as u64,
            values,
            count,
            map_fd: self.map_fd(),
            ..BatchAttr::zeroed()
        };
        // SAFETY: `count` keys (and values, for an update) of the map's sizes, checked by the
        // callers, live across the call; the kernel writes `count` back into `attr`.
        let result = unsafe { bpf_mut(command, &mut attr) };
        match result {
            Ok(_) => (keys.len(), Ok(())),
            // Before it has looked at the first key the kernel fails without touching `count`.
            Err(error) => (
                if attr.count == count {
                    0
                } else {
                    attr.count as usize
                },
                Err(error),
            ),
        }
    }

    /// All keys and values, at most `chunk` a system call.
    ///
    /// Complete and without repeats as long as nobody deletes meanwhile: there is one writer.
    pub(super) fn entries<K: Pod, V: Pod>(&self, chunk: usize) -> io::Result<Vec<(K, V)>> {
        self.check(size_of::<K>(), size_of::<V>())?;
        let mut all = Vec::new();
        let mut keys = vec![K::zeroed(); chunk];
        let mut values = vec![V::zeroed(); chunk];
        let mut resume: Option<K> = None;
        loop {
            let mut next = K::zeroed();
            let mut attr = BatchAttr {
                in_batch: resume
                    .as_ref()
                    .map_or(0, |key| std::ptr::from_ref(key) as u64),
                out_batch: std::ptr::from_mut(&mut next) as u64,
                keys: keys.as_mut_ptr() as u64,
                values: values.as_mut_ptr() as u64,
                count: u32::try_from(chunk).map_err(io::Error::other)?,
                map_fd: self.map_fd(),
                ..BatchAttr::zeroed()
            };
            // SAFETY: room for `count` keys and values of the map's sizes, checked above, and a
            // key each for where to go on (`generic_map_lookup_batch`, kernel/bpf/syscall.c).
            let result = unsafe { bpf_mut(BPF_MAP_LOOKUP_BATCH, &mut attr) };
            let end = match result {
                Ok(_) => false,
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
                Err(error) => return Err(error),
            };
            let count = attr.count as usize;
            all.extend(keys.iter().copied().zip(values.iter().copied()).take(count));
            if end {
                return Ok(all);
            }
            resume = Some(next);
        }
    }
}

/// Opens the object pinned at `path`.
pub(super) fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attr = PathAttr {
        pathname: path.as_ptr() as u64,
        bpf_fd: 0,
        file_flags: 0,
    };
    // SAFETY: `path` is a C string that lives across the call.
    let fd = unsafe { bpf(BPF_OBJ_GET, &attr) }?;
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Puts `program` in the place of the one that `link` has; programs that run meanwhile run one or
/// the other (Linux 5.7).
pub(super) fn update_link(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let attr = LinkUpdateAttr {
        link_fd: link.as_raw_fd().unsigned_abs(),
        new_prog_fd: program.as_raw_fd().unsigned_abs(),
        flags: 0,
        old_prog_fd: 0,
    };
    // SAFETY: nothing is pointed to.
    unsafe { bpf(BPF_LINK_UPDATE, &attr) }.map(drop)
}

/// Runs an XDP program once on `frame`; what it returns.
pub(super) fn test_run(program: BorrowedFd<'_>, frame: &[u8]) -> io::Result<u32> {
    let mut attr = TestRunAttr {
        prog_fd: program.as_raw_fd().unsigned_abs(),
        data_size_in: u32::try_from(frame.len()).map_err(io::Error::other)?,
        data_in: frame.as_ptr() as u64,
        repeat: 1,
        ..TestRunAttr::zeroed()
    };
    // SAFETY: the kernel reads `data_size_in` bytes of the frame, writes none, and answers in
    // `attr`.
    unsafe { bpf_mut(BPF_PROG_TEST_RUN, &mut attr) }?;
    Ok(attr.retval)
}

/// What the kernel calls the network namespace of this process (`SO_NETNS_COOKIE`, Linux 5.14).
pub(super) fn netns_cookie() -> io::Result<u64> {
    let socket = std::net::UdpSocket::bind((std::net::Ipv6Addr::UNSPECIFIED, 0))
        .or_else(|_| std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)))?;
    let mut cookie = 0u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes, which `cookie` has.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            std::ptr::from_mut(&mut cookie).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(cookie)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Waits for `inner` to become readable, as tokio does.
pub(super) fn watch<T: AsFd + AsRawFd>(inner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: `inner` lends its descriptor by `AsFd`, so it owns it, and it is neither closed nor
    // another one before `inner` is dropped, which AsyncFd outlives with its registration.
    let watched = unsafe { AsyncFd::register_with_interest(inner, Interest::READABLE) };
    watched.map_err(|error| error.into_parts().1)
}

/// What the kernel says of the map or link behind `fd`, as far as `T` reaches.
pub(super) fn info<T: Pod>(fd: BorrowedFd<'_>) -> io::Result<T> {
    let mut info = T::zeroed();
    let attr = InfoAttr {
        bpf_fd: fd.as_raw_fd().unsigned_abs(),
        info_len: u32::try_from(size_of::<T>()).map_err(io::Error::other)?,
        info: std::ptr::from_mut(&mut info) as u64,
    };
    // SAFETY: the kernel writes at most `info_len` bytes into `info`, any of which are a valid T.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) }?;
    Ok(info)
}

/// Waits for an RCU grace period (`MEMBARRIER_CMD_GLOBAL`: `synchronize_rcu()` in
/// kernel/sched/membarrier.c, Linux 4.3).
pub(super) fn membarrier_global() -> io::Result<()> {
    // SAFETY: no memory is passed.
    let result = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A map of maps, made for [`NestedMap::replace`] alone.
#[derive(Debug)]
pub(super) struct NestedMap {
    outer: RawMap,
    inner: RawMap,
}

impl NestedMap {
    /// Makes it. The kernel lets whoever may load programs.
    pub(super) fn new() -> io::Result<Self> {
        let create = |map_type, inner_map_fd| {
            let attr = CreateAttr {
                map_type,
                key_size: 4,
                value_size: 4,
                max_entries: 1,
                map_flags: 0,
                inner_map_fd,
            };
            // SAFETY: nothing is pointed to.
            let fd = unsafe { bpf(BPF_MAP_CREATE, &attr) }?;
            // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
            RawMap::new(unsafe { OwnedFd::from_raw_fd(fd) })
        };
        let inner = create(BPF_MAP_TYPE_ARRAY, 0)?;
        let outer = create(BPF_MAP_TYPE_ARRAY_OF_MAPS, inner.map_fd())?;
        Ok(Self { outer, inner })
    }

    /// Changes its element: the kernel then waits for the programs that may still use the former
    /// inner map (`maybe_wait_bpf_programs`, kernel/bpf/syscall.c, Linux 4.19).
    pub(super) fn replace(&self) -> io::Result<()> {
        self.outer.update(&0u32, &self.inner.map_fd())
    }
}

/// Gives the memory back to the machine that was freed and that the allocator keeps: to load the
/// programs takes tens of megabytes for a moment (malloc_trim(3), which glibc alone has).
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches what is free alone, and may be called by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// The `bpf(2)` system call.
///
/// # Safety
///
/// What `attr` points to must be as `command` expects it.
unsafe fn bpf<T: Pod>(command: libc::c_int, attr: &T) -> io::Result<RawFd> {
    let mut attr = *attr;
    // SAFETY: as the caller's.
    unsafe { bpf_mut(command, &mut attr) }
}

/// The `bpf(2)` system call, for commands that answer in `attr`.
///
/// # Safety
///
/// What `attr` points to must be as `command` expects it.
unsafe fn bpf_mut<T: Pod>(command: libc::c_int, attr: &mut T) -> io::Result<RawFd> {
    // SAFETY: `attr` is `size_of::<T>()` bytes that the kernel may read and write; the rest is
    // the caller's.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attr),
            size_of::<T>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    RawFd::try_from(result).map_err(io::Error::other)
}
