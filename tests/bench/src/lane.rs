//! A namespace with a pair of interfaces, joined to each other and to nothing else, and a flood
//! from the one to the other.

use std::{
    fs::{self, File},
    os::fd::AsFd as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    maps::{Array, MapData},
    programs::{TestRun as _, TestRunAttrs, TestRunOptions},
};
use gate_tests::snmp;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{bed::Bed, frames};

/// Where the flood leaves.
const SENDER: &str = "sender";
/// Where it arrives.
pub(crate) const RECEIVER: &str = "receiver";
/// The receiver's address.
const ADDRESS: [u8; 4] = [192, 0, 2, 1];
/// Frames that the generator sends in one go: fewer than the receiver's ring holds (256).
const BATCH: u32 = 64;
/// How often a flood is tried.
const ATTEMPTS: usize = 10;

/// This process's thread in a namespace of its own, until dropped.
pub(crate) struct Lane {
    name: String,
    home: File,
    frame: [u8; 60],
}

impl Lane {
    /// Makes the namespace and moves this thread into it.
    pub(crate) fn enter() -> Result<Self> {
        let name = format!("gate-bench-{}", std::process::id());
        let home = File::open("/proc/thread-self/ns/net")?;
        run("ip", &["netns", "add", &name])?;
        let inside = File::open(format!("/run/netns/{name}"))?;
        let lane = Self {
            name,
            home,
            frame: [0; 60],
        };
        move_into_link_name_space(inside.as_fd(), Some(LinkNameSpaceType::Network))
            .context("entering the namespace; the benchmark needs root")?;
        lane.set_up()
    }

    fn set_up(mut self) -> Result<Self> {
        let pair = [
            "link", "add", SENDER, "type", "veth", "peer", "name", RECEIVER,
        ];
        run("ip", &pair)?;
        run("ip", &["address", "add", "192.0.2.1/24", "dev", RECEIVER])?;
        for interface in ["lo", SENDER, RECEIVER] {
            run("ip", &["link", "set", interface, "up"])?;
        }
        self.frame = frames::v4((address(RECEIVER)?, address(SENDER)?), ADDRESS, 25);
        Ok(self)
    }

    /// Sends `packets` at least from the sources of `bed`, all of which arrive; packets a second.
    ///
    /// The kernel may leave the receiver's work to another thread for a while, and the ring
    /// overflows: then it is tried again.
    pub(crate) fn flood(&self, bed: &mut Bed, packets: u32) -> Result<f64> {
        let mut result = self.flood_once(bed, packets);
        for _ in 1..ATTEMPTS {
            if result.is_ok() {
                break;
            }
            result = self.flood_once(bed, packets);
        }
        result
    }

    fn flood_once(&self, bed: &mut Bed, packets: u32) -> Result<f64> {
        let target = index(SENDER)?;
        let mut map: Array<&mut MapData, u32> = bed
            .programs
            .map_mut("TARGET")
            .context("no target")?
            .try_into()?;
        map.set(0, target, 0)?;
        let before = received()?;
        let begun = Instant::now();
        bed.program("flood")?.test_run(TestRunOptions {
            data_in: Some(&self.frame),
            repeat: packets,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..TestRunOptions::default()
        })?;
        let time = begun.elapsed();
        // What is still in the receiver's ring.
        std::thread::sleep(Duration::from_millis(20));
        let arrived = received()? - before;
        ensure!(
            arrived * 100 >= u64::from(packets) * 99,
            "of {packets} packets only {arrived} arrived"
        );
        Ok(arrived as f64 / time.as_secs_f64())
    }

    /// Whether the receiver handed nothing to its owner's sockets: every packet was dropped.
    pub(crate) fn delivered() -> Result<u64> {
        snmp::tcp("InSegs")
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Without the way back, the process is about to end anyway.
        let _ = move_into_link_name_space(self.home.as_fd(), Some(LinkNameSpaceType::Network));
        let _ = run("ip", &["netns", "delete", &self.name]);
    }
}

/// Runs a program in the thread's namespace to its end.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {program}"))?;
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A field of `ip -oneline link show` for an interface.
fn shown(interface: &str) -> Result<String> {
    run("ip", &["-oneline", "link", "show", "dev", interface])
}

fn index(interface: &str) -> Result<u32> {
    let shown = shown(interface)?;
    let index = shown.split(':').next().unwrap_or_default();
    index
        .parse()
        .with_context(|| format!("no index in {shown}"))
}

fn address(interface: &str) -> Result<[u8; 6]> {
    let shown = shown(interface)?;
    let mut words = shown
        .split_whitespace()
        .skip_while(|word| *word != "link/ether");
    let text = words.nth(1).context("no Ethernet address")?;
    let bytes: Vec<u8> = text
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16))
        .collect::<Result<_, _>>()?;
    bytes
        .try_into()
        .map_err(|_| anyhow::anyhow!("{text} is no Ethernet address"))
}

/// Packets that the receiver has taken in, dropped or not.
fn received() -> Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/net/dev")?;
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(RECEIVER)?.strip_prefix(':'))
        .context("the receiver is gone")?;
    let packets = line
        .split_whitespace()
        .nth(1)
        .context("no count of packets")?;
    Ok(packets.parse()?)
}
