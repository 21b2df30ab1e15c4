//! What others would have the page do: posts from elsewhere, and texts that are programs.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use fantoccini::Locator;
use gate_tests::{browser::Browser, dns::Dns, lab::Lab};

use crate::page::{PAGE, check, start, text};

/// A program where a name or an address is expected.
const PROGRAM: &str = "<img/src=x/onerror=document.title=1>";

#[test]
fn a_post_from_another_page_is_refused() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.block("20.2.0.7")?;
    let elsewhere = lab.on_clients(|| Ok(TcpListener::bind("127.0.0.1:0")?))?;
    let page = format!("http://{}/", elsewhere.local_addr()?);
    thread::spawn(move || answer(&elsewhere));
    Browser::Desktop.work(&lab, async |client| {
        client.goto(&page).await?;
        client.find(Locator::Css("button")).await?.click().await?;
        let answer = text(client, "#notice").await?;
        assert!(answer.starts_with("Another page sent this"), "{answer}");
        Ok(())
    })?;
    let removals = gate.json(&["removal", "list"])?;
    assert_eq!(removals["removals"].as_array().map(Vec::len), Some(0));
    Ok(())
}

/// Answers whoever comes with a page whose form posts to the gate's.
fn answer(listener: &TcpListener) {
    let body = format!(
        "<form method=post action={PAGE}><input name=address value=20.2.0.7>\
         <input name=contact value=a@example.net><input name=token value=1.00>\
         <button>win</button></form>"
    );
    for mut stream in listener.incoming().flatten() {
        // The browser may go at any time.
        let _ = stream.read(&mut [0; 4096]);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
        let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
    }
}

#[test]
fn what_others_write_is_shown_and_never_run() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    dns.name("20.2.0.7", PROGRAM, false)?;
    let gate = start(&lab, &dns.tables())?;
    lab.connect("20.2.0.7")?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while gate.json(&["check", "20.2.0.7"])?["reason"] != "forged" {
        ensure!(Instant::now() < deadline, "20.2.0.7 is not listed");
        thread::sleep(Duration::from_millis(100));
    }
    Browser::Desktop.work(&lab, async |client| {
        let title = "Why mail is refused – Example Mail";
        assert_eq!(check(client, "20.2.0.7").await?, "20.2.0.7 is listed");
        let name = text(client, "section code").await?;
        assert!(name.starts_with("<img/src=x"), "{name}");
        assert_eq!(client.title().await?, title);

        let closing = format!("</textarea>{PROGRAM}<script>document.title=1</script>");
        check(client, &closing).await?;
        assert_eq!(client.title().await?, title);
        let shown = client.find(Locator::Css("#address")).await?;
        assert_eq!(shown.prop("value").await?, Some(closing));
        assert!(client.find(Locator::Css("img, script")).await.is_err());
        Ok(())
    })
}
