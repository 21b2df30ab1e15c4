//! Verdicts of filters, by command and by HTTP.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use anyhow::Result;
use gate_tests::lab::{
    Lab,
    Outcome::{Connected, TimedOut},
};

/// 60 messages of `address`, all of them spam.
fn spam(address: &str) -> String {
    format!(r#"{{"address": "{address}", "verdict": "spam", "count": 60, "source": "filter"}}"#)
}

#[test]
fn a_bad_line_loses_no_other() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let old = r#"{"address": "20.2.0.9", "verdict": "spam", "at": "2020-01-01T00:00:00Z"}"#;
    let lines = format!(
        "{}\nnonsense\n{old}\n{}\n",
        spam("20.2.0.7"),
        spam("20.3.0.7")
    );
    let said = gate.pipe(&["verdict", "-"], lines.as_bytes())?;
    assert_eq!(said.code, 65, "{said:?}");
    assert!(
        said.stdout.contains("2 lines taken") && said.stdout.contains("2 refused"),
        "{said:?}"
    );
    assert!(
        said.stderr.contains("-:2:") && said.stderr.contains("-:3:"),
        "{said:?}"
    );
    for source in ["20.2.0.7", "20.3.0.7"] {
        assert_eq!(lab.connect(source)?, TimedOut, "{source}");
        let check = gate.json(&["check", source])?;
        assert_eq!(check["reason"], "highspam");
        let answer = gate.json(&["removal", "request", source])?;
        assert_eq!(answer["decision"], "refused", "never by request");
    }
    assert_eq!(gate.json(&["status"])?["evidence"]["refused"], 2);
    Ok(())
}

/// Posts `body` to `path` at the address where filters may; the answer's status.
fn post(lab: &Lab, path: &str, header: &str, body: &str) -> Result<String> {
    lab.on_server(|| {
        let mut stream = TcpStream::connect("127.0.0.1:8025")?;
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n{header}\
             content-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.get(9..12).unwrap_or_default().to_owned())
    })
}

#[test]
fn filters_post_verdicts_by_http_and_nothing_else() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab
        .gate()
        .with("[evidence]\nlisten = \"127.0.0.1:8025\"")
        .start()?;
    assert_eq!(post(&lab, "/v1/verdicts", "", &spam("20.2.0.7"))?, "200");
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let browser = "origin: http://example.org\r\n";
    assert_eq!(
        post(&lab, "/v1/verdicts", browser, &spam("20.3.0.7"))?,
        "403"
    );
    assert_eq!(lab.connect("20.3.0.7")?, Connected);
    let block = r#"{"network": "20.3.0.7"}"#;
    assert_eq!(
        post(
            &lab,
            "/v1/block",
            "content-type: application/json\r\n",
            block
        )?,
        "404"
    );
    assert_eq!(gate.json(&["check", "20.3.0.7"])?["listed"], false);
    Ok(())
}
