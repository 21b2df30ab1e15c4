//! The operators' page without a token: nothing of it is shown to whoever comes through a proxy, unless
//! that hides itself, and then no more than the document says.

use anyhow::Result;
use gate_tests::lab::Lab;

use super::{
    nginx::Nginx,
    operators::{PAGE, location, table},
};

/// As little as a proxy needs.
const BARE: &str = "location / { proxy_pass http://127.0.0.1:9025; }";

#[test]
fn a_proxy_shows_nothing_unless_it_hides_itself() -> Result<()> {
    let lab = Lab::new()?;
    let _gate = lab.gate().with(&table()?).start()?;
    let documented = location()?;
    for (location, version, header, expected) in [
        // What nginx does unless it is told otherwise, before 1.29.7.
        (BARE, "1.0", "Connection close", 403),
        (&documented, "1.0", "Connection close", 403),
        (&documented, "1.1", "Connection ''", 403),
        (BARE, "1.1", "Host $host", 403),
        (BARE, "1.1", "X-Forwarded-For $remote_addr", 403),
        (BARE, "1.1", "X-Real-IP $remote_addr", 403),
        // And since: it hides.
        (BARE, "1.1", "Connection ''", 200),
    ] {
        let told = format!("9025; proxy_http_version {version}; proxy_set_header {header};");
        let location = location.replace("9025;", &told);
        let nginx = Nginx::start(&lab, &location)?;
        for (path, expected) in [
            ("", expected),
            ("me", expected),
            ("live", expected),
            ("metrics", expected),
            ("v1/status", expected),
            ("v1/listings", 403),
            ("v1/removals", 403),
        ] {
            for host in ["Host: mx.example.org", "Host: localhost:9025"] {
                // The head alone, for `/live` has no end.
                let url = format!("{PAGE}{path}");
                let asked = ["--head", "--header", host, &url];
                let (status, answer) = nginx.ask("20.9.0.7", &asked)?;
                assert_eq!(status, expected, "{location} {asked:?}: {answer}");
            }
        }
    }
    Ok(())
}
