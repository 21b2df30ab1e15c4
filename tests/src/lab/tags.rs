//! VLAN tags in the clients' frames, put there by a program of the lab's own: not every kernel has
//! VLAN devices.

use std::{marker::PhantomData, panic::resume_unwind, thread};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    programs::{SchedClassifier, TcAttachType, tc},
};

use super::{Lab, namespace::Namespace};

/// Tags that frames carry before their IP header, for VLAN 0: a priority and no VLAN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tags {
    /// IEEE 802.1Q: one.
    Dot1Q,
    /// IEEE 802.1ad: two.
    QinQ,
}

/// As long as this lives, the clients' frames carry tags.
#[derive(Debug)]
pub struct Tagging<'a> {
    _program: Ebpf,
    lab: PhantomData<&'a Lab>,
}

impl Tagging<'_> {
    /// Puts `tags` into whatever leaves `clients` by `device`.
    pub(super) fn start(clients: &Namespace, device: &str, tags: Tags) -> Result<Self> {
        // A driver that takes tags beside the frame would hand them over so, and XDP would see none.
        for offload in ["tx-vlan-hw-insert", "tx-vlan-stag-hw-insert"] {
            clients.run("ethtool", &["-K", device, offload, "off"])?;
        }
        let program = thread::scope(|scope| {
            let attached = scope.spawn(|| {
                clients.enter()?;
                attach(device, tags)
            });
            attached.join().unwrap_or_else(|panic| resume_unwind(panic))
        });
        Ok(Self {
            _program: program.context("tagging the clients' frames")?,
            lab: PhantomData,
        })
    }
}

fn attach(device: &str, tags: Tags) -> Result<Ebpf> {
    let mut programs = Ebpf::load(aya::include_bytes_aligned!(env!("GATE_LAB_OBJECT")))?;
    let name = match tags {
        Tags::Dot1Q => "dot1q",
        Tags::QinQ => "qinq",
    };
    let program = programs.program_mut(name).context("the object lacks it")?;
    let program: &mut SchedClassifier = program.try_into()?;
    program.load()?;
    // Before Linux 6.6 a classifier needs this to hang on; it may be there.
    let _ = tc::qdisc_add_clsact(device);
    program.attach(device, TcAttachType::Egress)?;
    Ok(programs)
}
