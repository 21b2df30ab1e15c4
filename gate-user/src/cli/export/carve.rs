//! The plan as a set of addresses: disjoint networks, what is allowed cut out, for formats that
//! know neither overlap nor exception.

use crate::{control::api::Export, network::Network};

/// Those of `networks`, which are sorted, that lie in no other of them.
pub(super) fn outermost(networks: impl IntoIterator<Item = Network>) -> Vec<Network> {
    let mut kept: Vec<Network> = Vec::new();
    for network in networks {
        // In the order of networks, whatever covers one comes before it.
        if !kept.last().is_some_and(|last| last.covers(network)) {
            kept.push(network);
        }
    }
    kept
}

/// Every address that is dropped and no other, as disjoint networks in their order.
pub(super) fn dropped(plan: &Export) -> Vec<Network> {
    let holes = outermost(plan.allow.iter().copied());
    let mut out = Vec::new();
    for network in outermost(plan.block.keys().copied()) {
        let before = holes.partition_point(|hole| *hole <= network);
        if before > 0 && holes[before - 1].covers(network) {
            continue;
        }
        let inside = holes[before..].partition_point(|hole| network.covers(*hole));
        carve(network, &holes[before..before + inside], &mut out);
    }
    out
}

/// Adds `network` without `holes`, which are sorted, disjoint, and lie in it.
fn carve(network: Network, holes: &[Network], out: &mut Vec<Network>) {
    match holes {
        [] => out.push(network),
        [whole] if *whole == network => {}
        _ => {
            let length = network.prefix_len() + 1;
            let halves = network.ipnet().subnets(length);
            for half in halves.into_iter().flatten() {
                let half = Network::containing(half.addr(), length);
                let begin = holes.partition_point(|hole| *hole < half);
                let inside = holes[begin..].partition_point(|hole| half.covers(*hole));
                carve(half, &holes[begin..begin + inside], out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gate_common::Reason;
    use proptest::prelude::*;

    use super::*;
    use crate::cli::export::testing::plan;

    fn shown(block: &[&str], allow: &[&str]) -> String {
        let block: Vec<_> = block.iter().map(|text| (*text, Reason::Manual)).collect();
        let networks = dropped(&plan(&block, allow));
        let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
        networks.join(" ")
    }

    #[test]
    fn what_is_dropped_as_disjoint_networks() {
        for (block, allow, expected) in [
            (&[][..], &["192.0.2.0/24"][..], ""),
            (&["192.0.2.0/24"], &[], "192.0.2.0/24"),
            (
                &["192.0.2.0/24", "192.0.2.7", "192.0.0.0/16"],
                &[],
                "192.0.0.0/16",
            ),
            (&["192.0.2.0/24"], &["192.0.2.0/24"], ""),
            (&["192.0.2.0/24"], &["192.0.0.0/16"], ""),
            (
                &["192.0.2.0/25", "192.0.2.128/25"],
                &[],
                "192.0.2.0/25 192.0.2.128/25",
            ),
            (
                &["192.0.2.0/30"],
                &["192.0.2.1"],
                "192.0.2.0/32 192.0.2.2/31",
            ),
            (
                &["192.0.2.0/30"],
                &["192.0.2.0", "192.0.2.3", "192.0.2.3/32"],
                "192.0.2.1/32 192.0.2.2/32",
            ),
            (&["0.0.0.0/0"], &["128.0.0.0/1", "192.0.2.7"], "0.0.0.0/1"),
            (
                &["2001:db8::/126", "192.0.2.7"],
                &["2001:db8::2/127"],
                "192.0.2.7/32 2001:db8::/127",
            ),
        ] {
            assert_eq!(shown(block, allow), expected, "{block:?} without {allow:?}");
        }
    }

    /// A network in 192.0.2.0/24.
    fn small() -> impl Strategy<Value = Network> {
        (any::<u8>(), 24_u8..=32)
            .prop_map(|(last, length)| Network::containing([192, 0, 2, last].into(), length))
    }

    proptest! {
        #[test]
        fn exactly_what_the_kernel_would_drop(
            block in proptest::collection::btree_map(small(), Just(Reason::Manual), 0..8),
            allow in proptest::collection::btree_set(small(), 0..8),
        ) {
            let plan = Export { allow, block };
            let networks = dropped(&plan);
            for last in 0..=255 {
                let address = [192, 0, 2, last].into();
                let allowed = plan.allow.iter().any(|network| network.contains(address));
                let blocked = plan.block.keys().any(|network| network.contains(address));
                let times = networks.iter().filter(|network| network.contains(address)).count();
                prop_assert_eq!(times, usize::from(blocked && !allowed), "{}", address);
            }
        }
    }
}
