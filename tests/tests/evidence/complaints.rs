//! Complaints by all ways, and what becomes of those that are refused.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::lab::{
    Lab,
    Outcome::{Connected, TimedOut},
};

use gate_tests::mails::{complain, forwarded, report, spam};

#[test]
fn arf_reports_drop_a_source_and_say_why() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    for source in ["20.2.0.7", "2a00:db8:1:2::7"] {
        complain(&gate, &report(source, "one@example.org"))?;
        complain(&gate, &report(source, "one@example.org"))?;
        assert_eq!(
            lab.connect(source)?,
            Connected,
            "{source}: one reporter lists nobody"
        );
        complain(&gate, &forwarded(&spam(source), "two@example.org"))?;
        assert_eq!(lab.connect(source)?, TimedOut, "{source}");

        let explained = gate.json(&["check", "--explain", source])?;
        assert_eq!(explained["reason"], "directspam");
        assert_eq!(explained["score"], 18);
        let complaints = &explained["components"][0];
        assert_eq!(complaints["part"], "complaints");
        assert_eq!(complaints["detail"], "2 reports by 2 reporters");
        assert_eq!(explained["evidence"][0]["kind"], "complaint");
        assert_eq!(explained["evidence"][0]["count"], 2);
        let shown = gate.ctl(&["check", "--explain", source])?;
        assert_eq!(shown.code, 1, "{shown:?}");
        for part in ["score of", "complaints", "way out", "0 of 4"] {
            let part = part.replace("0 of 4", "1 of 4");
            assert!(shown.stdout.contains(&part), "{part}: {}", shown.stdout);
        }
        let on_record = gate.must(&["complaints", "--since", "1h", "--network", source])?;
        assert_eq!(on_record.matches(source).count(), 2, "{on_record}");
        let history = gate.json(&["history", source])?;
        let entry = &history["entries"][0];
        assert_eq!(entry["reason"], "directspam");
        assert!(
            entry["evidence"]
                .as_str()
                .is_some_and(|is| is.starts_with("score 18"))
        );
    }
    // The hop that the sender made up is nobody's.
    assert_eq!(lab.connect("20.99.99.99")?, Connected);
    Ok(())
}

#[test]
fn an_alias_is_told_what_to_do_with_a_mail() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    let pipe = |arguments: &[&str], mail: &str| gate.pipe(arguments, mail.as_bytes());
    let arf = report("20.2.0.7", "one@example.org");
    for (arguments, mail, code, part) in [
        (
            &["complaint", "--format", "arf", "-"][..],
            &arf[..],
            0,
            "taken",
        ),
        (&["complaint", "-"], &arf, 0, "known already"),
        (&["complaint", "-"], "Subject: hello\n\nhello", 65, "attach"),
        (
            &["complaint", "--format", "arf", "-"],
            &forwarded(&spam("20.2.0.7"), "a@b"),
            65,
            "ARF",
        ),
        (
            &["complaint", "-"],
            &report("10.0.0.1", "a@b").replace("20.2.0.7", "10.0.0.1"),
            65,
            "own_relays",
        ),
        (&["complaint", "/nonexistent"], "", 66, "nonexistent"),
        (&["complaint", "--format", "xarf", "-"], &arf, 64, "xarf"),
        (&["verdict", "--nonsense"], "", 64, "--nonsense"),
    ] {
        let said = pipe(arguments, mail)?;
        assert_eq!(said.code, code, "{arguments:?}: {said:?}");
        assert!(
            said.stdout.contains(part) || said.stderr.contains(part),
            "{part}: {said:?}"
        );
    }
    // What was refused is counted, and kept.
    let status = gate.json(&["status"])?;
    assert_eq!(status["evidence"]["taken"], 2);
    assert_eq!(status["evidence"]["refused"], 3);
    assert_eq!(status["evidence"]["quarantined"], 3);
    let shown = gate.must(&["status"])?;
    assert!(shown.contains("3 refused"), "{shown}");
    let kept: Vec<String> = fs::read_dir(gate.state().join("quarantine"))?
        .map(|entry| Ok(fs::read_to_string(entry?.path())?))
        .collect::<Result<_>>()?;
    assert_eq!(kept.len(), 3);
    assert!(
        kept.iter()
            .any(|kept| kept.ends_with("\n\nSubject: hello\n\nhello"))
    );

    gate.stop()?;
    let said = gate.pipe(&["complaint", "-"], arf.as_bytes())?;
    assert_eq!(said.code, 75, "no daemon, try again later: {said:?}");
    Ok(())
}

#[test]
fn mail_in_a_maildir_is_handed_in() -> Result<()> {
    let lab = Lab::new()?;
    let abuse = lab.dir("abuse")?;
    let trap = lab.dir("trap")?;
    for maildir in [&abuse, &trap] {
        for part in ["tmp", "new", "cur"] {
            fs::create_dir(maildir.join(part))?;
        }
    }
    fs::write(abuse.join("new/1"), report("20.2.0.7", "one@example.org"))?;
    let tables = format!(
        "[[evidence.maildir]]\npath = {abuse:?}\n\
         [[evidence.maildir]]\npath = {trap:?}\ntrap = true\nthen = \"delete\""
    );
    let gate = lab.gate().with(&tables).start()?;
    fs::write(abuse.join("tmp/2"), report("20.2.0.7", "two@example.org"))?;
    fs::rename(abuse.join("tmp/2"), abuse.join("new/2"))?;
    // Two hits weigh 10, which lists.
    for number in 1..=2 {
        let hit = spam("20.3.0.7").replace("<1@", &format!("<{number}@"));
        fs::write(trap.join("tmp/hit"), hit)?;
        fs::rename(trap.join("tmp/hit"), trap.join(format!("new/{number}")))?;
    }
    fs::write(abuse.join("new/3"), "Subject: hello\n\nhello")?;
    for source in ["20.2.0.7", "20.3.0.7"] {
        let deadline = Instant::now() + Duration::from_secs(20);
        while lab.connect(source)? != TimedOut {
            ensure!(
                Instant::now() < deadline,
                "{source} is not listed: {}",
                gate.log()
            );
        }
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while fs::read_dir(abuse.join("new"))?.count() + fs::read_dir(trap.join("new"))?.count() > 0 {
        ensure!(Instant::now() < deadline, "mail stays in new");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(fs::read_dir(trap.join("cur"))?.count(), 0, "deleted");
    assert_eq!(gate.json(&["status"])?["evidence"]["quarantined"], 1);
    Ok(())
}
