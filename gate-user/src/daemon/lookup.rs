//! Those who ask DNS for the daemon.

use super::DaemonError;
use crate::{
    config::Config,
    dns::{dnsbl::Dnsbl, resolver::Resolver},
};

/// Those who ask DNS.
#[derive(Clone, Debug)]
pub(super) struct Lookups {
    resolver: Resolver,
    pub(super) dnsbl: Dnsbl,
}

impl Lookups {
    /// Begins to ask by this configuration. To be called within the runtime.
    pub(super) fn open(config: &Config) -> Result<Self, DaemonError> {
        let resolver = Resolver::new(&config.dns)?;
        let dnsbl = Dnsbl::start(config.dnsbl.clone(), resolver.clone());
        Ok(Self { resolver, dnsbl })
    }

    /// Asks by this configuration from now on.
    pub(super) fn configure(&self, config: &Config) -> Result<(), DaemonError> {
        self.resolver.reload(&config.dns)?;
        self.dnsbl.configure(config.dnsbl.clone());
        Ok(())
    }
}
