//! Whether a name holds its address, and how it is written there.

mod hex;
mod v4;
mod v6;

use std::{net::IpAddr, ops::Range};

use super::{evidence::Embedded, text::Text};

/// An address in a name.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// What of it.
    pub(super) embedded: Embedded,
    /// The bytes of the name whose letters are digits of the address, and no words: in `hfc000207`
    /// is no `hfc`. Empty where the address is in decimal.
    pub(super) letters: Range<usize>,
}

/// The most of `address` that `text` holds.
pub(super) fn find(text: &Text, address: IpAddr) -> Option<Found> {
    match address {
        IpAddr::V4(address) => v4::find(text, address.octets()),
        IpAddr::V6(address) => v6::find(text, address),
    }
}
