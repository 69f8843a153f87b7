//! Where connections may go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::OutgoingError;

/// The address, or every address of the name, is in a network that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is in a network that connections may not go to")]
pub struct Refused;

/// Which networks connections may go to: those of `allowed`, and otherwise all that are not in `denied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks {
    /// Allowed in spite of `denied`.
    pub allowed: Vec<IpNet>,
    /// Not allowed.
    pub denied: Vec<IpNet>,
}

/// Loopback, link-local, unspecified, multicast and broadcast: addresses of this machine or of nobody in particular.
/// The private ranges are allowed, as a hospital's own systems live there.
const DENIED: [&str; 10] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

impl Default for Networks {
    /// Everything but loopback, link-local, unspecified, multicast and broadcast addresses.
    fn default() -> Self {
        Self { allowed: Vec::new(), denied: DENIED.iter().filter_map(|net| net.parse().ok()).collect() }
    }
}

impl Networks {
    /// Whether a connection to `address` may be made. An IPv4 address inside IPv6 (mapped, or NAT64 with the
    /// well-known prefix of RFC 6052) counts as the IPv4 address.
    #[must_use]
    pub fn allow(&self, address: IpAddr) -> bool {
        let address = plain(address);
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        within(&self.allowed) || !within(&self.denied)
    }

    /// Looks at a URL before anything is resolved: its scheme, and its host if that is an address.
    pub(crate) fn check(&self, url: &Url) -> Result<(), OutgoingError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutgoingError::Address);
        }
        let address = match url.host().ok_or(OutgoingError::Address)? {
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
        };
        if self.allow(address) { Ok(()) } else { Err(Refused.into()) }
    }
}

fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return IpAddr::V4(four);
    }
    let octets = six.octets();
    if octets[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] {
        return IpAddr::from([octets[12], octets[13], octets[14], octets[15]]);
    }
    address
}

/// Resolves names with the operating system and leaves out addresses that are not allowed.
pub(crate) struct Resolver {
    networks: Arc<Networks>,
}

impl Resolver {
    pub(crate) fn new(networks: Arc<Networks>) -> Self {
        Self { networks }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = Arc::clone(&self.networks);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            let allowed: Vec<_> = found.into_iter().filter(|to| networks.allow(to.ip())).collect();
            if allowed.is_empty() {
                return Err(Refused.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
