//! What the configuration means for the parts of the daemon.

use std::net::IpAddr;

use gate_common::{Limits, Mode, SynRate};

use crate::{
    config::{Config, InterfaceName},
    kernel::{Capacity, KernelError, Netlink, Settings},
    network::Network,
    plan::Rules,
};

/// Allow entries are few; the trie takes memory only for those there are.
const MAX_ALLOW: u32 = 1 << 20;

/// Buckets of the table of sources.
const BUCKETS: u32 = 1 << 14;

/// How much the maps can hold.
pub(super) fn capacity(config: &Config) -> Capacity {
    Capacity {
        block: config.gate.max_networks,
        allow: MAX_ALLOW,
        buckets: BUCKETS,
    }
}

/// What the program is told.
pub(super) fn program(config: &Config, mode: Mode) -> Settings {
    Settings {
        mode,
        ports: config.gate.ports.as_slice().to_vec(),
        sample: config.gate.sample,
        limits: Limits {
            window: 60_000,
            ..Limits::default()
        },
        syn_rate: SynRate::default(),
    }
}

/// What the plan goes by, on a machine with the addresses `own`.
pub(super) fn rules(config: &Config, own: &[IpAddr]) -> Rules {
    Rules::new(
        |reason| Some(config.enforcement.of(reason)),
        own.iter().map(|&address| Network::host(address)),
    )
}

/// The interfaces to guard: those named, or the default route's.
pub(super) async fn interfaces(
    config: &Config,
    netlink: &Netlink,
) -> Result<Vec<InterfaceName>, KernelError> {
    if !config.gate.interfaces.is_empty() {
        return Ok(config.gate.interfaces.clone());
    }
    let name = netlink.default_interface().await?;
    let known =
        InterfaceName::try_from(name.clone()).map_err(|_| KernelError::NoInterface(name))?;
    Ok(vec![known])
}
