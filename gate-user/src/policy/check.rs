//! The checks that a client goes through, and what can come of them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A check. They are made in this order, and the first that objects decides.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PolicyCheck")]
pub enum Check {
    /// Whether the book lists the client, for a reason whose enforcement is `drop` or `reject`.
    Listed,
    /// Whether the client's address has a PTR name that resolves back to it.
    ReverseDns,
    /// Whether that name says dynamic or generic address space.
    PtrClass,
    /// Whether third-party lists have the client.
    Dnsbl,
    /// Whether the sender's domain exists and takes mail.
    SenderDomain,
    /// How many connections the client has open.
    Connections,
    /// How many recipients it has named in one connection.
    RecipientsPerConnection,
    /// How many recipients it has named for one message.
    RecipientsPerMessage,
    /// Whether mail from the null sender has several recipients.
    NullSender,
    /// How many messages come from the source.
    MessageRate,
    /// How many recipients the source names.
    RecipientRate,
}

impl Check {
    /// Every check, in the order in which they are made.
    pub const ALL: [Self; 11] = [
        Self::Listed,
        Self::ReverseDns,
        Self::PtrClass,
        Self::Dnsbl,
        Self::SenderDomain,
        Self::Connections,
        Self::RecipientsPerConnection,
        Self::RecipientsPerMessage,
        Self::NullSender,
        Self::MessageRate,
        Self::RecipientRate,
    ];

    /// Whether it goes by what is counted of the client, and not by who that is.
    pub fn counts(self) -> bool {
        self >= Self::Connections
    }

    /// The name, as in the configuration and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::ReverseDns => "reverse_dns",
            Self::PtrClass => "ptr_class",
            Self::Dnsbl => "dnsbl",
            Self::SenderDomain => "sender_domain",
            Self::Connections => "connections",
            Self::RecipientsPerConnection => "recipients_per_connection",
            Self::RecipientsPerMessage => "recipients_per_message",
            Self::NullSender => "null_sender",
            Self::MessageRate => "message_rate",
            Self::RecipientRate => "recipient_rate",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A case that has a reply of its own.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// The book lists the client.
    Listed,
    /// The PTR name is dynamic or generic.
    PtrClass,
    /// A third-party list has the client.
    Dnsbl,
    /// No PTR (NXDOMAIN).
    NoPtr,
    /// The PTR cannot be resolved for now.
    PtrTemporary,
    /// The PTR name does not resolve back.
    Forged,
    /// The sender's domain cannot be resolved for now.
    SenderTemporary,
    /// The sender's domain does not exist.
    SenderNxdomain,
    /// The sender's domain takes no mail.
    SenderNoMail,
    /// Too many connections.
    Connections,
    /// Too many recipients in one connection.
    RecipientsPerConnection,
    /// Too many recipients for one message.
    RecipientsPerMessage,
    /// Several recipients of a null sender.
    NullSender,
    /// Too many messages from a source.
    MessageRate,
    /// Too many recipients of a source.
    RecipientRate,
    /// A lookup has not come to its end.
    UnderWay,
}

impl Case {
    /// Every case, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::Listed,
        Self::PtrClass,
        Self::Dnsbl,
        Self::NoPtr,
        Self::PtrTemporary,
        Self::Forged,
        Self::SenderTemporary,
        Self::SenderNxdomain,
        Self::SenderNoMail,
        Self::Connections,
        Self::RecipientsPerConnection,
        Self::RecipientsPerMessage,
        Self::NullSender,
        Self::MessageRate,
        Self::RecipientRate,
        Self::UnderWay,
    ];

    /// The reply unless configured.
    pub(crate) const fn default_reply(self) -> &'static str {
        match self {
            Self::Listed => {
                "554 5.7.1 - ERROR: Mail Refused - <{ip}> - See {url}#{reason} - {date}"
            }
            Self::PtrClass => "554 5.7.1 - ERROR: Mail Refused - <{ptr}> - See {url}#{reason}",
            Self::Dnsbl => "554 5.7.1 - ERROR: Mail Refused - <{ip}> - See {list_url}",
            Self::NoPtr => {
                "554 5.7.1 - ERROR: Connection refused. IP name lookup failed for <{ip}>"
            }
            Self::PtrTemporary => {
                "421 4.7.1 - ERROR: Connection refused. Cannot resolve PTR record for <{ip}>"
            }
            Self::Forged => {
                "550 5.7.25 - ERROR: Reverse DNS <{ptr}> does not resolve to <{ip}> (may be forged)"
            }
            Self::SenderTemporary => {
                "421 4.1.8 - ERROR: Domain of sender address {sender} does not resolve"
            }
            Self::SenderNxdomain => {
                "554 5.1.8 - ERROR: Domain of sender address {sender} does not exist"
            }
            Self::SenderNoMail => {
                "421 4.1.8 - ERROR: Domain of sender address {sender} does not accept inbound mail"
            }
            Self::Connections => {
                "421 4.7.1 - ERROR: Connection refused - <{ip}> - Too many simultaneous connections. See {url}#limits"
            }
            Self::RecipientsPerConnection => {
                "452 4.7.1 - ERROR: Mail refused - <{ip}> - Exceeded limit for recipients per connection. See {url}#limits"
            }
            Self::RecipientsPerMessage => "452 4.7.1 - ERROR: Too many recipients for this message",
            Self::NullSender => {
                "554 5.7.1 - ERROR: Null sender with multiple recipients not allowed here"
            }
            Self::MessageRate => {
                "452 4.7.1 - ERROR: Mail refused - <{ip}> - Exceeded limit of {limit} messages. See {url}#limits"
            }
            Self::RecipientRate => {
                "452 4.7.1 - ERROR: Mail refused - <{ip}> - Exceeded limit of {limit} recipients. See {url}#limits"
            }
            Self::UnderWay => {
                "450 4.7.1 - ERROR: Mail refused - <{ip}> - Not all is known of it yet, try again later"
            }
        }
    }
}
