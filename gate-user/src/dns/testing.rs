//! A DNS server for tests, on loopback over UDP and TCP: records in a map, and names that misbehave.
//!
//! It answers as a recursive server would that knows these records alone: it follows CNAMEs, says
//! NXDOMAIN with an SOA for names it does not know, and that there is no such record for others.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    str::FromStr as _,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use hickory_server::{
    Server,
    net::{runtime::Time, xfer::Protocol},
    proto::{
        op::{Edns, Header, HeaderCounts, Metadata, ResponseCode},
        rr::{
            Name, RData, Record, RecordType,
            rdata::{A, AAAA, CNAME, MX, PTR, SOA, TXT},
        },
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use tokio::{
    net::{TcpListener, UdpSocket},
    time,
};

use crate::config::DnsConfig;

/// What the server does when it is asked for a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// Answers from its records.
    Answer,
    /// Answers with this code, and nothing else.
    Code(ResponseCode),
    /// Says nothing.
    Silent,
    /// Answers from its records, so much later.
    Late(Duration),
    /// Answers from its records, but leaves out what a CNAME leads to.
    LeaveCname,
    /// Says whom else to ask.
    Refer,
}

/// A server; it ends with the value.
pub(crate) struct TestDns {
    address: SocketAddr,
    zone: Arc<Zone>,
    _server: Server<Handler>,
}

#[derive(Default)]
struct Zone(Mutex<Content>);

struct Content {
    records: BTreeMap<Name, Vec<Record>>,
    /// What happens once each, in this order, before `always`.
    next: HashMap<Name, VecDeque<Behaviour>>,
    always: HashMap<Name, Behaviour>,
    default: Behaviour,
    /// TTL of the SOA, and its minimum; none is sent without.
    soa: Option<(u32, u32)>,
    asked: Vec<Asked>,
}

/// A query that came in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The name as it was written.
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
    pub(crate) tcp: bool,
    pub(crate) edns: bool,
    pub(crate) id: u16,
    pub(crate) from: SocketAddr,
    pub(crate) at: time::Instant,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            records: BTreeMap::new(),
            next: HashMap::new(),
            always: HashMap::new(),
            default: Behaviour::Answer,
            soa: Some((300, 300)),
            asked: Vec::new(),
        }
    }
}

/// The name whose labels stand between the dots, whatever octets they have.
pub(crate) fn parsed(name: &str) -> Name {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut name = Name::from_labels(labels.map(str::as_bytes)).unwrap();
    name.set_fqdn(true);
    name
}

impl TestDns {
    /// A server without records, on a port of 127.0.0.1.
    pub(crate) async fn start() -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// A server without records.
    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind(address).await.unwrap();
            // Somebody else may have the same port of TCP.
            match TcpListener::bind(udp.local_addr().unwrap()).await {
                Ok(tcp) => break (udp, tcp),
                Err(error) => assert_eq!(address.port(), 0, "{error}"),
            }
        };
        let address = udp.local_addr().unwrap();
        let zone = Arc::new(Zone::default());
        let mut server = Server::new(Handler(Arc::clone(&zone)));
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 128);
        Self {
            address,
            zone,
            _server: server,
        }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A configuration that asks this server, and waits for it no longer than tests should.
    pub(crate) fn config(&self) -> DnsConfig {
        DnsConfig {
            servers: vec![self.address.into()],
            timeout: Duration::from_millis(400),
            ..DnsConfig::default()
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.zone.0.lock().unwrap()
    }

    /// One more record.
    pub(crate) fn record(&self, name: &str, ttl: u32, data: RData) {
        let name = parsed(name);
        let record = Record::from_rdata(name.clone(), ttl, data);
        let mut content = self.content();
        content.records.entry(name).or_default().push(record);
    }

    /// The addresses of a name, with a TTL of an hour.
    pub(crate) fn address_of(&self, name: &str, addresses: &[&str]) {
        for address in addresses {
            let data = match IpAddr::from_str(address).unwrap() {
                IpAddr::V4(address) => RData::A(A(address)),
                IpAddr::V6(address) => RData::AAAA(AAAA(address)),
            };
            self.record(name, 3600, data);
        }
    }

    /// The PTR records of an address, with a TTL of an hour.
    pub(crate) fn ptr(&self, address: &str, names: &[&str]) {
        let reverse = Name::from(IpAddr::from_str(address).unwrap()).to_ascii();
        for name in names {
            self.record(&reverse, 3600, RData::PTR(PTR(parsed(name))));
        }
    }

    /// A CNAME with a TTL of an hour.
    pub(crate) fn cname(&self, name: &str, target: &str) {
        self.record(name, 3600, RData::CNAME(CNAME(parsed(target))));
    }

    /// A TXT record of these strings, with a TTL of an hour.
    pub(crate) fn txt(&self, name: &str, strings: &[&[u8]]) {
        let data = TXT::from_bytes(strings.to_vec());
        self.record(name, 3600, RData::TXT(data));
    }

    /// An MX record with a TTL of an hour.
    pub(crate) fn mx(&self, name: &str, preference: u16, exchange: &str) {
        self.record(name, 3600, RData::MX(MX::new(preference, parsed(exchange))));
    }

    /// Forgets the records of a name.
    pub(crate) fn remove(&self, name: &str) {
        self.content().records.remove(&parsed(name));
    }

    /// What happens whenever the name is asked for.
    pub(crate) fn always(&self, name: &str, behaviour: Behaviour) {
        self.content().always.insert(parsed(name), behaviour);
    }

    /// What happens once, before anything that is set to happen always.
    pub(crate) fn next(&self, name: &str, behaviour: Behaviour) {
        let mut content = self.content();
        let next = content.next.entry(parsed(name)).or_default();
        next.push_back(behaviour);
    }

    /// What happens for all names of which nothing else is said.
    pub(crate) fn otherwise(&self, behaviour: Behaviour) {
        self.content().default = behaviour;
    }

    /// TTL and minimum of the SOA that comes with negative answers; none comes without.
    pub(crate) fn soa(&self, soa: Option<(u32, u32)>) {
        self.content().soa = soa;
    }

    /// All queries that came in.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.content().asked.clone()
    }

    /// How many queries came in.
    pub(crate) fn count(&self) -> usize {
        self.content().asked.len()
    }

    /// How many queries for that name came in.
    pub(crate) fn count_of(&self, name: &str) -> usize {
        let name = parsed(name);
        let content = self.content();
        content
            .asked
            .iter()
            .filter(|asked| asked.name == name)
            .count()
    }
}

/// What is sent back.
struct Response {
    code: ResponseCode,
    answers: Vec<Record>,
    authorities: Vec<Record>,
}

impl Response {
    const fn code(code: ResponseCode) -> Self {
        Self {
            code,
            answers: Vec::new(),
            authorities: Vec::new(),
        }
    }
}

impl Content {
    fn behaviour(&mut self, name: &Name) -> Behaviour {
        let next = self.next.get_mut(name).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(name).copied())
            .unwrap_or(self.default)
    }

    /// The records of a name, or of the wildcard that stands for it (RFC 4592).
    fn records_of(&self, name: &Name) -> &[Record] {
        let mut found = self.records.get(name);
        let mut parent = name.clone();
        while found.is_none() && !parent.is_root() {
            parent = parent.base_name();
            let mut wildcard = parent.prepend_label("*").unwrap();
            wildcard.set_fqdn(true);
            found = self.records.get(&wildcard);
        }
        found.map_or(&[], Vec::as_slice)
    }

    fn response(&self, name: &Name, kind: RecordType, follow: bool) -> Response {
        let mut response = Response::code(ResponseCode::NoError);
        let mut name = name.clone();
        // Chains go round in circles where a test wants them to.
        for _ in 0..20 {
            let records = self.records_of(&name);
            let mut matching = records.iter().filter(|record| record.record_type() == kind);
            if let Some(first) = matching.next() {
                let asked = |record: &Record| {
                    Record::from_rdata(name.clone(), record.ttl, record.data.clone())
                };
                response.answers.push(asked(first));
                response.answers.extend(matching.map(asked));
                return response;
            }
            let target = records.iter().find_map(|record| match &record.data {
                RData::CNAME(target) => Some((record, target.0.clone())),
                _ => None,
            });
            let Some((record, target)) = target else {
                break;
            };
            response.answers.push(record.clone());
            if !follow {
                return response;
            }
            name = target;
        }
        let known = !self.records_of(&name).is_empty()
            || self.records.keys().any(|known| name.zone_of(known));
        if !known {
            response.code = ResponseCode::NXDomain;
        }
        if let Some((ttl, minimum)) = self.soa {
            let zone = name.base_name();
            let soa = SOA::new(zone.clone(), zone.clone(), 1, 3600, 600, 86_400, minimum);
            let soa = Record::from_rdata(zone, ttl, RData::SOA(soa));
            response.authorities.push(soa);
        }
        response
    }
}

struct Handler(Arc<Zone>);

impl Handler {
    /// What to send to a request, and how much later; nothing is sent for `None`.
    fn decide(&self, request: &Request) -> Option<(Duration, Response)> {
        let [query] = request.queries.queries() else {
            return None;
        };
        let name = query.original().name().clone();
        let kind = query.query_type();
        let mut content = self.0.0.lock().unwrap();
        content.asked.push(Asked {
            name: name.clone(),
            kind,
            tcp: request.protocol() == Protocol::Tcp,
            edns: request.edns.is_some(),
            id: request.metadata.id,
            from: request.src(),
            at: time::Instant::now(),
        });
        let at_once = Duration::ZERO;
        Some(match content.behaviour(&name) {
            Behaviour::Answer => (at_once, content.response(&name, kind, true)),
            Behaviour::Code(code) => (at_once, Response::code(code)),
            Behaviour::Silent => return None,
            Behaviour::Late(wait) => (wait, content.response(&name, kind, true)),
            Behaviour::LeaveCname => (at_once, content.response(&name, kind, false)),
            Behaviour::Refer => {
                let mut response = Response::code(ResponseCode::NoError);
                let server = hickory_server::proto::rr::rdata::NS(parsed("ns.example"));
                let referral = Record::from_rdata(name.base_name(), 3600, RData::NS(server));
                response.authorities.push(referral);
                (at_once, response)
            }
        })
    }
}

// Written out as the attribute of async-trait would, for one function.
impl RequestHandler for Handler {
    fn handle_request<'life0, 'life1, 'async_trait, R, T>(
        &'life0 self,
        request: &'life1 Request,
        mut handle: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'async_trait>>
    where
        R: 'async_trait + ResponseHandler,
        T: 'async_trait + Time,
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let mut metadata = Metadata::response_from_request(&request.metadata);
            if let Some((wait, response)) = self.decide(request) {
                time::sleep(wait).await;
                metadata.response_code = response.code;
                let mut edns = Edns::new();
                edns.set_max_payload(request.edns.as_ref().map_or(512, Edns::max_payload));
                let mut builder = MessageResponseBuilder::from_message_request(request);
                if request.edns.is_some() {
                    builder.edns(&edns);
                }
                let message =
                    builder.build(metadata, &response.answers, &response.authorities, [], []);
                // Who asked may have gone.
                if let Ok(info) = handle.send_response(message).await {
                    return info;
                }
            }
            ResponseInfo::from(Header {
                metadata,
                counts: HeaderCounts::default(),
            })
        })
    }
}

/// Addresses of tests: 198.18.0.0/15 is for benchmarks (RFC 2544).
pub(crate) fn source(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(
        u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number,
    ))
}

/// The same in 2001:db8::/32.
pub(crate) fn source_v6(number: u64) -> IpAddr {
    let base = u128::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0));
    IpAddr::V6(Ipv6Addr::from(base + u128::from(number)))
}
