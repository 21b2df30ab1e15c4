//! Where clients come in: an address to listen on, or a socket that listens already.
//!
//! An address that cannot be had is tried again until it can: the gate guards whether its pages are
//! there or not. What is amiss meanwhile is logged, and told by [`Troubles`].

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// How long is waited before an address is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Which addresses cannot be listened on, and why.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Mutex<BTreeMap<(&'static str, SocketAddr), String>>>);

impl Troubles {
    /// One sentence for each.
    pub fn told(&self) -> Vec<String> {
        let known = self.known();
        let known = known.iter();
        known
            .map(|((key, address), error)| format!("cannot listen on {address} ({key}): {error}"))
            .collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(&'static str, SocketAddr), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address is listened on.
    fn over(&self, key: &'static str, address: SocketAddr) {
        if self.known().remove(&(key, address)).is_some() {
            tracing::info!(key, %address, "resumed listening");
        }
    }

    /// It is not; what is known already is not logged again.
    fn note(&self, key: &'static str, address: SocketAddr, error: &io::Error) {
        let why = error.to_string();
        let former = self.known().insert((key, address), why.clone());
        if former.as_ref() != Some(&why) {
            tracing::error!(key, %address, %error, "cannot listen; it will be tried again");
        }
    }
}

/// One place where clients come in.
#[derive(Debug)]
pub struct Entrance {
    listener: OnceLock<TcpListener>,
    named: Option<Named>,
}

/// An address that the configuration names.
#[derive(Debug)]
struct Named {
    key: &'static str,
    address: SocketAddr,
    troubles: Troubles,
    /// When it is tried again: whoever waits may be gone before, and come again.
    next: Mutex<Instant>,
}

impl Entrance {
    /// At the address that `key` of the configuration names. To be called within the runtime.
    pub fn at(key: &'static str, address: SocketAddr, troubles: &Troubles) -> Self {
        let entrance = Self {
            listener: OnceLock::new(),
            named: Some(Named {
                key,
                address,
                troubles: troubles.clone(),
                next: Mutex::new(Instant::now()),
            }),
        };
        entrance.look();
        entrance
    }

    /// On a socket that listens, and does not block. To be called within the runtime.
    ///
    /// # Errors
    /// It does not fit into the runtime.
    pub fn on(listener: std::net::TcpListener) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::from_std(listener)?.into(),
            named: None,
        })
    }

    /// The next client. May be called again after it was dropped.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            if let Some(listener) = self.listener.get() {
                return listener.accept().await;
            }
            let Some(named) = &self.named else {
                return std::future::pending().await;
            };
            let next = *named.next.lock().unwrap_or_else(PoisonError::into_inner);
            sleep_until(next).await;
            self.look();
        }
    }

    /// Listens on the address, if that can be.
    fn look(&self) {
        let Some(named) = &self.named else { return };
        let (key, address) = (named.key, named.address);
        match bind(address).and_then(TcpListener::from_std) {
            Ok(listener) => {
                // Nobody else looks: an entrance is waited at by one task.
                let _ = self.listener.set(listener);
                named.troubles.over(key, address);
            }
            Err(error) => {
                named.troubles.note(key, address, &error);
                *named.next.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + AGAIN;
            }
        }
    }
}

/// Listens on `address`; on one of IPv6 for IPv6 alone, so that `0.0.0.0:80` can stand beside
/// `[::]:80`.
fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn both_families_can_have_one_port() {
        let first = bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = first.local_addr().unwrap().port();
        let second = bind(SocketAddr::new("::".parse().unwrap(), port)).unwrap();
        assert_eq!(second.local_addr().unwrap().port(), port);
        assert!(bind(SocketAddr::new("0.0.0.0".parse().unwrap(), port)).is_err());
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_listened_on_once_it_is_free() {
        let former = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = former.local_addr().unwrap();
        let troubles = Troubles::default();
        let entrance = Entrance::at("web.listen", address, &troubles);
        let told = troubles.told();
        let begin = format!("cannot listen on {address} (web.listen): ");
        assert!(
            matches!(&told[..], [one] if one.starts_with(&begin)),
            "{told:?}"
        );
        // Who waits in short pieces puts nothing off.
        let soon = Duration::from_millis(50);
        assert!(timeout(soon, entrance.accept()).await.is_err());
        drop(former);
        let client = async {
            loop {
                if let Ok(stream) = TcpStream::connect(address).await {
                    return stream;
                }
                tokio::time::sleep(soon).await;
            }
        };
        let accept = async {
            loop {
                if let Ok(accepted) = timeout(soon, entrance.accept()).await {
                    return accepted.unwrap();
                }
            }
        };
        let both = async { tokio::join!(client, accept) };
        let (_stream, (_, peer)) = timeout(AGAIN * 2, both).await.unwrap();
        assert!(peer.ip().is_loopback());
        assert!(troubles.told().is_empty());
    }
}
