//! What the configuration means for the parts of the daemon.

use std::{net::IpAddr, time::Duration};

use gate_common::{COURTESY_UNIT, Limits, Mode, Rate, Reason, SYN_UNIT};

use crate::{
    config::{ClassLimits, Config, Enforcement, InterfaceName, PerTime},
    kernel::{Capacity, KernelError, Netlink, Settings},
    network::Network,
    plan::Rules,
};

/// Allow entries are few; the trie takes memory only for those there are.
const MAX_ALLOW: u32 = 1 << 20;

/// How much the maps can hold.
pub(super) fn capacity(config: &Config) -> Capacity {
    Capacity {
        block: config.gate.max_networks,
        allow: MAX_ALLOW,
        // A bucket has seven places; with four taken, few find none.
        buckets: (config.limits.sources / 4).next_power_of_two(),
    }
}

/// What the programs are told.
pub(super) fn program(config: &Config, mode: Mode, flood: bool) -> Settings {
    let limits = &config.limits;
    let mut courtesy = [Rate::default(); Reason::SLOTS];
    for reason in Reason::ALL {
        courtesy[reason.slot()] = rate(config.courtesy.of(reason), COURTESY_UNIT);
    }
    Settings {
        mode,
        ports: config.gate.ports.as_slice().to_vec(),
        sample: config.gate.sample,
        limits: kernel_limits(limits.connections_hard, limits.rate),
        syn_rate: rate(limits.syn_rate, SYN_UNIT),
        courtesy,
        flood,
    }
}

/// The networks that have other limits.
pub(super) fn exceptions(config: &Config) -> Vec<(Network, Limits)> {
    let networks = config.limits.networks.iter();
    networks
        .map(|it| (it.network, kernel_limits(it.connections_hard, it.rate)))
        .collect()
}

/// What the kernel is told of a class of sources.
pub(super) fn class_limits(class: &ClassLimits) -> Limits {
    kernel_limits(class.connections_hard, class.rate)
}

fn kernel_limits(connections: u32, rate: PerTime) -> Limits {
    /// A window is told even where there is no limit.
    const WINDOW: Duration = Duration::from_mins(1);
    let window = if rate.count() == 0 {
        WINDOW
    } else {
        rate.time()
    };
    Limits {
        connections,
        rate: rate.count(),
        window: u32::try_from(window.as_millis()).unwrap_or(u32::MAX),
        prefix_len: 0,
    }
}

/// So many in a time, by a clock of `unit` nanoseconds.
fn rate(per_time: PerTime, unit: u64) -> Rate {
    let units = per_time.time().as_nanos() / u128::from(unit);
    Rate::new(per_time.count(), u32::try_from(units).unwrap_or(u32::MAX))
}

/// What `reason` does, in a flood or in a calm.
pub(super) fn enforcement(config: &Config, in_flood: bool, reason: Reason) -> Enforcement {
    let configured = config.enforcement.of(reason);
    if in_flood {
        configured.in_flood()
    } else {
        configured
    }
}

/// What the plan goes by, on a machine with the addresses `own`, in a flood or in a calm.
pub(super) fn rules(config: &Config, own: &[IpAddr], in_flood: bool) -> Rules {
    Rules::new(
        |reason| Some(enforcement(config, in_flood, reason)),
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
