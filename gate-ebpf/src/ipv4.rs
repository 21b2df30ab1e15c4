//! IPv4 headers (RFC 791), as `ip_rcv_core` and `ip_frag_queue` of Linux judge them.

use gate_common::Family;

use crate::{
    frame::Frame,
    parse::{Malformed, Parsed, Source, Syn},
    tcp::{self, Payload},
};

/// Length of a header without options, in bytes.
const HEADER: usize = 20;
/// Offset of the source address in it.
const SOURCE: usize = 12;
/// Flag: more fragments follow.
const MORE_FRAGMENTS: u16 = 0x2000;
/// Offset of a fragment, in units of 8 bytes.
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// Finds the SYN in the IPv4 packet at offset `at`.
///
/// # Errors
///
/// [`Malformed`], where Linux would find no segment, or where the search is given up.
#[inline(always)]
pub fn parse(frame: &impl Frame, at: usize) -> Parsed {
    let malformed = Err(Malformed(Family::V4));
    let Some(header) = frame.read::<HEADER>(at) else {
        return malformed;
    };
    let header_len = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || header_len < HEADER {
        return malformed;
    }
    if header[9] != tcp::PROTOCOL {
        return Ok(None);
    }
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    if fragment & FRAGMENT_OFFSET != 0 {
        return Ok(None);
    }
    let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // What is behind the total length is padding; a frame that ends before it is discarded.
    if total_len < header_len || at + total_len > frame.length() {
        return malformed;
    }
    let payload = Payload {
        at: at + header_len,
        len: total_len - header_len,
        more_fragments: fragment & MORE_FRAGMENTS != 0,
    };
    match tcp::syn(frame, &payload) {
        Ok(Some(port)) => syn(frame, at, port),
        Ok(None) => Ok(None),
        Err(tcp::Malformed) => malformed,
    }
}

/// The SYN whose IPv4 header is at `header_at`.
#[inline(always)]
fn syn(frame: &impl Frame, header_at: usize, port: u16) -> Parsed {
    match frame.read::<4>(header_at + SOURCE) {
        Some(source) => Ok(Some(Syn {
            source: Source::V4(source),
            port: Some(port),
        })),
        None => Err(Malformed(Family::V4)),
    }
}
