//! `[gate]`: what the gate watches, and how.

use std::{fmt, time::Duration};

use gate_common::{MAX_PORTS, Mode};
use serde::{Deserialize, Serialize};

use super::value;

/// `[gate]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// Network interfaces to guard. Default: none named, which means the interface of the
    /// default route. Example: `["eth0", "eth1"]`.
    #[serde(deserialize_with = "value::unique")]
    pub interfaces: Vec<InterfaceName>,
    /// TCP ports to guard, 1 to 8 of them. Default: `[25]`. Example: `[25, 465, 587]`.
    pub ports: Ports,
    /// What happens to the SYN of a listed source: `"off"` lets everything pass, `"monitor"`
    /// lets it pass and counts it as would-drop, `"enforce"` drops it. Default: `"enforce"`.
    pub mode: Mode,
    /// How the program is put on an interface: `"native"` (in the driver), `"generic"` (in the
    /// stack, any driver, slower) or `"auto"`: native, else generic. Default: `"auto"`.
    pub attach: Attach,
    /// One dropped SYN of this many is reported to `gatectl top`, counted on each CPU; 0 reports
    /// none. Default: `100`.
    pub sample: u32,
    /// How many networks of one address family the gate table can hold, 1 to 67,108,864. Memory
    /// is used for what is in it, not for what it could hold. Default: `2097152`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 67_108_864>")]
    pub max_networks: u32,
    /// How often the gate table is read back from the kernel and compared with the plan, `"1s"`
    /// or more. Default: `"10m"`. Example: `"1h"`.
    #[serde(with = "value::duration")]
    pub verify: Duration,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            ports: Ports::default(),
            mode: Mode::Enforce,
            attach: Attach::Auto,
            sample: 100,
            max_networks: 1 << 21,
            verify: Duration::from_mins(10),
        }
    }
}

/// How the XDP program is put on an interface.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Attach {
    /// Native, else generic.
    Auto,
    /// In the driver, or not at all.
    Native,
    /// In the stack, behind any driver.
    Generic,
}

impl Attach {
    /// The name, as in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}

/// The guarded ports: 1 to [`MAX_PORTS`], none of them 0, none twice; in the order given.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Vec<u16>", into = "Vec<u16>")]
pub struct Ports(Vec<u16>);

impl Ports {
    /// The ports.
    pub fn as_slice(&self) -> &[u16] {
        &self.0
    }
}

/// Port 25.
impl Default for Ports {
    fn default() -> Self {
        Self(vec![25])
    }
}

impl TryFrom<Vec<u16>> for Ports {
    type Error = String;

    fn try_from(ports: Vec<u16>) -> Result<Self, String> {
        if ports.is_empty() || ports.len() > MAX_PORTS {
            return Err(format!(
                "{} ports: expected 1 to {MAX_PORTS} of them",
                ports.len()
            ));
        }
        if ports.contains(&0) {
            return Err("0 is not a port: expected 1 to 65535".to_owned());
        }
        value::no_duplicate(&ports)?;
        Ok(Self(ports))
    }
}

impl From<Ports> for Vec<u16> {
    fn from(ports: Ports) -> Self {
        ports.0
    }
}

/// A name that a network interface can have (`dev_valid_name` in the kernel's net/core/dev.c), but
/// for `conns`, which is how the link of gate's other program is pinned beside the interfaces'.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// `IFNAMSIZ` without the final NUL.
    const MAX: usize = 15;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let possible = (1..=Self::MAX).contains(&name.len())
            && name != "."
            && name != ".."
            && name != gate_common::names::CONNS
            && !name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace());
        if possible {
            Ok(Self(name))
        } else {
            Err(format!(
                "`{name}` cannot be an interface: expected a name as `ip link` shows it, such as eth0"
            ))
        }
    }
}

impl From<InterfaceName> for String {
    fn from(name: InterfaceName) -> Self {
        name.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
