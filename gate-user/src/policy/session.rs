//! What has been counted of clients: recipients in a connection and of a message, messages and
//! recipients of a source. Pure, and of bounded memory.
//!
//! A mail server asks about each step by itself. What belongs together is told by the client's
//! address and port, which are one connection; and within it by `instance`, which is one message.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    time::Duration,
};

use super::{
    aging::Aging,
    facts::Counts,
    request::{Request, State},
    traffic::Traffic,
    window::Window,
};
use crate::{config::PolicyLimits, network::Network};

/// Connections that are remembered, at least.
const CONVERSATIONS: usize = 16_384;
/// Sources that are remembered, at least.
const SOURCES: usize = 65_536;
/// Nothing heard of a connection for so long, and it is another one: Postfix gives a client up
/// after five minutes (`smtpd_timeout`), but a message may take its time.
const SILENCE: Duration = Duration::from_mins(30);

/// Which connection of the mail server asks, as the policy service numbers them: stands in for the
/// client's port where that is not told.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Peer(pub u64);

/// A client's connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Place {
    client: IpAddr,
    end: End,
}

/// What tells apart two connections of one client.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum End {
    Port(u16),
    Peer(Peer),
}

impl Place {
    fn of(request: &Request, peer: Peer) -> Self {
        Self {
            client: request.client,
            end: request.port.map_or(End::Peer(peer), End::Port),
        }
    }
}

/// What is remembered of a connection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Conversation {
    /// The message at hand, as a hash of its `instance`.
    message: Option<u64>,
    /// Recipients of earlier messages.
    earlier: u32,
    /// Recipients of this message.
    in_message: u32,
    /// The recipient named last, as a hash: who asks twice about it names one.
    recipient: Option<u64>,
    /// Whether this message has been counted.
    counted: bool,
    /// When anything was heard of it.
    heard: Duration,
}

/// What is remembered of a source.
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    messages: Window,
    recipients: Window,
}

/// All that is remembered. Times are since any one moment.
#[derive(Debug)]
pub struct Sessions {
    conversations: Aging<Place, Conversation>,
    sources: Aging<Network, Rates>,
    hash: RandomState,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            conversations: Aging::new(CONVERSATIONS),
            sources: Aging::new(SOURCES),
            hash: RandomState::new(),
        }
    }
}

/// What a request adds, if it is taken.
struct Step {
    conversation: Conversation,
    connections: u32,
    messages: u32,
    /// Fewer than none where the mail server took fewer than it had asked about.
    recipients: i64,
}

impl Sessions {
    /// The counts as they are if `request` is taken.
    pub fn look(
        &self,
        request: &Request,
        peer: Peer,
        limits: &PolicyLimits,
        now: Duration,
    ) -> Counts {
        let step = self.step(request, peer, now);
        let known = self.sources.get(&request.source()).copied();
        let Rates {
            mut messages,
            mut recipients,
        } = known.unwrap_or_default();
        messages.add(step.messages.into(), limits.message_rate.window(), now);
        recipients.add(step.recipients, limits.recipient_rate.window(), now);
        let Conversation {
            earlier,
            in_message,
            ..
        } = step.conversation;
        Counts {
            in_connection: earlier.saturating_add(in_message),
            in_message,
            messages: messages.count(limits.message_rate.window(), now),
            recipients: recipients.count(limits.recipient_rate.window(), now),
        }
    }

    /// Remembers `request`, which was taken; what it added.
    pub fn take(
        &mut self,
        request: &Request,
        peer: Peer,
        limits: &PolicyLimits,
        now: Duration,
    ) -> Traffic {
        let step = self.step(request, peer, now);
        *self.conversations.touch(Place::of(request, peer)) = step.conversation;
        if step.messages != 0 || step.recipients != 0 {
            let Rates {
                messages,
                recipients,
            } = self.sources.touch(request.source());
            messages.add(step.messages.into(), limits.message_rate.window(), now);
            recipients.add(step.recipients, limits.recipient_rate.window(), now);
        }
        Traffic {
            connections: step.connections.into(),
            messages: step.messages.into(),
            recipients: step.recipients,
            refused: 0,
        }
    }

    fn step(&self, request: &Request, peer: Peer, now: Duration) -> Step {
        let known = self.conversations.get(&Place::of(request, peer)).copied();
        let known = known.filter(|known| now.saturating_sub(known.heard) < SILENCE);
        let fresh = known.is_none() || request.state == State::Connect;
        let mut next = match request.state {
            // A client that connects has said nothing yet.
            State::Connect => Conversation::default(),
            _ => known.unwrap_or_default(),
        };
        next.heard = now;
        let hash = |text: &String| self.hash.hash_one(text);
        let message = request.instance.as_ref().map(hash);
        let begins = match message {
            Some(message) => next.message != Some(message),
            // Who does not name messages tells by a count of 0 that one begins.
            None => {
                request.state == State::Mail
                    || (request.state == State::Rcpt && request.recipients == Some(0))
            }
        };
        if begins {
            next.earlier = next.earlier.saturating_add(next.in_message);
            next.message = message;
            next.in_message = 0;
            next.recipient = None;
            next.counted = false;
        }
        let before = next.in_message;
        let recipient = request.recipient.as_ref().map(hash);
        match request.state {
            State::Rcpt if recipient.is_some() && recipient == next.recipient => {}
            State::Rcpt => {
                let taken = request.recipients.unwrap_or(0);
                next.in_message = next.in_message.max(taken).saturating_add(1);
                next.recipient = recipient;
            }
            State::Data | State::EndOfMessage => {
                next.in_message = request.recipients.unwrap_or(next.in_message);
            }
            State::Connect | State::Helo | State::Mail | State::Other => {}
        }
        let is_message = next.in_message > 0 && !next.counted;
        next.counted |= is_message;
        Step {
            conversation: next,
            connections: fresh.into(),
            messages: is_message.into(),
            recipients: i64::from(next.in_message) - i64::from(before),
        }
    }
}

#[cfg(test)]
mod tests;
