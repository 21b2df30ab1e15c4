//! Whether a name holds its address, and how it is written there.

mod hex;
mod v4;
mod v6;

use std::net::IpAddr;

use super::{evidence::Embedded, text::Text};

/// The most of `address` that `text` holds.
pub(super) fn find(text: &Text, address: IpAddr) -> Option<Embedded> {
    match address {
        IpAddr::V4(address) => v4::find(text, address.octets()),
        IpAddr::V6(address) => v6::find(text, address),
    }
}
