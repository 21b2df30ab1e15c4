//! `export`: the plan, as one JSON value a line.

use gate_common::Reason;
use serde::{Deserialize, Serialize};

use super::KernelVerdict;
use crate::{network::Network, plan::Table};

/// The plan: what the kernel should hold.
pub type Export = Table;

/// One line of the answer of `GET /v1/export`: first all that passes, then all that is dropped,
/// each in the order of networks. Where several cover an address, `pass` wins, then the longest
/// prefix.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ExportLine {
    /// The network.
    pub network: Network,
    /// What happens to its SYNs.
    pub verdict: KernelVerdict,
    /// The reason that is counted; `null` if it passes.
    pub reason: Option<Reason>,
}
