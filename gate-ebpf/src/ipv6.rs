//! IPv6 headers (RFC 8200), as `ip6_rcv_core`, `ip6_protocol_deliver_rcu` and `ipv6_frag_rcv` of
//! Linux judge them.
//!
//! Extension headers that Linux steps over are stepped over. Others end the search: behind AH and
//! ESP comes only what an IPsec peer of this machine signed, and Linux has no TCP behind mobility
//! and the like.

use gate_common::Family;

use crate::{
    frame::Frame,
    parse::{Malformed, Parsed, Source, Syn},
    tcp::{self, Payload},
};

/// Extension headers that are stepped over in a packet: as many as there is room for in 1500
/// bytes, as Linux sets no limit and hiding behind them must not be easy.
pub const MAX_EXTENSION_HEADERS: usize = 180;

/// Length of the fixed header, in bytes.
const HEADER: usize = 40;
/// Offset of the source address in it.
const SOURCE: usize = 8;
/// Length of the shortest extension header, and the unit of their lengths, in bytes.
const UNIT: usize = 8;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

/// Fragment header: offset of the fragment, in bytes.
const FRAGMENT_OFFSET: u16 = !7;
/// Fragment header, flag: more fragments follow.
const MORE_FRAGMENTS: u16 = 1;

/// Finds the SYN in the IPv6 packet at offset `at`.
///
/// # Errors
///
/// [`Malformed`], where Linux would find no segment, or where the search is given up.
#[inline(always)]
pub fn parse<F: Frame>(frame: &F, header_at: usize) -> Parsed {
    let malformed = Err(Malformed(Family::V6));
    let Some(header) = frame.read::<HEADER>(header_at) else {
        return malformed;
    };
    if header[0] >> 4 != 6 {
        return malformed;
    }
    let mut next = header[6];
    if next != tcp::PROTOCOL && !is_extension(next) {
        return Ok(None);
    }
    if next != tcp::PROTOCOL && !F::FOLLOWS_EXTENSIONS {
        return malformed;
    }
    let payload_len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let mut at = header_at + HEADER;
    // Linux looks for a jumbo payload option where there is no length, but does not insist on it,
    // and takes the frame as it is.
    let end = if payload_len == 0 && next == HOP_BY_HOP {
        frame.length()
    } else {
        at + payload_len
    };
    if end > frame.length() {
        return malformed;
    }

    let mut more_fragments = false;
    for _ in 0..=MAX_EXTENSION_HEADERS {
        if next == tcp::PROTOCOL {
            let payload = Payload {
                at,
                len: end - at,
                more_fragments,
            };
            return match tcp::syn(frame, &payload) {
                Ok(Some(port)) => syn(frame, header_at, Some(port)),
                Ok(None) => Ok(None),
                Err(tcp::Malformed) => malformed,
            };
        }
        if !is_extension(next) {
            return Ok(None);
        }
        let mut after = at + UNIT;
        if after <= end {
            let Some(extension) = frame.read::<UNIT>(at) else {
                return malformed;
            };
            if next == FRAGMENT {
                let fragment = u16::from_be_bytes([extension[2], extension[3]]);
                if fragment & FRAGMENT_OFFSET != 0 {
                    return Ok(None);
                }
                more_fragments |= fragment & MORE_FRAGMENTS != 0;
            } else {
                after += usize::from(extension[1]) * UNIT;
            }
            next = extension[0];
        }
        if after > end {
            // The next fragment holds the rest of the headers. RFC 8200 has the receiver discard
            // this, but Linux does so only if it finds the upper-layer header's place
            // (`ipv6frag_thdr_truncated`), and else puts together what may be a SYN to any port.
            return if more_fragments {
                syn(frame, header_at, None)
            } else {
                malformed
            };
        }
        at = after;
    }
    malformed
}

/// The SYN whose IPv6 header is at `header_at`. The source is read no sooner than here: most
/// packets are no SYN, and it is long.
#[inline(always)]
fn syn(frame: &impl Frame, header_at: usize, port: Option<u16>) -> Parsed {
    match frame.read::<16>(header_at + SOURCE) {
        Some(source) => Ok(Some(Syn {
            source: Source::V6(source),
            port,
        })),
        None => Err(Malformed(Family::V6)),
    }
}

#[inline(always)]
fn is_extension(header: u8) -> bool {
    matches!(
        header,
        HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS
    )
}
