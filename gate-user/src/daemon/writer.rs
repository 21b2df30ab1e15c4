//! The one writer: ledger, plan and gate in one hand, so that they change in one order.

use std::{
    collections::{HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use arc_swap::ArcSwap;
use gate_common::Mode;
use jiff::Timestamp;
use tokio::task::block_in_place;

use super::{
    DaemonError,
    flood::FloodWatch,
    logging::LogControl,
    mode::KeptMode,
    settings,
    view::{self, Guarded, View},
};
use crate::{
    book::{Book, BookError, Ledger, Refusal},
    config::{Config, InterfaceName, ListName},
    control::{
        ServiceError,
        api::{Drift, ModeState, TableSize},
    },
    dns::inquiry::Inquiry,
    kernel::{Attachment, Gate, KernelError, Netlink},
    limits::Repeats,
    names::Names,
    network::Network,
    overrides::Overrides,
    plan::{self, Diff, Rules, Table},
};

/// Who asks for what the daemon does by itself.
pub(super) const DAEMON: &str = "gated";

/// Everything that only the writer may touch.
pub(super) struct Writer {
    pub(super) ledger: Ledger,
    /// Who asks DNS about sources.
    pub(super) inquiry: Inquiry,
    /// Numbers of sources of which what DNS said is to be judged again.
    pub(super) to_judge: VecDeque<i64>,
    /// DNSBLs that list everybody, and whose words are taken back.
    pub(super) doubted: HashSet<ListName>,
    pub(super) names: Names,
    pub(super) overrides: Overrides,
    pub(super) rules: Arc<Rules>,
    /// `None` once it is detached.
    pub(super) gate: Option<Gate>,
    pub(super) netlink: Netlink,
    pub(super) config: Arc<Config>,
    pub(super) config_path: Option<PathBuf>,
    pub(super) log: LogControl,
    pub(super) mode: Mode,
    pub(super) kept_mode: KeptMode<Mode>,
    pub(super) flood: FloodWatch,
    /// The interfaces to guard, as the configuration and the default route were at the start or
    /// at the last reload: a route that comes and goes does not move the gate.
    pub(super) wanted: Vec<InterfaceName>,
    pub(super) interfaces: Vec<Guarded>,
    pub(super) started: Timestamp,
    pub(super) planned: TableSize,
    pub(super) held: TableSize,
    pub(super) drift: Drift,
    pub(super) kernel_problem: Option<String>,
    /// Counts what was given to the kernel, so that a look at its table knows whether it is dated.
    pub(super) generation: u64,
    /// How often sources reached a limit.
    pub(super) repeats: Repeats,
    pub(super) view: Arc<ArcSwap<View>>,
}

impl Writer {
    /// The snapshot of this moment.
    pub(super) fn snapshot(&self) -> View {
        View {
            book: self.ledger.book().clone(),
            names: self.names.clone(),
            overrides: self.overrides.clone(),
            rules: Arc::clone(&self.rules),
            history: self.ledger.history(),
            config: Arc::clone(&self.config),
            config_path: self.config_path.clone(),
            started: self.started,
            mode: self.mode,
            flood: self.flood.view(),
            interfaces: self.interfaces.clone(),
            planned: self.planned,
            maps: self.gate.as_ref().map(|gate| Arc::clone(gate.maps())),
            index: self.gate.as_ref().map(Gate::fill),
            classes: self.view.load().classes.clone(),
            counting: self
                .gate
                .as_ref()
                .map_or(Ok(()), |gate| gate.counting().map_err(ToOwned::to_owned)),
            held: self.held,
            drift: self.drift,
            kernel_problem: self.kernel_problem.clone(),
        }
    }

    /// Lets readers see this moment.
    pub(super) fn publish(&self) {
        self.view.store(Arc::new(self.snapshot()));
    }

    /// Enforces what changed in the book, stored already, since it was `before`.
    pub(super) fn carry_out(
        &mut self,
        before: &Book,
        touched: &[Network],
    ) -> Result<(), ServiceError> {
        let diff =
            block_in_place(|| plan::change(before, self.ledger.book(), touched, &self.rules));
        let fresh = |network: &_| plan::decide(*network, before, &self.rules).is_none();
        self.planned = view::grown(self.planned, &diff, fresh);
        let enforced = self.enforce(&diff);
        self.publish();
        enforced.map_err(|error| {
            ServiceError::Internal(format!(
                "stored, but the kernel does not hold all of it yet: {error}"
            ))
        })
    }

    /// Gives the kernel a difference of plans. After a failure the next look at its table mends
    /// what it can.
    pub(super) fn enforce(&mut self, diff: &Diff) -> Result<(), KernelError> {
        self.enforce_by(|gate| gate.apply(diff))
    }

    /// The same, by what `act` does to the gate.
    pub(super) fn enforce_by(
        &mut self,
        act: impl FnOnce(&mut Gate) -> Result<(), KernelError>,
    ) -> Result<(), KernelError> {
        self.generation += 1;
        let Some(gate) = &mut self.gate else {
            return Ok(());
        };
        match block_in_place(|| act(gate)) {
            Ok(()) => {
                if self.kernel_problem.is_none() {
                    self.held = self.planned;
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "cannot change the gate table");
                self.kernel_problem = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Makes the plan anew under `rules`, and enforces what differs.
    pub(super) fn change_rules(&mut self, rules: Rules) {
        if *self.rules == rules {
            return;
        }
        let (from, to) = block_in_place(|| {
            let book = self.ledger.book();
            (plan::table(book, &self.rules), plan::table(book, &rules))
        });
        self.rules = Arc::new(rules);
        self.planned = view::size_of(&to);
        // Told by `enforce` already; the next look at the kernel's table tries again.
        let _ = self.enforce(&Diff::between(&from, &to));
        self.publish();
    }

    /// The whole plan.
    pub(super) fn plan(&self) -> Table {
        plan::table(self.ledger.book(), &self.rules)
    }

    /// Sets the mode and keeps it.
    pub(super) fn set_mode(&mut self, mode: Mode, by: &str) -> Result<ModeState, ServiceError> {
        let configured = self.config.gate.mode;
        self.kept_mode
            .keep(mode, configured)
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        let former = std::mem::replace(&mut self.mode, mode);
        self.configure()
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        tracing::info!(
            mode = mode.as_str(),
            former = former.as_str(),
            by,
            "set mode"
        );
        self.publish();
        Ok(ModeState { mode, configured })
    }

    /// Tells the program its settings.
    pub(super) fn configure(&mut self) -> Result<(), KernelError> {
        let settings = settings::program(&self.config, self.mode, self.flood.is_on());
        let exceptions = settings::exceptions(&self.config);
        let Some(gate) = &mut self.gate else {
            return Ok(());
        };
        gate.except(&exceptions)?;
        gate.configure(&settings)
    }

    /// Finds out which interfaces are to be guarded.
    pub(super) async fn choose_interfaces(&mut self) -> Result<(), KernelError> {
        self.wanted = settings::interfaces(&self.config, &self.netlink).await?;
        Ok(())
    }

    /// Whether the gate is on every interface that is to be guarded.
    pub(super) fn stands(&self) -> bool {
        let names: Vec<String> = self.wanted.iter().map(ToString::to_string).collect();
        self.gate.as_ref().is_none_or(|gate| gate.stands_on(&names))
    }

    /// Puts the gate on the interfaces that are to be guarded, and takes it off all others;
    /// returns those that failed.
    pub(super) async fn attach(
        &mut self,
    ) -> Result<Vec<(InterfaceName, KernelError)>, KernelError> {
        let wanted = self.wanted.clone();
        let Some(gate) = &mut self.gate else {
            return Ok(Vec::new());
        };
        let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let mut failed = gate.enforce(&names, self.config.gate.attach).await?;
        let attachments = gate.attachments().to_vec();
        self.interfaces = wanted
            .iter()
            .map(|name| Guarded {
                name: name.clone(),
                state: state_of(name, &attachments, &failed),
            })
            .collect();
        self.publish();
        Ok(wanted
            .into_iter()
            .filter_map(|name| {
                let at = failed
                    .iter()
                    .position(|(failed, _)| *failed == name.as_str())?;
                Some((name, failed.swap_remove(at).1))
            })
            .collect())
    }

    /// Takes the gate off the wire.
    pub(super) fn detach(&mut self, by: &str) -> Result<Vec<InterfaceName>, DaemonError> {
        if let Some(gate) = self.gate.take() {
            gate.detach()?;
        }
        let interfaces = self
            .interfaces
            .drain(..)
            .map(|guarded| guarded.name)
            .collect();
        self.held = TableSize::default();
        tracing::warn!(by, "detached gate");
        self.publish();
        Ok(interfaces)
    }
}

fn state_of(
    name: &InterfaceName,
    attachments: &[Attachment],
    failed: &[(String, KernelError)],
) -> Result<Attachment, String> {
    if let Some(attachment) = attachments.iter().find(|is| is.interface == name.as_str()) {
        return Ok(attachment.clone());
    }
    let error = failed.iter().find(|(failed, _)| *failed == name.as_str());
    Err(error.map_or_else(|| "not attached".to_owned(), |(_, error)| error.to_string()))
}

/// A book's refusal as the API tells it.
pub(super) fn refused(error: BookError) -> ServiceError {
    match error {
        BookError::Refused(refusal @ Refusal::LongComment { .. }) => {
            ServiceError::BadRequest(refusal.to_string())
        }
        BookError::Refused(refusal) => ServiceError::Conflict(refusal.to_string()),
        other => {
            tracing::error!(error = %other, "cannot change the book");
            ServiceError::Internal(other.to_string())
        }
    }
}
