//! The frames of the benchmark: a SYN each, whose source the programs fill in.

/// Where the IPv4 programs write the source, and what every frame is long at least.
const LEN: usize = 60;

/// Ethernet addresses: of the receiver, of the sender.
pub(crate) type Link = ([u8; 6], [u8; 6]);

/// A SYN over IPv4 to `port`, without source and checksums.
pub(crate) fn v4((to, from): Link, destination: [u8; 4], port: u16) -> [u8; LEN] {
    let mut frame = [0; LEN];
    frame[..6].copy_from_slice(&to);
    frame[6..12].copy_from_slice(&from);
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    frame[14] = 0x45;
    frame[17] = 40;
    frame[22] = 64;
    frame[23] = 6;
    frame[30..34].copy_from_slice(&destination);
    frame[34..36].copy_from_slice(&40_000u16.to_be_bytes());
    frame[36..38].copy_from_slice(&port.to_be_bytes());
    frame[46] = 5 << 4;
    frame[47] = 0x02;
    frame
}

/// A SYN over IPv6 to `port`, without source and checksum.
pub(crate) fn v6(port: u16) -> [u8; 74] {
    let mut frame = [0; 74];
    frame[12..14].copy_from_slice(&[0x86, 0xdd]);
    frame[14] = 0x60;
    frame[19] = 20;
    frame[20] = 6;
    frame[21] = 64;
    frame[38] = 0x20;
    frame[54..56].copy_from_slice(&40_000u16.to_be_bytes());
    frame[56..58].copy_from_slice(&port.to_be_bytes());
    frame[66] = 5 << 4;
    frame[67] = 0x02;
    frame
}
