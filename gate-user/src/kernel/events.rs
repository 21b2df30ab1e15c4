//! The kernel's reports on the ring buffer.

use std::{
    io,
    net::{IpAddr, Ipv6Addr},
};

use aya::maps::{MapData, RingBuf};
use gate_common::{DropEvent, Reason};
use tokio::io::unix::AsyncFd;

use super::sys;

/// A sampled drop, or would-be drop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sample {
    /// Where the SYN came from.
    pub source: IpAddr,
    /// The guarded port it went to.
    pub port: u16,
    /// Index of the interface it came in by.
    pub ifindex: u32,
    /// Why, as far as this version knows the number.
    pub reason: Option<Reason>,
}

impl Sample {
    /// Reads a report; `None` if it is not one of this version's.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let event: DropEvent = bytemuck::try_pod_read_unaligned(bytes).ok()?;
        Some(Self {
            source: IpAddr::from(Ipv6Addr::from(event.source)).to_canonical(),
            port: event.port,
            ifindex: event.ifindex,
            reason: Reason::from_number(event.reason.into()),
        })
    }
}

/// The reading end of the ring buffer.
pub struct Events {
    ring: AsyncFd<RingBuf<MapData>>,
}

impl Events {
    pub(super) fn new(ring: RingBuf<MapData>) -> io::Result<Self> {
        Ok(Self {
            ring: sys::watch(ring)?,
        })
    }

    /// Waits for reports and gives those there are, at most `limit`.
    ///
    /// Cancel safe: what was not given stays in the buffer.
    ///
    /// # Errors
    ///
    /// What waiting on the descriptor answers.
    pub async fn next(&mut self, limit: usize) -> io::Result<Vec<Sample>> {
        let mut guard = self.ring.readable_mut().await?;
        let ring = guard.get_inner_mut();
        let mut samples = Vec::new();
        while samples.len() < limit {
            let Some(item) = ring.next() else {
                guard.clear_ready();
                break;
            };
            samples.extend(Sample::parse(&item));
        }
        Ok(samples)
    }
}
