//! Bounds-checked reads of a frame.
//!
//! In: the context that the kernel gives an XDP program. Out: bytes, or `None` where the frame
//! ends first. A driver may spread a frame over several buffers, and a program sees the first of
//! them only: [`Linear`] reads that one, by plain loads, and is all that almost every frame needs;
//! [`Scattered`] reads all of them, by a helper call each.

use core::hint::black_box;

use aya_ebpf::{
    EbpfContext as _,
    helpers::generated::{bpf_xdp_get_buff_len, bpf_xdp_load_bytes},
    programs::XdpContext,
};

/// Where headers are read from.
pub trait Frame {
    /// Whether IPv6 extension headers are followed here.
    ///
    /// Each one that is stepped over widens the range of offsets that the verifier must follow a
    /// pointer through, and it goes through all that comes after it again; a helper takes any
    /// offset.
    const FOLLOWS_EXTENSIONS: bool;

    /// Length in bytes.
    fn length(&self) -> usize;

    /// The `N` bytes from offset `at`, or `None` where the frame ends before.
    fn read<const N: usize>(&self, at: usize) -> Option<[u8; N]>;
}

/// The first buffer of a frame: most often, the frame.
pub struct Linear {
    start: usize,
    end: usize,
}

impl Linear {
    /// Offsets from here on are not read: the verifier wants a bound below 64 KiB, and the first
    /// buffer is a page.
    const LIMIT: usize = 0x8000;

    /// The first buffer of the frame in `ctx`.
    #[inline(always)]
    pub fn new(ctx: &XdpContext) -> Self {
        Self {
            start: ctx.data(),
            end: ctx.data_end(),
        }
    }
}

impl Frame for Linear {
    const FOLLOWS_EXTENSIONS: bool = false;

    #[inline(always)]
    fn length(&self) -> usize {
        // Opaque, or the compiler would spare itself the bounds check of a read that it can prove
        // from a check against the length; the verifier cannot.
        black_box(self.end - self.start)
    }

    #[inline(always)]
    fn read<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        if at >= Self::LIMIT {
            return None;
        }
        let bytes = self.start + at;
        if bytes + N > self.end {
            return None;
        }
        // SAFETY: the buffer holds the N bytes from `bytes` on, as the line above made sure (the
        // verifier follows it), and an array of bytes has no alignment.
        Some(unsafe { *(bytes as *const [u8; N]) })
    }
}

/// A whole frame, however many buffers it lies in.
pub struct Scattered<'a> {
    ctx: &'a XdpContext,
    length: usize,
}

impl<'a> Scattered<'a> {
    /// The frame in `ctx`. Since Linux 5.18, as are frames of several buffers.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "BPF has 64-bit addresses")]
    pub fn new(ctx: &'a XdpContext) -> Self {
        // SAFETY: the helper only reads the context.
        let length = unsafe { bpf_xdp_get_buff_len(ctx.as_ptr().cast()) };
        Self {
            ctx,
            length: length as usize,
        }
    }
}

impl Frame for Scattered<'_> {
    const FOLLOWS_EXTENSIONS: bool = true;

    #[inline(always)]
    fn length(&self) -> usize {
        self.length
    }

    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a frame is far shorter than 4 GiB"
    )]
    fn read<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        // SAFETY: the helper writes at most N bytes to `bytes`, and none past the frame's end.
        let result = unsafe {
            bpf_xdp_load_bytes(
                self.ctx.as_ptr().cast(),
                at as u32,
                bytes.as_mut_ptr().cast(),
                N as u32,
            )
        };
        (result == 0).then_some(bytes)
    }
}
