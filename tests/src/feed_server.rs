//! An HTTPS server on the lab's server, on loopback and under a certificate of its own, that serves a
//! list and says when it has not changed.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivateKeyDer,
};

use crate::lab::Lab;

/// The server. It ends when it is dropped.
pub struct FeedServer {
    address: SocketAddr,
    certificate: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    list: Mutex<String>,
    /// The status of each answer.
    answered: Mutex<Vec<u16>>,
    ended: AtomicBool,
}

impl FeedServer {
    /// Starts to serve `list` in `lab`.
    ///
    /// # Errors
    /// No port is to be had, or no certificate.
    pub fn start(lab: &Lab, list: &str) -> Result<Self> {
        let listener = lab.on_server(|| Ok(TcpListener::bind("127.0.0.1:0")?))?;
        let address = listener.local_addr()?;
        let (certificate, config) = certified()?;
        let shared = Arc::new(Shared::default());
        let config = Arc::new(config);
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.ended.load(Ordering::Relaxed) {
                    return;
                }
                // Whoever asks may go at any time.
                let _ = serve(stream, Arc::clone(&config), &serving);
            }
        });
        let server = Self {
            address,
            certificate,
            shared,
        };
        server.set(list);
        Ok(server)
    }

    /// Serves `list` from now on.
    pub fn set(&self, list: &str) {
        list.clone_into(&mut lock(&self.shared.list));
    }

    /// The tables of configuration of a feed of that name, with more `keys`.
    ///
    /// # Errors
    /// Its certificate cannot be written.
    pub fn feed(&self, lab: &Lab, name: &str, keys: &str) -> Result<String> {
        let certificate = lab.file(&format!("{name}.pem"), &self.certificate)?;
        Ok(format!(
            "[[feed]]\nname = '{name}'\nurl = 'https://{}/list?key=secret'\nca_file = '{}'\n{keys}",
            self.address,
            certificate.display()
        ))
    }

    /// The status of each answer so far: 200 with a list, 304 where it had not changed.
    pub fn answered(&self) -> Vec<u16> {
        lock(&self.shared.answered).clone()
    }

    /// Ends it: nobody is there any more.
    ///
    /// # Errors
    /// The lab's server cannot be entered.
    pub fn end(self, lab: &Lab) -> Result<()> {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes it, to find that it has ended; and then there is no listener.
        lab.on_server(|| {
            while TcpStream::connect(self.address).is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The certificate of an authority, in PEM, and a server's by it.
fn certified() -> Result<(String, ServerConfig)> {
    let mut authority = CertificateParams::new([])?;
    authority
        .distinguished_name
        .push(DnType::CommonName, "the lab's authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?.pem();
    let key = KeyPair::generate()?;
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
    Ok((root, config))
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, shared: &Shared) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config)?, stream));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = stream.read_line(&mut head)?;
        anyhow::ensure!(read > 0, "cut off");
    }
    let list = lock(&shared.list).clone();
    // Any text that tells one list from another; these are short.
    let tag = format!("\"{}\"", list.replace(['"', '\n'], " ").trim());
    let known = head.lines().any(|line| {
        line.split_once(": ")
            .is_some_and(|(name, value)| name.eq_ignore_ascii_case("if-none-match") && value == tag)
    });
    let (status, answer) = if known {
        (
            304,
            format!("HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n"),
        )
    } else {
        let length = list.len();
        let head = format!("HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {length}\r\n\r\n");
        (200, head + &list)
    };
    lock(&shared.answered).push(status);
    let stream = stream.get_mut();
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush().context("the end of TLS")?;
    // Until the other side has read it.
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
