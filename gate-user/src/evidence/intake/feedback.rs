//! The part `message/feedback-report` of an ARF report (RFC 5965 section 3): fields in, what they
//! say out. Fields that decide nothing, `Authentication-Results` among them, are left alone.

use std::net::IpAddr;

use jiff::Timestamp;

use super::{
    mail::Fields,
    received::{parse_address, parse_date},
};

/// The most incidents that one report is believed to stand for.
pub(super) const MAX_INCIDENTS: u32 = 100;
/// The most domains that are told, and the longest one, in bytes (RFC 1035 section 2.3.4).
const MAX_DOMAINS: usize = 10;
const MAX_DOMAIN: usize = 253;

/// What a feedback report says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Feedback {
    /// Whom it names as the source, if anyone.
    pub(super) source: Option<IpAddr>,
    /// When the mail arrived there.
    pub(super) arrived: Option<Timestamp>,
    /// How many messages it stands for, 1 to [`MAX_INCIDENTS`].
    pub(super) incidents: u32,
    /// Domains that it is about (`Reported-Domain`), for a person to read: it decides nothing,
    /// because the sender chose what is advertised.
    pub(super) domains: Vec<String>,
}

/// Why a feedback report is no complaint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAComplaint {
    /// The field that every report has is missing.
    #[error("the feedback report has no Feedback-Type")]
    NoType,
    /// It reports something else.
    #[error(
        "the feedback report is of type `{0}`: complaints are abuse, fraud, virus, opt-out and opt-out-list"
    )]
    Type(String),
    /// It names several sources.
    #[error("the feedback report names several sources")]
    SeveralSources,
}

impl Feedback {
    /// For a complaint without a report: one message.
    pub(super) const fn none() -> Self {
        Self {
            source: None,
            arrived: None,
            incidents: 1,
            domains: Vec::new(),
        }
    }

    /// What these fields say.
    pub(super) fn of(fields: &Fields<'_>) -> Result<Self, NotAComplaint> {
        let kind = fields.first("Feedback-Type").ok_or(NotAComplaint::NoType)?;
        let kind = without_comment(&kind).to_ascii_lowercase();
        // `not-spam` is praise; `auth-failure` (RFC 6591) tells of somebody who is imitated.
        if !matches!(
            kind.as_str(),
            "abuse" | "fraud" | "virus" | "opt-out" | "opt-out-list"
        ) {
            let shown = kind.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(NotAComplaint::Type(shown));
        }
        let mut sources: Vec<IpAddr> = fields
            .all("Source-IP")
            .filter_map(|text| address(&text))
            .collect();
        sources.dedup();
        if sources.len() > 1 {
            return Err(NotAComplaint::SeveralSources);
        }
        // `Received-Date` is what RFC 5965 calls it in its registry, and some write it.
        let arrived = ["Arrival-Date", "Received-Date"]
            .iter()
            .find_map(|name| parse_date(&fields.first(name)?));
        let incidents = fields
            .first("Incidents")
            .and_then(|text| without_comment(&text).parse::<u64>().ok())
            .map_or(1, |count| count.clamp(1, u64::from(MAX_INCIDENTS)));
        Ok(Self {
            source: sources.pop(),
            arrived,
            incidents: u32::try_from(incidents).unwrap_or(MAX_INCIDENTS),
            domains: fields
                .all("Reported-Domain")
                .filter_map(|text| domain(&text))
                .take(MAX_DOMAINS)
                .collect(),
        })
    }
}

/// `abuse (as the user says)`.
fn without_comment(text: &str) -> &str {
    text.split('(').next().unwrap_or_default().trim_ascii()
}

/// An address as reporters write it: bare, or as a literal in brackets. What hides the address
/// (`[redacted]`) names none.
fn address(text: &str) -> Option<IpAddr> {
    let text = without_comment(text);
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    parse_address(bare)
}

/// A domain in lower case; `None` for what is none.
fn domain(text: &str) -> Option<String> {
    let text = without_comment(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let fits = (1..=MAX_DOMAIN).contains(&text.len()) && text.bytes().all(plain);
    fits.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feedback(text: &str) -> Result<Feedback, NotAComplaint> {
        Feedback::of(&Fields::split(text.as_bytes()).0)
    }

    #[test]
    fn what_a_report_says() {
        let report = feedback(
            "Feedback-Type: Abuse (spam)\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n\
             Original-Mail-From: <somespammer@example.net>\r\n\
             Arrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\nReporting-MTA: dns; mail.example.com\r\n\
             Source-IP: 1.2.3.4\r\nIncidents: 3\r\nReported-Domain: Spam.example (in it)\r\n\
             Reported-Domain: \x1b[2J\r\nReported-Domain: other.example\r\nAuthentication-Results: x; spf=fail\r\n",
        );
        assert_eq!(
            report,
            Ok(Feedback {
                source: "1.2.3.4".parse().ok(),
                arrived: "2005-03-08T18:00:00Z".parse().ok(),
                incidents: 3,
                domains: vec!["spam.example".to_owned(), "other.example".to_owned()],
            })
        );
        let date = "Feedback-Type: fraud\nReceived-Date: Mon, 12 Oct 2026 02:00:00 +0200\n";
        let arrived = feedback(date).unwrap().arrived;
        assert_eq!(arrived, "2026-10-12T00:00:00Z".parse().ok());
    }

    #[test]
    fn which_source_a_report_names() {
        for (field, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            ("[1.2.3.4]", Some("1.2.3.4")),
            ("2a00:7::1", Some("2a00:7::1")),
            ("[IPv6:2a00:7::1]", Some("2a00:7::1")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("1.2.3.4 (mail.example)", Some("1.2.3.4")),
            ("[redacted]", None),
            ("unknown", None),
            ("", None),
        ] {
            let report = feedback(&format!("Feedback-Type: abuse\nSource-IP: {field}\n"));
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(report.unwrap().source, expected, "{field}");
        }
    }

    #[test]
    fn incidents_are_bounded() {
        for (field, expected) in [
            ("0", 1),
            ("1", 1),
            ("7 (a week)", 7),
            ("101", MAX_INCIDENTS),
            ("4294967296", MAX_INCIDENTS),
            ("99999999999999999999999", 1),
            ("-3", 1),
            ("many", 1),
        ] {
            let report = feedback(&format!("Feedback-Type: abuse\nIncidents: {field}\n"));
            assert_eq!(report.unwrap().incidents, expected, "{field}");
        }
    }

    #[test]
    fn what_is_no_complaint() {
        for (text, expected) in [
            ("Version: 1\n", NotAComplaint::NoType),
            (
                "Feedback-Type: not-spam\n",
                NotAComplaint::Type("not-spam".into()),
            ),
            (
                "Feedback-Type: Auth-Failure\n",
                NotAComplaint::Type("auth-failure".into()),
            ),
            (
                "Feedback-Type: abuse\nSource-IP: 1.2.3.4\nSource-IP: 1.2.3.5\n",
                NotAComplaint::SeveralSources,
            ),
        ] {
            assert_eq!(feedback(text), Err(expected), "{text}");
        }
    }
}
