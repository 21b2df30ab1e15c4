//! A reply with slots, as the configuration has it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    MAX_LINE, Reply,
    status::{self, Code, Enhanced, StatusError},
    value::Values,
};

/// Octets that most replies find room in.
const USUAL: usize = 160;

/// What a template may have filled in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slot {
    /// The client's address.
    Ip,
    /// The network that is listed, or the source.
    Network,
    /// The client's PTR name.
    Ptr,
    /// The reason's code.
    Reason,
    /// When the listing began; today where nothing is listed.
    Date,
    /// Where reasons are explained.
    Url,
    /// The third-party list's name.
    List,
    /// Where that list tells of the client.
    ListUrl,
    /// The envelope sender.
    Sender,
    /// The limit that was exceeded.
    Limit,
    /// What finds the decision in the log.
    Ref,
}

impl Slot {
    /// Every slot.
    pub const ALL: [Self; 11] = [
        Self::Ip,
        Self::Network,
        Self::Ptr,
        Self::Reason,
        Self::Date,
        Self::Url,
        Self::List,
        Self::ListUrl,
        Self::Sender,
        Self::Limit,
        Self::Ref,
    ];

    /// Its name, as it stands in braces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Network => "network",
            Self::Ptr => "ptr",
            Self::Reason => "reason",
            Self::Date => "date",
            Self::Url => "url",
            Self::List => "list",
            Self::ListUrl => "list_url",
            Self::Sender => "sender",
            Self::Limit => "limit",
            Self::Ref => "ref",
        }
    }

    /// The longest value, in octets; a longer one is cut. Chosen so that no two of them together
    /// fill the line.
    pub const fn longest(self) -> usize {
        match self {
            Self::Ip => "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".len(),
            Self::Network => "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128".len(),
            Self::Ptr | Self::Sender => 128,
            Self::Reason => 10,
            Self::Date => "20261122".len(),
            Self::Url | Self::ListUrl => 160,
            Self::List => 64,
            Self::Limit => 20,
            Self::Ref => 16,
        }
    }
}

/// A reply with slots that is legal whatever fills them: two codes that agree, and printable ASCII
/// in one line that is not too long with the longest of values.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    code: Code,
    enhanced: Enhanced,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Slot(Slot),
}

impl Part {
    fn longest(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Slot(slot) => slot.longest(),
        }
    }
}

/// Why a text is no [`Template`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// The codes at its beginning.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// Nothing behind the codes.
    #[error("no text behind the codes: expected such as `554 5.7.1 Mail refused`")]
    NoText,
    /// A character that no reply may hold (RFC 5321 section 4.2: `textstring`).
    #[error("{0:?} cannot be in a reply: expected printable ASCII in one line")]
    Character(char),
    /// A brace that opens or closes nothing.
    #[error("a brace that stands alone: expected slots such as {{ip}}")]
    Brace,
    /// Braces around something else.
    #[error("{{{0}}} is not known: expected one of {all}", all = all_slots())]
    Slot(String),
    /// The longest values make the line too long.
    #[error(
        "the line would be up to {0} octets long with the longest values: expected {MAX_LINE} or less, its end included"
    )]
    Long(usize),
}

fn all_slots() -> String {
    Slot::ALL
        .map(|slot| format!("{{{}}}", slot.name()))
        .join(" ")
}

impl Template {
    /// The reply with these values.
    pub fn fill(&self, values: &Values<'_>) -> Reply {
        let mut text = String::with_capacity(USUAL);
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Slot(slot) => values.write(*slot, &mut text),
            }
        }
        Reply {
            code: self.code,
            enhanced: self.enhanced,
            text,
        }
    }

    /// Whether `slot` is in it.
    pub fn has(&self, slot: Slot) -> bool {
        self.parts.contains(&Part::Slot(slot))
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (enhanced, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let (code, enhanced) = status::agreeing(code, enhanced)?;
        if text.trim().is_empty() {
            return Err(TemplateError::NoText);
        }
        if let Some(odd) = text.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(TemplateError::Character(odd));
        }
        let template = Self {
            code,
            enhanced,
            parts: parts(text)?,
        };
        let text: usize = template.parts.iter().map(Part::longest).sum();
        let line = template.codes().len() + text + "\r\n".len();
        if line <= MAX_LINE {
            Ok(template)
        } else {
            Err(TemplateError::Long(line))
        }
    }
}

impl Template {
    /// What the line begins with.
    fn codes(&self) -> String {
        format!("{} {} ", self.code, self.enhanced)
    }
}

/// Text and slots, in their order.
fn parts(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let inside = brace.strip_prefix('{').ok_or(TemplateError::Brace)?;
        let (name, behind) = inside.split_once('}').ok_or(TemplateError::Brace)?;
        let slot = Slot::ALL.into_iter().find(|slot| slot.name() == name);
        let slot = slot.ok_or_else(|| TemplateError::Slot(name.to_owned()))?;
        parts.push(Part::Slot(slot));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// As it was read.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.codes())?;
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Slot(slot) => write!(f, "{{{}}}", slot.name())?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_template_is_filled() {
        let text = "554 5.7.1 - ERROR: Mail Refused - <{ip}> - See {url}#{reason} - {date}";
        let template: Template = text.parse().unwrap();
        assert_eq!(template.to_string(), text);
        assert!(template.has(Slot::Url) && !template.has(Slot::Ptr));
        let values = Values::default()
            .ip("192.0.2.7".parse().unwrap())
            .url("https://www.example.org/refused")
            .reason("directspam")
            .date("2026-11-22T10:00:00Z".parse().unwrap());
        assert_eq!(
            template.fill(&values).to_string(),
            "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See https://www.example.org/refused#directspam - 20261122"
        );
    }

    #[test]
    fn what_is_no_template() {
        let long = format!("554 5.7.1 {}", "x".repeat(501));
        for (text, expected) in [
            ("", "`` is no reply code"),
            ("Mail refused", "`Mail` is no reply code"),
            ("250 2.0.0 OK", "`250` is no reply code"),
            ("554 Mail refused", "`Mail` is no enhanced status code"),
            ("554-5.7.1 Mail refused", "`554-5.7.1` is no reply code"),
            ("554 4.7.1 Mail refused", "expected 554 5.7.1"),
            ("554 5.7.1", "no text behind the codes"),
            ("554 5.7.1  ", "no text behind the codes"),
            ("554 5.7.1 a\r\n250 OK", "'\\r' cannot be in a reply"),
            ("554 5.7.1 a\tb", "'\\t' cannot be in a reply"),
            ("554 5.7.1 müde", "'ü' cannot be in a reply"),
            ("554 5.7.1 {ip", "a brace that stands alone"),
            ("554 5.7.1 ip}", "a brace that stands alone"),
            (
                "554 5.7.1 {adress}",
                "{adress} is not known: expected one of {ip} {network}",
            ),
            ("554 5.7.1 {}", "{} is not known"),
            (&long, "up to 513 octets long"),
            (
                "554 5.7.1 {ptr}{sender}{url}{list_url}",
                "up to 588 octets long",
            ),
        ] {
            let error = text.parse::<Template>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(long[..long.len() - 1].parse::<Template>().is_ok());
    }

    /// Templates: most of them good, some too long.
    fn template() -> impl Strategy<Value = String> {
        let slot = (0..Slot::ALL.len()).prop_map(|i| format!("{{{}}}", Slot::ALL[i].name()));
        let part = prop_oneof![slot, "[ -z|~]{0,40}"];
        let codes = prop_oneof![Just("554 5.7.1"), Just("421 4.7.1"), Just("450 4.999.999")];
        (codes, prop::collection::vec(part, 1..6))
            .prop_map(|(codes, parts)| format!("{codes} x{}", parts.concat()))
    }

    proptest! {
        /// What was taken at load is one legal line, whatever a stranger chose as values.
        #[test]
        fn a_reply_is_one_legal_line(
            template in template(),
            name in "(?s).{0,300}",
            octets in prop::collection::vec(any::<u8>(), 0..300),
            address: u128,
        ) {
            let Ok(template) = template.parse::<Template>() else { return Ok(()) };
            let strange = String::from_utf8_lossy(&octets);
            let long = format!("{octets:?}");
            let values = Values::default()
                .ip(std::net::Ipv6Addr::from_bits(address).into())
                .ptr(&name)
                .sender(&strange)
                .list(&name)
                .list_url(&strange)
                .url(&name)
                .limit(&long);
            let reply = template.fill(&values);
            let line = reply.to_string();
            prop_assert!(line.len() + 2 <= MAX_LINE, "{}", line.len());
            prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", line);
            let codes = format!("{} {} ", reply.code(), reply.enhanced());
            prop_assert!(line.starts_with(&codes));
            prop_assert_eq!(codes.chars().next(), reply.enhanced().to_string().chars().next());
        }

        #[test]
        fn no_text_panics(text in "(?s)(554 5\\.7\\.1 )?.{0,60}") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.to_string(), text);
            }
        }
    }
}
