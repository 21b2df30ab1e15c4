//! What there is to measure in the daemon, read where it is counted.

use std::collections::BTreeMap;

use gate_common::Family;

use super::Handle;
use crate::{
    control::ServiceError,
    kernel::{Counters, KernelError, Maps},
    metrics::Reading,
};

impl Handle {
    /// All metrics of this moment. The writer is not asked, and the kernel for a few maps alone.
    pub(super) fn reading(&self) -> Result<Reading, ServiceError> {
        let view = self.view();
        let (feeds, evidence, missed) = (
            self.feeds.status(),
            self.desk.counts(),
            self.hear.opened.missed(),
        );
        let status = self.state(&feeds, evidence, missed)?;
        let packets = view.maps.as_deref().map(packets).transpose();
        let packets = packets.map_err(|error| ServiceError::Internal(error.to_string()))?;
        let lost = status.connections.as_ref();
        Ok(Reading {
            lost_in_kernel: lost.map_or(0, |counts| counts.lost_reports - missed),
            lost_in_daemon: missed,
            status,
            packets: packets.unwrap_or_default(),
            listings: view.book.counts().clone(),
            reached: self.hear.limits.reached(),
            limited: self.hear.limits.limited(),
            evidence,
            feeds,
            dnsbl: self.lookups.dnsbl.status(),
            dns: self.lookups.resolver().stats().total,
            policy: self.policy.counters().counted(),
        })
    }
}

fn packets(maps: &Maps) -> Result<BTreeMap<&'static str, Counters>, KernelError> {
    [("ipv4", Family::V4), ("ipv6", Family::V6)]
        .into_iter()
        .map(|(name, family)| Ok((name, maps.counters(family)?)))
        .collect()
}
