//! TCP headers (RFC 9293).

use crate::frame::Frame;

/// TCP in the protocol field of IPv4, and in the next-header field of IPv6.
pub const PROTOCOL: u8 = 6;

/// Length of a header without options, in bytes.
const HEADER: usize = 20;
/// How much of the header a fragment must hold to hold its flags: fragments are put together in
/// units of 8 bytes, and Linux cuts the rest off one that does not fill its last unit.
const FLAGS_IN_FRAGMENT: usize = 16;
/// How much of the header the smallest fragment holds.
const FRAGMENT: usize = 8;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Where the segment lies in the frame, as the IP headers tell.
pub struct Payload {
    /// Offset in the frame.
    pub at: usize,
    /// Length in bytes.
    pub len: usize,
    /// Whether this is the first of several fragments.
    pub more_fragments: bool,
}

/// The header is cut short, or its data offset is impossible.
pub struct Malformed;

/// The destination port, in host order, if the segment is a SYN without ACK.
///
/// No other flag matters. ECE and CWR ask for ECN (RFC 3168). With RST or FIN the segment is a
/// SYN without ACK still: Linux discards both where it listens (`tcp_rcv_state_process`), so to
/// drop them earlier takes nothing from anyone, and other stacks that the gate may stand before
/// have answered SYN with FIN.
///
/// A first fragment that ends before the flags counts as a SYN. Linux puts such fragments
/// together and would see a SYN that nothing here has seen, and whoever means well does not send
/// them (RFC 1858).
///
/// # Errors
///
/// [`Malformed`], where there is no header that Linux would take for one.
#[inline(always)]
pub fn syn(frame: &impl Frame, payload: &Payload) -> Result<Option<u16>, Malformed> {
    if payload.more_fragments && payload.len < FLAGS_IN_FRAGMENT {
        if payload.len < FRAGMENT {
            return Err(Malformed);
        }
        let header = frame.read::<FRAGMENT>(payload.at).ok_or(Malformed)?;
        return Ok(Some(port(header[2], header[3])));
    }
    let header = frame.read::<14>(payload.at).ok_or(Malformed)?;
    let header_len = usize::from(header[12] >> 4) * 4;
    if header_len < HEADER || (header_len > payload.len && !payload.more_fragments) {
        return Err(Malformed);
    }
    Ok((header[13] & (SYN | ACK) == SYN).then(|| port(header[2], header[3])))
}

#[inline(always)]
fn port(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}
