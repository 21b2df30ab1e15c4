//! What readers see: an immutable snapshot of everything, published by the writer.

use std::{path::PathBuf, sync::Arc};

use gate_common::Mode;
use jiff::Timestamp;

use super::{classes::Known, flood::FloodView};
use crate::{
    book::{Book, History},
    config::{Config, InterfaceName},
    control::api::{Drift, TableSize},
    kernel::{Attachment, Fill, Maps},
    names::Names,
    overrides::Overrides,
    plan::{Diff, Rules, Table},
};

/// The snapshot. Making one costs a few reference counts.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The book.
    pub(super) book: Book,
    /// The name-based list.
    pub(super) names: Names,
    /// The overrides of DNSBLs.
    pub(super) overrides: Overrides,
    /// What the plan goes by.
    pub(super) rules: Arc<Rules>,
    /// The book's past.
    pub(super) history: History,
    /// The configuration in force.
    pub(super) config: Arc<Config>,
    /// Where it was read; `None` for the defaults.
    pub(super) config_path: Option<PathBuf>,
    /// When the daemon started.
    pub(super) started: Timestamp,
    /// The mode in force.
    pub(super) mode: Mode,
    /// Calm or flood.
    pub(super) flood: FloodView,
    /// The guarded interfaces.
    pub(super) interfaces: Vec<Guarded>,
    /// How large the plan is.
    pub(super) planned: TableSize,
    /// The gate's maps; `None` once the gate is detached.
    pub(super) maps: Option<Arc<Maps>>,
    /// How full the index is; `None` once the gate is detached.
    pub(super) index: Option<Fill>,
    /// Whether the kernel counts connections, or why it does not.
    pub(super) counting: Result<(), String>,
    /// Which sources have other limits for their score; shared, and newer than the snapshot.
    pub(super) classes: Known,
    /// What the kernel holds, as far as it was written or read back.
    pub(super) held: TableSize,
    /// What the last look at the kernel's table found.
    pub(super) drift: Drift,
    /// Why the kernel does not hold the plan, after the last attempt.
    pub(super) kernel_problem: Option<String>,
}

/// A guarded interface.
#[derive(Clone, Debug)]
pub(super) struct Guarded {
    /// Its name.
    pub(super) name: InterfaceName,
    /// The gate on it, or why it is not.
    pub(super) state: Result<Attachment, String>,
}

/// How large a table is.
pub(super) fn size_of(table: &Table) -> TableSize {
    let mut size = TableSize::default();
    for network in &table.allow {
        *if network.is_v4() {
            &mut size.allow_v4
        } else {
            &mut size.allow_v6
        } += 1;
    }
    for network in table.block.keys() {
        *if network.is_v4() {
            &mut size.block_v4
        } else {
            &mut size.block_v6
        } += 1;
    }
    size
}

/// How large a plan of `size` is after `diff`, of whose blocked networks `fresh` were not blocked
/// before.
pub(super) fn grown(
    size: TableSize,
    diff: &Diff,
    is_fresh: impl Fn(&crate::network::Network) -> bool,
) -> TableSize {
    let mut size = size;
    for network in &diff.allow {
        *if network.is_v4() {
            &mut size.allow_v4
        } else {
            &mut size.allow_v6
        } += 1;
    }
    for network in &diff.disallow {
        *if network.is_v4() {
            &mut size.allow_v4
        } else {
            &mut size.allow_v6
        } -= 1;
    }
    for (network, _) in diff.block.iter().filter(|(network, _)| is_fresh(network)) {
        *if network.is_v4() {
            &mut size.block_v4
        } else {
            &mut size.block_v6
        } += 1;
    }
    for network in &diff.unblock {
        *if network.is_v4() {
            &mut size.block_v4
        } else {
            &mut size.block_v6
        } -= 1;
    }
    size
}
