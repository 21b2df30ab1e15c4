//! Postfix and a service that dies and returns, and one whose configuration changes under load.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::lab::Lab;

use crate::{
    postfix::Postfix,
    smtp::{Smtp, told},
};

const CONFIG: &str = "
[enforcement]
manual = 'reject'
[policy]
group = 'postfix'
url = 'https://www.example.org/refused'
checks.sender_domain = 'off'
checks.reverse_dns = 'off'
";

#[test]
fn without_the_service_postfix_goes_on() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().set("attach", "generic").with(CONFIG).start()?;
    let postfix = Postfix::start(&lab, &gate)?;
    gate.block("192.0.2.0/24")?;
    // This process of Postfix has a connection to the service.
    assert!(told(&lab, "192.0.2.7")?.starts_with("554 5.7.1"));
    gate.kill()?;
    let mut client = Smtp::from(&lab, "192.0.2.7")?;
    assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
    assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
    assert!(postfix.said().contains("policy.sock"), "{}", postfix.said());
    gate.start()?;
    assert!(told(&lab, "192.0.2.7")?.starts_with("554 5.7.1"));
    // An orderly end is no other.
    gate.stop()?;
    assert_eq!(told(&lab, "192.0.2.7")?, "250 2.1.5 Ok");
    gate.start()?;
    assert!(told(&lab, "192.0.2.7")?.starts_with("554 5.7.1"));
    Ok(())
}

#[test]
fn a_reload_under_load_is_not_felt() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().set("attach", "generic").with(CONFIG).start()?;
    let postfix = Postfix::start(&lab, &gate)?;
    gate.block("192.0.2.0/24")?;
    let stop = AtomicBool::new(false);
    let asked = AtomicU32::new(0);
    thread::scope(|scope| -> Result<()> {
        let client = |address: String, expected: &'static str| {
            let (lab, stop, asked) = (&lab, &stop, &asked);
            scope.spawn(move || -> Result<()> {
                while !stop.load(Relaxed) {
                    let told = told(lab, &address)?;
                    ensure!(told.starts_with(expected), "{address}: {told}");
                    asked.fetch_add(1, Relaxed);
                }
                Ok(())
            })
        };
        let mut clients = Vec::new();
        for n in 1..4 {
            clients.push(client(format!("192.0.2.{n}"), "554 5.7.1"));
            clients.push(client(format!("203.0.113.{n}"), "250 2.1.5"));
        }
        let deadline = Instant::now() + Duration::from_secs(8);
        let mut turn = 0;
        while Instant::now() < deadline {
            let (from, to) = match turn % 2 {
                0 => ("org/refused", "org/other"),
                _ => ("org/other", "org/refused"),
            };
            gate.edit(from, to)?;
            gate.must(&["reload"])?;
            gate.block("198.51.100.0/24")?;
            gate.unblock("198.51.100.0/24")?;
            turn += 1;
        }
        stop.store(true, Relaxed);
        for client in clients {
            client.join().expect("a client does not panic")?;
        }
        ensure!(turn > 2, "{turn} reloads");
        Ok(())
    })?;
    let asked = asked.load(Relaxed);
    assert!(asked > 50, "{asked} requests");
    let state = gate.json(&["policy", "status"])?;
    assert_eq!(
        (&state["broken"], &state["turned_away"]),
        (&0.into(), &0.into()),
        "{state}"
    );
    assert!(!postfix.said().contains("warning: "), "{}", postfix.said());
    // And what was reloaded is in force.
    gate.edit("org/", "org/now/")?;
    gate.must(&["reload"])?;
    let told = told(&lab, "192.0.2.7")?;
    assert!(told.contains("https://www.example.org/now/"), "{told}");
    Ok(())
}
