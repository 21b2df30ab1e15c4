//! The client: what `gatectl` asks over the control socket. In: requests of [`api`](super::api).
//! Out: answers, or an error that is one clear line.

use std::{convert::Infallible, io, path::PathBuf, time::Duration};

use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Frame, Incoming},
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::UnixStream, time::timeout};

use super::api::{ErrorBody, ErrorKind, Export, ExportLine, KernelVerdict, route};

/// How long the daemon may take to begin its answer.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long it may take to store an import, or to fetch a list.
const LONG_PATIENCE: Duration = Duration::from_mins(10);
/// Bytes of a body that are sent at once.
const CHUNK: usize = 16 << 10;

/// Speaks to one daemon; each request is a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error(
        "no gate daemon at {}: {}; start gated, or name its socket with --socket",
        socket.display(),
        absence(source)
    )]
    NoDaemon {
        /// The socket.
        socket: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The socket is not for this user.
    #[error(
        "{}: permission denied; be root, or in the group of the socket",
        socket.display()
    )]
    Forbidden {
        /// The socket.
        socket: PathBuf,
    },
    /// The daemon says no.
    #[error("{message}")]
    Refused {
        /// What kind of no it is.
        kind: ErrorKind,
        /// The daemon's words.
        message: String,
    },
    /// The daemon was there and went, or is stuck.
    #[error("the daemon at {} did not answer: {why}", socket.display())]
    Lost {
        /// The socket.
        socket: PathBuf,
        /// What happened.
        why: String,
    },
    /// What came is no answer of this version of the API.
    #[error("the daemon's answer is not understood: {why}; are gatectl and gated of one version?")]
    NotUnderstood {
        /// What is wrong with it.
        why: String,
    },
}

/// Why a socket cannot be connected to, in words.
fn absence(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        io::ErrorKind::ConnectionRefused => "nobody listens there any more".to_owned(),
        _ => error.to_string(),
    }
}

impl Client {
    /// A client of the daemon that listens on `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// `GET path`.
    ///
    /// # Errors
    /// As [`ClientError`]; so for all that follow.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.value(Method::GET, path, Vec::new(), |_| {}, PATIENCE)
            .await
    }

    /// `GET path?query`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.get(&format!("{path}{}", query_text(query)?)).await
    }

    /// `POST path` without a body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.value(Method::POST, path, Vec::new(), |_| {}, PATIENCE)
            .await
    }

    /// `POST path` without a body, where the daemon may have to ask others.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post_patiently<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.value(Method::POST, path, Vec::new(), |_| {}, LONG_PATIENCE)
            .await
    }

    /// `method path` with a body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.value(method, path, json(body)?, |_| {}, PATIENCE)
            .await
    }

    /// `POST path` with a body that may be large; `progress` is told the share of it that was
    /// sent, 0 to 1.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send_large<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        progress: impl FnMut(f64) + Send + Sync + 'static,
    ) -> Result<T, ClientError> {
        self.value(Method::POST, path, json(body)?, progress, LONG_PATIENCE)
            .await
    }

    /// `POST path?query` of bytes as they are, whatever the header calls them.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn hand_in<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        body: Vec<u8>,
    ) -> Result<T, ClientError> {
        let path = format!("{path}{}", query_text(query)?);
        self.value(Method::POST, &path, body, |_| {}, PATIENCE)
            .await
    }

    /// `GET path`, of an answer that is text.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        let body = self
            .whole(Method::GET, path, Vec::new(), |_| {}, PATIENCE)
            .await?;
        String::from_utf8(body.into()).map_err(|error| ClientError::NotUnderstood {
            why: error.to_string(),
        })
    }

    /// The plan.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn export(&self) -> Result<Export, ClientError> {
        let response = self
            .exchange(Method::GET, route::EXPORT, Vec::new(), |_| {}, PATIENCE)
            .await?;
        let mut body = response.into_body();
        let mut export = Export::default();
        let mut rest = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.lost(&error))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            rest.extend_from_slice(&data);
            let whole = rest
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| at + 1);
            for line in rest[..whole].split(|&byte| byte == b'\n') {
                if !line.is_empty() {
                    add_line(&mut export, line)?;
                }
            }
            rest.drain(..whole);
        }
        if rest.is_empty() {
            Ok(export)
        } else {
            Err(self.lost("the answer ends within a line"))
        }
    }

    /// Sends a request and reads the whole answer as a value.
    async fn value<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        progress: impl FnMut(f64) + Send + Sync + 'static,
        patience: Duration,
    ) -> Result<T, ClientError> {
        let body = self.whole(method, path, body, progress, patience).await?;
        serde_json::from_slice(&body).map_err(not_understood)
    }

    /// Sends a request and reads the whole answer.
    async fn whole(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        progress: impl FnMut(f64) + Send + Sync + 'static,
        patience: Duration,
    ) -> Result<Bytes, ClientError> {
        let response = self
            .exchange(method, path, body, progress, patience)
            .await?;
        let body = response.into_body().collect().await;
        Ok(body.map_err(|error| self.lost(&error))?.to_bytes())
    }

    /// Sends a request and waits for the head of an answer that is no error.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        progress: impl FnMut(f64) + Send + Sync + 'static,
        patience: Duration,
    ) -> Result<Response<Incoming>, ClientError> {
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.lost(&error))?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "gate");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(chunks(body, progress))
            .map_err(|error| self.lost(&error))?;
        let response = timeout(patience, sender.send_request(request))
            .await
            .map_err(|_| self.lost(&format!("nothing for {} s", patience.as_secs())))?
            .map_err(|error| self.lost(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| self.lost(&error))?.to_bytes();
        let ErrorBody { error } = serde_json::from_slice(&body).map_err(not_understood)?;
        Err(ClientError::Refused {
            kind: error.kind,
            message: error.message,
        })
    }

    async fn connect(&self) -> Result<UnixStream, ClientError> {
        UnixStream::connect(&self.socket).await.map_err(|source| {
            let socket = self.socket.clone();
            match source.kind() {
                io::ErrorKind::PermissionDenied => ClientError::Forbidden { socket },
                _ => ClientError::NoDaemon { socket, source },
            }
        })
    }

    fn lost(&self, why: &(impl ToString + ?Sized)) -> ClientError {
        ClientError::Lost {
            socket: self.socket.clone(),
            why: why.to_string(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_understood(error: serde_json::Error) -> ClientError {
    ClientError::NotUnderstood {
        why: error.to_string(),
    }
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, ClientError> {
    serde_json::to_vec(body).map_err(not_understood)
}

/// `body` in chunks, telling `progress` the share that was taken.
fn chunks(
    body: Vec<u8>,
    mut progress: impl FnMut(f64) + Send + Sync + 'static,
) -> impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send + Unpin {
    let mut rest = Bytes::from(body);
    let whole = rest.len();
    StreamBody::new(stream::iter(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let chunk = rest.split_to(rest.len().min(CHUNK));
        #[expect(clippy::cast_precision_loss, reason = "a share to look at")]
        progress(1.0 - rest.len() as f64 / whole as f64);
        Some(Ok(Frame::data(chunk)))
    })))
}

fn add_line(export: &mut Export, line: &[u8]) -> Result<(), ClientError> {
    let line: ExportLine = serde_json::from_slice(line).map_err(not_understood)?;
    match (line.verdict, line.reason) {
        (KernelVerdict::Pass, _) => {
            export.allow.insert(line.network);
        }
        (KernelVerdict::Drop, Some(reason)) => {
            export.block.insert(line.network, reason);
        }
        (KernelVerdict::Drop, None) => {
            return Err(ClientError::NotUnderstood {
                why: format!("{} is dropped for no reason", line.network),
            });
        }
    }
    Ok(())
}

/// The fields of `query` as `?name=value&…`; what is `null` is left out.
fn query_text(query: &impl Serialize) -> Result<String, ClientError> {
    let value = serde_json::to_value(query).map_err(not_understood)?;
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let value = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        escape(&value, &mut text);
    }
    Ok(text)
}

/// Percent-encodes all but what RFC 3986 section 2.3 leaves as it is.
fn escape(value: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
