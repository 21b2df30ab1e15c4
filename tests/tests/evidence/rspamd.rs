//! Debian's rspamd posts its verdicts, configured as docs/evidence.md has it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{
    Gate, Lab,
    Outcome::{Connected, TimedOut},
};

/// The document whose snippet is put to the test.
const DOCUMENT: &str = include_str!("../../../docs/evidence.md");

/// Where its normal worker listens unless configured.
const WORKER: &str = "127.0.0.1:11333";

/// What `local.d/metadata_exporter.conf` is to hold.
fn snippet() -> Result<String> {
    let (_, rest) = DOCUMENT
        .split_once("local.d/metadata_exporter.conf`:\n\n")
        .context("docs/evidence.md names the file")?;
    Ok(rest
        .lines()
        .take_while(|line| line.starts_with("    "))
        .flat_map(|line| [line, "\n"])
        .collect())
}

/// A running rspamd, as Debian configures it but for where its files are. Ended on drop.
struct Rspamd(Child);

impl Rspamd {
    fn start(lab: &Lab) -> Result<Self> {
        let dir = lab.dir("rspamd")?;
        let local = dir.join("local.d");
        for name in ["local.d", "db", "run", "log"] {
            fs::create_dir(dir.join(name))?;
        }
        fs::write(local.join("metadata_exporter.conf"), snippet()?)?;
        // Nobody is on the lab's network whom it could ask; and it compiles for half a minute what
        // finds links in mail, unless it is told to do without.
        let suffixes = lab.file("suffixes", "example\norg\nnet\n")?;
        fs::write(
            local.join("options.inc"),
            format!(
                "dns {{ nameserver = [\"127.0.0.1\"]; timeout = 0.1s; retransmits = 1; }}\n\
                 disable_hyperscan = true;\nurl_tld = \"{}\";\n",
                suffixes.display()
            ),
        )?;
        for module in ["asn", "fuzzy_check", "hfilter", "rbl", "spf"] {
            fs::write(local.join(format!("{module}.conf")), "enabled = false;\n")?;
        }
        for worker in ["controller", "proxy", "fuzzy"] {
            fs::write(
                local.join(format!("worker-{worker}.inc")),
                "enabled = false;\n",
            )?;
        }
        fs::write(local.join("worker-normal.inc"), "count = 1;\n")?;
        let variable = |name: &str, dir: &Path| format!("--var={name}={}", dir.display());
        let mut rspamd = lab.server_command("rspamd");
        rspamd.args([
            "--insecure",
            "--no-fork",
            "--config=/etc/rspamd/rspamd.conf",
        ]);
        rspamd.args([
            variable("LOCAL_CONFDIR", &dir),
            variable("DBDIR", &dir.join("db")),
            variable("RUNDIR", &dir.join("run")),
            variable("LOGDIR", &dir.join("log")),
        ]);
        rspamd
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = rspamd.spawn().context("running rspamd (Debian: rspamd)")?;
        let mut rspamd = Self(child);
        let deadline = Instant::now() + Duration::from_mins(1);
        while lab.on_server(|| Ok(TcpStream::connect(WORKER)?)).is_err() {
            let log = || fs::read_to_string(dir.join("log/rspamd.log")).unwrap_or_default();
            if let Some(status) = rspamd.0.try_wait()? {
                anyhow::bail!("rspamd ended ({status}): {}", log());
            }
            ensure!(
                Instant::now() < deadline,
                "rspamd does not listen: {}",
                log()
            );
            thread::sleep(Duration::from_millis(100));
        }
        Ok(rspamd)
    }
}

impl Drop for Rspamd {
    fn drop(&mut self) {
        // Its workers end with it; who is left goes with the lab.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Has a mail of `source` scanned; the action.
fn scan(lab: &Lab, source: &str, queue_id: &str, user: &str, mail: &str) -> Result<String> {
    let answer = lab.on_server(|| {
        let mut stream = TcpStream::connect(WORKER)?;
        write!(
            stream,
            "POST /checkv2 HTTP/1.1\r\nHost: rspamd\r\nConnection: close\r\nIP: {source}\r\n\
             Hostname: mail.example.org\r\nHelo: mail.example.org\r\n\
             From: ann@example.org\r\nQueue-Id: {queue_id}\r\n{user}Content-Length: {}\r\n\r\n{mail}",
            mail.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    })?;
    let (_, json) = answer
        .split_once("\r\n\r\n")
        .context("an answer with a body")?;
    let result: serde_json::Value = serde_json::from_str(json)?;
    Ok(result["action"].as_str().unwrap_or_default().to_owned())
}

/// Waits until the gate has counted so much.
fn wait_for(gate: &Gate<'_>, taken: u64, dropped: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let evidence = gate.json(&["status"])?["evidence"].clone();
        if evidence["taken"] == taken && evidence["dropped"] == dropped {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{evidence}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_rspamd_calls_spam_lists_its_source() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab
        .gate()
        .with("[evidence]\nlisten = \"127.0.0.1:8025\"")
        .start()?;
    let _rspamd = Rspamd::start(&lab)?;
    let ham = |number| {
        format!(
            "From: Ann <ann@example.org>\r\nTo: Ben <ben@example.net>\r\nSubject: dinner\r\n\
             Date: Mon, 12 Oct 2026 10:00:00 +0000\r\nMessage-ID: <{number}@example.org>\r\n\r\n\
             How are you?\r\n"
        )
    };
    // It has nothing that a mail has, which costs enough.
    let spam = "X-Nothing: 1\r\n\r\nbuy\r\n";
    for number in 0..50 {
        let queue_id = format!("4F{number}");
        assert_eq!(scan(&lab, "20.2.0.7", &queue_id, "", spam)?, "add header");
    }
    assert_eq!(scan(&lab, "20.3.0.7", "5F1", "", &ham(1))?, "no action");
    // The same again, and what a user sends who has logged in.
    assert_eq!(scan(&lab, "20.3.0.7", "5F1", "", &ham(1))?, "no action");
    scan(&lab, "20.3.0.8", "5F2", "User: ann\r\n", spam)?;
    wait_for(&gate, 52, 1)?;

    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    assert_eq!(lab.connect("20.3.0.7")?, Connected);
    let explained = gate.json(&["check", "--explain", "20.2.0.7"])?;
    assert_eq!(explained["check"]["reason"], "highspam");
    let evidence = |source: &str| -> Result<serde_json::Value> {
        Ok(gate.json(&["check", "--explain", source])?["evidence"].clone())
    };
    assert_eq!(evidence("20.2.0.7")?[0]["kind"], "spam");
    assert_eq!(evidence("20.2.0.7")?[0]["count"], 50);
    assert_eq!(evidence("20.3.0.7")?[0]["kind"], "ham");
    assert_eq!(
        evidence("20.3.0.7")?[0]["count"],
        1,
        "the same scan counts once"
    );
    assert_eq!(evidence("20.3.0.8")?, serde_json::json!([]));
    Ok(())
}
