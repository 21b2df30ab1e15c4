//! The kernel's reports on the ring buffer.

use std::{
    io,
    net::{IpAddr, Ipv6Addr},
};

use aya::maps::{MapData, RingBuf};
use gate_common::{Event, EventKind, Limit, Reason};
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

/// What the kernel reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Report {
    /// A SYN of a listed source was dropped, or would have been: a sample.
    Drop(Sample),
    /// A source that had no connection open completed a handshake.
    Opened {
        /// The address that it did so from.
        source: IpAddr,
    },
    /// By completing a handshake, a source reached a limit.
    Reached {
        /// Who.
        source: IpAddr,
        /// Which.
        limit: Limit,
        /// Connections: open, or opened in the window.
        count: u32,
    },
    /// SYNs of a source were dropped, or would have been, because it is at a limit. Anybody can
    /// have sent them.
    Limited {
        /// Who.
        source: IpAddr,
        /// Which.
        limit: Limit,
        /// Connections that are open, or were opened in the window; of `syn_rate` SYNs dropped
        /// since the last report.
        count: u32,
    },
}

impl Report {
    /// Reads a report; `None` if it is not one of this version's.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let event: Event = bytemuck::try_pod_read_unaligned(bytes).ok()?;
        let source = IpAddr::from(Ipv6Addr::from(event.source)).to_canonical();
        let count = event.count;
        Some(match EventKind::from_number(event.kind)? {
            EventKind::Drop => Self::Drop(Sample {
                source,
                port: event.port,
                ifindex: event.ifindex,
                reason: Reason::from_number(event.what.into()),
            }),
            EventKind::Opened => Self::Opened { source },
            EventKind::Reached => Self::Reached {
                source,
                limit: Limit::from_number(event.what)?,
                count,
            },
            EventKind::Limited => Self::Limited {
                source,
                limit: Limit::from_number(event.what)?,
                count,
            },
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
    pub async fn next(&mut self, limit: usize) -> io::Result<Vec<Report>> {
        let mut guard = self.ring.readable_mut().await?;
        let ring = guard.get_inner_mut();
        let mut reports = Vec::new();
        while reports.len() < limit {
            let Some(item) = ring.next() else {
                guard.clear_ready();
                break;
            };
            reports.extend(Report::parse(&item));
        }
        Ok(reports)
    }
}
