//! From a frame to the SYN in it.
//!
//! In: a [`Frame`]. Out: [`Parsed`]. Nothing here looks at a map, and the rules are those by which
//! Linux itself would take the frame for a connection request: what its stack would accept is
//! found, what it would discard unseen (a header cut short, a length that lies) is malformed.
//!
//! Not looked into: tunnels (IP in IP, GRE, PPPoE, MPLS, IPsec), and more than
//! [`MAX_VLAN_TAGS`] or [`MAX_EXTENSION_HEADERS`](crate::ipv6::MAX_EXTENSION_HEADERS).

use gate_common::Family;

use crate::{frame::Frame, ipv4, ipv6};

/// VLAN tags that are looked behind: 802.1Q, and 802.1Q or 802.1ad around it (QinQ).
pub const MAX_VLAN_TAGS: usize = 2;

/// What a frame is to the gate: a SYN, or `None` for what is not its business.
pub type Parsed = Result<Option<Syn>, Malformed>;

/// A SYN without ACK.
pub struct Syn {
    /// Who sent it.
    pub source: Source,
    /// The TCP port it is for, in host order; `None` where a fragment that comes later tells.
    pub port: Option<u16>,
}

/// A source address in network order.
pub enum Source {
    /// IPv4.
    V4([u8; 4]),
    /// IPv6.
    V6([u8; 16]),
}

/// The frame ends before a header that should be there, or a header contradicts itself or the
/// frame, or there are more headers than are followed. Counted for the address family; for IPv4
/// where a frame does not come as far as telling its family.
pub struct Malformed(pub Family);

/// Length of an Ethernet header, in bytes.
const ETHERNET: usize = 14;

mod ethertype {
    /// Internet Protocol version 4.
    pub(super) const IPV4: u16 = 0x0800;
    /// Internet Protocol version 6.
    pub(super) const IPV6: u16 = 0x86dd;
    /// IEEE 802.1Q, customer VLAN tag.
    pub(super) const CUSTOMER_TAG: u16 = 0x8100;
    /// IEEE 802.1ad, service VLAN tag.
    pub(super) const SERVICE_TAG: u16 = 0x88a8;
}

/// Finds the SYN in an Ethernet frame.
///
/// # Errors
///
/// [`Malformed`], as it says.
#[inline(always)]
pub fn ethernet(frame: &impl Frame) -> Parsed {
    let Some(header) = frame.read::<ETHERNET>(0) else {
        return Err(Malformed(Family::V4));
    };
    let mut kind = u16::from_be_bytes([header[12], header[13]]);
    let mut at = ETHERNET;
    for _ in 0..MAX_VLAN_TAGS {
        if !is_tag(kind) {
            break;
        }
        let Some(tag) = frame.read::<4>(at) else {
            return Err(Malformed(Family::V4));
        };
        kind = u16::from_be_bytes([tag[2], tag[3]]);
        at += tag.len();
    }
    match kind {
        ethertype::IPV4 => ipv4::parse(frame, at),
        ethertype::IPV6 => ipv6::parse(frame, at),
        _ if is_tag(kind) => Err(Malformed(Family::V4)),
        _ => Ok(None),
    }
}

/// Linux takes these two for VLAN tags, in any order, and no other (`eth_type_vlan`).
#[inline(always)]
fn is_tag(kind: u16) -> bool {
    kind == ethertype::CUSTOMER_TAG || kind == ethertype::SERVICE_TAG
}
