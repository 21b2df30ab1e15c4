//! The form that asks for a removal: what was put in, made harmless for whoever reads it later in a
//! terminal, a log or a page.

use std::net::IpAddr;

use serde::Deserialize;

use super::page::Notice;
use crate::control::api::{MAX_CONTACT, RemovalRequest};

/// The longest contact, and the longest note, in characters. The book takes more bytes of a note than
/// that, and of a contact `MAX_CONTACT`.
const CONTACT: usize = 200;
const NOTE: usize = 500;

/// What was put in.
#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) address: String,
    #[serde(default)]
    contact: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    token: String,
}

impl Asked {
    /// The token, and the request.
    pub(super) fn checked(self) -> Result<(String, RemovalRequest), Notice> {
        let address: Result<IpAddr, _> = self.address.trim().parse();
        let address = address.map_err(|_| Notice::NoAddress)?;
        let (contact, note) = (plain(&self.contact), plain(&self.note));
        let is_address = contact.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !contact.contains(' ')
        });
        let is_long = contact.chars().count() > CONTACT || contact.len() > MAX_CONTACT;
        if is_long || !is_address {
            return Err(Notice::NoContact);
        }
        if note.chars().count() > NOTE {
            return Err(Notice::LongNote);
        }
        let request = RemovalRequest {
            address: address.to_canonical(),
            contact: Some(contact),
            note: (!note.is_empty()).then_some(note),
        };
        Ok((self.token, request))
    }
}

/// `text` in one line, without what would steer a terminal or turn the reading around.
fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let words = text.split(|c: char| c.is_whitespace() || steers(c));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(address: &str, contact: &str, note: &str) -> Result<RemovalRequest, Notice> {
        let [address, contact, note] = [address, contact, note].map(str::to_owned);
        let token = String::new();
        let asked = Asked {
            address,
            contact,
            note,
            token,
        };
        asked.checked().map(|(_, request)| request)
    }

    #[test]
    fn what_is_put_in_is_checked_and_made_harmless() {
        let request = asked(
            " ::ffff:192.0.2.7 ",
            " me@example.net ",
            "we\r\nmended\tit\u{1b}[2J \u{202e}txt",
        );
        assert_eq!(
            request,
            Ok(RemovalRequest {
                address: "192.0.2.7".parse().unwrap(),
                contact: Some("me@example.net".to_owned()),
                note: Some("we mended it [2J txt".to_owned()),
            })
        );
        assert_eq!(asked("2001:db8::7", "a@b.c", "").unwrap().note, None);
        assert_eq!(asked("x", "a@b.c", ""), Err(Notice::NoAddress));
        let (long, wide) = ("a@b.c".repeat(50), format!("{}@b.c", "é".repeat(130)));
        for contact in ["", "me", "@b.c", "a@b", "a@b.c d", &long, &wide] {
            assert_eq!(
                asked("192.0.2.7", contact, ""),
                Err(Notice::NoContact),
                "{contact}"
            );
        }
        let long = "x".repeat(NOTE + 1);
        assert_eq!(asked("192.0.2.7", "a@b.c", &long), Err(Notice::LongNote));
    }
}
