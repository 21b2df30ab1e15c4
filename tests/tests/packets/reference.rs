//! A second reading of frames, to hold the program's against: naive, by taking slices apart.
//!
//! In: the bytes of a frame. Out: what is in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gate_common::Family;

/// What a frame holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing for the gate.
    Other,
    /// Something that cannot be read.
    Broken(Family),
    /// A SYN; `port` is `None` where it is not in this fragment.
    Syn { source: IpAddr, port: Option<u16> },
}

/// Why reading a packet ended before there was a SYN.
#[derive(Clone, Copy)]
enum End {
    Other,
    Broken,
}

/// The port of a SYN, if it is there.
type Found = Result<Option<u16>, End>;

pub(crate) fn read(frame: &[u8]) -> Content {
    let mut rest = &frame[12..];
    for tags in 0.. {
        match rest {
            [0x81, 0x00, _, _, ..] | [0x88, 0xa8, _, _, ..] if tags < 2 => rest = &rest[4..],
            [0x08, 0x00, packet @ ..] => return content(Family::V4, packet, ipv4(packet)),
            [0x86, 0xdd, packet @ ..] => return content(Family::V6, packet, ipv6(packet)),
            [] | [_] | [0x81, 0x00, ..] | [0x88, 0xa8, ..] => break,
            _ => return Content::Other,
        }
    }
    Content::Broken(Family::V4)
}

fn content(family: Family, packet: &[u8], found: Found) -> Content {
    let port = match found {
        Err(End::Other) => return Content::Other,
        Err(End::Broken) => return Content::Broken(family),
        Ok(port) => port,
    };
    let source = match family {
        Family::V4 => packet[12..16]
            .try_into()
            .map(|v4: [u8; 4]| Ipv4Addr::from(v4).into()),
        Family::V6 => packet[8..24]
            .try_into()
            .map(|v6: [u8; 16]| Ipv6Addr::from(v6).into()),
    };
    let source = source.expect("a slice of its length");
    Content::Syn { source, port }
}

/// The first `len` bytes, and the rest.
fn take(bytes: &[u8], len: usize) -> Result<(&[u8], &[u8]), End> {
    bytes.split_at_checked(len).ok_or(End::Broken)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte))
}

fn ipv4(packet: &[u8]) -> Found {
    let (header, _) = take(packet, 20)?;
    let words = match header[0] {
        0x45..=0x4f => usize::from(header[0] - 0x40),
        _ => return Err(End::Broken),
    };
    let fragment = number(&header[6..8]);
    if header[9] != 6 || fragment & 0x1fff != 0 {
        return Err(End::Other);
    }
    let (packet, _padding) = take(packet, number(&header[2..4]))?;
    let (_options, segment) = take(packet, words * 4)?;
    let more = fragment & 0x2000 > 0;
    tcp(segment, more)
}

fn ipv6(packet: &[u8]) -> Found {
    let (header, payload) = take(packet, 40)?;
    if header[0] / 16 != 6 {
        return Err(End::Broken);
    }
    let next = header[6];
    if !matches!(next, 6 | 0 | 43 | 44 | 60) {
        return Err(End::Other);
    }
    let len = match number(&header[4..6]) {
        0 if next == 0 => payload.len(),
        len => len,
    };
    let (payload, _padding) = take(payload, len)?;
    chain(next, payload, false, 180)
}

/// A header of kind `next` and those behind it, of which `left` may be extension headers.
fn chain(next: u8, bytes: &[u8], more: bool, left: usize) -> Found {
    let end = |_| if more { Ok(None) } else { Err(End::Broken) };
    match next {
        6 => tcp(bytes, more),
        0 | 43 | 44 | 60 if left == 0 => Err(End::Broken),
        44 => match take(bytes, 8) {
            Err(cut) => end(cut),
            Ok((header, _)) if number(&header[2..4]) >= 8 => Err(End::Other),
            Ok((header, rest)) => chain(header[0], rest, more || header[3] % 2 == 1, left - 1),
        },
        0 | 43 | 60 => {
            let units = bytes.get(1).map_or(0, |units| usize::from(*units));
            match take(bytes, 8 + units * 8) {
                Err(cut) => end(cut),
                Ok((header, rest)) => chain(header[0], rest, more, left - 1),
            }
        }
        _ => Err(End::Other),
    }
}

fn tcp(segment: &[u8], more: bool) -> Found {
    // A fragment counts in whole units of 8 bytes.
    let usable = if more {
        segment.len() / 8 * 8
    } else {
        segment.len()
    };
    let segment = &segment[..usable];
    let (ports, _) = take(segment, 4)?;
    let port = u16::from_be_bytes([ports[2], ports[3]]);
    let [words, flags] = match segment.get(12..14) {
        Some(bytes) => [bytes[0] >> 4, bytes[1]],
        None if more => return Ok(Some(port)),
        None => return Err(End::Broken),
    };
    let header = usize::from(words) * 4;
    if header < 20 || !more && header > segment.len() {
        return Err(End::Broken);
    }
    match flags & 0x12 {
        0x02 => Ok(Some(port)),
        _ => Err(End::Other),
    }
}
