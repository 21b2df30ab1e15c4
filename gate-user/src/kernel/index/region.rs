//! An array map in this process's memory.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64},
};

/// Memory shared with the kernel's programs, until dropped.
///
/// It is mapped only while it is written: all of it counts as resident.
#[derive(Debug)]
pub(super) struct Region {
    start: NonNull<u8>,
    len: usize,
}

impl Region {
    /// Maps `len` bytes of the array map behind `fd`, which was made with `BPF_F_MMAPABLE`
    /// (Linux 5.5).
    pub(super) fn map(fd: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        Self::new(len, libc::MAP_SHARED, fd.as_raw_fd())
    }

    /// Memory that is shared with nobody, all zero.
    #[cfg(test)]
    pub(super) fn private(len: usize) -> Self {
        Self::new(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1).unwrap()
    }

    fn new(len: usize, flags: libc::c_int, fd: libc::c_int) -> io::Result<Self> {
        // SAFETY: a new mapping, at a place that the kernel chooses, touches no other memory.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                fd,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at 0"))?;
        Ok(Self { start, len })
    }

    pub(super) fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: see `words`.
        unsafe { self.words() }
    }

    pub(super) fn u16s(&self) -> &[AtomicU16] {
        // SAFETY: see `words`.
        unsafe { self.words() }
    }

    pub(super) fn u32s(&self) -> &[AtomicU32] {
        // SAFETY: see `words`.
        unsafe { self.words() }
    }

    pub(super) fn u64s(&self) -> &[AtomicU64] {
        // SAFETY: see `words`.
        unsafe { self.words() }
    }

    /// # Safety
    ///
    /// `T` is an atomic integer: any bytes are a valid one, and others may change them.
    unsafe fn words<T>(&self) -> &[T] {
        // SAFETY: the mapping is as long as `self`, readable and writable, and begins at a page,
        // so it is aligned for an integer.
        unsafe { slice::from_raw_parts(self.start.cast().as_ptr(), self.len / size_of::<T>()) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: made by mmap with this length; whoever borrowed from it is gone.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
