//! The kernel object that the build embeds.

/// The BPF object with the programs and maps of this version, as the build script made it.
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("GATE_OBJECT"));
