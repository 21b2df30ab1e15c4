//! What rtnetlink tells: interfaces, the default route, own addresses, attached XDP programs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use netlink_packet_route::{
    address::AddressAttribute,
    link::{LinkAttribute, LinkMessage, LinkXdp, XdpAttached},
    route::{RouteAttribute, RouteMessage, RouteType},
};
use rtnetlink::{Handle, MulticastGroup, RouteMessageBuilder};

use super::KernelError;
use crate::config::Attach;

/// A network interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The kernel's number for it; another one once it was made anew.
    pub index: u32,
    /// The XDP program on it.
    pub xdp: Option<AttachedXdp>,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttachedXdp {
    /// The kernel's number for the program.
    pub program: u32,
    /// Where it runs: `Native` (in the driver, or offloaded) or `Generic`.
    pub mode: Attach,
}

/// A connection to the kernel's routing socket, in the network namespace it was opened in.
#[derive(Clone, Debug)]
pub struct Netlink {
    handle: Handle,
}

impl Netlink {
    /// Opens the connection, and serves it on the current tokio runtime until it is dropped.
    ///
    /// # Errors
    ///
    /// [`KernelError::NetlinkSocket`].
    pub fn open() -> Result<Self, KernelError> {
        let (connection, handle, _) =
            rtnetlink::new_connection().map_err(KernelError::NetlinkSocket)?;
        tokio::spawn(connection);
        Ok(Self { handle })
    }

    /// One item for each change of an interface or an address of this network namespace.
    ///
    /// # Errors
    ///
    /// [`KernelError::NetlinkSocket`].
    pub fn changes() -> Result<impl Stream<Item = ()> + Send + Unpin, KernelError> {
        let groups = [
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
        ];
        let (connection, _, messages) =
            rtnetlink::new_multicast_connection(&groups).map_err(KernelError::NetlinkSocket)?;
        tokio::spawn(connection);
        Ok(messages.map(|_| ()))
    }

    /// The interface of that name.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoInterface`], or what netlink answers.
    pub async fn interface(&self, name: &str) -> Result<Interface, KernelError> {
        let mut links = self
            .handle
            .link()
            .get()
            .match_name(name.to_owned())
            .execute();
        match links.try_next().await {
            Ok(Some(link)) => Ok(describe(&link)),
            Ok(None) => Err(KernelError::NoInterface(name.to_owned())),
            Err(rtnetlink::Error::NetlinkError(error))
                if matches!(
                    -error.raw_code(),
                    libc::ENODEV | libc::EINVAL | libc::ERANGE
                ) =>
            {
                Err(KernelError::NoInterface(name.to_owned()))
            }
            Err(source) => Err(KernelError::Netlink {
                what: "asking for an interface",
                source,
            }),
        }
    }

    /// Name of the interface of the default route: IPv4's, or else IPv6's; of several routes the
    /// one with the lowest metric.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoDefaultRoute`], or what netlink answers.
    pub async fn default_interface(&self) -> Result<String, KernelError> {
        let requests = [
            RouteMessageBuilder::<Ipv4Addr>::new().build(),
            RouteMessageBuilder::<Ipv6Addr>::new().build(),
        ];
        for request in requests {
            let routes: Vec<RouteMessage> = self
                .handle
                .route()
                .get(request)
                .execute()
                .try_collect()
                .await
                .map_err(|source| KernelError::Netlink {
                    what: "asking for the routes",
                    source,
                })?;
            let best = routes.iter().filter_map(default_route).min();
            if let Some((_, index)) = best {
                return self.name_of(index).await;
            }
        }
        Err(KernelError::NoDefaultRoute)
    }

    async fn name_of(&self, index: u32) -> Result<String, KernelError> {
        let mut links = self.handle.link().get().match_index(index).execute();
        match links.try_next().await {
            Ok(Some(link)) => Ok(describe(&link).name),
            Ok(None) => Err(KernelError::NoDefaultRoute),
            Err(source) => Err(KernelError::Netlink {
                what: "asking for the default route's interface",
                source,
            }),
        }
    }

    /// The machine's own addresses, on any interface.
    ///
    /// # Errors
    ///
    /// What netlink answers.
    pub async fn own_addresses(&self) -> Result<Vec<IpAddr>, KernelError> {
        let messages: Vec<_> = self
            .handle
            .address()
            .get()
            .execute()
            .try_collect()
            .await
            .map_err(|source| KernelError::Netlink {
                what: "asking for the addresses",
                source,
            })?;
        // IFA_LOCAL is the own address and IFA_ADDRESS the peer's on a point-to-point link; where
        // there is only IFA_ADDRESS (IPv6), that is the own one.
        let own = messages.into_iter().filter_map(|message| {
            let local = message
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    AddressAttribute::Local(address) => Some(*address),
                    _ => None,
                });
            let address = message
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    AddressAttribute::Address(address) => Some(*address),
                    _ => None,
                });
            local.or(address)
        });
        let mut own: Vec<IpAddr> = own.collect();
        own.sort();
        own.dedup();
        Ok(own)
    }
}

/// Metric and interface of a route to everywhere.
fn default_route(route: &RouteMessage) -> Option<(u32, u32)> {
    if route.header.destination_prefix_length != 0 || route.header.kind != RouteType::Unicast {
        return None;
    }
    let mut metric = 0;
    let mut index = None;
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Priority(priority) => metric = *priority,
            RouteAttribute::Oif(oif) => index = Some(*oif),
            RouteAttribute::MultiPath(hops) => {
                index = index.or(hops.first().map(|hop| hop.interface_index));
            }
            _ => {}
        }
    }
    Some((metric, index?))
}

fn describe(link: &LinkMessage) -> Interface {
    let mut name = String::new();
    let mut xdp = None;
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(is) => name.clone_from(is),
            LinkAttribute::Xdp(parts) => xdp = attached(parts),
            _ => {}
        }
    }
    Interface {
        name,
        index: link.header.index,
        xdp,
    }
}

fn attached(parts: &[LinkXdp]) -> Option<AttachedXdp> {
    let mut mode = None;
    let mut program = None;
    for part in parts {
        match part {
            LinkXdp::Attached(XdpAttached::SocketBuffer) => mode = Some(Attach::Generic),
            LinkXdp::Attached(XdpAttached::None) => return None,
            LinkXdp::Attached(_) => mode = Some(Attach::Native),
            LinkXdp::ProgId(id) | LinkXdp::DrvProgId(id) | LinkXdp::SkbProgId(id) => {
                program = program.or(Some(*id));
            }
            _ => {}
        }
    }
    Some(AttachedXdp {
        program: program?,
        mode: mode?,
    })
}
