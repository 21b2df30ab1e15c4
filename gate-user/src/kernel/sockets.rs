//! The kernel's own table of TCP sockets, by `sock_diag` (sock_diag(7)).
//!
//! In: guarded ports. Out: the other end of each connection to one of them, with the number that
//! the kernel gives the socket. Of this process's network namespace alone. No more of netlink is
//! needed for that than one request and its answers, so no library speaks it here.

use std::{io, net::Ipv6Addr};

use bytemuck::{Pod, Zeroable, try_pod_read_unaligned};
use gate_common::Source;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, netlink, recv, send,
    socket_with,
};

use super::sources::word;

/// `SOCK_DIAG_BY_FAMILY` (`include/uapi/linux/sock_diag.h`).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// `AF_INET` and `AF_INET6`.
const FAMILIES: [u8; 2] = [2, 10];

/// The states of a connection whose handshake is completed and which is not closed, by
/// `include/net/tcp_states.h`: ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING.
const OPEN: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11;

/// The timer that tells a socket in TIME-WAIT, which may show its former state
/// (`inet_twsk_diag_fill`, net/ipv4/inet_diag.c).
const TIME_WAIT_TIMER: u8 = 3;

/// Bytes of an answer that are taken at once: more than the kernel puts together (32 KiB).
const BUFFER: usize = 1 << 16;

/// `struct nlmsghdr`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    len: u32,
    kind: u16,
    flags: u16,
    seq: u32,
    pid: u32,
}

/// `struct inet_diag_sockid`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct SocketId {
    source_port: [u8; 2],
    destination_port: [u8; 2],
    source: [u8; 16],
    destination: [u8; 16],
    interface: u32,
    cookie: [u32; 2],
}

/// `struct inet_diag_req_v2`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Request {
    family: u8,
    protocol: u8,
    extensions: u8,
    pad: u8,
    states: u32,
    id: SocketId,
}

/// `struct inet_diag_msg`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Answer {
    family: u8,
    state: u8,
    timer: u8,
    retransmits: u8,
    id: SocketId,
    expires: u32,
    receive_queue: u32,
    send_queue: u32,
    uid: u32,
    inode: u32,
}

/// A message to the kernel.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Message {
    header: Header,
    request: Request,
}

/// A connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Connection {
    /// The other end.
    pub(super) source: Source,
    /// The kernel's number for the socket, never used twice while it runs.
    pub(super) cookie: u64,
}

/// The connections to `ports` that are open.
///
/// # Errors
///
/// What the socket answers.
pub(super) fn connections(ports: &[u16]) -> io::Result<Vec<Connection>> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    bind(&socket, &netlink::SocketAddrNetlink::new(0, 0))?;
    let mut buffer = vec![0; BUFFER];
    let mut found = Vec::new();
    for &port in ports {
        for family in FAMILIES {
            let message = request(family, port);
            send(&socket, bytemuck::bytes_of(&message), SendFlags::empty())?;
            loop {
                let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
                if read(buffer.get(..length).unwrap_or_default(), port, &mut found)? == Next::Done {
                    break;
                }
            }
        }
    }
    Ok(found)
}

fn request(family: u8, port: u16) -> Message {
    /// `NLM_F_REQUEST` and `NLM_F_DUMP`.
    const DUMP: u16 = 0x1 | 0x300;
    Message {
        header: Header {
            len: u32::try_from(size_of::<Message>()).unwrap_or_default(),
            kind: SOCK_DIAG_BY_FAMILY,
            flags: DUMP,
            seq: 0,
            pid: 0,
        },
        request: Request {
            family,
            protocol: TCP,
            extensions: 0,
            pad: 0,
            states: OPEN,
            id: SocketId {
                source_port: port.to_be_bytes(),
                ..SocketId::zeroed()
            },
        },
    }
}

/// Whether more is to come.
#[derive(Debug, Eq, PartialEq)]
enum Next {
    More,
    Done,
}

/// Reads the messages in `bytes`, and adds those about connections to `port` to `found`.
fn read(mut bytes: &[u8], port: u16, found: &mut Vec<Connection>) -> io::Result<Next> {
    /// `NLMSG_ERROR` and `NLMSG_DONE`.
    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    let cut = || io::Error::other("the kernel's answer is cut short");
    while !bytes.is_empty() {
        let header = bytes.get(..size_of::<Header>()).ok_or_else(cut)?;
        let header: Header = try_pod_read_unaligned(header).map_err(|_| cut())?;
        let length = usize::try_from(header.len).map_err(|_| cut())?;
        let body = bytes.get(size_of::<Header>()..length).ok_or_else(cut)?;
        match header.kind {
            DONE => return Ok(Next::Done),
            ERROR => {
                let code = body.get(..4).ok_or_else(cut)?;
                let code: i32 = try_pod_read_unaligned(code).map_err(|_| cut())?;
                return match code {
                    0 => Ok(Next::Done),
                    code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
                };
            }
            SOCK_DIAG_BY_FAMILY => {
                let answer = body.get(..size_of::<Answer>()).ok_or_else(cut)?;
                let answer: Answer = try_pod_read_unaligned(answer).map_err(|_| cut())?;
                found.extend(connection(&answer, port));
            }
            _ => {}
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Next::More)
}

fn connection(answer: &Answer, port: u16) -> Option<Connection> {
    let id = &answer.id;
    if answer.timer == TIME_WAIT_TIMER || id.source_port != port.to_be_bytes() {
        return None;
    }
    let [a, b, c, d, ..] = id.destination;
    let source = if answer.family == FAMILIES[0] {
        word([a, b, c, d].into())
    } else {
        word(Ipv6Addr::from(id.destination).into())
    };
    let [low, high] = id.cookie;
    (source != Source::NOBODY).then_some(Connection {
        source,
        cookie: u64::from(high) << 32 | u64::from(low),
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let header = Header {
            len: u32::try_from(size_of::<Header>() + body.len()).unwrap(),
            kind,
            ..Header::zeroed()
        };
        [bytemuck::bytes_of(&header), body].concat()
    }

    fn answer(family: u8, destination: &[u8], timer: u8, port: u16) -> Answer {
        let mut answer = Answer {
            family,
            timer,
            ..Answer::zeroed()
        };
        answer.id.destination[..destination.len()].copy_from_slice(destination);
        answer.id.source_port = port.to_be_bytes();
        answer.id.cookie = [7, 1];
        answer
    }

    #[test]
    fn connections_are_read_and_nothing_else() {
        let mapped = Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().octets();
        let v6: Ipv6Addr = "2001:db8:1:2:3::1".parse().unwrap();
        let mut bytes = Vec::new();
        for one in [
            answer(2, &[192, 0, 2, 7], 0, 25),
            answer(10, &mapped, 2, 25),
            answer(10, &v6.octets(), 0, 25),
            answer(10, &Ipv6Addr::LOCALHOST.octets(), 0, 25),
            answer(2, &[192, 0, 2, 8], TIME_WAIT_TIMER, 25),
            answer(2, &[192, 0, 2, 9], 0, 587),
        ] {
            bytes.extend(message(SOCK_DIAG_BY_FAMILY, bytemuck::bytes_of(&one)));
        }
        let mut found = Vec::new();
        assert_eq!(read(&bytes, 25, &mut found).unwrap(), Next::More);
        let v4 = Source::v4(0xc000_0207);
        let sources: Vec<_> = found.iter().map(|is| is.source).collect();
        assert_eq!(sources, [v4, v4, Source::v6(0x2001_0db8_0001_0002)]);
        assert!(found.iter().all(|is| is.cookie == 1 << 32 | 7));
        assert_eq!(
            read(&message(3, &[0; 4]), 25, &mut found).unwrap(),
            Next::Done
        );
        let refused = read(&message(2, &(-13i32).to_ne_bytes()), 25, &mut found);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(13));
    }

    #[test]
    fn the_kernel_tells_of_a_connection_and_not_of_a_listener() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(connections(&[port]).unwrap(), []);
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let (_server, _) = listener.accept().unwrap();
        let found = connections(&[port]).unwrap();
        let sources: Vec<_> = found.iter().map(|is| is.source).collect();
        assert_eq!(sources, [Source::v4(0x7f00_0001)]);
        drop(client);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut found = Vec::new();
            let _: io::Result<Next> = read(&bytes, 25, &mut found);
        }
    }
}
