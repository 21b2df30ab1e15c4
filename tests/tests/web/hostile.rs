//! What others would have the page do: posts from elsewhere, and texts that are programs.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use fantoccini::Locator;
use gate_tests::{
    browser::Browser,
    dns::Dns,
    lab::{Gate, Lab},
};

use crate::{
    operators::{self, DESK, log_in, wait_for},
    page::{PAGE, check, start, text},
};

/// A program where a name or an address is expected.
const PROGRAM: &str = "<img/src=x/onerror=document.title=1>";

#[test]
fn a_post_from_another_page_is_refused() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.block("20.2.0.7")?;
    let elsewhere = lab.on_clients(|| Ok(TcpListener::bind("127.0.0.1:0")?))?;
    let page = format!("http://{}/", elsewhere.local_addr()?);
    let body = format!(
        "<form method=post action={PAGE}><input name=address value=20.2.0.7>\
         <input name=contact value=a@example.net><input name=token value=1.00>\
         <button>win</button></form>"
    );
    thread::spawn(move || answer(&elsewhere, &body));
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

/// Answers whoever comes with a page of this body.
fn answer(listener: &TcpListener, body: &str) {
    for mut stream in listener.incoming().flatten() {
        // The browser may go at any time.
        let _ = stream.read(&mut [0; 4096]);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
        let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
    }
}

/// Waits until `address` is listed for `reason`.
fn await_reason(gate: &Gate<'_>, address: &str, reason: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while gate.json(&["check", address])?["reason"] != reason {
        ensure!(Instant::now() < deadline, "{address} is not listed");
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

#[test]
fn what_others_write_is_shown_and_never_run() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    dns.name("20.2.0.7", PROGRAM, false)?;
    let gate = start(&lab, &dns.tables())?;
    lab.connect("20.2.0.7")?;
    await_reason(&gate, "20.2.0.7", "forged")?;
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

/// Has the browser that is logged in grant the request 1, as well as a page can, and read.
const ELSEWHERE: &str = r#"<p id=done>no</p>
<form method=post enctype=text/plain action="http://10.25.0.1:9025/v1/removals/decide">
<input name='{"id":1,"grant":true}'><button>win</button></form><script>
const at = "http://10.25.0.1:9025/v1/", credentials = "include";
const headers = {"content-type": "application/json"}, body = '{"id":1,"grant":true}';
Promise.all([
    fetch(at + "removals/decide", {method: "POST", credentials, headers, body}),
    fetch(at + "status", {credentials}),
].map(asked => asked.then(() => "answered", () => "kept from it")))
    .then(done => document.getElementById("done").textContent = done.join(", "));
</script>"#;

#[test]
fn a_page_from_elsewhere_decides_nothing_for_an_operator_and_reads_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let gate = operators::start(&lab, "")?;
    gate.block("20.2.0.7")?;
    gate.must(&["removal", "request", "20.2.0.7"])?;
    let elsewhere = lab.on_clients(|| Ok(TcpListener::bind("127.0.0.1:0")?))?;
    // Another site, to whose posts the browser adds no cookie; and another port of the gate's own
    // host, which is the same site.
    let neighbour = lab.on_server(|| Ok(TcpListener::bind("10.25.0.1:9026")?))?;
    let pages = [
        (
            format!("http://{}/", elsewhere.local_addr()?),
            "a token is needed",
        ),
        (
            format!("http://{}/", neighbour.local_addr()?),
            "that came from a page of another site",
        ),
    ];
    for listener in [elsewhere, neighbour] {
        thread::spawn(move || answer(&listener, ELSEWHERE));
    }
    Browser::Desktop.work(&lab, async |client| {
        log_in(client, DESK).await?;
        wait_for(client, "#who", "token desk (write)").await?;
        for (page, answer) in pages {
            client.goto(&page).await?;
            wait_for(client, "#done", "kept from it, kept from it").await?;
            client.find(Locator::Css("button")).await?.click().await?;
            wait_for(client, "body", answer).await?;
        }
        client.goto(operators::PAGE).await?;
        wait_for(client, "#who", "token desk (write)").await?;
        Ok(())
    })?;
    let removals = gate.json(&["removal", "list"])?;
    assert_eq!(removals["removals"][0]["decision"], "queued", "{removals}");
    Ok(())
}

#[test]
fn an_operator_is_shown_what_others_write_and_none_of_it_runs() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    dns.name("20.2.0.7", PROGRAM, false)?;
    let gate = operators::start(&lab, &dns.tables())?;
    lab.connect("20.2.0.7")?;
    await_reason(&gate, "20.2.0.7", "forged")?;
    gate.must(&["block", "20.2.0.8", "--comment", PROGRAM])?;
    let note = format!("</td><script>document.title=1</script>{PROGRAM}");
    let request = ["removal", "request", "20.2.0.8", "--note", &note];
    gate.must(&[&request[..], &["--contact", PROGRAM]].concat())?;
    Browser::Desktop.work(&lab, async |client| {
        log_in(client, DESK).await?;
        wait_for(client, "#latest", "<img/src=x").await?;
        wait_for(client, "#removals", "<script>document.title=1</script>").await?;
        let explain = "#latest button[aria-label='Explain 20.2.0.7/32']";
        client.find(Locator::Css(explain)).await?.click().await?;
        wait_for(client, "#explanation", "<img/src=x").await?;
        assert_eq!(client.title().await?, "gate");
        let made = Locator::Css("img, body script");
        assert!(client.find(made).await.is_err());
        Ok(())
    })
}
