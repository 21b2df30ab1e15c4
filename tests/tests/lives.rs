//! What outlives `gated`: invariants 2, 5 and 10 through kill, restart, upgrade and detach.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use aya::{
    Ebpf,
    maps::{
        Array, Map, MapData,
        lpm_trie::{Key, LpmTrie},
    },
};
use gate_common::{ABI_VERSION, Config, Mode, names};
use gate_tests::lab::{
    Gate, Lab,
    Outcome::{Connected, TimedOut},
    program,
};
use gate_user::kernel::OBJECT;

const IMPATIENT: Duration = Duration::from_millis(100);

/// Does something to a gate, while a listed and an allowed source connect all the time.
fn under_traffic(
    lab: &Lab,
    gate: &mut Gate<'_>,
    act: impl FnOnce(&mut Gate<'_>) -> Result<()>,
) -> Result<()> {
    gate.block("192.0.2.0/24")?;
    gate.block("2001:db8::/32")?;
    gate.allow("192.0.2.25")?;
    let listed = lab
        .from("192.0.2.7")
        .patience(IMPATIENT)
        .keep_connecting()?;
    let listed_v6 = lab
        .from("2001:db8::7")
        .patience(IMPATIENT)
        .keep_connecting()?;
    let allowed = lab.from("192.0.2.25").keep_connecting()?;
    act(gate)?;
    listed.stop()?.assert_kept_out(3);
    listed_v6.stop()?.assert_kept_out(3);
    allowed.stop()?.assert_let_in(10);
    Ok(())
}

#[test]
fn a_killed_daemon_leaves_the_gate_enforcing_and_the_next_one_adopts_it() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    under_traffic(&lab, &mut gate, |gate| {
        let program = gate.json(&["check", "192.0.2.7"])?;
        assert_eq!(program["kernel"]["verdict"], "drop");
        gate.kill()?;
        // Invariant 5: nobody is there, and the kernel goes on.
        assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
        assert_eq!(lab.connect("192.0.2.25")?, Connected);
        gate.start()?;
        let status = gate.json(&["status"])?;
        assert_eq!(status["listings"]["manual"], 2, "invariant 10: {status}");
        assert_eq!(status["plan"], status["kernel"], "{status}");
        Ok(())
    })
}

#[test]
fn a_stopped_daemon_leaves_the_gate_enforcing() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    under_traffic(&lab, &mut gate, |gate| {
        gate.stop()?;
        assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
        gate.start()
    })
}

#[test]
fn maps_of_another_size_are_filled_beside_the_old_ones() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().set("max_networks", 1000).start()?;
    under_traffic(&lab, &mut gate, |gate| {
        gate.kill()?;
        gate.edit("max_networks = 1000", "max_networks = 2000")?;
        gate.start()?;
        let status = gate.json(&["status"])?;
        assert_eq!(status["plan"], status["kernel"], "{status}");
        Ok(())
    })
}

#[test]
fn another_abi_version_is_replaced_link_by_link() -> Result<()> {
    let lab = Lab::new()?;
    let second = lab.add_link()?;
    let mut gate = lab.gate().on(&second).start()?;
    let pins = gate.pins().to_owned();
    under_traffic(&lab, &mut gate, |gate| {
        let config = pins.join("map").join(names::CONFIG);
        gate.kill()?;
        // What a gate of another version leaves: the same names, another number. The program that
        // is on the wire keeps the maps it has.
        let mut other = Ebpf::load(OBJECT)?;
        let map = other.map_mut(names::CONFIG).expect("the object has it");
        let mut map = Array::<_, [u8; size_of::<Config>()]>::try_from(map)?;
        let mut settings = Config::new(Mode::Enforce, 0, [25, 0, 0, 0, 0, 0, 0, 0]);
        settings.abi = ABI_VERSION + 1;
        map.set(
            0,
            bytemuck::cast::<_, [u8; size_of::<Config>()]>(settings),
            0,
        )?;
        fs::remove_file(&config)?;
        map.pin(&config)?;
        let former = MapData::from_pin(&config)?.info()?.id();

        gate.start()?;
        assert_ne!(MapData::from_pin(&config)?.info()?.id(), former, "new maps");
        let now: Config = bytemuck::pod_read_unaligned(&config_map(&config)?.get(&0, 0)?);
        assert_eq!(now.abi, ABI_VERSION);
        for link in [lab.link(), &second] {
            let outcome = lab.from("192.0.2.7").over(link).connect()?;
            assert_eq!(outcome, TimedOut, "over {}", link.device());
        }
        Ok(())
    })
}

fn config_map(path: &Path) -> Result<Array<MapData, [u8; size_of::<Config>()]>> {
    Ok(Array::try_from(Map::from_map_data(MapData::from_pin(
        path,
    )?)?)?)
}

#[test]
fn what_was_acknowledged_survives_kill() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    for round in 0..10u8 {
        let network = format!("192.0.2.{round}/32");
        gate.block(&network)?;
        gate.kill()?; // invariant 10: between the acknowledgement and the kill nothing is lost
        gate.start()?;
        let listed = gate.json(&["list", "--within", "192.0.2.0/24"])?;
        assert_eq!(listed["total"], round + 1, "{network}: {listed}");
    }
    gate.must(&["mode", "monitor"])?;
    gate.kill()?;
    gate.start()?;
    assert_eq!(gate.json(&["mode"])?["mode"], "monitor");
    Ok(())
}

#[test]
fn detach_takes_the_gate_off_the_wire_and_the_next_start_brings_it_back() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    gate.block("192.0.2.7")?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    gate.must(&["detach", "--yes"])?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    assert!(!gate.pins().exists(), "something is still pinned");
    gate.wait()?;
    gate.start()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    Ok(())
}

#[test]
fn gated_itself_takes_off_what_no_daemon_is_there_for() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    gate.block("192.0.2.7")?;
    let (code, said) = gated_detach(&lab, &gate)?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("use `gatectl detach`"), "{said}");
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "invariant 2");

    gate.stop()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "invariant 5");
    let (code, said) = gated_detach(&lab, &gate)?;
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "the gate is off the wire\n")
    );
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    gate.start()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);

    // What is not on a BPF file system is nobody's pins.
    gate.kill()?;
    let other = lab.dir("srv")?;
    fs::create_dir(other.join("map"))?;
    let pins = gate.pins().display().to_string();
    gate.edit(&pins, &other.display().to_string())?;
    let (code, said) = gated_detach(&lab, &gate)?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not on a BPF file system"), "{said}");
    assert!(other.join("map").exists());
    gate.edit(&other.display().to_string(), &pins)?;
    Ok(())
}

/// Runs `gated --detach` with the configuration of `gate`: its exit code, and what it says.
fn gated_detach(lab: &Lab, gate: &Gate<'_>) -> Result<(Option<i32>, String)> {
    let gated = program("gated")?.display().to_string();
    let mut command = lab.server_command(&gated);
    let output = command
        .arg("--config")
        .arg(gate.config())
        .arg("--detach")
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8(said)?))
}

#[test]
fn what_somebody_takes_out_of_the_kernel_is_noticed_and_put_back() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().set("verify", "1s").start()?;
    gate.block("192.0.2.7")?;
    let block = gate.pins().join("map").join(names::BLOCK_V4);
    let mut trie: LpmTrie<_, [u8; 4], u32> =
        Map::from_map_data(MapData::from_pin(block)?)?.try_into()?;
    trie.remove(&Key::new(32, [192, 0, 2, 7]))?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while gate.json(&["status"])?["drift"]["missing"] != 1 {
        ensure!(Instant::now() < deadline, "the drift is not noticed");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    Ok(())
}
