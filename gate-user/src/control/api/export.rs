//! `export`: the plan, as one JSON value a line.

use gate_common::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::KernelVerdict;
use crate::{network::Network, plan::Table};

/// The plan: what the kernel should hold.
pub type Export = Table;

/// One line of the answer of `GET /v1/export`: first all that passes, then all that is dropped,
/// each in the order of networks. Where several cover an address, `pass` wins, then the longest
/// prefix.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ExportLine {
    /// The network.
    pub network: Network,
    /// What happens to its SYNs.
    pub verdict: KernelVerdict,
    /// The reason that is counted; `null` if it passes.
    pub reason: Option<Reason>,
}

impl ExportLine {
    /// All lines of a plan, in their order.
    pub fn all(plan: Export) -> impl Iterator<Item = Self> {
        let pass = plan.allow.into_iter().map(|network| Self {
            network,
            verdict: KernelVerdict::Pass,
            reason: None,
        });
        let drop = plan.block.into_iter().map(|(network, reason)| Self {
            network,
            verdict: KernelVerdict::Drop,
            reason: Some(reason),
        });
        pass.chain(drop)
    }
}
