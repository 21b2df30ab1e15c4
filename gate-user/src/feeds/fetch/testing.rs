//! An HTTPS server on loopback that does what a test tells it, however wrong, under certificates of
//! its own.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What the server does once it has read a request, one step after the other; then it ends the
/// connection as it should.
#[derive(Clone, Debug)]
pub(in crate::feeds) enum Step {
    /// Sends this.
    Send(Vec<u8>),
    /// Does nothing for so long.
    Wait(Duration),
    /// Sends this again and again, with such pauses, for as long as it can.
    Repeat(Vec<u8>, Duration),
    /// Ends the connection as if a cable was cut: without the end of TLS (RFC 8446 section 6.1).
    Cut,
}

/// Sends `head`, lines without ends, and `body`.
pub(in crate::feeds) fn answer(head: &str, body: &[u8]) -> Vec<Step> {
    let mut bytes = head
        .lines()
        .fold(String::new(), |head, line| head + line.trim() + "\r\n");
    bytes.push_str("\r\n");
    vec![Step::Send([bytes.as_bytes(), body].concat())]
}

/// Sends a list as it should be.
pub(in crate::feeds) fn list(body: &str) -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\nContent-Length: {}", body.len());
    answer(&head, body.as_bytes())
}

type Script = Arc<dyn Fn(&str) -> Vec<Step> + Send + Sync>;

/// The server. It ends when it is dropped.
pub(in crate::feeds) struct Server {
    address: SocketAddr,
    dir: TempDir,
    asked: Arc<Mutex<Vec<String>>>,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// A server that is known as 127.0.0.1 and localhost, and does to each request, whose head
    /// `script` is given, what that says.
    pub(in crate::feeds) async fn start(
        script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::known_as(&["127.0.0.1", "localhost"], script).await
    }

    /// With a certificate for these names.
    pub(in crate::feeds) async fn known_as(
        names: &[&str],
        script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(certified(names, &dir)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::default();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Arc::new(script)));
        let serve = {
            let (asked, script) = (Arc::clone(&asked), Arc::clone(&script));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let acceptor = acceptor.clone();
                    let (asked, script) = (Arc::clone(&asked), Arc::clone(&script));
                    // Whoever asks may go at any time.
                    tokio::spawn(async move { converse(stream, acceptor, &asked, &script).await });
                }
            }
        };
        Self {
            address,
            dir,
            asked,
            script,
            task: tokio::spawn(serve),
        }
    }

    /// From now on it does what this says.
    pub(in crate::feeds) fn now(&self, script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    pub(in crate::feeds) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// The certificate of whoever vouches for it, in PEM.
    pub(in crate::feeds) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The heads of all requests so far.
    pub(in crate::feeds) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A certificate for `names`, by an authority whose own goes to `dir`.
fn certified(names: &[&str], dir: &TempDir) -> ServerConfig {
    let mut authority = CertificateParams::new([]).unwrap();
    // Each a name of its own, so that none is taken for another.
    let name = dir.path().display().to_string();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    fs::write(dir.path().join("ca.pem"), root.pem()).unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap()
}

async fn converse(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    asked: &Mutex<Vec<String>>,
    script: &Mutex<Script>,
) -> Option<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await.ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    asked.lock().unwrap().push(head.clone());
    let script = Arc::clone(&script.lock().unwrap());
    for step in script(&head) {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await.ok()?,
            Step::Wait(pause) => tokio::time::sleep(pause).await,
            Step::Repeat(bytes, pause) => loop {
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()?;
                tokio::time::sleep(pause).await;
            },
            Step::Cut => {
                stream.flush().await.ok()?;
                return None;
            }
        }
        stream.flush().await.ok()?;
    }
    stream.shutdown().await.ok()?;
    // Until the other side ends as well: what it sends to a closed port would be answered by a
    // reset, which may overtake the answer.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    None
}

/// `bytes` as gzip (RFC 1952) that packs nothing: blocks as they are (RFC 1951 section 3.2.4).
pub(in crate::feeds) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let length = u16::try_from(bytes.len()).expect("one block takes it");
    packed.push(1);
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(bytes);
    packed.extend(crc32(bytes).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}

/// The check of RFC 1952 section 8, slow and short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |check, byte| {
        (0..8).fold(check ^ u32::from(*byte), |check, _| {
            (check >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(check & 1))
        })
    })
}

/// The beginning of a gzip file that unpacks to 159 times its length: the letter `a`, and then so
/// often "the last letter, 258 times" (RFC 1951 section 3.2.6: 0b1100_0101, then five zeros).
pub(in crate::feeds) fn gzip_bomb(eights: usize) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // The last block, fixed codes; the code of `a` (0x30 + 97).
    let mut bits: Vec<bool> = vec![true, true, false];
    let code = |value: u8| (0..8).rev().map(move |bit| value >> bit & 1 == 1);
    bits.extend(code(0x30 + b'a'));
    let again: Vec<bool> = code(0b1100_0101).chain([false; 5]).collect();
    for _ in 0..eights * 8 {
        bits.extend(&again);
    }
    for byte in bits.chunks(8) {
        let value = byte
            .iter()
            .rev()
            .fold(0, |value, bit| value << 1 | u8::from(*bit));
        packed.push(value);
    }
    packed
}
