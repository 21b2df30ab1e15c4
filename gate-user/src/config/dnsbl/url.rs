//! A list's page about an address, for replies.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Where one can ask about an address: text with `{ip}` in it, or nothing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlTemplate(Option<Arc<str>>);

impl UrlTemplate {
    /// The longest: replies have lines of 512 bytes (RFC 5321 section 4.5.3.1.5) and more to tell.
    const MAX: usize = 200;

    /// The address of the page about `address`.
    pub fn about(&self, address: IpAddr) -> Option<String> {
        let template = self.0.as_deref()?;
        Some(template.replace("{ip}", &address.to_string()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl TryFrom<String> for UrlTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let rest = text.replace("{ip}", "");
        let told = |what: &str| {
            format!("`{text}` {what}: expected one such as https://zen.example/query?ip={{ip}}")
        };
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            Err(told("does not begin with https:// or http://"))
        } else if text.len() > Self::MAX {
            Err(format!(
                "it has {} bytes: expected {} at most",
                text.len(),
                Self::MAX
            ))
        } else if rest.contains(['{', '}']) {
            Err(told("has braces around something else than ip"))
        } else if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(told("has characters that no URL has"))
        } else {
            Ok(Self(Some(text.into())))
        }
    }
}

impl From<UrlTemplate> for String {
    fn from(template: UrlTemplate) -> Self {
        template.as_str().to_owned()
    }
}
