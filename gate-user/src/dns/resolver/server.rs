//! The servers that are asked: a query in, its reply or a failure out. One call sends one query.
//!
//! hickory does the wire: random ports and ids, 0x20, what belongs to which query, reading messages,
//! connections over TCP. Its retries are left out, because each query has to pass the budget.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::{
    ConnectionProvider, NameServerPool, PoolContext, TlsConfig,
    config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverOpts},
    net::{
        DnsError, NetError, NoRecords,
        runtime::TokioRuntimeProvider,
        udp::UdpClientStream,
        xfer::{DnsExchange, DnsHandle as _, FirstAnswer as _},
    },
    proto::{
        op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode},
        rr::Record,
    },
    system_conf,
};
use tokio::time;

use super::{Failure, ResolverError};
use crate::config::{DnsConfig, DnsServer};

/// Where the system says whom to ask.
const SYSTEM: &str = "/etc/resolv.conf";

/// What a server replied, if that is an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    /// Whether the name, or the one it leads to, does not exist.
    pub(super) nx_domain: bool,
    /// The answer section.
    pub(super) answers: Vec<Record>,
    /// How long it is good that there is nothing, in seconds: the least of the TTL and the minimum
    /// of the SOA (RFC 2308 section 5), if there is one.
    pub(super) negative_ttl: Option<u32>,
}

/// Why there is no reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Miss {
    /// It does not fit in a datagram, or somebody may have forged one: to be asked over TCP.
    UseTcp,
    /// The server does not know EDNS (RFC 6891 section 7).
    NoEdns,
    /// It failed.
    Failed(Failure),
}

/// How a query is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Manner {
    pub(super) tcp: bool,
    pub(super) edns: bool,
}

/// The servers, one of which is preferred.
pub(super) struct Servers {
    all: Vec<Server>,
    preferred: AtomicUsize,
    timeout: Duration,
}

struct Server {
    udp: NameServerPool<Once>,
    tcp: NameServerPool<Once>,
}

impl Servers {
    /// Those that are configured, else those of the system.
    pub(super) fn new(config: &DnsConfig) -> Result<Self, ResolverError> {
        let addresses: Vec<SocketAddr> = if config.servers.is_empty() {
            of_system(Path::new(SYSTEM))?
        } else {
            config
                .servers
                .iter()
                .map(|server| server.socket())
                .collect()
        };
        let mut options = ResolverOpts::default();
        options.timeout = config.timeout;
        options.case_randomization = true;
        options.max_active_requests = config.concurrency as usize;
        let tls = TlsConfig::new().map_err(ResolverError::Client)?;
        let context = Arc::new(PoolContext::new(options, tls));
        let server = |address: SocketAddr| {
            let pool = |protocol| {
                let mut connection = ConnectionConfig::new(protocol);
                connection.port = address.port();
                let server = NameServerConfig::new(address.ip(), true, vec![connection]);
                NameServerPool::from_config([server], Arc::clone(&context), Once::default())
            };
            Server {
                udp: pool(ProtocolConfig::Udp),
                tcp: pool(ProtocolConfig::Tcp),
            }
        };
        Ok(Self {
            all: addresses.into_iter().map(server).collect(),
            preferred: AtomicUsize::new(0),
            timeout: config.timeout,
        })
    }

    /// The one to ask first.
    pub(super) fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    /// Prefers this one from now on.
    pub(super) fn prefer(&self, server: usize) {
        self.preferred.store(server, Ordering::Relaxed);
    }

    /// The one to ask after `server`; itself if there is no other.
    pub(super) fn after(&self, server: usize) -> usize {
        (server + 1) % self.all.len()
    }

    /// Sends one query and waits for its reply.
    pub(super) async fn ask(
        &self,
        server: usize,
        query: Query,
        manner: Manner,
    ) -> Result<Reply, Miss> {
        let server = &self.all[server % self.all.len()];
        let pool = if manner.tcp { &server.tcp } else { &server.udp };
        let mut options = DnsRequestOptions::default();
        options.case_randomization = !manner.tcp;
        options.use_edns = manner.edns;
        let request = DnsRequest::from_query(query.clone(), options);
        match time::timeout(self.timeout, pool.send(request).first_answer()).await {
            Ok(Ok(response)) => reply(&query, response),
            Ok(Err(error)) => no_reply(error, manner),
            Err(_) => Err(Miss::Failed(Failure::Timeout)),
        }
    }
}

/// The servers that a `resolv.conf` names (resolv.conf(5)).
fn of_system(path: &Path) -> Result<Vec<SocketAddr>, ResolverError> {
    let text = std::fs::read(path).map_err(|source| ResolverError::Read {
        path: path.to_owned(),
        source,
    })?;
    // It fails when there is no server.
    let servers = system_conf::parse_resolv_conf(text)
        .map(|(config, _)| config.into_parts().2)
        .unwrap_or_default();
    if servers.is_empty() {
        return Err(ResolverError::NoServers {
            path: path.to_owned(),
        });
    }
    Ok(servers
        .iter()
        .map(|server| SocketAddr::new(server.ip, DnsServer::PORT))
        .collect())
}

fn reply(query: &Query, response: DnsResponse) -> Result<Reply, Miss> {
    let negative_ttl = response.negative_ttl();
    let message = response.into_message();
    // Over TCP hickory compares ids alone.
    if message.queries.as_slice() != std::slice::from_ref(query) {
        return Err(Miss::Failed(Failure::Malformed));
    }
    match message.metadata.response_code {
        code @ (ResponseCode::NoError | ResponseCode::NXDomain) => Ok(Reply {
            nx_domain: code == ResponseCode::NXDomain,
            answers: message.answers,
            negative_ttl,
        }),
        code => Err(Miss::Failed(Failure::Code(code.into()))),
    }
}

/// What hickory's errors mean here: some are answers.
fn no_reply(error: NetError, manner: Manner) -> Result<Reply, Miss> {
    let failure = match error {
        NetError::Dns(DnsError::NoRecordsFound(nothing)) => return nothing_found(&nothing),
        NetError::Dns(DnsError::ResponseCode(code)) => match code {
            ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS if manner.edns => {
                return Err(Miss::NoEdns);
            }
            ResponseCode::ServFail => Failure::ServFail,
            ResponseCode::Refused => Failure::Refused,
            code => Failure::Code(code.into()),
        },
        // With UDP alone, the pool has no connection left after a reply in another case.
        NetError::Truncated | NetError::QueryCaseMismatch | NetError::NoConnections
            if !manner.tcp =>
        {
            return Err(Miss::UseTcp);
        }
        NetError::Timeout => Failure::Timeout,
        NetError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Failure::Timeout,
        NetError::Io(_) | NetError::NoConnections | NetError::Busy => Failure::Unreachable,
        _ => Failure::Malformed,
    };
    Err(Miss::Failed(failure))
}

fn nothing_found(nothing: &NoRecords) -> Result<Reply, Miss> {
    if nothing.soa.is_none() && nothing.ns.is_some() {
        return Err(Miss::Failed(Failure::Referral));
    }
    Ok(Reply {
        nx_domain: nothing.response_code == ResponseCode::NXDomain,
        answers: Vec::new(),
        negative_ttl: nothing.negative_ttl,
    })
}

/// Connections over which a query is sent once: hickory would repeat it over UDP up to twice.
#[derive(Clone, Default)]
struct Once(TokioRuntimeProvider);

type Connecting = Pin<
    Box<dyn Future<Output = Result<DnsExchange<TokioRuntimeProvider>, NetError>> + Send + 'static>,
>;

impl ConnectionProvider for Once {
    type Conn = DnsExchange<TokioRuntimeProvider>;
    type FutureConn = Connecting;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(
        &self,
        ip: std::net::IpAddr,
        config: &ConnectionConfig,
        context: &PoolContext,
    ) -> Result<Connecting, NetError> {
        if config.protocol != ProtocolConfig::Udp {
            return self.0.new_connection(ip, config, context);
        }
        let stream = UdpClientStream::builder(SocketAddr::new(ip, config.port), self.0.clone())
            .with_timeout(Some(context.options.timeout))
            // The number of queries in all, in spite of its name.
            .with_max_retries(1);
        Ok(Box::pin(async move { Ok(stream.exchange()) }))
    }

    fn runtime_provider(&self) -> &TokioRuntimeProvider {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolv.conf");
        let told = |text: &str| {
            std::fs::write(&path, text).unwrap();
            match of_system(&path) {
                Ok(servers) => format!("{servers:?}"),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(
            told(
                "# a comment\nsearch example.com\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"
            ),
            "[192.0.2.53:53, [2001:db8::53]:53]"
        );
        for none in ["", "search example.com\n", "nameserver\n", "\u{0}\u{1b}"] {
            assert!(
                told(none).ends_with("or dns.servers in gate's configuration"),
                "{none:?}"
            );
        }
        std::fs::remove_file(&path).unwrap();
        let error = of_system(&path).unwrap_err().to_string();
        assert!(error.ends_with("set dns.servers instead"), "{error}");
    }
}
