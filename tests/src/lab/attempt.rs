//! Connections from the clients' namespace, each made by the helper `gate-lab` in there.

use std::{
    marker::PhantomData,
    net::{IpAddr, SocketAddr, TcpStream},
    panic::resume_unwind,
    process::Command,
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{
    Lab, Link, Outcome, SMTP, Tally,
    namespace::Namespace,
    probe,
    process::{Running, checked, program},
};

/// Over a second, after which the kernel repeats a SYN (RFC 6298 section 2.1): one that is lost for
/// another reason than the gate does not count.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A connection to be made.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    clients: &'a Namespace,
    from: IpAddr,
    link: Link,
    port: u16,
    patience: Duration,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(clients: &'a Namespace, from: IpAddr, link: &Link) -> Self {
        Self {
            clients,
            from,
            link: link.clone(),
            port: SMTP,
            patience: PATIENCE,
        }
    }

    /// Over that link, instead of the first.
    #[must_use]
    pub fn over(self, link: &Link) -> Self {
        let link = link.clone();
        Self { link, ..self }
    }

    /// To that port, instead of [`SMTP`].
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Takes an unanswered connection for timed out after `patience`, instead of 1.5 seconds. Under
    /// a second, the first SYN decides.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Connects, hears the greeting, and takes leave.
    ///
    /// # Errors
    /// The connection neither comes about, nor is refused, nor times out.
    pub fn connect(&self) -> Result<Outcome> {
        checked(&mut self.helper("connect")?)?.trim_end().parse()
    }

    /// Connects; what is spoken then is the caller's.
    ///
    /// # Errors
    /// The connection does not come about.
    ///
    /// # Panics
    /// Never: the thread that connects does not panic.
    pub fn open(&self) -> Result<TcpStream> {
        let to = SocketAddr::new(self.link.server(self.from), self.port);
        // A socket stays in the namespace in which it was made.
        let inside = || {
            self.clients.enter()?;
            probe::stream(self.from, to, self.patience)
        };
        thread::scope(|scope| scope.spawn(inside).join()).expect("connecting does not panic")
    }

    /// Connects again and again, until told to stop.
    ///
    /// # Errors
    /// The helper cannot be started.
    pub fn keep_connecting(&self) -> Result<Connecting<'a>> {
        let helper = Running::start_ready(&mut self.helper("keep-connecting")?)?;
        let lab = PhantomData;
        Ok(Connecting { helper, lab })
    }

    fn helper(&self, task: &str) -> Result<Command> {
        let to = SocketAddr::new(self.link.server(self.from), self.port);
        let mut helper = self.clients.command(program("gate-lab")?);
        helper.args([task, &self.from.to_string(), &to.to_string()]);
        helper.arg(self.patience.as_millis().to_string());
        Ok(helper)
    }
}

/// Makes all `attempts` at once.
///
/// # Errors
/// As [`Attempt::connect`].
pub fn connect_all(attempts: &[Attempt<'_>]) -> Result<Vec<Outcome>> {
    thread::scope(|scope| {
        let connecting = attempts.iter().map(|one| scope.spawn(|| one.connect()));
        let connecting: Vec<_> = connecting.collect();
        let outcomes = connecting.into_iter().map(ScopedJoinHandle::join);
        outcomes
            .map(|outcome| outcome.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// A client that connects again and again.
#[derive(Debug)]
pub struct Connecting<'a> {
    helper: Running,
    lab: PhantomData<&'a Lab>,
}

impl Connecting<'_> {
    /// Stops it; what became of its connections.
    ///
    /// # Errors
    /// One of them came to something else than an [`Outcome`].
    pub fn stop(self) -> Result<Tally> {
        let said = self.helper.finish()?;
        said.parse()
            .context("the client that keeps connecting failed")
    }
}
