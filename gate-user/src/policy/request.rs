//! What a mail server asks: attributes in, a checked [`Request`] out.
//!
//! The names are those of Postfix's policy delegation (`SMTPD_POLICY_README`), whichever way they
//! come: that protocol, the one-line protocol, or the control API.

use std::{borrow::Cow, net::IpAddr};

use crate::network::Network;

/// How far the client has come in its conversation with the mail server.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum State {
    /// It has connected.
    Connect,
    /// It has said who it is: HELO or EHLO.
    Helo,
    /// It has named the sender: MAIL.
    Mail,
    /// It names a recipient: RCPT. What is asked without a state is asked here.
    #[default]
    Rcpt,
    /// It is about to send the message: DATA.
    Data,
    /// It has sent the message.
    EndOfMessage,
    /// Something that no mail comes of: VRFY, ETRN.
    Other,
}

impl State {
    /// The name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Helo => "EHLO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::EndOfMessage => "END-OF-MESSAGE",
            Self::Other => "VRFY",
        }
    }

    /// The state of that name. One that is not known yet asks nothing of the checks that need one.
    fn named(name: &[u8]) -> Self {
        match name {
            b"CONNECT" => Self::Connect,
            b"HELO" | b"EHLO" => Self::Helo,
            b"MAIL" => Self::Mail,
            b"RCPT" => Self::Rcpt,
            b"DATA" => Self::Data,
            b"END-OF-MESSAGE" => Self::EndOfMessage,
            _ => Self::Other,
        }
    }
}

/// What a mail server asks about one client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The client's address; an IPv4-mapped one as IPv4.
    pub client: IpAddr,
    /// The client's port; `None` where the mail server does not tell.
    pub port: Option<u16>,
    /// How far it has come.
    pub state: State,
    /// The envelope sender as the client gave it, empty for the null sender; `None` before MAIL, or
    /// where the mail server does not tell.
    pub sender: Option<String>,
    /// The recipient, where the mail server asks about one.
    pub recipient: Option<String>,
    /// The client's PTR name, confirmed or not, where the mail server knows it.
    pub reverse_name: Option<String>,
    /// What requests about the same message have in common.
    pub instance: Option<String>,
    /// How many recipients the mail server has taken for the message. Postfix tells it from DATA on,
    /// and 0 before.
    pub recipients: Option<u32>,
    /// Whether the client has logged in.
    pub authenticated: bool,
}

impl Request {
    /// The source that the client belongs to.
    pub fn source(&self) -> Network {
        Network::source(self.client)
    }

    /// Whether the sender is known to be the null sender, as of bounces (RFC 5321 section 4.5.5).
    pub fn from_nobody(&self) -> bool {
        self.sender.as_deref() == Some("")
    }
}

/// Why attributes make no [`Request`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// A known attribute came twice.
    #[error("`{0}` is there twice: expected it once")]
    Twice(&'static str),
    /// The client's address is missing.
    #[error("`client_address` is missing: expected an IPv4 or IPv6 address")]
    NoClient,
    /// A value that its attribute cannot have.
    #[error("{name} = `{value}`: expected {expected}")]
    Value {
        /// The attribute.
        name: &'static str,
        /// What was given, at most [`SHOWN`] characters of it.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
}

/// Characters of a bad value that are shown.
const SHOWN: usize = 40;

impl RequestError {
    pub(super) fn value(name: &'static str, value: &str, expected: &'static str) -> Self {
        Self::Value {
            name,
            value: value.chars().take(SHOWN).collect(),
            expected,
        }
    }
}

/// Attributes as they come, in any order; the unknown ones are left out.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    client: Option<Client>,
    /// 0 where it is not known.
    port: Option<u16>,
    state: Option<State>,
    sender: Option<String>,
    // Empty where they are not known.
    recipient: Option<String>,
    reverse_name: Option<String>,
    instance: Option<String>,
    recipients: Option<u32>,
    authenticated: Option<bool>,
}

/// Who the mail server says has connected.
#[derive(Clone, Copy, Debug)]
enum Client {
    At(IpAddr),
    /// It does not know: mail that did not come by the network.
    Unknown,
}

/// What is asked, or that there is nobody to judge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    /// About a client.
    Client(Request),
    /// About mail whose client the mail server does not know by its address.
    Nobody,
}

impl Attributes {
    /// Takes one attribute. What is not UTF-8 only ever stands in values that are shown or compared:
    /// it is replaced.
    ///
    /// # Errors
    /// When a known attribute comes twice, or has a value that it cannot have.
    pub fn take(&mut self, name: &[u8], value: &[u8]) -> Result<(), RequestError> {
        match name {
            b"client_address" => once("client_address", &mut self.client, client(&text(value))?),
            b"client_port" => once("client_port", &mut self.port, port(&text(value))?),
            b"protocol_state" => once("protocol_state", &mut self.state, State::named(value)),
            b"sender" => once("sender", &mut self.sender, text(value).into_owned()),
            b"recipient" => once("recipient", &mut self.recipient, text(value).into_owned()),
            b"reverse_client_name" => {
                let known = if value == b"unknown" { b"" } else { value };
                once(
                    "reverse_client_name",
                    &mut self.reverse_name,
                    text(known).into_owned(),
                )
            }
            b"instance" => once("instance", &mut self.instance, text(value).into_owned()),
            b"recipient_count" => {
                let value = &text(value);
                let count = value.parse().map_err(|_| {
                    RequestError::value("recipient_count", value, "a number of recipients")
                })?;
                once("recipient_count", &mut self.recipients, count)
            }
            b"sasl_username" => once("sasl_username", &mut self.authenticated, !value.is_empty()),
            b"request" if value != b"smtpd_access_policy" => Err(RequestError::value(
                "request",
                &text(value),
                "smtpd_access_policy",
            )),
            _ => Ok(()),
        }
    }

    /// The request that they make.
    ///
    /// # Errors
    /// When the client's address is missing.
    pub fn finish(self) -> Result<Subject, RequestError> {
        let client = match self.client.ok_or(RequestError::NoClient)? {
            Client::At(address) => address,
            Client::Unknown => return Ok(Subject::Nobody),
        };
        let state = self.state.unwrap_or_default();
        let named = (State::Mail..=State::EndOfMessage).contains(&state);
        let known = |text: &String| !text.is_empty();
        Ok(Subject::Client(Request {
            client,
            port: self.port.filter(|port| *port > 0),
            state,
            sender: self.sender.filter(|_| named),
            recipient: self.recipient.filter(known),
            reverse_name: self.reverse_name.filter(known),
            instance: self.instance.filter(known),
            recipients: self.recipients,
            authenticated: self.authenticated.unwrap_or_default(),
        }))
    }
}

fn text(value: &[u8]) -> Cow<'_, str> {
    // Nearly all values are UTF-8, and to find that out is quicker than to look for what to replace.
    str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed)
}

fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), RequestError> {
    if place.is_some() {
        return Err(RequestError::Twice(name));
    }
    *place = Some(value);
    Ok(())
}

fn client(value: &str) -> Result<Client, RequestError> {
    if value == "unknown" || value.is_empty() {
        return Ok(Client::Unknown);
    }
    // A link-local address may have its interface behind it (RFC 4007 section 11).
    let address = value.split_once('%').map_or(value, |(address, _)| address);
    match address.parse::<IpAddr>() {
        Ok(address) => Ok(Client::At(address.to_canonical())),
        Err(_) => Err(RequestError::value(
            "client_address",
            value,
            "an IPv4 or IPv6 address",
        )),
    }
}

fn port(value: &str) -> Result<u16, RequestError> {
    if value == "unknown" || value.is_empty() {
        return Ok(0);
    }
    let expected = "a port from 1 to 65535";
    let port = value.parse::<u16>().ok().filter(|port| *port > 0);
    port.ok_or_else(|| RequestError::value("client_port", value, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &str) -> Result<Subject, RequestError> {
        let mut attributes = Attributes::default();
        for pair in pairs.split(' ').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap();
            attributes.take(name.as_bytes(), value.as_bytes())?;
        }
        attributes.finish()
    }

    fn request(pairs: &str) -> Request {
        match read(pairs).unwrap() {
            Subject::Client(request) => request,
            Subject::Nobody => panic!("{pairs}: nobody"),
        }
    }

    #[test]
    fn what_is_asked() {
        let asked = request(
            "request=smtpd_access_policy new_one=x client_address=::ffff:192.0.2.7 client_port=41000 \
             protocol_state=DATA sender=a=b@example.org instance=12.34 recipient_count=3 \
             reverse_client_name=host.example sasl_username= helo_name=x",
        );
        let expected = Request {
            client: "192.0.2.7".parse().unwrap(),
            port: Some(41000),
            state: State::Data,
            sender: Some("a=b@example.org".to_owned()),
            recipient: None,
            reverse_name: Some("host.example".to_owned()),
            instance: Some("12.34".to_owned()),
            recipients: Some(3),
            authenticated: false,
        };
        assert_eq!(asked, expected);
        assert!(request("client_address=192.0.2.7 sasl_username=joe").authenticated);
        let zone = request("client_address=fe80::1%eth0");
        assert_eq!(zone.client, "fe80::1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn a_sender_is_known_from_mail_on() {
        for (pairs, sender, nobody) in [
            ("protocol_state=CONNECT sender=", None, false),
            ("protocol_state=EHLO sender=", None, false),
            ("protocol_state=MAIL sender=", Some(""), true),
            ("protocol_state=RCPT sender=a@b", Some("a@b"), false),
            ("protocol_state=END-OF-MESSAGE sender=", Some(""), true),
            ("protocol_state=VRFY sender=", None, false),
            ("protocol_state=NEW sender=", None, false),
            ("sender=", Some(""), true),
            ("", None, false),
        ] {
            let asked = request(&format!("client_address=192.0.2.7 {pairs}"));
            assert_eq!(asked.sender.as_deref(), sender, "{pairs}");
            assert_eq!(asked.from_nobody(), nobody, "{pairs}");
        }
    }

    #[test]
    fn what_is_no_request() {
        for (pairs, expected) in [
            ("", "`client_address` is missing"),
            ("sender=a@b", "`client_address` is missing"),
            (
                "client_address=x",
                "client_address = `x`: expected an IPv4 or IPv6 address",
            ),
            (
                "client_address=::1 client_address=::1",
                "`client_address` is there twice",
            ),
            (
                "client_address=::1 client_port=0",
                "client_port = `0`: expected a port",
            ),
            (
                "client_address=::1 client_port=99999",
                "client_port = `99999`",
            ),
            (
                "client_address=::1 recipient_count=-1",
                "recipient_count = `-1`",
            ),
            (
                "request=other client_address=::1",
                "request = `other`: expected smtpd_access_policy",
            ),
        ] {
            let error = read(pairs).unwrap_err().to_string();
            assert!(error.contains(expected), "{pairs}: {error}");
        }
        for pairs in ["client_address=unknown", "client_address="] {
            assert_eq!(read(pairs), Ok(Subject::Nobody));
        }
    }
}
