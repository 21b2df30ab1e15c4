//! `[paths]` and `[control]`: where the gate keeps what, and who may command it.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::value;

/// `[paths]`: directories, absolute. Two gates on one host share none of them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    /// What must survive a reboot: the book, the last good copy of each feed,
    /// what was refused as evidence. Default:
    /// `"/var/lib/gate"`.
    #[serde(deserialize_with = "value::absolute")]
    pub state: PathBuf,
    /// The sockets. Default: `"/run/gate"`.
    #[serde(deserialize_with = "value::absolute")]
    pub run: PathBuf,
    /// Programs, links and maps in the BPF file system. Default: `"/sys/fs/bpf/gate"`.
    #[serde(deserialize_with = "value::absolute")]
    pub pins: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            state: "/var/lib/gate".into(),
            run: "/run/gate".into(),
            pins: "/sys/fs/bpf/gate".into(),
        }
    }
}

impl Paths {
    /// The book's SQLite database.
    pub fn book(&self) -> PathBuf {
        self.state.join("gate.db")
    }

    /// The directory of the last good copies of the feeds.
    pub fn feeds(&self) -> PathBuf {
        self.state.join("feeds")
    }

    /// The directory of what was refused as evidence.
    pub fn quarantine(&self) -> PathBuf {
        self.state.join("quarantine")
    }

    /// The socket that `gatectl` speaks to.
    pub fn control_socket(&self) -> PathBuf {
        self.run.join("control.sock")
    }

    /// The socket that the mail server asks, unless it is configured elsewhere.
    pub fn policy_socket(&self) -> PathBuf {
        self.run.join("policy.sock")
    }
}

/// `[control]`: who may command the gate.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlConfig {
    /// File mode of the control socket, octal: who may write to it may command the gate.
    /// Default: `"0660"`.
    pub mode: SocketMode,
    /// Group of the control socket. Default: `""`, the group that `gated` runs in. Example:
    /// `"postmaster"`.
    #[serde(with = "value::optional_text")]
    pub group: Option<String>,
}

/// A file mode, 0000 to 0777, that gives others no write permission; octal text in TOML.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SocketMode(u32);

impl SocketMode {
    /// The permission bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// 0660.
impl Default for SocketMode {
    fn default() -> Self {
        Self(0o660)
    }
}

impl TryFrom<String> for SocketMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if octal && bits <= 0o777 && bits & 0o002 == 0 => Ok(Self(bits)),
            Ok(bits) if octal && bits <= 0o777 => Err(format!(
                "mode {text} would let everybody on this host use the socket: expected a mode without write permission for others, such as \"0660\""
            )),
            _ => Err(format!(
                "`{text}` is not a file mode: expected octal digits such as \"0660\""
            )),
        }
    }
}

impl From<SocketMode> for String {
    fn from(mode: SocketMode) -> Self {
        mode.to_string()
    }
}

impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}
