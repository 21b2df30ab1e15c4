//! Frames to test with: a SYN from an address, and what may be around or wrong in it.
//!
//! In: builder calls. Out: the bytes of an Ethernet frame whose lengths and checksums are right,
//! unless a call made them wrong.

use std::net::IpAddr;

/// TCP flags as they stand in the header.
pub mod flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment number counts.
    pub const ACK: u8 = 0x10;
    /// Explicit congestion notification, echo.
    pub const ECE: u8 = 0x40;
    /// Congestion window reduced.
    pub const CWR: u8 = 0x80;
}

/// VLAN tag of IEEE 802.1Q.
pub const DOT1Q: u16 = 0x8100;
/// VLAN tag of IEEE 802.1ad.
pub const DOT1AD: u16 = 0x88a8;

/// Length of an Ethernet header, in bytes.
pub const ETHERNET: usize = 14;

/// An IPv6 extension header. Lengths are whole units of 8 bytes, at least one.
#[derive(Clone, Copy, Debug)]
pub enum Extension {
    /// Hop-by-hop options of so many units.
    HopByHop(usize),
    /// A routing header of that type with no segments left.
    Routing(u8),
    /// Destination options of so many units.
    Destination(usize),
    /// A fragment header: offset in bytes, and whether more fragments follow.
    Fragment(u16, bool),
    /// Any header of one unit, by its next-header number.
    Other(u8),
}

impl Extension {
    fn number(self) -> u8 {
        match self {
            Self::HopByHop(_) => 0,
            Self::Routing(_) => 43,
            Self::Fragment(..) => 44,
            Self::Destination(_) => 60,
            Self::Other(number) => number,
        }
    }

    fn bytes(self, next: u8) -> Vec<u8> {
        match self {
            Self::HopByHop(units) | Self::Destination(units) => options(next, units),
            Self::Routing(kind) => vec![next, 0, kind, 0, 0, 0, 0, 0],
            Self::Fragment(offset, more) => {
                let [high, low] = (offset & !7 | u16::from(more)).to_be_bytes();
                vec![next, 0, high, low, 0, 0, 0, 9]
            }
            Self::Other(_) => vec![next, 0, 0, 0, 0, 0, 0, 0],
        }
    }
}

/// A header of options that Linux skips: type 0x1e is for experiments, RFC 4727.
fn options(next: u8, units: usize) -> Vec<u8> {
    let mut header = vec![next, byte(units - 1)];
    let mut room = units * 8 - header.len();
    while room > 0 {
        // No option may leave one byte behind: it needs two at least.
        let option = if room <= 257 { room } else { 250 };
        header.extend([0x1e, byte(option - 2)]);
        header.resize(header.len() + option - 2, 0);
        room -= option;
    }
    header
}

/// Which header [`Packet::set`] writes to.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    /// The IP header; offset 0 is its first byte.
    Ip,
    /// What follows all IP headers.
    Payload,
}

#[derive(Clone, Debug)]
enum Upper {
    Tcp {
        flags: u8,
        options: usize,
        data: usize,
    },
    Other {
        protocol: u8,
        bytes: Vec<u8>,
    },
}

/// A piece of a packet, see [`Packet::fragments`].
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Offset of its first byte, a multiple of 8.
    pub from: usize,
    /// Offset behind its last byte.
    pub to: usize,
    /// Whether it says that more follows.
    pub more: bool,
    /// TCP flags to put in place of the packet's.
    pub flags: Option<u8>,
}

/// A frame in the making.
#[derive(Clone, Debug)]
pub struct Packet {
    source: IpAddr,
    destination: IpAddr,
    source_port: u16,
    port: u16,
    tags: Vec<u16>,
    ip_options: usize,
    ip_fragment: u16,
    extensions: Vec<Extension>,
    upper: Upper,
    keep: Option<usize>,
    edits: Vec<(Layer, usize, Vec<u8>)>,
    padding: usize,
}

impl Packet {
    /// A SYN from `source` to port 25.
    ///
    /// # Panics
    ///
    /// If `source` is no address.
    pub fn syn(source: &str) -> Self {
        let source: IpAddr = source.parse().expect("an address");
        let destination = if source.is_ipv4() {
            "198.18.0.25"
        } else {
            "2001:db8:25::25"
        };
        Self {
            source,
            destination: destination.parse().expect("an address"),
            source_port: 40_000,
            port: 25,
            tags: Vec::new(),
            ip_options: 0,
            ip_fragment: 0,
            extensions: Vec::new(),
            upper: Upper::Tcp {
                flags: flags::SYN,
                options: 0,
                data: 0,
            },
            keep: None,
            edits: Vec::new(),
            padding: 0,
        }
    }

    /// To that TCP port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// From that TCP port.
    #[must_use]
    pub fn source_port(mut self, port: u16) -> Self {
        self.source_port = port;
        self
    }

    /// With these TCP flags, and no other.
    #[must_use]
    pub fn flags(mut self, new: u8) -> Self {
        if let Upper::Tcp { flags, .. } = &mut self.upper {
            *flags = new;
        }
        self
    }

    /// With that many bytes of TCP options, a multiple of four up to 40.
    #[must_use]
    pub fn tcp_options(mut self, bytes: usize) -> Self {
        if let Upper::Tcp { options, .. } = &mut self.upper {
            *options = bytes;
        }
        self
    }

    /// With that many bytes of data.
    #[must_use]
    pub fn data(mut self, bytes: usize) -> Self {
        if let Upper::Tcp { data, .. } = &mut self.upper {
            *data = bytes;
        }
        self
    }

    /// With another protocol than TCP, and these bytes behind the IP headers.
    #[must_use]
    pub fn protocol(mut self, protocol: u8, bytes: &[u8]) -> Self {
        self.upper = Upper::Other {
            protocol,
            bytes: bytes.to_vec(),
        };
        self
    }

    /// Behind a VLAN tag of that EtherType; each call adds one further in.
    #[must_use]
    pub fn tag(mut self, ethertype: u16) -> Self {
        self.tags.push(ethertype);
        self
    }

    /// With that many bytes of IPv4 options, a multiple of four up to 40.
    #[must_use]
    pub fn ip_options(mut self, bytes: usize) -> Self {
        self.ip_options = bytes;
        self
    }

    /// As an IPv4 fragment: offset in bytes, and whether more fragments follow.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        self.ip_fragment = (offset / 8) | (u16::from(more) << 13);
        self
    }

    /// With an IPv6 extension header; each call adds one further in.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// With only the first `bytes` of what follows the IP headers; lengths tell so.
    #[must_use]
    pub fn keep(mut self, bytes: usize) -> Self {
        self.keep = Some(bytes);
        self
    }

    /// With other bytes at that offset of a header: what a sender may lie.
    #[must_use]
    pub fn set(mut self, layer: Layer, at: usize, bytes: &[u8]) -> Self {
        self.edits.push((layer, at, bytes.to_vec()));
        self
    }

    /// With that many bytes behind the packet, as Ethernet pads short ones.
    #[must_use]
    pub fn padding(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    /// The frame.
    ///
    /// # Panics
    ///
    /// If a length does not fit its field.
    pub fn frame(&self) -> Vec<u8> {
        let mut payload = self.payload();
        if let Some(keep) = self.keep {
            payload.truncate(keep);
        }
        let mut packet = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.ipv4(source.octets(), destination.octets(), payload.len())
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.ipv6(source.octets(), destination.octets(), payload.len())
            }
            _ => panic!("source and destination are of one family"),
        };
        let ip_len = packet.len();
        packet.extend(payload);
        for (layer, at, bytes) in &self.edits {
            let at = match layer {
                Layer::Ip => *at,
                Layer::Payload => ip_len + at,
            };
            packet[at..at + bytes.len()].copy_from_slice(bytes);
        }

        let kind: u16 = if self.source.is_ipv4() {
            0x0800
        } else {
            0x86dd
        };
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
        for tag in &self.tags {
            frame.extend(tag.to_be_bytes());
            frame.extend([0, 0]);
        }
        frame.extend(kind.to_be_bytes());
        frame.extend(packet);
        frame.resize(frame.len() + self.padding, 0);
        frame
    }

    /// Length in bytes of what it carries behind the IP header (in IPv6, the fixed one).
    pub fn carried(&self) -> usize {
        self.frame().len() - ETHERNET - self.fixed_header()
    }

    fn fixed_header(&self) -> usize {
        if self.source.is_ipv4() {
            20 + self.ip_options
        } else {
            40
        }
    }

    /// The packet in pieces, as IP fragments: for each a range of what it carries behind the IP
    /// header, see [`carried`](Self::carried), and whether it says that more follows. Ranges may
    /// overlap, and each piece may be given other TCP flags than the packet has.
    ///
    /// # Panics
    ///
    /// If the packet is a fragment itself, tagged or padded, or if a range does not begin at a
    /// multiple of 8 within it.
    pub fn fragments(&self, pieces: &[Piece]) -> Vec<Vec<u8>> {
        let frame = self.frame();
        let fixed = self.fixed_header();
        let (header, carried) = frame.split_at(ETHERNET + fixed);
        let segment = carried.len() - self.payload().len();
        let [id_high, id_low] = self.source_port.to_be_bytes();
        pieces
            .iter()
            .map(|piece| {
                let mut carried = carried.to_vec();
                if let Some(flags) = piece.flags {
                    carried[segment + 13] = flags;
                }
                let carried = &carried[piece.from..piece.to.min(carried.len())];
                let mut frame = header.to_vec();
                let ip = &mut frame[ETHERNET..];
                if self.source.is_ipv4() {
                    ip[2..4].copy_from_slice(&length(fixed + carried.len()));
                    ip[4..6].copy_from_slice(&[id_high, id_low]);
                    let field = length((piece.from / 8) | (usize::from(piece.more) << 13));
                    ip[6..8].copy_from_slice(&field);
                    ip[10..12].copy_from_slice(&[0, 0]);
                    let sum = checksum(ip);
                    ip[10..12].copy_from_slice(&sum);
                } else {
                    ip[4..6].copy_from_slice(&length(8 + carried.len()));
                    let next = std::mem::replace(&mut ip[6], 44);
                    let [high, low] = length(piece.from | usize::from(piece.more));
                    frame.extend([next, 0, high, low, 0, 0, id_high, id_low]);
                }
                frame.extend(carried);
                frame
            })
            .collect()
    }

    fn ipv4(&self, source: [u8; 4], destination: [u8; 4], payload_len: usize) -> Vec<u8> {
        let header_len = 20 + self.ip_options;
        let mut header = vec![0x40 | byte(header_len / 4), 0];
        header.extend(length(header_len + payload_len));
        header.extend([0, 9]);
        header.extend(self.ip_fragment.to_be_bytes());
        header.extend([64, self.protocol_number(), 0, 0]);
        header.extend(source);
        header.extend(destination);
        header.resize(header_len, 1); // no operation
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum);
        header
    }

    fn ipv6(&self, source: [u8; 16], destination: [u8; 16], payload_len: usize) -> Vec<u8> {
        let mut next = self.protocol_number();
        let mut extensions = Vec::new();
        for extension in self.extensions.iter().rev() {
            let mut bytes = extension.bytes(next);
            bytes.extend(extensions);
            extensions = bytes;
            next = extension.number();
        }
        let mut header = vec![0x60, 0, 0, 0];
        header.extend(length(extensions.len() + payload_len));
        header.extend([next, 64]);
        header.extend(source);
        header.extend(destination);
        header.extend(extensions);
        header
    }

    fn protocol_number(&self) -> u8 {
        match &self.upper {
            Upper::Tcp { .. } => 6,
            Upper::Other { protocol, .. } => *protocol,
        }
    }

    fn payload(&self) -> Vec<u8> {
        let (flags, options, data) = match &self.upper {
            Upper::Tcp {
                flags,
                options,
                data,
            } => (*flags, *options, *data),
            Upper::Other { bytes, .. } => return bytes.clone(),
        };
        let mut segment = Vec::new();
        segment.extend(self.source_port.to_be_bytes());
        segment.extend(self.port.to_be_bytes());
        segment.extend([0, 0, 0, 1, 0, 0, 0, 0]);
        segment.push(byte((20 + options) / 4) << 4);
        segment.push(flags);
        segment.extend([0xff, 0xff, 0, 0, 0, 0]);
        segment.resize(segment.len() + options, 1); // no operation
        segment.resize(segment.len() + data, b'x');

        let mut covered = Vec::new();
        for address in [self.source, self.destination] {
            match address {
                IpAddr::V4(address) => covered.extend(address.octets()),
                IpAddr::V6(address) => covered.extend(address.octets()),
            }
        }
        covered.extend(length(segment.len()));
        covered.extend([0, 6]);
        covered.extend(&segment);
        let sum = checksum(&covered);
        segment[16..18].copy_from_slice(&sum);
        segment
    }
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).expect("a number in 8 bits")
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes)
        .expect("a length in 16 bits")
        .to_be_bytes()
}

/// The internet checksum, RFC 1071.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}
