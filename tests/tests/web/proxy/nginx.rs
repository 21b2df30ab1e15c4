//! Debian's nginx on the lab's server, at the ports of HTTP and HTTPS, and clients that ask it with
//! curl.
//!
//! In: the locations that it serves, as a document has them. Out: what curl was answered.

use std::{
    fs,
    net::{IpAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::Lab;

/// How long nginx may take to listen, and an answer to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// All but the locations. It is one process, which is ended like any other, and writes into its own
/// directory alone.
const CONFIG: &str = "\
daemon off;
master_process off;
pid pid;
error_log error.log;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 80;
        listen 443 ssl;
        listen [::]:443 ssl;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        LOCATIONS
    }
}
";

/// A running nginx. Ended on drop.
pub(crate) struct Nginx<'a> {
    lab: &'a Lab,
    dir: PathBuf,
    child: Child,
}

impl<'a> Nginx<'a> {
    /// Starts it with these locations, for www.example.org and mx.example.org, and waits until it
    /// listens.
    pub(crate) fn start(lab: &'a Lab, locations: &str) -> Result<Self> {
        let dir = lab.dir("nginx")?;
        let names = ["www.example.org", "mx.example.org"].map(str::to_owned);
        let certified = rcgen::generate_simple_self_signed(names)?;
        fs::write(dir.join("certificate.pem"), certified.cert.pem())?;
        fs::write(dir.join("key.pem"), certified.signing_key.serialize_pem())?;
        let config = dir.join("nginx.conf");
        fs::write(&config, CONFIG.replace("LOCATIONS", locations))?;
        let mut command = lab.server_command("nginx");
        command.arg("-p").arg(&dir).arg("-c").arg(&config);
        // What it says before it has read where its log is.
        command.arg("-e").arg(dir.join("error.log"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn();
        let child = child.context("running nginx: `cargo xtask test` installs it")?;
        let mut nginx = Self { lab, dir, child };
        let deadline = Instant::now() + PATIENCE;
        while lab
            .on_server(|| Ok(TcpStream::connect("127.0.0.1:443")?))
            .is_err()
        {
            let ended = nginx.child.try_wait()?;
            ensure!(ended.is_none(), "nginx ended: {}", nginx.log());
            let late = Instant::now() > deadline;
            ensure!(!late, "nginx does not listen: {}", nginx.log());
            thread::sleep(Duration::from_millis(50));
        }
        Ok(nginx)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("error.log")).unwrap_or_default()
    }

    /// curl, to be run among the clients, that asks from the address `from`; whatever host it is to
    /// ask is this server.
    pub(crate) fn curl(&self, from: &str) -> Result<Command> {
        let from: IpAddr = from.parse()?;
        let server = match self.lab.link().server(from) {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--include", "--noproxy", "*"]);
        curl.args(["--max-time", &PATIENCE.as_secs().to_string()]);
        curl.arg("--cacert").arg(self.dir.join("certificate.pem"));
        curl.args(["--interface", &format!("host!{from}")]);
        curl.args(["--connect-to", &format!("::{server}:")]);
        Ok(curl)
    }

    /// Asks from the address `from`; the status of the answer, and all of it.
    pub(crate) fn ask(&self, from: &str, arguments: &[&str]) -> Result<(u16, String)> {
        let mut curl = self.curl(from)?;
        curl.args(arguments);
        let output = self.lab.on_clients(|| Ok(curl.output()?))?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "curl {arguments:?}: {error}");
        let status = answer.split(' ').nth(1).context("a status line")?;
        Ok((status.parse()?, answer))
    }
}

impl Drop for Nginx<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
