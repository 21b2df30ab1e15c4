//! A browser for a lab: Debian's Chromium, headless, driven over WebDriver by Debian's chromedriver.
//!
//! In: where it is to look, and what to do there. It lives among the lab's clients, so that whatever
//! it reaches is the lab's. Out: what the work finds, and pictures of pages ([`picture`]).

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use fantoccini::{Client, ClientBuilder, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::lab::Lab;

/// How long all of a test's work in the browser may take.
const DEADLINE: Duration = Duration::from_mins(3);

/// What chromedriver says before its port when it listens.
const LISTENS: &str = "started successfully on port ";

/// A directory for pictures, instead of `target/web`, so that a test renews those of the docs.
const PICTURES: &str = "GATE_PICTURES";

/// What the browser is like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Browser {
    /// On a desk.
    Desktop,
    /// On a desk where all is dark.
    Dark,
    /// On a phone, 360 pixels wide.
    Phone,
    /// On a desk, and it runs no script.
    WithoutScript,
}

impl Browser {
    /// Does `work` in a new browser among the clients of `lab`.
    ///
    /// # Errors
    /// Of `work`; or there is no browser, or it takes too long.
    pub fn work<T: Send>(
        self,
        lab: &Lab,
        work: impl AsyncFnOnce(&Client) -> Result<T> + Send,
    ) -> Result<T> {
        lab.on_clients(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let profile = tempfile::tempdir()?;
            let driver = Driver::start(&profile)?;
            runtime.block_on(async {
                let client = timeout(DEADLINE, self.open(&driver, &profile))
                    .await
                    .context("the browser does not start")??;
                let done = timeout(DEADLINE, work(&client)).await;
                // Whatever became of the work, the browser is to end.
                let closed = timeout(DEADLINE, client.close()).await;
                let done = done.context("the browser takes too long")??;
                closed.context("the browser does not end")??;
                Ok(done)
            })
        })
    }

    async fn open(self, driver: &Driver, profile: &TempDir) -> Result<Client> {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(self.capabilities(profile));
        let url = format!("http://127.0.0.1:{}", driver.port);
        builder.connect(&url).await.context("opening the browser")
    }

    fn capabilities(self, profile: &TempDir) -> Capabilities {
        let data = format!("--user-data-dir={}", profile.path().join("data").display());
        let mut options = json!({"args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1000,900", data,
        ]});
        match self {
            Self::Desktop => {}
            // What `prefers-color-scheme` asks for: 0 is dark (Chromium's PreferredColorScheme).
            Self::Dark => add(&mut options, "--blink-settings=preferredColorScheme=0"),
            Self::Phone => {
                options["mobileEmulation"] =
                    json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 2.0}});
            }
            Self::WithoutScript => {
                // 2: blocked (Chromium's CONTENT_SETTING_BLOCK).
                options["prefs"] =
                    json!({"profile.managed_default_content_settings.javascript": 2});
            }
        }
        let mut capabilities = Capabilities::new();
        capabilities.insert("browserName".to_owned(), Value::from("chrome"));
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities
    }
}

/// Adds an argument of the command line.
fn add(options: &mut Value, argument: &str) {
    if let Some(arguments) = options["args"].as_array_mut() {
        arguments.push(argument.into());
    }
}

/// Writes what the browser shows as `NAME.png`: into `target/web`, or into the directory that the
/// variable `GATE_PICTURES` names, from the top of the repository.
///
/// # Errors
/// The browser shows nothing, or the file cannot be written.
pub async fn picture(client: &Client, name: &str) -> Result<()> {
    let top = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let directory = std::env::var_os(PICTURES).unwrap_or_else(|| "target/web".into());
    let directory = top.join(directory);
    fs::create_dir_all(&directory)?;
    let path = directory.join(format!("{name}.png"));
    let png = client.screenshot().await?;
    fs::write(&path, png).with_context(|| format!("writing {}", path.display()))
}

/// The same of the whole page, to its end: the window is made as high.
///
/// # Errors
/// As [`picture`].
pub async fn whole_picture(client: &Client, name: &str) -> Result<()> {
    let missing = "return document.documentElement.scrollHeight - window.innerHeight";
    let missing = client.execute(missing, Vec::new()).await?;
    let missing = u32::try_from(missing.as_i64().unwrap_or(0)).unwrap_or(0);
    let (_, _, width, height) = client.get_window_rect().await?;
    let (width, height) = (u32::try_from(width)?, u32::try_from(height)?);
    client.set_window_size(width, height + missing).await?;
    picture(client, name).await
}

/// chromedriver, in the network namespace of the thread that starts it. Ended on drop, with all that
/// it has started.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start(profile: &TempDir) -> Result<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", profile.path());
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("running chromedriver: `cargo xtask test` installs it")?;
        let output = child.stdout.take().context("it is piped")?;
        let mut driver = Self { child, port: 0 };
        driver.port = port(output, DEADLINE)?;
        Ok(driver)
    }
}

/// The port that chromedriver says it listens on, within `deadline`.
fn port(output: impl Read + Send + 'static, deadline: Duration) -> Result<u16> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        // It goes on to speak when it has told: it must not end because nobody listens.
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((_, port)) = line.split_once(LISTENS)
                && let Ok(port) = port.trim_end_matches('.').parse()
            {
                // Whoever has waited may have given up.
                let _ = tell.send(port);
            }
        }
    });
    told.recv_timeout(deadline)
        .context("chromedriver does not say where it listens")
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, time::Instant};

    use super::*;

    #[test]
    fn a_driver_that_says_nothing_is_not_waited_for() -> Result<()> {
        let (reader, mut writer) = std::io::pipe()?;
        writer
            .write_all(b"Starting\nChromeDriver was started successfully on port 9515.\nmore\n")?;
        assert_eq!(port(reader, DEADLINE)?, 9515);
        // It is there, and silent; and it ends without a word.
        let (reader, _writer) = std::io::pipe()?;
        let begun = Instant::now();
        assert!(port(reader, Duration::from_millis(50)).is_err());
        assert!(port(std::io::empty(), DEADLINE).is_err());
        assert!(begun.elapsed() < DEADLINE / 2);
        Ok(())
    }
}
