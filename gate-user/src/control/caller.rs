//! Who asks, as history and the log name it.

use std::{fmt, net::IpAddr, sync::Arc};

/// Who asks. What it says of itself comes from the transport, never from the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Caller {
    /// The peer of the Unix socket, as the kernel tells it (`SO_PEERCRED`, unix(7)).
    Peer {
        /// The user that the process ran as when it connected.
        uid: u32,
        /// The process; `None` if it is not visible from here.
        pid: Option<i32>,
    },
    /// Who showed the token of this name.
    Token(Arc<str>),
    /// Who came to a page without showing anything, from this address.
    Visitor(IpAddr),
}

/// `uid 0`, `token grafana`, `web 192.0.2.7`: as history and the log name the caller.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer { uid, .. } => write!(f, "uid {uid}"),
            Self::Token(name) => write!(f, "token {name}"),
            Self::Visitor(address) => write!(f, "web {}", address.to_canonical()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_is_named_by_what_the_transport_tells() {
        let peer = Caller::Peer {
            uid: 1000,
            pid: Some(7),
        };
        assert_eq!(peer.to_string(), "uid 1000");
        assert_eq!(Caller::Token("desk".into()).to_string(), "token desk");
        let visitor = Caller::Visitor("::ffff:192.0.2.7".parse().unwrap());
        assert_eq!(visitor.to_string(), "web 192.0.2.7");
    }
}
