//! Where mail servers connect: the Unix socket, and TCP. In: a bound [`Door`] and a [`Policy`]. Out:
//! answers. It bounds what a peer can cost: connections, the size of a request, and time.
//!
//! What is not understood, or too slow, is not answered: the connection is closed and that is
//! logged, and Postfix does what its own `default_action` says.

use std::{
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{self, Instant},
};

use super::{
    lookups::Lookups,
    protocol::{Asked, Malformed, Parser, line_answer, postfix_answer},
    service::Policy,
    session::Peer,
};
use crate::control::server::Socket;

/// Octets that are read at a time: more than a request of Postfix has.
const READ: usize = 4 << 10;

/// What a peer may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time, through all doors; more are closed.
    pub connections: usize,
    /// How long a request may take to come, from its first octet on.
    pub request: Duration,
    /// How long a connection may lie idle. Postfix closes it after 5 minutes
    /// (`smtpd_policy_service_max_idle`).
    pub idle: Duration,
    /// How long a peer may take to take an answer.
    pub write: Duration,
    /// Requests under way when the server stops: to be answered.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2000,
            request: Duration::from_secs(10),
            idle: Duration::from_mins(15),
            write: Duration::from_secs(10),
            stop: Duration::from_secs(3),
        }
    }
}

/// Where mail servers connect.
#[derive(Debug)]
pub enum Door {
    /// A Unix socket.
    Unix(Socket),
    /// A TCP port.
    Tcp(TcpListener),
}

/// The service at its doors.
#[derive(Debug)]
struct Server<L> {
    policy: Arc<Policy<L>>,
    limits: Limits,
    places: Arc<Semaphore>,
    /// Whether it has been logged that all places are taken.
    full: AtomicBool,
}

/// Answers at all `doors` until `stop` is there, then lets requests under way end.
pub async fn serve<L: Lookups>(
    doors: Vec<Door>,
    policy: Arc<Policy<L>>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let server = Arc::new(Server {
        policy,
        limits,
        places: Arc::new(Semaphore::new(limits.connections)),
        full: AtomicBool::new(false),
    });
    let (stopping, stopped) = watch::channel(false);
    let mut open = JoinSet::new();
    for door in doors {
        open.spawn(Arc::clone(&server).keep(door, stopped.clone()));
    }
    stop.await;
    stopping.send_replace(true);
    open.join_all().await;
}

impl<L: Lookups> Server<L> {
    /// Lets mail servers in at one door.
    async fn keep(self: Arc<Self>, door: Door, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            while let Some(ended) = connections.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "lost a policy connection");
                }
            }
            let stopping = stopped.clone();
            let accepted = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                accepted = self.accept(&door, stopping, &mut connections) => accepted,
            };
            if let Err(error) = accepted {
                // Out of descriptors or memory: it passes, or the next accept says so again.
                tracing::warn!(%error, "cannot accept a policy connection");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if time::timeout(self.limits.stop, all_ended).await.is_err() {
            tracing::debug!("policy requests under way were cut off");
        }
    }

    async fn accept(
        self: &Arc<Self>,
        door: &Door,
        stopped: watch::Receiver<bool>,
        connections: &mut JoinSet<()>,
    ) -> io::Result<()> {
        match door {
            Door::Unix(socket) => {
                let stream = socket.accept().await?;
                self.let_in(stream, stopped, connections);
            }
            Door::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An answer is one small write, and waited for.
                stream.set_nodelay(true)?;
                self.let_in(stream, stopped, connections);
            }
        }
        Ok(())
    }

    /// Serves a connection, if there is a place for it.
    fn let_in(
        self: &Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        stopped: watch::Receiver<bool>,
        connections: &mut JoinSet<()>,
    ) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.policy.counters().turned_away();
            if !self.full.swap(true, Relaxed) {
                let limit = self.limits.connections;
                tracing::warn!(limit, "closed a policy connection: there are too many");
            }
            return;
        };
        self.full.store(false, Relaxed);
        let server = Arc::clone(self);
        let peer = self.policy.new_peer();
        connections.spawn(async move {
            if let Err(trouble) = server.converse(stream, peer, stopped).await {
                server.policy.counters().broken();
                tracing::warn!(why = %trouble, "closed a policy connection without an answer");
            }
            drop(place);
        });
    }

    /// Answers one request after the other.
    async fn converse(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: Peer,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        let mut parser = Parser::default();
        let mut buffer = [0; READ];
        let mut since = Instant::now();
        // Made once, not for each request: they hardly ever happen.
        let mut stopped = pin!(stopped.wait_for(|stop| *stop));
        let mut alarm = pin!(time::sleep_until(since + self.limits.idle));
        loop {
            let until = since
                + if parser.is_idle() {
                    self.limits.idle
                } else {
                    self.limits.request
                };
            // One that goes off too early is set again when it does.
            if until < alarm.deadline() {
                alarm.as_mut().reset(until);
            }
            let read = loop {
                tokio::select! {
                    biased;
                    _ = &mut stopped => return Ok(()),
                    read = stream.read(&mut buffer) => break Ok(read),
                    () = &mut alarm => {
                        if until <= alarm.deadline() {
                            break Err(());
                        }
                        alarm.as_mut().reset(until);
                    }
                }
            };
            let input = match read {
                Ok(Ok(length @ 1..)) => &buffer[..length],
                // Between two requests it may end in any way: also because the mail server's process
                // has ended, or has asked nothing for long.
                _ if parser.is_idle() => return Ok(()),
                Ok(Ok(_)) => return Err(Trouble::CutShort),
                Ok(Err(error)) => return Err(Trouble::Read(error)),
                Err(()) => return Err(Trouble::SlowRequest(self.limits.request)),
            };
            if parser.is_idle() {
                since = Instant::now();
            }
            let mut rest = input;
            while !rest.is_empty() {
                let (taken, asked) = parser.take(rest)?;
                rest = &rest[taken..];
                if let Some(asked) = asked {
                    let last = self.reply(&mut stream, asked, peer).await?;
                    if last {
                        return Ok(());
                    }
                    since = Instant::now();
                }
            }
        }
    }

    /// Answers a request; whether the connection ends with that.
    async fn reply(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        asked: Asked,
        peer: Peer,
    ) -> Result<bool, Trouble> {
        let (answer, last) = match asked {
            Asked::Postfix(subject) => {
                let decision = self.policy.answer(&subject, peer).await;
                (postfix_answer(&decision.action), false)
            }
            Asked::Line(subject) => {
                let decision = self.policy.answer(&subject, peer).await;
                (line_answer(&decision.action), true)
            }
        };
        let write = async {
            stream.write_all(answer.as_bytes()).await?;
            if last {
                stream.shutdown().await?;
            }
            Ok(last)
        };
        match time::timeout(self.limits.write, write).await {
            Ok(written) => written.map_err(Trouble::Write),
            Err(_) => Err(Trouble::SlowReader(self.limits.write)),
        }
    }
}

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the connection ended within a request")]
    CutShort,
    #[error("a request that did not come within {} s", .0.as_secs())]
    SlowRequest(Duration),
    #[error("an answer that was not taken within {} s", .0.as_secs())]
    SlowReader(Duration),
    #[error("cannot read: {0}")]
    Read(io::Error),
    #[error("cannot write: {0}")]
    Write(io::Error),
}

#[cfg(test)]
mod tests;
