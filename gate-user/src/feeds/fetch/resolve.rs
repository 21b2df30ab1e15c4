//! Looking names up for a fetch. A name that a server sends a fetch to is resolved here alone, so
//! what is refused here is not connected to, whatever the name says a moment later.

use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::redirect::Origin;

/// The machine's resolver, less addresses that the fetch must not go to.
pub(super) struct Careful {
    origin: Origin,
    /// Where the host is asked that is resolved.
    port: Option<u16>,
}

impl Careful {
    pub(super) fn new(origin: Origin, port: Option<u16>) -> Self {
        Self { origin, port }
    }
}

impl Resolve for Careful {
    fn resolve(&self, name: Name) -> Resolving {
        let (origin, port) = (self.origin.clone(), self.port);
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let admitted: Vec<_> = found
                .filter(|at| origin.admits(host, port, at.ip()))
                .collect();
            if admitted.is_empty() {
                let why = format!("{host} has no address of the public Internet");
                return Err(io::Error::other(why).into());
            }
            let addresses: Addrs = Box::new(admitted.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of `localhost`, which every machine knows without asking anybody.
    async fn localhost(feed: &str) -> Result<(), String> {
        let resolver = Careful::new(Origin::new(&feed.parse().unwrap()), Some(443));
        let found = resolver.resolve("localhost".parse().unwrap()).await;
        found
            .map(|addresses| assert!(addresses.into_iter().all(|at| at.ip().is_loopback())))
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_is_no_way_into_this_machine() {
        assert_eq!(
            localhost("https://lists.example.org/a").await,
            Err("localhost has no address of the public Internet".to_owned())
        );
        assert_eq!(localhost("https://localhost/a").await, Ok(()));
        assert_eq!(localhost("https://127.0.0.1/a").await, Ok(()));
    }
}
